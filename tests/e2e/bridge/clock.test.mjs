// The local bridge on a machine that sleeps for hours, or whose clock is set: nothing is lost, and nobody is signed out. Numbers are those
// of the table in tests/README.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bridgeAuthority, guardedServer, linkOf, linksOf, signIn, storeFolder, storedJson } from "../../support/bridge-authority.mjs";
import { isReference, startBridge } from "../../support/bridge.mjs";
import { visit } from "../../support/callback.mjs";
import { programClock } from "../../support/clock.mjs";
import { withoutPreload } from "../../support/preload.mjs";
import { until } from "../../support/wait.mjs";

const HOURS_S = 2 * 3600;
const options = { skip: withoutPreload };
const call = { name: "echo", arguments: { a: 1 } };

/** A clock, an authorization server, a server with sessions and a stream, and a folder for the bridges' files. */
async function setting() {
  await using stack = new AsyncDisposableStack();
  const clock = stack.use(await programClock());
  const config = stack.use(storeFolder());
  const authority = stack.use(await bridgeAuthority());
  const streams = [];
  const server = stack.use(
    await guardedServer(authority, {
      sessions: true,
      get: async (exchange) => {
        if (exchange.headers["last-event-id"]) {
          exchange.events();
          await exchange.resultEvent({ content: [{ type: "text", text: "late" }] }, { id: "2" }, { id: exchange.headers["last-event-id"] });
          return exchange.end();
        }
        streams.push(exchange.events());
        await exchange.raw(": open\n\n");
      },
      on: {
        "tools/call": async (exchange) => {
          if (exchange.message.params.name !== "slow") return { content: [{ type: "text", text: "done" }] };
          exchange.events();
          await exchange.event(undefined, { id: exchange.id, retry: 100 });
        },
      },
    }),
  );
  const all = stack.move();
  const start = (args) => all.use(startBridge(server.url, { config: config.path, env: clock.env, args }));
  return { clock, config: config.path, authority, server, streams, start, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Stops programs, as the sleep of a machine does, while `act` happens to the world. */
async function asleep(bridges, act) {
  for (const { child } of bridges) child.signal("SIGSTOP");
  await act();
  for (const { child } of bridges) child.signal("SIGCONT");
}

const textOf = ({ content }) => content[0].text;

test("40, 87: after a sleep of two hours calls go on, with new tokens of one refresh and no sign-in", options, async () => {
  await using all = await setting();
  const { authority, clock, server } = all;
  const bridges = [all.start()];
  await Promise.all([bridges[0].initialize(), signIn(bridges[0])]);
  bridges.push(all.start());
  await bridges[1].initialize();
  await until(() => all.streams.length === 2, "the streams of both");
  const before = storedJson(all.config, "_tokens.json");
  const slow = bridges.map((bridge, index) => bridge.result("tools/call", { name: "slow", arguments: {} }, { id: `slow-${index}` }));
  await server.received(({ message }) => message?.params?.name === "slow", { count: 2 });
  let after;
  await asleep(bridges, () => {
    clock.advance(HOURS_S);
    authority.spoil();
    server.cutAll();
    after = bridges.map((bridge, index) => bridge.result("tools/call", call, { id: `after-${index}` }));
  });
  for (const answer of await Promise.all(after)) assert.equal(textOf(answer), "done");
  for (const answer of await Promise.all(slow)) assert.equal(textOf(answer), "late");
  await until(() => all.streams.length === 4, "the streams of both, again");
  assert.equal(authority.grants("refresh_token").length, 1);
  const tokens = storedJson(all.config, "_tokens.json");
  assert.notEqual(tokens.access_token, before.access_token);
  assert.ok(tokens.expires_at - before.expires_at >= (HOURS_S - 60) * 1000, `${tokens.expires_at} after ${before.expires_at}`);
  assert.equal(bridges.flatMap(linksOf).length, 1);
  for (const [index, bridge] of bridges.entries()) for (const name of ["slow", "after"]) assert.equal(bridge.responses(`${name}-${index}`).length, 1);
});

test("32, 40: a sleep in which the server has lost session and tokens costs one new session and one refresh", options, async () => {
  await using all = await setting();
  const { authority, clock, server } = all;
  const bridge = all.start();
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  await until(() => all.streams.length === 1, "the stream");
  const opened = server.log.filter((entry) => entry === "POST initialize").length;
  let after;
  await asleep([bridge], () => {
    clock.advance(HOURS_S);
    authority.spoil();
    server.sessions.clear();
    server.cutAll();
    after = Array.from({ length: 8 }, () => bridge.result("tools/call", call));
  });
  for (const answer of await Promise.all(after)) assert.equal(textOf(answer), "done");
  assert.equal(authority.grants("refresh_token").length, 1);
  assert.equal(server.log.filter((entry) => entry === "POST initialize").length, opened + 1);
  assert.equal(linksOf(bridge).length, 1);
});

test("40, 87: a clock that is set back two hours changes nothing, and a refused token is refreshed", options, async () => {
  await using all = await setting();
  const { authority, clock } = all;
  const bridge = all.start(["--ping-interval", "1"]);
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  for (let times = 1; times <= 3; times++) {
    clock.advance(-HOURS_S);
    assert.equal(textOf(await bridge.result("tools/call", call)), "done");
    assert.equal(authority.grants("refresh_token").length, times - 1);
    authority.spoil();
    assert.equal(textOf(await bridge.result("tools/call", call)), "done");
    assert.equal(authority.grants("refresh_token").length, times);
  }
  assert.equal(linksOf(bridge).length, 1);
});

test("87: a refresh that ends in a sleep, by a clock ahead or behind, holds up no other", options, async () => {
  await using all = await setting();
  const { authority, clock } = all;
  const bridge = all.start();
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  for (const seconds of [-HOURS_S, HOURS_S]) {
    const other = all.start();
    await other.initialize();
    const asked = Promise.withResolvers();
    authority.on["/token"] = async ({ response }) => {
      asked.resolve();
      await new Promise((resolve) => response.once("close", resolve));
      return [503, {}];
    };
    authority.spoil();
    other.send({ jsonrpc: "2.0", id: "lost", method: "tools/call", params: call });
    await asked.promise;
    other.child.signal("SIGSTOP");
    delete authority.on["/token"];
    clock.advance(seconds);
    await other.child.kill();
    assert.equal(textOf(await bridge.result("tools/call", call)), "done");
  }
  assert.equal(linksOf(bridge).length, 1);
});

test("94: a sign-in that was begun before a sleep is finished after it, for those that start meanwhile too", options, async () => {
  await using all = await setting();
  const first = all.start();
  const ready = first.initialize();
  const link = await linkOf(first);
  await asleep([first], () => all.clock.advance(HOURS_S));
  const second = all.start();
  const also = second.initialize();
  await second.child.line(isReference ? /./ : /another instance is signing in/);
  await visit(link);
  await Promise.all([ready, also]);
  assert.equal([first, second].flatMap(linksOf).length, 1);
  if (!isReference) assert.equal(all.authority.grants("authorization_code").length, 1);
});
