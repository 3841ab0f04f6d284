// The local bridge with clients of 2026-07-28 before servers that have sessions: questions of the server as results, and
// their answers. Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ELICITATION, FORM, answerTo, asking, beforeSessions, count, posted, question, textOf } from "../../support/stateless-stdio.mjs";
import { until } from "../../support/wait.mjs";

test("73: a question during a call is its result, and the answers lead to the call's own", async () => {
  await using client = await beforeSessions({
    capabilities: { elicitation: {}, roots: {} },
    on: { "tools/call": asking({ q1: ["elicitation/create", { ...FORM, _meta: { progressToken: 1 } }], q2: ["roots/list"] }) },
  });
  const { server } = client;
  const params = { name: "greet", arguments: { a: 1 } };
  let round = await client.result("tools/call", params);
  const asked = {};
  const states = new Set();
  // Both come at once, or one after the other: that is the network's.
  while (round.resultType === "input_required") {
    assert.deepEqual(Object.keys(round).sort(), ["_meta", "inputRequests", "requestState", "resultType"]);
    assert.match(round.requestState, /^[0-9a-f]{32}$/);
    states.add(round.requestState);
    const answers = {};
    for (const [key, entry] of Object.entries(round.inputRequests)) {
      asked[entry.method] = entry;
      answers[key] = entry.method === "roots/list" ? { roots: [] } : { action: "accept", content: { name: "Ada" } };
    }
    round = await client.result("tools/call", { ...params, inputResponses: answers, requestState: round.requestState });
  }
  assert.deepEqual(asked["elicitation/create"].params, FORM);
  assert.deepEqual(asked["roots/list"], { method: "roots/list" });
  assert.equal(round.resultType, "complete");
  assert.deepEqual(JSON.parse(textOf(round)), { q1: { action: "accept", content: { name: "Ada" } }, q2: { roots: [] } });
  assert.ok(states.size > 0);
  assert.equal(count(server, "POST tools/call"), 1);
});

test("73: questions come on the session's own stream, too, and one after the other", async () => {
  let stream;
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    get: (exchange) => (stream = exchange.events()),
    on: {
      "tools/call": async (exchange) => {
        const answers = [];
        for (const number of [1, 2]) {
          await question(stream, `q${number}`, "elicitation/create", { ...FORM, message: `${number}?` });
          answers.push((await answerTo(exchange, `q${number}`)).result?.action);
        }
        return { content: [{ type: "text", text: `${answers}` }] };
      },
    },
  });
  const params = { name: "greet" };
  const first = await client.result("tools/call", params);
  const [[key, { params: shown }]] = Object.entries(first.inputRequests);
  assert.equal(shown.message, "1?");
  const second = await client.result("tools/call", { ...params, inputResponses: { [key]: { action: "accept" } }, requestState: first.requestState });
  assert.equal(second.resultType, "input_required");
  assert.notEqual(second.requestState, first.requestState);
  const [next] = Object.keys(second.inputRequests);
  const last = await client.result("tools/call", { ...params, inputResponses: { [next]: { action: "decline" } }, requestState: second.requestState });
  assert.equal(textOf(last), "accept,decline");
});

test("45, 73: a server that is silent while the client is asked has not failed", async () => {
  let stream;
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    args: ["--headers-timeout", "1", "--body-timeout", "1"],
    get: (exchange) => (stream = exchange.events()),
    on: {
      "tools/call": async (exchange) => {
        const { name } = exchange.message.params;
        if (name === "silent") return void exchange.events();
        const asker = name === "by its own stream" ? exchange.events() : stream;
        await question(asker, name);
        await answerTo(exchange, name);
        if (asker === stream) return { content: [{ type: "text", text: name }] };
        await exchange.resultEvent({ content: [{ type: "text", text: name }] });
        exchange.end();
      },
    },
  });
  const names = ["by its own stream", "by the session's"];
  const rounds = [];
  for (const name of names) rounds.push(await client.result("tools/call", { name }));
  // This call began after the two with questions, and fails before they are answered.
  assert.equal((await client.error("tools/call", { name: "silent" })).code, -32000);
  for (const [index, { inputRequests, requestState }] of rounds.entries()) {
    const inputResponses = { [Object.keys(inputRequests)[0]]: { action: "accept" } };
    assert.equal(textOf(await client.result("tools/call", { name: names[index], inputResponses, requestState })), names[index]);
  }
});

test("73: a missing answer is asked for again, and unknown ones are ignored", async () => {
  await using client = await beforeSessions({ capabilities: ELICITATION, on: { "tools/call": asking({ q1: ["elicitation/create", FORM] }) } });
  const params = { name: "greet" };
  let round = await client.result("tools/call", params);
  const [key] = Object.keys(round.inputRequests);
  for (const inputResponses of [{}, { other: { action: "accept" } }, { [key]: 1 }, { [key]: null }]) {
    const before = round.requestState;
    round = await client.result("tools/call", { ...params, inputResponses, requestState: before });
    assert.deepEqual(Object.keys(round.inputRequests), [key]);
    assert.notEqual(round.requestState, before);
  }
  round = await client.result("tools/call", { ...params, inputResponses: { [key]: { action: "cancel" } }, requestState: round.requestState });
  assert.deepEqual(JSON.parse(textOf(round)), { q1: { action: "cancel" } });
});

test("73: a question that the server takes back is not asked, and a result that comes meanwhile is the answer", async () => {
  let goOn;
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    on: {
      "tools/call": async (exchange) => {
        exchange.events();
        await question(exchange, "q1");
        await new Promise((resolve) => (goOn = resolve));
        await exchange.event({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "q1" } });
        await exchange.resultEvent({ content: [{ type: "text", text: "given up" }] });
        exchange.end();
      },
    },
  });
  const params = { name: "greet" };
  const round = await client.result("tools/call", params);
  goOn();
  const [key] = Object.keys(round.inputRequests);
  const last = await client.result("tools/call", { ...params, inputResponses: { [key]: { action: "accept" } }, requestState: round.requestState });
  assert.equal(textOf(last), "given up");
});

test("73: pages that have to be opened before a call are a question, and the call is made again after them", async () => {
  let isOpen = false;
  const elicitations = [{ mode: "url", url: "https://example.com/pay", elicitationId: "e", message: "Pay first." }];
  await using client = await beforeSessions({
    on: {
      "tools/call": (exchange) => {
        if (isOpen) return { content: [{ type: "text", text: "paid" }] };
        exchange.json(JSON.stringify({ jsonrpc: "2.0", id: exchange.id, error: { code: -32042, message: "Pay first.", data: { elicitations } } }));
      },
    },
  });
  const params = { name: "buy" };
  const missing = await client.error("tools/call", params, { capabilities: ELICITATION });
  assert.deepEqual([missing.code, missing.data], [-32021, { requiredCapabilities: { elicitation: { url: {} } } }]);
  const capabilities = { elicitation: { url: {} } };
  const answered = async (action) => {
    const { inputRequests, requestState } = await client.result("tools/call", params, { capabilities });
    const [[key, { method, params: shown }]] = Object.entries(inputRequests);
    assert.deepEqual([method, shown], ["elicitation/create", { mode: "url", url: "https://example.com/pay", message: "Pay first." }]);
    isOpen = action === "accept";
    return client.ask("tools/call", { ...params, inputResponses: { [key]: { action } }, requestState }, { capabilities });
  };
  assert.equal((await answered("decline")).error.code, -32000);
  assert.equal(textOf((await answered("accept")).result), "paid");
});

test("74: a state is good once, for its own request, and for some time", async () => {
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    args: ["--question-timeout", "1"],
    on: { "tools/call": asking({ q1: ["elicitation/create", FORM] }), "prompts/get": () => ({ messages: [] }) },
  });
  const { server } = client;
  const params = { name: "greet" };
  const suspended = async () => {
    const calls = count(server, "POST tools/call");
    const { inputRequests, requestState } = await client.result("tools/call", params);
    const { message } = await server.received("tools/call", { count: calls + 1 });
    return { id: message.id, retry: { inputResponses: { [Object.keys(inputRequests)[0]]: { action: "accept" } }, requestState } };
  };
  const cancelled = (id) => server.received(({ message }) => message?.method === "notifications/cancelled" && message.params.requestId === id);

  for (const [method, other] of [["prompts/get", params], ["tools/call", { name: "other" }]]) {
    const { id, retry } = await suspended();
    assert.equal((await client.error(method, { ...other, ...retry })).code, -32602);
    await cancelled(id);
    assert.equal((await client.error("tools/call", { ...params, ...retry })).code, -32602);
  }

  const late = await suspended();
  await cancelled(late.id);
  assert.equal((await client.error("tools/call", { ...params, ...late.retry })).code, -32602);

  assert.equal((await client.error("tools/call", { ...params, inputResponses: {} })).code, -32602);
  assert.equal((await client.error("tools/call", { ...params, inputResponses: {}, requestState: "made up" })).code, -32602);
  assert.equal(posted(server, "prompts/get").length, 0);
});

test("74: the same state a second time is refused, and disturbs nothing", async () => {
  await using client = await beforeSessions({ capabilities: ELICITATION, on: { "tools/call": asking({ q1: ["elicitation/create", FORM], q2: ["elicitation/create", FORM] }) } });
  const params = { name: "greet" };
  let round = await client.result("tools/call", params);
  while (round.resultType === "input_required") {
    const inputResponses = Object.fromEntries(Object.keys(round.inputRequests).map((key) => [key, { action: "accept" }]));
    const retry = { ...params, inputResponses, requestState: round.requestState };
    const both = await Promise.all([client.ask("tools/call", retry), client.ask("tools/call", retry)]);
    assert.deepEqual(both.map(({ error }) => error?.code).filter(Boolean), [-32602]);
    round = both.find(({ result }) => result).result;
  }
  assert.deepEqual(JSON.parse(textOf(round)), { q1: { action: "accept" }, q2: { action: "accept" } });
});

test("14, 73: two hundred calls at once are asked, and each has its own result once", async () => {
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    on: {
      "tools/call": async (exchange) => {
        const { n } = exchange.message.params.arguments;
        exchange.events();
        await question(exchange, `q-${n}`, "elicitation/create", { ...FORM, message: `${n}` });
        const { result } = await answerTo(exchange, `q-${n}`);
        await exchange.resultEvent({ content: [{ type: "text", text: `${n} ${result?.content.n}` }] });
        exchange.end();
      },
    },
  });
  const numbers = Array.from({ length: 200 }, (_, n) => n);
  const texts = await Promise.all(
    numbers.map(async (n) => {
      const params = { name: "asks", arguments: { n } };
      const { inputRequests, requestState } = await client.result("tools/call", params);
      const [[key, { params: shown }]] = Object.entries(inputRequests);
      const answers = { [key]: { action: "accept", content: { n: shown.message } } };
      return textOf(await client.result("tools/call", { ...params, inputResponses: answers, requestState }));
    }),
  );
  assert.deepEqual(texts, numbers.map((n) => `${n} ${n}`));
  const ids = client.bridge.messages.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
});

test("40, 73: a server that is killed fifteen times while calls are asked: each request is answered once", async () => {
  let asked = 0;
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    get: (exchange) => (exchange.events(), exchange.raw(": open\n\n")),
    on: {
      "tools/call": async (exchange) => {
        if (exchange.message.params.name === "plain") return { content: [{ type: "text", text: "plain" }] };
        const id = `q-${asked++}`;
        exchange.events();
        await question(exchange, id);
        await answerTo(exchange, id);
        await exchange.resultEvent({ content: [{ type: "text", text: "asked" }] });
        exchange.end();
      },
    },
  });
  const { bridge, server } = client;
  let number = 0;
  let killing = true;
  let answered = 0;
  const ask = async (method, params) => {
    const id = `request-${number++}`;
    const response = await client.ask(method, params, { id });
    assert.equal(bridge.responses(id).length, 1);
    answered += response.result ? 1 : 0;
    return response.result;
  };
  const callers = Array.from({ length: 6 }, async (_, caller) => {
    while (killing) {
      if (caller % 3 === 0) await ask("tools/list");
      else if (caller % 3 === 1) await ask("tools/call", { name: "plain" });
      else {
        const params = { name: "asks" };
        let round = await ask("tools/call", params);
        while (round?.resultType === "input_required") {
          const inputResponses = Object.fromEntries(Object.keys(round.inputRequests).map((key) => [key, { action: "accept" }]));
          round = await ask("tools/call", { ...params, inputResponses, requestState: round.requestState });
        }
      }
    }
  });
  for (let kill = 0; kill < 15; kill++) {
    const before = answered;
    await until(() => answered > before + 8, "requests between kills", { every: 5 });
    await server.down();
    // Some kills lose the sessions too.
    if (kill % 2) server.sessions.clear();
    await server.up();
  }
  killing = false;
  await Promise.all(callers);
  assert.ok((await client.result("tools/list")).tools);
});

test("74: questions of more calls than are stored cancel the oldest", async () => {
  await using client = await beforeSessions({
    capabilities: ELICITATION,
    on: { "tools/call": async (exchange) => (exchange.events(), void (await question(exchange, `q-${exchange.message.params.arguments.n}`))) },
  });
  const states = [];
  for (let n = 0; n <= 256; n++) {
    const { requestState } = await client.result("tools/call", { name: "greet", arguments: { n } });
    states.push(requestState);
  }
  const { message } = await client.server.received("notifications/cancelled");
  const [first] = posted(client.server, "tools/call");
  assert.equal(message.params.requestId, first.id);
  assert.equal((await client.error("tools/call", { name: "greet", requestState: states[0], inputResponses: {} })).code, -32602);
  assert.equal(posted(client.server, "notifications/cancelled").length, 1);
});

test("73: answers to a session that is lost are an error, and the next call has a new one", async () => {
  await using client = await beforeSessions({ capabilities: ELICITATION, on: { "tools/call": asking({ q1: ["elicitation/create", FORM] }) } });
  const { server } = client;
  const params = { name: "greet" };
  const round = await client.result("tools/call", params);
  server.sessions.clear();
  const [key] = Object.keys(round.inputRequests);
  const { message } = await client.error("tools/call", { ...params, inputResponses: { [key]: { action: "accept" } }, requestState: round.requestState });
  assert.match(message, /session/);
  assert.ok((await client.result("tools/list")).tools);
  assert.equal(count(server, "POST initialize"), 2);
});
