// Sign-in with OpenID Connect, request by request, in the real runtime: npm's oidc-provider on loopback is the provider.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { dump, readable, shown } from "../../support/dump.mjs";
import { hidden } from "../../support/jar.mjs";
import { client } from "../../support/sign-in.mjs";
import { claimsOf, hashed, newKey, tampered, unsecured } from "../../support/upstream/id-token.mjs";
import { ANN, AUTHORIZE, BOB, CONFIGURATION, KEYS, TOKEN, USERINFO, openId } from "../../support/upstream/openid.mjs";
import { Person, refusal, refusesOtherCallbacks, session, whoami } from "../../support/upstream/person.mjs";
import { fixture } from "../../support/workerd.mjs";

const away = { status: 503, text: /cannot be reached, or has trouble\. Try again/, error: "temporarily_unavailable" };
const unconfirmed = { status: 502, text: /did not confirm who you are\. Try again/, error: "server_error" };

// A provider and a Worker whose users sign in there.
async function pair(options, vars) {
  const provider = await openId(options);
  const server = await fixture({ vars: { ...provider.vars, ...vars }, outbound: provider.outbound });
  provider.knows(server);
  const stop = () => Promise.all([server.stop(), provider.stop()]);
  return { provider, server, stop, [Symbol.asyncDispose]: stop };
}

const { provider, server, stop } = await pair();
after(stop);

// Does something while the provider is not as it should be.
async function during(change, act) {
  const { signedIn, forge } = provider;
  change(provider);
  try {
    return await act();
  } finally {
    provider.heal();
    Object.assign(provider, { signedIn, forge });
  }
}

describe("a user of OpenID Connect", () => {
  for (const [what, options] of [
    ["proves itself in the header", {}],
    ["proves itself in the body", { auth: "client_secret_post" }],
    ["has no secret", { auth: "none" }],
    ["gets tokens signed with ES256", { algorithm: "ES256" }],
    ["gets everything in the id_token", { inToken: true }],
  ]) {
    test(`the client calls for the user if this server ${what}`, async () => {
      await using running = await pair(options);
      const tokens = await new Person(running.server, running.provider).letsIn(await client(running.server));
      const { id, name, email } = await whoami(running.server, tokens);
      const expected = { id: `oidc:${running.provider.url}#u-1`, name: "Ann Example", email: "ann@example.com" };
      assert.deepEqual({ id, name, email }, expected);
      assert.equal(running.provider.asked(USERINFO).length, options.inToken ? 0 : 1);
    });
  }

  test("each authorization request has new PKCE, nonce and state", async () => {
    const of = await client(server);
    const [one, two] = [await new Person(server, provider).approves(of), await new Person(server, provider).approves(of)];
    assert.equal(one.origin + one.pathname, provider.url + AUTHORIZE);
    // The last one since this provider says that it gives refresh tokens for it.
    assert.equal(one.searchParams.get("scope"), "openid profile email offline_access");
    assert.equal(one.searchParams.get("code_challenge_method"), "S256");
    for (const name of ["code_challenge", "nonce", "state"]) {
      const [first, second] = [one, two].map((url) => url.searchParams.get(name));
      assert.match(first, /^[\w-]{43}$/, name);
      assert.notEqual(first, second, name);
    }
  });

  test("OIDC_PROMPT makes the provider ask, and a grant outlives one provider token", async () => {
    const vars = { OIDC_SCOPES: "openid profile email offline_access" };
    for (const [more, prompt, renewals] of [[{}, undefined, 0], [{ OIDC_PROMPT: "consent" }, "consent", 1]]) {
      await using running = await pair({ expires: 600, offline: true }, { ...vars, ...more });
      const [person, of] = [new Person(running.server, running.provider), await client(running.server)];
      await person.letsIn(of);
      const tokens = await person.letsIn(of);
      const asked = running.provider.asked(AUTHORIZE).map(({ query }) => query.prompt);
      assert.deepEqual(asked, [prompt, prompt]);
      const pages = running.provider.requests.filter(({ method, path }) => method === "POST" && path.startsWith("/interaction/"));
      assert.equal(pages.length, prompt ? 2 : 1);
      assert.equal((await of.refresh(tokens.refresh_token)).status, 200);
      assert.equal(running.provider.renewals, renewals);
    }
  });

  test("the token of the user is available to tools alone", async () => {
    const tokens = await new Person(server, provider).letsIn(await client(server));
    const token = await (await session(server, tokens)).callText("upstream_token");
    assert.equal(await provider.owner(token), "u-1");
  });

  test("configuration and keys are fetched once", async () => {
    const of = await client(server);
    await new Person(server, provider).letsIn(of);
    const before = [CONFIGURATION, KEYS].map((path) => provider.asked(path).length);
    assert.deepEqual(before, [1, 1]);
    await new Person(server, provider).letsIn(of);
    assert.deepEqual([CONFIGURATION, KEYS].map((path) => provider.asked(path).length), before);
  });

  test("a server with Google has no other provider", async () => {
    await using google = await openId({ issuer: "https://accounts.google.com" });
    const vars = { IDENTITY_PROVIDER: "google", GOOGLE_CLIENT_ID: google.id, GOOGLE_CLIENT_SECRET: google.clientSecret };
    await using running = await fixture({ vars: { ...vars, GOOGLE_ALLOWED: "@example.com" }, outbound: google.outbound });
    google.knows(running);
    google.signedIn = { ...ANN, hd: "example.com" };
    const [person, of] = [new Person(running, google), await client(running)];
    const url = await person.approves(of);
    assert.equal(url.origin, "https://accounts.google.com");
    assert.equal(url.searchParams.get("access_type"), "offline");
    const { location } = await person.returns(await person.goesOn(url));
    const tokens = await of.redeem(location.searchParams.get("code"));
    assert.equal((await whoami(running, tokens)).id, "google:u-1");
    // Anybody can have a personal account with an address of the domain.
    for (const [who, text] of [
      [BOB, /You are signed in as bob@example\.org \(a personal account\), who may not/],
      [{ ...BOB, email: "bob@example.com" }, /You are signed in as bob@example\.com \(a personal account\), who may not/],
      [{ ...BOB, hd: "example.org" }, /You are signed in as bob@example\.org, who may not/],
    ]) {
      google.signedIn = who;
      await refusal(running, await new Person(running, google).signsIn(of), { status: 403, text, error: "access_denied" });
    }
  });
});

describe("the allow list", () => {
  test("only users with a listed verified address can sign in", async () => {
    await using listed = await pair({}, { OIDC_ALLOWED: "ann@example.com @example.net" });
    const of = await client(listed.server);
    for (const [user, who] of [
      [ANN, undefined],
      [{ ...BOB, email: "Bob@Example.net" }, undefined],
      [BOB, "bob@example.org"],
      [{ ...BOB, email: ANN.email, email_verified: false }, "ann@example.com (not verified)"],
      [{ ...BOB, email: ANN.email, email_verified: undefined }, "ann@example.com (not verified)"],
      [{ sub: "u-3" }, "somebody without an address (not verified)"],
    ]) {
      listed.provider.signedIn = user;
      const person = new Person(listed.server, listed.provider);
      if (!who) {
        assert.ok(await person.letsIn(of));
        continue;
      }
      const answer = await person.signsIn(of);
      assert.ok(answer.text.includes(`You are signed in as ${who}, who may not use this server`), answer.text);
      await refusal(listed.server, answer, { status: 403, text: /Ask whoever runs it/, error: "access_denied" });
    }
  });

  test("a list restricts who sees and calls a tool", async () => {
    const of = await client(server);
    for (const [user, sees] of [[ANN, true], [{ ...ANN, email_verified: false }, false], [BOB, false]]) {
      const tokens = await during(() => (provider.signedIn = user), () => new Person(server, provider).letsIn(of));
      const caller = await session(server, tokens);
      const { tools } = await caller.request("tools/list");
      assert.equal(tools.some(({ name }) => name === "listed_only"), sees, user.email);
      if (sees) assert.equal(await caller.callText("listed_only"), "done");
      else await assert.rejects(caller.call("listed_only"), ({ code }) => code === -32602);
    }
  });
});

describe("ID tokens", () => {
  const now = Math.floor(Date.now() / 1000);
  const changed = (changes) => ({ claims, sign }) => sign({ ...claims, ...changes });
  const stranger = newKey("stranger");
  const namesake = newKey("first");

  for (const [what, forge, cause] of [
    ["of another issuer", changed({ iss: "https://evil.example" }), /another issuer \(iss\)/],
    ["without an issuer", changed({ iss: undefined }), /another issuer \(iss\)/],
    ["for another client", changed({ aud: "another" }), /another client \(aud\)/],
    ["for several clients that does not say which asked", changed({ aud: ["the-client", "another"] }), /azp/],
    ["that another client asked for", changed({ azp: "another" }), /another client \(azp\)/],
    ["of another sign-in", changed({ nonce: "another" }), /another sign-in \(nonce\)/],
    ["of no sign-in", changed({ nonce: undefined }), /another sign-in \(nonce\)/],
    ["that has expired", changed({ exp: now - 120 }), /has ended \(exp\)/],
    ["that never expires", changed({ exp: undefined }), /does not say when it ends/],
    ["of the future", changed({ iat: now + 600 }), /of the future \(iat\)/],
    ["that is not good yet", changed({ nbf: now + 600 }), /not good yet \(nbf\)/],
    ["of nobody", changed({ sub: undefined }), /who signed in \(sub\)/],
    ["that nobody signed (alg none)", ({ claims }) => unsecured(claims), /not signed with RS256 or ES256/],
    ["signed with the client's secret", ({ claims }) => hashed(claims, provider.clientSecret), /not signed with RS256/],
    ["signed with a key that the provider does not show", ({ claims, sign }) => sign(claims, stranger), /none of the provider's keys/],
    ["signed with another key of the same name", ({ claims, sign }) => sign(claims, namesake), /none of the provider's keys/],
    ["whose claims were changed", ({ claims, token }) => tampered(token, { ...claims, sub: "u-2" }), /none of the provider's keys/],
    ["that is none", () => "not a token", /no signed token/],
  ]) {
    test(`an ID token ${what} is refused`, async () => {
      const [person, of] = [new Person(server, provider), await client(server)];
      const users = provider.asked(USERINFO).length;
      const signsIn = async () => refusal(server, await person.signsIn(of), unconfirmed);
      const { line } = await during(() => (provider.forge = forge), signsIn);
      assert.match(line.cause, cause);
      assert.equal(provider.asked(USERINFO).length, users);
    });
  }

  test("a missing ID token is refused", async () => {
    const signsIn = async () => refusal(server, await new Person(server, provider).signsIn(await client(server)), away);
    const { line } = await during(() => (provider.forge = () => undefined), signsIn);
    assert.match(line.cause, /no id_token/);
  });

  test("an ID token with irrelevant differences is accepted", async () => {
    const several = ({ claims, sign }) => sign({ ...claims, aud: ["another", "the-client"], azp: "the-client", exp: now + 0.5 });
    const person = new Person(server, provider);
    assert.ok(await during(() => (provider.forge = several), async () => person.letsIn(await client(server))));
  });

  test("an ID token with another user's userinfo is refused", async () => {
    const other = () => ({ status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(BOB) });
    const signsIn = async () => refusal(server, await new Person(server, provider).signsIn(await client(server)), unconfirmed);
    const { line } = await during(() => provider.fail(USERINFO, other), signsIn);
    assert.match(line.cause, /somebody else/);
  });
});

describe("a sign-in that the provider does not complete", () => {
  for (const [what, path, how] of [
    ["fails with 500 where codes are redeemed", TOKEN, 500],
    ["hangs up where codes are redeemed", TOKEN, "cut"],
    ["fails with 500 where the person is", USERINFO, 500],
    ["does not answer in 8 seconds where the person is", USERINFO, "slow"],
  ]) {
    test(`a provider that ${what} leads to a page with two ways on`, async () => {
      const [person, of] = [new Person(server, provider), await client(server)];
      await during(() => provider.fail(path, how), async () => refusal(server, await person.signsIn(of), away));
      assert.ok(await person.letsIn(of));
    });
  }

  for (const [what, path, how] of [
    ["its configuration is away", CONFIGURATION, 500],
    ["its keys are away", KEYS, 500],
    ["its keys are no keys", KEYS, () => ({ status: 200, headers: {}, body: "{}" })],
  ]) {
    test(`a sign-in fails because ${what}, and works when they are back`, async () => {
      await using fresh = await pair();
      const [person, of] = [new Person(fresh.server, fresh.provider), await client(fresh.server)];
      fresh.provider.fail(path, how);
      const consent = await person.jar.get(of.link());
      const left = await person.jar.post("/authorize", { ...hidden(consent.text), decision: "approve" });
      const answer = left.location ? await person.returns(await person.goesOn(left.location)) : left;
      await refusal(fresh.server, answer, away);
      fresh.provider.heal();
      assert.ok(await person.letsIn(of));
    });
  }

  test("a wrong OIDC_ISSUER leads to a page that names the variable", async () => {
    await using wrong = await fixture({ vars: { ...provider.vars, OIDC_ISSUER: `${provider.url}/realm` }, outbound: provider.outbound });
    const [person, of] = [new Person(wrong, provider), await client(wrong)];
    const consent = await person.jar.get(of.link());
    const answer = await person.jar.post("/authorize", { ...hidden(consent.text), decision: "approve" });
    await refusal(wrong, answer, { status: 500, text: /Set OIDC_ISSUER to the issuer/, error: "server_error" });
  });

  test("an expired code leads to a page with two ways on", async () => {
    const [person, of] = [new Person(server, provider), await client(server)];
    const back = await person.goesOn(await person.approves(of));
    await provider.expireCodes();
    const { line } = await refusal(server, await person.returns(back), unconfirmed);
    assert.match(line.cause, /invalid_grant/);
  });

  test("a wrong secret leads to a page that names the variables", async () => {
    await using wrong = await pair({}, { OIDC_CLIENT_SECRET: "not the secret" });
    const answer = await new Person(wrong.server, wrong.provider).signsIn(await client(wrong.server));
    const text = /does not accept OIDC_CLIENT_ID with OIDC_CLIENT_SECRET \(invalid_client/;
    await refusal(wrong.server, answer, { status: 500, text, error: "server_error" });
  });

  test("a cancelled sign-in returns access_denied to the client", async () => {
    const { status, location } = await new Person(server, provider).signsIn(await client(server), { decision: "Cancel" });
    const { error, state } = Object.fromEntries(location.searchParams);
    assert.deepEqual([status, error, state], [302, "access_denied", "of the client"]);
  });
});

describe("the callback from the provider", () => {
  test("a callback with another issuer is refused and redeems no code", async () => {
    const [person, of] = [new Person(server, provider), await client(server)];
    const back = await person.goesOn(await person.approves(of));
    assert.equal(back.searchParams.get("iss"), provider.url);
    back.searchParams.set("iss", "https://evil.example");
    const redeemed = provider.asked(TOKEN).length;
    const { line } = await refusal(server, await person.returns(back), unconfirmed);
    assert.match(line.cause, /another issuer/);
    assert.equal(provider.asked(TOKEN).length, redeemed);
  });

  test("a callback with another state, in another browser or repeated is refused", async () => {
    await refusesOtherCallbacks(server, provider, await client(server), TOKEN);
  });
});

test("no secret of the provider is on a page, in the log or readable on the disk", async () => {
  await using running = await pair({ expires: 600 });
  const [person, of] = [new Person(running.server, running.provider), await client(running.server)];
  running.provider.forge = ({ claims }) => unsecured(claims);
  await person.signsIn(of);
  running.provider.forge = ({ token }) => token;
  const tokens = await person.letsIn(of);
  const { status, body } = await of.refresh(tokens.refresh_token);
  assert.equal(status, 200);
  const { secrets } = running.provider;
  assert.ok(secrets.length >= 10 && secrets.some((secret) => secret.startsWith("ey") && claimsOf(secret).sub === "u-1"));
  const texts = [...person.seen, JSON.stringify([tokens, body]), ...running.server.logs.map(({ text }) => text)];
  await running.server.kill();
  assert.deepEqual(readable({ ...secrets }, [...dump(running.server.storage), ...shown(texts)]), []);
});
