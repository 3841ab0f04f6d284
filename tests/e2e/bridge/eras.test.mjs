// The local bridge between versions: clients of earlier ones before servers of 2026-07-28. Numbers are those of the table in
// tests/README.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lineOf, startBridge } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";
import { connectedBridge } from "../../support/connected-bridge.mjs";
import { META, STATELESS } from "../../support/stateless.mjs";
import { WAIT_MS, bounded, until } from "../../support/wait.mjs";

const PARAMS = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "tests", version: "1.0.0" } };
const ECHO = { name: "echo", inputSchema: { type: "object", properties: { region: { type: "string", "x-mcp-header": "Region" } } } };

/** A server of 2026-07-28 alone: `on` answers methods with results, of which `resultType` is added where there is none. */
async function modernServer({ on = {}, capabilities = { tools: {} }, refusal = { status: 400, code: -32022, data: { supported: [STATELESS] } }, versions = [STATELESS] } = {}) {
  const handlers = {
    "server/discover": () => ({ supportedVersions: versions, capabilities, instructions: "Be kind.", _meta: { [`${META}/serverInfo`]: { name: "modern", version: "3" } }, ttlMs: 0, cacheScope: "private" }),
    "tools/list": () => ({ tools: [ECHO], ttlMs: 1000, cacheScope: "private" }),
    "tools/call": ({ message }) => ({ content: [{ type: "text", text: JSON.stringify(message.params.arguments) }] }),
    ...on,
  };
  return bridgeServer({
    http: async (exchange) => {
      if (exchange.method !== "POST") return exchange.status(405), true;
      const { id, method, params } = exchange.message;
      if (params?._meta?.[`${META}/protocolVersion`] !== STATELESS) {
        const { status, code, data } = refusal;
        exchange.status(status, JSON.stringify({ jsonrpc: "2.0", id, error: { code, message: "Unsupported protocol version", data } }));
        return true;
      }
      const result = await handlers[method]?.(exchange);
      if (exchange.response.headersSent || exchange.response.destroyed) return true;
      if (result === undefined) exchange.status(404, JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32601, message: `There is no ${method}.` } }));
      else if (result.error) exchange.status(400, JSON.stringify({ jsonrpc: "2.0", id, ...result }));
      else exchange.result({ resultType: "complete", ...result });
      return true;
    },
  });
}

const connected = async (options, ofClient) => connectedBridge(await modernServer(options), ofClient);

test("54: before a server of an earlier version, fallback sends no request more than legacy", async () => {
  const logs = await Promise.all(
    ["fallback", "legacy"].map(async (protocol) => {
      await using server = await bridgeServer({ sessions: true });
      await using bridge = startBridge(server.url, { args: ["--protocol", protocol] });
      await bridge.initialize();
      await server.received("GET");
      await bridge.result("tools/list");
      return server.log;
    }),
  );
  assert.deepEqual(logs[0], logs[1]);
});

for (const [what, refusal] of [
  ["-32022", undefined],
  ["-32020", { status: 400, code: -32020 }],
  ["404 and -32601", { status: 404, code: -32601 }],
  ["200 and -32601", { status: 200, code: -32601 }],
]) {
  test(`54: initialize that is refused with ${what} is followed by one server/discover`, async () => {
    await using both = await connected({ refusal });
    assert.equal(both.initialized.serverInfo.name, "modern");
    await both.bridge.result("tools/list");
    assert.deepEqual(both.server.log, ["POST initialize", "POST server/discover", "POST tools/list"]);
  });
}

test("54: the era of a server is remembered, and found anew when it has changed", async () => {
  const config = temporaryFolder("durable-mcp-remote");
  let isModern = true;
  await using server = await modernServer();
  const modern = server.http;
  server.http = (exchange) => isModern && modern(exchange);
  const start = async () => {
    const from = server.requests.length;
    await using bridge = startBridge(server.url, { config });
    const { serverInfo } = await bridge.initialize();
    assert.equal(await bridge.end(), 0);
    return [serverInfo.name, ...server.log.slice(from, from + 2)];
  };
  try {
    assert.deepEqual(await start(), ["modern", "POST initialize", "POST server/discover"]);
    assert.deepEqual(await start(), ["modern", "POST server/discover"]);
    isModern = false;
    assert.deepEqual(await start(), ["scripted", "POST server/discover", "POST initialize"]);
    assert.equal((await start())[1], "POST initialize");
  } finally {
    removeFolder(config);
  }
});

test("54: legacy does not discover", async () => {
  await using server = await modernServer();
  await using bridge = startBridge(server.url, { args: ["--protocol", "legacy"] });
  assert.equal((await bridge.request("initialize", PARAMS)).error.code, -32022);
  assert.deepEqual(server.log, ["POST initialize"]);
});

test("55: auto discovers first, and sends initialize after any other error", async () => {
  await using server = await bridgeServer({ sessions: true });
  await using bridge = startBridge(server.url, { args: ["--protocol", "auto"] });
  assert.equal((await bridge.initialize()).serverInfo.name, "scripted");
  assert.deepEqual(server.log.slice(0, 2), ["POST server/discover", "POST initialize"]);
});

test("55: auto sends initialize after words about a session, too", async () => {
  await using server = await bridgeServer({
    http: (exchange) => exchange.message?.method === "server/discover" && (exchange.error(-32600, "Bad Request: Server not initialized"), true),
  });
  await using bridge = startBridge(server.url, { args: ["--protocol", "auto"] });
  assert.equal((await bridge.initialize()).serverInfo.name, "scripted");
  assert.deepEqual(server.log.slice(0, 2), ["POST server/discover", "POST initialize"]);
});

for (const [what, args, isRemembered] of [
  ["auto", ["--protocol", "auto"]],
  ["fallback, which remembers a server of 2026-07-28,", [], true],
]) {
  test(`55: ${what} sends initialize where server/discover has no answer, and says so`, async () => {
    const config = temporaryFolder("bridge-discover");
    let isSilent = false;
    const discover = ({ message }) => message?.method === "server/discover";
    const modern = { resultType: "complete", supportedVersions: [STATELESS], capabilities: { tools: {} } };
    await using server = await bridgeServer({
      http: (exchange) => {
        if (discover(exchange) && isSilent) return true;
        if (discover(exchange)) return exchange.result(modern), true;
        const isRefused = !isSilent && exchange.message?.method === "initialize";
        return isRefused && (exchange.json(JSON.stringify({ jsonrpc: "2.0", id: exchange.id, error: { code: -32022, message: "no" } })), true);
      },
    });
    try {
      if (isRemembered) {
        await using before = startBridge(server.url, { config });
        await before.initialize();
        assert.equal(await before.end(), 0);
      }
      isSilent = true;
      const from = server.requests.length;
      await using bridge = startBridge(server.url, { args: [...args, "--discover-timeout", "1"], config });
      assert.equal((await bridge.initialize()).serverInfo.name, "scripted");
      assert.ok((await bridge.result("tools/list")).tools);
      assert.deepEqual(server.log.slice(from, from + 2), ["POST server/discover", "POST initialize"]);
      await bridge.child.line(/no answer to server\/discover within 1 s; initialize is sent/);
      const asked = server.requests.slice(from).find(discover);
      await bounded(asked.closed, WAIT_MS, "the end of server/discover");
    } finally {
      removeFolder(config);
    }
  });
}

for (const [what, args, isRemembered] of [
  ["auto", ["--protocol", "auto"]],
  ["fallback, which remembers a server of 2026-07-28,", [], true],
]) {
  test(`55: ${what} sends initialize where the server closes the connection on server/discover`, async () => {
    const config = temporaryFolder("bridge-discover");
    let isOld = !isRemembered;
    await using server = await bridgeServer({
      http: (exchange) => {
        const { method } = exchange.message ?? {};
        if (method === "server/discover") return isOld ? exchange.cut() : exchange.result({ resultType: "complete", supportedVersions: [STATELESS], capabilities: { tools: {} } }), true;
        return !isOld && method === "initialize" && (exchange.json(JSON.stringify({ jsonrpc: "2.0", id: exchange.id, error: { code: -32022, message: "no" } })), true);
      },
    });
    try {
      if (isRemembered) {
        await using before = startBridge(server.url, { config });
        await before.initialize();
        assert.equal(await before.end(), 0);
      }
      isOld = true;
      const from = server.requests.length;
      await using bridge = startBridge(server.url, { args, config });
      assert.equal((await bridge.initialize()).serverInfo.name, "scripted");
      assert.deepEqual(server.log.slice(from, from + 2), ["POST server/discover", "POST initialize"]);
    } finally {
      removeFolder(config);
    }
  });
}

test("55: versions that have nothing in common are an error that names both lists", async () => {
  await using server = await modernServer({ versions: ["2031-01-01"] });
  await using bridge = startBridge(server.url, { args: ["--protocol", "modern"] });
  const { error } = await bridge.request("initialize", PARAMS);
  assert.match(error.message, /2031-01-01.*2026-07-28.*2025-11-25/);
});

test("56: auto and modern use the new version of a server of both, fallback the old one", async () => {
  for (const [protocol, first] of [["auto", "server/discover"], ["modern", "server/discover"], ["fallback", "initialize"]]) {
    await using server = await bridgeServer({
      on: { "server/discover": () => ({ resultType: "complete", supportedVersions: [STATELESS, "2025-11-25"], capabilities: { tools: {} }, serverInfo: { name: "both", version: "1" } }) },
    });
    await using bridge = startBridge(server.url, { args: ["--protocol", protocol] });
    await bridge.initialize();
    await bridge.result("tools/list");
    assert.equal(server.log[0], `POST ${first}`);
    assert.equal(server.log.includes("POST initialize"), protocol === "fallback");
  }
});

test("57: messages of a client of 2026-07-28 pass as they are, with the headers that repeat them", async () => {
  await using server = await modernServer();
  await using bridge = startBridge(server.url);
  const meta = { [`${META}/protocolVersion`]: STATELESS, [`${META}/clientCapabilities`]: {} };
  const result = await bridge.result("tools/call", { name: "é", arguments: {}, _meta: meta });
  assert.equal(result.resultType, "complete");
  const { headers } = await server.received("tools/call");
  assert.equal(headers["mcp-protocol-version"], STATELESS);
  assert.equal(headers["mcp-method"], "tools/call");
  assert.equal(headers["mcp-name"], "=?base64?w6k=?=");
});

test("57, 61: a client of 2026-07-28 gets the tools that can be called, whose headers are learned from its list or a refusal", async () => {
  const wrong = { name: "wrong", inputSchema: { type: "object", properties: { a: { type: "object", "x-mcp-header": "A" } } } };
  const mismatch = { error: { code: -32020, message: "header mismatch" } };
  await using server = await modernServer({
    on: {
      "tools/list": ({ message }) => (message.params.cursor === undefined ? { tools: [wrong, { name: "other" }], nextCursor: "2", ttlMs: 0 } : { tools: [ECHO] }),
      "tools/call": ({ headers }) => (headers["mcp-param-region"] ? { content: [] } : mismatch),
    },
  });
  const meta = { [`${META}/protocolVersion`]: STATELESS, [`${META}/clientCapabilities`]: { roots: {} } };
  const call = { name: "echo", arguments: { region: "a" }, _meta: { ...meta, progressToken: 7 } };
  const count = (method) => server.log.filter((entry) => entry === `POST ${method}`).length;
  {
    await using bridge = startBridge(server.url);
    await bridge.result("tools/call", call);
    assert.deepEqual([count("tools/call"), count("tools/list")], [2, 2]);
    assert.deepEqual((await server.received("tools/list")).message.params._meta[`${META}/clientCapabilities`], { roots: {} });
    // A -32020 that a new list of tools does not mend reaches the client.
    const { error } = await bridge.request("tools/call", { ...call, arguments: {} });
    assert.equal(error.code, -32020);
    assert.deepEqual([count("tools/call"), count("tools/list")], [3, 4]);
  }
  await using bridge = startBridge(server.url);
  const page = await bridge.result("tools/list", { _meta: meta });
  assert.deepEqual(page, { resultType: "complete", tools: [{ name: "other" }], nextCursor: "2", ttlMs: 0 });
  await bridge.result("tools/list", { cursor: "2", _meta: meta });
  await bridge.result("tools/call", call);
  assert.deepEqual([count("tools/call"), count("tools/list")], [4, 6]);
});

test("58: initialize is answered with what the client asked for and the server told", async () => {
  for (const [asked, answered] of [["2025-06-18", "2025-06-18"], ["2029-09-09", "2025-11-25"]]) {
    await using both = await connected({ capabilities: { tools: { listChanged: false }, logging: {} } }, { protocolVersion: asked });
    assert.deepEqual(both.initialized, {
      protocolVersion: answered,
      capabilities: { tools: { listChanged: false }, logging: {} },
      serverInfo: { name: "modern", version: "3" },
      instructions: "Be kind.",
    });
  }
});

test("59, 60, 61: each request says who the client is, and its headers repeat it", async () => {
  await using both = await connected({}, { capabilities: { roots: {} } });
  const { bridge, server } = both;
  const result = await bridge.result("tools/call", { name: "echo", arguments: { region: "Öst", big: 1 }, _meta: { progressToken: 7 } });
  assert.deepEqual(JSON.parse(result.content[0].text), { region: "Öst", big: 1 });
  const { headers, message } = await server.received("tools/call");
  assert.deepEqual(message.params._meta, {
    progressToken: 7,
    [`${META}/protocolVersion`]: STATELESS,
    [`${META}/clientInfo`]: PARAMS.clientInfo,
    [`${META}/clientCapabilities`]: { roots: {} },
  });
  assert.equal(headers["mcp-protocol-version"], STATELESS);
  assert.equal(headers["mcp-name"], "echo");
  assert.equal(headers["mcp-param-region"], `=?base64?${Buffer.from("Öst").toString("base64")}?=`);
  assert.equal(headers["mcp-session-id"], undefined);
  // The headers were learned from a list that the client had not asked for.
  assert.ok(server.log.indexOf("POST tools/list") < server.log.indexOf("POST tools/call"));
  await bridge.result("tools/call", { name: "echo", arguments: { region: null } });
  const again = await server.received("tools/call", { count: 2 });
  assert.equal(again.headers["mcp-param-region"], undefined);
});

test("57, 61: headers that no longer fit are learned again, once", async () => {
  let header = "Region";
  await using both = await connected({
    on: {
      "tools/list": () => ({ tools: [{ ...ECHO, inputSchema: { type: "object", properties: { region: { type: "string", "x-mcp-header": header } } } }] }),
      "tools/call": ({ headers }) => (headers[`mcp-param-${header.toLowerCase()}`] ? { content: [] } : { error: { code: -32020, message: "header mismatch" } }),
    },
  });
  const call = { name: "echo", arguments: { region: "a" } };
  await both.bridge.result("tools/call", call);
  header = "Zone";
  await both.bridge.result("tools/call", call);
  assert.equal(both.server.log.filter((entry) => entry === "POST tools/list").length, 2);
  header = "X Y";
  const { error } = await both.bridge.request("tools/call", call);
  assert.equal(error.code, -32020);
  assert.equal(both.server.log.filter((entry) => entry === "POST tools/list").length, 3);
});

test("62, 67: ping, levels and a second initialize are answered here; the level goes with later requests", async () => {
  await using both = await connected();
  const { bridge, server } = both;
  assert.deepEqual(await bridge.result("ping"), {});
  assert.deepEqual(await bridge.result("logging/setLevel", { level: "warning" }), {});
  bridge.notify("notifications/roots/list_changed");
  await bridge.result("tools/list");
  const { message } = await server.received("tools/list");
  assert.equal(message.params._meta[`${META}/logLevel`], "warning");
  assert.deepEqual(await bridge.result("initialize", PARAMS), both.initialized);
  assert.deepEqual(server.log, ["POST initialize", "POST server/discover", "POST tools/list"]);
});

test("63: one stream listens for what is offered and subscribed, and its notices come without their subscription", async () => {
  const streams = [];
  await using both = await connected({
    capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
    on: {
      "subscriptions/listen": async (exchange) => {
        streams.push(exchange.events());
        const _meta = { [`${META}/subscriptionId`]: exchange.id };
        await exchange.event({ jsonrpc: "2.0", method: "notifications/subscriptions/acknowledged", params: { _meta, notifications: exchange.message.params.notifications } });
        await exchange.event({ jsonrpc: "2.0", method: "notifications/tools/list_changed", params: { _meta } });
        for (const uri of exchange.message.params.notifications.resourceSubscriptions ?? []) {
          await exchange.event({ jsonrpc: "2.0", method: "notifications/resources/updated", params: { uri, _meta } });
        }
      },
    },
  });
  const { bridge } = both;
  const changed = await bridge.message(({ method }) => method === "notifications/tools/list_changed");
  assert.equal(lineOf(changed), '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
  assert.deepEqual(await bridge.result("resources/subscribe", { uri: "file:///a" }), {});
  const updated = await bridge.message(({ method }) => method === "notifications/resources/updated");
  assert.deepEqual(updated.params, { uri: "file:///a" });
  assert.deepEqual(streams.at(-1).message.params.notifications, { toolsListChanged: true, resourceSubscriptions: ["file:///a"] });
  await streams[0].closed;
  const count = streams.length;
  streams.at(-1).end();
  await until(() => streams.length === count + 1, "another stream");
  assert.ok(!bridge.messages.some(({ method }) => method === "notifications/subscriptions/acknowledged"));
});

test("10, 63: --idle-timeout closes the stream that listens, and the next message opens it again", async () => {
  const streams = [];
  await using both = await connected(
    {
      capabilities: { tools: { listChanged: true } },
      on: { "subscriptions/listen": (exchange) => (streams.push(exchange.events()), exchange.raw(": open\n\n")) },
    },
    { args: ["--idle-timeout", "1"] },
  );
  await until(() => streams.length === 1, "the stream");
  await until(() => streams[0].response.destroyed, "its end");
  assert.ok((await both.bridge.result("tools/list")).tools);
  await until(() => streams.length === 2, "another stream");
});

const FORM = { method: "elicitation/create", params: { message: "Name?", requestedSchema: { type: "object", properties: {} } } };

test("64: questions are put to the client, and the request is sent again with its answers and the state", async () => {
  const STATE = '{"odd": "\\u00e9 \\"quoted\\""}';
  await using both = await connected(
    {
      on: {
        "tools/call": ({ message: { params } }) => {
          if (!params.inputResponses) return { resultType: "input_required", inputRequests: { who: FORM, where: { method: "roots/list" } }, requestState: STATE };
          if (params.requestState) return { resultType: "input_required", inputRequests: { again: FORM } };
          return { content: [{ type: "text", text: `${"requestState" in params}` }] };
        },
      },
    },
    { capabilities: { elicitation: {}, roots: {} } },
  );
  const { bridge, server } = both;
  const answer = bridge.result("tools/call", { name: "echo", arguments: { a: 1 } }, { id: "mine" });
  const isForm = ({ method }) => method === "elicitation/create";
  const form = await bridge.message(isForm);
  const roots = await bridge.message(({ method }) => method === "roots/list");
  assert.deepEqual(form.params, FORM.params);
  bridge.send({ jsonrpc: "2.0", id: roots.id, result: { roots: [] } });
  bridge.send({ jsonrpc: "2.0", id: form.id, result: { action: "accept", content: { n: 1 } } });
  const second = await bridge.message((message) => isForm(message) && message.id !== form.id);
  bridge.send({ jsonrpc: "2.0", id: second.id, result: { action: "decline" } });
  assert.deepEqual(await answer, { content: [{ type: "text", text: "false" }] });
  const calls = server.requests.filter(({ message }) => message?.method === "tools/call").map(({ message }) => message);
  assert.deepEqual(calls[1].params.inputResponses, { who: { action: "accept", content: { n: 1 } }, where: { roots: [] } });
  assert.equal(calls[1].params.requestState, STATE);
  assert.deepEqual(calls[2].params.inputResponses, { again: { action: "decline" } });
  assert.deepEqual(calls.map(({ params }) => params.arguments), [{ a: 1 }, { a: 1 }, { a: 1 }]);
  assert.equal(new Set(calls.map(({ id }) => id)).size, 3);
});

test("64: after ten rounds the call is an error", async () => {
  await using both = await connected(
    { on: { "tools/call": () => ({ resultType: "input_required", inputRequests: {}, requestState: "again" }) } },
    { capabilities: { elicitation: {} } },
  );
  const { error } = await both.bridge.request("tools/call", { name: "echo" });
  assert.match(error.message, /10/);
  assert.equal(both.server.log.filter((entry) => entry === "POST tools/call").length, 10);
});

test("65: a question that the client did not declare is an error that names the capability", async () => {
  for (const [question, capabilities, named] of [
    [FORM, {}, "elicitation"],
    [{ ...FORM, params: { mode: "url", url: "https://example.com" } }, { elicitation: {} }, "elicitation.url"],
    [{ method: "sampling/createMessage", params: {} }, { elicitation: {} }, "sampling"],
  ]) {
    await using both = await connected({ on: { "tools/call": () => ({ resultType: "input_required", inputRequests: { q: question } }) } }, { capabilities });
    const { error } = await both.bridge.request("tools/call", { name: "echo" });
    assert.ok(error.message.includes(named), error.message);
    assert.ok(!both.bridge.messages.some(({ method }) => method));
  }
});

test("66, 69: results are those of earlier versions, and of a type that these do not have they are errors", async () => {
  const results = [{ resultType: "complete", content: [], structuredContent: [1] }, { resultType: "task", taskId: "t" }, { resultType: "complete", content: [], structuredContent: { a: 1 } }];
  await using both = await connected({ on: { "tools/call": () => results.shift() } });
  const call = () => both.bridge.request("tools/call", { name: "echo" });
  assert.deepEqual((await call()).result, { content: [] });
  assert.match((await call()).error.message, /task/);
  assert.deepEqual((await call()).result, { content: [], structuredContent: { a: 1 } });
  assert.deepEqual(Object.keys(await both.bridge.result("tools/list")), ["tools"]);
});

test("68: a resource that is missing has the code of the client's version, and other codes stay", async () => {
  const errors = { "file:///a": { code: -32602, message: "none", data: { uri: "file:///a" } }, "file:///b": { code: -32602, message: "bad" } };
  for (const [protocolVersion, code] of [["2025-06-18", -32002], ["2025-11-25", -32602]]) {
    await using both = await connected({ on: { "resources/read": ({ message }) => ({ error: errors[message.params.uri] }) } }, { protocolVersion });
    const read = async (uri) => (await both.bridge.request("resources/read", { uri })).error;
    assert.deepEqual(await read("file:///a"), { code, message: "none", data: { uri: "file:///a" } });
    assert.equal((await read("file:///b")).code, -32602);
  }
});

test("43, 70: a cancellation closes the stream of the call, and withdraws its question", async () => {
  const open = [];
  await using both = await connected(
    {
      on: {
        "tools/call": (exchange) => {
          if (exchange.message.params.name === "asks") return { resultType: "input_required", inputRequests: { q: FORM } };
          open.push(exchange.events());
        },
      },
    },
    { capabilities: { elicitation: {} } },
  );
  const { bridge, server } = both;
  bridge.send({ jsonrpc: "2.0", id: "slow", method: "tools/call", params: { name: "slow" } });
  await until(() => open.length, "the call");
  bridge.notify("notifications/cancelled", { requestId: "slow" });
  await open[0].closed;
  bridge.send({ jsonrpc: "2.0", id: "asking", method: "tools/call", params: { name: "asks" } });
  const question = await bridge.message(({ method }) => method === "elicitation/create");
  bridge.notify("notifications/cancelled", { requestId: "asking" });
  await bridge.message(({ method, params }) => method === "notifications/cancelled" && params.requestId === question.id);
  await bridge.result("tools/list");
  assert.equal(bridge.responses("slow").length + bridge.responses("asking").length, 0);
  assert.ok(!server.log.includes("POST notifications/cancelled"));
});
