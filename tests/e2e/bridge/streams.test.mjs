// The local bridge: streams of events, resumption, cancellation, and the session's own stream. Numbers are those of the table in
// tests/README.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isReference } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { connectedBridge } from "../../support/connected-bridge.mjs";
import { sleep, until } from "../../support/wait.mjs";

const progress = (value) => ({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 1, progress: value } });
const call = { name: "echo", arguments: {} };

const connected = async (options, args) => connectedBridge(await bridgeServer(options), { args });

test("44: progress comes before the result of its call, in order", async () => {
  await using both = await connected({
    on: {
      "tools/call": async (exchange) => {
        exchange.events();
        for (let value = 1; value <= 20; value++) await exchange.event(progress(value));
        await exchange.resultEvent({ content: [] });
        exchange.end();
      },
    },
  });
  await both.bridge.request("tools/call", call, { id: "last" });
  const order = both.bridge.messages.slice(1).map(({ id, params }) => id ?? params.progress);
  assert.deepEqual(order, [...Array(20).keys()].map((value) => value + 1).concat("last"));
});

test("36, 46: a stream that is cut after an event is resumed, and no event comes twice", async () => {
  let post, resumed, repeated;
  await using both = await connected({
    on: {
      "tools/call": async (exchange) => {
        post = exchange;
        exchange.events();
        await exchange.event(undefined, { id: "a-0", retry: 100 });
        await exchange.event(progress(1), { id: "a-1" });
        await exchange.event(progress(2), { id: "a-2" });
        exchange.cut();
      },
    },
    get: async (exchange) => {
      // The session's own stream repeats an event of the other one.
      if (!exchange.headers["last-event-id"]) {
        exchange.events();
        await until(() => resumed, "the resumption");
        await exchange.event(progress(3), { id: "a-3" });
        repeated = true;
        return;
      }
      assert.equal(exchange.headers["last-event-id"], "a-2");
      exchange.events();
      await exchange.event(progress(2), { id: "a-2" });
      await exchange.event(progress(3), { id: "a-3" });
      resumed = true;
      await exchange.resultEvent({ content: [] }, { id: "a-4" }, { id: post.id });
      exchange.end();
    },
  });
  const { bridge } = both;
  const { result } = await bridge.request("tools/call", call, { id: "once" });
  assert.deepEqual(result, { content: [] });
  await until(() => repeated, "the event on the session's own stream");
  await bridge.result("ping");
  const values = bridge.messages.filter(({ params }) => params?.progress).map(({ params }) => params.progress);
  assert.deepEqual(values, [1, 2, 3]);
  assert.equal(bridge.responses("once").length, 1);
  assert.equal(both.server.log.filter((entry) => entry === "POST tools/call").length, 1);
});

test("37: a stream that is cut without an id is an error, and the call is not sent again", async () => {
  await using both = await connected({
    on: {
      "tools/call": async (exchange) => {
        exchange.events();
        await exchange.event(progress(1));
        exchange.cut();
      },
    },
  });
  const { error } = await both.bridge.request("tools/call", call);
  assert.equal(error.code, -32000);
  assert.match(error.message, /may have run/);
  await both.bridge.result("ping");
  assert.equal(both.server.log.filter((entry) => entry === "POST tools/call").length, 1);
});

test("38: a request that only reads is sent again", async () => {
  let times = 0;
  await using both = await connected({ on: { "tools/list": (exchange) => (++times < 3 ? exchange.cut() : { tools: [] }) } });
  assert.deepEqual(await both.bridge.result("tools/list"), { tools: [] });
  assert.equal(times, 3);
});

test("38: a call is sent once the server takes connections", async () => {
  await using both = await connected();
  await both.server.down();
  const answer = both.bridge.result("tools/call", call);
  // Lines are taken in their order: once this is answered, the call is under way.
  both.bridge.send("no JSON");
  await both.bridge.message(({ id }) => id === null);
  await both.server.up();
  assert.ok((await answer).content);
});

test("38: a server that stays away is an error that says so", async () => {
  await using both = await connected({}, ["--connect-timeout", "1"]);
  await both.server.down();
  const { error } = await both.bridge.request("tools/call", call);
  assert.equal(error.code, -32000);
  assert.match(error.message, /cannot be reached/);
});

test("39: five reconnects without an event are an error", async () => {
  let resumed = 0;
  await using both = await connected({
    on: {
      "tools/call": async (exchange) => {
        exchange.events();
        await exchange.event(undefined, { id: "a-0", retry: 1 });
        exchange.end();
      },
    },
    get: (exchange) => {
      if (!exchange.headers["last-event-id"]) return exchange.status(405);
      resumed++;
      exchange.events().end();
    },
  });
  const { error } = await both.bridge.request("tools/call", call);
  assert.equal(error.code, -32000);
  assert.equal(resumed, 5);
});

test("45: a call that is silent for --body-timeout is resumed, or an error; comments count as life", async () => {
  const never = new Promise(() => {});
  let beats = 0;
  await using both = await connected(
    {
      on: {
        "tools/call": async (exchange) => {
          exchange.events();
          await exchange.raw(": begun\n\n");
          if (exchange.message.params.name !== "beating") return never;
          const timer = setInterval(() => {
            exchange.raw(": beat\n\n");
            if (++beats < 140) return;
            clearInterval(timer);
            exchange.resultEvent({ content: [] }).then(() => exchange.end());
          }, 50);
        },
      },
    },
    ["--body-timeout", "5"],
  );
  // Comments of the second arrive twenty times a second, for longer than the silence that is allowed.
  const [{ error }, result] = await Promise.all([both.bridge.request("tools/call", { name: "silent" }), both.bridge.result("tools/call", { name: "beating" })]);
  assert.match(error.message, /may have run/);
  assert.ok(result);
});

test("45: a call whose question is with the client may be silent", { skip: isReference }, async () => {
  let stream;
  const answers = {};
  const result = (name) => ({ content: [{ type: "text", text: name }] });
  await using both = await connected(
    {
      sessions: true,
      get: (exchange) => (stream = exchange.events()),
      http: ({ message }) => void answers[message?.result && message.id]?.resolve(),
      on: {
        "tools/call": async (exchange) => {
          const { name } = exchange.message.params;
          if (name === "without a question") return void exchange.events();
          answers[name] = Promise.withResolvers();
          const asker = name === "on the session's stream" ? stream : exchange.events();
          await asker.event({ jsonrpc: "2.0", id: name, method: "elicitation/create", params: { message: "?", requestedSchema: { type: "object", properties: {} } } });
          if (name === "withdrawn") return void (await asker.event({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: name } }));
          await answers[name].promise;
          if (asker === stream) return result(name);
          await exchange.resultEvent(result(name));
          exchange.end();
        },
      },
    },
    ["--headers-timeout", "4", "--body-timeout", "4"],
  );
  const { bridge } = both;
  await until(() => stream, "the session's stream");
  const names = ["on its own stream", "on the session's stream"];
  const results = [];
  for (const name of names) {
    results.push(bridge.result("tools/call", { name }));
    await bridge.message(({ id, method }) => id === name && method === "elicitation/create");
  }
  // These began later, and have failed by now.
  const late = ["without a question", "withdrawn"].map((name) => bridge.request("tools/call", { name }));
  for (const { error } of await Promise.all(late)) assert.match(error.message, /may have run/);
  for (const id of names) bridge.send({ jsonrpc: "2.0", id, result: { action: "accept", content: {} } });
  assert.deepEqual((await Promise.all(results)).map(({ content }) => content[0].text), names);
});

for (const [what, renew] of [
  ["that the server has lost", async ({ server, bridge }) => (server.sessions.clear(), assert.ok(await bridge.result("tools/list")))],
  ["that the client has begun anew", ({ bridge }) => bridge.initialize()],
]) {
  test(`45: a question of a session ${what} does not let the next stream be silent for ever`, { skip: isReference }, async () => {
    let isAsked = false;
    await using both = await connected(
      {
        sessions: true,
        get: async (exchange) => {
          exchange.events();
          if (isAsked) return;
          isAsked = true;
          await exchange.event({ jsonrpc: "2.0", id: "q", method: "elicitation/create", params: { message: "?", requestedSchema: { type: "object", properties: {} } } });
        },
      },
      ["--body-timeout", "1"],
    );
    await both.bridge.message(({ id, method }) => id === "q" && method === "elicitation/create");
    await renew(both);
    // The second stream is that of the new session; the third comes after its silence.
    await both.server.received("GET", { count: 3 });
  });
}

test("23: the session's own stream opens after initialized, and again when it ends", async () => {
  let opened = 0;
  await using both = await connected({
    sessions: true,
    get: async (exchange) => {
      exchange.events();
      await exchange.event(progress(++opened), { id: `g-${opened}`, retry: 100 });
      if (opened < 3) exchange.end();
    },
  });
  await both.bridge.message(({ params }) => params?.progress === 3);
  const gets = both.server.requests.filter(({ method }) => method === "GET");
  assert.deepEqual(gets.map(({ headers }) => headers["last-event-id"]), [undefined, "g-1", "g-2"]);
  assert.deepEqual(both.server.log.slice(0, 3), ["POST initialize", "POST notifications/initialized", "GET"]);
});

test("23: a GET that a server does not have is not repeated", async () => {
  const once = async ([status, text, sessions]) => {
    await using both = await connected({ sessions, get: (exchange) => exchange.status(status, text) }, ["--transport", "http-only"]);
    await both.server.received("GET");
    // Longer than a first repetition would take.
    await sleep(1500);
    await both.bridge.result("ping");
    for (const entry of ["GET", "POST initialize"]) assert.equal(both.server.log.filter((other) => other === entry).length, 1, `${status} ${text}: ${entry}`);
  };
  const refusals = [[404, "nothing here"], [405, ""], [406, ""], [501, ""], [400, "no session here"], [401, "no session here"]];
  await Promise.all(refusals.map((refusal) => once([...refusal, true])));
  await Promise.all(refusals.slice(0, 4).map((refusal) => once([...refusal, false])));
});

test("42: requests of the server reach the client, and its answers the server", async () => {
  await using both = await connected({
    get: async (exchange) => {
      exchange.events();
      await exchange.event({ jsonrpc: "2.0", id: "from-server", method: "ping" });
    },
  });
  await both.bridge.message(({ id, method }) => id === "from-server" && method === "ping");
  both.bridge.send({ jsonrpc: "2.0", id: "from-server", result: {} });
  await both.server.received(({ message }) => message?.id === "from-server" && message.result);
});

test("43: a cancellation passes, and a late answer does not", async () => {
  let answer, answered;
  await using both = await connected({
    on: {
      "tools/call": async (exchange) => {
        exchange.events();
        await exchange.raw(": begun\n\n");
        await new Promise((resolve) => (answer = resolve));
        await exchange.resultEvent({ content: [] });
        exchange.end();
        answered = true;
      },
    },
  });
  both.bridge.send({ jsonrpc: "2.0", id: "late", method: "tools/call", params: call });
  await until(() => answer, "the call");
  both.bridge.notify("notifications/cancelled", { requestId: "late" });
  const { message } = await both.server.received("notifications/cancelled");
  assert.equal(message.params.requestId, "late");
  answer();
  await until(() => answered, "the late answer");
  await both.bridge.result("ping");
  assert.equal(both.bridge.responses("late").length, 0);
});

test("41: pings keep the connection alive and their answers stay inside", async () => {
  await using both = await connected({}, ["--ping-interval", "1"]);
  const { message } = await both.server.received("ping", { count: 2 });
  assert.match(`${message.id}`, /[0-9a-f]{16}/);
  await both.bridge.result("tools/list");
  assert.equal(both.bridge.messages.length, 2);
});

test("41: three pings without an answer close the connection, not the process", { skip: isReference }, async () => {
  let gets = 0;
  await using both = await connected(
    { on: { ping: () => new Promise(() => {}) }, get: (exchange) => (gets++, exchange.events(), exchange.raw(": open\n\n")) },
    ["--ping-interval", "1"],
  );
  await until(() => gets >= 2, "another GET");
  assert.ok((await both.bridge.result("tools/list")).tools);
});

test("10: with --idle-timeout the HTTP side closes, and comes back with the next message", { skip: isReference }, async () => {
  let closed = 0;
  await using both = await connected(
    { get: (exchange) => (exchange.closed.then(() => closed++), exchange.events(), exchange.raw(": open\n\n")) },
    ["--idle-timeout", "1"],
  );
  await until(() => closed > 0, "the end of the GET");
  assert.ok((await both.bridge.result("tools/list")).tools);
  await both.server.received("GET", { count: 2 });
});
