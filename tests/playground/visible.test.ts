// Texts of servers in which nothing is hidden.
import assert from "node:assert/strict";
import { test } from "node:test";
import { visibleName, visible } from "../../playground/src/visible.ts";

const HIDDEN = {
  "\0": "\\u0000",
  "\r": "\\u000d",
  "\u00ad": "\\u00ad",
  "\u061c": "\\u061c",
  "\u115f": "\\u115f",
  "\u200b": "\\u200b",
  "\u200f": "\\u200f",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
  "\u202e": "\\u202e",
  "\u2060": "\\u2060",
  "\u2064": "\\u2064",
  "\u2069": "\\u2069",
  "\ufeff": "\\ufeff",
  "\u{e0041}": "\\u{e0041}",
};

/** Needed by letters, emoji and lines. */
const NEEDED = ["\t", "\n", "\u200c", "\u200d", "\ufe0f", "\u{e0100}"];

test("characters without a shape, and those that turn the direction, are seen in addresses and names", () => {
  for (const [character, seen] of Object.entries(HIDDEN)) for (const shown of [visible, visibleName]) assert.equal(shown(`a${character}b`), `a${seen}b`);
});

test("names keep what letters, emoji and lines need, and addresses do not", () => {
  for (const character of NEEDED) {
    assert.equal(visibleName(`a${character}b`), `a${character}b`);
    assert.match(visible(`a${character}b`), /^a\\u[^]+b$/);
  }
});

test("letters, signs and emoji of all scripts stay", () => {
  const text = "é ü 漢字 עברית العربية हिन्दी 👍🏽 https://a.example/?x=1&y=[2]";
  assert.deepEqual([visible(text), visibleName(text)], [text, text]);
});
