// Verdicts of patterns: what is asked, kept and forgotten.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Validation, validate, validateWhole } from "../../playground/src/schema/check.ts";
import { type Pair, Verdicts, setMatcher } from "../../playground/src/schema/patterns.ts";
import type { Schema } from "../../playground/src/schema/schema.ts";

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

  test("are asked for again at the next check alone where there was nothing to match with", async () => {
    let tries = 0;
    const verdicts = new Verdicts(async (pairs) => (++tries === 1 ? undefined : pairs.map(([pattern, text]) => text.includes(pattern))));
    verdicts.of("a", "ab");
    await verdicts.answered();
    assert.deepEqual([verdicts.of("a", "ab"), verdicts.isAway, verdicts.isWaiting, tries], [undefined, true, false, 1]);
    verdicts.retry();
    verdicts.of("a", "ab");
    await verdicts.answered();
    assert.deepEqual([verdicts.of("a", "ab"), verdicts.isAway, tries], [true, false, 2]);
  });

  test("are asked for again at the next check alone where they were not reached", async () => {
    const batches: Pair[][] = [];
    const verdicts = new Verdicts(async (pairs) => (batches.push(pairs), pairs.map(([pattern, text], at) => (batches.length === 1 && at > 0 ? "unreached" : text.includes(pattern)))));
    const ask = () => ["a", "b", "c"].map((pattern) => verdicts.of(pattern, "ab"));
    ask();
    await verdicts.answered();
    assert.deepEqual([ask(), verdicts.isWaiting, verdicts.isAway], [[true, undefined, undefined], false, false]);
    verdicts.retry();
    ask();
    await verdicts.answered();
    assert.deepEqual([ask(), batches.length, batches[1]], [[true, true, false], 2, [["b", "ab"], ["c", "ab"]]]);
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

  test("are not asked for of a text or a pattern that is too long", () => {
    const { verdicts } = asked();
    verdicts.of("a", "a".repeat(10_001));
    verdicts.of("a".repeat(10_001), "a");
    assert.equal(verdicts.isWaiting, false);
  });
});

test("a check looks up as many verdicts as it can afford to read, whatever the number of patterns and texts", (t) => {
  const { mock } = t.mock.method(Verdicts.prototype, "of", () => true);
  const allOf = Array.from({ length: 100 }, (_, at) => ({ pattern: `${at}`.padEnd(9000, "a") }));
  const texts = Array.from({ length: 1000 }, (_, at) => `${at}`.padEnd(9000, "b"));
  const { errors, isWhole } = validate(texts, { items: { allOf } });
  assert.deepEqual({ errors, isWhole }, { errors: [], isWhole: false });
  assert.ok(mock.callCount() > 1000 && mock.callCount() < 10_000, String(mock.callCount()));
  assert.equal(validate(texts, { items: { pattern: "b$" } }).isWhole, true);
});

test("a whole check ends in time, whatever its patterns wait for", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let batches = 0;
  // Each batch takes a while, and its verdict asks for the next pattern.
  setMatcher(async (pairs) => {
    batches++;
    await new Promise((done) => setTimeout(done, 2000));
    return pairs.map(() => false);
  });
  t.after(() => setMatcher(async () => []));
  const deep = (depth: number): Schema => (depth === 0 ? true : { if: { pattern: `^${depth}` }, else: deep(depth - 1) });
  let validation: Validation | undefined;
  void validateWhole("text", deep(9)).then((whole) => (validation = whole));
  for (let seconds = 0; seconds < 10; seconds++) {
    assert.equal(validation, undefined);
    for (let turns = 0; turns < 100; turns++) await Promise.resolve();
    t.mock.timers.tick(1000);
  }
  for (let turns = 0; turns < 100; turns++) await Promise.resolve();
  assert.deepEqual(validation, { errors: [], isWhole: false });
  assert.ok(batches < 9, String(batches));
});
