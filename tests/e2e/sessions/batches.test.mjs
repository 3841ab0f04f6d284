// JSON-RPC batches, which only 2025-03-26 has.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { VERSIONS, notification, open, request } from "../../support/mcp.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const connect = (options) => open(server, { version: "2025-03-26", ...options });
const batch = (session, messages) => session.post(JSON.stringify(messages));
const call = (id, name, args = {}, meta) =>
  request(id, "tools/call", { name, arguments: args, ...(meta && { _meta: meta }) });
const byId = (messages) => Object.fromEntries(messages.map((message) => [String(message.id), message]));

test("every request of a mixed batch is answered, the wrong one with its error", async () => {
  const session = await connect();
  const answer = await batch(session, [
    request(1, "ping"),
    notification("notifications/progress", { progressToken: 1, progress: 1 }),
    { jsonrpc: "2.0", id: 99, result: {} },
    { jsonrpc: "1.0", id: "wrong", method: "ping" },
    call("echoed", "echo", { text: "hi" }),
    request(4, "no/such"),
    { jsonrpc: "2.0", id: 98, error: { code: -32601, message: "no" } },
    17,
  ]);
  assert.equal(answer.status, 200, `${answer}`);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.equal(answer.json.length, 5, `${answer}`);
  const answers = byId(answer.json);
  assert.deepEqual(answers[1].result, {});
  assert.equal(answers.wrong.error.code, -32600);
  assert.equal(answers.echoed.result.content[0].text, "hi");
  assert.equal(answers[4].error.code, -32601);
  assert.equal(answers.null.error.code, -32600);
});

test("one answer is still an array", async () => {
  const answer = await batch(await connect(), [request("only", "ping")]);
  assert.equal(answer.status, 200, `${answer}`);
  assert.deepEqual(answer.json, [{ jsonrpc: "2.0", id: "only", result: {} }]);
});

test("a batch with earlier messages is answered on one stream, which then ends", async () => {
  const answer = await batch(await connect(), [
    call("slow", "test_tool_with_progress", {}, { progressToken: "p" }),
    call("quick", "echo", { text: "hi" }),
    { jsonrpc: "2.0", id: "wrong" },
  ]);
  assert.equal(answer.status, 200, `${answer}`);
  assert.match(answer.headers["content-type"], /^text\/event-stream/);
  const { messages } = answer;
  assert.equal(messages.filter(({ method }) => method === "notifications/progress").length, 3);
  assert.equal(messages.at(-1).id, "slow");
  const answers = byId(messages.filter(({ method }) => method === undefined));
  assert.deepEqual(Object.keys(answers).toSorted(), ["quick", "slow", "wrong"]);
  assert.equal(answers.quick.result.content[0].text, "hi");
  assert.equal(answers.wrong.error.code, -32600);
});

test("a batch without a request is accepted with an empty body and processed", async () => {
  const session = await connect({ capabilities: { roots: {} } });
  using stream = session.postStream(call(1, "roots"));
  const question = await stream.next();
  assert.equal(question.json.method, "roots/list");
  const accepted = await batch(session, [
    notification("notifications/roots/list_changed"),
    { jsonrpc: "2.0", id: question.json.id, result: { roots: [{ uri: "file:///a" }] } },
  ]);
  assert.deepEqual([accepted.status, accepted.text], [202, ""]);
  const { json } = await stream.next();
  assert.deepEqual(json.result.content, [{ type: "text", text: "file:///a" }]);
  assert.equal(await stream.next(), undefined);
});

for (const version of VERSIONS) {
  test(`an empty array is refused at ${version}`, async () => {
    const answer = await batch(await open(server, { version }), []);
    assert.equal(answer.status, 400, `${answer}`);
    assert.deepEqual([answer.json.id, answer.json.error.code], [null, -32600]);
  });
}

for (const version of ["2025-06-18", "2025-11-25"]) {
  test(`a batch at ${version} is refused as a whole`, async () => {
    const session = await open(server, { version });
    const answer = await batch(session, [call(1, "increment"), call(2, "increment")]);
    assert.equal(answer.status, 400, `${answer}`);
    assert.equal(answer.json.error.code, -32600);
    assert.match(answer.json.error.message, /2025-03-26/);
    assert.equal(await session.callText("increment"), "1");
  });
}

test("a batch of 100 is served and one of 101 refused as a whole", async () => {
  const session = await connect();
  const increments = (count) => Array.from({ length: count }, (_, id) => call(id, "increment"));
  const refused = await batch(session, increments(101));
  assert.equal(refused.status, 400, `${refused}`);
  assert.equal(refused.json.error.code, -32600);
  assert.match(refused.json.error.message, /100/);
  const served = await batch(session, increments(100));
  const totals = served.json.map(({ result }) => Number(result.content[0].text)).toSorted((a, b) => a - b);
  assert.deepEqual(
    totals,
    Array.from({ length: 100 }, (_, at) => at + 1),
  );
});
