// A server of Cloudflare's McpAgent: sessions at /mcp, HTTP+SSE at /sse.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { McpAgent } from "agents/mcp";
import { z } from "zod";

export class Agent extends McpAgent {
  server = new McpServer({ name: "mcp-agent", version: "1.0.0" });

  async init() {
    this.server.registerTool("add", { description: "Add two numbers", inputSchema: { a: z.number(), b: z.number() } }, async ({ a, b }) => ({
      content: [{ type: "text", text: String(a + b) }],
    }));
    this.server.registerResource("words", "text://words", { description: "Some words" }, async ({ href }) => ({ contents: [{ uri: href, text: "some words" }] }));
    this.server.registerPrompt("ask", { description: "A question", argsSchema: { topic: z.string() } }, ({ topic }) => ({
      messages: [{ role: "user", content: { type: "text", text: `Tell me about ${topic}` } }],
    }));
  }
}

const options = { binding: "AGENT" };
const streamable = Agent.serve("/mcp", options);
const sse = Agent.serveSSE("/sse", options);

export default {
  fetch(request: Request, env: unknown, context: unknown) {
    return (new URL(request.url).pathname.startsWith("/sse") ? sse : streamable).fetch(request, env, context);
  },
};
