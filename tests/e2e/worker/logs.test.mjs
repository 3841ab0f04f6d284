// The log that operators read: a line of JSON for each request that the variable LOG_REQUESTS asks for, without secrets.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { initialize, notification, open, openSse, post, request, send } from "../../support/mcp.mjs";
import { Stateless } from "../../support/stateless.mjs";
import { sleep, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture({ vars: { LOG_REQUESTS: "all" } });
const shipped = await fixture();
const silent = await fixture({ vars: { LOG_REQUESTS: "none" } });
after(() => Promise.all([server, shipped, silent].map((each) => each.stop())));

const FIELDS = {
  event: "string",
  method: "string",
  name: "string",
  era: "string",
  outcome: "string",
  code: "number",
  ms: "number",
  rows: "number",
  cause: "string",
  cause_id: "string",
};

// Lines of the runtime, of the start, and of the fixture's own tools.
const OTHERS = ["service ", "Directories would refuse this server: ", 'route "/mcp/own" is left out', "began "];

const said = (of, from = 0) =>
  of.logs.slice(from).filter(({ text }) => text.trim() !== "" && !OTHERS.some((other) => text.startsWith(other)));

// The lines that `operation` leaves, as many as there should be, and a while later still no more.
async function lines(count, operation, of = server) {
  const from = of.logs.length;
  const result = await operation();
  const found = () => said(of, from);
  await until(
    () => found().length >= count,
    () =>
      `${count} lines, so far\n${found()
        .map(({ text }) => text)
        .join("\n")}`,
  );
  await sleep(50);
  const all = found().map(({ json, text }) => {
    assert.ok(json, `not JSON: ${text}`);
    for (const [name, value] of Object.entries(json)) {
      assert.equal(typeof value, FIELDS[name], `${name}: ${text}`);
    }
    for (const name of ["event", "method", "outcome", "ms", "rows"]) assert.ok(name in json, `${name}: ${text}`);
    return json;
  });
  assert.equal(all.length, count, JSON.stringify(all));
  return { all, result };
}

const line = async (operation) => (await lines(1, operation)).all[0];

describe("the log line of a request", () => {
  test("a line has method, target, version and outcome", async () => {
    // The notification that follows has none.
    const { all, result: session } = await lines(1, () => open(server, { version: "2025-06-18" }));
    const { ms, ...hello } = all[0];
    assert.deepEqual(hello, { event: "http", method: "POST /mcp", outcome: "ok", code: 200, rows: 0 });
    assert.ok(ms >= 0 && ms < 10_000);

    for (const [ask, expected] of [
      [() => session.request("ping"), { method: "ping", outcome: "ok" }],
      [() => session.call("echo", { text: "x" }), { method: "tools/call", name: "echo", outcome: "ok" }],
      [
        () => session.call("test_error_handling"),
        { method: "tools/call", name: "test_error_handling", outcome: "tool_error" },
      ],
      [() => session.call("echo", { text: 5 }), { method: "tools/call", name: "echo", outcome: "tool_error" }],
      [
        () => session.request("prompts/get", { name: "test_simple_prompt" }),
        { method: "prompts/get", name: "test_simple_prompt", outcome: "ok" },
      ],
      [
        () => session.request("resources/read", { uri: "test://static-text" }),
        { method: "resources/read", name: "test://static-text", outcome: "ok" },
      ],
      [
        () => session.post(request(1, "prompts/get", { name: "no such" })),
        { method: "prompts/get", outcome: "error", code: -32602 },
      ],
      [() => session.post(request(1, "made/up")), { method: "?", outcome: "error", code: -32601 }],
      [
        () => session.post(request(1, "resources/read", { uri: "no://such" })),
        { method: "resources/read", outcome: "error", code: -32002 },
      ],
    ]) {
      const { ms, ...rest } = await line(ask);
      assert.deepEqual(rest, { event: "request", era: "2025-06-18", rows: 0, ...expected });
      assert.ok(ms >= 0 && ms < 10_000);
    }
  });

  test("a line has written rows and elapsed time", async () => {
    const { result: session } = await lines(1, () => open(server));
    assert.equal((await line(() => session.call("increment"))).rows, 1);
    assert.equal((await line(() => session.call("whoami"))).rows, 0);
    assert.ok((await line(() => session.call("slow", { ms: 120 }))).ms >= 100);
  });

  test("cancelled requests and each request of a batch are logged", async () => {
    const { result: session } = await lines(1, () => open(server, { version: "2025-03-26" }));
    const { all } = await lines(1, async () => {
      const called = session.post(request("c", "tools/call", { name: "slow", arguments: { ms: 30_000 } }));
      await until(async () => {
        await session.post(JSON.stringify([notification("notifications/cancelled", { requestId: "c" })]));
        return Promise.race([called.then(() => true), sleep(50)]);
      }, "the call to end");
    });
    assert.deepEqual([all[0].name, all[0].outcome, all[0].code], ["slow", "cancelled", undefined]);

    const batch = JSON.stringify([
      request(1, "ping"),
      request(2, "tools/call", { name: "echo", arguments: { text: "x" } }),
    ]);
    const both = (await lines(2, () => session.post(batch))).all;
    assert.deepEqual(both.map(({ method }) => method).sort(), ["ping", "tools/call"]);
  });

  test("requests over HTTP+SSE are logged alike", async () => {
    const { all, result: session } = await lines(2, () => openSse(server));
    assert.deepEqual(
      all.map(({ event, method, era, outcome, code }) => [event, method, era, outcome, code]),
      [
        ["http", "GET /sse", undefined, "ok", 200],
        ["request", "initialize", "2024-11-05", "ok", undefined],
      ],
    );
    const { event, method, name, era } = await line(() => session.call("whoami"));
    assert.deepEqual([event, method, name, era], ["request", "tools/call", "whoami", "2024-11-05"]);
    session.close();
  });

  test("a refused request is logged with its status", async () => {
    for (const [ask, method, code] of [
      [() => post(server, "{"), "POST /mcp", 400],
      [() => post(server, request(1, "ping"), { headers: { "mcp-session-id": "x" } }), "POST /mcp", 404],
      [() => post(server, initialize(), { headers: { origin: "https://evil.example" } }), "POST /mcp", 403],
      [() => post(server, initialize(), { headers: { accept: "text/html" } }), "POST /mcp", 406],
      [() => post(server, initialize(), { headers: { "content-type": "text/plain" } }), "POST /mcp", 415],
      [() => post(server, [], { headers: { "content-length": "5000000" } }), "POST /mcp", 413],
      [() => send(server, "PUT", "/mcp"), "PUT /mcp", 405],
      [() => post(server, request(1, "ping"), { path: "/sse/message?sessionId=x" }), "POST /sse/message", 404],
      [() => send(server, "GET", "/nowhere"), "GET ?", 404],
    ]) {
      const { ms, ...rest } = await line(ask);
      assert.deepEqual(rest, { event: "http", method, outcome: "refused", code, rows: 0 });
    }
  });

  test("refusals by the object and the end of a session are logged", async () => {
    const { result: session } = await lines(1, () => open(server));
    for (const [ask, method, outcome, code] of [
      [() => session.post(`{${" ".repeat(200)}`), "POST /mcp", "refused", 400],
      [() => session.stream({ lastEventId: "x" }).opened, "GET /mcp", "refused", 400],
      [() => session.end(), "DELETE /mcp", "ok", 204],
      [() => session.post(request(1, "ping")), "POST /mcp", "refused", 404],
      [() => session.end(), "DELETE /mcp", "refused", 404],
    ]) {
      const { ms, ...rest } = await line(ask);
      assert.deepEqual(rest, { event: "http", method, outcome, code, rows: rest.rows });
    }
  });

  test("an error of the runtime is told by an id, under which the log has its text", async () => {
    const from = silent.logs.length;
    const { result: session } = await lines(1, () => open(server));
    const alone = new Stateless(server);
    const callAlone = async () => (await alone.round("tools/call", { name: "missing_secret", arguments: {} })).response.result;
    for (const [ask, era] of [
      [() => session.call("missing_secret"), "2025-11-25"],
      [callAlone, "2026-07-28"],
    ]) {
      const { all, result } = await lines(1, ask);
      assert.equal(result.isError, true, JSON.stringify(result));
      const [, id] = result.content[0].text.match(/^The server failed\. Its log has the cause under ([0-9a-f]{8})\.$/);
      assert.doesNotMatch(JSON.stringify(result), /MISSING_SECRET/);
      assert.deepEqual([all[0].era, all[0].outcome, all[0].cause_id], [era, "tool_error", id]);
      assert.match(all[0].cause, /MISSING_SECRET/);
    }
    await (await open(silent)).call("missing_secret");
    await until(() => said(silent, from).some(({ json }) => json?.cause?.includes("MISSING_SECRET")), () => "no cause");
  });

  test("the operator can turn the log off", async () => {
    const from = silent.logs.length;
    const session = await open(silent);
    await session.call("increment");
    await session.call("test_error_handling");
    await session.call("slow", { ms: 1200 });
    await new Stateless(silent).round("made/up");
    await send(silent, "GET", "/nowhere");
    await session.end();
    await sleep(100);
    assert.deepEqual(said(silent, from), []);
  });
});

describe("the log without a setting", () => {
  const brief = ({ all }) => all.map(({ event, method, name, outcome, code }) => ({ event, method, name, outcome, code }));

  test("a request that was answered soon leaves no line, of any transport and version", async () => {
    await lines(
      0,
      async () => {
        const session = await open(shipped);
        await session.call("echo", { text: "x" });
        await session.call("increment");
        await session.request("ping");
        await new Stateless(shipped).round("tools/list");
        const old = await openSse(shipped);
        await old.call("whoami");
        old.close();
        await send(shipped, "GET", "/");
        await session.end();
        await sleep(50);
      },
      shipped,
    );
  });

  test("a request that failed leaves its line, wherever it failed", async () => {
    const session = await open(shipped);
    const old = await openSse(shipped);
    for (const [ask, expected] of [
      [() => session.call("test_error_handling"), { method: "tools/call", name: "test_error_handling", outcome: "tool_error" }],
      [() => session.post(request(1, "made/up")), { method: "?", outcome: "error", code: -32601 }],
      [() => old.call("test_error_handling"), { method: "tools/call", name: "test_error_handling", outcome: "tool_error" }],
      [() => new Stateless(shipped).round("made/up"), { method: "?", outcome: "error", code: -32601 }],
    ]) {
      const none = { event: "request", name: undefined, code: undefined };
      assert.deepEqual(brief(await lines(1, ask, shipped)), [{ ...none, ...expected }]);
    }
    old.close();
    for (const [ask, method, code] of [
      [() => send(shipped, "GET", "/nowhere"), "GET ?", 404],
      [() => session.post(`{${" ".repeat(200)}`), "POST /mcp", 400],
    ]) {
      const expected = [{ event: "http", method, name: undefined, outcome: "refused", code }];
      assert.deepEqual(brief(await lines(1, ask, shipped)), expected);
    }
  });

  test("a slow request leaves its line with the time", async () => {
    const session = await open(shipped);
    const { all } = await lines(1, () => session.call("slow", { ms: 1200 }), shipped);
    assert.deepEqual([all[0].name, all[0].outcome], ["slow", "ok"]);
    assert.ok(all[0].ms >= 1000);
  });
});

describe("confidential contents of the log", () => {
  test("no argument, result, session id, credential or made-up name is logged", async () => {
    const from = server.logs.length;
    const canary = (what) => `canary-${what}-${Math.random().toString(36).slice(2)}`;
    const words = {};
    const secret = (what) => (words[what] ??= canary(what));
    const headers = {
      authorization: `Bearer ${secret("token")}`,
      cookie: `session=${secret("cookie")}`,
      "x-custom": secret("header"),
      "user-agent": secret("agent"),
    };
    const session = await open(server, {
      headers,
      client: { name: secret("client"), version: "1" },
      capabilities: { elicitation: {} },
      answers: { "elicitation/create": () => ({ action: "accept", content: { answer: secret("answer") } }) },
    });
    const quietly = (promise) => promise.catch(() => {});
    assert.equal(await session.callText("echo", { text: secret("argument") }), words.argument);
    await session.callText("ask", { message: secret("question") });
    await session.callText("log", { level: "error", text: secret("message") });
    await session.callText("sql", { text: secret("row") });
    await quietly(session.call(secret("tool")));
    await quietly(session.call("echo", { text: { [secret("key")]: 1 } }));
    await quietly(session.request(secret("method")));
    await quietly(session.request("prompts/get", { name: secret("prompt") }));
    await quietly(session.request("resources/read", { uri: `test://template/${secret("variable")}/data` }));
    await quietly(
      session.request("prompts/get", {
        name: "test_prompt_with_arguments",
        arguments: { arg1: secret("given"), arg2: "x" },
      }),
    );
    await quietly(
      session.request("completion/complete", {
        ref: { type: "ref/prompt", name: "test_prompt_with_arguments" },
        argument: { name: "arg1", value: secret("typed") },
      }),
    );
    await session.notify("notifications/cancelled", { requestId: 999, reason: secret("reason") });
    await session.notify(secret("notification"));
    const old = await openSse(server, { path: `/sse?key=${secret("query")}`, headers });
    await old.callText("echo", { text: secret("argument over SSE") });
    old.close();
    await send(server, "GET", `/${secret("path")}?${secret("parameter")}`, {
      headers: { ...headers, origin: `https://${secret("origin")}` },
    });
    await post(server, `{"${secret("not json")}`);
    await post(server, request(secret("id"), "ping"), { headers: { "mcp-session-id": secret("made-up id") } });
    await session.end();
    await post(server, request(secret("late id"), "ping"), { headers: session.headers });
    await sleep(200);

    const log = server.logs
      .slice(from)
      .map(({ text }) => text)
      .join("\n");
    assert.ok(log.includes('"name":"echo"') && log.includes('"method":"GET ?"'), log);
    const secrets = {
      ...words,
      "session id": session.id,
      "id of HTTP+SSE": old.id,
      "its middle": session.id.slice(60, 90),
    };
    const leaked = Object.entries(secrets).filter(([, word]) => log.includes(word));
    assert.deepEqual(
      leaked.map(([what]) => what),
      [],
    );
  });
});
