// Sign-in with Cloudflare Access, request by request, in the real runtime: a stand-in on loopback has a team's keys, and
// requests to the callback have the header that Access adds.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { client } from "../../support/sign-in.mjs";
import { ANN, CERTS, access } from "../../support/upstream/access.mjs";
import { hashed, newKey, tampered, unsecured } from "../../support/upstream/id-token.mjs";
import { Person, refusal, session, whoami } from "../../support/upstream/person.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

// How long after the last time the keys are not fetched again because of a token: crates/sign-in/src/jwks.rs, REFETCH_MS.
const REFETCH_MS = 60_000;

const ASSERTION = "Cf-Access-Jwt-Assertion";
const away = { status: 503, text: /Cloudflare Access cannot be reached, or has trouble\. Try again/, error: "temporarily_unavailable" };
const unconfirmed = { status: 502, text: /Cloudflare Access did not confirm who you are\. Try again/, error: "server_error" };
const around = {
  status: 500,
  text: /did not come through Cloudflare Access\. Put \/callback into the Access application of ACCESS_AUD/,
  error: "server_error",
};

const provider = await access();
const server = await fixture({ vars: provider.vars, outbound: provider.outbound });
after(() => Promise.all([server.stop(), provider.stop()]));

const another = (vars) => fixture({ vars: { ...provider.vars, ...vars }, outbound: provider.outbound });
const fetched = () => provider.asked(CERTS).length;

// Approves, and comes to the callback with the headers that it has then: what that answers.
const comes = async (person, of, headers) => person.returns(await person.approves(of), { headers });

// The same with an assertion, to the tokens of the client.
async function letsIn(running, of, assertion) {
  const { status, location, text } = await comes(new Person(running, provider), of, { [ASSERTION]: assertion });
  assert.equal(status, 302, text);
  assert.equal(location.searchParams.get("state"), "of the client");
  const tokens = await of.redeem(location.searchParams.get("code"));
  assert.ok(tokens, "the code is refused");
  return tokens;
}

// Asserts that there is a page, and a code neither on it nor for the client: the line in the log.
async function isRefused(running, answer, expected) {
  const { back, line } = await refusal(running, answer, expected);
  assert.equal(back.get("code"), null);
  assert.doesNotMatch(answer.text, /[?&;]code=/);
  return line;
}

describe("a user whom Access lets through", () => {
  test("the client calls for the user of Access", async () => {
    const tokens = await letsIn(server, await client(server), provider.assertion());
    const { id, email } = await whoami(server, tokens);
    assert.deepEqual({ id, email }, { id: `access:${ANN.sub}`, email: ANN.email });
  });

  test("a tool for listed addresses is shown only to them", async () => {
    for (const [changes, sees] of [[{}, true], [{ sub: "b-2", email: "bob@example.org" }, false]]) {
      const tokens = await letsIn(server, await client(server), provider.assertion(changes));
      const { tools } = await (await session(server, tokens)).request("tools/list");
      assert.equal(tools.some(({ name }) => name === "listed_only"), sees, JSON.stringify(changes));
    }
  });

  test("sign-in goes straight to the callback, the only address behind Access", async () => {
    const url = await new Person(server, provider).approves(await client(server));
    assert.equal(url.origin + url.pathname, `${server.url}/callback`);
    assert.deepEqual([...url.searchParams.keys()], ["state"]);
  });

  test("a previous key that the team still publishes is accepted", async () => {
    assert.ok(await letsIn(server, await client(server), provider.assertion({}, provider.previous)));
  });

  test("the keys of the team are fetched once", async () => {
    await using fresh = await another();
    const of = await client(fresh);
    const before = fetched();
    for (let time = 0; time < 3; time++) await letsIn(fresh, of, provider.assertion());
    assert.equal(fetched(), before + 1);
  });

  test("a sign-in of one browser is refused in another and a second time", async () => {
    const [person, of] = [new Person(server, provider), await client(server)];
    const back = await person.approves(of);
    const added = { headers: { [ASSERTION]: provider.assertion() } };
    const answers = [await new Person(server, provider).returns(back, added)];
    assert.ok((await person.returns(back, added)).location.searchParams.get("code"));
    answers.push(await person.returns(back, added));
    for (const { status, location, text } of answers) {
      assert.deepEqual([status, location], [400, null]);
      assert.match(text, /used already, or it belongs to another browser/);
    }
  });
});

describe("a request without an assertion", () => {
  for (const [what, headers] of [
    ["at all", () => ({})],
    ["that has the address which Access names beside it", () => ({ "Cf-Access-Authenticated-User-Email": ANN.email })],
    ["that has one in the cookie alone", () => ({ cookie: `CF_Authorization=${provider.assertion()}` })],
  ]) {
    test(`a request without an assertion ${what} is refused with the missing setting`, async () => {
      const [person, of] = [new Person(server, provider), await client(server)];
      const url = await person.approves(of);
      const { cookie, ...others } = headers();
      const sent = { ...others, cookie: [person.jar.header, cookie].filter(Boolean).join("; ") };
      await isRefused(server, await person.returns(url, { headers: sent }), around);
    });
  }

  test("a failed sign-in offers a retry that works later", async () => {
    const [person, of] = [new Person(server, provider), await client(server)];
    await isRefused(server, await comes(person, of, {}), around);
    const { location } = await comes(person, of, { [ASSERTION]: provider.assertion() });
    assert.ok(await of.redeem(location.searchParams.get("code")));
  });
});

describe("an assertion", () => {
  const now = Math.floor(Date.now() / 1000);
  const saying = (changes) => () => provider.assertion(changes);
  const stranger = newKey("stranger");
  const namesake = newKey(provider.key.kid);

  for (const [what, forged, cause] of [
    ["for another application", saying({ aud: ["another"] }), /another client \(aud\)/],
    ["for no application", saying({ aud: undefined }), /another client \(aud\)/],
    ["of another team", saying({ iss: "https://evil.cloudflareaccess.com" }), /another issuer \(iss\)/],
    ["of no team", saying({ iss: undefined }), /another issuer \(iss\)/],
    ["that has expired", saying({ exp: now - 120 }), /has ended \(exp\)/],
    ["that never expires", saying({ exp: undefined }), /does not say when it ends/],
    ["that is not good yet", saying({ nbf: now + 600 }), /not good yet \(nbf\)/],
    ["of a service token", saying({ sub: "", common_name: "service.access" }), /of no person/],
    ["of the whole team", saying({ type: "org" }), /of no person/],
    ["that nobody signed (alg none)", () => unsecured(provider.claims()), /not signed with RS256 or ES256/],
    ["signed with the audience tag", () => hashed(provider.claims(), provider.audience), /not signed with RS256 or ES256/],
    ["signed with a key that the team does not show", () => provider.assertion({}, stranger), /none of the provider's keys/],
    ["signed with another key of the same name", () => provider.assertion({}, namesake), /none of the provider's keys/],
    ["whose claims were changed", () => tampered(provider.assertion(), provider.claims({ sub: "u-2" })), /none of the provider's keys/],
    ["that is none", () => ANN.email, /no signed token/],
  ]) {
    test(`an assertion ${what} is refused`, async () => {
      const answer = await comes(new Person(server, provider), await client(server), { [ASSERTION]: forged() });
      assert.match((await isRefused(server, answer, unconfirmed)).cause, cause);
    });
  }
});

describe("the keys of a team", () => {
  for (const [what, how] of [
    ["has trouble where its keys are", 500],
    ["shows no keys", () => ({ status: 200, headers: {}, body: "{}" })],
  ]) {
    test(`a team that ${what} blocks sign-in until its keys are back`, async () => {
      await using fresh = await another();
      const of = await client(fresh);
      provider.fail(CERTS, how);
      try {
        const answer = await comes(new Person(fresh, provider), of, { [ASSERTION]: provider.assertion() });
        await isRefused(fresh, answer, away);
      } finally {
        provider.heal();
      }
      assert.ok(await letsIn(fresh, of, provider.assertion()));
    });
  }

  // The last one: it changes what the others sign with.
  test("a rotated key is found within a minute by one request", async () => {
    await using fresh = await another();
    const of = await client(fresh);
    const start = performance.now();
    await letsIn(fresh, of, provider.assertion());
    const [before, old] = [fetched(), provider.previous];
    provider.rotate("tomorrow");
    const answer = await comes(new Person(fresh, provider), of, { [ASSERTION]: provider.assertion() });
    assert.match((await isRefused(fresh, answer, unconfirmed)).cause, /none of the provider's keys/);
    assert.equal(fetched(), before);
    await until(() => performance.now() - start > REFETCH_MS + 1000, "the minute", { ms: 2 * REFETCH_MS, every: 500 });
    assert.ok(await letsIn(fresh, of, provider.assertion()));
    assert.ok(await letsIn(fresh, of, provider.assertion({}, provider.previous)));
    const withdrawn = await comes(new Person(fresh, provider), of, { [ASSERTION]: provider.assertion({}, old) });
    assert.match((await isRefused(fresh, withdrawn, unconfirmed)).cause, /none of the provider's keys/);
    assert.equal(fetched(), before + 1);
  });
});
