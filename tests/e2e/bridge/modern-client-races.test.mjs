// The local bridge with clients of 2026-07-28 before servers that have sessions: what happens at the same time. Numbers are those of the
// table in tests/README.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ELICITATION, beforeSessions, count, envelope, question, textOf } from "../../support/stateless-stdio.mjs";
import { until } from "../../support/wait.mjs";

const content = (text) => ({ content: [{ type: "text", text }] });
const isAnswerTo = (id) => ({ message }) => message?.id === id && message.method === undefined;

/** Cancels a request, and resolves once the bridge has read that: lines are taken in their order. */
async function cancel(bridge, requestId) {
  const answered = bridge.messages.filter(({ id }) => id === null).length;
  bridge.notify("notifications/cancelled", { requestId });
  bridge.send("no JSON");
  await until(() => bridge.messages.filter(({ id }) => id === null).length > answered, "the lines to be read", { every: 10 });
}

test("43, 71: a call that is cancelled while a new session is opened holds up no other", async () => {
  const opened = Promise.withResolvers();
  await using client = await beforeSessions();
  const { bridge, server } = client;
  await client.result("tools/list");
  const usual = server.on.initialize;
  server.on.initialize = async (exchange) => (await opened.promise, usual(exchange));
  server.sessions.clear();
  bridge.send({ jsonrpc: "2.0", id: "gone", method: "tools/call", params: { name: "echo", _meta: envelope() } });
  await server.received("initialize", { count: 2 });
  await cancel(bridge, "gone");
  opened.resolve();
  assert.ok((await client.result("tools/list")).tools);
  assert.equal(count(server, "POST tools/call"), 1);
  assert.equal(bridge.responses("gone").length, 0);
});

test("55, 71: where server/discover has no answer, a session is opened, and the bridge says so", async () => {
  await using client = await beforeSessions({ args: ["--discover-timeout", "1"], http: ({ message }) => message?.method === "server/discover" });
  const { bridge, server } = client;
  // Calls that come meanwhile wait for the same session.
  const results = await Promise.all([client.result("server/discover"), client.result("tools/call", { name: "echo" }), client.result("tools/list")]);
  assert.deepEqual(results[0].supportedVersions, ["2026-07-28"]);
  assert.ok(results[1].content && results[2].tools);
  assert.deepEqual([count(server, "POST server/discover"), count(server, "POST initialize")], [1, 1]);
  await bridge.child.line(/no answer to server\/discover within 1 s; initialize is sent/);
});

test("71: a client that goes on with initialize before server/discover is answered keeps its session", async () => {
  const refused = Promise.withResolvers();
  await using client = await beforeSessions({ http: async (exchange) => exchange.message?.method === "server/discover" && (await refused.promise, exchange.status(404, "Not found"), true) });
  const { bridge, server } = client;
  const discovered = client.error("server/discover");
  await server.received("server/discover");
  await bridge.initialize();
  refused.resolve();
  assert.match((await discovered).message, /initialize/);
  assert.equal((await bridge.result("tools/list")).resultType, undefined);
  assert.equal(count(server, "POST initialize"), 1);
});

test("71: a client that goes on with initialize while the bridge opens a session keeps its own", async () => {
  const opened = Promise.withResolvers();
  await using client = await beforeSessions();
  const { bridge, server } = client;
  const usual = server.on.initialize;
  server.on.initialize = async (exchange) => (count(server, "POST initialize") === 1 && (await opened.promise), usual(exchange));
  const discovered = client.error("server/discover");
  await server.received("initialize");
  await bridge.initialize();
  const own = (await server.received("notifications/initialized")).headers["mcp-session-id"];
  opened.resolve();
  assert.match((await discovered).message, /initialize/);
  assert.equal((await bridge.result("tools/list")).resultType, undefined);
  assert.equal((await server.received("tools/list")).headers["mcp-session-id"], own);
});

test("73: an answer to a question of a lost session is no answer to one of the new session", async () => {
  const answerIn = ({ server, headers }) => server.requests.find((own) => isAnswerTo("q1")(own) && own.headers["mcp-session-id"] === headers["mcp-session-id"]);
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    on: {
      "tools/call": async (exchange) => {
        exchange.events();
        await question(exchange, "q1");
        const name = await until(() => exchange.response.destroyed || answerIn(exchange)?.message.result.content.name, "the answer", { every: 10 });
        await exchange.resultEvent(content(name));
        exchange.end();
      },
    },
  });
  const { server } = client;
  const params = (name, { inputRequests, requestState }) => ({ name, requestState, inputResponses: { [Object.keys(inputRequests)[0]]: { action: "accept", content: { name } } } });
  const first = await client.result("tools/call", { name: "first" });
  server.sessions.clear();
  assert.ok((await client.result("tools/list")).tools);
  const second = await client.result("tools/call", { name: "second" });
  assert.match((await client.error("tools/call", params("first", first))).message, /session/);
  assert.equal(textOf(await client.result("tools/call", params("second", second))), "second");
  assert.equal(server.requests.filter(isAnswerTo("q1")).length, 1);
});

// The question may be of another call that is still waiting.
test("73: an answer to a question that came with no call is sent though that call has its result", async () => {
  let stream;
  const shown = Promise.withResolvers();
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    get: (exchange) => (stream = exchange.events()),
    on: {
      "tools/call": async (exchange) => {
        await question(stream, "q1");
        await shown.promise;
        // Once the second is answered, the first was read.
        const messages = [{ id: exchange.id, result: content("without it") }, { id: "p1", method: "ping" }];
        exchange.json(JSON.stringify(messages.map((message) => ({ jsonrpc: "2.0", ...message }))));
      },
    },
  });
  const { server } = client;
  const { inputRequests, requestState } = await client.result("tools/call", { name: "asks" });
  shown.resolve();
  await server.received(isAnswerTo("p1"));
  const inputResponses = { [Object.keys(inputRequests)[0]]: { action: "accept" } };
  assert.equal(textOf(await client.result("tools/call", { name: "asks", inputResponses, requestState })), "without it");
  await server.received(isAnswerTo("q1"));
});

test("43, 73: a call that is cancelled while a question of it waits is cancelled at the server", async () => {
  const told = Promise.withResolvers();
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    on: {
      initialize: ({ server }) => ({ protocolVersion: server.version, capabilities: { tools: {}, logging: {} }, serverInfo: { name: "scripted", version: "1" } }),
      "logging/setLevel": async () => (await told.promise, {}),
      "tools/call": (exchange) => (exchange.events(), void question(exchange, "q1")),
    },
  });
  const { bridge, server } = client;
  const { requestState } = await client.result("tools/call", { name: "asks" });
  // The question has no answer, and is put again once the level is set.
  bridge.send({ jsonrpc: "2.0", id: "gone", method: "tools/call", params: { name: "asks", inputResponses: {}, requestState, _meta: envelope(ELICITATION, { logLevel: "debug" }) } });
  await server.received("logging/setLevel");
  await cancel(bridge, "gone");
  told.resolve();
  const { message } = await server.received("notifications/cancelled");
  assert.equal(message.params.requestId, (await server.received("tools/call")).id);
  assert.equal(bridge.responses("gone").length, 0);
});

test("44, 73: progress that comes before the receipt of an answer has the token of the request that waits", async () => {
  const shown = Promise.withResolvers();
  let asker;
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    http: async (exchange) => {
      if (!isAnswerTo("q1")(exchange)) return false;
      await asker.event({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: "first", progress: 1 } });
      await shown.promise;
      await asker.resultEvent(content("done"));
      asker.end();
      exchange.status(202);
      return true;
    },
    on: { "tools/call": (exchange) => void question((asker = exchange.events()), "q1") },
  });
  const { inputRequests, requestState } = await client.result("tools/call", { name: "asks" }, { progressToken: "first" });
  const inputResponses = { [Object.keys(inputRequests)[0]]: { action: "accept" } };
  const done = client.result("tools/call", { name: "asks", inputResponses, requestState }, { progressToken: "second" });
  const { params } = await client.bridge.message(({ method }) => method === "notifications/progress");
  assert.equal(params.progressToken, "second");
  shown.resolve();
  assert.equal(textOf(await done), "done");
});

test("71: a response under the client's own id, which the server was not given, is no response", async () => {
  await using client = await beforeSessions({
    on: {
      "tools/call": async (exchange) => {
        exchange.events();
        await exchange.resultEvent(content("wrong"), {}, { id: "mine" });
        await exchange.resultEvent(content("right"));
        exchange.end();
      },
    },
  });
  const result = await client.result("tools/call", { name: "echo" }, { id: "mine" });
  assert.deepEqual([textOf(result), result.resultType], ["right", "complete"]);
});

for (const [what, isCancelled] of [["the result", false], ["the end of a cancelled call", true]]) {
  test(`43, 73: ${what} does not wait for the receipt of an answer`, async () => {
    const shown = Promise.withResolvers();
    let asker;
    await using client = await beforeSessions({
      capabilities: ELICITATION,
      http: async (exchange) => {
        if (!isAnswerTo("q1")(exchange)) return false;
        if (!isCancelled) await asker.resultEvent(content("done"));
        await shown.promise;
        exchange.status(202);
        return true;
      },
      on: { "tools/call": (exchange) => void question((asker = exchange.events()), "q1") },
    });
    const { bridge, server } = client;
    const { inputRequests, requestState } = await client.result("tools/call", { name: "asks" });
    const inputResponses = { [Object.keys(inputRequests)[0]]: { action: "accept" } };
    const answered = client.ask("tools/call", { name: "asks", inputResponses, requestState }, { id: "retry" });
    await server.received(isAnswerTo("q1"));
    if (isCancelled) {
      answered.catch(() => {});
      await cancel(bridge, "retry");
      assert.equal((await server.received("notifications/cancelled")).message.params.requestId, asker.id);
    } else {
      assert.equal(textOf((await answered).result), "done");
    }
    shown.resolve();
  });
}

test("73: an answer to a question of a lost session is an error while a new session is opened", async () => {
  const opened = Promise.withResolvers();
  await using client = await beforeSessions({ capabilities: ELICITATION, on: { "tools/call": (exchange) => void question(exchange.events(), "q1") } });
  const { server } = client;
  const { inputRequests, requestState } = await client.result("tools/call", { name: "asks" });
  const usual = server.on.initialize;
  server.on.initialize = async (exchange) => (await opened.promise, usual(exchange));
  server.sessions.clear();
  const list = client.result("tools/list");
  await server.received("initialize", { count: 2 });
  const inputResponses = { [Object.keys(inputRequests)[0]]: { action: "accept" } };
  assert.match((await client.error("tools/call", { name: "asks", inputResponses, requestState })).message, /session/);
  assert.equal(server.requests.filter(isAnswerTo("q1")).length, 0);
  opened.resolve();
  assert.ok((await list).tools);
});
