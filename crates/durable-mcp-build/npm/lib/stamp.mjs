// Whether what is built is that of the module which cargo has made. The stamp has the sum of both, and paths that are relative to
// the crate: times and places say nothing in a copied or moved folder.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

const STAMP = ".built";

/** The files that a build makes. */
export const OUTPUTS = ["index.js", "index_bg.wasm"];

/** Whether what is in the folder was made of that origin, which says all that goes into it. */
export function isCurrent(folder, origin) {
  return edition(folder) === sum(folder, origin);
}

/** Notes what was made of an origin, and the files and folders that were read for it. */
export function note(crate, folder, origin, files) {
  const next = join(folder, `${STAMP}-next`);
  writeFileSync(next, JSON.stringify({ sum: sum(folder, origin), files: files.map((file) => relative(crate, file)) }, undefined, 1));
  renameSync(next, join(folder, STAMP));
}

/** Makes what is there count as outdated. */
export function forget(folder) {
  rmSync(join(folder, STAMP), { force: true });
}

/** A text that stands for what was built; undefined while a build replaces it. */
export function edition(folder) {
  return noted(folder)?.sum;
}

/** The files and folders that the last build of a crate read, absolute; undefined without a build. */
export function filesRead(crate, folder) {
  return noted(folder)?.files.map((file) => resolve(crate, file));
}

function noted(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, STAMP), "utf8"));
  } catch {
    return undefined;
  }
}

function sum(folder, origin) {
  const hash = createHash("sha256").update(JSON.stringify(origin));
  for (const name of OUTPUTS) {
    const file = join(folder, name);
    const contents = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    hash.update(`\n${name} ${contents.length}\n`).update(contents);
  }
  return hash.digest("hex");
}
