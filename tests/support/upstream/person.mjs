// A person who lets a client in, request by request: on this server's pages, at the identity provider, and back.
import assert from "node:assert/strict";
import { Jar, hidden } from "../jar.mjs";
import { open } from "../mcp.mjs";

/** A person with a browser of their own, who signs in with one identity provider. */
export class Person {
  /** Everything that this server said to the browser. */
  seen = [];

  constructor(server, provider) {
    this.server = server;
    this.provider = provider;
    this.jar = new Jar(server);
    // The provider's cookies are of another host.
    this.elsewhere = new Jar(provider);
  }

  /** Approves on the page that a client sends them to: the URL at the identity provider. */
  async approves(client, more) {
    const consent = this.#see(await this.jar.get(client.link(more)));
    assert.equal(consent.status, 200, consent.text);
    const left = this.#see(await this.jar.post("/authorize", { ...hidden(consent.text), decision: "approve" }));
    assert.equal(left.status, 303, left.text);
    return left.location;
  }

  /** Does what the identity provider's pages ask for, or presses `Cancel`: the URL that it sends them back to. */
  async goesOn(url, decision = "Authorize") {
    let answer = await this.elsewhere.get(this.provider.reach(url));
    for (let step = 0; step < 10; step++) {
      if (answer.location && !this.provider.has(answer.location)) return answer.location;
      if (answer.location) {
        answer = await this.elsewhere.get(this.provider.reach(answer.location));
        continue;
      }
      assert.equal(answer.status, 200, answer.text);
      const action = /<form method="post" action="([^"]*)"/.exec(answer.text)[1];
      answer = await this.elsewhere.post(action, { ...hidden(answer.text), decision });
    }
    throw new Error(`the identity provider does not come to an end: ${answer.text}`);
  }

  /** Comes back to this server; `headers` are what something in between adds. */
  async returns(url, { headers } = {}) {
    return this.#see(await this.jar.get(url, { headers }));
  }

  /** All of it: what the callback answers. */
  async signsIn(client, { decision, more } = {}) {
    return this.returns(await this.goesOn(await this.approves(client, more), decision));
  }

  /** The tokens that the client gets. */
  async letsIn(client, options) {
    const { location, text } = await this.signsIn(client, options);
    assert.ok(location?.searchParams.get("code"), `${location} ${text}`);
    assert.equal(location.searchParams.get("state"), "of the client");
    const tokens = await client.redeem(location.searchParams.get("code"));
    assert.ok(tokens, "the code is refused");
    return tokens;
  }

  #see(answer) {
    this.seen.push([...answer.headers].join("\n"), answer.text);
    return answer;
  }
}

/** A session of the client that has such tokens. */
export const session = (server, { access_token }) =>
  open(server, { headers: { authorization: `Bearer ${access_token}` } });

/** The user that the client calls for, as a tool sees them. */
export const whoami = async (server, tokens) =>
  (await (await session(server, tokens)).call("whoami_user")).structuredContent;

/**
 * Asserts that an answer is the page for people that says what happened and has two ways on, and that the log has a line
 * with its number: `{ again, back, line }`. `back` are the parameters that the client gets.
 */
export async function refusal(server, answer, { status, text, error }) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.location, null);
  assert.match(answer.headers.get("content-type"), /^text\/html/);
  assert.match(plain(answer.text), text);
  const ways = [...answer.text.matchAll(/<a class="button[^"]*" href="([^"]+)"/g)].map(([, url]) => new URL(plain(url), server.url));
  assert.equal(ways.length, 2, answer.text);
  const [again, { searchParams: back }] = ways;
  assert.equal(again.pathname, "/authorize");
  assert.equal(again.origin, server.url);
  assert.deepEqual([back.get("error"), back.get("state")], [error, "of the client"]);
  const [, id] = /<code>([0-9a-f]{8})<\/code>/.exec(answer.text);
  const { json } = await server.log(({ json }) => json?.id === id);
  return { again, back, line: json };
}

/**
 * Asserts that a callback with another state, in another browser or repeated is refused, and redeems no code at the
 * provider's endpoint `token`.
 */
export async function refusesOtherCallbacks(server, provider, client, token) {
  const person = new Person(server, provider);
  const back = await person.goesOn(await person.approves(client));
  const wrong = new URL(back);
  wrong.searchParams.set("state", `${back.searchParams.get("state")}x`);
  const redeemed = provider.asked(token).length;
  const answers = [await person.returns(wrong), await new Person(server, provider).returns(back)];
  assert.equal(provider.asked(token).length, redeemed);
  assert.ok((await person.returns(back)).location.searchParams.get("code"));
  answers.push(await person.returns(back));
  assert.equal(provider.asked(token).length, redeemed + 1);
  for (const { status, location, text } of answers) {
    assert.deepEqual([status, location], [400, null]);
    assert.match(text, /used already, or it belongs to another browser/);
  }
}

const ENTITIES = { "&amp;": "&", "&#38;": "&", "&#39;": "'", "&#34;": '"', "&lt;": "<", "&gt;": ">" };
const plain = (html) => html.replace(/&#?\w+;/g, (entity) => ENTITIES[entity] ?? entity);
