// A server of the TypeScript SDK 2 at /mcp: 2026-07-28, and 2025 without sessions. It prints its port.
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { McpServer, createMcpHandler } from "@modelcontextprotocol/server";
import { z } from "zod";

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "typescript-sdk-2", version: "1.0.0" });
  server.registerTool("add", { description: "Add two numbers", inputSchema: z.object({ a: z.number(), b: z.number() }) }, async ({ a, b }) => ({
    content: [{ type: "text", text: String(a + b) }],
  }));
  server.registerResource("words", "text://words", { description: "Some words" }, async ({ href }) => ({ contents: [{ uri: href, text: "some words" }] }));
  server.registerPrompt("ask", { description: "A question", argsSchema: z.object({ topic: z.string() }) }, ({ topic }) => ({
    messages: [{ role: "user", content: { type: "text", text: `Tell me about ${topic}` } }],
  }));
  return server;
});

const server = createServer(async (request, response) => {
  response.setHeader("access-control-allow-origin", "*");
  response.setHeader("access-control-allow-methods", "GET, POST, DELETE");
  response.setHeader("access-control-allow-headers", "content-type, accept, authorization, last-event-id, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name");
  if (request.method === "OPTIONS") return response.writeHead(204).end();
  const hasBody = request.method === "POST";
  const answer = await handler.fetch(
    new Request(`http://localhost${request.url}`, { method: request.method, headers: request.headers, ...(hasBody ? { body: Readable.toWeb(request), duplex: "half" } : {}) }),
  );
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body) Readable.fromWeb(answer.body).pipe(response);
  else response.end();
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
