// Sign-in with Cloudflare, request by request, in the real runtime: a stand-in on loopback has Cloudflare's endpoints.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { dump, readable, shown } from "../../support/dump.mjs";
import { client } from "../../support/sign-in.mjs";
import { ANN, AUTHORIZE, BOB, TOKEN, api, cloudflare } from "../../support/upstream/cloudflare.mjs";
import { Person, refusal, refusesOtherCallbacks, session, whoami } from "../../support/upstream/person.mjs";
import { json } from "../../support/upstream/stand-in.mjs";
import { fixture } from "../../support/workerd.mjs";

const provider = await cloudflare();
const server = await fixture({ vars: provider.vars, outbound: provider.outbound });
after(() => Promise.all([server.stop(), provider.stop()]));

const another = (vars) => fixture({ vars: { ...provider.vars, ...vars }, outbound: provider.outbound });

// Does something while somebody else is signed in at Cloudflare, or while it has trouble.
async function during(change, act) {
  change(provider);
  try {
    return await act();
  } finally {
    provider.heal();
    provider.signedIn = ANN;
  }
}

describe("a user of Cloudflare", () => {
  test("the client calls for the user of Cloudflare with their accounts", async () => {
    const tokens = await new Person(server, provider).letsIn(await client(server));
    const { id, name, email, accounts } = await whoami(server, tokens);
    const expected = { id: `cloudflare:${ANN.id}`, name: "Ann Example", email: ANN.email, accounts: ANN.accounts };
    assert.deepEqual({ id, name, email, accounts }, expected);
  });

  test("a user without a name or an account can sign in", async () => {
    const signIn = async () => new Person(server, provider).letsIn(await client(server));
    const tokens = await during(() => (provider.signedIn = BOB), signIn);
    const { id, name, email, accounts } = await whoami(server, tokens);
    assert.deepEqual({ id, name, email, accounts }, { id: `cloudflare:${BOB.id}`, name: null, email: BOB.email, accounts: [] });
  });

  test("a user with very many accounts has the first 50", async () => {
    const many = Array.from({ length: 80 }, (_, number) => ({ id: `${number}`.padStart(32, "0"), name: `Account ${number}` }));
    const signIn = async () => new Person(server, provider).letsIn(await client(server));
    const tokens = await during(() => (provider.signedIn = { ...ANN, accounts: many }), signIn);
    assert.deepEqual((await whoami(server, tokens)).accounts, many.slice(0, 50));
  });

  test("the authorization request follows Cloudflare's documentation", async () => {
    const [person, of] = [new Person(server, provider), await client(server)];
    const url = await person.approves(of);
    assert.equal(url.origin + url.pathname, provider.url + AUTHORIZE);
    assert.equal(url.searchParams.get("scope"), "user-details.read account-settings.read offline_access");
    assert.match(url.searchParams.get("code_challenge"), /^[\w-]{43}$/);
    assert.equal(url.searchParams.get("code_challenge_method"), "S256");
    await person.returns(await person.goesOn(url));
    const { headers, form } = provider.asked(TOKEN).at(-1);
    assert.match(headers.authorization, /^Basic /);
    assert.equal(form.client_secret, undefined);
  });

  test("the token of the user is available to tools alone", async () => {
    const tokens = await new Person(server, provider).letsIn(await client(server));
    const token = await (await session(server, tokens)).callText("upstream_token");
    assert.equal(provider.owner(token).id, ANN.id);
  });

  test("sign-in goes to Cloudflare itself without a variable", async () => {
    await using usual = await fixture({ vars: provider.credentials, outbound: provider.outbound });
    const [person, of] = [new Person(usual, provider), await client(usual)];
    const url = await person.approves(of);
    assert.equal(url.origin + url.pathname, `https://dash.cloudflare.com${AUTHORIZE}`);
    const back = await person.goesOn(url);
    const before = provider.requests.length;
    assert.ok((await person.returns(back)).location.searchParams.get("code"));
    const asked = provider.requests.slice(before);
    const urls = asked.map(({ headers, path }) => `${headers["x-forwarded-proto"]}://${headers.host}${path}`);
    assert.deepEqual(urls.sort(), [
      "https://api.cloudflare.com/client/v4/accounts",
      "https://api.cloudflare.com/client/v4/user",
      "https://dash.cloudflare.com/oauth2/token",
    ]);
  });

  test("a user whose accounts are withheld can sign in without them", async () => {
    await using narrow = await another({ CLOUDFLARE_SCOPES: "user-details.read" });
    const of = await client(narrow);
    const tokens = await new Person(narrow, provider).letsIn(of);
    assert.deepEqual((await whoami(narrow, tokens)).accounts, []);
    // Without offline_access there is nothing to renew.
    const { status } = await of.refresh(tokens.refresh_token);
    assert.equal(status, 200);
    assert.equal(provider.renewals, 0);
  });
});

describe("a sign-in that Cloudflare does not complete", () => {
  const away = { status: 503, text: /Cloudflare \(stand-in\) cannot be reached, or has trouble\. Try again/, error: "temporarily_unavailable" };
  const unconfirmed = { status: 502, text: /Cloudflare \(stand-in\) did not confirm who you are\. Try again/, error: "server_error" };
  const unsuccessful = () => json({ success: false, errors: [{ code: 1 }], messages: [], result: null });

  for (const [what, path, how, expected] of [
    ["fails with 500 where codes are redeemed", TOKEN, 500, away],
    ["hangs up where codes are redeemed", TOKEN, "cut", away],
    ["does not answer in 8 seconds where codes are redeemed", TOKEN, "slow", away],
    ["fails with 500 where the user is", api("/user"), 500, away],
    ["has no success where the user is", api("/user"), unsuccessful, away],
    ["fails with 500 where the accounts are", api("/accounts"), 500, away],
    ["has had enough requests", api("/accounts"), 429, away],
    ["says 401 to the token that it just gave", api("/user"), 401, unconfirmed],
  ]) {
    test(`a provider that ${what} leads to a page with two ways on`, async () => {
      const [person, of] = [new Person(server, provider), await client(server)];
      await during(() => provider.fail(path, how), async () => refusal(server, await person.signsIn(of), expected));
      assert.ok(await person.letsIn(of));
    });
  }

  test("an expired code leads to a page with two ways on", async () => {
    const [person, of] = [new Person(server, provider), await client(server)];
    const back = await person.goesOn(await person.approves(of));
    provider.expireCodes();
    const { line } = await refusal(server, await person.returns(back), unconfirmed);
    assert.match(line.cause, /invalid_grant/);
  });

  test("a wrong secret leads to a page that names the variables", async () => {
    await using wrong = await another({ CLOUDFLARE_CLIENT_SECRET: "not the secret" });
    const answer = await new Person(wrong, provider).signsIn(await client(wrong));
    const text = /does not accept CLOUDFLARE_CLIENT_ID with CLOUDFLARE_CLIENT_SECRET \(invalid_client/;
    await refusal(wrong, answer, { status: 500, text, error: "server_error" });
  });

  test("a missing scope is named on the page", async () => {
    await using narrow = await another({ CLOUDFLARE_SCOPES: "account-settings.read" });
    const answer = await new Person(narrow, provider).signsIn(await client(narrow));
    await refusal(narrow, answer, { status: 500, text: /the scope User Details Read/, error: "server_error" });
  });

  test("a cancelled sign-in returns access_denied to the client", async () => {
    const redeemed = provider.asked(TOKEN).length;
    const { status, location } = await new Person(server, provider).signsIn(await client(server), { decision: "Cancel" });
    const { error, state } = Object.fromEntries(location.searchParams);
    assert.deepEqual([status, error, state], [302, "access_denied", "of the client"]);
    assert.equal(provider.asked(TOKEN).length, redeemed);
  });

  test("a callback with another state, in another browser or repeated is refused", async () => {
    await refusesOtherCallbacks(server, provider, await client(server), TOKEN);
  });
});

test("no secret of Cloudflare is on a page, in the log or readable on the disk", async () => {
  await using provider = await cloudflare({ expires: 600 });
  await using server = await fixture({ vars: provider.vars, outbound: provider.outbound });
  const [person, of] = [new Person(server, provider), await client(server)];
  provider.fail(api("/user"), 500);
  await person.signsIn(of);
  provider.heal();
  const tokens = await person.letsIn(of);
  const { status, body } = await of.refresh(tokens.refresh_token);
  assert.deepEqual([status, provider.renewals], [200, 1]);
  assert.ok(provider.secrets.length >= 9, `${provider.secrets.length}`);
  const texts = [...person.seen, JSON.stringify([tokens, body]), ...server.logs.map(({ text }) => text)];
  await server.kill();
  assert.deepEqual(readable({ ...provider.secrets }, [...dump(server.storage), ...shown(texts)]), []);
});
