// The record of messages and requests, and how much of it is kept.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_ENTRIES, Trace } from "../../playground/src/client/trace.ts";
import { MAX_ROWS, TraceLog } from "../../playground/src/page/trace-log.ts";
import type { TraceRow } from "../../playground/src/protocol.ts";

const http = { method: "POST", url: "https://server.example/mcp", requestHeaders: [], responseHeaders: [] };
const request = { id: 1, method: "tools/list" };
const answer = JSON.stringify({ jsonrpc: "2.0", id: 1, result: {} });

test("bodies of answers count as those of requests do: the oldest go", () => {
  const trace = new Trace(() => {});
  const text = "x".repeat(200_000);
  for (let number = 1; number <= 151; number++) trace.answered(trace.http(http, undefined, undefined), text);
  assert.equal(trace.entry(1)?.answer, undefined);
  assert.equal(trace.entry(1)?.isGone, true);
  assert.equal(trace.entry(2)?.answer, text);
  // Clearing takes entries off the count.
  trace.clear();
  const kept = Array.from({ length: 150 }, () => trace.http(http, undefined, undefined));
  for (const entry of kept) trace.answered(entry, text);
  assert.ok(kept.every(({ answer }) => answer === text));
});

test("rows that come while the trace is paused are counted also where the oldest go", () => {
  const log = new TraceLog();
  const rows = (from: number, count: number) => Array.from({ length: count }, (_, at): TraceRow => ({ number: from + at, at: 0, direction: "note", title: "", isFault: false }));
  log.add(rows(1, MAX_ROWS));
  const last = log.rows.at(-1)?.number ?? 0;
  log.add(rows(MAX_ROWS + 1, 3));
  assert.equal(log.length, MAX_ROWS);
  assert.equal(log.countAfter(last), 3);
});

test("an endpoint that is no address is noted, and ends no stream", () => {
  const trace = new Trace(() => {});
  trace.event({ name: "endpoint", data: "http://[", id: undefined }, trace.http(http, undefined, undefined));
  assert.equal([...trace.entries].at(-1)?.title, "endpoint: http://[");
});

test("an answer has the name of a request that is kept no longer, and is no partner of it", () => {
  const trace = new Trace(() => {});
  const asked = trace.out(request, JSON.stringify({ jsonrpc: "2.0", ...request }), http);
  for (let count = 0; count < MAX_ENTRIES; count++) trace.note("one more");
  assert.deepEqual([trace.entry(asked.number), asked.body], [undefined, undefined]);
  trace.in(answer, trace.http(http, undefined, undefined), "json");
  const { title, partner } = [...trace.entries].at(-1) ?? assert.fail();
  assert.deepEqual([title, partner], ["tools/list", undefined]);
});
