// Clients that err, lie or vanish: each gets a clear error or is let go, and nobody else notices, its session included.
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { initialize, notification, open, openSse, post, request } from "../support/mcp.mjs";
import { bounded, until } from "../support/wait.mjs";
import { fixture } from "../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const FIVE_MEGABYTES = 5_000_000;
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
// What the kernel holds of a connection on loopback, at either end.
const SOCKET_BYTES = 12 * 1024 * 1024;
const JSON_POST = { "content-type": "application/json", accept: "application/json, text/event-stream" };

const deep = (depth, open = "[", close = "]") => open.repeat(depth) + close.repeat(depth);
const raw = (id, method, params) =>
  `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}}`;

// One session for all of it: whatever comes, it goes on.
let session;
let calls = 0;
beforeEach(async () => {
  session ??= await open(server);
});
afterEach(async () => {
  calls += 1;
  assert.equal(await session.callText("increment"), `${calls}`);
});

function refuses(answer, status, code, id = null) {
  assert.equal(answer.status, status, `${answer}`);
  assert.equal(answer.headers["content-type"], "application/json");
  const { error, ...envelope } = answer.json;
  assert.deepEqual(envelope, { jsonrpc: "2.0", id }, `${answer}`);
  assert.equal(error.code, code, `${answer}`);
  assert.equal(typeof error.message, "string");
  assert.ok(error.message.length > 10 && error.message.length < 1000, error.message);
}

describe("a body", () => {
  // To the Worker, which begins sessions, and to a session's object, which reads what is longer than a few words.
  const places = [
    ["of a new session", (body, options) => post(server, body, options)],
    ["of a session", (body, options) => session.post(body, options)],
  ];

  for (const [where, send] of places) {
    test(`${where} that is not JSON is a parse error`, async () => {
      const cut = JSON.stringify(request(1, "ping", { filler: "x".repeat(200) })).slice(0, -1);
      for (const body of [
        "",
        " ",
        "{",
        "}",
        "nope",
        "{'a':1}",
        '{"a":1,}',
        "undefined",
        "NaN",
        "\u0000",
        cut,
        `${cut}}}`,
        "<xml/>",
      ])
        refuses(await send(body), 400, -32700);
    });

    test(`${where} that is not UTF-8 is a parse error`, async () => {
      const text = (bytes, filler) =>
        Buffer.concat([
          Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"text":"${"x".repeat(filler)}`),
          Buffer.from(bytes),
          Buffer.from('"}}'),
        ]);
      for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xc0, 0x80]])
        for (const filler of [0, 300]) refuses(await send(text(bytes, filler)), 400, -32700);
      refuses(await send(gzipSync(JSON.stringify(request(1, "ping")))), 400, -32700);
      refuses(await send(Buffer.from(JSON.stringify(request(1, "ping")), "utf16le")), 400, -32700);
    });

    test(`${where} that is JSON and no message is an invalid request, its id kept if it can be`, async () => {
      const method = "ping";
      for (const [body, id = null] of [
        ["null"],
        ["true"],
        ["1"],
        ['"ping"'],
        ["{}"],
        ["[]"],
        [{ id: 1, method }, 1],
        [{ jsonrpc: "1.0", id: 1, method }, 1],
        [{ jsonrpc: 2, id: 1, method }, 1],
        [{ jsonrpc: null, id: "x", method }, "x"],
        [{ jsonrpc: "2.0", id: 1 }, 1],
        [{ jsonrpc: "2.0", id: 1, method: null }, 1],
        [{ jsonrpc: "2.0", id: 1, method: 5 }, 1],
        [{ jsonrpc: "2.0", id: 1, method: ["ping"] }, 1],
        [{ jsonrpc: "2.0", id: 1, method, params: [] }, 1],
        [{ jsonrpc: "2.0", id: 1, method, params: "x" }, 1],
        [{ jsonrpc: "2.0", id: 1, method, params: 0 }, 1],
        [{ jsonrpc: "2.0", id: 1, method, params: false }, 1],
        [{ jsonrpc: "2.0", id: 1, method, result: {} }, 1],
        [{ jsonrpc: "2.0", id: 1, method, error: { code: 1, message: "x" } }, 1],
        [{ jsonrpc: "2.0", id: 1, result: {}, error: { code: 1, message: "x" } }, 1],
        [{ jsonrpc: "2.0", id: 1, error: "x" }, 1],
        [{ jsonrpc: "2.0", id: 1, error: { code: "x", message: "x" } }, 1],
        [{ jsonrpc: "2.0", id: 1, error: { code: 1 } }, 1],
        [{ jsonrpc: "2.0", result: {} }],
        [{ jsonrpc: "2.0", id: null, method }],
        [{ jsonrpc: "2.0", id: 1.5, method }],
        [{ jsonrpc: "2.0", id: true, method }],
        [{ jsonrpc: "2.0", id: {}, method }],
        [{ jsonrpc: "2.0", id: [1], method }],
      ]) {
        const text = typeof body === "string" ? body : JSON.stringify(body);
        refuses(await send(text), 400, -32600, id);
      }
    });

    test(`${where} of five megabytes is refused at once, whether it says its length or not`, async () => {
      const from = performance.now();
      refuses(await send([], { headers: { "content-length": `${FIVE_MEGABYTES}` } }), 413, -32000);
      const chunk = Buffer.alloc(500_000, 0x20);
      refuses(await send(Array(FIVE_MEGABYTES / chunk.length).fill(chunk)), 413, -32000);
      assert.ok(performance.now() - from < 5000);
    });
  }

  test("with a length that is no number is refused", async () => {
    for (const length of ["-1", "1e3", "abc"])
      assert.match(await rawPost({ "content-length": length }, "{}"), /^HTTP\/1\.1 400 /);
  });

  test("of ten thousand levels is an error, wherever they are", async () => {
    const levels = deep(10_000);
    const objects = deep(10_000, '{"a":', "}").replace(":}", ":1}");
    refuses(await post(server, objects), 400, -32600);
    refuses(await post(server, levels), 400, -32000);
    for (const body of [levels, objects]) refuses(await session.post(body), 400, -32600);
    for (const nested of [levels, objects]) {
      refuses(await session.post(`{"jsonrpc":"2.0","id":${nested},"method":"ping"}`), 400, -32600);
      refuses(await session.post(`{"jsonrpc":"2.0","id":1,"method":${nested}}`), 400, -32600, 1);

      const told = await session.post(raw(2, "tools/call", `{"name":"echo","arguments":{"text":${nested}}}`));
      assert.equal(told.json.result.isError, true, `${told}`);
      assert.match(told.json.result.content[0].text, /`text`/);
      const free = await session.post(
        raw(3, "tools/call", `{"name":"json_schema_2020_12_tool","arguments":{"x":${nested}}}`),
      );
      assert.equal(free.json.result.isError, true, `${free}`);
      assert.match(free.json.result.content[0].text, /recursion limit/);

      // What nobody looks into may be as deep as it likes.
      const ignored = await session.post(raw(4, "ping", `{"x":${nested},"_meta":{"y":${nested}}}`));
      assert.deepEqual(ignored.json, { jsonrpc: "2.0", id: 4, result: {} });
    }
    refuses(await session.post(raw(5, "initialize", `{"protocolVersion":${levels}}`)), 400, -32600, 5);
  });

  test("may have an id of 1024 bytes that comes back to the letter, and no longer one", async () => {
    const numbers = ["0", "-1", "9007199254740993", "123456789012345678901234567890", "9".repeat(1024)];
    const texts = ['""', '"1"', '"\\u0041\\n"', '"\\ud800"', `"${"x".repeat(1022)}"`, '"' + "ü".repeat(511) + '"'];
    for (const id of [...numbers, ...texts]) {
      const answer = await session.post(raw(id, "ping", "{}"));
      assert.equal(answer.status, 200, `${id}: ${answer}`);
      assert.equal(answer.text, `{"jsonrpc":"2.0","id":${id},"result":{}}`);
    }
    for (const id of [`"${"x".repeat(1023)}"`, "9".repeat(1025), `"${"x".repeat(1_000_000)}"`])
      refuses(await session.post(raw(id, "ping", "{}")), 400, -32600);
  });
});

// The message as it stands on the wire, where node's client would correct it.
async function rawPost(headers, body) {
  const socket = connect(new URL(server.url).port, "127.0.0.1");
  let text = "";
  socket.setEncoding("utf8").on("data", (data) => (text += data));
  const ended = new Promise((resolve) => socket.once("close", resolve));
  const lines = Object.entries({ host: new URL(server.url).host, ...JSON_POST, ...headers, connection: "close" });
  socket.write(`POST /mcp HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`);
  await bounded(ended, 10_000, () => `an answer, so far ${text}`).finally(() => socket.destroy());
  return text;
}

describe("a method's parameters", () => {
  const invalid = async (method, params, mentions) => {
    const answer = await session.post(request("p", method, params));
    refuses(answer, 200, -32602, "p");
    if (mentions) assert.match(answer.json.error.message, mentions);
  };

  test("of the wrong type are an error that names the field", async () => {
    for (const wrong of [5, true, [], {}, [["x"]]]) {
      await invalid("tools/call", { name: wrong }, /`name`/);
      await invalid("tools/list", { cursor: wrong }, /`cursor`/);
      await invalid("resources/read", { uri: wrong }, /`uri`/);
      await invalid("resources/subscribe", { uri: wrong }, /`uri`/);
      await invalid("prompts/get", { name: wrong }, /`name`/);
      await invalid("logging/setLevel", { level: wrong }, /`level`/);
      await invalid("completion/complete", { ref: { type: wrong } }, /`type`/);
    }
    for (const wrong of [5, true, "x", ["x"]]) {
      await invalid("ping", { _meta: wrong }, /`_meta`/);
      await invalid("tools/call", { name: "echo", _meta: wrong }, /`_meta`/);
      await invalid("prompts/get", { name: "test_prompt_with_arguments", arguments: wrong }, /`arguments`/);
      await invalid("completion/complete", { ref: wrong }, /`ref`/);
    }
    await invalid("prompts/get", { name: "test_prompt_with_arguments", arguments: { arg1: 5, arg2: "x" } }, /`arg1`/);
    await invalid("prompts/get", { name: "test_prompt_with_arguments", arguments: { arg1: "x" } }, /`arg2`/);
  });

  test("that are missing, unknown or made up are an error", async () => {
    for (const method of ["tools/call", "resources/read", "resources/subscribe", "prompts/get", "logging/setLevel"])
      await invalid(method, undefined, /missing/);
    await invalid("completion/complete", {}, /`type`/);
    await invalid("tools/call", { name: "no such tool" }, /no such tool/);
    await invalid("prompts/get", { name: "no such prompt" }, /no such prompt/);
    await invalid("logging/setLevel", { level: "loud" }, /debug/);
    await invalid("tools/list", { cursor: "made up" }, /cursor/);
    refuses(await session.post(request(1, "resources/read", { uri: "test://nowhere" })), 200, -32002, 1);
  });

  test("that a tool does not take are told to the model, with the field's path", async () => {
    const good = { text: "t", colour: "red", place: { x: 1, y: 2 } };
    for (const [args, path] of [
      [{ ...good, text: 5 }, "`text`"],
      [{ ...good, count: "many" }, "`count`"],
      [{ ...good, count: -1 }, "`count`"],
      [{ ...good, count: 1e300 }, "`count`"],
      [{ ...good, colour: "mauve" }, "`colour`"],
      [{ ...good, colour: {} }, "`colour`"],
      [{ ...good, place: [] }, "`place`"],
      [{ ...good, place: { x: "1", y: 2 } }, "`place.x`"],
      [{ ...good, place: { x: 1 } }, "`place`"],
      [{ ...good, tags: ["a", 5] }, "`tags[1]`"],
      [{ ...good, tags: "a" }, "`tags`"],
      [{ ...good, text: undefined }, "`text`"],
    ]) {
      const { isError, content } = await session.call("arguments", args);
      assert.equal(isError, true);
      assert.ok(content[0].text.includes(path), `${JSON.stringify(args)}: ${content[0].text}`);
    }
    for (const args of [5, "x", true, [], ["x"]]) {
      const { isError, content } = await session.request("tools/call", { name: "arguments", arguments: args });
      assert.equal(isError, true);
      assert.match(content[0].text, /Invalid arguments for `arguments`/);
    }
    assert.equal(JSON.parse(await session.callText("arguments", good)).text, "t");
  });

  test("of a method that is unknown do not matter: it is not found", async () => {
    for (const method of [
      "",
      "tools",
      "tools/Call",
      "tools/call ",
      "../tools/list",
      "__proto__",
      "rpc.discover",
      "server/discover",
      "tasks/list",
      "\u0000",
    ])
      refuses(await session.post(request("u", method, { name: 5 })), 200, -32601, "u");
    refuses(await session.post(request("u", "x".repeat(1_000_000))), 200, -32601, "u");
  });

  test("of a notification are nobody's concern: it is taken and has no answer", async () => {
    for (const [method, params] of [
      ["notifications/cancelled", {}],
      ["notifications/cancelled", { requestId: null }],
      ["notifications/cancelled", { requestId: { a: 1 } }],
      ["notifications/cancelled", { requestId: "nobody's" }],
      ["notifications/progress", { progressToken: [] }],
      ["notifications/made-up", { a: deep(50) }],
      ["tools/call", { name: "increment" }],
    ])
      await session.notify(method, params);
  });

  test("of `initialize` are judged before a session begins", async () => {
    for (const [params, mentions] of [
      [{}, /`protocolVersion`/],
      [{ protocolVersion: 5 }, /`protocolVersion`/],
      [{ protocolVersion: "2025-11-25", capabilities: [] }, /`capabilities`/],
      [{ protocolVersion: "2025-11-25", capabilities: { elicitation: "yes" } }, /`elicitation`/],
      [{ protocolVersion: "2025-11-25", capabilities: {}, clientInfo: "me" }, /`clientInfo`/],
      [{ protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: 5 } }, /`name`/],
    ]) {
      const answer = await post(server, request("i", "initialize", params));
      refuses(answer, 200, -32602, "i");
      assert.match(answer.json.error.message, mentions);
      assert.equal(answer.headers["mcp-session-id"], undefined);
    }
    const huge = { name: "n".repeat(1_000_000), version: "1" };
    const answer = await post(
      server,
      initialize({ client: huge, capabilities: { experimental: { a: "x".repeat(1_000_000) } } }),
    );
    assert.equal(answer.status, 200, `${answer}`);
    assert.ok(answer.headers["mcp-session-id"].length < 300);
  });
});

describe("headers", () => {
  test("of any length or content refuse one request at most", async () => {
    for (const [name, value, status] of [
      ["mcp-session-id", "x".repeat(8000), 404],
      ["mcp-session-id", "\u00ff\u00fe", 404],
      ["mcp-session-id", `${"A".repeat(300)}, ${"B".repeat(300)}`, 404],
      ["mcp-protocol-version", "x".repeat(8000), 400],
      ["accept", ",".repeat(4000), 406],
      ["accept", `${"*/*;q=0,".repeat(500)}x`, 406],
      ["content-type", ";".repeat(4000), 415],
      ["content-type", "\u00ff", 415],
    ]) {
      const answer = await session.post(request(1, "ping"), { headers: { [name]: value } });
      assert.equal(answer.status, status, `${name}: ${value.slice(0, 20)}: ${answer}`);
      assert.ok(answer.text.length < 1000);
    }
    for (const lastEventId of [
      "x",
      "0-0-0",
      "-",
      "9".repeat(5000),
      "ffffffff-ffffffffffffffff-ffffffffffffffff",
      "0000000a-1-1",
    ]) {
      const { status } = await session.stream({ lastEventId }).opened;
      assert.equal(status, 400, lastEventId);
    }
  });
});

describe("a client that vanishes", () => {
  test("half way through its body leaves nothing behind", async () => {
    for (let count = 0; count < 5; count++) {
      const sending = httpRequest(new URL("/mcp", server.url), {
        method: "POST",
        headers: { ...JSON_POST, ...session.headers, "content-length": 1_000_000 },
        agent: false,
      });
      sending.on("error", () => {});
      await bounded(
        new Promise((resolve) => sending.write(raw(1, "tools/call", "").slice(0, 40), resolve)),
        10_000,
        "a write",
      );
      sending.destroy();
    }
    assert.deepEqual(await session.request("ping"), {});
  });

  test("in the middle of a stream can come back for the rest, and its call runs to its end", async () => {
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

  test("while a tool waits for its answer does not hold up its other calls", async () => {
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

  test("with a hundred streams open is forgotten", async () => {
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

describe("a client that answers nonsense", () => {
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

  test("is told apart from one that answers: the tool gets an error", async () => {
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

  test("to a question of another session does not settle it", async () => {
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
    const response = await bounded(opened, 30_000, "an answer");
    assert.equal(response.statusCode, 200);
    return { response, close: () => asked.destroy() };
  }

  async function readAll(response) {
    let text = "";
    const all = async () => {
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
    };
    await bounded(all(), 30_000, "the end of what was kept").catch((error) => {
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

  test("of a call is let go after 8 MiB; what it missed waits for it", { timeout: 120_000 }, async () => {
    const careless = await open(server, { version: "2025-03-26" });
    const flood = { name: "flood", arguments: { bytes: MEBIBYTE, count: COUNT, every_ms: 50 } };
    const body = JSON.stringify(request("flood", "tools/call", flood));
    const { response, close } = await paused("POST", "/mcp", { ...JSON_POST, ...careless.headers }, body);
    // The object still answers, and has let that stream go once the call is through.
    await server.log(({ json }) => json?.name === "flood", { ms: 60_000 });
    assert.equal(await careless.callText("echo", { text: "next" }), "next");

    const text = await readAll(response);
    close();
    const all = messagesIn(text);
    assert.ok(text.length <= MAX_UNREAD_BYTES + SOCKET_BYTES, `${text.length} bytes were kept`);
    assert.ok(all.length >= 4 && all.length < COUNT, `${all.length} messages`);
    // What it missed is more than it may leave unread, so it has to come back more than once.
    for (let rounds = 0; !all.at(-1).isResult; rounds++) {
      assert.ok(rounds < COUNT, `${all.length} messages`);
      const rest = await careless.stream({ lastEventId: all.at(-1).id, ms: 60_000 }).text();
      assert.ok(rest.length <= MAX_UNREAD_BYTES + 2 * MEBIBYTE, `${rest.length} bytes at once`);
      all.push(...messagesIn(rest));
    }
    assert.equal(new Set(all.map(({ id }) => id)).size, COUNT + 1);
    assert.equal(all.length, COUNT + 1);
  });

  test("of HTTP+SSE is let go after 8 MiB, and its session with it", { timeout: 120_000 }, async () => {
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
    await until(async () => (await post(server, big(posted++), { path })).status === 404, "the session to end", {
      ms: 60_000,
      every: 1,
    });
    assert.ok(posted * MEBIBYTE <= MAX_UNREAD_BYTES + SOCKET_BYTES + 10 * MEBIBYTE, `${posted} answers`);
    const text = await readAll(response);
    close();
    assert.ok(text.length <= MAX_UNREAD_BYTES + SOCKET_BYTES, `${text.length} bytes were kept`);
  });
});

describe("a client that sends too much at once", () => {
  test("in one batch is refused: a hundred messages are enough", async () => {
    const old = await open(server, { version: "2025-03-26" });
    const batch = (count) => JSON.stringify(Array.from({ length: count }, (_, id) => request(id, "ping")));
    refuses(await old.post(batch(101)), 400, -32600);
    assert.equal((await old.post(batch(100))).json.length, 100);
    refuses(await old.post(`[${"1,".repeat(1_000_000)}1]`), 400, -32600);
  });

  test("of notifications is answered each time", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => session.post(notification("notifications/made-up", { n }))),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
  });

  test("of subscriptions is refused at the 257th, and may give one up", { timeout: 60_000 }, async () => {
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

  test(
    "over HTTP+SSE runs out of room as over Streamable HTTP, and has its room back",
    { timeout: 60_000 },
    async () => {
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
    },
  );
});
