// `POST /mcp` of the 2025 versions: accepted and refused requests (headers, content type, body), and the answer to one request.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { VERSIONS, initialize, notification, open, post, request, send } from "../../support/mcp.mjs";
import { refuses } from "../../support/refusal.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture({ vars: { LOG_REQUESTS: "all" } });
after(() => server.stop());

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const session = await open(server);

const call = (id, name, args = {}) => request(id, "tools/call", { name, arguments: args });

describe("request headers", () => {
  test("a request without a session id is refused with its request id", async () => {
    refuses(await post(server, request("q", "tools/list")), 400, -32000, "q");
    refuses(await post(server, notification("notifications/initialized")), 400, -32000);
    refuses(await send(server, "DELETE", "/mcp"), 400, -32000);
  });

  test("a request must accept JSON and events, by any media range", async () => {
    for (const accept of ["application/json", "text/event-stream", "text/html", "application/json, text/event-stream;q=0"])
      for (const body of [initialize(), request(1, "ping")]) {
        const headers = body.method === "ping" ? { ...session.headers, accept } : { accept };
        refuses(await post(server, body, { headers }), 406, -32000);
      }
    for (const accept of ["*/*", null, "application/*, text/*;q=0.5", "Application/JSON,TEXT/event-stream"]) {
      const answer = await session.post(request(1, "ping"), { headers: { accept } });
      assert.equal(answer.status, 200, `${accept}: ${answer}`);
      assert.deepEqual(answer.json.result, {});
    }
  });

  test("a request must have the content type JSON, with or without parameters", async () => {
    for (const type of ["text/plain", null, "application/x-www-form-urlencoded", "application/json-seq"]) {
      refuses(await session.post(request(1, "ping"), { headers: { "content-type": type } }), 415, -32000);
      refuses(await post(server, initialize(), { headers: { "content-type": type } }), 415, -32000);
    }
    for (const type of ["application/json; charset=utf-8", "APPLICATION/JSON"]) {
      const answer = await session.post(request(1, "ping"), { headers: { "content-type": type } });
      assert.equal(answer.status, 200, `${answer}`);
    }
  });

  test("an unsupported version is refused by every method with the supported ones", async () => {
    const headers = { ...session.headers, "mcp-protocol-version": "1999-01-01" };
    const get = { ...headers, accept: "text/event-stream" };
    for (const [answer, id] of [
      [await post(server, request(1, "ping"), { headers }), 1],
      [await send(server, "GET", "/mcp", { headers: get }), null],
      [await send(server, "DELETE", "/mcp", { headers }), null],
    ]) {
      refuses(answer, 400, -32000, id);
      for (const version of VERSIONS) assert.ok(answer.json.error.message.includes(version), answer.json.error.message);
    }
    assert.equal((await session.post(request(1, "ping"))).status, 200, "it was deleted");
  });

  for (const method of ["PUT", "PATCH", "HEAD", "TRACE"]) {
    test(`the HTTP method ${method} is refused with the allowed ones`, async () => {
      const answer = await send(server, method, "/mcp", { headers: session.headers });
      assert.equal(answer.status, 405, `${answer}`);
      assert.deepEqual(answer.headers.allow.split(", ").toSorted(), ["DELETE", "GET", "OPTIONS", "POST"]);
      if (method !== "HEAD") refuses(answer, 405, -32000);
    });
  }
});

describe("request bodies", () => {
  for (const [where, send] of [
    ["without a session", (body, headers) => post(server, body, { headers })],
    ["on a session", (body, headers) => session.post(body, { headers })],
  ]) {
    test(`a body that is no JSON is a parse error ${where}`, async () => {
      for (const body of ["", "{", "nope", '{"jsonrpc":"2.0","id":1,"method":"ping"', "\u0000", "[1,"])
        refuses(await send(body), 400, -32700);
    });

    test(`a body that is no UTF-8 is a parse error ${where}`, async () => {
      refuses(await send(Buffer.from([0x22, 0xff, 0xfe, 0x22])), 400, -32700);
    });

    test(`a body that is no message is an invalid request ${where}, with its id if readable`, async () => {
      for (const [body, id] of [
        ["1", null],
        ["{}", null],
        ['"ping"', null],
        ["null", null],
        ['{"jsonrpc":"2.0","id":null,"method":"ping"}', null],
        ['{"jsonrpc":"2.0","id":{},"method":"ping"}', null],
        ['{"jsonrpc":"2.0","id":1.5,"method":"ping"}', null],
        ['{"jsonrpc":"1.0","id":3,"method":"ping"}', 3],
        ['{"id":"three","method":"ping"}', "three"],
        ['{"jsonrpc":"2.0","id":3,"method":5}', 3],
        ['{"jsonrpc":"2.0","id":3,"method":"ping","params":[1]}', 3],
        ['{"jsonrpc":"2.0","id":3}', 3],
      ])
        refuses(await send(body), 400, -32600, id);
    });

    test(`a body of more than 4 MiB is refused ${where}, with or without its length`, async () => {
      // The answer comes before the body does.
      refuses(await send([], { "content-length": `${MAX_BODY_BYTES + 1}` }), 413, -32000);
      const mebibyte = Buffer.alloc(1024 * 1024, 0x20);
      refuses(await send([mebibyte, mebibyte, mebibyte, mebibyte, " "]), 413, -32000);
    });
  }

  test("a body of 4 MiB is read, with or without its length", async () => {
    const message = Buffer.from(JSON.stringify(request(1, "ping")));
    const body = Buffer.concat([message, Buffer.alloc(MAX_BODY_BYTES - message.length, 0x20)]);
    const half = body.length / 2;
    for (const sent of [body, [body.subarray(0, half), body.subarray(half)]]) {
      const answer = await session.post(sent);
      assert.equal(answer.status, 200, `${answer}`);
      assert.deepEqual(answer.json.result, {});
    }
  });
});

describe("a message without an answer", () => {
  for (const [what, message] of [
    ["a notification", notification("notifications/initialized")],
    ["a notification that nobody knows", notification("notifications/made/up", { some: "thing" })],
    ["a notification of more than a few bytes", notification("notifications/progress", { message: "x".repeat(1000) })],
    ["a result that nobody waits for", { jsonrpc: "2.0", id: 12345, result: { roots: [] } }],
    ["an error that nobody waits for", { jsonrpc: "2.0", id: "?", error: { code: -32601, message: "Not here." } }],
    ["an error without an id", { jsonrpc: "2.0", error: { code: -32700, message: "What?" } }],
    ["an error whose id is null", { jsonrpc: "2.0", id: null, error: { code: -32700, message: "What?" } }],
  ]) {
    test(`${what} is accepted, with an empty body`, async () => {
      const answer = await session.post(message);
      assert.deepEqual([answer.status, answer.text], [202, ""], `${answer}`);
    });
  }

  test("an error as an answer ends the question", async () => {
    const session = await open(server, { capabilities: { roots: {} } });
    using stream = session.postStream(call(1, "roots"));
    const question = await stream.find(({ data }) => data);
    assert.equal(question.json.method, "roots/list");
    const error = { code: -32601, message: "There are none here." };
    const accepted = await session.post({ jsonrpc: "2.0", id: question.json.id, error });
    assert.deepEqual([accepted.status, accepted.text], [202, ""]);
    const { json } = await stream.next();
    assert.equal(json.result.isError, true);
    assert.match(json.result.content[0].text, /There are none here/);
  });
});

describe("a request", () => {
  test("a response repeats the request id exactly", async () => {
    for (const id of ["1", '"1"', '""', "-7", "0", '"listen:0"', '"\\u00e9"', "9007199254740993"]) {
      const answer = await session.post(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.text, `{"jsonrpc":"2.0","id":${id},"result":{}}`);
    }
  });

  test("a mebibyte is returned byte for byte", async () => {
    const odd = "é漢\u2028\u2029\u0085👩‍👩‍👧‍👦 \n\r\n\r\t\"\\\u0000\u001f\ufeff data: x\n\nevent: y\n\n";
    const text = odd.repeat(Math.ceil((1024 * 1024) / Buffer.byteLength(odd)));
    assert.ok(Buffer.byteLength(text) >= 1024 * 1024);
    const quiet = await session.post(call(1, "echo", { text }));
    assert.equal(quiet.headers["content-type"], "application/json");
    assert.ok(quiet.json.result.content[0].text === text, "the text is another one");
    // The same among events.
    const old = await open(server, { version: "2025-03-26" });
    const progress = { name: "test_tool_with_progress", _meta: { progressToken: "p" } };
    const batch = [call("echo", "echo", { text }), request("slow", "tools/call", progress)];
    const events = await old.post(JSON.stringify(batch));
    assert.match(events.headers["content-type"], /^text\/event-stream/);
    const echoed = events.messages.find(({ id }) => id === "echo");
    assert.ok(echoed.result.content[0].text === text, "the text is another one");
  });

  test("a request without earlier messages is answered with JSON", async () => {
    const answer = await session.post(call("x", "slow", { ms: 100 }));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.deepEqual(answer.json, {
      jsonrpc: "2.0",
      id: "x",
      result: { content: [{ type: "text", text: "waited 100 ms" }] },
    });
  });

  test("a request is answered with a stream if the deployment is set to it", async () => {
    await using streaming = await fixture({ vars: { ANSWERS: "events" } });
    const session = await open(streaming, { version: "2025-06-18" });
    const answer = await session.post(call("x", "slow", { ms: 100 }));
    assert.equal(answer.status, 200);
    assert.match(answer.headers["content-type"], /^text\/event-stream/);
    const [event, ...more] = answer.events;
    assert.deepEqual([event.json.id, event.json.result.content[0].text, more], ["x", "waited 100 ms", []]);
  });

  test("a failing tool is reported in the result", async () => {
    const answer = await session.post(call(1, "test_error_handling"));
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json.result, {
      content: [{ type: "text", text: "This tool intentionally returns an error for testing" }],
      isError: true,
    });
  });

  test("an unknown tool, resource, prompt or method is named in the error", async () => {
    for (const [method, params, code] of [
      ["tools/call", { name: "no_such_tool" }, -32602],
      ["resources/read", { uri: "test://no/such" }, -32002],
      ["prompts/get", { name: "no_such_prompt" }, -32602],
      ["no/such", {}, -32601],
      ["server/discover", {}, -32601],
    ]) {
      const answer = await session.post(request("r", method, params));
      refuses(answer, 200, code, "r");
      assert.ok(answer.json.error.message.includes(params.name ?? params.uri ?? method), `${answer}`);
    }
  });

  test("wrong arguments are named in the error", async () => {
    const answer = await session.post(call(1, "echo", { text: 5 }));
    assert.equal(answer.status, 200);
    assert.equal(answer.json.result.isError, true, `${answer}`);
    assert.match(answer.json.result.content[0].text, /`text`.*string/);
    const missing = await session.post(call(1, "echo"));
    assert.equal(missing.json.result.isError, true, `${missing}`);
    assert.match(missing.json.result.content[0].text, /text/);
    refuses(await session.post(request(1, "tools/call", {})), 200, -32602, 1);
  });
});

describe("parallel requests", () => {
  test("parallel requests are each answered on their own connection", async () => {
    const waits = [300, 10, 200, 0, 100, 1, 2, 3];
    const answers = await Promise.all(waits.map((ms) => session.post(call(`w${ms}`, "slow", { ms }))));
    for (const [at, ms] of waits.entries()) {
      assert.equal(answers[at].status, 200);
      assert.equal(answers[at].json.id, `w${ms}`);
      assert.equal(answers[at].json.result.content[0].text, `waited ${ms} ms`);
    }
  });

  for (const [what, ids] of [
    ["with ids of their own", [1, 2]],
    ["with one id", [7, 7]],
  ]) {
    test(`${what} with parallel streams are independent`, async () => {
      const session = await open(server, { capabilities: { elicitation: {} } });
      const [first, second] = ids.map((id, at) => session.postStream(call(id, "ask", { message: `of ${at}` })));
      const questions = [];
      for (const [at, stream] of [first, second].entries()) {
        const { json } = await stream.find(({ data }) => data);
        assert.equal(json.params.message, `of ${at}`);
        questions.push(json.id);
      }
      // Both run. The later one is answered first.
      for (const [at, stream] of [
        [1, second],
        [0, first],
      ]) {
        const content = { answer: `to ${at}` };
        const accepted = await session.post({ jsonrpc: "2.0", id: questions[at], result: { action: "accept", content } });
        assert.equal(accepted.status, 202);
        const { json } = await stream.next();
        assert.equal(json.id, ids[at]);
        assert.deepEqual(json.result.content[0].text, `action=accept, content={"answer":"to ${at}"}`);
        assert.equal(await stream.next(), undefined, "there is more on the stream");
      }
    });
  }
});

describe("request headers in a tool", () => {
  test("a tool sees the client's own headers and none that are secret or internal", async () => {
    const { structuredContent: headers } = await session.call("headers", {}, {
      headers: {
        "x-custom": "custom value",
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        authorization: "Bearer secret",
        cookie: "session=secret",
        "x-durable-mcp-caller": "secret",
        "x-durable-mcp-transport": "secret",
      },
    });
    assert.equal(headers["x-custom"], "custom value");
    assert.match(headers.traceparent, /^00-0af7/);
    const names = Object.keys(headers).filter((name) => /authorization|cookie|durable/i.test(name));
    assert.deepEqual(names, []);
    assert.doesNotMatch(JSON.stringify(headers), /secret/);
  });

  test("a tool sees no caller that headers make up", async () => {
    const caller = { subject: "ann", client_id: "c", scopes: ["admin"], props: {} };
    const forged = Buffer.from(JSON.stringify(caller)).toString("base64url");
    const { structuredContent } = await session.call("whoami", {}, { headers: { "x-durable-mcp-caller": forged } });
    assert.deepEqual(structuredContent, { user: null, client: "tests", version: "2025-11-25" });
  });

  test("the Worker chooses the transport, not a header", async () => {
    const answer = await session.post(request(1, "ping"), { headers: { "x-durable-mcp-transport": "sse" } });
    assert.equal(answer.status, 200, `${answer}`);
    assert.deepEqual(answer.json.result, {});
  });
});

test("a request leaves a line in the log with nothing of its contents", async () => {
  await session.call("echo", { text: "a secret text" });
  const line = await server.log(({ json }) => json?.event === "request" && json.name === "echo");
  assert.deepEqual([line.json.method, line.json.era, line.json.outcome], ["tools/call", "2025-11-25", "ok"]);
  const log = server.logs.map(({ text }) => text).join("\n");
  assert.doesNotMatch(log, /a secret text/);
  assert.ok(!log.includes(session.id), "the session id is in the log");
});
