// An authorization server that does what a test says, and an MCP server that takes its tokens. It approves everything.
import { createServer } from "node:http";
import { scripted } from "./scripted.mjs";

/**
 * Starts one: `{ origin, issuer, requests, clients, access, refresh, stop() }`. `expiresIn` is the life in seconds of tokens for a
 * code; `approve()` may hold back its answer at `/authorize`, and `answer(parameters)` change it. `path` is that of its issuer,
 * `serves(pathname)` tells where its metadata is, and `metadata(document)` changes it. With
 * `tellsScope`, tokens come with the scope that was asked for last.
 */
export async function authority({ name = "as", expiresIn = 3600, approve = async () => true, answer: changed = (parameters) => parameters, path = "", serves = () => true, metadata = (document) => document, tellsScope = false } = {}) {
  const state = { requests: [], clients: new Set(), access: new Set(), refresh: new Set(), codes: new Set(), revoked: [], expiresIn };
  let count = 0;
  const made = (kind) => `${name}-${kind}-${++count}`;
  function tokens(expiresIn = 3600) {
    const [access, refresh] = [made("access"), made("refresh")];
    state.access.add(access);
    state.refresh.add(refresh);
    return { access_token: access, refresh_token: refresh, token_type: "Bearer", expires_in: expiresIn, ...(tellsScope ? { scope: state.scope } : {}) };
  }
  function exchange(form) {
    if (!state.clients.has(form.get("client_id"))) return [401, { error: "invalid_client" }];
    const from = form.get("grant_type") === "refresh_token" ? state.refresh : state.codes;
    if (!from.delete(form.get("refresh_token") ?? form.get("code"))) return [400, { error: "invalid_grant" }];
    return [200, tokens(from === state.codes ? state.expiresIn : undefined)];
  }
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const { pathname, searchParams } = new URL(request.url, origin);
    if (request.method !== "OPTIONS") state.requests.push({ method: request.method, pathname, url: request.url, headers: request.headers, text });
    for (const header of ["origin", "headers", "methods"]) response.setHeader(`access-control-allow-${header}`, header === "headers" ? "content-type, authorization, mcp-protocol-version" : "*");
    response.setHeader("connection", "close");
    const answer = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.method === "OPTIONS") return response.writeHead(204).end();
    if (pathname.includes("/.well-known/")) {
      if (!serves(pathname)) return answer(404, {});
      const endpoints = { authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token`, registration_endpoint: `${origin}/register`, revocation_endpoint: `${origin}/revoke` };
      const openId = { jwks_uri: `${origin}/keys`, subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["RS256"] };
      return answer(200, metadata({ issuer: `${origin}${path}`, ...endpoints, ...openId, response_types_supported: ["code"], code_challenge_methods_supported: ["S256"], token_endpoint_auth_methods_supported: ["none"] }));
    }
    if (pathname === "/register") {
      const id = made("client");
      state.clients.add(id);
      return answer(201, { ...JSON.parse(text), client_id: id });
    }
    if (pathname === "/authorize") {
      if (!state.clients.has(searchParams.get("client_id"))) return response.writeHead(400, { "content-type": "text/html" }).end("<p>This client is not known.</p>");
      if (!(await approve())) return response.writeHead(200, { "content-type": "text/html" }).end("<p>Nothing happens here.</p>");
      state.scope = searchParams.get("scope") ?? undefined;
      const back = new URL(searchParams.get("redirect_uri"));
      const code = made("code");
      state.codes.add(code);
      back.search = new URLSearchParams(changed({ code, state: searchParams.get("state") }));
      return response.writeHead(302, { location: back.href }).end();
    }
    if (pathname === "/token") return answer(...exchange(new URLSearchParams(text)));
    if (pathname === "/revoke") {
      const token = new URLSearchParams(text).get("token");
      state.revoked.push(token);
      for (const known of [state.access, state.refresh]) known.delete(token);
      return answer(200, {});
    }
    answer(404, {});
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return Object.assign(state, { origin, issuer: `${origin}${path}`, stop, [Symbol.asyncDispose]: stop });
}

/**
 * An MCP server whose tokens `issuer()` gives: `scripted()` with a guard before it. `resource(origin, pathname)` gives its metadata,
 * or nothing; `challenge(origin)` the challenge.
 */
export async function guarded(issuer, { resource, challenge, ...more } = {}) {
  let origin;
  const found = resource ?? (() => ({ resource: `${origin}/mcp`, authorization_servers: [issuer().issuer] }));
  const challenged = challenge ?? (() => `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`);
  const answer = ({ url, method, headers }, _, response) => {
    const json = (status, body, head = {}) => Boolean(response.writeHead(status, { "content-type": "application/json", ...head }).end(JSON.stringify(body)));
    const document = url.includes("/.well-known/oauth-protected-resource") || url === "/about" ? found(origin, url) : undefined;
    if (document) return typeof document === "number" ? json(document, {}) : json(200, document);
    if (url.includes("/.well-known/") || url === "/about") return json(404, {});
    if (method === "DELETE" || issuer().access.has(headers.authorization?.replace("Bearer ", ""))) return false;
    return json(401, {}, { "www-authenticate": challenged(origin) });
  };
  const server = await scripted({ ...more, answer });
  origin = server.origin;
  return server;
}
