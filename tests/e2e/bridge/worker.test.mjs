// The local bridge between the TypeScript SDK's client, on stdio, and the demo Worker.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { PROGRAM } from "../../support/bridge.mjs";
import { addsUp, counter, overStdio } from "../../support/sdk-stdio.mjs";
import { demo } from "../../support/workerd.mjs";

const server = await demo();
after(() => server.stop());

for (const [what, path, args] of [
  ["over Streamable HTTP", "/mcp", []],
  ["over HTTP+SSE", "/sse", ["--transport", "sse-only"]],
  ["by 2026-07-28", "/mcp", ["--protocol", "modern"]],
]) {
  test(`the bridge connects ${what}, lists, calls and reads`, async () => {
    await overStdio({ command: PROGRAM, args: [`${server.url}${path}`, ...args] }, async (client) => {
      await addsUp(client);
      assert.equal(await counter(client), "0");
    });
  });
}
