// Notices changes of files by looking at them again and again: unlike notices of the system, that works in every folder, also
// one that is mounted from another machine, and with every editor.
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const EVERY_MS = 200;

// Folders that builds write into, or that are not the server's own.
const SKIPPED = new Set(["target", "node_modules", "build"]);
// In cargo's folders, which can have any name.
const MARK = "CACHEDIR.TAG";

/** Files and folders, and how they looked when that was noted. */
export class Watched {
  #paths;
  #seen;

  constructor(paths) {
    this.#paths = paths;
    this.#seen = look(paths);
  }

  /** Resolves after a change since the last look. */
  async change() {
    for (;;) {
      const now = look(this.#paths);
      const changed = isDifferent(this.#seen, now);
      this.#seen = now;
      if (changed) return;
      await sleep(EVERY_MS);
    }
  }

  /** Watches others from now on. What is watched already is not looked at anew, so no change of it is lost. */
  watch(paths) {
    const now = look(paths);
    for (const path of now.keys()) if (this.#seen.has(path)) now.set(path, this.#seen.get(path));
    this.#paths = paths;
    this.#seen = now;
  }
}

/** Paths to watch for files that were read: each one, and the folders that source files are in, for those that are added. */
export function around(files, crate) {
  const folders = files.filter((file) => file.endsWith(".rs")).map(dirname);
  // The manifest is in the folder of everything else.
  const own = folders.filter((folder) => folder !== crate);
  const outermost = own.filter((folder) => !own.some((other) => folder !== other && folder.startsWith(`${other}/`)));
  return [...new Set([...files, ...outermost])];
}

// The time of change and the size of each file. A folder that is gone has no files.
function look(paths) {
  const seen = new Map();
  for (const path of paths) lookAt(path, seen);
  return seen;
}

function lookAt(path, seen) {
  if (seen.has(path)) return;
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory()) lookInto(path, seen);
  else if (status) seen.set(path, `${status.mtimeMs} ${status.size} ${status.ino}`);
}

function lookInto(folder, seen) {
  const all = entries(folder);
  if (all.some(({ name }) => name === MARK)) return;
  for (const entry of all) {
    // A link to a folder may lead back here.
    if (entry.name.startsWith(".") || SKIPPED.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) lookInto(path, seen);
    else if (!entry.isSymbolicLink()) lookAt(path, seen);
  }
}

function entries(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function isDifferent(before, after) {
  return before.size !== after.size || after.entries().some(([path, look]) => before.get(path) !== look);
}
