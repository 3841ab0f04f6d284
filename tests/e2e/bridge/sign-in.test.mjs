// The local bridge signs in: with our Worker, and with an authorization server that does what a test says. Numbers are those of the
// table in tests/README.md.
import assert from "node:assert/strict";
import { readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { isReference, startBridge } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { bridgeAuthority, guardedServer, linkOf, linksOf, signIn, storeFolder, storedJson } from "../../support/bridge-authority.mjs";
import { DOCUMENT, siteOfClient } from "../../support/client-document.mjs";
import { freePorts } from "../../support/port.mjs";
import { fixture } from "../../support/workerd.mjs";

const [documentPort] = await freePorts(1);
const site = await siteOfClient(`http://localhost:${documentPort}/oauth/callback`);
const worker = await fixture({ vars: { OAUTH: JSON.stringify({ scopes: ["read", "write", "admin"] }) }, outbound: site.outbound });
after(() => Promise.all([worker.stop(), site.stop()]));

const whoami = async (bridge) => JSON.parse((await bridge.result("tools/call", { name: "whoami_user", arguments: {} })).content[0].text);

test("80, 82, 103: signs in to a Worker with one link, and later with none", async () => {
  using config = storeFolder();
  const [port] = await freePorts(1);
  const options = { args: [`${port}`], config: config.path };
  let first;
  {
    await using bridge = startBridge(`${worker.url}/mcp`, options);
    const [, link] = await Promise.all([bridge.initialize(), signIn(bridge)]);
    first = await whoami(bridge);
    assert.equal(first.id, "test");
    assert.equal(new URL(link).searchParams.get("resource"), `${worker.url}/mcp`);
  }
  const second = startBridge(`${worker.url}/mcp`, options);
  await using bridge = second;
  await bridge.initialize();
  assert.equal((await whoami(bridge)).grant, first.grant);
  assert.deepEqual(linksOf(bridge), []);
  const path = join(config.path, "mcp-remote-v1");
  if (!isReference) assert.equal(statSync(path).mode & 0o777, 0o700);
  for (const name of readdirSync(path).filter((name) => name.endsWith(".json"))) assert.equal(statSync(join(path, name)).mode & 0o777, 0o600, name);
});

test("102, 103: this program and mcp-remote take turns with one grant of a Worker, and use it at once", { skip: isReference }, async () => {
  using config = storeFolder();
  const grants = [];
  const use = async (program, first) => {
    await using bridge = startBridge(`${worker.url}/mcp`, { config: config.path, program });
    await Promise.all([bridge.initialize(), first && signIn(bridge)]);
    grants.push((await whoami(bridge)).grant);
    assert.equal(linksOf(bridge).length, first ? 1 : 0, bridge.stderr);
  };
  await use("reference", true);
  for (const program of ["ours", "reference", "ours"]) {
    storedJson(config.path, "_tokens.json", (tokens) => ({ ...tokens, access_token: "no-longer-good" }));
    await use(program);
  }
  storedJson(config.path, "_tokens.json", (tokens) => ({ ...tokens, access_token: "no-longer-good", expires_at: Date.now() - 1000 }));
  await Promise.all([use("ours"), use("reference"), use("ours"), use("reference")]);
  assert.deepEqual(grants, Array(8).fill(grants[0]));
});

test("82: a metadata document replaces a registration", async () => {
  using config = storeFolder();
  const args = [`${documentPort}`, "--client-metadata-url", DOCUMENT];
  await using bridge = startBridge(`${worker.url}/mcp`, { args, config: config.path });
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  assert.equal((await whoami(bridge)).client, DOCUMENT);
  assert.ok(!config.files().some((name) => name.endsWith("_client_info.json")));
});

test("84, 85: asks for the challenge's scope, with the resource on each request", async () => {
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority, { challenge: { scope: "read write" }, resource: { scopes_supported: ["other"] } });
  await using bridge = startBridge(server.url);
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  const [{ query }] = authority.asked("/authorize");
  assert.deepEqual([query.scope, query.resource, query.code_challenge_method], ["read write", server.url, "S256"]);
  const [{ form }] = authority.grants("authorization_code");
  assert.equal(form.resource, server.url);
  authority.spoil();
  await bridge.result("tools/list");
  const [{ form: refresh }] = authority.grants("refresh_token");
  assert.deepEqual([refresh.resource, refresh.scope], [server.url, "read write"]);
  assert.equal(linksOf(bridge).length, 1);
});

for (const [name, args, resource] of [
  ["--resource replaces it", ["--resource", "https://api.example.com/v1"], "https://api.example.com/v1"],
  ["--disable-resource-parameter leaves it out", ["--disable-resource-parameter"], undefined],
]) {
  test(`85: ${name} on authorize, token and refresh`, async () => {
    await using authority = await bridgeAuthority();
    await using server = await guardedServer(authority);
    await using bridge = startBridge(server.url, { args });
    await Promise.all([bridge.initialize(), signIn(bridge)]);
    authority.spoil();
    await bridge.result("tools/list");
    const asked = [authority.asked("/authorize")[0].query, authority.grants("authorization_code")[0].form, authority.grants("refresh_token")[0].form];
    assert.deepEqual(asked.map((parameters) => parameters.resource), [resource, resource, resource]);
  });
}

test("84, 85, 105: scope, further parameters, host and path of the redirect come from the command line", async () => {
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority, { challenge: { scope: "read" }, scopes: { write: "write" } });
  const [port] = await freePorts(1);
  const scope = isReference ? ["--static-oauth-client-metadata", '{"scope":"mine"}'] : ["--scope", "mine"];
  const args = [`${port}`, ...scope, "--authorize-param", "audience=a b", "--host", "127.0.0.1", "--callback-path", "/back"];
  await using bridge = startBridge(server.url, { args });
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  const [{ query }] = authority.asked("/authorize");
  assert.deepEqual([query.scope, query.audience, query.redirect_uri], ["mine", "a b", `http://127.0.0.1:${port}/back`]);
  if (isReference) return;
  const { error } = await bridge.request("tools/call", { name: "write", arguments: {} });
  assert.match(error.message, /403/);
  assert.equal(linksOf(bridge).length, 1);
});

test("103: sign-ins of mcp-remote before 0.14 are taken over where there are no newer ones", { skip: isReference && "begins anew" }, async () => {
  using config = storeFolder();
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  {
    await using bridge = startBridge(server.url, { config: config.path });
    await Promise.all([bridge.initialize(), signIn(bridge)]);
  }
  renameSync(join(config.path, "mcp-remote-v1"), join(config.path, "mcp-remote-0.1.38"));
  await using bridge = startBridge(server.url, { config: config.path });
  await bridge.initialize();
  assert.deepEqual(linksOf(bridge), []);
});

test("84: without any source asks for no scope", { skip: isReference && "asks for openid email profile" }, async () => {
  await using authority = await bridgeAuthority({ metadata: { scopes_supported: ["openid", "offline_access"] } });
  await using server = await guardedServer(authority);
  await using bridge = startBridge(server.url);
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  assert.equal(authority.asked("/authorize")[0].query.scope, undefined);
  assert.equal(authority.asked("/register")[0].json.scope, undefined);
});

test("82: registers as a native client by the method that is offered, and sends the secret also after a restart", async () => {
  using config = storeFolder();
  await using authority = await bridgeAuthority({ metadata: { token_endpoint_auth_methods_supported: ["client_secret_basic"] } });
  await using server = await guardedServer(authority);
  {
    await using bridge = startBridge(server.url, { config: config.path });
    await Promise.all([bridge.initialize(), signIn(bridge)]);
  }
  const [{ json }] = authority.asked("/register");
  assert.equal(json.token_endpoint_auth_method, "client_secret_basic");
  for (const uri of json.redirect_uris) assert.match(uri, /^http:\/\/(localhost|127\.0\.0\.1):\d+\/oauth\/callback$/);
  if (!isReference) assert.deepEqual([json.application_type, json.client_name], ["native", "tests (durable-mcp-remote)"]);
  authority.spoil();
  await using bridge = startBridge(server.url, { config: config.path });
  await bridge.initialize();
  const [{ headers, form }] = authority.grants("refresh_token");
  assert.match(headers.authorization, /^Basic /);
  assert.equal(form.client_secret, undefined);
  assert.equal(authority.asked("/register").length, 1);
  assert.deepEqual(linksOf(bridge), []);
});

test("81: a resource that does not cover the server is refused with both values", async () => {
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority, { resource: { resource: "https://other.example/mcp" } });
  await using bridge = startBridge(server.url);
  const { error } = await bridge.request("initialize", INITIALIZE);
  assert.ok(error.message.includes("https://other.example/mcp") && error.message.includes(server.url), error.message);
  assert.equal(authority.requests.length, 0);
});

test("81: an issuer that differs by one character is refused with both values", async () => {
  await using authority = await bridgeAuthority({ path: "/tenant", metadata: {} });
  authority.more = { issuer: `${authority.issuer}s` };
  await using server = await guardedServer(authority);
  await using bridge = startBridge(server.url);
  const { error } = await bridge.request("initialize", INITIALIZE);
  assert.ok(error.message.includes(`${authority.issuer}s,`) && error.message.includes(`${authority.issuer}:`), error.message);
  assert.equal(authority.asked("/register").length, 0);
});

test("91: an answer of another issuer is not used, not even its error", async () => {
  await using authority = await bridgeAuthority({ iss: () => "https://evil.example", metadata: { authorization_response_iss_parameter_supported: true } });
  await using server = await guardedServer(authority);
  await using bridge = startBridge(server.url);
  const answer = bridge.request("initialize", INITIALIZE);
  const page = await fetch(await linkOf(bridge));
  assert.equal(page.status, 400);
  const { error } = await answer;
  assert.match(error.message, /https:\/\/evil\.example/);
  assert.equal(authority.grants("authorization_code").length, 0);
});

test("92: a client that the server has forgotten is registered again, with one link", async () => {
  using config = storeFolder();
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  {
    await using bridge = startBridge(server.url, { config: config.path });
    await Promise.all([bridge.initialize(), signIn(bridge)]);
  }
  authority.clients.clear();
  authority.spoil();
  await using bridge = startBridge(server.url, { config: config.path });
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  assert.equal(authority.asked("/register").length, 2);
  assert.equal(linksOf(bridge).length, 1);
});

test("92: a registration that is forgotten while the grant is gone, too, is found by a look before the window", async () => {
  using config = storeFolder();
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  {
    await using bridge = startBridge(server.url, { config: config.path });
    await Promise.all([bridge.initialize(), signIn(bridge)]);
  }
  const clients = [...authority.clients.keys()];
  authority.spoil();
  authority.refresh.clear();
  authority.on["/token"] = ({ form }) => (form.grant_type === "refresh_token" ? [400, { error: "invalid_grant" }] : undefined);
  for (const id of clients) authority.clients.delete(id);
  await using bridge = startBridge(server.url, { config: config.path });
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  assert.equal(linksOf(bridge).length, 1);
  assert.ok(!clients.includes(new URL(linksOf(bridge)[0]).searchParams.get("client_id")));
});

test("88: a server that lists no PKCE methods is refused to sign in with, but refreshes", async () => {
  using config = storeFolder();
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  {
    await using bridge = startBridge(server.url, { config: config.path });
    await Promise.all([bridge.initialize(), signIn(bridge)]);
  }
  authority.more = { code_challenge_methods_supported: undefined };
  authority.spoil();
  await using bridge = startBridge(server.url, { config: config.path });
  await bridge.initialize();
  assert.equal(authority.grants("refresh_token").length, 1);
  if (isReference) return;
  await using other = startBridge(server.url);
  assert.match((await other.request("initialize", INITIALIZE)).error.message, /--allow-missing-pkce/);
  await using trusting = startBridge(server.url, { args: ["--allow-missing-pkce"] });
  await Promise.all([trusting.initialize(), signIn(trusting)]);
});

test("83: a server that asks for a token and offers no sign-in gets the flag that helps", { skip: isReference && "ends" }, async () => {
  await using server = await bridgeServer({ http: (exchange) => (exchange.status(exchange.method === "POST" && exchange.url === "/mcp" ? 401 : 404), true) });
  await using bridge = startBridge(server.url);
  const { error } = await bridge.request("initialize", INITIALIZE);
  assert.match(error.message, /no OAuth metadata.*--header/);
});

test("a 401 to the end of a session opens no window", { skip: isReference && "sends no DELETE" }, async () => {
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority, { sessions: true, refuses: ({ method }) => method === "DELETE" });
  await using bridge = startBridge(server.url);
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  assert.equal(await bridge.end(), 0);
  assert.equal(server.log.at(-1), "DELETE");
  assert.equal(linksOf(bridge).length, 1);
});

test("88: refresh that is refused leads to a sign-in; one that fails keeps the tokens", async () => {
  using config = storeFolder();
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  await using bridge = startBridge(server.url, { config: config.path });
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  const before = storedJson(config.path, "_tokens.json");
  authority.spoil();
  authority.on["/token"] = () => [503, { error: "temporarily_unavailable" }];
  const { error } = await bridge.request("tools/list");
  assert.match(error.message, /temporarily_unavailable/);
  assert.equal(storedJson(config.path, "_tokens.json").refresh_token, before.refresh_token);
  delete authority.on["/token"];
  authority.refresh.clear();
  const [, link] = await Promise.all([bridge.result("tools/list"), signIn(bridge, { count: 2 })]);
  assert.ok(link);
});

test("88: a refresh that GitHub refuses with 200 leads to a sign-in", { skip: isReference }, async () => {
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  await using bridge = startBridge(server.url);
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  authority.spoil();
  authority.on["/token"] = ({ form }) => (form.grant_type === "refresh_token" ? [200, { error: "bad_refresh_token" }] : undefined);
  const [, link] = await Promise.all([bridge.result("tools/list"), signIn(bridge, { count: 2 })]);
  assert.ok(link);
});

test("89: after a lost answer the refresh token is tried once more", async () => {
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  await using bridge = startBridge(server.url);
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  authority.spoil();
  let lost = 0;
  authority.on["/token"] = ({ response }) => {
    if (lost++ > 0) return undefined;
    response.destroy();
    return [200, {}];
  };
  await bridge.result("tools/list");
  assert.equal(authority.grants("refresh_token").length, 2);
});

test("86: a scope that a tool needs is asked for once, besides those that are granted", async () => {
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority, { challenge: { scope: "read" }, scopes: { write: "write", never: "never" } });
  await using bridge = startBridge(server.url);
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  const call = (name) => bridge.request("tools/call", { name, arguments: {} });
  const [{ result }] = await Promise.all([call("write"), signIn(bridge, { count: 2 })]);
  assert.ok(result);
  assert.equal(authority.asked("/authorize")[1].query.scope, "read write");
  // The server grants less than it is asked for.
  authority.on["/token"] = () => [200, authority.issue("read write")];
  const [{ error }] = await Promise.all([call("never"), signIn(bridge, { count: 3 })]);
  assert.match(error.message, /403/);
  assert.equal(linksOf(bridge).length, 3);
});

test("90: tokens and registration of another authorization server are not used", async () => {
  using config = storeFolder();
  await using old = await bridgeAuthority();
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(old);
  {
    await using bridge = startBridge(server.url, { config: config.path });
    await Promise.all([bridge.initialize(), signIn(bridge)]);
  }
  server.authority = authority;
  await using bridge = startBridge(server.url, { config: config.path });
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  assert.equal(authority.grants("refresh_token").length, 0);
  assert.equal(authority.asked("/register").length, 1);
  assert.equal(storedJson(config.path, "_tokens.json").issuer, authority.issuer);
});

const INITIALIZE = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "tests", version: "1.0.0" } };
