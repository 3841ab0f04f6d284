// Lifetime of a session: its ends, and the events that it outlives.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { open, post, request } from "../../support/mcp.mjs";
import { exists, rows, tables } from "../../support/rows.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const ASKING = { capabilities: { elicitation: {} } };
const COUNTER = "mcp://resource/counter";
const call = (id, name, args = {}) => request(id, "tools/call", { name, arguments: args });
const counter = async (session) => Number((await session.request("resources/read", { uri: COUNTER })).contents[0].text);
const state = (server, session) => rows(server, session, "state").map(({ name, value }) => [name, value]);
const kinds = (server, session) => (tables(server, session).durable_mcp ?? []).map(({ kind }) => kind);

async function isGone(session) {
  for (const answer of [
    await session.post(request(1, "ping")),
    await session.post({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1, reason: "x".repeat(200) } }),
    await post(session.server, request(1, "tools/list"), { headers: { ...session.headers, "mcp-protocol-version": null } }),
    await session.end(),
    await gets(session),
    await gets(session, "0-0-0"),
  ]) {
    assert.equal(answer.status, 404, `${answer}`);
    assert.equal(answer.json.error.code, -32001);
    assert.match(answer.json.error.message, /initialize/);
  }
}

async function gets(session, lastEventId) {
  const stream = session.stream({ lastEventId });
  const { status } = await stream.opened;
  if (status === 200) throw new Error("the stream opened");
  const text = await stream.text();
  return { status, json: JSON.parse(text), toString: () => `HTTP ${status} ${text}` };
}

describe("DELETE", () => {
  test("a deleted session is refused by every method and leaves nothing stored", async () => {
    const session = await open(server);
    await session.call("increment", { by: 5 });
    await session.callText("sql", { text: "a note" });
    await session.request("logging/setLevel", { level: "debug" });
    await session.request("resources/subscribe", { uri: COUNTER });
    assert.deepEqual(Object.keys(tables(server, session)).toSorted(), ["durable_mcp", "notes"]);
    assert.deepEqual(kinds(server, session).toSorted(), ["log_level", "state", "subscription"]);
    const ended = await session.end();
    assert.deepEqual([ended.status, ended.text], [204, ""], `${ended}`);
    await isGone(session);
    assert.deepEqual(Object.keys(tables(server, session)), ["durable_mcp"]);
    assert.deepEqual(kinds(server, session), ["ended"]);
  });

  test("a deletion survives a restart, even of an unused session", async () => {
    await using restarting = await fixture();
    const [used, unused] = [await open(restarting), await open(restarting)];
    await used.call("increment");
    for (const session of [used, unused]) assert.equal((await session.end()).status, 204);
    await restarting.restart();
    for (const session of [used, unused]) await isGone(session);
  });

  test("a deletion ends streams and calls, and their later work stores nothing", async () => {
    const session = await open(server, ASKING);
    using own = session.stream();
    await own.next();
    using asking = session.postStream(call(1, "ask", { message: "?" }));
    await asking.find(({ data }) => data);
    // It notices the end, and then wants to write.
    const waiting = session.post(call(2, "cancel_aware", { ms: 20_000 }));
    await until(async () => (await session.callText("increment")) > 0, "the session to run");
    const ended = await session.end();
    assert.equal(ended.status, 204, `${ended}`);
    assert.equal(await own.next(), undefined, "the session's stream goes on");
    assert.equal(await asking.next(), undefined, "the call's stream goes on");
    const unanswered = await waiting;
    assert.ok([202, 404].includes(unanswered.status), `${unanswered}`);
    await isGone(session);
    assert.deepEqual(kinds(server, session), ["ended"]);
  });

  test("a deletion does not affect another session", async () => {
    const [one, other] = [await open(server), await open(server)];
    await other.call("increment", { by: 3 });
    await one.end();
    assert.equal(await counter(other), 3);
  });
});

describe("a restart of the server", () => {
  test("a session keeps its state, client and capabilities over a restart", async () => {
    await using restarting = await fixture();
    const answers = { "elicitation/create": () => ({ action: "accept", content: { answer: "yes" } }) };
    const client = { name: "Äpfel & Birnen", version: "3" };
    const session = await open(restarting, { version: "2025-06-18", client, answers, ...ASKING });
    const plain = await open(restarting);
    await session.call("increment", { by: 4 });
    await session.callText("sql", { text: "one" });
    await session.request("logging/setLevel", { level: "error" });
    await session.request("resources/subscribe", { uri: COUNTER });
    for (let round = 1; round <= 2; round++) {
      await restarting.restart();
      const { structuredContent } = await session.call("whoami");
      assert.deepEqual(structuredContent, { user: null, client: client.name, version: "2025-06-18" });
      assert.equal(await counter(session), 3 + round);
      assert.equal(await session.callText("sql", { text: "more" }), `${1 + round}`);
      assert.equal(await session.callText("ask", { message: "?" }), 'action=accept, content={"answer":"yes"}');
      await assert.rejects(plain.callText("ask", { message: "?" }), /did not declare/);
      const logged = await session.exchange("tools/call", { name: "test_tool_with_logging" });
      assert.deepEqual(logged.notifications, [], "the log level is lost");
      using stream = session.stream();
      await stream.opened;
      await session.call("increment");
      const { json } = await stream.next();
      assert.deepEqual([json.method, json.params.uri], ["notifications/resources/updated", COUNTER]);
    }
  });

  test("a restart in the middle of calls keeps every acknowledged change and no partial one", async () => {
    await using crashing = await fixture();
    const session = await open(crashing, ASKING);
    const asking = session.postStream(call(1, "ask", { message: "?" }));
    await asking.find(({ data }) => data);
    let [sent, answered] = [0, 0];
    const increments = async () => {
      for (;;) {
        sent += 1;
        await session.callText("increment");
        answered += 1;
      }
    };
    const notes = async () => {
      for (;;) await session.callText("sql", { text: "x".repeat(1000) });
    };
    const broken = Promise.allSettled([increments(), increments(), increments(), notes()]);
    await until(() => answered >= 30, "thirty increments");
    await crashing.kill();
    const failures = await broken;
    assert.ok(failures.every(({ reason }) => /socket|ECONN|aborted|EPIPE/i.test(`${reason}${reason?.code}`)), `${failures[0].reason}`);
    await crashing.restart();
    const total = await counter(session);
    assert.ok(answered <= total && total <= sent, `${answered} answered, ${total} kept, ${sent} sent`);
    assert.deepEqual(state(crashing, session), [["Counter", `{"total":${total}}`]]);
    assert.ok(tables(crashing, session).notes.every(({ text }) => text.length === 1000));
    assert.equal(await session.callText("increment"), `${total + 1}`);
  });
});

describe("an idle session", () => {
  test("an idle session ends with its data and its stream", async () => {
    await using server = await fixture({ vars: { SESSION_IDLE_SECONDS: "1" } });
    const session = await open(server);
    using stream = session.stream();
    await stream.next();
    await session.call("increment");
    await session.callText("sql", { text: "a note" });
    assert.deepEqual(kinds(server, session), ["state"]);
    await until(() => rows(server, session, "ended").length > 0, "its end");
    assert.deepEqual(Object.keys(tables(server, session)), ["durable_mcp"]);
    assert.deepEqual(kinds(server, session), ["ended"]);
    assert.equal(await stream.next(), undefined, "its stream goes on");
    await isGone(session);
  });

  test("a used session does not end", async () => {
    await using server = await fixture({ vars: { SESSION_IDLE_SECONDS: "2" } });
    const [used, unused] = [await open(server), await open(server)];
    await used.call("increment");
    await unused.call("increment");
    await until(
      async () => {
        await used.request("ping");
        return rows(server, unused, "ended").length > 0;
      },
      "the end of the unused one",
    );
    assert.equal(await counter(used), 1);
  });

  test("a session id expires, used or not", async () => {
    await using server = await fixture({ vars: { SESSION_MAX_AGE_SECONDS: "2" } });
    const [used, unused] = [await open(server), await open(server)];
    // An id's end is in whole seconds. Asking for it before would use the unused one.
    const ended = performance.now() + 3000;
    await used.call("increment");
    await until(async () => (await used.post(request(1, "ping"))).status === 404, "the end of the id");
    await until(() => performance.now() > ended, "the end of the other id");
    await isGone(used);
    await isGone(unused);
    assert.equal(exists(server, unused), false);
  });

  test("an ended session is forgotten when its id has expired", async () => {
    await using server = await fixture({ vars: { SESSION_MAX_AGE_SECONDS: "2" } });
    const session = await open(server);
    await session.call("increment");
    await session.end();
    assert.deepEqual(kinds(server, session), ["ended"]);
    await until(() => kinds(server, session).length === 0, "nothing to be left");
    await isGone(session);
  });
});
