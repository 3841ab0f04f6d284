// The local bridge without its server: at the start, from memory, and once it is back. Numbers are those of the table in
// tests/README.md.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startBridge } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";
import { until } from "../../support/wait.mjs";

const PARAMS = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };
const SOON = ["--initialize-deadline", "2"];

/** A folder of the bridge's files that is gone after the test. */
function configFolder() {
  const path = temporaryFolder("durable-mcp-remote");
  return { path, [Symbol.dispose]: () => removeFolder(path) };
}

/** The path of `{h}_seen.json`, once it is there. */
async function seenFile(config) {
  const folder = join(config.path, "mcp-remote-v1");
  const name = await until(() => readdirSync(folder).find((name) => name.endsWith("_seen.json")), "the file of what was seen");
  return join(folder, name);
}

const tool = (name) => ({ name, inputSchema: { type: "object" } });

test("49: a server that is down at the start is an error that says so, by the deadline", async () => {
  await using server = await bridgeServer();
  await server.down();
  await using bridge = startBridge(server.url, { args: SOON });
  const { error } = await bridge.request("initialize", PARAMS);
  assert.match(error.message, /127\.0\.0\.1:\d+ refuses connections/);
  await server.up();
  assert.ok((await bridge.result("tools/list")).tools, "the next message tries again");
});

test("49: a server that comes up before the deadline answers initialize", async () => {
  await using server = await bridgeServer();
  await server.down();
  await using bridge = startBridge(server.url);
  const answer = bridge.result("initialize", PARAMS);
  await until(() => bridge.stderr.includes("cannot be reached"), "an attempt");
  await server.up();
  assert.equal((await answer).serverInfo.name, "scripted");
});

test("49, 50: initialize and lists come from memory, calls say what is down, and changes are told when the server is back", async () => {
  using config = configFolder();
  await using server = await bridgeServer({ sessions: true, capabilities: { tools: {}, prompts: {} }, on: { "prompts/list": () => ({ prompts: [] }) } });
  let known;
  {
    await using bridge = startBridge(server.url, { config: config.path });
    known = await bridge.initialize();
    await bridge.result("tools/list");
    await bridge.result("prompts/list");
    const file = await seenFile(config);
    await until(() => Object.keys(JSON.parse(readFileSync(file)).lists).length === 2, "both lists");
    assert.equal(await bridge.end(), 0);
  }
  await server.down();
  await using bridge = startBridge(server.url, { config: config.path, args: SOON });
  assert.deepEqual(await bridge.initialize(), known);
  assert.equal((await bridge.result("tools/list")).tools[0].name, "echo");
  assert.deepEqual(await bridge.result("ping"), {});
  const { error } = await bridge.request("tools/call", { name: "echo" });
  assert.match(error.message, /cannot be reached/);
  server.on["tools/list"] = () => ({ tools: [tool("echo"), tool("another")] });
  await server.up();
  await bridge.message(({ method }) => method === "notifications/tools/list_changed");
  assert.equal((await bridge.result("tools/list")).tools.length, 2);
  assert.ok((await bridge.result("tools/call", { name: "echo" })).content);
  await server.received("notifications/initialized", { count: 2 });
  assert.ok(!bridge.messages.some(({ method }) => method === "notifications/prompts/list_changed"));
});

test("a list of several pages is not kept", async () => {
  using config = configFolder();
  await using server = await bridgeServer({
    on: { "tools/list": ({ message }) => (message.params?.cursor ? { tools: [tool("second")] } : { tools: [tool("first")], nextCursor: "2" }) },
  });
  {
    await using bridge = startBridge(server.url, { config: config.path });
    await bridge.initialize();
    await bridge.result("tools/list");
    await bridge.result("tools/list", { cursor: "2" });
    await seenFile(config);
    await bridge.end();
  }
  await server.down();
  await using bridge = startBridge(server.url, { config: config.path, args: SOON });
  await bridge.initialize();
  assert.match((await bridge.request("tools/list")).error.message, /cannot be reached/);
});

test("20, 53: the transport that worked is tried first, and after failing by status the other one, once", async () => {
  using config = configFolder();
  let speaksSse = true;
  const streams = [];
  await using server = await bridgeServer({
    http: async (exchange) => {
      if (!speaksSse) return false;
      if (exchange.method === "GET") {
        streams.push(exchange.events());
        await exchange.event("/messages", { event: "endpoint" });
        return true;
      }
      exchange.status(exchange.url === "/mcp" ? 405 : 202);
      if (exchange.url === "/messages" && exchange.message.method === "initialize") {
        const result = { protocolVersion: "2024-11-05", capabilities: {}, serverInfo: { name: "old", version: "1" } };
        await streams.at(-1).event({ jsonrpc: "2.0", id: exchange.id, result });
      }
      return true;
    },
  });
  let seen;
  {
    await using bridge = startBridge(server.url, { config: config.path });
    await bridge.initialize();
    seen = await seenFile(config);
    await bridge.end();
  }
  /** Connects once more: the server's name, the first requests, and the transport that is remembered then. */
  const start = async () => {
    const from = server.requests.length;
    await using bridge = startBridge(server.url, { config: config.path });
    const { serverInfo } = await bridge.initialize();
    const expected = speaksSse ? "sse" : "streamable";
    await until(() => JSON.parse(readFileSync(seen)).transport === expected, `${expected} in memory`);
    await bridge.end();
    return [serverInfo.name, ...server.log.slice(from, from + 2)];
  };
  assert.deepEqual(await start(), ["old", "GET", "POST initialize"]);
  speaksSse = false;
  assert.deepEqual(await start(), ["scripted", "GET", "POST initialize"]);
  assert.equal((await start())[1], "POST initialize");
});

test("53: a memory that cannot be read is made anew", async () => {
  using config = configFolder();
  await using server = await bridgeServer();
  let file;
  for (const round of [1, 2]) {
    await using bridge = startBridge(server.url, { config: config.path });
    await bridge.initialize();
    file = await seenFile(config);
    await until(() => readFileSync(file, "utf8").includes("scripted"), "the answer in memory");
    await bridge.end();
    if (round === 1) writeFileSync(file, "{broken", { mode: 0o600 });
  }
});
