// Clients that vanish, lie, or take or send more than they should: they are let go, and nobody else notices.
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { after, describe, test } from "node:test";
import { bystander } from "../../support/bystander.mjs";
import { initialize, notification, open, openSse, post, request } from "../../support/mcp.mjs";
import { refuses } from "../../support/refusal.mjs";
import { WAIT_MS, bounded, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());
// Whatever comes, it goes on.
const session = await bystander(server);

const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
// What the kernel holds of a connection on loopback, at either end.
const SOCKET_BYTES = 12 * 1024 * 1024;
const JSON_POST = { "content-type": "application/json", accept: "application/json, text/event-stream" };

describe("a client that vanishes", () => {
  test("a client that vanishes in the middle of its body leaves nothing behind", async () => {
    for (let count = 0; count < 5; count++) {
      const sending = httpRequest(new URL("/mcp", server.url), {
        method: "POST",
        headers: { ...JSON_POST, ...session.headers, "content-length": 1_000_000 },
        agent: false,
      });
      sending.on("error", () => {});
      await bounded(
        new Promise((resolve) => sending.write(JSON.stringify(request(1, "tools/call")).slice(0, 40), resolve)),
        WAIT_MS,
        "a write",
      );
      sending.destroy();
    }
    assert.deepEqual(await session.request("ping"), {});
  });

  test("a client that vanishes during a stream can resume, and its call runs to the end", async () => {
    const call = request("v", "tools/call", { name: "test_tool_with_progress", _meta: { progressToken: "v" } });
    const stream = session.postStream(call);
    const seen = await stream.find(({ data }) => data);
    assert.equal(seen.json.params.progress, 0);
    stream.close();
    const rest = session.stream({ lastEventId: seen.id });
    const messages = [];
    for await (const { json } of rest) messages.push(json);
    assert.deepEqual(
      messages.map(({ params, id }) => params?.progress ?? id),
      [50, 100, "v"],
    );
  });

  test("a client that vanishes during a question does not block its other calls", async () => {
    const asking = await open(server, { capabilities: { elicitation: {} } });
    const stream = asking.postStream(request("q", "tools/call", { name: "ask", arguments: { message: "?" } }));
    const question = await stream.find(({ data }) => data);
    assert.equal(question.json.method, "elicitation/create");
    stream.close();
    assert.equal(await asking.callText("echo", { text: "next" }), "next");
    const accepted = await asking.post({ jsonrpc: "2.0", id: question.json.id, result: { action: "decline" } });
    assert.equal(accepted.status, 202, `${accepted}`);
    const rest = await asking.stream({ lastEventId: question.id }).find(({ data }) => data);
    assert.equal(rest.json.result.content[0].text, "action=decline");
  });

  test("a client that vanishes with a hundred streams is forgotten", async () => {
    const many = await open(server, { version: "2025-03-26" });
    const streams = Array.from({ length: 100 }, (_, id) =>
      many.postStream(request(id, "tools/call", { name: "test_tool_with_logging" })),
    );
    await Promise.all(streams.map((stream) => stream.opened));
    for (const stream of streams) stream.close();
    // All of the calls end, so there is room for as many as a session may run.
    await until(async () => {
      const pings = JSON.stringify(Array.from({ length: 100 }, (_, id) => request(id, "ping")));
      const answer = await many.post(pings);
      return answer.status === 200 && answer.json.length === 100;
    }, "room for a hundred calls");
  });
});

describe("a client with malformed answers", () => {
  const answers = [
    [{ result: { action: "perhaps" } }, /elicitation\/create/],
    [{ result: { action: 5 } }, /elicitation\/create/],
    [{ result: null }, /elicitation\/create/],
    [{ result: [] }, /elicitation\/create/],
    [{ result: { action: "accept", content: { answer: 5 } } }, /`answer`/],
    [{ result: { action: "accept", content: "blue" } }, /elicitation\/create/],
    [{ result: { action: "accept" } }, /`answer`/],
    [{ error: { code: -32601, message: "I cannot" } }, /I cannot/],
  ];

  test("a malformed answer is an error in the tool", async () => {
    for (const [answer, mentions] of answers) {
      const asking = await open(server, { capabilities: { elicitation: {} } });
      const stream = asking.postStream(request("q", "tools/call", { name: "ask", arguments: { message: "?" } }));
      const { id } = (await stream.find(({ data }) => data)).json;
      assert.equal((await asking.post({ jsonrpc: "2.0", id: "another", result: {} })).status, 202);
      assert.equal((await asking.post({ jsonrpc: "2.0", id, ...answer })).status, 202);
      const { result } = (await stream.find(({ data }) => data)).json;
      assert.equal(result.isError, true);
      assert.match(result.content[0].text, mentions);
    }
  });

  test("an answer to a question of another session is ignored", async () => {
    const asking = await open(server, { capabilities: { elicitation: {} } });
    const stream = asking.postStream(request("q", "tools/call", { name: "ask", arguments: { message: "?" } }));
    const { id } = (await stream.find(({ data }) => data)).json;
    assert.equal(
      (await session.post({ jsonrpc: "2.0", id, result: { action: "accept", content: { answer: "hijacked" } } }))
        .status,
      202,
    );
    await stream.quiet(200);
    assert.equal((await asking.post({ jsonrpc: "2.0", id, result: { action: "cancel" } })).status, 202);
    assert.equal((await stream.find(({ data }) => data)).json.result.content[0].text, "action=cancel");
  });
});

describe("a client that reads nothing", () => {
  const MEBIBYTE = 1024 * 1024;
  const COUNT = 40;
  const big = (id) => request(id, "tools/call", { name: "big", arguments: { bytes: MEBIBYTE } });

  // An answer of which nothing is read before it is asked for.
  async function paused(method, path, headers, body) {
    const asked = httpRequest(new URL(path, server.url), { method, headers, agent: false });
    const opened = new Promise((resolve, reject) => asked.once("response", resolve).once("error", reject));
    asked.end(body);
    const response = await bounded(opened, WAIT_MS, "an answer");
    assert.equal(response.statusCode, 200);
    return { response, close: () => asked.destroy() };
  }

  async function readAll(response) {
    let text = "";
    const all = async () => {
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
    };
    await bounded(all(), WAIT_MS, "the end of what was kept").catch((error) => {
      if (error.code !== "ECONNRESET") throw error;
    });
    return text;
  }

  // Ids of the events with a message in them that came whole, and whether the last one is the result.
  const messagesIn = (text) =>
    text
      .split("\n\n")
      .slice(0, -1)
      .flatMap((block) => {
        const [, id] = /^id: (.*)$/m.exec(block) ?? [];
        const [, data] = /^data: (.+)$/m.exec(block) ?? [];
        return data ? [{ id, isResult: data.includes('"result"') }] : [];
      });

  test("an unread call stream is closed after 8 MiB and can be resumed", async () => {
    const careless = await open(server, { version: "2025-03-26" });
    const flood = { name: "flood", arguments: { bytes: MEBIBYTE, count: COUNT, every_ms: 50 } };
    const body = JSON.stringify(request("flood", "tools/call", flood));
    const { response, close } = await paused("POST", "/mcp", { ...JSON_POST, ...careless.headers }, body);
    // The object still answers, and has let that stream go once the call is through.
    await server.log(({ json }) => json?.name === "flood");
    assert.equal(await careless.callText("echo", { text: "next" }), "next");

    const text = await readAll(response);
    close();
    const all = messagesIn(text);
    assert.ok(text.length <= MAX_UNREAD_BYTES + SOCKET_BYTES, `${text.length} bytes were kept`);
    assert.ok(all.length >= 4 && all.length < COUNT, `${all.length} messages`);
    // What it missed is more than it may leave unread, so it has to come back more than once.
    for (let rounds = 0; !all.at(-1).isResult; rounds++) {
      assert.ok(rounds < COUNT, `${all.length} messages`);
      const rest = await careless.stream({ lastEventId: all.at(-1).id }).text();
      assert.ok(rest.length <= MAX_UNREAD_BYTES + 2 * MEBIBYTE, `${rest.length} bytes at once`);
      all.push(...messagesIn(rest));
    }
    assert.equal(new Set(all.map(({ id }) => id)).size, COUNT + 1);
    assert.equal(all.length, COUNT + 1);
  });

  test("an unread HTTP+SSE stream is closed after 8 MiB with its session", async () => {
    const { response, close } = await paused("GET", "/sse", { accept: "text/event-stream" });
    response.setEncoding("utf8");
    // The first bytes, and then no more.
    const [head] = await bounded(
      new Promise((resolve) => response.once("data", (...data) => resolve(data))),
      10_000,
      "the endpoint",
    );
    response.pause();
    const path = /^data: (.*)$/m.exec(head)[1];
    assert.equal((await post(server, initialize({ version: "2024-11-05" }), { path })).status, 202);
    let posted = 0;
    const ended = async () => (await post(server, big(posted++), { path })).status === 404;
    await until(ended, "the session to end", { every: 1 });
    assert.ok(posted * MEBIBYTE <= MAX_UNREAD_BYTES + SOCKET_BYTES + 10 * MEBIBYTE, `${posted} answers`);
    const text = await readAll(response);
    close();
    assert.ok(text.length <= MAX_UNREAD_BYTES + SOCKET_BYTES, `${text.length} bytes were kept`);
  });
});

describe("a client that sends too much at once", () => {
  test("a batch of more than a hundred messages is refused", async () => {
    const old = await open(server, { version: "2025-03-26" });
    const batch = (count) => JSON.stringify(Array.from({ length: count }, (_, id) => request(id, "ping")));
    refuses(await old.post(batch(101)), 400, -32600);
    assert.equal((await old.post(batch(100))).json.length, 100);
    refuses(await old.post(`[${"1,".repeat(1_000_000)}1]`), 400, -32600);
  });

  test("each of very many notifications is answered", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => session.post(notification("notifications/made-up", { n }))),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
  });

  test("the 257th subscription is refused until one is given up", async () => {
    const eager = await open(server, { version: "2025-03-26" });
    const subscribe = (from, count) =>
      JSON.stringify(
        Array.from({ length: count }, (_, n) =>
          request(from + n, "resources/subscribe", { uri: `test://${from + n}` }),
        ),
      );
    for (const [from, count] of [
      [0, 100],
      [100, 100],
      [200, 56],
    ]) {
      const answer = await eager.post(subscribe(from, count));
      assert.ok(
        answer.json.every(({ result }) => result),
        `${answer}`,
      );
    }
    const refused = await eager.post(request("257", "resources/subscribe", { uri: "test://256" }));
    refuses(refused, 200, -32000, "257");
    assert.match(refused.json.error.message, /256/);
    assert.deepEqual(await eager.request("resources/subscribe", { uri: "test://0" }), {});
    assert.deepEqual(await eager.request("resources/unsubscribe", { uri: "test://0" }), {});
    assert.deepEqual(await eager.request("resources/subscribe", { uri: "test://256" }), {});
  });

  test("parallel calls over HTTP+SSE are limited and make room when they end", async () => {
    const greedy = await openSse(server);
    const slow = Array.from({ length: 128 }, (_, id) =>
      greedy.post(request(`s${id}`, "tools/call", { name: "slow", arguments: { ms: 20_000 } })),
    );
    for (const answer of await Promise.all(slow)) assert.equal(answer.status, 202, `${answer}`);
    refuses(await greedy.post(request("too many", "ping")), 429, -32000, "too many");
    await Promise.all(
      Array.from({ length: 128 }, (_, id) => greedy.notify("notifications/cancelled", { requestId: `s${id}` })),
    );
    assert.deepEqual(await greedy.request("ping"), {});
    greedy.close();
  });
});
