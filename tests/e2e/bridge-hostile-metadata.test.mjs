// The local bridge and bad metadata of a sign-in: an error that says what is wrong, and no browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isReference, startBridge } from "../support/bridge.mjs";
import { bridgeServer } from "../support/bridge-server.mjs";

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
