// The TypeScript SDK's second generation as the client: the same bodies with and without sessions, over both of its HTTP
// transports.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { recordingFetch } from "../../support/fetch.mjs";
import { begun, checked, record, steps } from "../../support/sdk.mjs";
import { WAIT_MS, until } from "../../support/wait.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const server = await demo({ vars: { LOG_REQUESTS: "all" } });
const fixtures = await fixture();
after(() => Promise.all([server.stop(), fixtures.stop()]));

const COUNTER = "mcp://resource/counter";
const LIMIT = { timeout: WAIT_MS };

// A client that reconnects keeps the process alive, so each is closed however its test ends.
const open = new Set();
afterEach(async () => {
  for (const client of open) await client.close();
  open.clear();
});

const streamable = ({ to = server, ...options } = {}) =>
  new StreamableHTTPClientTransport(new URL("/mcp", to.url), options);
const sse = () => new SSEClientTransport(new URL("/sse", server.url));

/** `answers`: `{ [method]: (params) => result }` for what the server asks; the capabilities follow from them. */
async function connect(transport, { mode = "auto", answers = {}, ...options } = {}) {
  const capabilities = Object.fromEntries(Object.keys(answers).map((method) => [method.split("/")[0], {}]));
  const client = new Client(
    { name: "tests", version: "1.0.0" },
    { capabilities, versionNegotiation: { mode }, ...options },
  );
  for (const [method, answer] of Object.entries(answers))
    client.setRequestHandler(method, ({ params }) => answer(params));
  open.add(client);
  await client.connect(checked(transport), LIMIT);
  return client;
}

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
const countdowns = () => server.logs.filter(({ json }) => json?.name === "countdown").map(({ json }) => json.outcome);

for (const { way, transport, mode, version } of [
  { way: "without sessions, by its own probing", transport: streamable, mode: "auto", version: "2026-07-28" },
  { way: "without sessions, as it is told", transport: streamable, mode: { pin: "2026-07-28" }, version: "2026-07-28" },
  { way: "over Streamable HTTP", transport: streamable, mode: "legacy", version: "2025-11-25" },
  { way: "over HTTP+SSE", transport: sse, mode: "legacy", version: "2025-11-25" },
  { way: "over HTTP+SSE, by its own probing", transport: sse, mode: "auto", version: "2025-11-25" },
]) {
  describe(`SDK v2 ${way}`, () => {
    const begin = (options) => connect(transport(), { mode, ...options });

    test("the newest common version is used", async () => {
      const client = await begin();
      assert.equal(client.getNegotiatedProtocolVersion(), version);
      assert.equal(client.getServerVersion().name, "durable-mcp-demo");
      assert.match(client.getInstructions(), /\w/);
    });

    test("the SDK lists everything and calls a tool", async () => {
      const client = await begin();
      const { tools } = await client.listTools(undefined, LIMIT);
      assert.ok(tools.some(({ name }) => name === "add"));
      const { resources } = await client.listResources(undefined, LIMIT);
      assert.ok(resources.some(({ uri }) => uri === COUNTER));
      assert.ok((await client.listResourceTemplates(undefined, LIMIT)).resourceTemplates.length > 0);
      assert.ok((await client.listPrompts(undefined, LIMIT)).prompts.length > 0);
      assert.equal(text(await call(client, "add", { a: 20, b: 22 })), "42");
    });

    test("an error of a tool is in its result, and an impossible call is an error", async () => {
      const client = await begin();
      const { isError, content } = await call(client, "calculate", { operation: "divide", a: 1, b: 0 });
      assert.equal(isError, true);
      assert.match(content[0].text, /zero/i);
      await assert.rejects(call(client, "no_such_tool"), { code: -32602 });
    });

    test("progress arrives before the result, in order", async () => {
      const connection = transport();
      const client = await connect(connection, { mode });
      const messages = record(connection);
      const result = await call(client, "countdown", { steps: 3, delay_ms: 30 }, { onprogress: () => {} });
      assert.equal(text(result), "Lift-off!");
      assert.deepEqual(steps(messages), [1, 2, 3, "result"]);
    });

    test("the SDK cancels a call that it no longer waits for", async () => {
      const client = await begin();
      const before = countdowns().length;
      const abort = new AbortController();
      const args = { steps: 60, delay_ms: 100 };
      const options = { signal: abort.signal, onprogress: () => abort.abort("enough") };
      await assert.rejects(call(client, "countdown", args, options), /enough/);
      await until(() => countdowns().length > before, "the end of the countdown");
      assert.deepEqual(countdowns().slice(before), ["cancelled"]);
    });

    test("the SDK answers a question of a tool", async () => {
      const asked = [];
      const elicit = (params) => {
        asked.push(params);
        return { action: "accept", content: { people: 2 } };
      };
      const client = await begin({ answers: { "elicitation/create": elicit } });
      const booked = text(await call(client, "book_table", { restaurant: "Grace's" }));
      assert.equal(booked, "Booked a table inside for 2 at Grace's.");
      assert.equal(asked.length, 1);
      assert.match(asked[0].message, /Grace's/);
      assert.equal(asked[0].requestedSchema.properties.people.type, "integer");
    });

    test("the SDK may decline a question of a tool", async () => {
      const client = await begin({ answers: { "elicitation/create": () => ({ action: "decline" }) } });
      assert.equal(text(await call(client, "book_table", { restaurant: "Grace's" })), "Nothing was booked.");
    });

    test("the SDK reads its own counter alone", async () => {
      const [client, other] = [await begin(), await begin()];
      const first = await call(client, "increment", { by: 5 });
      const session = begun(first);
      assert.equal(
        session !== undefined,
        version === "2026-07-28",
        "who has a session is told of none, and who has none of one",
      );
      const named = session && { session };
      assert.equal(first.content[0].text, "Added 5, total is now 5");
      assert.equal(text(await call(client, "increment", { by: 2, ...named })), "Added 2, total is now 7");
      const uri = session ? `${COUNTER}?session=${session}` : COUNTER;
      const { contents } = await client.readResource({ uri }, LIMIT);
      assert.deepEqual(
        contents.map(({ uri, text }) => [uri, text]),
        [[uri, "7"]],
      );
      assert.equal((await call(other, "increment")).content[0].text, "Added 1, total is now 1");
    });

    test("the SDK reads a template's resource and gets a prompt with a completed argument", async () => {
      const client = await begin();
      const { resourceTemplates } = await client.listResourceTemplates(undefined, LIMIT);
      const [{ uriTemplate }] = resourceTemplates;
      for (const ref of [
        { type: "ref/resource", uri: uriTemplate },
        { type: "ref/prompt", name: "greet" },
      ]) {
        const { completion } = await client.complete({ ref, argument: { name: "language", value: "fr" } }, LIMIT);
        assert.deepEqual(completion.values, ["french"]);
      }
      const uri = uriTemplate.replace("{language}", "french").replace("{name}", "Ada");
      assert.equal((await client.readResource({ uri }, LIMIT)).contents[0].text, "Bonjour, Ada!");
      const { messages } = await client.getPrompt(
        { name: "greet", arguments: { name: "Ada", language: "french" } },
        LIMIT,
      );
      assert.match(messages[0].content.text, /Ada.*Bonjour/);
    });
  });
}

describe("SDK v2 without sessions", () => {
  test("the SDK discovers once and sends no session id", async () => {
    const requests = [];
    const client = await connect(streamable({ fetch: recordingFetch(requests) }));
    await call(client, "add", { a: 1, b: 2 });
    assert.deepEqual(
      requests.map(({ method, headers }) => [method, headers.get("mcp-method"), headers.get("mcp-name")]),
      [
        ["POST", "server/discover", null],
        ["POST", "tools/call", "add"],
      ],
    );
    assert.ok(requests.every(({ headers }) => headers.get("mcp-session-id") === null));
  });

  test("one address for every transport serves the SDK, with answers as events", async () => {
    await using everything = await fixture({ vars: { SAME_PATH: "true", ANSWERS: "events" } });
    const answers = { "elicitation/create": () => ({ action: "accept", content: { name: "Ada" } }) };
    const client = await connect(streamable({ to: everything }), { answers });
    assert.equal(client.getNegotiatedProtocolVersion(), "2026-07-28");
    assert.equal(text(await call(client, "echo", { text: "here" })), "here");
    assert.equal(text(await call(client, "test_input_required_result_elicitation")), "Hello, Ada!");
    await client.close();
  });

  test("cached results are not requested again", async () => {
    const requests = [];
    const client = await connect(streamable({ fetch: recordingFetch(requests) }));
    const listed = () => requests.filter(({ headers }) => headers.get("mcp-method") === "tools/list").length;
    const first = await client.listTools(undefined, LIMIT);
    assert.deepEqual(await client.listTools(undefined, LIMIT), first);
    assert.equal(listed(), 1);
    await client.listTools(undefined, { ...LIMIT, cacheMode: "refresh" });
    assert.equal(listed(), 2);
  });

  test("an unknown session is reported in the tool's result", async () => {
    const client = await connect(streamable());
    const { content, isError } = await call(client, "increment", { session: "made-up" });
    assert.equal(isError, true);
    assert.match(content[0].text, /session/);
    await assert.rejects(client.readResource({ uri: `${COUNTER}?session=made-up` }, LIMIT), { code: -32602 });
  });

  test("the SDK answers several questions, consecutive and parallel", async () => {
    const answers = {
      "elicitation/create": ({ requestedSchema: { properties } }) => ({
        action: "accept",
        content: "color" in properties ? { color: "green" } : { name: "Ada" },
      }),
      "sampling/createMessage": () => ({
        role: "assistant",
        model: "none",
        content: { type: "text", text: "Good morning" },
      }),
      "roots/list": () => ({ roots: [{ uri: "file:///home/ada" }] }),
    };
    const client = await connect(streamable({ to: fixtures }), { answers });
    assert.equal(text(await call(client, "test_input_required_result_multi_round")), "Ada likes green");
    assert.equal(
      text(await call(client, "test_input_required_result_multiple_inputs")),
      "Ada Good morning file:///home/ada",
    );
  });

  test("the SDK answers a question of a prompt", async () => {
    const answers = { "elicitation/create": () => ({ action: "accept", content: { context: "the sea" } }) };
    const client = await connect(streamable({ to: fixtures }), { answers });
    const { messages } = await client.getPrompt({ name: "test_input_required_result_prompt" }, LIMIT);
    assert.equal(messages[0].content.text, "Use this context: the sea");
  });

  test("the SDK gets the missing capability of a tool", async () => {
    const client = await connect(streamable({ to: fixtures }));
    await assert.rejects(call(client, "test_missing_capability"), ({ code, data }) => {
      assert.equal(code, -32021);
      assert.deepEqual(data.requiredCapabilities, { sampling: {} });
      return true;
    });
  });

  test("the SDK repeats marked arguments in headers", async () => {
    const requests = [];
    const client = await connect(streamable({ to: fixtures, fetch: recordingFetch(requests) }));
    await client.listTools(undefined, LIMIT);
    const given = { region: " Köln ", shard: 7, dry_run: false, text: "not repeated" };
    assert.deepEqual(JSON.parse(text(await call(client, "test_x_mcp_header", given))), given);
    const { headers } = requests.at(-1);
    const params = [...headers].filter(([name]) => name.startsWith("mcp-param-"));
    const encoded = `=?base64?${Buffer.from(given.region).toString("base64")}?=`;
    assert.deepEqual(Object.fromEntries(params), {
      "mcp-param-dry-run": "false",
      "mcp-param-region": encoded,
      "mcp-param-shard": "7",
    });
  });

  test("subscribed changes arrive until the SDK unsubscribes", async () => {
    const client = await connect(streamable());
    const updated = [];
    client.setNotificationHandler("notifications/resources/updated", ({ params }) => updated.push(params.uri));
    const session = begun(await call(client, "increment"));
    const uri = `${COUNTER}?session=${session}`;
    const subscription = await client.listen({ resourceSubscriptions: [uri] }, LIMIT);
    assert.deepEqual(subscription.honoredFilter, { resourceSubscriptions: [uri] });
    // Another client changes it, and a third one something else.
    const other = await connect(streamable());
    await call(other, "increment");
    await call(other, "increment", { session });
    await until(() => updated.length > 0, "the update");
    await subscription.close();
    assert.equal(await subscription.closed, "local");
    await call(other, "increment", { session });
    assert.deepEqual(updated, [uri]);
  });

  test("the SDK keeps its lists up to date", async () => {
    const listed = [];
    const tools = { onChanged: (error, tools) => listed.push(error ?? tools.length), debounceMs: 0 };
    const client = await connect(streamable({ to: fixtures }), { listChanged: { tools } });
    assert.equal(client.autoOpenedSubscription.honoredFilter.toolsListChanged, true);
    const other = await connect(streamable({ to: fixtures }));
    await call(other, "test_trigger_tool_change");
    await until(() => listed.length > 0, "the change");
    assert.deepEqual(listed, [(await other.listTools(undefined, LIMIT)).tools.length]);
    await client.autoOpenedSubscription.close();
  });
});
