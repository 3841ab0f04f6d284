// Streams that are cut, and clients that come back for the rest with `Last-Event-ID`.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { VERSIONS, open, request, send } from "../../support/mcp.mjs";
import { rows } from "../../support/rows.mjs";
import { until } from "../../support/wait.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const server = await fixture({ vars: { LOG_REQUESTS: "all" } });
after(() => server.stop());

const ASKING = { capabilities: { elicitation: {} } };
const LIST_CHANGED = "notifications/tools/list_changed";
const call = (id, name, args = {}) => request(id, "tools/call", { name, arguments: args });
const withProgress = (id, name, args = {}) =>
  request(id, "tools/call", { name, arguments: args, _meta: { progressToken: "p" } });

// A call that runs until its question is answered: `{ stream, primer?, question, answer(text) }`.
async function ask(session, id = 1) {
  const stream = session.postStream(call(id, "ask", { message: `of ${id}` }));
  const first = await stream.next();
  const primed = first.data === "";
  const question = primed ? await stream.next() : first;
  assert.equal(question.json.params.message, `of ${id}`);
  const answer = async (text) => {
    const result = { action: "accept", content: { answer: text } };
    const accepted = await session.post({ jsonrpc: "2.0", id: question.json.id, result });
    assert.equal(accepted.status, 202, `${accepted}`);
  };
  return { stream, primer: primed ? first : undefined, question, answer };
}

// All events until the stream ends.
async function rest(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

const ids = (events) => events.map(({ id }) => id);
const answered = ({ json }, id, text) =>
  assert.deepEqual(
    [json.id, json.result?.content],
    [id, [{ type: "text", text: `action=accept, content={"answer":"${text}"}` }]],
  );

describe("a call's stream that was cut", () => {
  for (const version of VERSIONS) {
    test(`a resumed stream delivers the result once, at ${version}`, async () => {
      const session = await open(server, { version, ...ASKING });
      const { stream, question, answer } = await ask(session);
      stream.close();
      using resumed = session.stream({ lastEventId: question.id });
      await resumed.opened;
      await answer("late");
      const events = await rest(resumed);
      assert.equal(events.length, 1, JSON.stringify(events));
      answered(events[0], 1, "late");
      assert.notEqual(events[0].id, question.id);
    });
  }

  test("a client that got only the priming event gets all messages", async () => {
    const session = await open(server, ASKING);
    const { stream, primer, question, answer } = await ask(session);
    stream.close();
    using resumed = session.stream({ lastEventId: primer.id });
    const again = await resumed.next();
    assert.deepEqual([again.id, again.data], [question.id, question.data]);
    await answer("late");
    answered(await resumed.next(), 1, "late");
    assert.equal(await resumed.next(), undefined);
  });

  test("the result of a call that ended meanwhile is kept", async () => {
    const session = await open(server, ASKING);
    const { stream, question, answer } = await ask(session);
    stream.close();
    const ended = () => server.logs.filter(({ json }) => json?.name === "ask" && json.outcome === "ok").length;
    const before = ended();
    await answer("alone");
    await until(() => ended() > before, "the end of the call");
    const events = await rest(session.stream({ lastEventId: question.id }));
    assert.equal(events.length, 1);
    answered(events[0], 1, "alone");
  });

  test("a stream may be cut and resumed repeatedly", async () => {
    const session = await open(server, ASKING);
    const { stream, primer, question, answer } = await ask(session);
    stream.close();
    for (let round = 0; round < 3; round++) {
      const resumed = session.stream({ lastEventId: primer.id });
      assert.equal((await resumed.next()).id, question.id);
      resumed.close();
    }
    using last = session.stream({ lastEventId: question.id });
    await last.opened;
    await answer("at last");
    answered(await last.next(), 1, "at last");
    assert.equal(await last.next(), undefined);
  });

  test("a resumption takes the stream over from a connection that is still open", async () => {
    const session = await open(server, ASKING);
    const { stream, question, answer } = await ask(session);
    using resumed = session.stream({ lastEventId: question.id });
    await resumed.opened;
    assert.equal(await stream.next(), undefined, "the first connection goes on");
    await answer("here");
    answered(await resumed.next(), 1, "here");
  });
});

describe("a call's stream that has ended", () => {
  test("a resumed finished stream delivers what was missed and ends", async () => {
    const session = await open(server);
    const { events } = await session.post(withProgress(1, "test_tool_with_progress"));
    assert.equal(events.length, 5);
    for (const [at, { id }] of events.entries()) {
      const missed = await rest(session.stream({ lastEventId: id }));
      assert.deepEqual(
        missed.map(({ id, data }) => [id, data]),
        events.slice(at + 1).map(({ id, data }) => [id, data]),
      );
    }
  });

  test("a resumption after its time ends at once", async () => {
    const session = await open(server);
    const { events } = await session.post(withProgress(1, "test_tool_with_progress"));
    const [object, stream, sequence] = events[0].id.split("-");
    const forgotten = [object, (Number.parseInt(stream, 16) - 60 * 60 * 1000).toString(16), sequence].join("-");
    assert.deepEqual(await rest(session.stream({ lastEventId: forgotten })), []);
  });
});

describe("the end of SESSION_RESUME_SECONDS", () => {
  test("missed messages are deleted, from storage too, and the stream ends at once", async () => {
    await using forgetful = await fixture({ vars: { SESSION_RESUME_SECONDS: "1" } });
    const session = await open(forgetful);
    const stream = session.postStream(call(1, "flood", { bytes: 1, count: 20, every_ms: 30 }));
    const primer = await stream.next();
    stream.close();
    const kept = () => rows(forgetful, session, "event");
    await until(() => kept().some(({ value }) => value.includes("flooded")), "the result among the rows");
    await until(() => kept().length === 0, "the events to expire");
    assert.deepEqual(await rest(session.stream({ lastEventId: primer.id })), []);
  });

  test("messages that were only in memory are gone too, and not before", async () => {
    await using forgetful = await fixture({ vars: { SESSION_RESUME_SECONDS: "2" } });
    const session = await open(forgetful);
    const { events } = await session.post(withProgress(1, "test_tool_with_progress"));
    const missed = () => rest(session.stream({ lastEventId: events[0].id }));
    assert.equal((await missed()).length, 4);
    await until(async () => (await missed()).length === 0, "the events to be forgotten");
    assert.deepEqual(rows(forgetful, session, "event"), []);
  });
});

describe("event ids", () => {
  test("event ids are unique in the session, and a resumed stream has nothing of another", async () => {
    const session = await open(server, ASKING);
    using own = session.stream();
    const seen = [(await own.next()).id];
    const calls = [await ask(session, 1), await ask(session, 2), await ask(session, 3)];
    seen.push(...calls.flatMap(({ primer, question }) => [primer.id, question.id]));
    const { events } = await session.post(withProgress(4, "test_tool_with_progress"));
    seen.push(...ids(events));
    await session.call("announce");
    seen.push((await own.next()).id);
    for (const { stream } of calls) stream.close();
    for (const [at, { primer, question, answer }] of calls.entries()) {
      using resumed = session.stream({ lastEventId: primer.id });
      assert.equal((await resumed.next()).id, question.id);
      await answer(`to ${at + 1}`);
      const result = await resumed.next();
      answered(result, at + 1, `to ${at + 1}`);
      assert.equal(await resumed.next(), undefined);
      seen.push(result.id);
    }
    assert.equal(new Set(seen).size, seen.length, seen.join(" "));
    assert.equal(seen.length, 16);
  });

  test("malformed and foreign event ids are refused without affecting another session", async () => {
    const [session, other] = [await open(server), await open(server, ASKING)];
    const { stream, question, answer } = await ask(other);
    const headers = { ...session.headers, accept: "text/event-stream" };
    const own = session.stream();
    const { id } = await own.next();
    own.close();
    for (const lastEventId of [question.id, "1", "nonsense", "-", "0-0-0", `${id}0000000000000000`, `${id}-1`, `+${id}`]) {
      const answer = await send(server, "GET", "/mcp", { headers: { ...headers, "last-event-id": lastEventId } });
      assert.equal(answer.status, 400, `${lastEventId}: ${answer}`);
      assert.equal(answer.json.error.code, -32000);
      assert.match(answer.json.error.message, /Last-Event-ID/);
    }
    await answer("unharmed");
    answered(await stream.next(), 1, "unharmed");
  });
});

describe("the GET stream", () => {
  for (const version of VERSIONS) {
    test(`a resumed GET stream continues after the last event, at ${version}`, async () => {
      const session = await open(server, { version });
      const first = session.stream();
      await first.opened;
      await session.call("announce");
      const seen = await first.find(({ data }) => data);
      first.close();
      await session.call("announce");
      await session.call("announce");
      using second = session.stream({ lastEventId: seen.id });
      const missed = [await second.find(({ data }) => data), await second.next()];
      await session.call("announce");
      missed.push(await second.next());
      assert.ok(missed.every(({ json }) => json.method === LIST_CHANGED));
      assert.equal(new Set([seen.id, ...ids(missed)]).size, 4);
    });
  }
});

describe("a crash of the server", () => {
  test("a client that left before the crash gets all it missed once", async () => {
    await using demos = await demo();
    const session = await open(demos);
    const stream = session.postStream(withProgress(1, "countdown", { steps: 20, delay_ms: 30 }));
    await stream.next();
    const seen = await stream.next();
    assert.equal(seen.json.params.progress, 1);
    stream.close();
    await until(
      () => rows(demos, session, "event").some(({ value }) => value.includes("Lift-off!")),
      "the result among the rows",
    );
    await demos.restart();
    const events = await rest(session.stream({ lastEventId: seen.id }));
    assert.deepEqual(
      events.map(({ json }) => json.params?.progress ?? json.result.content[0].text),
      [...Array.from({ length: 19 }, (_, at) => at + 2), "Lift-off!"],
    );
    assert.equal(new Set(ids(events)).size, 20);
  });

  test("a client that left during the end of a stream gets all it missed once", async () => {
    await using crashing = await fixture({ vars: { LOG_REQUESTS: "all" } });
    const session = await open(crashing, { version: "2025-03-26", ...ASKING });
    // More than fits between a server and a client that does not read, and less than makes that client count as gone.
    const big = Array.from({ length: 7 }, (_, id) => call(id, "big", { bytes: 1_000_000 }));
    const stream = session.postStream(JSON.stringify([call("asked", "ask", { message: "?" }), ...big]));
    const question = await stream.find(({ json }) => json.method === "elicitation/create");
    const result = { action: "accept", content: { answer: "last" } };
    assert.equal((await session.post({ jsonrpc: "2.0", id: question.json.id, result })).status, 202);
    await crashing.log(({ json }) => json?.name === "ask" && json.outcome === "ok");
    assert.deepEqual(rows(crashing, session, "event"), []);
    stream.close();
    await until(() => rows(crashing, session, "event").length > 0, "the events among the rows");
    await crashing.restart();
    const events = await rest(session.stream({ lastEventId: question.id }));
    answered(events.at(-1), "asked", "last");
  });

  test("a client whose loss was not noticed gets the result of a long call", async () => {
    await using crashing = await fixture();
    const session = await open(crashing);
    // The answer is taken off the server's hands, so that it cannot know better; a client that lost its network has it not.
    const { events } = await session.post(call(1, "flood", { bytes: 1, count: 6, every_ms: 1000 }));
    assert.equal(events.at(-1).json.result.content[0].text, "flooded");
    assert.equal(rows(crashing, session, "event").length, 1);
    await crashing.restart();
    const missed = await rest(session.stream({ lastEventId: events[0].id }));
    assert.deepEqual(
      missed.map(({ id, json }) => [id, json]),
      [[events.at(-1).id, events.at(-1).json]],
    );
  });

  test("the stream of a call that died in the crash ends and does not hang", async () => {
    await using crashing = await fixture();
    const session = await open(crashing, ASKING);
    const { primer } = await ask(session);
    await crashing.restart();
    const events = await rest(session.stream({ lastEventId: primer.id }));
    assert.ok(events.every(({ json }) => json.result === undefined));
    assert.equal(await session.callText("echo", { text: "on" }), "on");
  });
});
