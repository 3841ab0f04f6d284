// One server for clients of every version: the same tools give the same, and none is disturbed by another's requests.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { open, openSse, post, request, send } from "../../support/mcp.mjs";
import { STATELESS, Stateless, handleIn, rejected } from "../../support/stateless.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const CAN = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const NAMES = { username: "ann", email: "ann@example.com" };
const FORMS = {
  "What is your name?": { name: "Ann" },
  "Step 1: What is your name?": { name: "Ann" },
  "Step 2: What is your favorite color?": { color: "blue" },
  "Please confirm": { ok: true },
  "Who are you?": NAMES,
  "Delete a.txt?": { confirm: true },
  "Anything to add?": { value: "a note" },
};
const answers = {
  "elicitation/create": ({ mode, message }) => {
    if (mode === "url") return { action: "accept" };
    return FORMS[message] ? { action: "accept", content: FORMS[message] } : { action: "decline" };
  },
  "sampling/createMessage": ({ messages }) => ({
    role: "assistant",
    content: { type: "text", text: `to ${[messages.at(-1).content].flat()[0].text}` },
    model: "a model",
  }),
  "roots/list": () => ({ roots: [{ uri: "file:///one" }, { uri: "file:///two" }] }),
};
const options = { capabilities: CAN, answers };
const ERAS = {
  "2025-11-25": await open(server, options),
  "2024-11-05": await openSse(server, options),
  [STATELESS]: new Stateless(server, options),
};
after(() => ERAS["2024-11-05"].close());

/** The outcome of a request, without members that only one version has. */
async function outcome(client, method, params) {
  const { response, notifications } = await client.exchange(method, params);
  const told = notifications.map(({ method, params }) => [method, params]);
  if (response.error) return { error: response.error, told };
  const { resultType, _meta, ttlMs, cacheScope, ...result } = response.result;
  return { result, told };
}

async function same(method, params, differences = {}) {
  const ofSession = await outcome(ERAS["2025-11-25"], method, params);
  for (const version of ["2024-11-05", STATELESS]) {
    const expected = differences[version]?.(ofSession) ?? ofSession;
    assert.deepEqual(await outcome(ERAS[version], method, params), expected, version);
  }
  return ofSession;
}

describe("a tool gives the same to a client of 2024-11-05, of 2025-11-25 and of 2026-07-28", () => {
  for (const [what, name, args, expected] of [
    ["a text", "test_simple_text", {}, "This is a simple text response for testing."],
    ["a picture", "test_image_content"],
    ["a resource", "test_embedded_resource"],
    ["several kinds of content", "test_multiple_content_types"],
    ["nothing", "nothing"],
    ["its arguments", "json_schema_2020_12_tool", { name: "n", phone: "1" }],
    ["an error of its own", "test_error_handling", {}, "This tool intentionally returns an error for testing"],
    ["arguments that do not fit", "echo", { text: 5 }],
    ["a panic", "panic"],
    ["a panic later", "panic", { after_ms: 10 }],
    ["the answer of a person", "test_elicitation", { message: "Who are you?" }, /ann@example/],
    ["a person who declines", "ask", { message: "May I?" }, "action=decline"],
    ["the answer of a model", "test_sampling", { prompt: "Hello?" }, "LLM response: to Hello?"],
    ["a model with a name", "sample", { prompt: "Et toi ?" }, "a model said: to Et toi ?"],
    ["folders", "roots", {}, "file:///one\nfile:///two"],
    ["questions at once", "test_input_required_result_multiple_inputs", {}, /^Ann to Generate a greeting file:/],
    ["questions in turn", "test_input_required_result_multi_round", {}, "Ann likes blue"],
    ["what it may ask", "test_input_required_result_capabilities"],
    ["a client that could be asked, and is not", "test_streaming_elicitation", {}, "Nothing was asked."],
    ["a long job", "slow_compute", { seconds: 1, label: "it" }, "computed it in 1 s"],
    ["a job that asks", "confirm_delete", { filename: "a.txt" }, "Deleted a.txt"],
  ]) {
    test(`${what}: ${name}`, async () => {
      const { result, told } = await same("tools/call", { name, arguments: args ?? {} });
      assert.deepEqual(told, []);
      if (expected instanceof RegExp) assert.match(result.content[0].text, expected);
      else if (expected !== undefined) assert.equal(result.content[0].text, expected);
    });
  }

  test("structured content is the same, and repeated as text", async () => {
    const { result } = await same("tools/call", { name: "structured", arguments: { name: "Ann Lee" } });
    assert.deepEqual(result.structuredContent, { name: "Ann Lee", characters: 7, words: [3, 3], remark: null });
    assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
  });

  test("progress carries the token of the client", async () => {
    const { told } = await same("tools/call", { name: "test_tool_with_progress", _meta: { progressToken: "t" } });
    assert.deepEqual(told.map(([, params]) => [params.progressToken, params.progress]), [["t", 0], ["t", 50], ["t", 100]]);
  });

  test("log messages are the same, requested by level in 2026-07-28", async () => {
    const quiet = await same("tools/call", { name: "test_tool_with_logging" }, { [STATELESS]: (all) => ({ ...all, told: [] }) });
    const listening = new Stateless(server, { ...options, logLevel: "info" });
    assert.deepEqual(await outcome(listening, "tools/call", { name: "test_tool_with_logging" }), quiet);
    assert.equal(quiet.told.length, 3);
  });

  test("a URL elicitation is the same in versions that have it", async () => {
    for (const version of ["2025-11-25", STATELESS])
      assert.equal(await ERAS[version].callText("url_elicitation"), "opened", version);
  });

  test("an unknown tool and a refused one are the same errors", async () => {
    const { error } = await same("tools/call", { name: "no_such_tool" });
    assert.equal(error.code, -32602);
    const panic = await same("resources/read", { uri: "test://panic" });
    assert.equal(panic.error.code, -32603);
  });

  test("an unknown resource has the error code of its version", async () => {
    const { error } = await same("resources/read", { uri: "test://no/such" }, {
      [STATELESS]: ({ error, ...rest }) => ({ error: { ...error, code: -32602 }, ...rest }),
    });
    assert.deepEqual([error.code, error.data], [-32002, { uri: "test://no/such" }]);
  });

  test("prompts, resources, completions and lists are the same", async () => {
    const ref = { type: "ref/prompt", name: "test_prompt_with_arguments" };
    for (const [method, params] of [
      ["prompts/get", { name: "test_prompt_with_arguments", arguments: { arg1: "a", arg2: "b" } }],
      ["prompts/get", { name: "test_input_required_result_prompt" }],
      ["prompts/get", { name: "test_prompt_with_image" }],
      ["resources/read", { uri: "test://static-text" }],
      ["resources/read", { uri: "test://static-binary" }],
      ["resources/read", { uri: "test://template/7/data" }],
      ["resources/templates/list"],
      ["completion/complete", { ref, argument: { name: "arg1", value: "pa" } }],
    ])
      assert.ok((await same(method, params)).told, method);
    const names = async (client) => (await client.request("tools/list")).tools.map(({ name }) => name);
    const [session, ...others] = await Promise.all(Object.values(ERAS).map(names));
    for (const other of others) assert.deepEqual(other, session);
  });

  test("a state is the same, by a name for an anonymous client of 2026-07-28", async () => {
    for (const client of Object.values(ERAS)) {
      const begun = await client.call("increment", { by: 5 });
      const session = client instanceof Stateless ? { session: handleIn(begun) } : {};
      assert.equal(begun.content[0].text, "5");
      assert.equal(await client.callText("increment", { by: 2, ...session }), "7");
      assert.match((await client.call("panic_in_update", session)).content[0].text, /failed unexpectedly/);
      assert.equal(await client.callText("increment", { by: 1, ...session }), "8");
    }
  });
});

test("a panic of the state hook keeps the changes made before", async () => {
  const told = [];
  for (const client of Object.values(ERAS)) {
    const { isError, content } = await client.call("panic_in_hook");
    told.push({ isError, text: content[0].text });
  }
  assert.match(told[0].text, /failed unexpectedly/);
  for (const other of told) assert.deepEqual(other, told[0]);
});

describe("a missing client capability", () => {
  test("a missing capability is a tool error on a session and a protocol error without one", async () => {
    const [session, stateless] = [await open(server), new Stateless(server)];
    const { isError, content } = await session.call("test_sampling", { prompt: "?" });
    assert.equal(isError, true);
    assert.match(content[0].text, /sampling/);
    const { data, answer } = await rejected(stateless.call("test_sampling", { prompt: "?" }), -32021);
    assert.deepEqual([data, answer.status], [{ requiredCapabilities: { sampling: {} } }, 400]);
  });
});

describe("both lifecycles on one endpoint", () => {
  test("a session goes on unaffected by requests without one, also by those that carry its id", async () => {
    const session = await open(server, options);
    const stateless = new Stateless(server, { headers: { "mcp-session-id": session.id } });
    await session.call("increment");
    using own = session.stream();
    await own.next();
    const begun = await stateless.call("increment", { by: 100 });
    assert.equal(begun.content[0].text, "100", "it saw the session's state");
    assert.equal(await stateless.callText("test_simple_text"), "This is a simple text response for testing.");
    assert.equal(await session.callText("increment"), "2");
    await own.quiet(200);
    assert.equal((await session.end()).status, 204);
    // The id of a session that has ended means as little.
    assert.equal(await stateless.callText("echo", { text: "on" }), "on");
  });

  test("a session ignores the version in a body", async () => {
    const session = await open(server);
    const message = new Stateless(server).message(1, "tools/call", { name: "increment" });
    for (const [version, text] of [["2025-11-25", "1"], [null, "2"], ["2025-06-18", "3"], ["", "4"]]) {
      const answer = await session.post(message, { headers: { "mcp-protocol-version": version } });
      assert.equal(answer.status, 200, `${answer}`);
      assert.equal(answer.json.result.content[0].text, text);
      assert.equal(answer.json.result.resultType, undefined, "the session's version has none");
    }
    const answer = await session.post(message, { headers: { "mcp-protocol-version": STATELESS } });
    assert.deepEqual([answer.status, answer.json.error.code], [400, -32020], `${answer}`);
  });

  test("initialize is negotiated whatever the header names, and whatever its body claims besides", async () => {
    const claims = new Stateless(server).message(1, "initialize", { protocolVersion: STATELESS });
    const plain = request(1, "initialize", { protocolVersion: "2099-01-01", capabilities: {} });
    for (const version of [null, "", "2025-11-25", "2025-03-26", "2099-01-01", STATELESS])
      for (const message of [plain, claims]) {
        const answer = await post(server, message, { headers: { "mcp-protocol-version": version } });
        assert.equal(answer.status, 200, `${version} ${answer}`);
        assert.equal(answer.json.result.protocolVersion, "2025-11-25");
        assert.ok(answer.headers["mcp-session-id"]);
      }
    const answer = await post(server, request(3, "ping"), { headers: { "mcp-protocol-version": "2099-01-01" } });
    assert.deepEqual([answer.status, answer.json.id], [400, 3], `${answer}`);
    assert.match(answer.json.error.message, /2025-11-25/);
  });

  test("where one path serves all transports, GET opens a stream for who names no version without sessions", async () => {
    await using shared = await fixture({ vars: { SAME_PATH: "true" } });
    const legacy = await openSse(shared, { path: "/mcp" });
    const session = await open(shared);
    const stateless = new Stateless(shared);
    for (const client of [legacy, session, stateless])
      assert.equal(await client.callText("echo", { text: "x" }), "x");
    using heard = await stateless.listen({ promptsListChanged: true });
    await legacy.call("test_trigger_prompt_change");
    assert.equal((await heard.next()).json.method, "notifications/prompts/list_changed");
    const headers = { "mcp-protocol-version": STATELESS, accept: "text/event-stream" };
    assert.equal((await send(shared, "GET", "/mcp", { headers })).status, 405);
    legacy.close();
  });

  test("a request of a session without its header is not taken as a stateless request", async () => {
    for (const version of [null, "2025-11-25", "2025-03-26"]) {
      const answer = await post(server, request(1, "tools/list"), { headers: { "mcp-protocol-version": version } });
      assert.equal(answer.status, 400, `${answer}`);
      assert.deepEqual([answer.json.id, answer.json.error.code], [1, -32000]);
    }
  });
});
