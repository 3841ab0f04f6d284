// Verdicts of patterns: what is asked, kept and forgotten.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Pair, Verdicts } from "../../playground/src/schema/patterns.ts";

// Matches in the test's own time.
function asked(maxChars?: number) {
  const batches: Pair[][] = [];
  const verdicts = new Verdicts(async (pairs) => {
    batches.push(pairs);
    return pairs.map(([pattern, text]) => (pattern === "slow" ? undefined : text.includes(pattern)));
  }, maxChars);
  return { batches, verdicts };
}

describe("verdicts of patterns", () => {
  test("are asked for together and once, and then are there", async () => {
    const { batches, verdicts } = asked();
    let told = 0;
    verdicts.subscribe(() => told++);
    for (const text of ["ab", "b", "ab"]) assert.equal(verdicts.of("a", text), undefined);
    await verdicts.answered();
    assert.deepEqual(batches, [[["a", "ab"], ["a", "b"]]]);
    assert.deepEqual([verdicts.of("a", "ab"), verdicts.of("a", "b"), told, verdicts.isWaiting], [true, false, 1, false]);
  });

  test("that did not come are not asked for again", async () => {
    const { batches, verdicts } = asked();
    verdicts.of("slow", "x");
    await verdicts.answered();
    assert.equal(verdicts.of("slow", "x"), undefined);
    assert.deepEqual([batches.length, verdicts.isWaiting], [1, false]);
  });

  test("of the text before stand in while somebody types", async () => {
    const { verdicts } = asked();
    assert.equal(verdicts.ofTyped("a", "a"), undefined);
    await verdicts.answered();
    assert.equal(verdicts.ofTyped("a", "b"), true);
    assert.equal(verdicts.of("a", "b"), undefined);
    await verdicts.answered();
    assert.equal(verdicts.ofTyped("a", "b"), false);
  });

  test("of one pattern are not those of another that begins as it does", async () => {
    const { verdicts } = asked();
    verdicts.of("a", "ba");
    await verdicts.answered();
    assert.equal(verdicts.of("ab", "a"), undefined);
  });

  test("are bounded, and drawing alone makes no room for more", async () => {
    const { batches, verdicts } = asked(1000);
    const ask = () => Array.from({ length: 100 }, (_, at) => verdicts.of("a", `${at}`)).filter((verdict) => verdict !== undefined).length;
    ask();
    await verdicts.answered();
    const known = ask();
    assert.ok(known > 0 && known < 10 && !verdicts.isWaiting, `${known}`);
    verdicts.makeRoom();
    assert.equal(ask(), 0);
    await verdicts.answered();
    assert.equal(batches.length, 2);
    assert.equal(ask(), known);
  });

  test("are not asked for of a text that is too long", () => {
    const { verdicts } = asked();
    verdicts.of("a", "a".repeat(10_001));
    assert.equal(verdicts.isWaiting, false);
  });
});
