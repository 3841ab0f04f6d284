// mcp-remote, the bridge that desktop clients run: spoken to over stdio, it speaks HTTP to the server.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { packageFolder, removeFolder, temporaryFolder } from "../support/child.mjs";
import { WAIT_MS } from "../support/wait.mjs";
import { demo } from "../support/workerd.mjs";

const server = await demo();
after(() => server.stop());

const LIMIT = { timeout: WAIT_MS };

test("mcp-remote connects over Streamable HTTP, lists and calls", () =>
  bridge("/mcp", "http-first", "StreamableHTTPClientTransport"));

test("mcp-remote connects over HTTP+SSE, lists and calls", () => bridge("/sse", "sse-only", "SSEClientTransport"));

// `transport` is what mcp-remote says it connected with, so that a fallback does not pass for the real thing.
async function bridge(path, strategy, transport) {
  const config = temporaryFolder("durable-mcp-remote");
  const stdio = new StdioClientTransport({
    command: process.execPath,
    args: [join(packageFolder("mcp-remote"), "dist/proxy.js"), `${server.url}${path}`, "--transport", strategy],
    env: { ...process.env, MCP_REMOTE_CONFIG_DIR: config },
    stderr: "pipe",
  });
  let said = "";
  stdio.stderr.setEncoding("utf8").on("data", (data) => (said += data));
  const client = new Client({ name: "tests", version: "1.0.0" });
  try {
    await client.connect(stdio, LIMIT);
    const { tools } = await client.listTools({}, LIMIT);
    assert.ok(tools.some(({ name }) => name === "add"));
    const { content } = await client.callTool({ name: "add", arguments: { a: 40, b: 2 } }, undefined, LIMIT);
    assert.deepEqual(content, [{ type: "text", text: "42" }]);
    await client.callTool({ name: "increment", arguments: { by: 3 } }, undefined, LIMIT);
    const { contents } = await client.readResource({ uri: "mcp://resource/counter" }, LIMIT);
    assert.equal(contents[0].text, "3");
    assert.match(said, new RegExp(transport));
  } catch (error) {
    error.message += `\nmcp-remote said:\n${said}`;
    throw error;
  } finally {
    await client.close();
    removeFolder(config);
  }
}
