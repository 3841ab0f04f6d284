// The local bridge between versions: clients of 2026-07-28, which have no sessions, before servers that have them. Numbers are those of
// the table in tests/README.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lineOf, startBridge } from "../../support/bridge.mjs";
import { guardedStore, linkOf, linksOf, signIn } from "../../support/bridge-authority.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { visit } from "../../support/callback.mjs";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";
import { META, STATELESS } from "../../support/stateless.mjs";
import { CLIENT, ELICITATION, FORM, answerTo, asking, beforeSessions, count, envelope, isMethod, posted, question, statelessClient, textOf } from "../../support/stateless-stdio.mjs";
import { until } from "../../support/wait.mjs";

const SERVER_INFO = { [`${META}/serverInfo`]: { name: "scripted", version: "1" } };
const WIDE = { tools: { listChanged: true }, prompts: { listChanged: true }, resources: { listChanged: true, subscribe: true }, logging: {} };

test("71: server/discover is answered from a session with the capabilities of the request", async () => {
  await using client = await beforeSessions({
    capabilities: { elicitation: { url: {} }, roots: {}, extensions: { [`${META}/tasks`]: {}, "com.example/x": { a: 1 } } },
    on: {
      initialize: () => ({ protocolVersion: "2025-06-18", capabilities: { tools: {}, tasks: { list: {} } }, serverInfo: { name: "old", version: "1" }, instructions: "Be kind." }),
    },
  });
  const { server } = client;
  assert.deepEqual(await client.result("server/discover"), {
    resultType: "complete",
    supportedVersions: [STATELESS],
    capabilities: { tools: {} },
    instructions: "Be kind.",
    ttlMs: 0,
    cacheScope: "private",
    _meta: { [`${META}/serverInfo`]: { name: "old", version: "1" } },
  });
  assert.deepEqual(server.log.slice(0, 3), ["POST server/discover", "POST initialize", "POST notifications/initialized"]);
  assert.deepEqual((await server.received("initialize")).message.params, {
    protocolVersion: "2025-11-25",
    capabilities: { elicitation: { url: {} }, roots: {}, extensions: { "com.example/x": { a: 1 } } },
    clientInfo: CLIENT,
  });
  await server.received("GET");
  // Asked again, it is answered from memory.
  await client.result("server/discover");
  assert.equal(count(server, "POST server/discover") + count(server, "POST initialize"), 2);
});

test("71: any first request opens the session, and those that come at once share it", async () => {
  for (const protocol of ["fallback", "auto", "legacy"]) {
    await using client = await beforeSessions({ args: ["--protocol", protocol] });
    const lists = await Promise.all([1, 2, 3].map(() => client.result("tools/list")));
    assert.deepEqual(lists.map(({ tools }) => tools[0].name), ["echo", "echo", "echo"]);
    assert.equal(count(client.server, "POST initialize"), 1);
    assert.equal(count(client.server, "POST server/discover"), protocol === "legacy" ? 0 : 1);
    assert.equal(await client.bridge.end(), 0);
    assert.equal(count(client.server, "DELETE"), 1);
  }
});

for (const [what, http] of [
  ["404", (exchange) => exchange.status(404, "Not found")],
  ["-32601 in a 200", (exchange) => exchange.error(-32601, "Method not found")],
  ["-32600 and words about a session in a 200", (exchange) => exchange.error(-32600, "Bad Request: Server not initialized")],
  ["400 and a version it does not know", (exchange) => exchange.status(400, JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32000, message: "Bad Request: Unsupported protocol version" } }))],
  ["-32022 and its own versions", (exchange) => exchange.status(400, JSON.stringify({ jsonrpc: "2.0", id: exchange.id, error: { code: -32022, message: "no", data: { supported: ["2025-11-25"] } } }))],
  ["an empty result", (exchange) => exchange.result({})],
  ["the end of the connection", (exchange) => exchange.cut()],
  ["a result with older versions alone", (exchange) => exchange.result({ supportedVersions: ["2025-11-25"], capabilities: {} })],
]) {
  test(`71: a server that answers server/discover with ${what} is given initialize`, async () => {
    await using client = await beforeSessions({
      http: (exchange) => exchange.message?.method === "server/discover" && (http(exchange), true),
    });
    assert.deepEqual((await client.result("server/discover")).supportedVersions, [STATELESS]);
    assert.ok((await client.result("tools/list")).tools);
  });
}

test("71: a server of HTTP+SSE is reached, too", async () => {
  let stream;
  await using client = await beforeSessions({
    http: async (exchange) => {
      if (exchange.method === "GET") {
        stream = exchange.events();
        await stream.event("/message", { event: "endpoint" });
        return true;
      }
      if (exchange.url === "/mcp") return exchange.status(405), true;
      exchange.status(202);
      const { id, method } = exchange.message;
      const result = exchange.server.on[method]?.(exchange);
      if (id !== undefined && method) await stream.event(result === undefined ? { jsonrpc: "2.0", id, error: { code: -32601, message: "no" } } : { jsonrpc: "2.0", id, result });
      return true;
    },
  });
  assert.deepEqual((await client.result("server/discover")).supportedVersions, [STATELESS]);
  assert.equal((await client.result("tools/list")).resultType, "complete");
});

test("71: a server that knows neither is an error, and the next request tries again", async () => {
  let isUp = false;
  await using client = await beforeSessions({ http: (exchange) => !isUp && (exchange.status(404, "Not found"), true), args: ["--transport", "http-only"] });
  assert.match((await client.error("server/discover")).message, /404/);
  isUp = true;
  assert.ok(await client.result("server/discover"));
});

test("71: a client that goes on with initialize has a session of its own", async () => {
  await using client = await beforeSessions();
  const { bridge, server } = client;
  await client.result("server/discover");
  assert.equal((await bridge.initialize()).protocolVersion, "2025-11-25");
  assert.equal(lineOf(await bridge.request("tools/list")).includes("resultType"), false);
  assert.equal(count(server, "POST initialize"), 2);
  await server.received("DELETE");
});

test("71: versions that have nothing in common are the server's error, and no initialize is sent", async () => {
  const data = { supported: ["2031-01-01"], requested: STATELESS };
  await using client = await beforeSessions({
    http: (exchange) => (exchange.status(400, JSON.stringify({ jsonrpc: "2.0", id: exchange.id, error: { code: -32022, message: "no", data } })), true),
  });
  assert.deepEqual(await client.error("server/discover"), { code: -32022, message: "no", data });
  assert.deepEqual(client.server.log, ["POST server/discover"]);
});

test("71: a server that was updated meanwhile is found to be one of the client's version", async () => {
  await using client = await beforeSessions();
  const { server } = client;
  const modern = (exchange) => {
    if (exchange.method !== "POST") return exchange.status(405);
    const { id, method, params } = exchange.message;
    if (!params?._meta?.[`${META}/protocolVersion`]) return exchange.status(400, JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32022, message: "no", data: { supported: [STATELESS] } } }));
    exchange.result({ resultType: "complete", ...(method === "server/discover" ? { supportedVersions: [STATELESS], capabilities: { tools: {} } } : { tools: [], of: "modern" }) });
  };
  assert.equal((await client.result("tools/list")).of, undefined);
  server.sessions.clear();
  server.http = (exchange) => exchange.headers["mcp-session-id"] === undefined && (modern(exchange), true);
  const { of, ...list } = await client.result("tools/list");
  assert.deepEqual([of, list], ["modern", { resultType: "complete", tools: [] }]);
  assert.equal((await client.result("server/discover")).resultType, "complete");
});

test("72: the envelope is taken off, and results get their type and time", async () => {
  const results = { "prompts/get": { messages: [] }, "resources/read": { contents: [{ uri: "a:b", text: "x" }] }, "completion/complete": { completion: { values: [] } } };
  await using client = await beforeSessions({
    capabilities: WIDE,
    on: {
      "prompts/list": () => ({ prompts: [] }),
      "resources/list": () => ({ resources: [] }),
      "resources/templates/list": () => ({ resourceTemplates: [] }),
      ...Object.fromEntries(Object.entries(results).map(([method, result]) => [method, () => result])),
    },
  });
  for (const method of ["tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"]) {
    const { resultType, ttlMs, cacheScope, _meta } = await client.result(method, method === "resources/read" ? { uri: "a:b" } : {});
    assert.deepEqual([resultType, ttlMs, cacheScope, _meta], ["complete", 0, "private", SERVER_INFO], method);
  }
  for (const method of ["prompts/get", "completion/complete"]) {
    assert.deepEqual(await client.result(method), { ...results[method], resultType: "complete", _meta: SERVER_INFO });
  }
  const called = await client.result("tools/call", { name: "echo", arguments: { a: 1 } }, { id: "mine", traceparent: "t", progressToken: 5 });
  assert.equal(textOf(called), '{"a":1}');
  const { headers, message } = await client.server.received("tools/call");
  assert.deepEqual(message.params, { name: "echo", arguments: { a: 1 }, _meta: { traceparent: "t", progressToken: 5 } });
  assert.equal(headers["mcp-protocol-version"], "2025-11-25");
  assert.equal(headers["mcp-method"], undefined);
  assert.equal((await client.server.received("prompts/list")).message.params, undefined);
});

test("72: arguments and results keep their bytes", async () => {
  const ODD = '{"n":12345678901234567890,"one":1.0,"twice":1,"twice":2,"text":"\u2028\\n"}';
  await using client = await beforeSessions({
    on: { "tools/call": (exchange) => exchange.json(`{"jsonrpc":"2.0","id":${JSON.stringify(exchange.id)},"result":{"content":[],"odd":${ODD}}}`) },
  });
  client.bridge.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":${ODD},"_meta":${JSON.stringify(envelope())}}}`);
  assert.ok(lineOf(await client.bridge.response(1)).includes(`"odd":${ODD}`));
  assert.ok((await client.server.received("tools/call")).text.includes(`"arguments":${ODD}`));
});

test("72: codes that this version does not have are replaced", async () => {
  const codes = { "file:///a": -32002, "file:///b": -32000 };
  await using client = await beforeSessions({ on: { "resources/read": (exchange) => exchange.error(codes[exchange.message.params.uri], "none") } });
  assert.deepEqual(await client.error("resources/read", { uri: "file:///a" }), { code: -32602, message: "none", data: { uri: "file:///a" } });
  assert.deepEqual(await client.error("resources/read", { uri: "file:///b" }), { code: -32000, message: "none" });
});

test("75: a question outside any call is refused, and a ping is answered", async () => {
  let stream;
  await using client = await beforeSessions({ capabilities: { elicitation: {}, roots: {} }, get: (exchange) => (stream = exchange.events()) });
  await client.result("server/discover");
  await until(() => stream, "the session's stream");
  await question(stream, "q1");
  await question(stream, "q2", "roots/list");
  await question(stream, "p1", "ping");
  assert.equal((await answerTo({ server: client.server }, "q1")).error.code, -32601);
  assert.equal((await answerTo({ server: client.server }, "q2")).error.code, -32601);
  assert.deepEqual((await answerTo({ server: client.server }, "p1")).result, {});
  assert.ok(!client.bridge.messages.some(({ method }) => method));
});

test("75: a list is answered with no questions", async () => {
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    on: { "prompts/list": async (exchange) => (exchange.events(), await question(exchange, "q1"), void (await exchange.resultEvent({ prompts: [], answer: (await answerTo(exchange, "q1")).error?.code }))) },
  });
  assert.equal((await client.result("prompts/list")).answer, -32601);
});

test("76: the session has the most verbose level in use, and each request the notices that it asks for", async () => {
  let level = "none";
  const holds = {};
  const logs = async (exchange) => {
    for (const own of ["debug", "info", "error"]) await exchange.event({ jsonrpc: "2.0", method: "notifications/message", params: { level: own, data: exchange.message.params.name } });
  };
  await using client = await beforeSessions({
    capabilities: {},
    on: {
      initialize: () => ({ protocolVersion: "2025-11-25", capabilities: WIDE, serverInfo: { name: "scripted", version: "1" } }),
      "logging/setLevel": ({ message }) => ((level = message.params.level), {}),
      "tools/call": async (exchange) => {
        exchange.events();
        await logs(exchange);
        if (exchange.message.params.name.startsWith("slow")) await new Promise((resolve) => (holds[exchange.message.params.name] = resolve));
        await logs(exchange);
        await exchange.resultEvent({ content: [{ type: "text", text: level }] });
        exchange.end();
      },
    },
  });
  const { bridge } = client;
  const shown = (name) => bridge.messages.filter(({ method, params }) => method === "notifications/message" && params.data === name).map(({ params }) => params.level);

  assert.equal(textOf(await client.result("tools/call", { name: "quiet" })), "none");
  assert.deepEqual(shown("quiet"), []);
  assert.equal(textOf(await client.result("tools/call", { name: "errors" }, { logLevel: "error" })), "error");
  assert.deepEqual(shown("errors"), ["error", "error"]);
  const slow = client.result("tools/call", { name: "slow" }, { logLevel: "info" });
  await until(() => holds.slow, "the call");
  assert.equal(textOf(await client.result("tools/call", { name: "more errors" }, { logLevel: "error" })), "info");
  assert.deepEqual(shown("more errors"), ["error", "error"]);
  holds.slow();
  await slow;
  assert.deepEqual(shown("slow"), ["info", "error", "info", "error"]);
  assert.equal((await client.error("tools/call", { name: "x" }, { logLevel: "loud" })).code, -32602);
  await client.result("tools/call", { name: "quiet again" });
  await until(() => level === "emergency", "the least verbose level");
  assert.deepEqual(shown("quiet again"), []);
});

test("77: a subscription is acknowledged with what the server declares, and its notices carry its id", async () => {
  let stream;
  const subscribed = new Set();
  await using client = await beforeSessions({
    get: (exchange) => (stream = exchange.events()),
    on: {
      initialize: () => ({ protocolVersion: "2025-11-25", capabilities: { ...WIDE, prompts: {} }, serverInfo: { name: "scripted", version: "1" } }),
      "resources/subscribe": ({ message }) => (subscribed.add(message.params.uri), {}),
      "resources/unsubscribe": ({ message }) => (subscribed.delete(message.params.uri), {}),
    },
  });
  const { bridge, server } = client;
  const listen = (id, notifications) => {
    bridge.send({ jsonrpc: "2.0", id, method: "subscriptions/listen", params: { notifications, _meta: envelope() } });
    return bridge.message(({ method, params }) => method === "notifications/subscriptions/acknowledged" && params._meta[`${META}/subscriptionId`] === id);
  };
  const told = (id) => bridge.messages.filter(({ method, params }) => method && method !== "notifications/subscriptions/acknowledged" && params?._meta?.[`${META}/subscriptionId`] === id).map(({ method, params }) => params.uri ?? method);

  const one = await listen("one", { toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: ["file:///a", "file:///b"] });
  assert.deepEqual(one.params.notifications, { toolsListChanged: true, resourceSubscriptions: ["file:///a", "file:///b"] });
  const two = await listen(2, { resourcesListChanged: true, resourceSubscriptions: ["file:///b"] });
  assert.deepEqual(two.params.notifications, { resourcesListChanged: true, resourceSubscriptions: ["file:///b"] });
  await until(() => subscribed.size === 2, "the resources");
  await until(() => stream, "the session's stream");

  for (const list of ["tools", "prompts", "resources"]) await stream.event({ jsonrpc: "2.0", method: `notifications/${list}/list_changed` });
  for (const uri of ["file:///a", "file:///b", "file:///c"]) await stream.event({ jsonrpc: "2.0", method: "notifications/resources/updated", params: { uri } });
  await until(() => told("one").length === 3 && told(2).length === 2, () => JSON.stringify(bridge.messages));
  assert.deepEqual(told("one"), ["notifications/tools/list_changed", "file:///a", "file:///b"]);
  assert.deepEqual(told(2), ["notifications/resources/list_changed", "file:///b"]);

  bridge.notify("notifications/cancelled", { requestId: "one", _meta: envelope() });
  await until(() => subscribed.size === 1, "the end of a subscription");
  assert.deepEqual([...subscribed], ["file:///b"]);
  await stream.event({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
  await stream.event({ jsonrpc: "2.0", method: "notifications/resources/updated", params: { uri: "file:///b" } });
  await until(() => told(2).length === 3, "another notice");
  assert.equal(told("one").length, 3);
  assert.equal(bridge.responses("one").length + bridge.responses(2).length, 0);
  // An open subscription does not hold up the end.
  assert.equal(await bridge.end(), 0);
  assert.equal(count(server, "DELETE"), 1);
});

test("77: a new session has the subscriptions of the lost one", async () => {
  const uris = [];
  await using client = await beforeSessions({
    on: {
      initialize: () => ({ protocolVersion: "2025-11-25", capabilities: WIDE, serverInfo: { name: "scripted", version: "1" } }),
      "resources/subscribe": ({ message, headers }) => (uris.push([headers["mcp-session-id"], message.params.uri]), {}),
    },
  });
  const { bridge, server } = client;
  bridge.send({ jsonrpc: "2.0", id: "l", method: "subscriptions/listen", params: { notifications: { resourceSubscriptions: ["file:///a"] }, _meta: envelope() } });
  await until(() => uris.length === 1, "the subscription");
  server.sessions.clear();
  assert.ok((await client.result("tools/list")).tools);
  await until(() => uris.length === 2, "the subscription in the new session");
  assert.equal(uris[1][1], "file:///a");
  assert.notEqual(uris[1][0], uris[0][0]);
});

test("78: a request with more capabilities has a session with them, and the old one is ended", async () => {
  await using client = await beforeSessions({ on: { "tools/call": asking({ q1: ["roots/list"] }) } });
  const { server } = client;
  await client.result("server/discover");
  await client.result("tools/list", {}, { capabilities: { elicitation: { form: {} } } });
  await client.result("tools/list", {}, { capabilities: { roots: {} } });
  await client.result("tools/list", {}, { capabilities: { elicitation: {} } });
  const opened = posted(server, "initialize").map(({ message }) => message.params.capabilities);
  assert.deepEqual(opened, [{}, { elicitation: { form: {} } }, { elicitation: { form: {} }, roots: {} }]);
  await until(() => count(server, "DELETE") === 2, "the end of the old sessions");
  const { resultType } = await client.result("tools/call", { name: "asks" }, { capabilities: { roots: {} } });
  assert.equal(resultType, "input_required");
  // What the session has and the request does not is not asked.
  const other = await client.result("tools/call", { name: "asks" }, { capabilities: { elicitation: {} } });
  assert.equal(other.resultType, "complete");
});

test("78: while a call is in flight the session stays, and questions beyond it are refused", async () => {
  let goOn;
  await using client = await beforeSessions({
    on: {
      "tools/call": async (exchange) => {
        if (exchange.message.params.name === "asks") return asking({ q1: ["elicitation/create", FORM] })(exchange);
        await new Promise((resolve) => (goOn = resolve));
        return { content: [{ type: "text", text: "done" }] };
      },
    },
  });
  const { server } = client;
  await client.result("server/discover");
  const slow = client.result("tools/call", { name: "slow" });
  await until(() => goOn, "the call");
  const asked = await client.result("tools/call", { name: "asks" }, { capabilities: ELICITATION });
  assert.deepEqual(JSON.parse(textOf(asked)), { q1: -32601 });
  assert.equal(count(server, "POST initialize"), 1);
  goOn();
  assert.equal(textOf(await slow), "done");
  const again = await client.result("tools/call", { name: "asks" }, { capabilities: ELICITATION });
  assert.equal(again.resultType, "input_required");
  assert.equal(count(server, "POST initialize"), 2);
});

test("79: methods of sessions are not found", async () => {
  await using client = await beforeSessions();
  await client.result("tools/list");
  const own = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: CLIENT };
  for (const [method, params] of [["initialize", own], ["ping"], ["logging/setLevel", { level: "info" }], ["resources/subscribe", { uri: "a:b" }], ["resources/unsubscribe", { uri: "a:b" }], ["tasks/list"]]) {
    assert.equal((await client.error(method, params)).code, -32601, method);
    assert.equal((await client.bridge.request(method, params)).error.code, -32601, method);
  }
  assert.equal((await client.bridge.request("tools/list")).error.code, -32602);
  const { error } = await client.bridge.request("tools/list", { _meta: { ...envelope(), [`${META}/protocolVersion`]: "2031-01-01" } });
  assert.deepEqual([error.code, error.data], [-32022, { supported: [STATELESS], requested: "2031-01-01" }]);
  assert.equal(count(client.server, "POST initialize"), 1);
});

test("4, 79: batches are not of this version, though the session allows them", async () => {
  await using client = await beforeSessions({ version: "2025-03-26" });
  await client.result("tools/list");
  client.bridge.send([{ jsonrpc: "2.0", id: 99, method: "tools/list", params: { _meta: envelope() } }]);
  assert.equal((await client.bridge.message(({ id }) => id === null)).error.code, -32600);
});

test("43, 71: a cancellation reaches the server under the id that it knows", async () => {
  const open = [];
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    on: { "tools/call": (exchange) => void open.push(exchange.events()) },
  });
  const { bridge, server } = client;
  bridge.send({ jsonrpc: "2.0", id: "slow", method: "tools/call", params: { name: "slow", _meta: envelope() } });
  await until(() => open.length, "the call");
  bridge.notify("notifications/cancelled", { requestId: "slow", reason: "enough" });
  const { message } = await server.received("notifications/cancelled");
  assert.equal(message.params.requestId, open[0].id);
  await open[0].closed;
  await client.result("tools/list");
  assert.equal(bridge.responses("slow").length, 0);
  assert.equal(count(server, "POST notifications/cancelled"), 1);
});

test("44, 73: progress keeps its order, and has the token of the request that waits", async () => {
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    on: {
      "tools/call": async (exchange) => {
        exchange.events();
        const { progressToken } = exchange.message.params._meta;
        const progress = (progress) => exchange.event({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken, progress } });
        await progress(1);
        await question(exchange, "q1");
        await answerTo(exchange, "q1");
        await progress(2);
        await exchange.resultEvent({ content: [] });
        exchange.end();
      },
    },
  });
  const { bridge } = client;
  const params = { name: "counts" };
  const round = await client.result("tools/call", params, { progressToken: "first" });
  const [key] = Object.keys(round.inputRequests);
  const id = bridge.nextId();
  await client.result("tools/call", { ...params, inputResponses: { [key]: { action: "accept" } }, requestState: round.requestState }, { id, progressToken: 2 });
  const progress = bridge.messages.filter(isMethod("notifications/progress"));
  assert.deepEqual(progress.map(({ params }) => params), [{ progressToken: "first", progress: 1 }, { progressToken: 2, progress: 2 }]);
  assert.ok(bridge.messages.indexOf(progress[1]) < bridge.messages.findIndex((message) => message.id === id));
});

test("32, 71: a lost session is opened again with the same capabilities, and the request runs once", async () => {
  await using client = await beforeSessions({ capabilities: ELICITATION });
  const { server } = client;
  await client.result("tools/call", { name: "echo", arguments: { n: 1 } });
  server.sessions.clear();
  const answers = await Promise.all([2, 3, 4].map((n) => client.result("tools/call", { name: "echo", arguments: { n } })));
  assert.deepEqual(answers.map(textOf), ['{"n":2}', '{"n":3}', '{"n":4}']);
  const opened = posted(server, "initialize").map(({ message }) => message.params.capabilities);
  assert.deepEqual(opened, [{ elicitation: { form: {} } }, { elicitation: { form: {} } }]);
});

test("49, 71: a server that is down at the start is waited for, and one that stays down is an error by the deadline", async () => {
  const server = await bridgeServer({ sessions: true });
  await server.down();
  await using client = await statelessClient(server, { args: ["--initialize-deadline", "2", "--connect-timeout", "1"] });
  assert.match((await client.error("server/discover")).message, /cannot be reached/);
  const waiting = client.result("server/discover");
  await server.up();
  assert.deepEqual((await waiting).supportedVersions, [STATELESS]);
});

test("50, 71: a server that is known and down is answered for from memory, and its changes are told when it is back", async () => {
  const config = temporaryFolder("durable-mcp-remote");
  let tools = [{ name: "old", inputSchema: { type: "object" } }];
  await using server = await bridgeServer({ sessions: true, capabilities: WIDE, on: { "tools/list": () => ({ tools }) } });
  try {
    {
      await using bridge = startBridge(server.url, { config });
      assert.equal((await bridge.result("tools/list", { _meta: envelope() })).tools[0].name, "old");
      assert.equal(await bridge.end(), 0);
    }
    await server.down();
    tools = [{ name: "new", inputSchema: { type: "object" } }];
    await using bridge = startBridge(server.url, { config, args: ["--initialize-deadline", "1", "--connect-timeout", "1"] });
    assert.deepEqual((await bridge.result("server/discover", { _meta: envelope() })).capabilities, WIDE);
    bridge.send({ jsonrpc: "2.0", id: "l", method: "subscriptions/listen", params: { notifications: { toolsListChanged: true }, _meta: envelope() } });
    const list = await bridge.result("tools/list", { _meta: envelope() });
    assert.deepEqual([list.tools[0].name, list.resultType, list.ttlMs], ["old", "complete", 0]);
    assert.match((await bridge.request("tools/call", { name: "old", _meta: envelope() })).error.message, /cannot be reached/);
    await server.up();
    const changed = await bridge.message(isMethod("notifications/tools/list_changed"));
    assert.equal(changed.params._meta[`${META}/subscriptionId`], "l");
    assert.equal((await bridge.result("tools/list", { _meta: envelope() })).tools[0].name, "new");
  } finally {
    removeFolder(config);
  }
});

test("80, 71: server/discover waits for the sign-in that it needs", async () => {
  await using store = await guardedStore();
  await using bridge = startBridge(store.server.url, { config: store.config.path });
  const discovered = bridge.result("server/discover", { _meta: envelope() });
  await Promise.all([discovered, signIn(bridge)]);
  assert.deepEqual((await discovered).supportedVersions, [STATELESS]);
  assert.equal((await bridge.result("tools/list", { _meta: envelope() })).resultType, "complete");
  assert.equal(store.server.log.filter((entry) => entry === "POST initialize").length, 1);
});

test("51, 71: server/discover is answered by its deadline with the link, and later needs no browser", async () => {
  await using store = await guardedStore();
  await using bridge = startBridge(store.server.url, { config: store.config.path, args: ["--initialize-deadline", "1", "--no-browser"] });
  const { error } = await bridge.request("server/discover", { _meta: envelope() });
  const link = await linkOf(bridge);
  assert.ok(error.message.includes(link), error.message);
  await visit(link);
  await until(() => store.config.files().some((name) => name.endsWith("_tokens.json")), "tokens");
  await using next = startBridge(store.server.url, { config: store.config.path });
  assert.ok(await next.result("server/discover", { _meta: envelope() }));
  assert.deepEqual(linksOf(next), []);
});

test("80, 71: where server/discover needs a sign-in that does not come, its error has the way, and no initialize is sent", async () => {
  await using client = await statelessClient(await bridgeServer({ http: (exchange) => (exchange.status(401, "", { "www-authenticate": "Bearer" }), true) }), {
    args: ["--initialize-deadline", "10", "--header", "Authorization: Bearer wrong"],
  });
  assert.match((await client.error("server/discover")).message, /401|[Aa]uthorization/);
  assert.deepEqual(client.server.log, ["POST server/discover"]);
});
