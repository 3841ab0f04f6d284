// Requests of the page through a relay, with answers in place of its own.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Relay } from "../../playground/src/client/relay.ts";

const TARGET = "https://server.example/mcp";

const refused = (code: string) => Response.json({ error: { code, message: `It is ${code}.` } }, { status: 429, headers: { "retry-after": "5" } });

const answered = () => new Response("{}", { headers: { "x-target-status": "200" } });

/** A relay that gives answers in their order; `sent` has what came to it. */
function answering({ mock }: TestContext, answers: Response[]) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const sent: RequestInit[] = [];
  mock.method(globalThis, "fetch", async (_: string, init: RequestInit) => {
    sent.push(init);
    return answers.shift();
  });
  const pass = async (ms: number) => {
    mock.timers.tick(ms);
    await new Promise(setImmediate);
  };
  return { sent, pass, send: new Relay({ url: "https://relay.example/playground/relay" } as never).send };
}

test("a request that the relay is too busy for is sent again after a second, and after two", async (t) => {
  const { sent, pass, send } = answering(t, [refused("busy"), refused("busy"), answered()]);
  const response = send(TARGET, { method: "POST", body: "what is asked" });
  const counts = [];
  for (const ms of [0, 999, 1, 1999, 1]) {
    await pass(ms);
    counts.push(sent.length);
  }
  assert.deepEqual(counts, [1, 1, 2, 2, 3]);
  assert.equal((await response).status, 200);
  assert.deepEqual(sent.map(({ body }) => body), Array(3).fill("what is asked"));
});

test("a third refusal of a busy relay is told, and so is one that nothing but time ends", async (t) => {
  const { sent, pass, send } = answering(t, [refused("busy"), refused("busy"), refused("busy"), refused("limit")]);
  const failure = assert.rejects(send(TARGET, {}), /It is busy/);
  for (const ms of [0, 1000, 2000]) await pass(ms);
  await failure;
  await assert.rejects(send(TARGET, {}), /It is limit/);
  assert.equal(sent.length, 4);
});

test("a request that is given up while the relay is busy is not sent again", async (t) => {
  const { sent, pass, send } = answering(t, [refused("busy"), answered()]);
  const stop = new AbortController();
  const failure = assert.rejects(send(TARGET, { signal: stop.signal }), { name: "AbortError" });
  await pass(0);
  stop.abort();
  await failure;
  await pass(10_000);
  assert.equal(sent.length, 1);
});
