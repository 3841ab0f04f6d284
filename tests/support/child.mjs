// Child processes that never outlive the test process.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { WAIT_MS, bounded, firstOf } from "./wait.mjs";

/** The folder that holds package.json and wrangler.toml. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** The folder of an npm package of the tests. */
export function packageFolder(name) {
  const found = ["tests/node_modules", "node_modules"].map((folder) => join(root, folder, name)).find(existsSync);
  if (!found) throw new Error(`${name} is not installed: run scripts/setup tests`);
  return found;
}

const children = new Set();
const folders = new Set();

process.on("exit", () => {
  for (const child of children) child.signal("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});
for (const [signal, code] of [
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.once(signal, () => process.exit(code));
}

/** A folder that is gone when the test process is. */
export function temporaryFolder(name) {
  const folder = mkdtempSync(join(roomInMemory() ? MEMORY : tmpdir(), `${name}-`));
  folders.add(folder);
  return folder;
}

// Where nothing waits for a disk that other programs keep busy: every write of an object is flushed to it.
const MEMORY = "/dev/shm";
// Profiles of browsers are the largest: some 100 MB each, and two files of tests run at a time.
const MEMORY_BYTES = 2 ** 30;

function roomInMemory() {
  if (!existsSync(MEMORY)) return false;
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= MEMORY_BYTES;
}

export function removeFolder(folder) {
  folders.delete(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** A running child process, its output as lines and a bounded end. */
export class Child {
  /** `{ stream: "stdout" | "stderr", text, json? }` for every line so far. */
  lines = [];
  /** Called with each line. */
  onLine;
  #watchers = new Set();

  /**
   * `group` gives the child a process group of its own, ended as a whole: for programs that start others.
   * `pipes` is the number of further pipes from file descriptor 3 on. With `input`, stdin is a pipe too.
   */
  constructor(command, args, { group = false, cwd = root, env = {}, pipes = 0, input = false } = {}) {
    this.command = [command, ...args].join(" ");
    this.group = group;
    // The project's own node and tools before the system's.
    const path = [join(root, "tests/node_modules/.bin"), join(root, "node_modules/.bin"), dirname(process.execPath), process.env.PATH].join(delimiter);
    this.process = spawn(command, args, {
      cwd,
      detached: group,
      env: { ...process.env, PATH: path, ...env },
      stdio: [input ? "pipe" : "ignore", "pipe", "pipe", ...Array(pipes).fill("pipe")],
    });
    children.add(this);
    // A test that forgets one still ends; whoever waits has a timer.
    this.process.unref();
    for (const pipe of this.process.stdio) pipe?.unref();
    for (const stream of ["stdout", "stderr"]) {
      eachLine(this.process[stream], (text) => {
        this.lines.push(line(stream, text));
        this.onLine?.(this.lines.at(-1));
        for (const watcher of this.#watchers) watcher();
      });
    }
    // The code, or the signal's name, once all output is here.
    this.ended = new Promise((resolve, reject) => {
      this.process.once("error", reject);
      this.process.once("close", (code, signal) => resolve(code ?? signal));
    }).finally(() => {
      if (!group) children.delete(this);
    });
    this.ended.catch(() => {});
  }

  get output() {
    return this.lines.map(({ text }) => text).join("\n");
  }

  text(stream) {
    return this.lines
      .filter((line) => line.stream === stream)
      .map(({ text }) => text)
      .join("\n");
  }

  /** The first line, past or future, for which `match` (a pattern or a function of the line) holds. */
  line(match, { ms = WAIT_MS } = {}) {
    const holds = match instanceof RegExp ? (line) => match.test(line.text) : match;
    const ended = this.ended.then((code) => {
      throw new Error(`${this.command} ended (${code}) before it said ${match}\n${this.output}`);
    });
    return firstOf(this.lines, this.#watchers, holds, { ended, ms, what: () => `${match} from ${this.command}\n${this.output}` });
  }

  signal(name) {
    try {
      if (this.group) process.kill(-this.process.pid, name);
      else this.process.kill(name);
    } catch {
      // The program has ended already.
    }
  }

  /** Asks it to end, insists after `grace` milliseconds, and waits until it has. */
  async stop({ grace = 3000 } = {}) {
    this.signal("SIGTERM");
    await bounded(this.ended, grace, "the end").catch(() => {});
    return this.kill();
  }

  async kill() {
    this.signal("SIGKILL");
    const code = await bounded(this.ended, WAIT_MS, `the end of ${this.command}`);
    children.delete(this);
    return code;
  }
}

/** Runs a program of `node_modules` or PATH to its end: `{ code, stdout, stderr }`. */
export async function run(command, args, { ms = WAIT_MS, ...options } = {}) {
  const child = new Child(command, args, { group: true, ...options });
  try {
    const code = await bounded(child.ended, ms, () => `the end of ${child.command}\n${child.output}`);
    return { code, stdout: child.text("stdout"), stderr: child.text("stderr") };
  } finally {
    await child.kill();
  }
}

/** The processes that a process started, and those that they started. */
export function descendants(pid) {
  const lines = `${execFileSync("ps", ["-A", "-o", "pid=,ppid="])}`.trim().split("\n");
  const all = lines.map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent) => all.filter(([, of]) => of === parent).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

export function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function line(stream, text) {
  if (text.startsWith("{")) {
    try {
      return { stream, text, json: JSON.parse(text) };
    } catch {
      // A line that only looks like JSON.
    }
  }
  return { stream, text };
}

export function eachLine(readable, onLine) {
  let rest = "";
  readable.setEncoding("utf8");
  readable.on("data", (data) => {
    // A line of megabytes is put together once.
    if (!data.includes("\n")) {
      rest += data;
      return;
    }
    const lines = (rest + data).split("\n");
    rest = lines.pop();
    lines.forEach(onLine);
  });
  readable.on("end", () => {
    if (rest) onLine(rest);
  });
}
