// The local bridge: lines of stdio, messages, and the end of the process. Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { PROGRAM, isReference, lineOf, startBridge } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { isRunning, removeFolder, temporaryFolder } from "../../support/child.mjs";
import { WAIT_MS, bounded, until } from "../../support/wait.mjs";

test("2: params and results arrive byte for byte", async () => {
  const odd = '{ "text":"\u2028\\n\\u0041", "big":12345678901234567890, "float":1.0, "twice":1,"twice":2, "exponent":1E+2 }';
  await using server = await bridgeServer({ on: { "tools/call": (exchange) => exchange.json(`{"jsonrpc":"2.0","id":${exchange.id},"result":${odd}}`) } });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  bridge.send(`{"jsonrpc":"2.0","id":77,"method":"tools/call","params":${odd}}`);
  const response = await bridge.response(77);
  assert.ok(lineOf(response).includes(odd), lineOf(response));
  const { text } = await server.received("tools/call");
  assert.ok(text.includes(odd), text);
});

test("3: line ends, empty lines and a byte order mark are taken; other lines get an error", async () => {
  await using server = await bridgeServer();
  await using bridge = startBridge(server.url);
  bridge.input.write(`\ufeff{"jsonrpc":"2.0","id":"first","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}\r\n\r\n\n`);
  await bridge.response("first");
  bridge.send("this is no JSON");
  await bridge.message(({ id, error }) => id === null && error?.code === -32700);
  bridge.send("[1]");
  bridge.send('{"jsonrpc":"2.0","id":9}');
  await bridge.message(({ id, error }) => id === null && error?.code === -32600);
  await bridge.message(({ id, error }) => id === 9 && error?.code === -32600);
  assert.ok((await bridge.result("tools/list")).tools);
});

test("4: a batch is taken at 2025-03-26", async () => {
  await using server = await bridgeServer({ version: "2025-03-26" });
  await using bridge = startBridge(server.url);
  await bridge.initialize({ protocolVersion: "2025-03-26" });
  bridge.send('[{"jsonrpc":"2.0","id":11,"method":"ping"},{"jsonrpc":"2.0","id":12,"method":"tools/list"},{"jsonrpc":"2.0","method":"notifications/progress"}]');
  assert.deepEqual((await bridge.response(11)).result, {});
  assert.ok((await bridge.response(12)).result.tools);
  await server.received("notifications/progress");
});

test("5: at the end of stdin calls are answered, the session is deleted, the exit code is 0", async () => {
  let answer;
  const asked = new Promise((resolve) => (answer = resolve));
  await using server = await bridgeServer({ sessions: true, on: { "tools/call": async () => (await asked, { content: [] }) } });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  bridge.send({ jsonrpc: "2.0", id: 5, method: "tools/call", params: { name: "echo" } });
  await server.received("tools/call");
  bridge.input.end();
  answer();
  assert.equal(await bridge.end(), 0);
  assert.equal(bridge.responses(5).length, 1);
  assert.equal(server.log.at(-1), "DELETE");
  assert.equal(server.sessions.size, 0);
});

test("5: a notification directly before the end of stdin reaches the server", async () => {
  await using server = await bridgeServer();
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  await bridge.result("ping");
  bridge.input.end(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 1, progress: 1 } })}\n`);
  assert.equal(await bridge.end(), 0);
  assert.ok(server.log.includes("POST notifications/progress"), server.log.join(", "));
});

test("5: a server that answers nothing does not hold up the end", async () => {
  const never = new Promise(() => {});
  await using server = await bridgeServer({ sessions: true, on: { "tools/call": () => never }, http: ({ method }) => method === "DELETE" });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  bridge.send({ jsonrpc: "2.0", id: 5, method: "tools/call", params: { name: "echo" } });
  await server.received("tools/call");
  assert.equal(await bridge.end(), 0);
  assert.ok(server.log.includes("DELETE"));
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
  test(`6: ${signal} ends the session and the process`, async () => {
    await using server = await bridgeServer({ sessions: true });
    await using bridge = startBridge(server.url);
    await bridge.initialize();
    await server.received("notifications/initialized");
    bridge.child.signal(signal);
    assert.equal(await bounded(bridge.ended, WAIT_MS, "the end"), 0);
    assert.equal(server.sessions.size, 0);
  });
}

test("6: a second signal ends the process at once", async () => {
  const never = new Promise(() => {});
  await using server = await bridgeServer({ sessions: true, http: ({ method }) => method === "DELETE" && never });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  await server.received("notifications/initialized");
  bridge.child.signal("SIGTERM");
  await server.received("DELETE");
  bridge.child.signal("SIGTERM");
  assert.equal(await bounded(bridge.ended, WAIT_MS, "the end"), 0);
});

test("7: the process ends when the one that started it was killed, with stdin open elsewhere", { skip: isReference }, async () => {
  await using server = await bridgeServer();
  // The parent hands this test's pipe on as stdin, says the process id, and waits.
  const script = `const { spawn } = require("node:child_process");
    const child = spawn(${JSON.stringify(PROGRAM)}, [${JSON.stringify(server.url)}], { stdio: ["inherit", "ignore", "ignore"] });
    console.log(child.pid); setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "inherit"] });
  const said = new Promise((resolve) => parent.stdout.setEncoding("utf8").once("data", resolve));
  const pid = Number(await bounded(said, WAIT_MS, "the process id"));
  try {
    parent.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    await server.received("ping");
    parent.kill("SIGKILL");
    await until(() => !isRunning(pid), "the end of the orphan");
  } finally {
    parent.kill("SIGKILL");
    if (isRunning(pid)) process.kill(pid, "SIGKILL");
  }
});

test("10: an idle process sleeps", { skip: process.platform !== "linux" && "threads are counted on Linux" }, async () => {
  await using server = await bridgeServer({ sessions: true, get: (exchange) => exchange.events() });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  await bridge.result("tools/list");
  const { pid } = bridge.child.process;
  const wakeUps = () => {
    const switches = (thread) => readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8").match(/^\w*voluntary_ctxt_switches:\t\d+$/gm);
    try {
      return readdirSync(`/proc/${pid}/task`).flatMap(switches).join();
    } catch {
      // A thread has ended meanwhile.
      return Symbol("another look");
    }
  };
  // Whatever a start leaves to do ends; a timer that runs all the time is seen by every look.
  let last;
  await until(() => last === (last = wakeUps()), "two looks, a second apart, with no thread woken between them", { every: 1000 });
});

test("8: a client that no longer reads ends the process, without a panic", async () => {
  await using server = await bridgeServer();
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  bridge.child.process.stdout.destroy();
  bridge.notify("notifications/progress");
  bridge.send({ jsonrpc: "2.0", id: 2, method: "ping" });
  assert.equal(await bounded(bridge.ended, WAIT_MS, "the end"), 0);
  assert.doesNotMatch(bridge.stderr, /panicked/);
});

test("9: a missing address is an error of usage", async () => {
  await using bridge = startBridge("--silent");
  assert.equal(await bounded(bridge.ended, WAIT_MS, "the end"), 1);
});

test("11: of four that start together and two that are killed, the others work, and so does the next", async () => {
  await using server = await bridgeServer({ sessions: true });
  const config = temporaryFolder("durable-mcp-remote");
  const start = () => startBridge(server.url, { config });
  const all = [start(), start(), start(), start()];
  try {
    await Promise.all(all.slice(2).map((bridge) => bridge.child.kill()));
    await Promise.all(all.slice(0, 2).map((bridge) => bridge.initialize()));
    for (const bridge of all.slice(0, 2)) assert.ok((await bridge.result("tools/list")).tools);
    await using next = start();
    await next.initialize();
    assert.ok((await next.result("tools/list")).tools);
    for (const bridge of all.slice(2)) assert.equal(isRunning(bridge.child.process.pid), false);
  } finally {
    for (const bridge of all) await bridge.stop();
    removeFolder(config);
  }
});

test("17, 48: the first requests are initialize, initialized and GET, in one session", async () => {
  await using server = await bridgeServer({ sessions: true });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  await server.received("GET");
  await bridge.result("tools/list");
  const [opening, initialized, ...later] = server.requests;
  assert.deepEqual(server.log.slice(0, 3), ["POST initialize", "POST notifications/initialized", "GET"]);
  assert.equal(opening.headers["accept"], "application/json, text/event-stream");
  assert.equal(opening.headers["content-type"], "application/json");
  assert.equal(opening.headers["mcp-protocol-version"], undefined);
  assert.equal(opening.headers["mcp-session-id"], undefined);
  for (const { headers } of [initialized, ...later]) {
    assert.equal(headers["mcp-session-id"], opening.session);
    assert.equal(headers["mcp-protocol-version"], "2025-11-25");
  }
});

test("a server that never answers initialized holds up no call", async () => {
  await using server = await bridgeServer({ on: { "notifications/initialized": () => new Promise(() => {}) } });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  assert.ok((await bridge.result("tools/list")).tools);
});

test("47: ids of the client go through unchanged", async () => {
  await using server = await bridgeServer();
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  for (const id of ['"a\\u0062"', "0", "-7", "9007199254740993", '""']) {
    bridge.send(`{"jsonrpc":"2.0","method":"ping","id":${id}}`);
    const { text } = await server.received(({ text }) => text.includes(`"id":${id}`));
    assert.ok(text);
    await bridge.response(JSON.parse(id));
  }
});

test("a response for another request is an error for this one", async () => {
  await using server = await bridgeServer({ on: { "tools/call": (exchange) => exchange.result({}, { id: "wrong" }) } });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  const { error } = await bridge.request("tools/call", { name: "echo" });
  assert.equal(error.code, -32000);
});

test("an HTTP error is an error for its request, and the next one goes on", async () => {
  const answers = [(exchange) => exchange.status(500, "<html>"), (exchange) => exchange.status(400, '{"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"no","data":{"a":1}}}')];
  await using server = await bridgeServer({ on: { "tools/call": (exchange) => answers.shift()(exchange) } });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  const first = await bridge.request("tools/call", { name: "echo" });
  assert.match(first.error.message, /HTTP 500/);
  const second = await bridge.request("tools/call", { name: "echo" });
  assert.deepEqual(second.error, { code: -32602, message: "no", data: { a: 1 } });
});
