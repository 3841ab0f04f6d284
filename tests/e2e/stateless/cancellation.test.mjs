// A client of 2026-07-28 calls a request off by hanging up.
//
// workerd hears of an orderly close when it next writes, since until then the other side might only have finished sending;
// of a connection that is reset it hears at once, as a Worker behind Cloudflare's network does of either.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { STATELESS, Stateless, handleIn } from "../../support/stateless.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture({ secondSocket: true });
after(() => server.stop());

const client = new Stateless(server);
const LONG = 120_000;
// A comment after 25 s would show, too, that nobody is there.
const AT_ONCE = { ms: 20_000 };
let names = 0;
const newName = () => `call ${(names += 1)}`;
const outcomes = (name) =>
  server.logs.flatMap(({ json }) => (json?.era === STATELESS && json.name === name ? [json.outcome] : []));
const beginnings = (name) => server.logs.filter(({ text }) => text === `began ${name}`).length;
const text = (uri) => client.request("resources/read", { uri }).then(({ contents }) => contents[0].text);

/** Calls a tool, hangs up once it runs, and waits until the log says how that ended. */
async function hangUp(name, args, { streams, orderly = false, at } = {}) {
  const before = outcomes(name).length;
  const begun = beginnings(name);
  const params = { name, arguments: args, ...(streams && { _meta: { progressToken: 1 } }) };
  const stream = client.postStream(client.message(1, "tools/call", params), { at });
  if (streams) assert.equal((await stream.next()).json.method, "notifications/progress");
  // Nothing tells its client that a quiet call has begun.
  else await until(() => beginnings(name) > begun, "the call to run");
  if (orderly) stream.close();
  else stream.reset();
  await until(() => outcomes(name).length > before, "the end of the call", orderly ? {} : AT_ONCE);
  assert.deepEqual(outcomes(name).slice(before), ["cancelled"]);
}

for (const streams of [false, true]) {
  describe(streams ? "hanging up on a call that streams" : "hanging up on a call that has sent nothing", () => {
    test("the handler is dropped at once", async () => {
      const name = newName();
      const dropped = server.log(new RegExp(`^dropped ${name}$`));
      await hangUp("drop_aware", { name, ms: LONG }, { streams });
      await dropped;
    });

    test("a handler that listens for cancellation is notified and may clean up", async () => {
      const name = newName();
      await hangUp("tidy", { name, ms: LONG }, { streams });
      assert.equal(await client.callText("tidied", { name }), "called off");
    });

    test("a handler with a state is notified, and its changes are stored", async () => {
      const session = handleIn(await client.call("increment"));
      const uri = `test://cancellations?session=${session}`;
      assert.equal(await text(uri), "0");
      await hangUp("cancel_aware", { ms: LONG, session }, { streams });
      assert.equal(await text(uri), "1");
      assert.equal(await client.callText("increment", { session }), "2");
    });
  });
}

test("a cancellation reaches the object of a state from any isolate", async () => {
  const session = handleIn(await client.call("increment"));
  for (const streams of [false, true])
    await hangUp("cancel_aware", { ms: LONG, session }, { streams, at: server.second });
  assert.equal(await text(`test://cancellations?session=${session}`), "2");
});

test("an orderly close is noticed with the next message that is sent", async () => {
  await hangUp("slow_compute", { seconds: 60 }, { streams: true, orderly: true });
});

test("a client that reads nothing counts as gone", async () => {
  const listening = new Stateless(server, { logLevel: "info" });
  const args = { bytes: 1_000_000, count: 200, every_ms: 1 };
  const stream = listening.postStream(listening.message(1, "tools/call", { name: "flood", arguments: args }));
  await stream.opened;
  await until(() => outcomes("flood").length > 0, "the end of the call");
  assert.deepEqual(outcomes("flood"), ["cancelled"]);
  stream.close();
  assert.equal(await client.callText("echo", { text: "on" }), "on");
});

test("other calls continue, even with the same id", async () => {
  const name = newName();
  const other = client.post(client.message(1, "tools/call", { name: "slow", arguments: { ms: 1500 } }));
  await hangUp("drop_aware", { name, ms: LONG });
  assert.equal((await other).json.result.content[0].text, "waited 1500 ms");
});

test("a call on which no client hung up ends by itself", async () => {
  const name = newName();
  assert.equal(await client.callText("tidy", { name, ms: 10 }), "not called off");
  assert.equal(await client.callText("drop_aware", { name, ms: 10 }), "not dropped");
  assert.equal(await client.callText("tidied", { name }), "nothing");
  assert.ok(!server.logs.some(({ text }) => text === `dropped ${name}`));
});

test("`notifications/cancelled` does not cancel a stateless request", async () => {
  const running = client.post(client.message("r", "tools/call", { name: "slow", arguments: { ms: 700 } }));
  const { id: _, ...notification } = client.message(1, "notifications/cancelled", { requestId: "r" });
  assert.equal((await client.post(notification)).status, 202);
  assert.equal((await running).json.result.content[0].text, "waited 700 ms");
});
