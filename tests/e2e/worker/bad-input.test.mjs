// Requests with something wrong in them: each gets a clear error, and nobody else notices, its session included.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { after, describe, test } from "node:test";
import { bystander } from "../../support/bystander.mjs";
import { initialize, post, request } from "../../support/mcp.mjs";
import { refuses } from "../../support/refusal.mjs";
import { WAIT_MS, bounded } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());
// Whatever comes, it goes on.
const session = await bystander(server);

const FIVE_MEGABYTES = 5_000_000;
const JSON_POST = { "content-type": "application/json", accept: "application/json, text/event-stream" };

const deep = (depth, open = "[", close = "]") => open.repeat(depth) + close.repeat(depth);
const raw = (id, method, params) =>
  `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}}`;

describe("request bodies", () => {
  // To the Worker, which begins sessions, and to a session's object, which reads what is longer than a few words.
  const places = [
    ["of a new session", (body, options) => post(server, body, options)],
    ["of a session", (body, options) => session.post(body, options)],
  ];

  for (const [where, send] of places) {
    test(`a body ${where} that is no JSON is a parse error`, async () => {
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

    test(`a body ${where} that is no UTF-8 is a parse error`, async () => {
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

    test(`a body ${where} that is JSON but no message is an invalid request with its id`, async () => {
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

    test(`a body ${where} of five megabytes is refused, with or without its length`, async () => {
      refuses(await send([], { headers: { "content-length": `${FIVE_MEGABYTES}` } }), 413, -32000);
      const chunk = Buffer.alloc(500_000, 0x20);
      refuses(await send(Array(FIVE_MEGABYTES / chunk.length).fill(chunk)), 413, -32000);
    });
  }

  test("a body with a malformed length is refused", async () => {
    for (const length of ["-1", "1e3", "abc"])
      assert.match(await rawPost({ "content-length": length }, "{}"), /^HTTP\/1\.1 400 /);
  });

  test("a body with ten thousand levels is an error", async () => {
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

  test("an id of up to 1024 bytes is returned unchanged, and a longer one is refused", async () => {
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
  await bounded(ended, WAIT_MS, () => `an answer, so far ${text}`).finally(() => socket.destroy());
  return text;
}

describe("method parameters", () => {
  const invalid = async (method, params, mentions) => {
    const answer = await session.post(request("p", method, params));
    refuses(answer, 200, -32602, "p");
    if (mentions) assert.match(answer.json.error.message, mentions);
  };

  test("parameters of the wrong type are an error that names the field", async () => {
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

  test("missing, unknown or made-up parameters are an error", async () => {
    for (const method of ["tools/call", "resources/read", "resources/subscribe", "prompts/get", "logging/setLevel"])
      await invalid(method, undefined, /missing/);
    await invalid("completion/complete", {}, /`type`/);
    await invalid("tools/call", { name: "no such tool" }, /no such tool/);
    await invalid("prompts/get", { name: "no such prompt" }, /no such prompt/);
    await invalid("logging/setLevel", { level: "loud" }, /debug/);
    await invalid("tools/list", { cursor: "made up" }, /cursor/);
    refuses(await session.post(request(1, "resources/read", { uri: "test://nowhere" })), 200, -32002, 1);
  });

  test("wrong tool arguments are a tool error with the path of the field", async () => {
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

  test("an unknown method is not found with any parameters", async () => {
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

  test("a notification with any parameters is accepted without an answer", async () => {
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

  test("parameters of `initialize` are checked before a session begins", async () => {
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
  test("headers of any length or content fail at most one request", async () => {
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
