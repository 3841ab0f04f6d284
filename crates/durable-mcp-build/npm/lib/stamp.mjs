// Whether what is built is what the sources say. The stamp has the sum of all that was read, by paths that are relative to the
// crate: times say nothing in a copied or moved folder, nor where a file is replaced by an older one.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

const STAMP = ".built";

// Clocks of file systems lag behind by some milliseconds.
const LAG_MS = 10;

/** The files that a build makes. */
export const OUTPUTS = ["index.js", "index_bg.wasm"];

/** What the last build noted in its folder: `{ files, sum }`, or undefined. Files are absolute. */
export function noted(crate, folder) {
  try {
    const { files, sum } = JSON.parse(readFileSync(join(folder, STAMP), "utf8"));
    return { files: files.map((file) => resolve(crate, file)), sum };
  } catch {
    return undefined;
  }
}

/** Whether a build with such options would give what is there. */
export function isCurrent(crate, folder, options) {
  const last = noted(crate, folder);
  return last !== undefined && last.sum === sum(crate, folder, options, last.files);
}

/** Notes a build that began at that time. Files that changed meanwhile may have been read before they did: it is not current then. */
export function note(crate, folder, options, files, began) {
  const changed = files.some((file) => !isOfCargo(file) && statSync(file, { throwIfNoEntry: false })?.ctimeMs > began - LAG_MS);
  const stamp = {
    sum: changed ? "changed while it was built" : sum(crate, folder, options, files),
    files: files.map((file) => relative(crate, file)),
  };
  writeFileSync(join(folder, STAMP), JSON.stringify(stamp, undefined, 1));
}

/** Makes what is there count as outdated. */
export function forget(folder) {
  rmSync(join(folder, STAMP), { force: true });
}

/** A text that stands for what was built; undefined while a build replaces it. */
export function edition(folder) {
  const file = join(folder, STAMP);
  return existsSync(file) ? `${readFileSync(file)}` : undefined;
}

// cargo brings its lock file up to date before it reads it.
function isOfCargo(file) {
  return file.endsWith("Cargo.lock");
}

function sum(crate, folder, options, files) {
  const hash = createHash("sha256").update(JSON.stringify(options));
  for (const file of [...files, ...OUTPUTS.map((name) => join(folder, name))]) {
    const contents = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    hash.update(`\n${relative(crate, file)} ${contents.length}\n`).update(contents);
  }
  return hash.digest("hex");
}
