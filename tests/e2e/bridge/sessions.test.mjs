// The local bridge: sessions that a server has lost, and servers that refuse or go away. Numbers are those of the table in
// tests/README.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isReference, startBridge } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { connectedBridge } from "../../support/connected-bridge.mjs";
import { until } from "../../support/wait.mjs";

const call = { name: "echo", arguments: { a: 1 } };

async function connected(options, args) {
  const both = await connectedBridge(await bridgeServer({ sessions: true, ...options }), { args });
  await both.server.received("notifications/initialized");
  return both;
}

const count = (server, entry) => server.log.filter((line) => line === entry).length;

test("32: a lost session is opened again, with level and subscriptions, and the message is sent once more", async () => {
  await using both = await connected({
    capabilities: { tools: {}, logging: {}, resources: { subscribe: true } },
    on: { "logging/setLevel": () => ({}), "resources/subscribe": () => ({}), "resources/unsubscribe": () => ({}) },
  });
  const { server, bridge } = both;
  await bridge.result("logging/setLevel", { level: "warning" });
  await bridge.result("resources/subscribe", { uri: "file:///a" });
  await bridge.result("resources/subscribe", { uri: "file:///b" });
  await bridge.result("resources/unsubscribe", { uri: "file:///a" });
  const before = bridge.messages.length;
  server.sessions.clear();
  const from = server.requests.length;
  assert.ok((await bridge.result("tools/call", call)).content);
  // Level and subscriptions are told beside the call.
  for (const method of ["logging/setLevel", "resources/subscribe"]) await until(() => server.requests.slice(from).some(({ message }) => message?.method === method), method);
  const later = server.requests.slice(from).filter(({ method }) => method === "POST");
  const methods = later.map(({ message }) => message.method);
  assert.deepEqual(methods.slice(0, 3), ["tools/call", "initialize", "notifications/initialized"]);
  assert.deepEqual(methods.slice(3).sort(), ["logging/setLevel", "resources/subscribe", "tools/call"]);
  const [, opening] = later.map(({ message }) => message);
  const [level, subscription] = ["logging/setLevel", "resources/subscribe"].map((method) => later[methods.indexOf(method)].message);
  assert.match(opening.id, /[0-9a-f]{16}/);
  assert.deepEqual(opening.params, server.requests[0].message.params);
  assert.equal(later[1].headers["mcp-session-id"], undefined);
  assert.equal(level.params.level, "warning");
  assert.equal(subscription.params.uri, "file:///b");
  assert.equal(bridge.messages.length, before + 1, "nothing of this reaches the client");
});

test("32: a subscription that the client ends while a new session is told of it ends there, too", { skip: isReference }, async () => {
  const told = Promise.withResolvers();
  const subscribed = new Set();
  let isNew = false;
  await using both = await connected({
    capabilities: { tools: {}, resources: { subscribe: true } },
    on: {
      "resources/subscribe": async ({ message }) => {
        if (isNew) await told.promise;
        subscribed.add(message.params.uri);
        return {};
      },
      "resources/unsubscribe": ({ message }) => (subscribed.delete(message.params.uri), {}),
    },
  });
  const { server, bridge } = both;
  await bridge.result("resources/subscribe", { uri: "file:///a" });
  isNew = true;
  server.sessions.clear();
  assert.ok((await bridge.result("tools/call", call)).content);
  await server.received("resources/subscribe", { count: 2 });
  await bridge.result("resources/unsubscribe", { uri: "file:///a" });
  told.resolve();
  await server.received("resources/unsubscribe", { count: 2 });
  await until(() => subscribed.size === 0, "the end of the subscription");
});

test("32: a new session that does not answer what it is told again holds up no call", { skip: isReference }, async () => {
  const never = new Promise(() => {});
  let isNew = false;
  await using both = await connected({ capabilities: { tools: {}, logging: {} }, on: { "logging/setLevel": () => (isNew ? never : {}) } });
  await both.bridge.result("logging/setLevel", { level: "warning" });
  isNew = true;
  both.server.sessions.clear();
  assert.ok((await both.bridge.result("tools/call", call)).content);
  await both.server.received("logging/setLevel", { count: 2 });
});

test("35: a new session that is not opened by the deadline is an error for every waiting message", { skip: isReference }, async () => {
  const never = new Promise(() => {});
  await using both = await connected({}, ["--initialize-deadline", "1"]);
  const { server, bridge } = both;
  const usual = server.on.initialize;
  server.on.initialize = () => never;
  server.sessions.clear();
  const waiting = Array.from({ length: 8 }, () => bridge.request("tools/call", call));
  for (const { error } of await Promise.all(waiting)) assert.match(error.message, /session.*within 1 s/);
  assert.ok(count(server, "POST initialize") < 6, "they share an attempt");
  server.on.initialize = usual;
  assert.ok((await bridge.result("tools/list")).tools);
});

test("32: ten calls at once open one new session", async () => {
  await using both = await connected({ on: { "tools/call": ({ message }) => ({ content: [{ type: "text", text: `${message.id}` }] }) } });
  both.server.sessions.clear();
  const ids = [...Array(10).keys()].map((number) => `call-${number}`);
  const results = await Promise.all(ids.map((id) => both.bridge.result("tools/call", call, { id })));
  assert.deepEqual(results.map(({ content }) => content[0].text), ids);
  assert.equal(count(both.server, "POST initialize"), 2);
});

for (const [how, answer] of [
  ["400", (exchange) => exchange.status(400, '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}')],
  ["401", (exchange) => exchange.status(401, "unknown session")],
  ["-32600 in a 200", (exchange) => exchange.error(-32600, "Session not found")],
  ["-32001 in a 200", (exchange) => exchange.error(-32001, "no such session")],
]) {
  test(`33: a session that is lost by ${how} is opened again`, async () => {
    let isLost = true;
    await using both = await connected({ on: { initialize: (exchange) => ((isLost = count(exchange.server, "POST initialize") === 1), { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } }), "tools/call": (exchange) => (isLost ? answer(exchange) : { content: [] }) } });
    assert.ok((await both.bridge.result("tools/call", call)).content);
    assert.equal(count(both.server, "POST initialize"), 2);
  });
}

test("33: a session that is lost again is an error", async () => {
  await using both = await connected({ on: { "tools/call": (exchange) => exchange.status(404, "gone") } });
  const { error } = await both.bridge.request("tools/call", call);
  assert.match(error.message, /session/);
  assert.equal(count(both.server, "POST initialize"), 2);
});

test("43: a call that is cancelled while a new session is opened is not sent in it", { skip: isReference }, async () => {
  const opened = Promise.withResolvers();
  await using both = await connected();
  const { server, bridge } = both;
  const usual = server.on.initialize;
  server.on.initialize = async (exchange) => (await opened.promise, usual(exchange));
  server.sessions.clear();
  bridge.send({ jsonrpc: "2.0", id: "gone", method: "tools/call", params: call });
  await server.received("initialize", { count: 2 });
  bridge.notify("notifications/cancelled", { requestId: "gone" });
  // Lines are taken in their order: once this is answered, the call is cancelled.
  bridge.send("no JSON");
  await bridge.message(({ id }) => id === null);
  opened.resolve();
  await server.received("notifications/cancelled");
  for (let times = 0; times < 3; times++) assert.ok((await bridge.result("tools/list")).tools);
  assert.equal(count(server, "POST tools/call"), 1);
  assert.equal(bridge.responses("gone").length, 0);
});

test("43: an initialize that is cancelled holds up no later message", { skip: isReference }, async () => {
  const opened = Promise.withResolvers();
  await using server = await bridgeServer({ sessions: true });
  await using bridge = startBridge(server.url);
  const usual = server.on.initialize;
  server.on.initialize = async (exchange) => (await opened.promise, usual(exchange));
  bridge.send({ jsonrpc: "2.0", id: "gone", method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } } });
  await server.received("initialize");
  bridge.notify("notifications/cancelled", { requestId: "gone" });
  const waiting = bridge.request("tools/list");
  // Lines are taken in their order: once this is answered, those before it are.
  bridge.send("no JSON");
  await bridge.message(({ id }) => id === null);
  opened.resolve();
  assert.match((await waiting).error.message, /cancelled/);
  assert.ok((await bridge.result("tools/list")).tools);
});

test("34: a new session with fewer capabilities is told to the client, and the call fails", async () => {
  await using both = await connected({ capabilities: { tools: {}, prompts: { listChanged: true } }, on: { "prompts/list": () => ({ prompts: [] }) } });
  both.server.capabilities = { prompts: {} };
  both.server.sessions.clear();
  const { error } = await both.bridge.request("tools/call", call);
  assert.match(error.message, /tools/);
  for (const list of ["tools", "prompts"]) await both.bridge.message(({ method }) => method === `notifications/${list}/list_changed`);
  assert.ok((await both.bridge.result("prompts/list")).prompts);
});

test("34: a new session with another version fails the call", async () => {
  await using both = await connected();
  both.server.version = "2025-06-18";
  both.server.sessions.clear();
  const { error } = await both.bridge.request("tools/call", call);
  assert.match(error.message, /2025-06-18/);
  assert.ok((await both.bridge.result("tools/list")).tools);
  assert.equal((await both.server.received("tools/list")).headers["mcp-protocol-version"], "2025-06-18");
});

test("35: when initialize is refused every waiting message gets that error, and the next one tries again", async () => {
  let refuses = true;
  const arrived = Promise.withResolvers();
  await using server = await bridgeServer({
    on: {
      initialize: async (exchange) => {
        if (!refuses) return { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } };
        await arrived.promise;
        exchange.status(403, '{"jsonrpc":"2.0","id":null,"error":{"code":-32010,"message":"not today"}}');
      },
    },
  });
  await using bridge = startBridge(server.url);
  const opening = bridge.request("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } });
  const waiting = [bridge.request("tools/list"), bridge.request("tools/call", call)];
  await server.received("initialize");
  // Lines are taken in their order: once this is answered, the others wait.
  bridge.send("no JSON");
  await bridge.message(({ id }) => id === null);
  arrived.resolve();
  for (const { error } of await Promise.all([opening, ...waiting])) assert.equal(error.code, -32010);
  refuses = false;
  assert.ok((await bridge.result("tools/list")).tools);
  assert.equal(count(server, "POST initialize"), 2);
});

test("40: after a sleep in which connections died, the first message works and none is answered twice", async () => {
  await using both = await connected({
    get: async (exchange) => {
      exchange.events();
      await exchange.raw(": open\n\n");
    },
  });
  await both.server.received("GET");
  assert.ok(await both.bridge.result("tools/call", call, { id: "before" }));
  both.bridge.child.signal("SIGSTOP");
  both.server.cutAll();
  const answer = both.bridge.result("tools/call", call, { id: "after" });
  both.bridge.child.signal("SIGCONT");
  assert.ok((await answer).content);
  await both.server.received("GET", { count: 2 });
  for (const id of ["before", "after"]) assert.equal(both.bridge.responses(id).length, 1);
});

test("a server that is killed thirty times under load: each call is answered once", async () => {
  await using both = await connected({
    on: {
      "tools/call": async (exchange) => {
        const { number } = exchange.message.params.arguments;
        if (number % 3 === 0) return { number };
        exchange.events();
        await exchange.event({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: number, progress: 1 } });
        await exchange.resultEvent({ number });
        exchange.end();
      },
    },
    get: (exchange) => (exchange.events(), exchange.raw(": open\n\n")),
  });
  const { server, bridge } = both;
  let number = 0;
  let killing = true;
  const outcomes = { result: 0, error: 0 };
  // Eight callers, each with its next call once the last one is answered.
  const callers = Array.from({ length: 8 }, async () => {
    while (killing) {
      const mine = number++;
      const response = await bridge.request(mine % 4 === 1 ? "tools/list" : "tools/call", { name: "echo", arguments: { number: mine } }, { id: `call-${mine}` });
      if (response.result?.number !== undefined) assert.equal(response.result.number, mine);
      outcomes[response.result ? "result" : "error"]++;
    }
  });
  for (let kill = 0; kill < 30; kill++) {
    const done = outcomes.result;
    await until(() => outcomes.result > done + 8, "calls between kills", { every: 5 });
    await server.down();
    // Some kills lose the sessions too.
    if (kill % 2) server.sessions.clear();
    await server.up();
  }
  killing = false;
  await Promise.all(callers);
  for (let id = 0; id < number; id++) assert.equal(bridge.responses(`call-${id}`).length, 1, `call-${id}`);
  assert.ok((await bridge.result("tools/list")).tools);
});
