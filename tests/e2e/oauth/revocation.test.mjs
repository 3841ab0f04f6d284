// Revocation (RFC 7009) and introspection (RFC 7662): behaviours 56 to 60, and what else ours does.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { confidential, mine, other } from "../../behaviours/clients.mjs";
import { behaviours } from "../../behaviours/revocation.mjs";
import { testOurs } from "../../support/oauth-behaviours.mjs";
import { granted, ours, refused } from "../../support/oauth.mjs";
import { until } from "../../support/wait.mjs";

testOurs(behaviours);

const AUDITOR = {
  client_id: "auditor",
  client_secret: "a secret of the auditor",
  token_endpoint_auth_method: "client_secret_basic",
  redirect_uris: ["https://auditor.example/callback"],
};

const target = await ours({ clients: [AUDITOR] });
after(() => target.stop());

const INACTIVE = { active: false };
const asked = async (client, token) => {
  const answer = await target.introspect(client, token);
  assert.equal(answer.status, 200, `${answer}`);
  assert.match(answer.headers["cache-control"] ?? "", /no-store/);
  return answer.json;
};

describe("introspection", () => {
  test("a client may introspect its own token", async () => {
    const client = await confidential(target);
    const { tokens } = await target.signIn({ client, user: "ann", scope: "read write" });
    const { iat, exp, ...rest } = await asked(client, tokens.access_token);
    assert.deepEqual(rest, {
      active: true,
      iss: target.issuer,
      sub: "ann",
      client_id: client.client_id,
      scope: "read write",
      aud: [target.canonical],
      token_type: "Bearer",
    });
    assert.ok(exp - iat === tokens.expires_in && Math.abs(iat - Date.now() / 1000) < 60);
  });

  test("foreign, ended and invalid tokens are inactive", async () => {
    const client = await confidential(target);
    const { tokens: foreign } = await target.signIn({ client: await mine(target) });
    const { tokens } = await target.signIn({ client });
    assert.equal((await target.revoke(client, tokens.access_token)).status, 200);
    for (const token of [foreign.access_token, foreign.refresh_token, tokens.access_token, "nothing", "a:b:c"]) {
      assert.deepEqual(await asked(client, token), INACTIVE);
    }
  });

  test("a configured client may introspect every token", async () => {
    const { tokens } = await target.signIn({ client: await mine(target), user: "bob" });
    const told = await asked(AUDITOR, tokens.access_token);
    assert.equal(told.sub, "bob");
    assert.equal(JSON.stringify(told).includes("upstream"), false);
  });

  test("introspection is refused to public clients", async () => {
    const client = await mine(target);
    const { tokens } = await target.signIn({ client });
    refused(await target.introspect(client, tokens.access_token), "invalid_client", 401);
    const wrong = { ...AUDITOR, client_secret: "another" };
    const answer = await target.introspect(wrong, tokens.access_token);
    refused(answer, "invalid_client", 401);
    assert.match(answer.headers["www-authenticate"], /^Basic /);
  });
});

describe("revocation", () => {
  test("a revocation needs one token in a form", async () => {
    const client = await mine(target);
    refused(await target.revoke(client, null), "invalid_request");
    refused(await target.revoke(client, ["one", "two"]), "invalid_request");
    const headers = { "content-type": "application/json" };
    const { revocation_endpoint: url } = target.metadata;
    refused(await target.send("POST", url, { headers, body: { token: "x", ...client } }), "invalid_request");
  });

  test("a revocation of the previous refresh token ends the grant too", async () => {
    const client = await mine(target);
    const { tokens } = await target.signIn({ client });
    const next = granted(await target.refresh(client, tokens.refresh_token));
    assert.equal((await target.revoke(client, tokens.refresh_token)).status, 200);
    assert.equal(await target.takes(next.access_token), false);
    refused(await target.refresh(client, next.refresh_token), "invalid_grant");
  });

  test("a revocation of one grant leaves others of the same user and client", async () => {
    const client = await mine(target);
    const [one, two] = [await target.signIn({ client }), await target.signIn({ client })];
    assert.equal((await target.revoke(client, one.tokens.refresh_token)).status, 200);
    assert.equal(await target.takes(one.tokens.access_token), false);
    assert.ok(await target.takes(two.tokens.access_token));
  });

  test("a revocation that races refreshes leaves no working token", async () => {
    const client = await mine(target);
    for (let round = 0; round < 50; round++) {
      const { tokens } = await target.signIn({ client });
      const [refreshed, revoked] = await Promise.all([
        target.refresh(client, tokens.refresh_token),
        target.revoke(client, tokens.refresh_token),
      ]);
      assert.equal(revoked.status, 200, `${revoked}`);
      const pairs = [tokens, ...(refreshed.status === 200 ? [refreshed.json] : [])];
      for (const pair of pairs) {
        assert.equal(await target.takes(pair.access_token), false, `round ${round}: ${refreshed}`);
        refused(await target.refresh(client, pair.refresh_token), "invalid_grant");
      }
    }
  });

  test("a revocation is logged once without token and user", async () => {
    const client = await other(target);
    const { tokens } = await target.signIn({ client, user: "carol@example.com" });
    const from = target.server.logs.length;
    await target.revoke(client, tokens.refresh_token);
    const events = () => target.server.logs.slice(from).filter(({ json }) => json?.event === "revoked");
    const [event] = await until(() => events().length > 0 && events(), "the event in the log");
    assert.equal(event.json.client, client.client_id);
    for (const secret of [tokens.refresh_token, tokens.access_token, "carol"]) assert.ok(!event.text.includes(secret));
    await target.revoke(client, tokens.refresh_token);
    assert.equal(events().length, 1);
  });
});
