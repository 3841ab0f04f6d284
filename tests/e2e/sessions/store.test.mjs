// Rows of a session in its object's SQLite: as much as `tests/integration/store.rs` asks of every store, seen from
// outside and over restarts of the whole server.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { open, request } from "../../support/mcp.mjs";
import { sleep, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const COUNTER = "mcp://resource/counter";

const servers = [];
after(() => Promise.all(servers.map((server) => server.stop())));

async function start(options) {
  const server = await fixture({ ...options, vars: { LOG_REQUESTS: "all", ...options?.vars } });
  servers.push(server);
  return server;
}

const counter = async (session) => (await session.request("resources/read", { uri: COUNTER })).contents[0].text;
const logged = async (session, level) =>
  (await session.exchange("tools/call", { name: "log", arguments: { level, text: "x" } })).notifications.length;

// The rows that the one request of `operation` wrote, by its line in the log.
async function rows(server, operation) {
  const from = server.logs.length;
  await operation();
  const line = () => server.logs.slice(from).find(({ json }) => json?.event === "request");
  return (await until(line, "the request's line")).json.rows;
}

describe("a restart of the server", () => {
  test("states and tables of tools survive a restart", async () => {
    const server = await start();
    const [session, other] = [await open(server), await open(server)];
    await session.call("increment", { by: 40 });
    await session.call("increment", { by: 2 });
    await session.call("sql", { text: 'it\'s "quoted"; DROP TABLE notes' });
    await other.call("increment");
    await server.restart();
    assert.deepEqual([await counter(session), await counter(other)], ["42", "1"]);
    assert.equal((await session.request("resources/read", { uri: "test://cancellations" })).contents[0].text, "0");
    assert.equal(await session.callText("sql", { text: "another" }), "2");
    assert.equal(await other.callText("sql", { text: "first" }), "1");
  });

  test("the last log level survives a restart", async () => {
    const server = await start();
    const session = await open(server);
    for (const levels of [
      ["error", "debug"],
      ["emergency", "alert", "warning"],
      ["debug", "error"],
    ]) {
      for (const level of levels) await session.request("logging/setLevel", { level });
      await server.restart();
      const last = levels.at(-1);
      const heard = await Promise.all(["debug", "warning", "error"].map((level) => logged(session, level)));
      const expected = { debug: [1, 1, 1], warning: [0, 1, 1], error: [0, 0, 1] }[last];
      assert.deepEqual(heard, expected, last);
    }
  });

  test("subscriptions survive a restart, and ended ones do not return", async () => {
    const server = await start();
    const session = await open(server);
    for (const uri of [COUNTER, "test://watched-resource", "it's:'odd'"]) {
      await session.request("resources/subscribe", { uri });
      await session.request("resources/subscribe", { uri });
    }
    await session.request("resources/unsubscribe", { uri: "test://watched-resource" });
    await server.restart();
    const stream = session.stream();
    await stream.next();
    await session.call("announce");
    await session.call("increment");
    const methods = [(await stream.next()).json, (await stream.next()).json].map(({ method, params }) => [
      method,
      params.uri,
    ]);
    assert.deepEqual(methods, [
      ["notifications/tools/list_changed", undefined],
      ["notifications/resources/updated", COUNTER],
    ]);
    stream.close();
  });

  test("missed events survive a restart in their order and stream", async () => {
    const server = await start();
    const session = await open(server);
    const lost = [];
    for (const token of ["a", "b"]) {
      const call = request(token, "tools/call", { name: "test_tool_with_progress", _meta: { progressToken: token } });
      const stream = session.postStream(call);
      const { id } = await stream.find(({ data }) => data);
      stream.close();
      lost.push({ token, id });
    }
    await until(
      () => server.logs.filter(({ json }) => json?.name === "test_tool_with_progress").length === 2,
      "both calls to end",
    );
    // An object answers nothing before all that it wrote until then is on disk.
    await session.request("ping");
    await server.restart();
    for (const { token, id } of lost.reverse()) {
      const messages = [];
      for await (const { json } of session.stream({ lastEventId: id })) messages.push(json);
      assert.deepEqual(
        messages.map(({ params, id }) => (params ? [params.progressToken, params.progress] : id)),
        [[token, 50], [token, 100], token],
      );
    }
  });

  test("an ended session stays ended after a restart", async () => {
    const server = await start();
    const [session, quiet] = [await open(server), await open(server)];
    await session.call("increment");
    await session.call("sql", { text: "x" });
    for (const one of [session, quiet]) assert.equal((await one.end()).status, 204);
    await server.restart();
    for (const one of [session, quiet]) {
      assert.equal((await one.post(request(1, "ping"))).status, 404);
      assert.equal((await one.end()).status, 404);
    }
  });
});

describe("written rows", () => {
  test("a row is written for each change and for nothing else", async () => {
    const server = await start();
    const session = await open(server);
    const written = (method, params) => rows(server, () => session.request(method, params));
    const call = (name, args) => written("tools/call", { name, arguments: args });
    assert.equal(await call("increment", {}), 1);
    assert.equal(await call("increment", {}), 1);
    assert.equal(await call("whoami", {}), 0);
    assert.equal(await written("resources/read", { uri: COUNTER }), 0);
    assert.equal(await written("logging/setLevel", { level: "error" }), 1);
    assert.equal(await written("logging/setLevel", { level: "debug" }), 1);
    assert.equal(await written("logging/setLevel", { level: "debug" }), 0);
    assert.equal(await written("resources/subscribe", { uri: COUNTER }), 1);
    assert.equal(await written("resources/subscribe", { uri: COUNTER }), 0);
    assert.equal(await written("resources/unsubscribe", { uri: COUNTER }), 1);
    assert.equal(await written("resources/unsubscribe", { uri: COUNTER }), 0);
  });

  test("the end of a session replaces all its tables by one row", async () => {
    const server = await start({ trace: true });
    const session = await open(server);
    await session.call("increment");
    await session.call("sql", { text: "x" });
    const { statements, result } = await server.cost(() => session.end());
    assert.equal(result.status, 204);
    const dropped = statements.filter((statement) => statement.startsWith("DROP TABLE"));
    assert.deepEqual(dropped.map((statement) => /"(.*)"/.exec(statement)[1]).sort(), ["durable_mcp", "notes"]);
    assert.equal(statements.filter((statement) => statement.startsWith("INSERT")).length, 1, statements.join("\n"));
  });
});

describe("an unused session", () => {
  test("a session with data ends after SESSION_IDLE_SECONDS, and one without continues", async () => {
    const server = await start({ vars: { SESSION_IDLE_SECONDS: "1" } });
    const [keeping, quiet] = [await open(server), await open(server)];
    await keeping.call("increment");
    const stream = keeping.stream();
    await stream.next();
    // Its stream tells when it ends: asking would be using it.
    assert.equal(await stream.next(), undefined);
    const refused = await keeping.post(request(1, "ping"));
    assert.deepEqual([refused.status, refused.json.error.code], [404, -32001]);
    assert.deepEqual(await quiet.request("ping"), {});
  });

  test("a session is unknown after SESSION_MAX_AGE_SECONDS, used or not", async () => {
    const server = await start({ vars: { SESSION_MAX_AGE_SECONDS: "1" }, trace: true });
    const session = await open(server);
    await until(
      async () => {
        const answer = await session.post(request(1, "ping"));
        return answer.status === 404 && answer.json.error.code === -32001;
      },
      "the id to be too old",
      { every: 200 },
    );
    const { objectRequests } = await server.cost(() => session.post(request(1, "ping")));
    assert.equal(objectRequests, 0);
    await sleep(10);
    assert.deepEqual(await (await open(server)).request("ping"), {});
  });
});
