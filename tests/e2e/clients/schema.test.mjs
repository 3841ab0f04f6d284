// The check that every other test file makes of the server's messages: what it lets pass, and what not.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { open, openSse, post, request } from "../../support/mcp.mjs";
import { InvalidMessage, complaints } from "../../support/schema.mjs";

const ALL = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];
const STATELESS = ALL.at(-1);
const SESSIONS = ALL.slice(0, -1);
const since = (version) => ALL.slice(ALL.indexOf(version));
const until = (version) => ALL.slice(0, ALL.indexOf(version));

const response = (result, id = 1) => ({ jsonrpc: "2.0", id, result });
const failure = (error, id = 1) => ({ jsonrpc: "2.0", id, error });
const notification = (method, params) => ({ jsonrpc: "2.0", method, params });
const text = (text) => ({ type: "text", text });
const SERVER = { name: "tests", version: "1.0.0" };

const right = (version, message, method) =>
  assert.deepEqual(complaints(version, message, method && request(1, method)), [], `${version} ${method}`);
function wrong(version, message, method, mentions = /./) {
  const found = complaints(version, message, method && request(1, method));
  assert.ok(found.length > 0, `${version} allows ${JSON.stringify(message)}`);
  assert.match(found.join("\n"), mentions);
}

// A result as the version wants it.
const result = (version, value, cached = false) =>
  response({
    ...value,
    ...(version === STATELESS && { resultType: "complete", ...(cached && { ttlMs: 0, cacheScope: "private" }) }),
  });

for (const version of ALL) {
  describe(`messages of ${version}`, () => {
    test("each result fits its request", () => {
      right(version, result(version, { content: [text("hello")] }), "tools/call");
      right(version, result(version, { tools: [{ name: "a", inputSchema: { type: "object" } }] }, true), "tools/list");
      right(version, result(version, { contents: [{ uri: "a://b", blob: "aGk=" }] }, true), "resources/read");
      right(version, result(version, { messages: [{ role: "user", content: text("hi") }] }), "prompts/get");
      right(version, result(version, { completion: { values: ["a"] } }), "completion/complete");
    });

    test("each result has the specified members and types", () => {
      wrong(version, result(version, {}), "tools/call", /content/);
      wrong(version, result(version, { content: [text(5)] }), "tools/call", /content\/0\/text must be string/);
      wrong(version, result(version, { content: [{ type: "video" }] }), "tools/call", /anyOf/);
      const image = { type: "image", data: "ä", mimeType: "a/b" };
      wrong(version, result(version, { content: [image] }), "tools/call", /byte/);
      wrong(version, result(version, { tools: [{ name: "a" }] }, true), "tools/list", /inputSchema/);
      wrong(version, result(version, { contents: [{ uri: "no uri", text: "" }] }, true), "resources/read", /"?uri"?/);
      wrong(version, result(version, { resources: [] }, true), "resources/templates/list", /resourceTemplates/);
      wrong(version, result(version, {}), "no/such", /no\/such/);
    });

    test("each message has the envelope of JSON-RPC", () => {
      const { result: value } = result(version, { content: [] });
      wrong(version, { id: 1, result: value }, "tools/call", /jsonrpc/);
      wrong(version, { ...response(value), jsonrpc: "1.0" }, "tools/call", /jsonrpc/);
      wrong(version, response(value, null), "tools/call", /id/);
      wrong(version, response(value, 1.5), "tools/call", /id/);
      wrong(version, { jsonrpc: "2.0", id: 1 }, "tools/call", /result/);
      wrong(version, "hello");
      wrong(version, null);
    });

    test("each error has a code and a message", () => {
      right(version, failure({ code: -32601, message: "no", data: {} }));
      wrong(version, failure({ message: "no" }), undefined, /code/);
      wrong(version, failure({ code: "-1", message: "no" }), undefined, /code/);
      wrong(version, failure({ code: -32601 }), undefined, /message/);
    });

    test("each notification is one that servers send", () => {
      right(version, notification("notifications/message", { level: "info", data: "hi" }));
      right(version, notification("notifications/progress", { progressToken: "a", progress: 1 }));
      right(version, notification("notifications/tools/list_changed"));
      wrong(version, notification("notifications/message", { level: "loud", data: "hi" }), undefined, /emergency/);
      wrong(version, notification("notifications/progress", { progress: 1 }), undefined, /progressToken/);
      wrong(version, notification("notifications/resources/updated", {}), undefined, /uri/);
      wrong(version, notification("notifications/initialized"), undefined, /initialized/);
      wrong(version, notification("notifications/roots/list_changed"), undefined, /roots/);
    });
  });
}

describe("differences between versions", () => {
  const allowed = (versions, make, method) => {
    for (const version of ALL) (versions.includes(version) ? right : wrong)(version, make(version), method);
  };

  test("audio, links and batches", () => {
    const audio = { type: "audio", data: "aGk=", mimeType: "audio/wav" };
    const link = { type: "resource_link", uri: "a://b", name: "a" };
    allowed(since("2025-03-26"), (version) => result(version, { content: [audio] }), "tools/call");
    allowed(since("2025-06-18"), (version) => result(version, { content: [link] }), "tools/call");
    allowed(["2025-03-26"], () => [response({})]);
    allowed([], () => []);
  });

  test("the answer to a request whose id could not be read has `null` for it, and later none", () => {
    const parse = { code: -32700, message: "no JSON" };
    allowed(until(STATELESS), () => failure(parse, null));
    allowed(since("2025-11-25"), () => ({ jsonrpc: "2.0", error: parse }));
  });

  test("initialize and ping", () => {
    const hello = (version) => result(version, { protocolVersion: version, capabilities: {}, serverInfo: SERVER });
    allowed(SESSIONS, hello, "initialize");
    allowed(SESSIONS, (version) => result(version, {}), "ping");
    const discovered = { supportedVersions: ALL, capabilities: {} };
    allowed([STATELESS], (version) => result(version, discovered, true), "server/discover");
  });

  test("requests of the server", () => {
    const sampling = { messages: [{ role: "user", content: text("hi") }], maxTokens: 10 };
    const form = { message: "?", requestedSchema: { type: "object", properties: { a: { type: "string" } } } };
    allowed(SESSIONS, () => request(1, "roots/list"));
    allowed(SESSIONS, () => request(1, "sampling/createMessage", sampling));
    allowed([], () => request(1, "sampling/createMessage", { ...sampling, maxTokens: "ten" }));
    allowed(["2025-06-18", "2025-11-25"], () => request(1, "elicitation/create", form));
    allowed([], () => request(1, "elicitation/create", { message: "?" }));
    allowed([], () => request(1, "tools/list"));
  });
});

describe(`${STATELESS} alone`, () => {
  const now = "2026-08-01T00:00:00Z";
  const task = { taskId: "t", status: "working", createdAt: now, lastUpdatedAt: now, ttlMs: null };
  const input = { roots: { method: "roots/list" } };
  const wants = (value, method) => right(STATELESS, response(value), method);
  const refuses = (value, method, mentions) => wrong(STATELESS, response(value), method, mentions);

  test("results say their type, and those that may be kept for how long", () => {
    refuses({ content: [] }, "tools/call", /resultType/);
    refuses({ content: [], resultType: "partial" }, "tools/call", /partial/);
    refuses({ tools: [], resultType: "complete" }, "tools/list", /ttlMs/);
    refuses({ tools: [], resultType: "complete", ttlMs: -1, cacheScope: "all" }, "tools/list", /cacheScope/);
  });

  test("input is asked for by the requests that may", () => {
    const asks = { resultType: "input_required", inputRequests: input, requestState: "s" };
    for (const method of ["tools/call", "prompts/get", "resources/read"]) wants(asks, method);
    wants({ resultType: "input_required", requestState: "s" }, "tools/call");
    refuses({ resultType: "input_required" }, "tools/call", /neither/);
    refuses({ resultType: "input_required", inputRequests: { a: { method: "ping" } } }, "tools/call", /inputRequests/);
    refuses({ resultType: "input_required", inputRequests: {}, requestState: 5 }, "tools/call", /requestState/);
    refuses(asks, "tools/list", /tools\/list/);
    refuses(asks, "tasks/get", /tasks\/get/);
  });

  test("errors of its own carry what belongs to them", () => {
    right(STATELESS, failure({ code: -32022, message: "no", data: { supported: ALL, requested: "1999-01-01" } }));
    wrong(STATELESS, failure({ code: -32022, message: "no" }), undefined, /data/);
    wrong(STATELESS, failure({ code: -32021, message: "no", data: {} }), undefined, /requiredCapabilities/);
  });

  test("a subscription is acknowledged", () => {
    const acknowledged = "notifications/subscriptions/acknowledged";
    right(STATELESS, notification(acknowledged, { notifications: { toolsListChanged: true } }));
    wrong(STATELESS, notification(acknowledged, {}), undefined, /notifications/);
  });

  test("a call becomes a task, and nothing else does", () => {
    wants({ resultType: "task", ...task }, "tools/call");
    refuses({ resultType: "task", ...task }, "prompts/get", /prompts\/get/);
    refuses({ resultType: "task", ...task, taskId: 5 }, "tools/call", /CreateTaskResult\/taskId/);
    refuses({ resultType: "task", ...task, status: "running" }, "tools/call", /CreateTaskResult\/status/);
    refuses({ resultType: "task", ...task, ttlMs: undefined }, "tools/call", /CreateTaskResult\/ttlMs/);
  });

  test("a task has what belongs to its state", () => {
    const states = [
      [{ status: "working" }],
      [{ status: "cancelled" }],
      [{ status: "completed", result: { resultType: "complete", content: [text("done")] } }, { result: {} }],
      [{ status: "input_required", inputRequests: input }, { inputRequests: { a: {} } }],
      [{ status: "failed", error: { code: -32603, message: "no" } }, { error: "no" }],
    ];
    for (const [state, broken] of states) {
      wants({ resultType: "complete", ...task, ...state }, "tasks/get");
      right(STATELESS, notification("notifications/tasks", { ...task, ...state }));
      if (!broken) continue;
      for (const other of [broken, { [Object.keys(broken)[0]]: undefined }]) {
        refuses({ resultType: "complete", ...task, ...state, ...other }, "tasks/get");
        wrong(STATELESS, notification("notifications/tasks", { ...task, ...state, ...other }));
      }
    }
    for (const method of ["tasks/update", "tasks/cancel"]) {
      wants({ resultType: "complete" }, method);
      refuses({}, method, /resultType/);
    }
    for (const version of SESSIONS) wrong(version, notification("notifications/tasks", { ...task }));
  });
});

// Of a server that answers `initialize` well and anything else as the test says.
describe("the clients of the tests", () => {
  let answer;
  let url;
  const server = createServer(async (incoming, outgoing) => {
    const chunks = await incoming.toArray();
    if (incoming.method === "GET") {
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      outgoing.write("event: endpoint\ndata: /messages?sessionId=of-the-stream\n\n");
      return outgoing.write(`event: message\ndata: ${JSON.stringify(answer)}\n\n`);
    }
    const { method, params, id } = JSON.parse(Buffer.concat(chunks).toString());
    if (id === undefined) return outgoing.writeHead(202).end();
    if (method === "initialize") {
      const { protocolVersion } = params;
      outgoing.writeHead(200, { "content-type": "application/json", "mcp-session-id": `of-${protocolVersion}` });
      return outgoing.end(JSON.stringify(response({ protocolVersion, capabilities: {}, serverInfo: SERVER }, id)));
    }
    const stream = incoming.headers["x-stream"];
    outgoing.writeHead(200, { "content-type": stream ? "text/event-stream" : "application/json" });
    outgoing.end(stream ? `data: ${JSON.stringify(answer)}\n\n` : JSON.stringify(answer));
  });
  before(async () => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    url = `http://127.0.0.1:${server.address().port}`;
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  const named = (version) => (error) => error instanceof InvalidMessage && error.message.includes(`of ${version} in`);

  for (const version of SESSIONS.slice(1)) {
    test(`messages are checked against the version of the session: ${version}`, async () => {
      const session = await open(url, { version });
      answer = response({ content: [{ type: "resource_link", uri: "a://b", name: "a" }] });
      for (const headers of [{}, { "x-stream": "yes" }]) {
        const called = session.post(request(1, "tools/call", { name: "a" }), { headers });
        if (version === "2025-03-26") await assert.rejects(called, named(version));
        else assert.equal((await called).status, 200);
      }
      await assert.rejects(session.request("tools/list"), named(version));
    });
  }

  test("messages without a session are checked against the version of the request", async () => {
    const list = request(1, "tools/list", { _meta: { "io.modelcontextprotocol/protocolVersion": STATELESS } });
    answer = response({ tools: [], resultType: "complete", ttlMs: 0, cacheScope: "public" });
    assert.equal((await post(url, list)).status, 200);
    answer = response({ tools: [] });
    await assert.rejects(post(url, list), named(STATELESS));
  });

  test("messages on the stream of HTTP+SSE are checked", async () => {
    answer = notification("notifications/message", { level: "loud", data: "hi" });
    const listening = async () => (await openSse(url, { initialize: false })).ended;
    await assert.rejects(listening(), named("2024-11-05"));
  });

  test("texts that are no messages are not checked", async () => {
    answer = { error: "invalid_token" };
    assert.equal((await post(url, { id: "no message" })).status, 200);
  });
});
