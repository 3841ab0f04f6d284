// Rows of long texts: where they begin, and that none of the text is lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { find, rowsOf, withoutLongTexts } from "../../playground/src/client/long-texts.ts";

/** Ends what is to be a long text; it is not a part of the rows that are looked at. */
const MORE = "\n".repeat(200_000);

function laidOut(text: string, columns: number): string[] {
  const { longTexts } = withoutLongTexts({ content: [{ type: "text", text: text + MORE }] });
  const { id = 0 } = longTexts[0] ?? {};
  const { total } = rowsOf(id, columns, 0, 0);
  const { rows } = rowsOf(id, columns, 0, total - MORE.length + (text === "" ? 0 : 1));
  return rows;
}

test("a line is a row, and a longer one several", () => {
  assert.deepEqual(laidOut("one\ntwo", 5), ["one", "two"]);
  assert.deepEqual(laidOut("12345\n123456\n\n12345678901", 5), ["12345", "12345", "6", "", "12345", "67890", "1"]);
  assert.deepEqual(laidOut("über\r\nalles", 4), ["über", "alle", "s"]);
});

test("letters that take two columns make a row of half as many, and none is cut", () => {
  assert.deepEqual(laidOut("漢字漢字漢\nabcdefg", 4), ["漢字", "漢字", "漢", "abcd", "efg"]);
  assert.deepEqual(laidOut("a😀b😀😀", 4), ["a😀b", "😀😀"]);
});

test("a text is laid out alike whether or not a wide letter stands elsewhere in it", () => {
  const lines = Array.from({ length: 60 }, (_, at) => "x".repeat(at));
  const even = laidOut(lines.join("\n"), 17);
  const mixed = laidOut(["漢", ...lines].join("\n"), 17);
  assert.deepEqual(mixed.slice(1), even);
});

test("a text is found in the row that it begins in", () => {
  const { longTexts } = withoutLongTexts({ content: [{ type: "text", text: `${"x".repeat(25)}needle\n${MORE}` }] });
  const { id = 0 } = longTexts[0] ?? {};
  rowsOf(id, 10, 0, 1);
  assert.equal(find(id, "NEEDLE", -1), 2);
});
