// A server of the TypeScript SDK 1, with sessions at /mcp and HTTP+SSE at /sse. It prints its port.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";

function mcpServer() {
  const server = new McpServer({ name: "typescript-sdk-1", version: "1.0.0" });
  server.registerTool("add", { description: "Add two numbers", inputSchema: { a: z.number(), b: z.number() } }, async ({ a, b }) => ({
    content: [{ type: "text", text: String(a + b) }],
  }));
  server.registerTool("greet", { description: "Greet a person whose name is asked for", inputSchema: {} }, async () => {
    const { action, content } = await server.server.elicitInput({
      message: "Whom shall I greet?",
      requestedSchema: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
    });
    return { content: [{ type: "text", text: action === "accept" ? `Hello ${content.name}` : action }] };
  });
  server.registerResource("words", "text://words", { description: "Some words" }, async ({ href }) => ({ contents: [{ uri: href, text: "some words" }] }));
  server.registerPrompt("ask", { description: "A question", argsSchema: { topic: z.string() } }, ({ topic }) => ({
    messages: [{ role: "user", content: { type: "text", text: `Tell me about ${topic}` } }],
  }));
  return server;
}

const sessions = new Map();
const streams = new Map();

async function streamable(request, response) {
  const known = sessions.get(request.headers["mcp-session-id"]);
  if (known) return known.handleRequest(request, response);
  if (request.headers["mcp-session-id"]) return response.writeHead(404).end();
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  await mcpServer().connect(transport);
  await transport.handleRequest(request, response);
}

async function sse(request, response, url) {
  if (request.method === "POST") return streams.get(url.searchParams.get("sessionId"))?.handlePostMessage(request, response) ?? response.writeHead(404).end();
  const transport = new SSEServerTransport("/sse", response);
  streams.set(transport.sessionId, transport);
  await mcpServer().connect(transport);
}

const server = createServer((request, response) => {
  response.setHeader("access-control-allow-origin", "*");
  response.setHeader("access-control-allow-methods", "GET, POST, DELETE");
  response.setHeader("access-control-allow-headers", "content-type, accept, authorization, last-event-id, mcp-session-id, mcp-protocol-version");
  response.setHeader("access-control-expose-headers", "mcp-session-id");
  if (request.method === "OPTIONS") return response.writeHead(204).end();
  const url = new URL(request.url, "http://localhost");
  if (url.pathname === "/sessions") return response.end(String(sessions.size));
  return url.pathname === "/sse" ? sse(request, response, url) : streamable(request, response);
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
