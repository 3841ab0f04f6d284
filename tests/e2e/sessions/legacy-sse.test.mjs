// HTTP+SSE of 2024-11-05: one stream for everything the server says, and POSTs beside it.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import { EventStream, initialize, notification, open, openSse, post, request, send } from "../../support/mcp.mjs";
import { refuses } from "../../support/refusal.mjs";
import { sleep, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const servers = [];
after(() => Promise.all(servers.map((server) => server.stop())));

async function start(options) {
  const server = await fixture(options);
  servers.push(server);
  return server;
}

const server = await start();

const COUNTER = "mcp://resource/counter";
// Proxies cut what is quiet for a minute; IDLE_MS=360000 tells that six are no problem either.
const IDLE_MS = Number(process.env.IDLE_MS ?? 60_000);
// workerd drops an object ten seconds after its last request.
const EVICTED_AFTER_MS = 13_000;
const MAX_BODY_BYTES = 4 * 1024 * 1024;
// Nothing of it is answered, so nothing is written on the stream.
const NOTHING = notification("notifications/initialized");

const streams = new Set();
afterEach(() => {
  for (const stream of streams) stream.close();
  streams.clear();
});

function events(path = "/sse", headers = {}) {
  const stream = new EventStream(server, "GET", path, { headers: { accept: "text/event-stream", ...headers } });
  streams.add(stream);
  return stream;
}

function accepted(answer) {
  assert.equal(answer.status, 202, `${answer}`);
  assert.equal(answer.text, "");
}

describe("the opening of a stream", () => {
  test("a stream first names its endpoint: a path of the same origin with a session id", async () => {
    const stream = events();
    const { status, headers } = await stream.opened;
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "text/event-stream");
    assert.match(headers["cache-control"], /\bno-cache\b/);
    assert.match(headers["cache-control"], /\bno-transform\b/);
    assert.equal(headers["x-accel-buffering"], "no");
    assert.equal(headers["mcp-session-id"], undefined);

    const { event, data, id } = await stream.next();
    assert.equal(event, "endpoint");
    assert.equal(id, undefined);
    assert.match(data, /^\/sse\/message\?sessionId=[\x21-\x7e]{50,300}$/);
    assert.equal(new URL(data, server.url).origin, server.url);
  });

  test("the endpoint keeps query parameters and adds the session id", async () => {
    const stream = events("/sse?tenant=a%20b&sessionId=made-up&flag&x=1%262");
    const { data } = await stream.next();
    const url = new URL(data, server.url);
    assert.match(data, /^\/sse\/message\?tenant=a%20b&flag&x=1%262&sessionId=/);
    assert.deepEqual(url.searchParams.getAll("tenant"), ["a b"]);
    assert.deepEqual(url.searchParams.getAll("x"), ["1&2"]);
    const ids = url.searchParams.getAll("sessionId");
    assert.equal(ids.length, 1);
    assert.notEqual(ids[0], "made-up");
    accepted(await post(server, NOTHING, { path: data }));
  });

  test("each stream begins a session of its own", async () => {
    const [one, other] = await Promise.all([openSse(server), openSse(server)]);
    assert.notEqual(one.id, other.id);
    assert.equal(await one.callText("increment", { by: 5 }), "5");
    assert.equal(await other.callText("increment"), "1");
    one.close();
    other.close();
  });

  test("a client that does not accept events is refused", async () => {
    for (const accept of ["application/json", "text/event-stream;q=0"])
      refuses(await send(server, "GET", "/sse", { headers: { accept } }), 406, -32000);
    for (const accept of ["*/*", null, "text/*"]) {
      const stream = events("/sse", { accept });
      assert.equal((await stream.next()).event, "endpoint", accept);
    }
  });

  test("a POST of `initialize` tells a Streamable HTTP client to fall back", async () => {
    for (const method of ["POST", "DELETE", "PUT", "PATCH"]) {
      const answer = await send(server, method, "/sse", {
        headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
        body: method === "POST" ? initialize() : undefined,
      });
      refuses(answer, 405, -32000);
      assert.equal(answer.headers.allow, "GET, OPTIONS");
    }
  });
});

describe("a session", () => {
  test("every POST is answered on the stream by `message` events without an id", async () => {
    const stream = events();
    const path = (await stream.next()).data;
    accepted(await post(server, initialize({ version: "2024-11-05" }), { path }));
    const hello = await stream.next();
    assert.deepEqual([hello.event, hello.id], ["message", undefined]);
    const { id, result } = hello.json;
    assert.deepEqual([id, result.protocolVersion, result.serverInfo.name], [0, "2024-11-05", "durable-mcp-fixture"]);
    accepted(await post(server, NOTHING, { path }));

    accepted(
      await post(server, request("a-1", "tools/call", { name: "echo", arguments: { text: "a\nb\u2028ü" } }), { path }),
    );
    const answer = await stream.next();
    assert.equal(answer.event, "message");
    assert.deepEqual(answer.json, {
      jsonrpc: "2.0",
      id: "a-1",
      result: { content: [{ type: "text", text: "a\nb\u2028ü" }] },
    });

    accepted(await post(server, request(2, "no/such/method"), { path }));
    const refused = (await stream.next()).json;
    assert.deepEqual([refused.id, refused.error.code], [2, -32601]);
    await stream.quiet(100);
  });

  test("any session version is negotiated and applied", async () => {
    for (const version of ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]) {
      const session = await openSse(server, { version, client: { name: `client of ${version}`, version: "1" } });
      assert.equal(session.version, version);
      const { structuredContent } = await session.call("whoami");
      assert.deepEqual(structuredContent, { user: null, client: `client of ${version}`, version });
      const { content } = await session.call("link");
      assert.equal(content[0].type, version < "2025-06-18" ? "text" : "resource_link");
      session.close();
    }
    const session = await openSse(server, { version: "1999-01-01" });
    assert.equal(session.version, "2025-11-25");
    session.close();
  });

  test("an `initialize` without a version is refused with the reason", async () => {
    const stream = events();
    const path = (await stream.next()).data;
    accepted(await post(server, request(0, "initialize", { capabilities: {} }), { path }));
    const { id, error } = (await stream.next()).json;
    assert.deepEqual([id, error.code], [0, -32602]);
    assert.match(error.message, /protocolVersion/);
  });

  test("progress and log messages precede their result on the stream", async () => {
    const session = await openSse(server);
    const progress = await session.exchange("tools/call", {
      name: "test_tool_with_progress",
      arguments: {},
      _meta: { progressToken: "p" },
    });
    assert.deepEqual(
      progress.notifications.map(({ method, params }) => [method, params.progressToken, params.progress]),
      [0, 50, 100].map((done) => ["notifications/progress", "p", done]),
    );
    const { notifications } = await session.exchange("tools/call", { name: "test_tool_with_logging", arguments: {} });
    assert.deepEqual(
      notifications.map(({ method, params }) => [method, params.level]),
      Array(3).fill(["notifications/message", "info"]),
    );
    session.close();
  });

  test("a resource is notified on the stream only while it is subscribed to", async () => {
    const session = await openSse(server);
    const updates = () => session.messages.filter(({ method }) => method === "notifications/resources/updated");
    await session.call("increment");
    assert.deepEqual(updates(), []);
    assert.deepEqual(await session.request("resources/subscribe", { uri: COUNTER }), {});
    await session.call("increment");
    assert.deepEqual(
      updates().map(({ params }) => params),
      [{ uri: COUNTER }],
    );
    assert.deepEqual(await session.request("resources/unsubscribe", { uri: COUNTER }), {});
    await session.call("increment");
    assert.equal(updates().length, 1);
    session.close();
  });

  test("questions go out on the stream, and answers come by POST", async () => {
    for (const version of ["2024-11-05", "2025-11-25"]) {
      const asked = [];
      const session = await openSse(server, {
        version,
        capabilities: { elicitation: {}, sampling: {}, roots: {} },
        answers: {
          "elicitation/create": (params) => {
            asked.push(params.message);
            return { action: "accept", content: { answer: "blue" } };
          },
          "sampling/createMessage": () => ({ role: "assistant", content: { type: "text", text: "yes" }, model: "m" }),
          "roots/list": () => ({ roots: [{ uri: "file:///a" }, { uri: "file:///b" }] }),
        },
      });
      assert.equal(await session.callText("ask", { message: "Which?" }), 'action=accept, content={"answer":"blue"}');
      assert.deepEqual(asked, ["Which?"]);
      assert.equal(await session.callText("test_sampling", { prompt: "?" }), "LLM response: yes");
      assert.equal(await session.callText("roots"), "file:///a\nfile:///b");
      session.close();
    }
  });

  test("a client without the capability is not asked", async () => {
    const session = await openSse(server);
    const { isError, content } = await session.call("ask", { message: "Which?" });
    assert.equal(isError, true);
    assert.match(content[0].text, /elicitation/);
    assert.ok(session.messages.every(({ method }) => method !== "elicitation/create"));
    session.close();
  });

  test("calls run in parallel, each answered by its own id", async () => {
    const session = await openSse(server);
    const slow = session.callText("slow", { ms: 400 });
    assert.equal(await session.callText("echo", { text: "quick" }), "quick");
    assert.ok(!session.messages.some(({ result }) => result?.content?.[0].text === "waited 400 ms"));
    assert.equal(await slow, "waited 400 ms");
    session.close();
  });

  test("a cancelled call is not answered", async () => {
    const session = await openSse(server);
    accepted(await session.post(request("late", "tools/call", { name: "slow", arguments: { ms: 300 } })));
    await session.notify("notifications/cancelled", { requestId: "late" });
    await sleep(500);
    assert.deepEqual(await session.request("ping"), {});
    assert.ok(!session.messages.some(({ id }) => id === "late"));
    session.close();
  });

  test("a session keeps its state and reads it as a resource", async () => {
    const session = await openSse(server);
    assert.equal(await session.callText("increment", { by: 3 }), "3");
    assert.equal(await session.callText("increment", { by: 4 }), "7");
    const { contents } = await session.request("resources/read", { uri: COUNTER });
    assert.equal(contents[0].text, "7");
    session.close();
  });
});

describe("posted messages", () => {
  test("a message to no, a made-up or another transport's session is refused and makes no object", async () => {
    const fresh = await start();
    const streamable = await open(fresh);
    await streamable.call("increment");
    const session = await openSse(fresh);
    const own = session.id;
    assert.equal(fresh.objects("McpObject"), 2);
    const path = (id) => `/sse/message?sessionId=${id}`;
    refuses(await post(fresh, request(1, "ping"), { path: "/sse/message" }), 400, -32000);
    refuses(
      await post(fresh, request(1, "ping"), { path: "/sse/message", headers: { "mcp-session-id": own } }),
      400,
      -32000,
    );
    for (const wrong of [
      "",
      "garbage",
      own.slice(0, -1),
      `${own}A`,
      own.replace(/.$/, (last) => (last === "A" ? "B" : "A")),
    ])
      refuses(await post(fresh, request(1, "ping"), { path: path(wrong) }), 404, -32001);
    refuses(await post(fresh, request(1, "ping"), { path: path(streamable.id) }), 404, -32001);
    refuses(await post(fresh, request(1, "ping"), { headers: { "mcp-session-id": own } }), 404, -32001);
    assert.equal(fresh.objects("McpObject"), 2);
    assert.equal(await streamable.callText("increment"), "2");
    assert.equal(await session.callText("increment"), "1");
    session.close();
  });

  test("a malformed message is refused with the reason, and the session continues", async () => {
    const session = await openSse(server);
    refuses(await session.post("{"), 400, -32700);
    refuses(await session.post(Buffer.from([0x22, 0xff, 0x22])), 400, -32700);
    refuses(await session.post({ jsonrpc: "1.0", id: 9, method: "ping" }), 400, -32600, 9);
    refuses(await session.post(JSON.stringify([request(1, "ping")])), 400, -32600);
    refuses(await session.post(request(1, "ping"), { headers: { "content-type": "text/plain" } }), 415, -32000);
    refuses(await session.post([], { headers: { "content-length": `${MAX_BODY_BYTES + 1}` } }), 413, -32000);
    refuses(await session.post(["x".repeat(MAX_BODY_BYTES), "x"]), 413, -32000);
    assert.equal(await session.callText("echo", { text: "still here" }), "still here");
    assert.equal(session.messages.length, 2);
    session.close();
  });

  test("other methods than POST are refused", async () => {
    const session = await openSse(server);
    for (const method of ["GET", "DELETE", "PUT"]) {
      const answer = await send(server, method, session.path);
      refuses(answer, 405, -32000);
      assert.equal(answer.headers.allow, "POST, OPTIONS");
    }
    session.close();
  });

  test("an answer to no question is dropped", async () => {
    const session = await openSse(server);
    accepted(await session.post({ jsonrpc: "2.0", id: 77, result: {} }));
    accepted(await session.post({ jsonrpc: "2.0", id: null, error: { code: -32700, message: "what?" } }));
    assert.deepEqual(await session.request("ping"), {});
    session.close();
  });
});

// One path for both transports, as `auto` of the TypeScript library has it.
describe("HTTP+SSE at the path of Streamable HTTP", async () => {
  const shared = await start({ vars: { SAME_PATH: "true" } });
  const get = (headers) => send(shared, "GET", "/mcp", { headers });

  test("a GET without a session opens a stream of HTTP+SSE, whose messages go below", async () => {
    const session = await openSse(shared, {
      path: "/mcp",
      capabilities: { roots: {} },
      answers: {
        "roots/list": () => ({ roots: [{ uri: "file:///a" }] }),
      },
    });
    assert.match(session.endpoint, /^\/mcp\/message\?sessionId=/);
    assert.equal(session.version, "2024-11-05");
    assert.equal(await session.callText("increment", { by: 2 }), "2");
    assert.equal(await session.callText("roots"), "file:///a");
    session.close();
  });

  test("a POST begins and serves a Streamable session, a GET with one opens its stream, a DELETE ends it", async () => {
    const session = await open(shared);
    assert.equal(await session.callText("increment", { by: 2 }), "2");
    const stream = session.stream();
    const first = await stream.next();
    assert.deepEqual([first.event, first.data], [undefined, ""]);
    await session.call("announce");
    assert.equal((await stream.find(({ data }) => data)).json.method, "notifications/tools/list_changed");
    assert.equal((await session.end()).status, 204);
    refuses(await get({ ...session.headers, accept: "text/event-stream" }), 404, -32001);
    refuses(await session.post(request(1, "ping")), 404, -32001);
    refuses(await session.end(), 404, -32001);
  });

  test("sessions of both transports run side by side independently", async () => {
    const [old, young] = await Promise.all([openSse(shared, { path: "/mcp" }), open(shared)]);
    assert.equal(await old.callText("increment", { by: 10 }), "10");
    assert.equal(await young.callText("increment", { by: 1 }), "1");
    const { contents } = await young.request("resources/read", { uri: COUNTER });
    assert.equal(contents[0].text, "1");
    old.close();
  });

  test("a request that fits neither transport is refused", async () => {
    refuses(await post(shared, request(4, "ping")), 400, -32000, 4);
    refuses(await send(shared, "DELETE", "/mcp"), 400, -32000);
    refuses(await get({ accept: "text/event-stream", "mcp-session-id": "made-up" }), 404, -32001);
    refuses(await get({ accept: "application/json" }), 406, -32000);
    refuses(await send(shared, "PUT", "/mcp"), 405, -32000);
    assert.equal((await send(shared, "GET", "/sse", { headers: { accept: "text/event-stream" } })).status, 404);
  });
});

// These wait for the runtime, each on a server of its own.
describe("a quiet session", { concurrency: true }, () => {
  test("a quiet stream has comments and stays open", async () => {
    const session = await openSse(server, { client: { name: "patient", version: "1" } });
    const said = session.messages.length;
    await sleep(IDLE_MS);
    assert.ok(session.events.comments >= Math.floor(IDLE_MS / 30_000), `${session.events.comments} comments`);
    assert.equal(session.messages.length, said);
    const { structuredContent } = await session.call("whoami");
    assert.equal(structuredContent.client, "patient");
    session.close();
  });

  test("a session outlives its object's sleep with its version and state", async () => {
    const own = await start({ trace: true });
    const session = await openSse(own, {
      version: "2025-06-18",
      client: { name: "sleeper", version: "1" },
      capabilities: { elicitation: {} },
      answers: { "elicitation/create": () => ({ action: "accept", content: { answer: "awake" } }) },
    });
    assert.equal(await session.callText("increment", { by: 4 }), "4");
    await session.request("logging/setLevel", { level: "error" });
    await session.request("resources/subscribe", { uri: COUNTER });

    const warm = await own.cost(() => session.call("whoami"));
    assert.deepEqual([warm.storageReads, warm.result.structuredContent.client], [0, "sleeper"]);
    await sleep(EVICTED_AFTER_MS);
    const woken = await own.cost(() => session.call("whoami"));
    // An object looks into its storage once, when it wakes.
    assert.ok(woken.storageReads > 0, "the object has not slept");
    assert.deepEqual(woken.result.structuredContent, { user: null, client: "sleeper", version: "2025-06-18" });

    assert.equal(await session.callText("ask", { message: "?" }), 'action=accept, content={"answer":"awake"}');
    await session.call("log", { level: "info", text: "too little" });
    assert.equal(await session.callText("increment", { by: 1 }), "5");
    assert.deepEqual(
      session.messages.filter(({ method, id }) => method && id === undefined).map(({ method }) => method),
      ["notifications/resources/updated"],
    );
    session.close();
  });

  test("a session ends when its client disconnects, and is unknown to both transports", async () => {
    const session = await openSse(server);
    assert.equal(await session.callText("increment"), "1");
    accepted(await session.post(request("unheard", "tools/call", { name: "slow", arguments: { ms: 110_000 } })));
    session.close();
    // That nobody reads shows with what is written next, which is a comment at the latest.
    await until(async () => (await session.post(NOTHING)).status !== 202, "the session to end", { every: 500 });
    refuses(await session.post(request(1, "ping")), 404, -32001);
    refuses(await post(server, request(1, "ping"), { headers: { "mcp-session-id": session.id } }), 404, -32001);
    await server.log(({ json }) => json?.name === "slow" && json.outcome === "cancelled");
  });

  test("an ended session leaves nothing behind", async () => {
    const own = await start({ trace: true });
    const session = await openSse(own);
    assert.equal(await session.callText("increment"), "1");
    assert.equal(await session.callText("sql", { text: "a row of the tool's own" }), "1");
    const { operations, alarms } = await own.cost(async () => {
      accepted(await session.post(request("unread", "ping")));
      session.close();
      await until(async () => {
        await session.post(request("unread", "ping"));
        return (await session.post(NOTHING)).status === 404;
      }, "the session to end");
    });
    assert.equal(operations.durable_object_storage_deleteAll, 1, JSON.stringify(operations));
    assert.ok(alarms > 0);
  });

  test("a session ends with the server, and a new connection begins anew", async () => {
    const own = await start();
    const session = await openSse(own);
    assert.equal(await session.callText("increment", { by: 9 }), "9");
    await own.restart();
    refuses(await session.post(request(1, "ping")), 404, -32001);
    const next = await openSse(own);
    assert.equal(await next.callText("increment"), "1");
    next.close();
  });
});
