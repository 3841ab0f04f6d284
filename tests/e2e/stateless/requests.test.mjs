// `POST /mcp` of 2026-07-28: accepted and refused requests (headers, content type, body), and the answer to one request.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { initialize, post, request, send } from "../../support/mcp.mjs";
import { META, STATELESS, Stateless, headerValue, refusesStateless as refuses, rejected } from "../../support/stateless.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const client = new Stateless(server);
const OBJECT = "McpObject";
const call = (id, name, args = {}) => client.message(id, "tools/call", { name, arguments: args });
const SERVER_INFO = { [`${META}/serverInfo`]: { name: "durable-mcp-fixture", version: "0.1.0" } };

describe("server/discover", () => {
  test("discovery has versions, capabilities and server info", async () => {
    const { response, status, headers } = await client.round("server/discover");
    assert.equal(status, 200);
    assert.equal(headers["mcp-session-id"], undefined);
    const { ttlMs, ...result } = response.result;
    assert.ok(Number.isInteger(ttlMs) && ttlMs >= 0);
    assert.deepEqual(result, {
      resultType: "complete",
      _meta: SERVER_INFO,
      cacheScope: "public",
      supportedVersions: [STATELESS],
      capabilities: {
        completions: {},
        extensions: { [`${META}/tasks`]: {}, "fixture.example/echo": {} },
        logging: {},
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        tools: { listChanged: true },
      },
      instructions: "For tests only.",
    });
  });

  test("discovery works without client info and returns any id unchanged", async () => {
    const nameless = new Stateless(server, { client: null });
    for (const id of ["server-discover-probe-1", "1", 1, 0, -7]) {
      const answer = await nameless.post(nameless.message(id, "server/discover"));
      assert.equal(answer.status, 200, `${answer}`);
      assert.deepEqual([answer.json.id, answer.json.result.supportedVersions], [id, [STATELESS]]);
    }
  });
});

describe("request headers", () => {
  const add = call(1, "echo", { text: "x" });
  const read = client.message(1, "resources/read", { uri: "test://static-text" });
  const prompt = client.message(1, "prompts/get", { name: "test_simple_prompt" });
  for (const [what, message, headers] of [
    ["without the version", add, { "mcp-protocol-version": null }],
    ["with the version of a session", add, { "mcp-protocol-version": "2025-11-25" }],
    ["with a version that nobody knows", add, { "mcp-protocol-version": "2099-01-01" }],
    ["without the method", add, { "mcp-method": null }],
    ["with another method", add, { "mcp-method": "tools/list" }],
    ["with the method in other letters", add, { "mcp-method": "Tools/Call" }],
    ["without the tool's name", add, { "mcp-name": null }],
    ["with another tool's name", add, { "mcp-name": "big" }],
    ["with a name in broken base64", add, { "mcp-name": "=?base64?ZWNoby?=" }],
    ["with another name in base64", add, { "mcp-name": "=?base64?YmlnZ2Vy?=" }],
    ["without the resource's URI", read, { "mcp-name": null }],
    ["without the prompt's name", prompt, { "mcp-name": null }],
    ["without the task's id", client.message(1, "tasks/get", { taskId: "x" }), { "mcp-name": null }],
  ]) {
    test(`headers are refused ${what}`, async () => {
      refuses(await client.post(message, { headers }), 400, -32020, 1);
    });
  }

  for (const [what, headers] of [
    ["with the name in base64", { "mcp-name": "=?base64?ZWNobw==?=" }],
    ["with whitespace around", { "mcp-name": "  echo ", "mcp-method": " tools/call\t", "mcp-protocol-version": ` ${STATELESS} ` }],
    ["in capitals", { "mcp-method": null, "MCP-METHOD": "tools/call", "mcp-name": null, "MCP-NAME": "echo" }],
    ["with a session's id and an event's, which mean nothing", { "mcp-session-id": "made-up", "last-event-id": "1-1-1" }],
  ]) {
    test(`headers are accepted ${what}`, async () => {
      const answer = await client.post(add, { headers });
      assert.equal(answer.status, 200, `${answer}`);
      assert.equal(answer.json.result.content[0].text, "x");
      assert.equal(answer.headers["mcp-session-id"], undefined);
    });
  }

  test("headers may carry any name", async () => {
    for (const name of ["größe", " ", "two\nlines", "=?base64?x?="]) {
      assert.match(headerValue(name), /^=\?base64\?/);
      const { message } = await rejected(client.request("prompts/get", { name }), -32602);
      assert.match(message, /no prompt/);
    }
  });
});

describe("the metadata of a request", () => {
  const { params, ...message } = call("e", "echo", { text: "x" });
  const { _meta: whole } = params;
  const without = (key) => Object.fromEntries(Object.entries(whole).filter(([name]) => name !== `${META}/${key}`));
  for (const [what, _meta] of [
    ["is missing", undefined],
    ["is empty", {}],
    ["has no version", without("protocolVersion")],
    ["has no capabilities", without("clientCapabilities")],
    ["has capabilities that are none", { ...whole, [`${META}/clientCapabilities`]: [] }],
    ["has a level that no log has", { ...whole, [`${META}/logLevel`]: "loud" }],
  ]) {
    test(`a request is refused if its metadata ${what}`, async () => {
      refuses(await client.post({ ...message, params: { ...params, _meta } }), 400, -32602, "e");
    });
  }

  test("a request of an unsupported version is refused with the supported ones", async () => {
    for (const version of ["2099-01-01", "2025-11-25", "v999.0.0"]) {
      const message = client.message(1, "tools/list", { _meta: { [`${META}/protocolVersion`]: version } });
      const answer = await client.post(message, { headers: { "mcp-protocol-version": version } });
      const { data } = refuses(answer, 400, -32022, 1);
      assert.deepEqual(data, { supported: [STATELESS], requested: version });
    }
  });
});

describe("method names", () => {
  for (const method of [
    ...["no/such", "initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"],
    ...["tasks/list", "tasks/result", "notifications/initialized", "Tools/List"],
  ]) {
    test(`the unknown method ${JSON.stringify(method)} is not found`, async () => {
      const answer = await client.post(client.message("m", method, { uri: "a:b", level: "info" }));
      refuses(answer, 404, -32601, "m");
    });
  }

  test("an error of a handler is answered with status 200", async () => {
    for (const [method, params, code] of [
      ["tools/call", { name: "no_such_tool" }, -32602],
      ["prompts/get", { name: "no_such_prompt" }, -32602],
      ["resources/read", { uri: "test://no/such" }, -32602],
      ["tools/list", { cursor: "made up" }, -32602],
      ["prompts/get", { name: "test_prompt_with_arguments" }, -32602],
    ]) {
      const error = refuses(await client.post(client.message(9, method, params)), 200, code, 9);
      if (method === "resources/read") assert.deepEqual(error.data, { uri: params.uri });
    }
    const failed = await client.call("test_error_handling");
    assert.equal(failed.isError, true);
    const misfit = await client.call("echo", { text: 5 });
    assert.match(misfit.content[0].text, /`text`.*string/);
    assert.deepEqual([misfit.isError, misfit.resultType], [true, "complete"]);
  });
});

describe("a body that is no request", () => {
  test("batches, responses and malformed messages are refused", async () => {
    const list = client.message(1, "tools/list");
    const headers = { "mcp-protocol-version": STATELESS, "mcp-method": "tools/list" };
    for (const [body, code, id] of [
      [JSON.stringify([list]), -32600],
      [JSON.stringify([list, client.message(2, "tools/list")]), -32600],
      ["[]", -32600],
      [JSON.stringify({ jsonrpc: "2.0", id: 1, result: {} }), -32600],
      [JSON.stringify({ jsonrpc: "2.0", id: 1, error: { code: -32603, message: "No." } }), -32600],
      ["{", -32700],
      ["", -32700],
      [JSON.stringify({ ...list, id: null }), -32600],
      [JSON.stringify({ ...list, jsonrpc: "1.0" }), -32600, 1],
    ])
      refuses(await post(server, body, { headers }), 400, code, id);
    // The body alone tells of a batch.
    refuses(await post(server, JSON.stringify([list])), 400, -32600);
  });

  test("a notification is accepted and changes nothing", async () => {
    const { id: _, ...notification } = client.message(1, "notifications/cancelled", { requestId: 1 });
    const answer = await client.post(notification);
    assert.deepEqual([answer.status, answer.text], [202, ""], `${answer}`);
  });

  for (const method of ["GET", "DELETE"]) {
    test(`${method} is refused without a session`, async () => {
      const headers = { "mcp-protocol-version": STATELESS, accept: "text/event-stream" };
      const answer = await send(server, method, "/mcp", { headers });
      assert.equal(answer.headers.allow, "POST, OPTIONS");
      refuses(answer, 405, -32000);
    });
  }

  test("a wrong content type, a partial `Accept` and a long body are refused", async () => {
    const list = client.message(1, "tools/list");
    refuses(await client.post(list, { headers: { "content-type": "text/plain" } }), 415, -32000);
    refuses(await client.post(list, { headers: { accept: "application/json" } }), 406, -32000);
    const length = { "content-length": `${4 * 1024 * 1024 + 1}` };
    const head = { ...client.headersOf(list), ...length };
    refuses(await post(server, [], { headers: head }), 413, -32000);
  });
});

describe("a mirrored argument", () => {
  const routed = (args) => call(1, "test_x_mcp_header", args);
  test("an argument is accepted if its header has the same value or both are missing", async () => {
    const careful = new Stateless(server);
    await careful.learn();
    for (const args of [
      {},
      { region: null },
      { region: "eu" },
      { region: "Köln 1", shard: 7, dry_run: false },
      { region: " a ", text: "not repeated" },
      { region: "=?base64?x?=" },
    ]) {
      const given = JSON.parse(await careful.callText("test_x_mcp_header", args));
      const absent = { region: null, shard: null, dry_run: null, text: null };
      assert.deepEqual(given, { ...absent, ...args });
    }
    const headers = { "mcp-param-shard": "7.0", "mcp-param-other": "nobody asks" };
    assert.equal((await client.post(routed({ shard: 7 }), { headers })).status, 200);
  });

  for (const [what, args, headers] of [
    ["missing", { region: "eu" }, {}],
    ["different", { region: "eu" }, { "mcp-param-region": "us" }],
    ["in other letters", { region: "eu" }, { "mcp-param-region": "EU" }],
    ["in broken base64", { region: "eu" }, { "mcp-param-region": "=?base64?ZXU?=" }],
    ["another number", { shard: 7 }, { "mcp-param-shard": "7.5" }],
    ["another truth", { dry_run: true }, { "mcp-param-dry-run": "false" }],
    ["there without the argument", {}, { "mcp-param-region": "eu" }],
  ]) {
    test(`an argument is refused if its header is ${what}`, async () => {
      refuses(await client.post(routed(args), { headers }), 400, -32020, 1);
    });
  }
});

test("no stateless request makes an object, however wrong it is", async () => {
  assert.equal(server.objects(OBJECT), 0);
  assert.equal(server.objects("McpTask"), 0);
  await rejected(client.request("tools/call", { name: "no_such_tool" }), -32602);
  assert.equal((await post(server, request(1, "ping"))).status, 400);
  assert.equal(server.objects(OBJECT), 0);
});
