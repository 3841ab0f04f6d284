// Long texts of results: they stay here, and the page gets the rows that are in sight.
import type { LongText } from "../protocol.ts";

/** Characters of a text from which on it stays here. */
const MIN_CHARS = 100_000;

/** Characters of it that go to the page all the same. */
const HEAD_CHARS = 2000;

/** Characters of all texts: beyond, the oldest go. */
const MAX_CHARS = 200_000_000;

interface Text {
  text: string;
  columns: number;
  /** Offset at which each row begins. */
  rows: Uint32Array;
}

const texts = new Map<number, Text>();
let last = 0;

/** A result with the beginnings of its long texts, and a list of these. */
export function withoutLongTexts(result: unknown): { result: unknown; longTexts: LongText[] } {
  const longTexts: LongText[] = [];
  const keep = (text: string, path: string[]): void => {
    texts.set(++last, { text, columns: 0, rows: new Uint32Array() });
    longTexts.push({ path, id: last, chars: text.length });
    let all = [...texts.values()].reduce((sum, { text }) => sum + text.length, 0);
    for (const [id, { text }] of texts) {
      if (all <= MAX_CHARS || id === last) break;
      all -= text.length;
      texts.delete(id);
    }
  };
  const visit = (value: unknown, path: string[]): unknown => {
    if (Array.isArray(value)) return value.map((item, at) => visit(item, [...path, String(at)]));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => {
        if (name === "structuredContent" && path.length === 0) {
          const text = JSON.stringify(inner, undefined, 2);
          if (text.length > MIN_CHARS) keep(text, []);
          return [name, inner];
        }
        if (name !== "text" || typeof inner !== "string" || inner.length <= MIN_CHARS) return [name, visit(inner, [...path, name])];
        keep(inner, path);
        return [name, inner.slice(0, HEAD_CHARS)];
      }),
    );
  };
  return { result: visit(result, []), longTexts };
}

function textOf(id: number): Text {
  const found = texts.get(id);
  if (!found) throw new Error("This text is kept no longer: call again.");
  return found;
}

/** Rows of a text in so many columns, and how many there are. */
export function rowsOf(id: number, columns: number, from: number, count: number): { rows: string[]; total: number } {
  const found = textOf(id);
  if (found.columns !== columns) Object.assign(found, { columns, rows: laidOut(found.text, columns) });
  const { text, rows } = found;
  const taken = [...rows.subarray(from, from + count)].map((start, at) => text.slice(start, rows[from + at + 1] ?? text.length).replace(/\r?\n$/, ""));
  return { rows: taken, total: rows.length };
}

/** The next row, after `from`, with a text in it; the first one where there is none any more. */
export function find(id: number, wanted: string, from: number): number | null {
  const { text, rows } = textOf(id);
  const lower = text.toLowerCase();
  const needle = wanted.toLowerCase();
  const begin = rows[from + 1] ?? text.length;
  const at = lower.indexOf(needle, begin);
  const found = at >= 0 ? at : lower.indexOf(needle);
  if (found < 0 || needle === "") return null;
  let [low, high] = [0, rows.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((rows[middle] ?? 0) <= found) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** All of a text, as a file. */
export const fileOf = (id: number): Blob => new Blob([textOf(id).text], { type: "application/octet-stream" });

/** Letters that take two columns, and halves of letters. */
const WIDE = /[\u1100-\uffff]/;

// Where rows begin: after each line's end, and in a line where its columns are full.
function laidOut(text: string, columns: number): Uint32Array {
  let rows = new Uint32Array(Math.ceil(text.length / columns) + 1024);
  let count = 0;
  const add = (start: number) => {
    if (count === rows.length) {
      const more = new Uint32Array(rows.length * 2);
      more.set(rows);
      rows = more;
    }
    rows[count++] = start;
  };
  const addWide = (start: number, end: number) => {
    let [width, at] = [0, start];
    while (at < end) {
      const code = text.codePointAt(at) ?? 0;
      const wide = code >= 0x1100 ? 2 : 1;
      if (width + wide > columns) {
        add(at);
        width = 0;
      }
      width += wide;
      at += code > 0xffff ? 2 : 1;
    }
  };
  // With a letter for each column, a row's place is counted and not looked for.
  const isEven = !WIDE.test(text);
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline + 1;
    // Line ends take no column.
    const last = newline < 0 ? end : text[newline - 1] === "\r" ? newline - 1 : newline;
    add(start);
    if (isEven) for (let at = start + columns; at < last; at += columns) add(at);
    else if (last - start > columns / 2) addWide(start, last);
    start = end;
  }
  return rows.slice(0, count);
}
