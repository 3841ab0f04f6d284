// All that a server keeps, as whoever stole its disk would read it.
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { WAIT_MS } from "./wait.mjs";

/**
 * Everything on disk below a folder, once its server has stopped: `[{ place, bytes }]`. Each file is there whole, as it
 * is, and each value of each database once more, since a long one is in pieces in its file.
 */
export function dump(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  // Reading a database changes the files beside it, so all files come first.
  const whole = paths.map((path) => ({ place: relative(folder, path), bytes: readFileSync(path) }));
  return [...whole, ...paths.filter((path) => path.endsWith(".sqlite")).flatMap((path) => values(folder, path))];
}

function values(folder, path) {
  const database = new DatabaseSync(path, { timeout: WAIT_MS });
  try {
    const tables = rowsOf(database, "SELECT name FROM sqlite_master WHERE type = 'table'").map(({ name }) => name);
    return tables.flatMap((table) =>
      rowsOf(database, `SELECT * FROM "${table}"`)
        .flatMap(Object.entries)
        .map(([column, value]) => ({ place: `${relative(folder, path)}: ${table}.${column}`, bytes: toBytes(value) })),
    );
  } finally {
    database.close();
  }
}

/** Texts that a server sent or logged, as places like those of `dump`: each is named by itself. */
export const shown = (texts) => texts.map((text) => ({ place: text, bytes: Buffer.from(text) }));

// The runtime's own numbers are larger than JavaScript's.
function rowsOf(database, query) {
  const statement = database.prepare(query);
  statement.setReadBigInts(true);
  return statement.all();
}

const toBytes = (value) => (value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(`${value}`));

/**
 * Where any of the texts can be read: `[{ name, form, place }]`. `texts` are by name, `places` come from `dump`. A text
 * counts in every form that needs no key to read.
 */
export function readable(texts, places) {
  const wanted = Object.entries(texts).flatMap(([name, text]) =>
    forms(text).map(([form, bytes]) => ({ name, form, bytes })),
  );
  return places.flatMap(({ place, bytes }) =>
    wanted.filter((one) => bytes.includes(one.bytes)).map(({ name, form }) => ({ name, form, place })),
  );
}

function forms(text) {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((offset) => inBase64(bytes, offset));
  const all = [
    ["clear", text],
    ["hexadecimal", bytes.toString("hex")],
    ["hexadecimal", bytes.toString("hex").toUpperCase()],
    ["percent-encoded", encodeURIComponent(text)],
    ["JSON", JSON.stringify(text).slice(1, -1)],
    ["reversed", [...text].reverse().join("")],
    ...base64.map((text) => ["base64", text]),
    ...base64.map((text) => ["base64url", text.replaceAll("+", "-").replaceAll("/", "_")]),
    // What is in base64 itself, as its bytes.
    ...(/^[\w-]{16,}$/.test(text) ? [["its bytes", Buffer.from(text, "base64url")]] : []),
    ["UTF-16", Buffer.from(text, "utf16le")],
  ];
  return all.map(([form, bytes]) => [form, Buffer.from(bytes)]);
}

// As it stands in the middle of something encoded: without the characters that its neighbours share.
function inBase64(bytes, offset) {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64").replace(/=+$/, "");
  const before = Math.ceil((offset * 8) / 6);
  const whole = Math.floor(((offset + bytes.length) * 8) / 6);
  return text.slice(before, whole);
}
