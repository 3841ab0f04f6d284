// The TypeScript SDK's second generation as the client, over both of its HTTP transports.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { checked, record, steps } from "../support/sdk.mjs";
import { demo } from "../support/workerd.mjs";

const server = await demo();
after(() => server.stop());

const COUNTER = "mcp://resource/counter";
const LIMIT = { timeout: 10_000 };

// A client that reconnects keeps the process alive, so each is closed however its test ends.
const open = new Set();
afterEach(async () => {
  for (const client of open) await client.close();
  open.clear();
});

async function connect(transport, { mode = "legacy", capabilities = {}, onElicit } = {}) {
  const client = new Client({ name: "tests", version: "1.0.0" }, { capabilities, versionNegotiation: { mode } });
  if (onElicit) client.setRequestHandler("elicitation/create", onElicit);
  open.add(client);
  await client.connect(checked(transport), LIMIT);
  return client;
}

const streamable = () => new StreamableHTTPClientTransport(new URL("/mcp", server.url));
const sse = () => new SSEClientTransport(new URL("/sse", server.url));

const call = (client, name, args = {}, options = {}) =>
  client.callTool({ name, arguments: args }, { ...LIMIT, ...options });
const text = ({ content, isError }) => {
  assert.deepEqual(
    content.map(({ type }) => type),
    ["text"],
  );
  assert.ok(!isError, content[0].text);
  return content[0].text;
};

for (const [name, transport] of [
  ["Streamable HTTP", streamable],
  ["HTTP+SSE", sse],
]) {
  describe(`SDK v2 over ${name}`, () => {
    test("lists everything and calls a tool", async () => {
      const client = await connect(transport());
      const { tools } = await client.listTools(undefined, LIMIT);
      assert.ok(tools.some(({ name }) => name === "add"));
      const { resources } = await client.listResources(undefined, LIMIT);
      assert.ok(resources.some(({ uri }) => uri === COUNTER));
      assert.ok((await client.listResourceTemplates(undefined, LIMIT)).resourceTemplates.length > 0);
      assert.ok((await client.listPrompts(undefined, LIMIT)).prompts.length > 0);
      assert.equal(text(await call(client, "add", { a: 20, b: 22 })), "42");
    });

    test("gets progress before the result, in order", async () => {
      const connection = transport();
      const client = await connect(connection);
      const messages = record(connection);
      const result = await call(client, "countdown", { steps: 3, delay_ms: 30 }, { onprogress: () => {} });
      assert.equal(text(result), "Lift-off!");
      assert.deepEqual(steps(messages), [1, 2, 3, "result"]);
    });

    test("answers an elicitation in the middle of a call", async () => {
      let asked = 0;
      const onElicit = () => {
        asked += 1;
        return { action: "accept", content: { people: 2 } };
      };
      const client = await connect(transport(), { capabilities: { elicitation: {} }, onElicit });
      const booked = text(await call(client, "book_table", { restaurant: "Grace's" }));
      assert.equal(booked, "Booked a table inside for 2 at Grace's.");
      assert.equal(asked, 1);
    });

    test("reads the counter that a tool has changed", async () => {
      const client = await connect(transport());
      await call(client, "increment", { by: 5 });
      const { contents } = await client.readResource({ uri: COUNTER }, LIMIT);
      assert.equal(contents[0].text, "5");
    });
  });
}

test("SDK v2 that probes for the newest era still gets a session of 2025-11-25", async () => {
  const client = await connect(streamable(), { mode: "auto" });
  assert.equal(client.getNegotiatedProtocolVersion(), "2025-11-25");
  await call(client, "increment", { by: 2 });
  assert.equal((await client.readResource({ uri: COUNTER }, LIMIT)).contents[0].text, "2");
});
