// API keys: tokens that the application takes besides the provider's own (`OAuth::resolve_tokens`).
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { mine } from "../../behaviours/clients.mjs";
import { initialize, open, openSse, post, request } from "../../support/mcp.mjs";
import { ours } from "../../support/oauth.mjs";
import { refuses } from "../../support/refusal.mjs";

const KEY = "key-of-a-machine-0123456789";

const keyed = await ours({ api_key: KEY });
after(() => keyed.stop());

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const call = (id, name, args = {}) => request(id, "tools/call", { name, arguments: args });

async function signedIn(user) {
  const { tokens } = await keyed.signIn({ user, client: await mine(keyed) });
  return { tokens, headers: bearer(tokens.access_token) };
}

test("an API key is accepted without a grant and without an expiry", async () => {
  for (const session of [
    await open(keyed.server, { headers: bearer(KEY) }),
    await openSse(keyed.server, { headers: bearer(KEY) }),
  ]) {
    const { scopes, resource, ...rest } = (await session.call("whoami_user")).structuredContent;
    assert.equal(rest.id, "machine");
    assert.equal(rest.client, "api-key");
    assert.ok(rest.grant === undefined || rest.grant === null);
    assert.ok(rest.expires === undefined || rest.expires === null);
    assert.deepEqual(scopes, []);
    session.close?.();
  }
  const session = await open(keyed.server, { headers: bearer(KEY) });
  assert.equal((await session.post(call(1, "admin_only"))).status, 403);
});

test("an API key must match exactly and opens no other caller's session", async () => {
  for (const wrong of [`${KEY}0`, KEY.slice(0, -1), KEY.toUpperCase(), "x"]) {
    assert.equal((await post(keyed.server, initialize(), { headers: bearer(wrong) })).status, 401);
  }
  const ann = await signedIn("ann");
  const session = await open(keyed.server, { headers: ann.headers });
  refuses(await session.post(request(1, "ping"), { headers: bearer(KEY) }), 404, -32001);
  const own = await open(keyed.server, { headers: bearer(KEY) });
  refuses(await own.post(request(1, "ping"), { headers: ann.headers }), 404, -32001);
});

test("an API key cannot be revoked by a client and revives no ended token", async () => {
  const client = await mine(keyed);
  assert.equal((await keyed.revoke(client, KEY)).status, 200);
  assert.ok(await keyed.takes(KEY));
  const ann = await signedIn("ann");
  await keyed.revoke(client, ann.tokens.access_token);
  assert.equal(await keyed.takes(ann.tokens.access_token), false);
});
