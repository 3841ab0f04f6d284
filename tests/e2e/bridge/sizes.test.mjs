// The local bridge: large messages, many at once, and clients that do not read. Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { isReference, startBridge } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { bounded, until, WAIT_MS } from "../../support/wait.mjs";

const MIB = 2 ** 20;
const text = (bytes) => "x".repeat(bytes);

test("13: an argument and a result of 16 MiB pass", async () => {
  await using server = await bridgeServer({ on: { "tools/call": ({ message }) => ({ content: [{ type: "text", text: message.params.arguments.text }] }) } });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  const { content } = await bridge.result("tools/call", { name: "echo", arguments: { text: text(16 * MIB) } });
  assert.equal(content[0].text.length, 16 * MIB);
});

test("13: a result of 16 MiB passes as an event", async () => {
  await using server = await bridgeServer({
    on: {
      "tools/call": async (exchange) => {
        exchange.events();
        await exchange.resultEvent({ content: [{ type: "text", text: text(16 * MIB) }] });
        exchange.end();
      },
    },
  });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  const { content } = await bridge.result("tools/call", { name: "echo" });
  assert.equal(content[0].text.length, 16 * MIB);
});

test("13: a message over --max-message is an error for its id, and others go on", { skip: isReference }, async () => {
  const shapes = {
    json: (exchange) => exchange.result({ text: text(70_000) }),
    zipped: (exchange) => exchange.status(200, gzipSync(JSON.stringify({ jsonrpc: "2.0", id: exchange.id, result: { text: text(70_000) } })), { "content-type": "application/json", "content-encoding": "gzip" }),
    events: (exchange) => exchange.events().resultEvent({ text: text(70_000) }),
    endless: (exchange) => {
      exchange.events();
      const more = () => exchange.response.destroyed || exchange.response.write(text(16_000), () => setImmediate(more));
      exchange.response.write("data: ");
      more();
    },
    comments: (exchange) => {
      exchange.events();
      const more = () => exchange.response.destroyed || exchange.response.write(`: ${text(1000)}\n`, () => setImmediate(more));
      more();
    },
  };
  await using server = await bridgeServer({ on: { "tools/call": (exchange) => void shapes[exchange.message.params.name](exchange) } });
  await using bridge = startBridge(server.url, { args: ["--max-message", "65536"] });
  await bridge.initialize();
  for (const name of Object.keys(shapes)) {
    const { error } = await bridge.request("tools/call", { name });
    assert.match(error.message, /65536.*--max-message/, name);
  }
  bridge.send({ method: "tools/call", params: { id: 1, text: text(70_000) }, jsonrpc: "2.0", id: "long" });
  const { error } = await bridge.response("long");
  assert.match(error.message, /65536.*--max-message/);
  assert.ok((await bridge.result("tools/list")).tools);
});

test("13: an answer of the client over --max-message is an error for the server's question", { skip: isReference }, async () => {
  const isAnswer = ({ message }) => message?.id === "question" && message.method === undefined;
  await using server = await bridgeServer({
    on: {
      "tools/call": async (exchange) => {
        exchange.events();
        await exchange.event({ jsonrpc: "2.0", id: "question", method: "sampling/createMessage", params: {} });
        const { message } = await server.received(isAnswer);
        await exchange.resultEvent({ content: [{ type: "text", text: message.error.message }] });
        exchange.end();
      },
    },
  });
  await using bridge = startBridge(server.url, { args: ["--max-message", "65536"] });
  await bridge.initialize({ capabilities: { sampling: {} } });
  const call = bridge.result("tools/call", { name: "ask" });
  await bridge.message(({ id }) => id === "question");
  bridge.send({ jsonrpc: "2.0", id: "question", result: { text: text(70_000) } });
  assert.match((await call).content[0].text, /65536.*--max-message/);
});

test("14: 200 calls are in flight at once and each is answered once", async () => {
  const waiting = [];
  const all = Promise.withResolvers();
  await using server = await bridgeServer({
    on: {
      "tools/call": async (exchange) => {
        waiting.push(exchange);
        if (waiting.length === 200) all.resolve();
        await all.promise;
        return { number: exchange.message.params.arguments.number };
      },
    },
  });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  const numbers = [...Array(200).keys()];
  const results = await Promise.all(numbers.map((number) => bridge.result("tools/call", { name: "echo", arguments: { number } })));
  assert.deepEqual(results.map(({ number }) => number), numbers);
  assert.equal(bridge.messages.length, 201);
});

test("16: answers compressed by gzip are decoded", async () => {
  await using server = await bridgeServer({
    on: {
      "tools/call": (exchange) => {
        const body = gzipSync(JSON.stringify({ jsonrpc: "2.0", id: exchange.id, result: { zipped: true } }));
        exchange.status(200, body, { "content-type": "application/json", "content-encoding": "gzip" });
      },
    },
  });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  assert.deepEqual(await bridge.result("tools/call", { name: "echo" }), { zipped: true });
  const { headers } = await server.received("tools/call");
  assert.match(headers["accept-encoding"], /gzip/);
});

test("12: while the client does not read, streams are not read, and nothing is lost", { skip: process.platform !== "linux" }, async () => {
  const COUNT = 1500;
  let sent = 0;
  await using server = await bridgeServer({
    get: async (exchange) => {
      exchange.events();
      for (let number = 0; number < COUNT && !exchange.response.destroyed; number++) {
        await exchange.event({ jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: { number, text: text(32 * 1024) } } });
        sent = number + 1;
      }
    },
  });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  await server.received("GET");
  bridge.child.process.stdout.pause();
  // Stopped: no more is taken for a while, though there is more.
  let last = -1;
  await until(() => sent > 64 && sent === last || ((last = sent), false), "the stream to stand still", { every: 1000 });
  assert.ok(sent < COUNT, `all ${sent} were taken`);
  if (!isReference) {
    const peak = Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${bridge.child.process.pid}/status`, "utf8"))[1]);
    // An unoptimised program needs some MiB before its first message.
    assert.ok(peak < 48 * 1024, `${peak} KiB`);
  }
  bridge.child.process.stdout.resume();
  const numbers = () => bridge.messages.filter(({ params }) => params?.data).map(({ params }) => params.data.number);
  await bounded(bridge.message(({ params }) => params?.data?.number === COUNT - 1), WAIT_MS, "the last");
  assert.deepEqual(numbers(), [...Array(COUNT).keys()]);
});
