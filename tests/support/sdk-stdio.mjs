// The TypeScript SDK's client over stdio, in front of a bridge to a server.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { removeFolder, temporaryFolder } from "./child.mjs";
import { WAIT_MS } from "./wait.mjs";

export const LIMIT = { timeout: WAIT_MS };

/** Runs a bridge with a store of its own, and `use(client)` while a client is connected to it. Gives what the bridge said on stderr. */
export async function overStdio({ command, args }, use) {
  const config = temporaryFolder("durable-mcp-remote");
  const stdio = new StdioClientTransport({ command, args, env: { ...process.env, MCP_REMOTE_CONFIG_DIR: config }, stderr: "pipe" });
  let said = "";
  stdio.stderr.setEncoding("utf8").on("data", (data) => (said += data));
  const client = new Client({ name: "tests", version: "1.0.0" });
  try {
    await client.connect(stdio, LIMIT);
    await use(client);
    return said;
  } catch (error) {
    error.message += `\nthe bridge said:\n${said}`;
    throw error;
  } finally {
    await client.close();
    removeFolder(config);
  }
}

/** Finds the demo's tool `add` in its list, and calls it. */
export async function addsUp(client) {
  const { tools } = await client.listTools({}, LIMIT);
  assert.ok(tools.some(({ name }) => name === "add"));
  const { content } = await client.callTool({ name: "add", arguments: { a: 40, b: 2 } }, undefined, LIMIT);
  assert.deepEqual(content, [{ type: "text", text: "42" }]);
}

/** The demo's counter, as its resource has it. */
export async function counter(client) {
  const { contents } = await client.readResource({ uri: "mcp://resource/counter" }, LIMIT);
  return contents[0].text;
}
