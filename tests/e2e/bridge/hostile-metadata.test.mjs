// The local bridge and bad metadata of a sign-in: an error that says what is wrong, and no browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isReference, startBridge } from "../../support/bridge.mjs";
import { bridgeAuthority, linkOf, signIn, storeFolder, storedJson } from "../../support/bridge-authority.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";

const PARAMS = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "tests", version: "1.0.0" } };
const json = { "content-type": "application/json" };
const RESOURCE = "/.well-known/oauth-protected-resource/mcp";
const AUTHORITY = "/.well-known/oauth-authorization-server";

const metadata = (origin) => ({
  issuer: origin,
  authorization_endpoint: `${origin}/authorize`,
  token_endpoint: `${origin}/token`,
  registration_endpoint: `${origin}/register`,
  code_challenge_methods_supported: ["S256"],
  response_types_supported: ["code"],
});
const text = (body) => (exchange) => exchange.status(200, typeof body === "string" ? body : JSON.stringify(body(exchange.server.origin)), json);

/** Spaces without an end, as fast as they are read. */
function endless({ response }) {
  response.on("error", () => {});
  response.writeHead(200, json);
  // A write that is complete at once must not keep the end of the connection from being seen.
  const more = (error) => setImmediate(() => error || response.destroyed || response.write(" ".repeat(65_536), more));
  more();
}

for (const [what, path, answer, says] of [
  ["metadata of a resource without an end", RESOURCE, endless, /more than 1 MiB/],
  ["metadata that redirects to itself", RESOURCE, (exchange) => exchange.status(302, "", { location: RESOURCE }), /redirects too often/],
  ["an authorization server that is a file", RESOURCE, text((origin) => ({ resource: `${origin}/mcp`, authorization_servers: ["file:///etc/passwd"] })), /not https/],
  ["metadata of an authorization server without an end", AUTHORITY, endless, /more than 1 MiB/],
  ["metadata 100,000 levels deep", AUTHORITY, text("[".repeat(100_000) + "]".repeat(100_000)), /no metadata/],
  ["metadata that is null", AUTHORITY, text("null"), /no metadata/],
  ["an authorization endpoint that is a script", AUTHORITY, text((origin) => ({ ...metadata(origin), authorization_endpoint: "javascript:alert(1)" })), /not https/],
  ["a registration without an end", "/register", endless, /more than 1 MiB/],
  ["a registration whose client id is a number", "/register", text('{"client_id":5}'), /register/],
]) {
  test(`${what} is an error of initialize`, { skip: isReference }, async () => {
    const answers = {
      [RESOURCE]: text((origin) => ({ resource: `${origin}/mcp`, authorization_servers: [origin] })),
      [AUTHORITY]: text(metadata),
      "/register": text('{"client_id":"client"}'),
      [path]: answer,
    };
    await using server = await bridgeServer({
      http: (exchange) => {
        const { origin } = exchange.server;
        if (answers[exchange.url]) answers[exchange.url](exchange);
        else if (exchange.url.startsWith("/.well-known/")) exchange.status(404);
        else exchange.status(401, "", { "www-authenticate": `Bearer resource_metadata="${origin}${RESOURCE}"` });
        return true;
      },
    });
    await using bridge = startBridge(server.url);
    const { error } = await bridge.request("initialize", PARAMS);
    assert.match(error.message, says);
    assert.doesNotMatch(bridge.stderr, /panicked/);
  });
}

/** A server of 2025-03-26: it has no resource metadata, and `metadata` of its authorization server at its own origin. */
const serverOf2025 = ({ accepts = () => false, metadata = () => undefined, on = () => false } = {}) =>
  bridgeServer({
    http: (exchange) => {
      const { url, headers, server } = exchange;
      const document = url === AUTHORITY ? metadata(server.origin) : undefined;
      if (document) exchange.status(200, JSON.stringify(document), json);
      else if (url.startsWith("/.well-known/")) exchange.status(404);
      else if (on(exchange)) return true;
      else if (url !== "/mcp") exchange.status(404);
      else if (accepts(headers.authorization?.replace("Bearer ", ""))) return false;
      else exchange.status(401, "", { "www-authenticate": "Bearer" });
      return true;
    },
  });

test("a server that names another issuer gets neither its code nor its refresh token", { skip: isReference }, async () => {
  await using authority = await bridgeAuthority();
  await using thief = await bridgeAuthority();
  await using server = await serverOf2025({
    accepts: (token) => authority.access.has(token),
    metadata: () => ({ ...authority.metadata, token_endpoint: `${thief.origin}/token` }),
  });
  await using bridge = startBridge(server.url);
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  authority.spoil();
  await bridge.result("tools/list");
  assert.equal(authority.grants("refresh_token").length, 1);
  assert.equal(thief.requests.length, 0);
});

test("a server that names another issuer, which names none or a third, is refused", { skip: isReference }, async () => {
  await using authority = await bridgeAuthority({ metadata: { issuer: "https://third.example" } });
  await using server = await serverOf2025({ metadata: (origin) => ({ ...metadata(origin), issuer: authority.origin }) });
  await using bridge = startBridge(server.url);
  const { error } = await bridge.request("initialize", PARAMS);
  assert.ok(error.message.includes("https://third.example") && error.message.includes(authority.origin), error.message);
});

test("tokens without an issuer are not shown to a guessed endpoint", { skip: isReference }, async () => {
  using config = storeFolder();
  const asked = [];
  await using authority = await bridgeAuthority();
  let isGuessed = false;
  await using server = await serverOf2025({
    accepts: (token) => authority.access.has(token),
    metadata: () => (isGuessed ? undefined : authority.metadata),
    on: (exchange) => exchange.url === "/token" && asked.push(exchange.text) && (exchange.status(400), true),
  });
  {
    await using bridge = startBridge(server.url, { config: config.path });
    await Promise.all([bridge.initialize(), signIn(bridge)]);
  }
  for (const name of ["_tokens.json", "_client_info.json"]) storedJson(config.path, name, ({ issuer, ...rest }) => rest);
  authority.spoil();
  isGuessed = true;
  await using bridge = startBridge(server.url, { config: config.path });
  bridge.send({ jsonrpc: "2.0", id: 1, method: "initialize", params: PARAMS });
  assert.ok((await linkOf(bridge)).startsWith(`${server.origin}/authorize`));
  assert.deepEqual(asked, []);
});
