// The local bridge: HTTP+SSE, and the choice of a transport. Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isReference, startBridge } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { until } from "../../support/wait.mjs";

const PARAMS = { protocolVersion: "2024-11-05", capabilities: {}, clientInfo: { name: "t", version: "1" } };

/**
 * A server of HTTP+SSE alone at /mcp. `endpoint(number)` names the address of messages on the `number`th stream; `post` is the status
 * of a POST to /mcp, `accepted` that of one to the endpoint.
 */
async function sseServer({ endpoint = () => "/messages?session=a%20b", post = 405, accepted = 202, on = {} } = {}) {
  const streams = [];
  const handlers = {
    initialize: () => ({ protocolVersion: "2024-11-05", capabilities: { tools: {} }, serverInfo: { name: "old", version: "1" } }),
    "tools/list": () => ({ tools: [] }),
    "tools/call": () => ({ content: [] }),
    ...on,
  };
  const server = await bridgeServer({
    http: async (exchange) => {
      if (exchange.method === "GET") {
        exchange.events();
        streams.push(exchange);
        await exchange.event(await endpoint(streams.length, exchange), { event: "endpoint" });
        return true;
      }
      if (exchange.url === "/mcp") {
        exchange.status(post, typeof post === "number" ? "no" : "");
        return true;
      }
      const { id, method } = exchange.message;
      exchange.status(accepted, accepted === 202 ? "Accepted" : "ok");
      if (id !== undefined && method) {
        const result = await handlers[method](exchange, streams);
        if (result) await streams.at(-1).event({ jsonrpc: "2.0", id, result }, { event: "message" });
      }
      return true;
    },
  });
  return Object.assign(server, { streams });
}

for (const [what, options, args] of [
  ["by 405 with a relative endpoint", {}, []],
  ["by 404 with an absolute endpoint", { post: 404, endpoint: (_, { server }) => `${server.origin}/messages?session=a%20b` }, []],
  ["by 400, where messages are answered with 200", { post: 400, accepted: 200 }, []],
  ["by --transport sse-only", {}, ["--transport", "sse-only"]],
  ["by --transport sse-first", {}, ["--transport", "sse-first"]],
]) {
  test(`18, 21: HTTP+SSE is spoken ${what}`, async () => {
    await using server = await sseServer(options);
    await using bridge = startBridge(server.url, { args });
    const { serverInfo } = await bridge.initialize({ protocolVersion: "2024-11-05" });
    assert.equal(serverInfo.name, "old");
    const results = await Promise.all([bridge.result("tools/list"), bridge.result("tools/call", { name: "x" })]);
    assert.deepEqual(results, [{ tools: [] }, { content: [] }]);
    const called = await server.received("tools/call");
    assert.equal(called.url, "/messages?session=a%20b");
    await server.received("notifications/initialized");
  });
}

test("sse-first speaks Streamable HTTP to a server that has no stream of its own", async () => {
  await using server = await bridgeServer({ sessions: true });
  await using bridge = startBridge(server.url, { args: ["--transport", "sse-first"] });
  await bridge.initialize();
  assert.ok((await bridge.result("tools/list")).tools);
});

test("18: when both transports fail the error reports both", async () => {
  await using server = await bridgeServer({ http: (exchange) => (exchange.status(404, "nothing here"), true) });
  await using bridge = startBridge(server.url);
  const { error } = await bridge.request("initialize", PARAMS);
  assert.match(error.message, /404.*404/);
  assert.deepEqual(server.requests.map(({ method }) => method), ["POST", "GET"]);
});

for (const [what, status, body] of [
  ["a 400 with an error of 2026-07-28 whose text contains 404", 400, '{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"404"}}'],
  ["a 403 whose text contains 404 and 405", 403, "404 405"],
  ["a 500 whose text contains 404", 500, "404"],
]) {
  test(`18, 19: ${what} changes no transport`, async () => {
    await using server = await bridgeServer({ http: (exchange) => (exchange.status(status, body), true) });
    await using bridge = startBridge(server.url, { args: ["--protocol", "legacy"] });
    const { error } = await bridge.request("initialize", PARAMS);
    assert.ok(error);
    assert.deepEqual(server.log, ["POST initialize"]);
  });
}

test("19: a server that is gone for a moment changes no transport", async () => {
  await using server = await bridgeServer({ on: { initialize: (exchange) => (exchange.server.requests.length < 3 ? exchange.status(503) : { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: "s", version: "1" } }) } });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  assert.deepEqual(server.log.slice(0, 3), ["POST initialize", "POST initialize", "POST initialize"]);
});

test("21: an endpoint of another origin is refused and nothing is sent there", async () => {
  await using other = await bridgeServer();
  await using server = await sseServer({ endpoint: () => `${other.origin}/messages` });
  await using bridge = startBridge(server.url, { args: ["--transport", "sse-only", "--header", "X-Secret: planted"] });
  const { error } = await bridge.request("initialize", PARAMS);
  assert.match(error.message, /another origin/);
  assert.equal(other.requests.length, 0);
});

test("21: an answer on a later connection of the same session is matched", { skip: isReference }, async () => {
  let asked;
  await using server = await sseServer({
    on: {
      "tools/call": (exchange, streams) => {
        asked = exchange;
        streams.at(-1).cut();
      },
    },
  });
  await using bridge = startBridge(server.url, { args: ["--transport", "sse-only"] });
  await bridge.initialize({ protocolVersion: "2024-11-05" });
  const answer = bridge.result("tools/call", { name: "x" });
  await until(() => server.streams.length === 2, "another stream");
  await server.streams[1].event({ jsonrpc: "2.0", id: asked.id, result: { late: true } }, { event: "message" });
  assert.deepEqual(await answer, { late: true });
});

test("21: a call whose stream was cut and came back without its answer is an error", { skip: isReference }, async () => {
  await using server = await sseServer({ on: { "tools/call": (_, streams) => void streams.at(-1).cut() } });
  await using bridge = startBridge(server.url, { args: ["--transport", "sse-only", "--body-timeout", "1"] });
  await bridge.initialize({ protocolVersion: "2024-11-05" });
  const { error } = await bridge.request("tools/call", { name: "x" });
  assert.match(error.message, /may have run/);
});

test("21, 45: the stream may be silent while a question is with the client", { skip: isReference }, async () => {
  const QUESTION = { jsonrpc: "2.0", id: "q", method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } };
  await using server = await sseServer({ on: { "tools/call": (_, streams) => void streams.at(-1).event(QUESTION, { event: "message" }) } });
  const answered = server.received(({ message }) => message?.id === "q" && message.result);
  await using other = await sseServer();
  const args = ["--transport", "sse-only", "--body-timeout", "4"];
  await using bridge = startBridge(server.url, { args });
  await bridge.initialize({ protocolVersion: "2024-11-05" });
  const answer = bridge.result("tools/call", { name: "x" });
  await bridge.message(({ id }) => id === "q");
  // A stream that began later has been silent for too long, and was opened again.
  await using idle = startBridge(other.url, { args });
  await idle.initialize({ protocolVersion: "2024-11-05" });
  await until(() => other.streams.length === 2, "another stream");
  assert.equal(server.streams.length, 1);
  bridge.send({ jsonrpc: "2.0", id: "q", result: { role: "assistant", content: { type: "text", text: "a" }, model: "m" } });
  await answered;
  const { id } = (await server.received("tools/call")).message;
  await server.streams[0].event({ jsonrpc: "2.0", id, result: { content: [] } }, { event: "message" });
  assert.deepEqual(await answer, { content: [] });
});

test("21: a stream that comes back with another endpoint is another session", { skip: isReference }, async () => {
  await using server = await sseServer({ endpoint: (number) => `/messages?session=${number}` });
  await using bridge = startBridge(server.url, { args: ["--transport", "sse-only"] });
  await bridge.initialize({ protocolVersion: "2024-11-05" });
  await server.received("notifications/initialized");
  server.streams[0].cut();
  const { url, message } = await server.received("initialize", { count: 2 });
  assert.equal(url, "/messages?session=2");
  assert.match(message.id, /[0-9a-f]{16}/);
  await server.received("notifications/initialized", { count: 2 });
  assert.ok((await bridge.result("tools/list")).tools);
});

test("21: a stream that comes back late does not replace the connection of a newer initialize", { skip: isReference }, async () => {
  const late = Promise.withResolvers();
  await using server = await sseServer({ endpoint: (number) => (number === 2 ? late.promise : `/messages?session=${number}`) });
  await using bridge = startBridge(server.url, { args: ["--transport", "sse-only"] });
  await bridge.initialize({ protocolVersion: "2024-11-05" });
  await server.received("notifications/initialized");
  server.streams[0].cut();
  await until(() => server.streams.length === 2, "another stream");
  await bridge.initialize({ protocolVersion: "2024-11-05" });
  late.resolve("/messages?session=2");
  for (let count = 1; count <= 3; count++) {
    assert.ok((await bridge.result("tools/list")).tools);
    assert.equal((await server.received("tools/list", { count })).url, "/messages?session=3");
  }
  await until(() => server.streams[1].response.destroyed, "the end of the late stream");
});

test("22: a stream without an endpoint event is an error that says so", { skip: isReference }, async () => {
  await using server = await bridgeServer({ get: (exchange) => exchange.events().raw(": open\n\n") });
  await using bridge = startBridge(server.url, { args: ["--transport", "sse-only"] });
  const { error } = await bridge.request("initialize", PARAMS);
  assert.match(error.message, /endpoint/);
});
