// JSON whose numbers keep their digits.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { JsonProblem, numberOf, parse, isEqual, write } from "../../playground/src/exact.ts";

describe("numbers", () => {
  test("an integer beyond 2^53 is read and written digit for digit", () => {
    for (const digits of ["12345678901234567890", "9007199254740993", "-9007199254740993", "9007199254740992"])
      assert.equal(write(parse(`{"id":[${digits}]}`)), `{"id":[${digits}]}`);
  });

  test("one that was typed keeps its digits too", () => {
    assert.equal(write(numberOf("12345678901234567890") ?? null), "12345678901234567890");
    assert.equal(numberOf(" +7 "), 7);
  });

  test("what JSON has no number for is none", () => {
    for (const text of ["", " ", "1e400", "-1e999", "NaN", "Infinity", "0x10", "01", "1.", ".5", "1,5", "1 2"]) assert.equal(numberOf(text), undefined, text);
  });

  test("numbers are the same by their digits, objects in any order", () => {
    assert.ok(isEqual(parse("12345678901234567890"), parse("12345678901234567890")));
    assert.ok(!isEqual(parse("12345678901234567890"), parse("12345678901234567891")));
    assert.ok(isEqual(parse('{"a":1,"b":[null]}'), parse('{"b":[null],"a":1}')));
  });
});

test("comments and trailing commas are refused with line and column", () => {
  for (const [text, line, column] of [
    ['{\n  "a": 1,\n}', 3, 1],
    ['{\n  // note\n  "a": 1\n}', 2, 3],
    ["[1,]", 1, 4],
    ['{"a":1} x', 1, 9],
    ['{"a" 1}', 1, 6],
    ["[1", 1, 3],
    ["", 1, 1],
  ] as const) {
    assert.throws(
      () => parse(text),
      (problem) => problem instanceof JsonProblem && problem.line === line && problem.column === column,
      text,
    );
  }
});

test("a member called __proto__ is one as any other", () => {
  assert.equal(write(parse('{"__proto__":{"a":1}}')), '{"__proto__":{"a":1}}');
});
