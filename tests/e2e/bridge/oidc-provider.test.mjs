// The local bridge signs in at an authorization server that others wrote, oidc-provider, for a protected server of the TypeScript SDK.
import assert from "node:assert/strict";
import { test } from "node:test";
import { guardedSdk1 } from "../../others/guarded-sdk-1.mjs";
import { MACHINE, RESOURCE_SERVER, oidcProvider } from "../../others/oidc-provider.mjs";
import { linkOf, linksOf, storeFolder, storedJson } from "../../support/bridge-authority.mjs";
import { isReference, startBridge } from "../../support/bridge.mjs";
import { FormBrowser } from "../../support/form-browser.mjs";
import { freePorts } from "../../support/port.mjs";

/** The authorization server, the server, and a folder for the bridges' files; all end together. */
async function setting({ provider, server } = {}) {
  await using stack = new AsyncDisposableStack();
  const config = stack.use(storeFolder());
  const authority = stack.use(await oidcProvider(provider));
  const guarded = stack.use(await guardedSdk1({ issuer: authority.issuer, client: RESOURCE_SERVER, ...server }));
  const all = stack.move();
  return { authority, url: guarded.url, config: config.path, folder: config, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const whoami = async (bridge) => JSON.parse((await bridge.result("tools/call", { name: "whoami", arguments: {} })).content[0].text);

/** Signs in as a person does at the `count`th link. */
async function signIn(bridge, options) {
  const page = await new FormBrowser().open(await linkOf(bridge, options));
  assert.equal(page.status, 200, page.text);
  assert.match(page.url, /^http:\/\/(localhost|127\.0\.0\.1):\d+\/oauth\/callback\?/);
  return page;
}

async function signedIn(all, options) {
  const bridge = startBridge(all.url, { config: all.config, ...options });
  try {
    await Promise.all([bridge.initialize(), signIn(bridge)]);
    return bridge;
  } catch (error) {
    await bridge.stop();
    throw error;
  }
}

/** Makes the access token that is stored worthless, and leaves its grant. */
async function destroyAccessToken({ authority, config }) {
  const token = await authority.provider.AccessToken.find(storedJson(config, "_tokens.json").access_token);
  await token.destroy();
}

test("registers, signs in with PKCE for the resource, and uses the same tokens later", async () => {
  await using all = await setting();
  {
    await using bridge = await signedIn(all);
    const { sub, scopes } = await whoami(bridge);
    assert.deepEqual([sub, scopes], ["ada", ["mcp:read"]]);
  }
  const { authority, url } = all;
  const [{ query }] = authority.asked("/auth");
  assert.deepEqual([query.code_challenge_method, query.resource, query.scope], ["S256", url, "mcp:read offline_access"]);
  const [{ form }] = authority.grants("authorization_code");
  assert.equal(form.resource, url);
  assert.ok(form.code_verifier);
  assert.equal(storedJson(all.config, "_client_info.json").client_id, query.client_id);
  await using bridge = startBridge(url, { config: all.config });
  await bridge.initialize();
  await whoami(bridge);
  assert.deepEqual(linksOf(bridge), []);
  // Scopes of a resource are no scopes of this server, so it registers clients without them alone.
  assert.deepEqual(authority.asked("/reg").map(({ status }) => status), [400, 201]);
  assert.equal(authority.grants("refresh_token").length, 0);
});

test("refreshes with a token that is used up each time, for calls under way too", async () => {
  await using all = await setting();
  await using bridge = await signedIn(all);
  const used = new Set();
  for (let round = 1; round <= 3; round++) {
    used.add(storedJson(all.config, "_tokens.json").refresh_token);
    await destroyAccessToken(all);
    const answers = await Promise.all(Array.from({ length: 20 }, () => whoami(bridge)));
    assert.ok(answers.every(({ sub }) => sub === "ada"));
    assert.equal(all.authority.grants("refresh_token").length, round);
  }
  assert.equal(used.size, 3);
  assert.ok(all.authority.grants("refresh_token").every(({ status, form }) => status === 200 && form.resource === all.url));
  assert.equal(linksOf(bridge).length, 1);
});

test("four copies share each new pair, and none uses an old one, which would end the grant", async () => {
  await using all = await setting();
  await using first = await signedIn(all);
  await using stack = new AsyncDisposableStack();
  const others = [1, 2, 3].map(() => stack.use(startBridge(all.url, { config: all.config })));
  await Promise.all(others.map((bridge) => bridge.initialize()));
  const bridges = [first, ...others];
  for (let round = 1; round <= 3; round++) {
    await destroyAccessToken(all);
    const answers = await Promise.all(bridges.flatMap((bridge) => [whoami(bridge), whoami(bridge)]));
    assert.ok(answers.every(({ sub }) => sub === "ada"));
    assert.equal(all.authority.grants("refresh_token").length, round);
  }
  assert.equal(bridges.flatMap(linksOf).length, 1);
});

test("a grant that is revoked is asked for again, once, for all calls that wait", async () => {
  await using all = await setting();
  await using bridge = await signedIn(all);
  const { refresh_token: token } = storedJson(all.config, "_tokens.json");
  const { client_id, client_secret } = storedJson(all.config, "_client_info.json");
  const body = new URLSearchParams({ token, client_id, ...(client_secret && { client_secret }) });
  assert.equal((await fetch(`${all.authority.issuer}/token/revocation`, { method: "POST", body })).status, 200);
  const answers = Promise.all(Array.from({ length: 5 }, () => whoami(bridge)));
  await signIn(bridge, { count: 2 });
  assert.ok((await answers).every(({ sub }) => sub === "ada"));
  assert.equal(linksOf(bridge).length, 2);
  assert.equal(all.authority.asked("/reg").filter(({ status }) => status === 201).length, 1);
});

test("a refresh whose answer is lost ends the grant there, and leads to one sign-in", { skip: isReference }, async () => {
  let lost = 0;
  await using all = await setting({ provider: { loses: ({ form }) => form.grant_type === "refresh_token" && lost++ === 0 } });
  await using bridge = await signedIn(all);
  await destroyAccessToken(all);
  const answer = whoami(bridge);
  await signIn(bridge, { count: 2 });
  assert.equal((await answer).sub, "ada");
  assert.equal(linksOf(bridge).length, 2);
});

test("a metadata document replaces the registration", async () => {
  const id = "https://client.example/metadata.json";
  const [port] = await freePorts(1);
  const document = {
    client_id: id,
    client_name: "Client of the tests",
    application_type: "native",
    redirect_uris: [`http://localhost:${port}/oauth/callback`],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  await using all = await setting({ provider: { documents: { [id]: document } } });
  await using bridge = await signedIn(all, { args: [`${port}`, "--client-metadata-url", id] });
  assert.equal((await whoami(bridge)).client, id);
  assert.equal(all.authority.asked("/reg").length, 0);
});

test("a person who cancels is told, and so is the client", async () => {
  await using all = await setting();
  await using bridge = startBridge(all.url, { config: all.config });
  const answer = bridge.request("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "tests", version: "1" } });
  const link = await linkOf(bridge);
  const { status, text } = await new FormBrowser().cancel(link);
  assert.equal(status, 400);
  assert.match(text, /access_denied/);
  assert.match((await answer).error.message, /access_denied/);
  assert.equal(linksOf(bridge).length, 1);
});

test("a code is entered on another device", async () => {
  await using all = await setting();
  await using bridge = startBridge(all.url, { config: all.config, args: ["--device-code"] });
  const ready = bridge.initialize();
  const { text } = await bridge.child.line(/\b[A-Z]{4}-[A-Z]{4}\b/);
  const [code] = /\b[A-Z]{4}-[A-Z]{4}\b/.exec(text);
  const page = await new FormBrowser({ login: "ada", password: "any", user_code: code }).open(`${all.authority.issuer}/device`);
  assert.match(page.text, /success/i);
  await ready;
  assert.equal((await whoami(bridge)).sub, "ada");
  await destroyAccessToken(all);
  assert.equal((await whoami(bridge)).sub, "ada");
});

test("a machine's own credentials need no person", async () => {
  await using all = await setting();
  const args = ["--client-credentials", "--static-oauth-client-info", JSON.stringify(MACHINE)];
  await using bridge = startBridge(all.url, { config: all.config, args });
  await bridge.initialize();
  assert.equal((await whoami(bridge)).client, MACHINE.client_id);
  assert.deepEqual(linksOf(bridge), []);
  const [{ form }] = all.authority.grants("client_credentials");
  assert.deepEqual([form.resource, form.scope], [all.url, "mcp:read"]);
});
