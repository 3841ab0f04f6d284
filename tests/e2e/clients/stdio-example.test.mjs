// The protocol crate without a Worker: its stdio example, with both generations of the TypeScript SDK as the client.
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import * as v2 from "@modelcontextprotocol/client";
import { StdioClientTransport as StdioClientTransportV2 } from "@modelcontextprotocol/client/stdio";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { STDIO_SERVER } from "../../support/example.mjs";
import { checked, record, steps } from "../../support/sdk.mjs";
import { WAIT_MS } from "../../support/wait.mjs";

const LIMIT = { timeout: WAIT_MS };
const INFO = { name: "tests", version: "1.0.0" };
const capabilities = { elicitation: {} };

const V1 = {
  way: "SDK v1",
  create: () => new Client(INFO, { capabilities }),
  transport: () => new StdioClientTransport({ command: STDIO_SERVER }),
  elicitation: ElicitRequestSchema,
  call: (client, params, options) => client.callTool(params, undefined, { ...LIMIT, ...options }),
};
const ofV2 = (way, mode, version) => ({
  way,
  version,
  create: () => new v2.Client(INFO, { capabilities, versionNegotiation: { mode } }),
  transport: () => new StdioClientTransportV2({ command: STDIO_SERVER }),
  elicitation: "elicitation/create",
  call: (client, params, options) => client.callTool(params, { ...LIMIT, ...options }),
});

const open = new Set();
afterEach(async () => {
  for (const client of open) await client.close();
  open.clear();
});

for (const { way, version, create, transport, elicitation, call } of [
  V1,
  ofV2("SDK v2 with a session", "legacy", "2025-11-25"),
  ofV2("SDK v2 by its own probing", "auto", "2026-07-28"),
]) {
  describe(way, () => {
    async function connect(answer) {
      const client = create();
      open.add(client);
      client.setRequestHandler(elicitation, () => answer);
      await client.connect(checked(transport()), LIMIT);
      return client;
    }

    test("tools, the resource and the prompt are listed and used", async () => {
      const client = await connect();
      if (version) assert.equal(client.getNegotiatedProtocolVersion(), version);
      const { tools } = await client.listTools(undefined, LIMIT);
      assert.deepEqual(
        tools.map(({ name }) => name),
        ["add", "countdown", "greet"],
      );
      const sum = await call(client, { name: "add", arguments: { a: 40, b: 2 } });
      assert.deepEqual(sum.content, [{ type: "text", text: "42" }]);
      const { contents } = await client.readResource({ uri: "example://motto" }, LIMIT);
      assert.equal(contents[0].text, "Small is enough.");
      const { messages } = await client.getPrompt({ name: "haiku" }, LIMIT);
      assert.match(messages[0].content.text, /haiku/);
    });

    test("progress arrives before the result", async () => {
      const client = await connect();
      const messages = record(client.transport);
      const { content } = await call(client, { name: "countdown" }, { onprogress: () => {} });
      assert.equal(content[0].text, "Lift-off");
      assert.deepEqual(steps(messages), [1, 2, 3, "result"]);
    });

    for (const [answer, greeting] of [
      [{ action: "accept", content: { name: "Ada" } }, "Hello, Ada."],
      [{ action: "decline" }, "Hello, stranger."],
    ]) {
      test(`a question that the user answers with ${answer.action} decides the result`, async () => {
        const client = await connect(answer);
        const { content } = await call(client, { name: "greet" });
        assert.deepEqual(content, [{ type: "text", text: greeting }]);
      });
    }
  });
}
