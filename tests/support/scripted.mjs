// An MCP server that does what a test says: on loopback, without sessions unless told, with CORS as it is told.
import { createServer } from "node:http";

const MODERN_HEADERS = ["mcp-method", "mcp-name"];

/**
 * Starts it: `{ url, origin, requests, stop() }`. `handlers` answer methods, with a result or `{ error }`; `modernHeaders` and
 * `moreHeaders` are those that CORS allows, `session` the id that `initialize` gives, or what gives one;
 * `answer(request, body, response)` may answer in its place.
 */
export async function scripted({ handlers = {}, info = { name: "scripted", version: "1" }, capabilities = { tools: {} }, modernHeaders = true, moreHeaders = [], session, answer, port = 0 } = {}) {
  const requests = [];
  const known = {
    initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities, serverInfo: info }),
    "tools/list": () => ({ tools: [] }),
    ping: () => ({}),
    ...handlers,
  };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    requests.push({ method: request.method, url: request.url, headers: request.headers, text });
    const allowed = ["content-type", "authorization", "accept", "mcp-session-id", "mcp-protocol-version", "last-event-id", "x-secret", ...(modernHeaders ? MODERN_HEADERS : []), ...moreHeaders];
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", allowed.join(", "));
    response.setHeader("access-control-allow-methods", "GET, POST, DELETE");
    response.setHeader("access-control-expose-headers", "mcp-session-id, www-authenticate");
    response.setHeader("connection", "close");
    if (request.method === "OPTIONS") return response.writeHead(204).end();
    if (answer?.(request, text, response)) return;
    if (request.method !== "POST") return response.writeHead(request.method === "DELETE" ? 204 : 405).end();
    const message = JSON.parse(text);
    if (message.id === undefined) return response.writeHead(202).end();
    const handler = known[message.method];
    const outcome = handler ? await handler(message.params ?? {}) : { error: { code: -32601, message: `There is no ${message.method}.` } };
    if (message.method === "initialize" && session) response.setHeader("mcp-session-id", typeof session === "function" ? session() : session);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...(outcome.error ? outcome : { result: outcome }) }));
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `${origin}/mcp`, origin, requests, stop, [Symbol.asyncDispose]: stop };
}
