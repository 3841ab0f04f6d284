// Audiences, token exchange (RFC 8693) and client credentials (RFC 6749 section 4.4): behaviours 70 to 72.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { mine } from "../../behaviours/clients.mjs";
import { EXCHANGE, behaviours, exchangeToken, exchanging } from "../../behaviours/exchange.mjs";
import { testOurs } from "../../support/oauth-behaviours.mjs";
import { granted, ours, refused } from "../../support/oauth.mjs";
import { until } from "../../support/wait.mjs";

testOurs(behaviours);

const MACHINE = {
  client_id: "machine",
  client_secret: "a secret of the machine",
  token_endpoint_auth_method: "client_secret_basic",
  grant_types: ["client_credentials"],
  scope: "read",
};
const SETUP = { exchange: true, credentials: true, clients: [MACHINE] };

const target = await ours(SETUP);
after(() => target.stop());

test("a token for the whole server is valid at each resource, with and without a trailing slash", async () => {
  for (const resource of [undefined, target.url, `${target.url}/`]) {
    const { tokens } = await target.signIn({ client: await mine(target), resource });
    for (const path of ["/mcp", "/sse"])
      assert.ok(await target.takes(tokens.access_token, path), `${resource} ${path}`);
  }
});

describe("token exchange", () => {
  test("an exchanged token ends with its grant and subject token, and is logged", async () => {
    const client = await exchanging(target);
    const { tokens } = await target.signIn({ client });
    const from = target.server.logs.length;
    const minted = granted(await exchangeToken(target, client, tokens.access_token));
    await until(() => target.server.logs.slice(from).some(({ json }) => json?.event === "minted"), "the event");
    assert.ok(minted.expires_in <= tokens.expires_in);
    await target.revoke(client, tokens.refresh_token);
    assert.equal(await target.takes(minted.access_token), false);
    refused(await exchangeToken(target, client, tokens.access_token), "invalid_request");
  });

  test("only access tokens of this server are exchanged, as RFC 8693 says", async () => {
    const client = await exchanging(target);
    const { tokens } = await target.signIn({ client });
    const { access_token: access, refresh_token: refresh } = tokens;
    for (const [token, fields] of [
      [refresh, {}],
      ["x", {}],
      [null, {}],
      [access, { subject_token_type: null }],
      [access, { subject_token_type: "urn:ietf:params:oauth:token-type:jwt" }],
      [access, { requested_token_type: "urn:ietf:params:oauth:token-type:refresh_token" }],
      [access, { actor_token: access }],
      [access, { expires_in: "soon" }],
      [access, { expires_in: "-1" }],
    ]) {
      const answer = await exchangeToken(target, client, token, fields);
      assert.ok(
        ["invalid_request", "invalid_grant"].includes(answer.json.error),
        `${JSON.stringify(fields)} ${answer}`,
      );
      assert.equal(answer.status, 400);
    }
    granted(await target.refresh(client, refresh));
  });

  test("token exchange is refused to clients that did not register for it", async () => {
    const { tokens } = await target.signIn({ client: await mine(target) });
    refused(await exchangeToken(target, await mine(target), tokens.access_token), "unauthorized_client");
  });

  test("token exchange is off unless the server enables it", async () => {
    await using off = await ours();
    const client = await mine(off);
    assert.ok(!off.metadata.grant_types_supported.includes(EXCHANGE));
    const { tokens } = await off.signIn({ client });
    refused(await exchangeToken(off, client, tokens.access_token), "unsupported_grant_type");
    const other = await off.register({ grant_types: ["authorization_code", EXCHANGE] });
    assert.deepEqual(other.grant_types, ["authorization_code"]);
    refused(await off.registering({ grant_types: [EXCHANGE] }), "invalid_client_metadata");
  });
});

describe("client credentials", () => {
  const issue = (client, fields) => target.token(client, { grant_type: "client_credentials", ...fields });

  test("a configured client gets a token and no refresh token", async () => {
    const tokens = granted(await issue(MACHINE));
    assert.equal(tokens.refresh_token, undefined);
    assert.equal(tokens.scope, "read");
    assert.ok(await target.takes(tokens.access_token));
    assert.equal((await target.revoke(MACHINE, tokens.access_token)).status, 200);
    assert.equal(await target.takes(tokens.access_token), false);
  });

  test("scopes are limited to the configured ones", async () => {
    refused(await issue(MACHINE, { scope: "admin" }), "invalid_scope");
    assert.equal(granted(await issue(MACHINE, { scope: "read admin" })).scope, "read");
    refused(await issue(MACHINE, { resource: "https://elsewhere.example/" }), "invalid_target");
  });

  test("other clients are refused", async () => {
    refused(await issue({ ...MACHINE, client_secret: "guessed" }), "invalid_client", 401);
    refused(await issue(MACHINE, { grant_type: "refresh_token", refresh_token: "x" }), "unauthorized_client");
    refused(await issue(await mine(target)), "unauthorized_client");
    const answer = await target.registering({
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["client_credentials"],
    });
    refused(answer, "invalid_client_metadata");
  });
});
