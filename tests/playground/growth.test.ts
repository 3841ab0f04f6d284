// Bounds of what grows while a page is open for long.
import assert from "node:assert/strict";
import test from "node:test";
import { BoundedMap, withNewest } from "../../playground/src/bounded.ts";
import { Fetcher } from "../../playground/src/client/fetcher.ts";
import { Questions } from "../../playground/src/client/questions.ts";
import { Streams } from "../../playground/src/client/streams.ts";
import { Trace } from "../../playground/src/client/trace.ts";
import { CallHistory, MAX_ALL_CALLS, MAX_CALLS, withRecord } from "../../playground/src/page/call-history.ts";
import { LogBook } from "../../playground/src/page/log-book.ts";
import { type ServerState, Store, type CallRecord, newServer } from "../../playground/src/page/state.ts";
import { targetOf } from "../../playground/src/protocol.ts";

const RESULT = { ms: 1, bytes: 2, result: {} };

test("a bounded map keeps what was set last", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1).set("b", 2).set("a", 3).set("c", 4);
  assert.deepEqual([...map], [["a", 3], ["c", 4]]);
});

test("a list with one more has it once, as its last, and not the oldest", () => {
  assert.deepEqual(withNewest(["a", "b", "c"], "a", 3), ["b", "c", "a"]);
  assert.deepEqual(withNewest(["a", "b", "c"], "d", 3), ["b", "c", "d"]);
});

test("twenty uses of a tool are kept, and of all the newest", () => {
  let calls: Record<string, CallRecord[]> = {};
  for (let number = 1; number <= 100; number++) calls = withRecord(calls, "tools one", { number, at: 0, answer: RESULT });
  assert.deepEqual(calls["tools one"]?.map(({ number }) => number), Array.from({ length: MAX_CALLS }, (_, at) => 100 - at));
  for (let number = 101; number <= 101 + MAX_ALL_CALLS; number++) calls = withRecord(calls, `resources ${number}`, { number, at: 0, answer: RESULT });
  assert.ok(Object.values(calls).flat().length <= MAX_ALL_CALLS + 1);
  assert.equal(calls["tools one"], undefined);
});

test("a use that is under way is kept, however many come after it", () => {
  let calls = withRecord({}, "tools slow", { number: 0, at: 0 });
  for (let number = 1; number <= MAX_ALL_CALLS + 20; number++) calls = withRecord(calls, `resources ${number}`, { number, at: 0, answer: RESULT });
  assert.equal(calls["tools slow"]?.length, 1);
});

test("a use that is kept no longer cannot be made again", async () => {
  const store = new Store<ServerState>(newServer(targetOf("https://example.com/mcp")));
  const history = new CallHistory(store, (word) => word);
  const made: number[] = [];
  const run = (number: number) => history.run("tools", "one", async () => RESULT, async () => void made.push(number));
  for (let number = 1; number <= MAX_CALLS + 1; number++) await run(number);
  for (let number = 1; number <= MAX_CALLS + 1; number++) await history.repeat(number);
  assert.deepEqual(made, Array.from({ length: MAX_CALLS }, (_, at) => at + 2));
});

test("a call that has its outcome has no requests any more", () => {
  const streams = new Streams();
  streams.during(7, () => streams.sent(1));
  streams.during(8, () => streams.sent(2));
  streams.ended(7);
  assert.deepEqual([streams.sentFor(1), streams.sentFor(2)], [undefined, 8]);
});

test("requests that nobody answers are forgotten once they are many", () => {
  const streams = new Streams();
  for (let id = 0; id < 20_000; id++) {
    streams.during(id, () => streams.sent(id));
    streams.heard(id, JSON.stringify({ id: `of the server ${id}`, method: "ping" }));
  }
  assert.deepEqual([streams.sentFor(0), streams.callOf("of the server 0")], [undefined, undefined]);
  assert.deepEqual([streams.sentFor(19_999), streams.callOf("of the server 19999")], [19_999, 19_999]);
});

test("failures of a server that is gone for long are the last hundred", async (t) => {
  t.mock.method(globalThis, "fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  const fetcher = new Fetcher(new Trace(() => {}));
  for (let at = 0; at < 150; at++) await assert.rejects(fetcher.fetch(`https://example.com/${at}`));
  assert.deepEqual([fetcher.failures.length, fetcher.failures.at(-1)?.url], [100, "https://example.com/149"]);
});

test("of a hundred questions that wait, the next is refused, and taken once one is answered", async () => {
  const asked: number[] = [];
  const questions = new Questions(1, (message) => "question" in message && asked.push(message.question));
  const ask = () => questions.ask({ method: "elicitation/create", params: {}, call: undefined }, undefined, true);
  const waiting = Array.from({ length: 100 }, ask);
  await assert.rejects(ask(), /100 questions/);
  questions.answer(asked[0] ?? 0, { json: "{}" });
  await waiting[0];
  const next = ask();
  assert.equal(asked.length, 101);
  for (const number of asked) questions.answer(number, { json: "{}" });
  await next;
});

test("log messages are bounded by their size, too", () => {
  const book = new LogBook();
  const large = "x".repeat(1_000_000);
  for (let at = 0; at < 50; at++) book.add([{ at, level: "info", logger: "", data: { large } }]);
  assert.ok(book.length <= 20);
  assert.equal(book.entries.at(-1)?.at, 49);
  book.add([{ at: 50, level: "info", logger: "", data: "x".repeat(30_000_000) }]);
  assert.deepEqual(book.entries.map(({ at }) => at), [50]);
});
