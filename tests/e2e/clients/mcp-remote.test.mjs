// mcp-remote, the bridge that desktop clients run: spoken to over stdio, it speaks HTTP to the server.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { packageFolder } from "../../support/child.mjs";
import { LIMIT, addsUp, counter, overStdio } from "../../support/sdk-stdio.mjs";
import { demo } from "../../support/workerd.mjs";

const server = await demo();
after(() => server.stop());

test("mcp-remote connects over Streamable HTTP, lists and calls", () =>
  bridge("/mcp", "http-first", "StreamableHTTPClientTransport"));

test("mcp-remote connects over HTTP+SSE, lists and calls", () => bridge("/sse", "sse-only", "SSEClientTransport"));

// `transport` is what mcp-remote says it connected with, so that a fallback does not pass for the real thing.
async function bridge(path, strategy, transport) {
  const args = [join(packageFolder("mcp-remote"), "dist/proxy.js"), `${server.url}${path}`, "--transport", strategy];
  const said = await overStdio({ command: process.execPath, args }, async (client) => {
    await addsUp(client);
    await client.callTool({ name: "increment", arguments: { by: 3 } }, undefined, LIMIT);
    assert.equal(await counter(client), "3");
  });
  assert.match(said, new RegExp(transport));
}
