// The TypeScript SDK's first generation as the client, over both of its HTTP transports.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { cutAfter, recordingFetch } from "../../support/fetch.mjs";
import { checked, record, steps } from "../../support/sdk.mjs";
import { WAIT_MS, bounded } from "../../support/wait.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const server = await demo();
after(() => server.stop());

const NAMES = ["add", "calculate", "increment", "whoami", "countdown"];
const COUNTER = "mcp://resource/counter";
// Of every request, so that none waits for the runner.
const LIMIT = { timeout: WAIT_MS };

const streamable = (options) => new StreamableHTTPClientTransport(new URL("/mcp", server.url), options);
const sse = (options) => new SSEClientTransport(new URL("/sse", server.url), options);

// A client that reconnects keeps the process alive, so each is closed however its test ends.
const open = new Set();
afterEach(async () => {
  for (const client of open) await client.close();
  open.clear();
});

async function connect(transport, { capabilities = {}, onElicit } = {}) {
  const client = new Client({ name: "tests", version: "1.0.0" }, { capabilities });
  if (onElicit) client.setRequestHandler(ElicitRequestSchema, onElicit);
  open.add(client);
  await client.connect(checked(transport), LIMIT);
  return client;
}

const call = (client, name, args = {}, options = {}) =>
  client.callTool({ name, arguments: args }, undefined, { ...LIMIT, ...options });
const text = ({ content, isError }) => {
  assert.deepEqual(
    content.map(({ type }) => type),
    ["text"],
  );
  assert.ok(!isError, content[0].text);
  return content[0].text;
};
const counter = async (client) => Number((await client.readResource({ uri: COUNTER }, LIMIT)).contents[0].text);

// What the server proposes for "fr".
async function completed(client, ref) {
  const { completion } = await client.complete({ ref, argument: { name: "language", value: "fr" } }, LIMIT);
  assert.deepEqual(completion.values, ["french"]);
  return completion.values[0];
}

for (const [name, transport] of [
  ["Streamable HTTP", streamable],
  ["HTTP+SSE", sse],
]) {
  describe(`SDK v1 over ${name}`, () => {
    test("the SDK lists the tools and calls one", async () => {
      const client = await connect(transport());
      const { tools } = await client.listTools({}, LIMIT);
      for (const tool of NAMES)
        assert.ok(
          tools.some(({ name }) => name === tool),
          `no tool ${tool}`,
        );
      assert.equal(text(await call(client, "add", { a: 40.5, b: 1.5 })), "42");
    });

    test("an error of a tool is in its result", async () => {
      const client = await connect(transport());
      const result = await call(client, "calculate", { operation: "divide", a: 1, b: 0 });
      assert.equal(result.isError, true);
      assert.match(result.content[0].text, /zero/i);
    });

    test("progress arrives before the result, in order", async () => {
      const connection = transport();
      const client = await connect(connection);
      const messages = record(connection);
      const result = await call(client, "countdown", { steps: 3, delay_ms: 30 }, { onprogress: () => {} });
      assert.equal(text(result), "Lift-off!");
      assert.deepEqual(steps(messages), [1, 2, 3, "result"]);
    });

    test("the SDK answers an elicitation in the middle of a call", async () => {
      const asked = [];
      const onElicit = ({ params }) => {
        asked.push(params);
        return { action: "accept", content: { people: 4, outside: true } };
      };
      const client = await connect(transport(), { capabilities: { elicitation: {} }, onElicit });
      const booked = text(await call(client, "book_table", { restaurant: "Ada's" }));
      assert.equal(booked, "Booked a table outside for 4 at Ada's.");
      assert.equal(asked.length, 1);
      assert.match(asked[0].message, /Ada's/);
      assert.equal(asked[0].requestedSchema.properties.people.type, "integer");
    });

    test("the SDK reads the counter of its own session alone", async () => {
      const [client, other] = [await connect(transport()), await connect(transport())];
      const { resources } = await client.listResources({}, LIMIT);
      assert.ok(resources.some(({ uri }) => uri === COUNTER));
      await call(client, "increment", { by: 5 });
      await call(client, "increment");
      assert.equal(await counter(client), 6);
      assert.equal(await counter(other), 0);
    });

    test("a change of a subscribed resource is notified", async () => {
      const client = await connect(transport());
      const updated = new Promise((resolve) => {
        client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => resolve(params.uri));
      });
      await client.subscribeResource({ uri: COUNTER }, LIMIT);
      await call(client, "increment");
      assert.equal(await bounded(updated, WAIT_MS, "the update"), COUNTER);
    });

    test("the SDK reads a template's resource with a completed argument", async () => {
      const client = await connect(transport());
      const { resourceTemplates } = await client.listResourceTemplates({}, LIMIT);
      const [{ uriTemplate }] = resourceTemplates;
      const language = await completed(client, { type: "ref/resource", uri: uriTemplate });
      const uri = uriTemplate.replace("{language}", language).replace("{name}", "Ada");
      const { contents } = await client.readResource({ uri }, LIMIT);
      assert.equal(contents.length, 1);
      assert.deepEqual([contents[0].uri, contents[0].text], [uri, "Bonjour, Ada!"]);
    });

    test("the SDK gets a prompt with a completed argument", async () => {
      const client = await connect(transport());
      const { prompts } = await client.listPrompts({}, LIMIT);
      const [{ name, arguments: declared }] = prompts;
      assert.deepEqual(declared.map((argument) => argument.name).toSorted(), ["language", "name"]);
      const language = await completed(client, { type: "ref/prompt", name });
      const { messages } = await client.getPrompt({ name, arguments: { name: "Ada", language } }, LIMIT);
      assert.equal(messages.length, 1);
      assert.match(messages[0].content.text, /Ada.*Bonjour/);
    });
  });
}

describe("SDK v1 over Streamable HTTP", () => {
  test("the newest session version is negotiated", async () => {
    const transport = streamable();
    const client = await connect(transport);
    assert.equal(transport.protocolVersion, "2025-11-25");
    assert.match(transport.sessionId, /^[\x21-\x7e]+$/);
  });

  test("the SDK ends its session, which is then unknown", async () => {
    const transport = streamable();
    const client = await connect(transport);
    const { sessionId } = transport;
    await transport.terminateSession();
    await client.close();
    // With a session id the SDK sends no `initialize`.
    const late = await connect(streamable({ sessionId }));
    await assert.rejects(call(late, "add", { a: 1, b: 2 }), { code: 404 });
  });

  test("a session continues with its state after a restart of the server", async () => {
    const client = await connect(streamable());
    await call(client, "increment", { by: 3 });
    await server.restart();
    await call(client, "increment", { by: 4 });
    assert.equal(await counter(client), 7);
  });

  test("the rest of a cut stream arrives once", async () => {
    const requests = [];
    const fetch = recordingFetch(
      requests,
      cutAfter(2, ({ body }) => body?.includes("countdown")),
    );
    const client = await connect(streamable({ fetch, reconnectionOptions: QUICK }));
    const progress = [];
    const result = await call(
      client,
      "countdown",
      { steps: 5, delay_ms: 30 },
      { onprogress: (step) => progress.push(step.progress) },
    );
    assert.equal(text(result), "Lift-off!");
    assert.deepEqual(progress, [...new Set(progress)], "an event came twice");
    assert.equal(progress.length, 5);
    assert.ok(
      requests.some(({ method, headers }) => method === "GET" && headers.has("last-event-id")),
      "it did not resume",
    );
  });

  test("the result of a call whose stream the server closed arrives", async () => {
    await using conformance = await fixture();
    const requests = [];
    const transport = new StreamableHTTPClientTransport(new URL("/mcp", conformance.url), {
      fetch: recordingFetch(requests),
    });
    const client = await connect(transport);
    assert.notEqual(text(await call(client, "test_reconnection")), "");
    assert.ok(
      requests.some(({ method, headers }) => method === "GET" && headers.has("last-event-id")),
      "it did not resume",
    );
  });
});

const QUICK = {
  initialReconnectionDelay: 20,
  maxReconnectionDelay: 100,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 5,
};
