// A deployment of workers-oauth-provider becomes one of ours, on the same KV: nobody has to sign in again.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";
import { dump } from "../../support/dump.mjs";
import { SETUP, granted, ours, parallel, reference, refused } from "../../support/oauth.mjs";
import { reference010 } from "../../support/reference-0.10.mjs";

const BEFORE = {
  "of release 1.2.3": (options) => reference(SETUP, options),
  "of release 0.10.3": reference010,
};

for (const [release, start] of Object.entries(BEFORE)) describe(`what is left ${release}`, () => switchOver(start));

function switchOver(start) {
  const storage = temporaryFolder("oauth-switch-over");
  // Signed in before: `{ client, tokens, authorized }` by user.
  const users = {};
  let open, confidential, late, server;

  before(async () => {
    const old = await start({ storage });
    open = await old.register();
    confidential = await old.registerConfidential();
    const signIn = async (user, client, more) => {
      users[user] = await old.signIn({ client, user, scope: "read write", ...more });
    };
    for (const user of ["ann", "carl", "dora", "emil", "finn", "gina"]) await signIn(user, open);
    for (const user of ["bob", "hans"]) await signIn(user, confidential);
    await signIn("ivan", open, { resource: old.mcp });
    // The answer to a refresh was lost, and the client still has the token of before.
    granted(await old.refresh(open, users.finn.tokens.refresh_token));
    late = await old.authorized({ client: open, user: "late" });
    await old.stop();
    // Tokens are bound to the origin.
    server = await ours({ takes_over: true }, { storage, port: Number(new URL(old.url).port) });
  });
  after(async () => {
    await server?.stop();
    removeFolder(storage);
  });

  const refresh = ({ client, tokens }, options) => server.refresh(client, tokens.refresh_token, options);
  const isOurs = (token) => assert.match(token, /^[\w-]{22}:[\w-]{16}:[\w-]{48}$/);

  test("legacy access tokens keep working with their props", async () => {
    for (const user of ["ann", "bob"]) {
      const me = await server.me(users[user].tokens.access_token);
      const { user: id, name, client, scopes } = me;
      assert.deepEqual(
        { id, name, client, scopes },
        { id: user, name: user, client: users[user].client.client_id, scopes: ["read", "write"] },
        `${me.answer}`,
      );
    }
  });

  test("a legacy token bound to a resource is valid there alone", async () => {
    const { access_token: token } = users.ivan.tokens;
    assert.equal(await server.takes(token, "/mcp"), true);
    assert.equal(await server.takes(token, "/sse"), false);
    const next = granted(await refresh(users.ivan));
    assert.equal(await server.takes(next.access_token, "/mcp"), true);
    assert.equal(await server.takes(next.access_token, "/sse"), false);
    refused(await server.refresh(open, next.refresh_token, { resource: server.sse }), "invalid_target");
  });

  test("public and confidential clients refresh legacy grants into own tokens", async () => {
    for (const user of ["ann", "bob"]) {
      const first = granted(await refresh(users[user]));
      for (const token of [first.access_token, first.refresh_token]) isOurs(token);
      assert.equal(first.scope, "read write");
      const me = await server.me(first.access_token);
      assert.deepEqual([me.user, me.name, me.client], [user, user, users[user].client.client_id]);
      // The access token of before is as good as it was.
      assert.equal(await server.takes(users[user].tokens.access_token), true);
      const again = granted(await refresh(users[user]));
      assert.deepEqual(pair(again), pair(first), "a retry with the token of before");
      const second = granted(await server.refresh(users[user].client, first.refresh_token));
      assert.notEqual(second.refresh_token, first.refresh_token);
      assert.equal((await server.me(second.access_token)).user, user);
      refused(await refresh(users[user]), "invalid_grant");
    }
  });

  test("parallel refreshes of a legacy grant share one pair", async () => {
    const answers = await parallel(10, () => refresh(users.dora));
    const [first, ...others] = answers.map(granted).map(pair);
    for (const other of others) assert.deepEqual(other, first);
    assert.equal((await server.me(first.access_token)).user, "dora");
    granted(await server.refresh(open, first.refresh_token));
  });

  test("a client that missed the last response continues with the previous token", async () => {
    assert.equal((await server.me(granted(await refresh(users.finn)).access_token)).user, "finn");
  });

  test("another client and a missing secret are refused", async () => {
    const { tokens } = users.hans;
    refused(await server.refresh(open, tokens.refresh_token), "invalid_grant");
    const forged = { ...confidential, client_secret: "x".repeat(confidential.client_secret.length) };
    refused(await server.refresh(forged, tokens.refresh_token), "invalid_client", 401);
    assert.equal((await server.revoke(open, tokens.refresh_token)).status, 200);
    assert.equal((await server.revoke(open, tokens.access_token)).status, 200);
    assert.equal(await server.takes(tokens.access_token), true);
    granted(await refresh(users.hans));
  });

  test("made-up legacy tokens are refused", async () => {
    const { access_token: access, refresh_token: token } = users.gina.tokens;
    const [user, grant, secret] = token.split(":");
    const other = secret.startsWith("A") ? `B${secret.slice(1)}` : `A${secret.slice(1)}`;
    const made = [`${user}:${grant}:${other}`, `ann:${grant}:${secret}`, `${user}:${"g".repeat(16)}:${secret}`];
    for (const forged of made) {
      refused(await server.refresh(open, forged), "invalid_grant");
      assert.equal(await server.takes(forged), false);
    }
    assert.equal(await server.takes(token), false, "a refresh token is no access token");
    refused(await server.refresh(open, access), "invalid_grant");
    granted(await refresh(users.gina));
  });

  test("a revoked legacy refresh token ends its grant for good", async () => {
    const { tokens } = users.carl;
    assert.equal((await server.revoke(open, tokens.refresh_token)).status, 200);
    for (let time = 0; time < 2; time++) {
      assert.equal(await server.takes(tokens.access_token), false);
      refused(await refresh(users.carl), "invalid_grant");
      await server.server.restart();
    }
  });

  test("a revoked legacy access token ends alone", async () => {
    const { tokens } = users.emil;
    assert.equal((await server.revoke(open, tokens.access_token)).status, 200);
    assert.equal(await server.takes(tokens.access_token), false);
    granted(await refresh(users.emil));
  });

  test("a legacy code has to be requested again", async () => {
    refused(await server.exchange(late), "invalid_grant");
  });

  test("legacy clients need no new registration", async () => {
    for (const client of [open, confidential]) {
      const { tokens } = await server.signIn({ client, user: "newcomer" });
      isOurs(tokens.access_token);
      assert.equal((await server.me(tokens.access_token)).user, "newcomer");
      granted(await server.refresh(client, tokens.refresh_token));
    }
  });

  test("an adopted grant leaves nothing with its user's id in clear", async () => {
    await server.server.kill();
    const keys = dump(storage)
      .filter(({ place }) => place.endsWith(": entries.key"))
      .map(({ bytes }) => `${bytes}`);
    const grants = keys.filter((key) => key.startsWith("grant:"));
    assert.ok(grants.length > 5, `${grants}`);
    for (const user of ["ann", "bob", "carl", "dora", "emil", "finn", "gina", "hans", "ivan"]) {
      const left = grants.filter((key) => key.startsWith(`grant:${user}:`));
      assert.deepEqual(left, [], "a grant of before");
    }
    // Access tokens of before stay until they expire or are revoked, since they are good until then.
    assert.deepEqual(keys.filter((key) => key.startsWith("token:carl:")), []);
  });
}

const pair = ({ access_token, refresh_token }) => ({ access_token, refresh_token });
