// The authorization server without a Worker: its axum example, with the TypeScript SDKs and oauth4webapi as the client.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import * as v2 from "@modelcontextprotocol/client";
import * as v1 from "@modelcontextprotocol/sdk/client/auth.js";
import * as oauth from "oauth4webapi";
import { Account } from "../../support/account.mjs";
import { callback } from "../../support/callback.mjs";
import { Child } from "../../support/child.mjs";
import { AXUM_SERVER } from "../../support/example.mjs";
import { FormBrowser } from "../../support/form-browser.mjs";
import { WAIT_MS } from "../../support/wait.mjs";

const program = new Child(AXUM_SERVER, []);
const endpoint = await callback();
after(() => Promise.all([program.stop(), endpoint.stop()]));
const { text: origin } = await program.line(/^http:/);
const resource = new URL("/notes", origin);

/** The redirect URI of the clients. */
const REDIRECT = endpoint.url;

/** A person named Ada with a browser, who fills in the form of the consent page. */
const browser = {
  url: REDIRECT,
  async follow(link) {
    const { url, status } = await new FormBrowser({ name: "Ada" }).open(link);
    assert.equal(status, 200, url);
    return new URL(url).searchParams;
  },
};

const LIMIT = () => ({ signal: AbortSignal.timeout(WAIT_MS) });
const notes = (token) =>
  fetch(resource, { headers: token ? { authorization: `Bearer ${token}` } : {}, ...LIMIT() });

for (const [name, { auth }] of Object.entries({ "SDK v1": v1, "SDK v2": v2 })) {
  describe(name, () => {
    test("the SDK discovers, registers, signs in, reads the resource, and refreshes", async () => {
      const account = new Account(browser);
      assert.equal(await auth(account, { serverUrl: resource }), "REDIRECT");
      const { answer } = account;
      const redeemed = { serverUrl: resource, authorizationCode: answer.get("code"), iss: answer.get("iss") };
      assert.equal(await auth(account, redeemed), "AUTHORIZED");
      const first = account.tokens();
      assert.equal(await (await notes(first.access_token)).text(), "Notes of Ada");
      assert.equal(await auth(account, { serverUrl: resource }), "AUTHORIZED");
      const second = account.tokens();
      assert.notEqual(second.access_token, first.access_token);
      assert.equal(await (await notes(second.access_token)).text(), "Notes of Ada");
      assert.equal(account.visits, 1);
    });
  });
}

describe("oauth4webapi", () => {
  const options = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(origin);

  async function discovered() {
    const response = await oauth.discoveryRequest(issuer, { ...options, algorithm: "oauth2" });
    return oauth.processDiscoveryResponse(issuer, response);
  }

  async function registered(as) {
    const metadata = { client_name: "<b>tests</b>", redirect_uris: [REDIRECT], token_endpoint_auth_method: "none" };
    const response = await oauth.dynamicClientRegistrationRequest(as, metadata, options);
    return oauth.processDynamicClientRegistrationResponse(response);
  }

  /** A link to sign in at, and what the client remembers until the answer. */
  async function begun(as, client) {
    const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
    const link = new URL(as.authorization_endpoint);
    link.search = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: REDIRECT,
      response_type: "code",
      scope: "notes",
      resource: resource.href,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
    });
    return { link, verifier, state };
  }

  test("a token is good for the resource until it is revoked", async () => {
    const as = await discovered();
    const client = await registered(as);
    const { link, verifier, state } = await begun(as, client);
    const answer = oauth.validateAuthResponse(as, client, await browser.follow(link), state);
    const response = await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), answer, REDIRECT, verifier, options);
    const { access_token: token, scope } = await oauth.processAuthorizationCodeResponse(as, client, response);
    assert.equal(scope, "notes");
    assert.equal(await (await notes(token)).text(), "Notes of Ada");
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, oauth.None(), token, options));
    const refused = await notes(token);
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get("www-authenticate"), /error="invalid_token"/);
  });

  test("a person who does not agree sends the client an error", async () => {
    const as = await discovered();
    const client = await registered(as);
    const { link, state } = await begun(as, client);
    const page = await (await fetch(link, LIMIT())).text();
    assert.ok(page.includes("&lt;b&gt;tests&lt;/b&gt;") && !page.includes("<b>tests"), page);
    const [, id] = /name="id" value="(\w+)"/.exec(page);
    const form = { method: "POST", body: new URLSearchParams({ id, deny: "yes" }), redirect: "manual" };
    const denied = await fetch(link, { ...form, ...LIMIT() });
    const params = new URL(denied.headers.get("location")).searchParams;
    assert.throws(() => oauth.validateAuthResponse(as, client, params, state), { error: "access_denied" });
    const again = await fetch(link, { ...form, ...LIMIT() });
    assert.equal(again.status, 400, "a form counts once");
  });
});

test("a request without a token is told where the authorization server is", async () => {
  const refused = await notes();
  assert.equal(refused.status, 401);
  const [, url] = /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate"));
  const metadata = await (await fetch(url, LIMIT())).json();
  assert.deepEqual([metadata.resource, metadata.authorization_servers], [resource.href, [origin]]);
});
