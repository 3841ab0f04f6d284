// The local bridge between the TypeScript SDK's client, on stdio, and the demo Worker.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { PROGRAM } from "../support/bridge.mjs";
import { removeFolder, temporaryFolder } from "../support/child.mjs";
import { WAIT_MS } from "../support/wait.mjs";
import { demo } from "../support/workerd.mjs";

const server = await demo();
after(() => server.stop());

const LIMIT = { timeout: WAIT_MS };

for (const [what, path, args] of [
  ["over Streamable HTTP", "/mcp", []],
  ["over HTTP+SSE", "/sse", ["--transport", "sse-only"]],
  ["by 2026-07-28", "/mcp", ["--protocol", "modern"]],
]) {
  test(`the bridge connects ${what}, lists, calls and reads`, async () => {
    const config = temporaryFolder("durable-mcp-remote");
    const stdio = new StdioClientTransport({
      command: PROGRAM,
      args: [`${server.url}${path}`, ...args],
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
      const { contents } = await client.readResource({ uri: "mcp://resource/counter" }, LIMIT);
      assert.equal(contents[0].text, "0");
    } catch (error) {
      error.message += `\nthe bridge said:\n${said}`;
      throw error;
    } finally {
      await client.close();
      removeFolder(config);
    }
  });
}
