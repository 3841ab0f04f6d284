// The local bridge and bad input: of its client on stdio, and of its server. Each costs the request that met it alone.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { isReference, startBridge } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";
import { until } from "../../support/wait.mjs";

const deep = (depth) => "[".repeat(depth) + "]".repeat(depth);
const call = { name: "x" };

test("bad lines of the client get one error each, and the next request is answered", { skip: isReference }, async () => {
  await using server = await bridgeServer();
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  const lines = [
    ['{"jsonrpc":"2.0","id":1,"method":"ping\0"}', -32700],
    ["\0\0", -32700],
    [Buffer.from([0x22, 0xff, 0x22]), -32600],
    ['{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}', -32700],
    [deep(100_000), -32600],
    [`{"jsonrpc":"2.0","id":${deep(100_000)},"method":"ping"}`, -32600],
    ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32600],
  ];
  for (const [index, [line, code]] of lines.entries()) {
    bridge.input.write(line);
    bridge.input.write("\n");
    const errors = () => bridge.messages.filter(({ id }) => id === null);
    await until(() => errors().length === index + 1, () => `an error for ${`${line}`.slice(0, 80)}`, { every: 5 });
    assert.equal(errors()[index].error.code, code, `${line}`.slice(0, 80));
  }
  assert.ok((await bridge.result("tools/list")).tools);
});

test("an id is answered whatever it looks like", { skip: isReference }, async () => {
  await using server = await bridgeServer();
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  // The server writes 1.0 as 1.
  for (const id of ['""', '"\\u0000"', "-1", "1.5", "-0", "7.0", "1e3", `"${"a".repeat(1_000_000)}"`]) {
    bridge.send(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
    const { result, error } = await bridge.response(JSON.parse(id));
    assert.ok(result, `${id.slice(0, 20)}: ${JSON.stringify(error)}`);
  }
});

test("requests beyond the limit are refused, and their ids can be used again", { skip: isReference }, async () => {
  let isRefused = true;
  const refusal = Promise.withResolvers();
  await using server = await bridgeServer({
    on: {
      initialize: async (exchange) => {
        if (!isRefused) return { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } };
        await refusal.promise;
        exchange.status(403, "not yet");
      },
    },
  });
  await using bridge = startBridge(server.url);
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };
  const opening = bridge.request("initialize", params, { id: "opening" });
  await server.received("initialize");
  // Pings wait for initialize without a connection.
  for (let id = 1; id < 4096; id++) bridge.send({ jsonrpc: "2.0", id, method: "ping" });
  const { error } = await bridge.request("ping", undefined, { id: "beyond" });
  assert.match(error.message, /too many requests/);
  isRefused = false;
  refusal.resolve();
  assert.ok((await opening).error);
  await until(() => bridge.messages.length === 4097, "an answer to each");
  bridge.messages.length = 0;
  assert.ok(await bridge.result("ping", undefined, { id: "beyond" }));
});

const json = { "content-type": "application/json" };
const stream = { "content-type": "text/event-stream" };
const FAULTS = {
  "a head without an end": ({ request: { socket } }) => pour(socket, "HTTP/1.1 200 OK\r\nX: ", "a".repeat(65_536)),
  "a gzip bomb": ({ response }) => response.writeHead(200, { ...json, "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(64 << 20))),
  "a line without an end": ({ response }) => pour(response.writeHead(200, stream), "data: ", "a".repeat(65_536)),
  "an event of short lines without an end": ({ response }) => pour(response.writeHead(200, stream), "", "data: a\n".repeat(65_536)),
  "a page of HTML": ({ response }) => response.writeHead(200, { "content-type": "text/html" }).end("<html></html>"),
  "HTML that says it is JSON": ({ response }) => response.writeHead(200, json).end("<html></html>"),
  "nothing": ({ response }) => response.writeHead(200, json).end(),
  "no content": ({ response }) => response.writeHead(204).end(),
  "half of a body": ({ response }) => response.writeHead(200, { ...json, "content-length": 100 }).write("{", () => response.destroy()),
  "bytes that are no UTF-8": ({ response, id }) => response.writeHead(200, json).end(Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{"a":"\xff"}}`, "latin1")),
  "bytes that are no HTTP": ({ request: { socket } }) => socket.end("no HTTP\r\n\r\n"),
  "a redirect to itself": ({ response }) => response.writeHead(307, { location: "/mcp" }).end(),
  "a redirect to a file": ({ response }) => response.writeHead(308, { location: "file:///etc/passwd" }).end(),
};

for (const [what, fault] of Object.entries(FAULTS)) {
  test(`${what} is an error for its request, and the next one is answered`, { skip: isReference }, async () => {
    await using server = await bridgeServer({ on: { "tools/call": (exchange) => void fault(exchange) } });
    await using bridge = startBridge(server.url, { args: ["--max-message", "1000000"] });
    await bridge.initialize();
    const { error } = await bridge.request("tools/call", call);
    assert.equal(error.code, -32000);
    assert.ok((await bridge.result("tools/list")).tools);
  });
}

const ANSWERS = {
  "events that end in a carriage return": (id) => `id: 1\rdata: {"jsonrpc":"2.0","id":${id},\rdata: "result":{"right":true}}\r\r`,
  "events that are no messages": (id) => `data: hello\n\ndata: [1]\n\ndata\n\nretry: x\nid: a\0\n\ndata: {"jsonrpc":"2.0","id":${id},"result":{"right":true}}\n\n`,
  "answers that were not asked for": (id) =>
    [`99`, `"${id}"`, id, id].map((each, index) => `data: {"jsonrpc":"2.0","id":${each},"result":{"right":${index === 2}}}\n\n`).join(""),
};

for (const [what, answer] of Object.entries(ANSWERS)) {
  test(`a call is answered once among ${what}`, { skip: isReference }, async () => {
    await using server = await bridgeServer({ on: { "tools/call": ({ response, id }) => void response.writeHead(200, stream).end(answer(id)) } });
    await using bridge = startBridge(server.url);
    await bridge.initialize();
    assert.deepEqual(await bridge.result("tools/call", call, { id: 7 }), { right: true });
    assert.ok((await bridge.result("tools/list")).tools);
    assert.equal(bridge.responses(7).length, 1);
    assert.equal(bridge.messages.length, 3);
  });
}

test("40: the network is cut in the middle of a stream, asleep and awake: each call is answered once", { skip: isReference }, async () => {
  const held = [];
  await using server = await bridgeServer({
    sessions: true,
    on: {
      "tools/call": async (exchange) => {
        if (exchange.message.params.name !== "held") return { content: [] };
        held.push(exchange);
        await exchange.events().event({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: held.length, progress: 1 } }, { id: "1", retry: 100 });
      },
    },
    // The stream that is resumed has the result of the call.
    get: async (exchange) => {
      exchange.events();
      if (exchange.headers["last-event-id"]) await exchange.resultEvent({ resumed: true }, { id: "2" }, { id: held.at(-1).id });
      else await exchange.raw(": open\n\n");
    },
  });
  await using network = await proxy(Number(new URL(server.url).port));
  await using bridge = startBridge(`http://127.0.0.1:${network.port}/mcp`);
  await bridge.initialize();
  await server.received("GET");
  for (const isAsleep of [false, true]) {
    const count = held.length + 1;
    const answer = bridge.result("tools/call", { name: "held" }, { id: `held-${count}` });
    await bridge.message(({ params }) => params?.progressToken === count);
    if (isAsleep) bridge.child.signal("SIGSTOP");
    network.reset();
    if (isAsleep) bridge.child.signal("SIGCONT");
    assert.deepEqual(await answer, { resumed: true });
    assert.ok((await bridge.result("tools/call", call, { id: `next-${count}` })).content);
    for (const id of [`held-${count}`, `next-${count}`]) assert.equal(bridge.responses(id).length, 1);
  }
});

test("11: four copies, of which two are killed: the others work, and no lock is left to delete", { skip: isReference }, async () => {
  await using server = await bridgeServer({ sessions: true });
  const config = temporaryFolder("durable-mcp-remote");
  const copies = Array.from({ length: 4 }, () => startBridge(server.url, { config }));
  try {
    const [killed, alsoKilled, ...survivors] = copies;
    const opened = survivors.map((bridge) => bridge.initialize());
    killed.send({ jsonrpc: "2.0", id: 1, method: "initialize", params: {} });
    await killed.child.kill();
    await alsoKilled.initialize();
    await alsoKilled.child.kill();
    await Promise.all(opened);
    for (const bridge of survivors) assert.ok((await bridge.result("tools/list")).tools);
    for (const bridge of survivors) assert.equal(await bridge.end(), 0);
    await using later = startBridge(server.url, { config });
    await later.initialize();
    assert.equal(await later.end(), 0);
    const files = existsSync(config) ? readdirSync(config, { recursive: true }) : [];
    assert.deepEqual(files.filter((file) => /refresh_in_progress|\.tmp/.test(file)), []);
  } finally {
    for (const bridge of copies) await bridge.stop();
    removeFolder(config);
  }
});

/** Writes without an end, as fast as it is read. */
function pour(writable, first, part) {
  writable.on("error", () => {});
  // A write that is complete at once must not keep the end of the connection from being seen.
  const more = (error) => setImmediate(() => error || writable.destroyed || writable.write(part, more));
  writable.write(first || part, more);
}

/** A relay of TCP on loopback whose `reset` ends each connection as a network does that is gone. */
async function proxy(target) {
  const sockets = new Set();
  const relay = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    for (const [from, to] of [[near, far], [far, near]]) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: relay.address().port,
    reset,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => relay.close(resolve));
      reset();
      await closed;
    },
  };
}
