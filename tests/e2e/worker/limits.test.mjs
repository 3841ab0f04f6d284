// Limits of answers: a longer one is an error that says so, whatever way it takes.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { RpcError, open, openSse, request } from "../../support/mcp.mjs";
import { rows } from "../../support/rows.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;
// The longest text of `big`: the result has a few bytes besides.
const MOST = MAX_MESSAGE_BYTES - JSON.stringify({ content: [{ type: "text", text: "" }] }).length;

const call = (id, name, args) => request(id, "tools/call", { name, arguments: args });

function isTooLong(error) {
  assert.ok(error instanceof RpcError, `${error}`);
  assert.equal(error.code, -32603);
  assert.match(error.message, new RegExp(`${MAX_MESSAGE_BYTES} bytes.*link.*page`));
  return true;
}

describe("the limit of 8 MiB for a response", () => {
  async function check(session) {
    assert.equal((await session.callText("big", { bytes: MOST })).length, MOST);
    await assert.rejects(session.call("big", { bytes: MOST + 1 }), isTooLong);
    assert.equal(await session.callText("echo", { text: "next" }), "next");
  }

  test("a JSON response has the limit", async () => check(await open(server)));

  test("a streamed response has the limit", async () => {
    await using streaming = await fixture({ vars: { ANSWERS: "events" } });
    await check(await open(streaming));
  });

  test("a response over HTTP+SSE has the limit", async () => {
    const session = await openSse(server);
    await check(session);
    session.close();
  });
});

test("the answers of a batch are 8 MiB together, and the rest are errors", async () => {
  const session = await open(server, { version: "2025-03-26" });
  const calls = Array.from({ length: 100 }, (_, id) => call(id, "big", { bytes: MEBIBYTE }));
  const { status, json } = await session.post(JSON.stringify(calls));
  assert.equal(status, 200);
  assert.equal(json.length, 100);
  const served = json.filter(({ result }) => result?.content[0].text.length === MEBIBYTE);
  assert.equal(served.length, 7);
  for (const { id, error } of json.filter(({ error }) => error)) isTooLong(new RpcError(error, id));
  assert.equal(json.filter(({ error }) => error).length, 93);
});

test("a response over the limit is logged with tool and length", async () => {
  const session = await open(server);
  await assert.rejects(session.call("big", { bytes: 20_000_000 }), isTooLong);
  await server.log(/big.*200000\d\d/);
});

test("an event that is longer than a row is kept in several, and comes back whole", async () => {
  await using crashing = await fixture();
  const session = await open(crashing);
  const bytes = 5_000_000;
  const stream = session.postStream(call("long", "flood", { bytes, count: 3, every_ms: 200 }));
  const { id } = await stream.next();
  stream.close();
  const ended = ({ value }) => value.includes("flooded");
  await until(() => rows(crashing, session, "event").some(ended), "the result among the rows");
  const kept = rows(crashing, session, "event");
  assert.equal(kept.length, 3 * 5 + 1);
  await crashing.restart();
  const messages = [];
  for (let last = id; !messages.at(-1)?.result; ) {
    for await (const event of session.stream({ lastEventId: last })) {
      last = event.id;
      messages.push(event.json);
    }
  }
  assert.deepEqual(
    messages.map(({ params, result }) => params?.data.length ?? result.content[0].text),
    [bytes, bytes, bytes, "flooded"],
  );
});
