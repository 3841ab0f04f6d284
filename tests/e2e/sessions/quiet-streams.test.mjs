// Streams on which nothing happens for a long time. Every test here takes half a minute, so they run side by side.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { NEWEST, VERSIONS, open, request } from "../../support/mcp.mjs";
import { sleep, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

// A comment comes after 25 s.
// workerd lets an object go that nothing happened to for 10 s.
const ASLEEP_MS = 12_000;
const call = (id, name, args = {}) => request(id, "tools/call", { name, arguments: args });
const said = async (session, id, result) =>
  assert.equal((await session.post({ jsonrpc: "2.0", id, result })).status, 202);

// Well before the next one.
const DUE = { ms: 45_000 };

describe("25 seconds of silence", { concurrency: true }, () => {
  for (const version of VERSIONS) {
    test(`a call that has sent nothing is answered as a stream, and its result comes on it, at ${version}`, async () => {
      const session = await open(server, { version });
      using stream = session.postStream(call(1, "slow", { ms: 29_000 }));
      const { status, headers } = await stream.opened;
      assert.equal(status, 200);
      assert.match(headers["content-type"], /^text\/event-stream/);
      let event = await stream.next();
      if (version === NEWEST) {
        assert.deepEqual([event.data, event.retry > 0], ["", true]);
        event = await stream.next();
      }
      assert.deepEqual(event.json, {
        jsonrpc: "2.0",
        id: 1,
        result: { content: [{ type: "text", text: "waited 29000 ms" }] },
      });
      assert.equal(await stream.next(), undefined);
    });
  }

  for (const version of ["2025-06-18", NEWEST]) {
    test(`a call that waits for the client sends a comment, and no event, at ${version}`, async () => {
      const session = await open(server, { version, capabilities: { elicitation: {} } });
      using stream = session.postStream(call(1, "ask", { message: "?" }));
      const question = await stream.find(({ data }) => data);
      const next = stream.next();
      await until(() => stream.comments > 0, "a comment", DUE);
      await said(session, question.json.id, { action: "decline" });
      // What comes after the question is the result.
      assert.equal((await next).json.result.content[0].text, "action=decline");
      assert.equal(await stream.next(), undefined);
    });
  }

  test("a resumed stream sends a comment too", async () => {
    const session = await open(server, { capabilities: { elicitation: {} } });
    const cut = session.postStream(call(1, "ask", { message: "?" }));
    const question = await cut.find(({ data }) => data);
    cut.close();
    using stream = session.stream({ lastEventId: question.id });
    const next = stream.next();
    await until(() => stream.comments > 0, "a comment", DUE);
    await said(session, question.json.id, { action: "decline" });
    assert.equal((await next).json.result.content[0].text, "action=decline");
  });

  test("the GET stream of a sleeping session sends a comment, and later notifications", async () => {
    await using traced = await fixture({ trace: true });
    const session = await open(traced);
    using stream = session.stream();
    await stream.next();
    const next = stream.next();
    await until(() => stream.comments > 0, "a comment", DUE);
    // An object that wakes looks at what it has kept; one that was awake would not.
    const cost = await traced.cost(() => session.callText("announce"));
    assert.ok(cost.statements.some((text) => text.includes("sqlite_master")), "the object did not sleep");
    assert.equal(cost.result, "announced");
    assert.equal((await next).json.method, "notifications/tools/list_changed");
  });

  test("a call continues without its client, and its result can be resumed", async () => {
    const session = await open(server, { version: "2025-03-26", capabilities: { elicitation: {} } });
    const both = JSON.stringify([call(1, "ask", { message: "?" }), call(2, "slow", { ms: ASLEEP_MS + 1000 })]);
    const stream = session.postStream(both);
    const question = await stream.next();
    stream.close();
    await sleep(ASLEEP_MS);
    using rest = session.stream({ lastEventId: question.id });
    const waited = await rest.next();
    assert.deepEqual([waited.json.id, waited.json.result.content[0].text], [2, `waited ${ASLEEP_MS + 1000} ms`]);
    await said(session, question.json.id, { action: "decline" });
    assert.equal((await rest.next()).json.result.content[0].text, "action=decline");
    assert.equal(await rest.next(), undefined);
  });

  test("a stream that the server ended early can be resumed for its result", async () => {
    const session = await open(server);
    const { events } = await session.post(call(1, "test_reconnection"));
    assert.equal(events.length, 1);
    await sleep(ASLEEP_MS);
    using rest = session.stream({ lastEventId: events[0].id });
    assert.match((await rest.next()).json.result.content[0].text, /completed successfully/);
    assert.equal(await rest.next(), undefined);
  });
});
