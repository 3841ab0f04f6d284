// The local bridge and the resolution of names: addresses that are black holes, and a resolver that fails for a while. Numbers are those of
// the table in tests/README.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { blackHole } from "../../support/black-hole.mjs";
import { startBridge } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { withoutPreload } from "../../support/preload.mjs";
import { resolverOf } from "../../support/resolver.mjs";

const NAME = "mcp.test";
const options = { skip: withoutPreload };
const call = { name: "echo", arguments: { a: 1 } };
// Longer than a test waits: what does not go on by itself fails.
const PATIENT = ["--connect-timeout", "600", "--headers-timeout", "600"];

/** A server that is reached by the name, whose resolver the test has. */
async function setting() {
  await using stack = new AsyncDisposableStack();
  const resolver = stack.use(await resolverOf(NAME));
  const server = stack.use(await bridgeServer({ sessions: true }));
  const port = new URL(server.url).port;
  const all = stack.move();
  const start = (...args) => all.use(startBridge(`http://${NAME}:${port}/mcp`, { args: ["--allow-http", ...args], env: resolver.env }));
  return { resolver, server, port, start, use: (other) => all.use(other), [Symbol.asyncDispose]: () => all.disposeAsync() };
}

for (const [how, args] of [["the other address is tried beside it", []], ["--ipv4 passes it by", ["--ipv4"]]]) {
  test(`31: behind an AAAA record that is a black hole, ${how}`, options, async (t) => {
    await using all = await setting();
    const hole = await blackHole("::1", all.port);
    if (!hole) return t.skip("this machine has no IPv6");
    all.use(hole);
    all.resolver.answer("::1", "127.0.0.1");
    const bridge = all.start(...PATIENT, ...args);
    await bridge.initialize();
    assert.ok((await bridge.result("tools/call", call)).content);
    assert.ok(hole.isSilent());
  });
}

test("52: names that are not resolved at the start are waited for, and the client connects by itself", options, async () => {
  await using all = await setting();
  const bridge = all.start();
  const ready = bridge.initialize();
  await bridge.child.line(/no address is known for mcp\.test/);
  assert.equal(all.server.requests.length, 0);
  all.resolver.answer("127.0.0.1");
  await ready;
  assert.ok((await bridge.result("tools/call", call)).content);
  assert.equal(all.server.log.filter((entry) => entry === "POST initialize").length, 1);
});

test("38, 52: names that are not resolved for a while later hold up calls, which run once", options, async () => {
  await using all = await setting();
  all.resolver.answer("127.0.0.1");
  const bridge = all.start("--connect-timeout", "600");
  await bridge.initialize();
  await all.server.received("notifications/initialized");
  all.resolver.answer();
  await all.server.down();
  await all.server.up();
  const answers = Array.from({ length: 5 }, () => bridge.result("tools/call", call));
  // Lines are taken in their order: once this is answered, the calls are under way.
  bridge.send("no JSON");
  await bridge.message(({ id }) => id === null);
  assert.ok(!all.server.log.includes("POST tools/call"));
  all.resolver.answer("127.0.0.1");
  for (const { content } of await Promise.all(answers)) assert.ok(content);
  assert.equal(all.server.log.filter((entry) => entry === "POST tools/call").length, 5);
});

test("109: a name whose address changes between the look and the request leads nowhere", options, async () => {
  await using stack = new AsyncDisposableStack();
  const resolver = stack.use(await resolverOf(NAME));
  const secret = stack.use(await bridgeServer());
  const metadata = `http://${NAME}:${new URL(secret.url).port}/metadata`;
  // A proxy stands for the public server, so that its address can be one. The name is not its to look up.
  const proxy = stack.use(await bridgeServer({ http: (exchange) => (exchange.status(401, "", { "www-authenticate": `Bearer resource_metadata="${metadata}"` }), true) }));
  const env = { ...resolver.env, HTTP_PROXY: proxy.origin, http_proxy: "", NO_PROXY: NAME, no_proxy: "" };
  for (const [answers, reason] of [
    [["127.0.0.1"], /private network/],
    [["93.184.215.15", "then", "127.0.0.1"], /private network/],
    [["93.184.215.15", "127.0.0.1", "then", "127.0.0.1", "::1"], /private network/],
  ]) {
    resolver.answer(...answers);
    await using bridge = startBridge("http://93.184.215.14/mcp", { args: ["--allow-http"], env });
    const { error } = await bridge.request("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "tests", version: "1.0.0" } });
    assert.match(error.message, reason, answers.join(" "));
    assert.deepEqual(secret.log, []);
  }
  assert.ok(proxy.requests.every(({ url }) => url === "http://93.184.215.14/mcp"));
});
