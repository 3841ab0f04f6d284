// Servers and authorization servers of the public web whose CORS lets no page in, as the relay of a Worker reaches them.
import { internet } from "./internet.mjs";

// Without this header Playwright adds one that lets every page in.
const NOBODY = { "access-control-allow-origin": "https://nobody.example" };

const SITE = /^https:\/\/[\w.-]+\.example\//;
const SESSION = "the-session-of-the-server";
export const TOKEN = "the-access-token-of-the-server";

/** The address of the server. */
export const SERVER = "https://server.example/mcp";

const TOOLS = [
  { name: "echo", inputSchema: { type: "object", properties: { text: { type: "string" } } }, annotations: { readOnlyHint: true } },
  { name: "slow", inputSchema: { type: "object" } },
];

/**
 * Starts the servers, and returns what `internet` gives. `isPrivate` has the server demand a sign-in at https://as.example; `away` has
 * it break each connection. A call of the tool `slow` is answered by a stream that does not end.
 */
export async function withoutCors() {
  const web = await internet((request, text, response) => (request.headers.host === "as.example" ? authority(request, text, response) : server(web, request, text, response)));
  return Object.assign(web, { isPrivate: false, away: false });
}

/** Has the browser find them: each answers a page, and lets it read nothing. `direct` has what came by this way. */
export async function reachable(context) {
  const direct = [];
  await context.route(SITE, (route) => {
    const request = route.request();
    const url = new URL(request.url());
    if (!request.isNavigationRequest()) direct.push(`${request.method()} ${url.host}${url.pathname}`);
    if (url.pathname !== "/authorize") return route.fulfill({ status: 200, contentType: "application/json", headers: NOBODY, body: "{}" });
    const back = new URL(url.searchParams.get("redirect_uri"));
    for (const [name, value] of Object.entries({ code: "the-code-of-the-authority", state: url.searchParams.get("state") })) back.searchParams.set(name, value);
    return route.fulfill({ status: 302, headers: { location: back.href } });
  });
  return direct;
}

const json = (response, status, body, headers = {}) => void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));

function server(web, request, text, response) {
  const { pathname } = new URL(request.url, "https://server.example");
  if (web.away) return request.socket.destroy();
  if (pathname === "/.well-known/oauth-protected-resource/mcp") return json(response, 200, { resource: SERVER, authorization_servers: ["https://as.example"], scopes_supported: ["read"] });
  if (pathname !== "/mcp") return json(response, 404, {});
  if (web.isPrivate && request.headers.authorization !== `Bearer ${TOKEN}`) return json(response, 401, {}, { "www-authenticate": 'Bearer resource_metadata="https://server.example/.well-known/oauth-protected-resource/mcp", scope="read"' });
  if (request.method !== "POST") return void response.writeHead(request.method === "DELETE" ? 204 : 405).end();
  const { id, method, params } = JSON.parse(text);
  if (id === undefined) return void response.writeHead(202).end();
  if (method === "tools/call" && params.name === "slow") {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: params._meta.progressToken, progress: 1, message: "It has begun" } })}\n\n`);
    // By these it is noticed on the way that nobody reads any more.
    const going = setInterval(() => response.write(": goes on\n\n"), 50);
    return void response.on("close", () => clearInterval(going));
  }
  const results = {
    initialize: () => ({ protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "without-cors", version: "1" } }),
    ping: () => ({}),
    "tools/list": () => ({ tools: TOOLS }),
    "tools/call": () => ({ content: [{ type: "text", text: `echo: ${params.arguments.text}` }] }),
  };
  const result = results[method]?.();
  json(response, 200, { jsonrpc: "2.0", id, ...(result ? { result } : { error: { code: -32601, message: "There is no such method." } }) }, method === "initialize" ? { "mcp-session-id": SESSION } : {});
}

function authority(request, text, response) {
  const at = "https://as.example";
  const { pathname } = new URL(request.url, at);
  if (pathname === "/.well-known/oauth-authorization-server") {
    return json(response, 200, { issuer: at, authorization_endpoint: `${at}/authorize`, token_endpoint: `${at}/token`, registration_endpoint: `${at}/register`, response_types_supported: ["code"], code_challenge_methods_supported: ["S256"] });
  }
  if (pathname === "/register") return json(response, 201, { ...JSON.parse(text), client_id: "the-client-at-the-authority" });
  if (pathname === "/token") return json(response, 200, { access_token: TOKEN, token_type: "Bearer", expires_in: 3600, scope: "read" });
  json(response, 404, {});
}
