// `notifications/cancelled`.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { VERSIONS, notification, open, request } from "../../support/mcp.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const ASKING = { capabilities: { elicitation: {} } };
const LONG = 120_000;
const call = (id, name, args = {}) => request(id, "tools/call", { name, arguments: args });
const cancel = async (session, requestId) => {
  const answer = await session.post(notification("notifications/cancelled", { requestId, reason: "test" }));
  assert.deepEqual([answer.status, answer.text], [202, ""], `${answer}`);
};
const cancelled = (name) =>
  server.logs.filter(({ json }) => json?.name === name && json.outcome === "cancelled").length;

// Calls a request off again and again until it ends: the first time it may not run yet.
async function callOff(session, id, posted) {
  let answer;
  posted.then((settled) => (answer = settled));
  await until(async () => answer ?? (await cancel(session, id)), "the end of the call");
  return answer;
}

for (const version of VERSIONS) {
  test(`a call that streams is stopped, and its stream ends without a response, at ${version}`, async () => {
    // A question that every version has.
    const session = await open(server, { version, capabilities: { roots: {} } });
    using stream = session.postStream(call("a", "roots"));
    const question = await stream.find(({ data }) => data);
    const before = cancelled("roots");
    await cancel(session, "a");
    assert.equal(await stream.next(), undefined);
    await until(() => cancelled("roots") === before + 1, "its line in the log");
    // The question has nobody waiting any more.
    const late = { jsonrpc: "2.0", id: question.json.id, result: { roots: [] } };
    assert.equal((await session.post(late)).status, 202);
    assert.equal(await session.callText("echo", { text: "on" }), "on");
  });
}

test("a call that has sent nothing is stopped, and its POST ends with an empty body", async () => {
  const session = await open(server);
  const before = cancelled("slow");
  const answer = await callOff(session, 1, session.post(call(1, "slow", { ms: LONG })));
  assert.deepEqual([answer.status, answer.text], [202, ""], `${answer}`);
  await until(() => cancelled("slow") === before + 1, "its line in the log");
});

test("a tool that listens for cancellation is notified once, may clean up, and sends no result", async () => {
  const session = await open(server);
  const read = async () =>
    (await session.request("resources/read", { uri: "test://cancellations" })).contents[0].text;
  assert.equal(await read(), "0");
  const answer = await callOff(session, 1, session.post(call(1, "cancel_aware", { ms: LONG })));
  assert.deepEqual([answer.status, answer.text], [202, ""], `${answer}`);
  assert.equal(await read(), "1");
});

test("other calls of the session continue, even one with a similar id", async () => {
  const session = await open(server, ASKING);
  using number = session.postStream(call(5, "ask", { message: "5" }));
  using text = session.postStream(call("5", "ask", { message: '"5"' }));
  const [, question] = [await number.find(({ data }) => data), await text.find(({ data }) => data)];
  await cancel(session, 5);
  assert.equal(await number.next(), undefined);
  const result = { action: "accept", content: { answer: "yes" } };
  assert.equal((await session.post({ jsonrpc: "2.0", id: question.json.id, result })).status, 202);
  assert.equal((await text.next()).json.id, "5");
});

test("a call with the same id in another session continues", async () => {
  const [one, other] = [await open(server, ASKING), await open(server, ASKING)];
  using stream = one.postStream(call(1, "ask", { message: "?" }));
  const question = await stream.find(({ data }) => data);
  await cancel(other, 1);
  const result = { action: "decline" };
  assert.equal((await one.post({ jsonrpc: "2.0", id: question.json.id, result })).status, 202);
  assert.equal((await stream.next()).json.result.content[0].text, "action=decline");
});

test("a cancellation of an unknown call or of none changes nothing", async () => {
  const session = await open(server);
  assert.equal((await session.post(call(1, "echo", { text: "done" }))).json.result.content[0].text, "done");
  for (const id of [1, "no such", null, {}, undefined]) await cancel(session, id);
  assert.equal((await session.post(call(1, "echo", { text: "again" }))).json.result.content[0].text, "again");
});

test("a call whose client disconnected is not cancelled", async () => {
  const session = await open(server, ASKING);
  const stream = session.postStream(call(1, "ask", { message: "?" }));
  const question = await stream.find(({ data }) => data);
  stream.close();
  const result = { action: "accept", content: { answer: "still" } };
  const before = cancelled("ask");
  assert.equal((await session.post({ jsonrpc: "2.0", id: question.json.id, result })).status, 202);
  using rest = session.stream({ lastEventId: question.id });
  assert.match((await rest.next()).json.result.content[0].text, /still/);
  assert.equal(cancelled("ask"), before);
});
