// oauth4webapi, a client library that is certified and forgives nothing, speaks to every endpoint.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import * as oauth from "oauth4webapi";
import { callback } from "../../support/callback.mjs";
import { DOCUMENT, siteOfClient } from "../../support/client-document.mjs";
import { fixture } from "../../support/workerd.mjs";

const endpoint = await callback();
const site = await siteOfClient(endpoint.url);
const MACHINE = {
  client_id: "machine",
  client_secret: "a secret & of + its own",
  token_endpoint_auth_method: "client_secret_basic",
  grant_types: ["client_credentials"],
};
const oauthSetup = { scopes: ["read", "write", "admin"], credentials: true, exchange: true, clients: [MACHINE] };
const server = await fixture({
  vars: { OAUTH: JSON.stringify(oauthSetup) },
  outbound: site.outbound,
});
after(() => Promise.all([server.stop(), site.stop(), endpoint.stop()]));

const options = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(server.url);
const resource = new URL("/mcp", server.url);
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

const discovered = async (algorithm) =>
  oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...options, algorithm }));
const as = await discovered("oauth2");

async function register(metadata) {
  const request = { client_name: "tests", redirect_uris: [endpoint.url], ...metadata };
  const response = await oauth.dynamicClientRegistrationRequest(as, request, options);
  return oauth.processDynamicClientRegistrationResponse(response);
}

const PROOFS = {
  none: () => oauth.None(),
  client_secret_basic: ({ client_secret }) => oauth.ClientSecretBasic(client_secret),
  client_secret_post: ({ client_secret }) => oauth.ClientSecretPost(client_secret),
};
const proofOf = (client) => PROOFS[client.token_endpoint_auth_method](client);

/** A link to sign in at, and what is to be remembered until the answer. */
async function begin(client, more = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const link = new URL(as.authorization_endpoint);
  link.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: endpoint.url,
    response_type: "code",
    scope: "read write",
    resource: resource.href,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    ...more,
  });
  return { link, verifier, state };
}

async function signIn(client) {
  const { link, verifier, state } = await begin(client);
  const answer = oauth.validateAuthResponse(as, client, await endpoint.follow(link), state);
  const redeem = () =>
    oauth.authorizationCodeGrantRequest(as, client, proofOf(client), answer, endpoint.url, verifier, options);
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, await redeem());
  return { tokens, redeem };
}

const ask = (token, headers = {}) =>
  oauth.protectedResourceRequest(
    token,
    "POST",
    resource,
    new Headers({ "content-type": "application/json", accept: "application/json, text/event-stream", ...headers }),
    JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "tests", version: "1" } },
    }),
    options,
  );

const refresh = (client, token, more) =>
  oauth.refreshTokenGrantRequest(as, client, proofOf(client), token, { ...options, ...more });
const revoke = async (client, token) =>
  oauth.processRevocationResponse(await oauth.revocationRequest(as, client, proofOf(client), token, options));

const refused = (error) => (thrown) => {
  assert.ok(thrown instanceof oauth.ResponseBodyError, `${thrown}`);
  assert.equal(thrown.error, error);
  return true;
};
// It reads the challenge before it looks at anything else.
const challenged = (error) => (thrown) => {
  assert.ok(thrown instanceof oauth.WWWAuthenticateChallengeError, `${thrown}`);
  const [{ scheme, parameters }] = thrown.cause;
  assert.deepEqual([thrown.status, scheme, parameters.error], [401, "bearer", error]);
  assert.equal(parameters.resource_metadata, `${server.url}/.well-known/oauth-protected-resource/mcp`);
  return true;
};

test("the metadata of the server and of its resources is what its address promises", async () => {
  assert.deepEqual(await discovered("oidc"), as);
  for (const path of ["/", "/mcp", "/sse"]) {
    const url = new URL(path, server.url);
    const response = await oauth.resourceDiscoveryRequest(url, options);
    const metadata = await oauth.processResourceDiscoveryResponse(url, response);
    assert.deepEqual(metadata.authorization_servers, [as.issuer]);
  }
});

for (const method of Object.keys(PROOFS)) {
  describe(`a client of ${method}`, () => {
    test("a client registers, signs in, calls, refreshes and revokes", async () => {
      const client = await register({
        token_endpoint_auth_method: method,
        grant_types: ["authorization_code", "refresh_token"],
      });
      const { tokens } = await signIn(client);
      assert.equal((await ask(tokens.access_token)).status, 200);
      const answer = await refresh(client, tokens.refresh_token);
      const next = await oauth.processRefreshTokenResponse(as, client, answer);
      assert.notEqual(next.refresh_token, tokens.refresh_token);
      assert.equal((await ask(next.access_token)).status, 200);
      await revoke(client, next.refresh_token);
      await assert.rejects(ask(next.access_token), challenged("invalid_token"));
      const gone = await refresh(client, next.refresh_token);
      await assert.rejects(oauth.processRefreshTokenResponse(as, client, gone), refused("invalid_grant"));
    });

    test("a client whose code is used twice loses its tokens", async () => {
      const client = await register({ token_endpoint_auth_method: method });
      const { tokens, redeem } = await signIn(client);
      const again = await redeem();
      await assert.rejects(oauth.processAuthorizationCodeResponse(as, client, again), refused("invalid_grant"));
      await assert.rejects(ask(tokens.access_token), challenged("invalid_token"));
    });
  });
}

test("a client with a metadata document needs no registration", async () => {
  const client = { client_id: DOCUMENT, token_endpoint_auth_method: "none" };
  const { tokens } = await signIn(client);
  assert.equal((await ask(tokens.access_token)).status, 200);
  assert.equal(tokens.scope, "read write");
});

test("a user who does not agree is an error of the authorization response, with its issuer", async () => {
  const client = await register({ token_endpoint_auth_method: "none" });
  const { link, state } = await begin(client, { login_hint: "nobody" });
  const answer = await endpoint.follow(link);
  const validate = () => oauth.validateAuthResponse(as, client, answer, state);
  assert.throws(validate, ({ name, error }) => name === "AuthorizationResponseError" && error === "access_denied");
});

test("a wrong client secret is refused with a challenge", async () => {
  const client = await register({ token_endpoint_auth_method: "client_secret_basic" });
  const { link, verifier, state } = await begin(client);
  const answer = oauth.validateAuthResponse(as, client, await endpoint.follow(link), state);
  const rest = [oauth.ClientSecretBasic("wrong"), answer, endpoint.url, verifier, options];
  const response = await oauth.authorizationCodeGrantRequest(as, client, ...rest);
  await assert.rejects(oauth.processAuthorizationCodeResponse(as, client, response), ({ status, cause }) => {
    assert.deepEqual([status, cause[0].scheme], [401, "basic"]);
    return true;
  });
});

test("a confidential client can introspect valid and invalid tokens", async () => {
  const client = await register({ token_endpoint_auth_method: "client_secret_basic" });
  const { tokens } = await signIn(client);
  const about = async (token) => {
    const response = await oauth.introspectionRequest(as, client, proofOf(client), token, options);
    return oauth.processIntrospectionResponse(as, client, response);
  };
  const known = await about(tokens.access_token);
  assert.deepEqual([known.active, known.client_id, known.scope], [true, client.client_id, "read write"]);
  assert.deepEqual(await about("made-up"), { active: false });
});

test("a configured client gets a token without a user", async () => {
  const params = { scope: "read", resource: resource.href };
  const response = await oauth.clientCredentialsGrantRequest(as, MACHINE, proofOf(MACHINE), params, options);
  const tokens = await oauth.processClientCredentialsResponse(as, MACHINE, response);
  assert.equal(tokens.refresh_token, undefined);
  assert.equal((await ask(tokens.access_token)).status, 200);
});

test("a token is exchanged for one with fewer scopes", async () => {
  const client = await register({
    token_endpoint_auth_method: "client_secret_basic",
    grant_types: ["authorization_code", EXCHANGE],
  });
  const { tokens } = await signIn(client);
  const params = {
    subject_token: tokens.access_token,
    subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    scope: "read",
  };
  const response = await oauth.genericTokenEndpointRequest(as, client, proofOf(client), EXCHANGE, params, options);
  const narrow = await oauth.processGenericTokenEndpointResponse(as, client, response);
  assert.equal(narrow.scope, "read");
  assert.equal((await ask(narrow.access_token)).status, 200);
});
