// Event streams of the 2025 versions: what comes on the answer to a POST, and what on the session's own GET stream.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { NEWEST, VERSIONS, open, request, send } from "../../support/mcp.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const call = (id, name, args = {}, meta) =>
  request(id, "tools/call", { name, arguments: args, ...(meta && { _meta: meta }) });
const LIST_CHANGED = "notifications/tools/list_changed";
const UPDATED = "notifications/resources/updated";
const WATCHED = "test://watched-resource";
const methods = (answer) => answer.messages.map(({ method, id }) => method ?? id);

// Opens the session's own stream and reads the primer, so that it is known to be there.
async function listen(session, options) {
  const stream = session.stream(options);
  const { status, headers } = await stream.opened;
  assert.equal(status, 200);
  assert.match(headers["content-type"], /^text\/event-stream/);
  if (session.version === NEWEST) primes(await stream.next());
  return stream;
}

function primes(event) {
  assert.equal(event.data, "");
  assert.match(event.id, /\S/);
  assert.ok(event.retry > 0, "no `retry`");
  assert.equal(event.event, undefined);
}

describe("the stream of a call", () => {
  for (const token of ["p-1", 42, 0, ""]) {
    test(`progress precedes the result, with the token ${JSON.stringify(token)} unchanged`, async () => {
      const session = await open(server);
      const answer = await session.post(call(3, "test_tool_with_progress", {}, { progressToken: token }));
      assert.equal(answer.status, 200, `${answer}`);
      assert.match(answer.headers["cache-control"], /no-cache/);
      assert.equal(answer.headers["x-accel-buffering"], "no");
      const steps = [0, 50, 100].map((progress) => [token, progress, 100]);
      const { messages } = answer;
      assert.deepEqual(
        messages.slice(0, -1).map(({ params }) => [params.progressToken, params.progress, params.total]),
        steps,
      );
      assert.equal(messages.at(-1).id, 3);
      assert.equal(messages.at(-1).result.content[0].text, "Tool with progress executed successfully");
    });
  }

  test("a call without a progress token has no stream", async () => {
    const session = await open(server);
    const answer = await session.post(call(1, "test_tool_with_progress"));
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.json.id, 1);
  });

  test("log messages from the level of the client are on the stream", async () => {
    const session = await open(server);
    const logged = await session.post(call(1, "test_tool_with_logging"));
    assert.deepEqual(methods(logged), [...Array(3).fill("notifications/message"), 1]);
    assert.deepEqual(logged.messages[0].params, { level: "info", data: "Tool execution started" });
    await session.request("logging/setLevel", { level: "warning" });
    const quiet = await session.post(call(2, "test_tool_with_logging"));
    assert.equal(quiet.headers["content-type"], "application/json", `${quiet}`);
    const warned = await session.post(call(3, "log", { level: "error", text: "loud" }));
    assert.deepEqual(methods(warned), ["notifications/message", 3]);
  });

  for (const version of VERSIONS) {
    test(`the stream ${version === NEWEST ? "opens" : "does not open"} with a priming event at ${version}`, async () => {
      const session = await open(server, { version });
      const { events } = await session.post(call(1, "test_tool_with_logging"));
      if (version === NEWEST) primes(events.shift());
      assert.equal(events.length, 4);
      assert.ok(events.every(({ data, retry }) => data && retry === undefined));
    });
  }

  test("a stream that the server releases ends early and can be resumed", async () => {
    const newest = await open(server);
    const { events } = await newest.post(call(1, "test_reconnection"));
    assert.equal(events.length, 1);
    primes(events[0]);
    const rest = newest.stream({ lastEventId: events[0].id });
    assert.equal((await rest.next()).json.result.content[0].text, "Reconnection test completed successfully.");
    assert.equal(await rest.next(), undefined);
    const older = await open(server, { version: "2025-06-18" });
    assert.match(await older.callText("test_reconnection"), /completed successfully/);
  });
});

describe("the GET stream", () => {
  for (const version of VERSIONS) {
    test(`a notification arrives once on the GET stream and on no call's stream, at ${version}`, async () => {
      const session = await open(server, { version });
      await session.request("resources/subscribe", { uri: WATCHED });
      using stream = await listen(session);
      for (let round = 0; round < 2; round++) {
        const answer = await session.post(call(1, "announce"));
        assert.equal(answer.headers["content-type"], "application/json", `${answer}`);
        const updated = await stream.next();
        assert.deepEqual([updated.json.method, updated.json.params.uri], [UPDATED, WATCHED]);
        assert.equal((await stream.next()).json.method, LIST_CHANGED);
      }
    });
  }

  test("log, progress, questions and results of calls are not on the GET stream", async () => {
    const answers = { "elicitation/create": () => ({ action: "decline" }) };
    const session = await open(server, { capabilities: { elicitation: {} }, answers });
    using stream = await listen(session);
    await session.call("test_tool_with_logging");
    await session.call("test_tool_with_progress", {}, { meta: { progressToken: 1 } });
    assert.equal(await session.callText("ask", { message: "?" }), "action=decline");
    await session.call("announce");
    // Nothing came before this.
    assert.equal((await stream.next()).json.method, LIST_CHANGED);
  });

  test("notifications of another session are not on the GET stream", async () => {
    const [one, other] = [await open(server), await open(server)];
    using ours = await listen(one);
    using theirs = await listen(other);
    await other.request("resources/subscribe", { uri: WATCHED });
    await one.call("announce");
    assert.equal((await ours.next()).json.method, LIST_CHANGED);
    await other.call("announce");
    assert.equal((await theirs.next()).json.method, UPDATED, "it got the other session's list_changed");
  });

  test("a resource is notified only while it is subscribed to", async () => {
    const session = await open(server);
    using stream = await listen(session);
    await session.call("announce");
    assert.equal((await stream.next()).json.method, LIST_CHANGED);
    await session.request("resources/subscribe", { uri: WATCHED });
    await session.call("announce");
    assert.deepEqual([(await stream.next()).json.method, (await stream.next()).json.method], [UPDATED, LIST_CHANGED]);
    await session.request("resources/unsubscribe", { uri: WATCHED });
    await session.call("announce");
    assert.equal((await stream.next()).json.method, LIST_CHANGED);
  });

  test("a second GET takes the stream over from the first", async () => {
    const session = await open(server);
    using first = await listen(session);
    await session.call("announce");
    assert.equal((await first.next()).json.method, LIST_CHANGED);
    using second = await listen(session);
    assert.equal(await first.next(), undefined, "the first one goes on");
    await session.call("announce");
    const event = await second.next();
    assert.equal(event.json.method, LIST_CHANGED);
    // And once more, so that it is no matter of who was first.
    using third = await listen(session);
    assert.equal(await second.next(), undefined);
    await session.call("announce");
    assert.notEqual((await third.next()).id, event.id);
  });

  test("a closed GET stream does not stop calls", async () => {
    const session = await open(server, { capabilities: { elicitation: {} } });
    const stream = await listen(session);
    using running = session.postStream(call(1, "ask", { message: "?" }));
    const question = await running.find(({ data }) => data);
    stream.close();
    const result = { action: "accept", content: { answer: "yes" } };
    assert.equal((await session.post({ jsonrpc: "2.0", id: question.json.id, result })).status, 202);
    assert.match((await running.next()).json.result.content[0].text, /yes/);
  });
});

describe("GET requests", () => {
  test("a GET must accept events by name", async () => {
    const session = await open(server);
    for (const accept of [null, "application/json", "text/html, application/json;q=0.9"]) {
      const answer = await send(server, "GET", "/mcp", { headers: { ...session.headers, accept } });
      assert.equal(answer.status, 406, `${accept}: ${answer}`);
      assert.equal(answer.json.error.code, -32000);
      assert.match(answer.json.error.message, /text\/event-stream/);
    }
  });

  test("a GET without a valid session id is refused", async () => {
    const headers = { accept: "text/event-stream" };
    const none = await send(server, "GET", "/mcp", { headers });
    assert.equal(none.status, 400, `${none}`);
    assert.equal(none.json.error.code, -32000);
    const unknown = await send(server, "GET", "/mcp", { headers: { ...headers, "mcp-session-id": "made-up" } });
    assert.equal(unknown.status, 404, `${unknown}`);
    assert.equal(unknown.json.error.code, -32001);
  });
});
