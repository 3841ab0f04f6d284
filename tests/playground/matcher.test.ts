// The page's side of the Web Worker that matches patterns, with a stand-in for the Web Worker.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Pair } from "../../playground/src/schema/patterns.ts";

/** Never tells of a pattern that begins with "slow". */
class StandIn {
  onmessage: (event: { data: unknown }) => void = () => {};

  constructor() {
    void Promise.resolve().then(() => this.onmessage({ data: "ready" }));
  }

  postMessage(pairs: Pair[]): void {
    this.onmessage({ data: "begun" });
    for (const [pattern, text] of pairs) {
      if (pattern.startsWith("slow")) return;
      this.onmessage({ data: pattern === "(" ? null : text.includes(pattern) });
    }
  }

  terminate(): void {}
}

Object.assign(globalThis, { Worker: StandIn, window: {}, CLIENT_URL: "/client.js", MATCHER_URL: "/matcher.js" });

const { match } = await import("../../playground/src/schema/matcher.ts");

/** The verdicts, in a time of the test's own. */
async function matched({ mock }: TestContext, pairs: Pair[]) {
  let now = 0;
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(performance, "now", () => now);
  const verdicts = match(pairs);
  for (let step = 0; step < 50; step++) {
    await new Promise(setImmediate);
    now += 100;
    mock.timers.tick(100);
  }
  return verdicts;
}

test("other texts of a pattern that takes too long are told as not reached", async (t) => {
  const verdicts = await matched(t, [["slow", "x"], ["slow", "y"], ["a", "ab"], ["(", "ab"]]);
  assert.deepEqual(verdicts, [undefined, "unreached", true, undefined]);
});

test("what comes after many patterns that take too long is told as not reached", async (t) => {
  const slow = Array.from({ length: 6 }, (_, at): Pair => [`slow ${at}`, "x"]);
  const verdicts = await matched(t, [...slow, ["a", "ab"]]);
  assert.deepEqual([verdicts[0], verdicts[4], verdicts[5], verdicts[6]], [undefined, "unreached", "unreached", "unreached"]);
});
