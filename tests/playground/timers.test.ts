// Times that servers name, with timers that only note for how long they are set.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Recovery } from "../../playground/src/client/recovery.ts";
import { type Steps, follow } from "../../playground/src/client/tasks.ts";

const LONGEST_MS = 2 ** 31 - 1;

function noted({ mock }: TestContext): number[] {
  const times: number[] = [];
  mock.method(globalThis, "setTimeout", (_: () => void, ms: number) => void times.push(ms));
  return times;
}

test("a stream whose server asks for a wait of months is not opened again at once", async (context) => {
  const times = noted(context);
  const recovery = new Recovery({} as never);
  const waiting = recovery.pause(9_999_999.999);
  recovery.wake();
  await waiting;
  assert.deepEqual(times, [LONGEST_MS]);
});

test("a wait that ends leaves neither a timer nor a listener, however it ended", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const added = mock.method(EventTarget.prototype, "addEventListener");
  const removed = mock.method(EventTarget.prototype, "removeEventListener");
  const cleared = mock.method(globalThis, "clearTimeout");
  const recovery = new Recovery({} as never);
  for (const end of [() => mock.timers.tick(1000), () => recovery.wake()]) {
    const waiting = recovery.pause(1);
    end();
    await waiting;
  }
  assert.equal(cleared.mock.callCount(), 2);
  assert.deepEqual(
    removed.mock.calls.map(({ arguments: given }) => given),
    added.mock.calls.map(({ arguments: given }) => given),
  );
});

test("a task whose server asks for polls years apart is not polled at once", async (context) => {
  const times = noted(context);
  const stop = new AbortController();
  const steps: Partial<Steps> = { tell: () => {}, signal: stop.signal, isLeft: () => true };
  const followed = follow({ id: "1", era: "modern", status: "working", interval: 1e12 }, steps as Steps);
  stop.abort();
  await assert.rejects(followed, /the task goes on/);
  assert.deepEqual(times, [LONGEST_MS]);
});

test("a connection that must be opened anew is not waited for by a ping that it took", async () => {
  const steps: string[] = [];
  let pinged = () => {};
  const isPinged = new Promise<void>((done) => (pinged = done));
  const recovery = new Recovery({
    ping: () => (pinged(), new Promise(() => {})),
    reopen: async () => void steps.push("reopened"),
    isSessionGone: () => false,
    found: () => steps.push("found"),
  } as never);
  const running = recovery.begin(false);
  await isPinged;
  void recovery.begin(true);
  await running;
  assert.deepEqual(steps, ["reopened", "found"]);
});
