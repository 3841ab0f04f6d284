// Sign-in by the demo provider, request by request, in the real runtime. What the pages do with what attackers send is
// tested without it: tests/integration/sign_in.rs.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Jar, hidden } from "../../support/jar.mjs";
import { open, openSse, request } from "../../support/mcp.mjs";
import { DEMO, client, takes } from "../../support/sign-in.mjs";
import { WAIT_MS, bounded, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture({ vars: DEMO, secondSocket: true });
after(() => server.stop());

// Asks, approves as `name`, and comes back: the answer that leads to the client.
async function approve(jar, of, { name = "ann", more, ...fields } = {}) {
  const page = await jar.get(of.link(more));
  assert.equal(page.status, 200, page.text);
  const left = await jar.post("/authorize", { ...hidden(page.text), decision: "approve", name, ...fields });
  assert.equal(left.status, 303, left.text);
  return jar.get(left.location);
}

async function connected(jar, of, options) {
  const { location } = await approve(jar, of, options);
  const tokens = await of.redeem(location.searchParams.get("code"));
  assert.ok(tokens, `${location}`);
  return tokens;
}

describe("a user who approves", () => {
  test("the client calls for the user", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    const { access_token } = await connected(jar, of, { name: "Ann", more: { scope: "read" } });
    const session = await open(server, { headers: { authorization: `Bearer ${access_token}` } });
    const { structuredContent } = await session.call("whoami_user");
    const { id, name, scopes } = structuredContent;
    assert.deepEqual({ id, name, scopes }, { id: "demo:Ann", name: "Ann", scopes: ["read"] });
  });

  test("each cookie has a header of its own, and only the remembered consent is left", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    const page = await jar.get(of.link());
    assert.equal(jar.cookies.size, 1);
    const left = await jar.post("/authorize", { ...hidden(page.text), decision: "approve", remember: "yes" });
    const back = await jar.get(left.location);
    const lines = back.headers.getSetCookie();
    assert.equal(lines.length, 2, `${lines}`);
    for (const line of lines) assert.match(line, /; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
    assert.deepEqual([...jar.cookies.keys()], ["consent"]);
  });

  test("a sign-in may continue in another isolate", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    const page = await jar.get(of.link());
    const left = await jar.post("/authorize", { ...hidden(page.text), decision: "approve" });
    const elsewhere = new URL(left.location.pathname + left.location.search, server.second.url);
    assert.match(`${(await jar.get(elsewhere)).location}`, /^https:\/\/client\.example\/callback\?code=/);
  });

  test("every page is marked as a demonstration", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    for (const path of [of.link(), "/", "/account", "/callback", "/authorize"]) {
      assert.match((await jar.get(path)).text, /anybody can be anybody here/, path);
    }
  });
});

describe("a user who denies", () => {
  test("a denial returns access_denied to the client", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    const page = await jar.get(of.link());
    const { location } = await jar.post("/authorize", { ...hidden(page.text), decision: "deny" });
    assert.equal(location.searchParams.get("error"), "access_denied");
    assert.equal(location.searchParams.get("state"), "of the client");
  });

  test("a form from another site is ignored", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    const fields = { ...hidden((await jar.get(of.link())).text), decision: "approve" };
    const forged = await jar.post("/authorize", { ...fields, csrf: "x".repeat(32) });
    const foreign = await jar.post("/authorize", fields, { headers: { origin: "https://evil.example" } });
    for (const { status, headers, location } of [forged, foreign]) {
      assert.equal(status, 403);
      assert.equal(location, null);
      assert.match(headers.get("content-type"), /^text\/html/);
    }
  });
});

describe("/account", () => {
  test("the page ends grants and sessions at once", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    const name = "Berta";
    const { access_token } = await connected(jar, of, { name });
    const session = await open(server, { headers: { authorization: `Bearer ${access_token}` } });
    assert.ok(await takes(server, access_token));
    const left = await jar.post("/account", { do: "sign-in", name });
    assert.equal((await jar.get(left.location)).location.pathname, "/account");
    const page = await jar.get("/account");
    assert.match(page.text, /Client of the tests/);
    const ended = await jar.post("/account", { ...hidden(page.text), do: "end" });
    assert.equal(ended.status, 303, ended.text);
    assert.equal(await takes(server, access_token), false);
    await assert.rejects(session.call("whoami_user"));
    assert.doesNotMatch((await jar.get("/account")).text, /Client of the tests/);
  });

  test("a disconnected client gets 401, and 404 for its old session after a new sign-in", async () => {
    const [jar, of, name] = [new Jar(server), await client(server), "Carla"];
    const { access_token } = await connected(jar, of, { name });
    const headers = bearer(access_token);
    const session = await open(server, { headers, client: { name: "Laptop", version: "2" } });
    const sse = await openSse(server, { headers });
    const stream = session.stream();
    assert.equal((await stream.opened).status, 200);
    assert.equal(await session.callText("increment"), "1");
    const page = await listing(jar, name, 2);
    assert.match(page.text, /Laptop 2/);
    // A sign-in that waits for its last step.
    const waiting = await approve(jar, of, { name });
    assert.equal((await jar.post("/account", { ...hidden(page.text), do: "end" })).status, 303);
    const refusedCall = await session.post(request(7, "tools/list"));
    const again = await of.redeem(waiting.location.searchParams.get("code"));
    const old = await session.post(request(8, "tools/list"), { headers: bearer(again.access_token) });
    const oldSse = await sse.post(request(8, "tools/list"), { headers: bearer(again.access_token) });
    assert.equal(refusedCall.status, 401, `${refusedCall}`);
    assert.equal(refusedCall.json.error, "invalid_token");
    for (const answer of [old, oldSse]) {
      assert.equal(answer.status, 404, `${answer}`);
      assert.match(answer.json.error.message, /session/i);
    }
    // What it had open is closed.
    await bounded(stream.text(), WAIT_MS, "the end of the stream");
    await bounded(sse.ended, WAIT_MS, "the end of the stream of HTTP+SSE");
    const anew = await open(server, { headers: bearer(again.access_token) });
    assert.equal(await anew.callText("increment"), "1");
  });

  test("the page lists sessions, ends one alone and forgets ended ones", async () => {
    const [jar, of, name] = [new Jar(server), await client(server), "Dana"];
    const headers = bearer((await connected(jar, of, { name })).access_token);
    const begin = (name) => open(server, { headers, client: { name, version: "1.0" } });
    const [laptop, phone, third] = [await begin("Laptop"), await begin("Phone"), await begin("Third")];
    assert.equal(await laptop.callText("increment"), "1");
    const page = await listing(jar, name, 3);
    const sessions = Object.fromEntries(
      [...page.text.matchAll(/<bdi>(\w+) 1\.0<\/bdi>.*?name="session" value="([^"]+)"/gs)].map(([, name, key]) => [name, key]),
    );
    const ended = await jar.post("/account", { ...hidden(page.text), session: sessions.Laptop, do: "end-session" });
    assert.equal(`${ended.status} ${ended.location.search}`, "303 ?done=end-session");
    const answer = await laptop.post(request(7, "tools/list"));
    assert.equal(answer.status, 404, `${answer}`);
    assert.equal(await phone.callText("increment"), "1");
    assert.equal((await third.end()).status, 204);
    const left = await listing(jar, name, 1);
    assert.match(left.text, /Phone 1\.0/);
    // A session of HTTP+SSE is its stream.
    const sse = await openSse(server, { headers });
    assert.match((await listing(jar, name, 2)).text, /HTTP\+SSE/);
    sse.close();
    await Promise.allSettled([sse.ended]);
    // That a client has hung up is noticed with what is sent to it.
    await until(async () => (await sse.post(request(9, "ping"))).status === 404, "the end of the session");
    assert.doesNotMatch((await listing(jar, name, 1)).text, /HTTP\+SSE/);
  });
});

const bearer = (token) => ({ authorization: `Bearer ${token}` });

// The page of a person, once it shows so many sessions: they are noted beside the requests that begin them.
async function listing(jar, name, sessions) {
  if (!jar.cookies.has("account")) await jar.get((await jar.post("/account", { do: "sign-in", name })).location);
  let page;
  await until(async () => {
    page = await jar.get("/account");
    assert.equal(page.status, 200, page.text);
    return page.text.split('value="end-session"').length - 1 === sessions;
  }, () => `${sessions} sessions\n${page.text}`);
  return page;
}

describe("error pages", () => {
  test("an error page has the number of its log line", async () => {
    const { text, status } = await new Jar(server).get("/callback?state=unknown-unknown");
    assert.equal(status, 400);
    const [, id] = /<code>([0-9a-f]{8})<\/code>/.exec(text);
    const { json } = await server.log(({ json }) => json?.id === id);
    assert.equal(json.event, "problem");
  });

  test("a misconfigured deployment says so on each page and signs nobody in", async () => {
    await using broken = await fixture({ vars: { IDENTITY_PROVIDER: "demo" } });
    for (const path of ["/", "/account"]) assert.match((await new Jar(broken).get(path)).text, /DEMO_LOGIN/);
    assert.equal(await takes(broken, "x"), false);
    await broken.log(({ text }) => text.includes("DEMO_LOGIN"));
  });
});
