// A wall clock of its own for the programs of a test, which can be set ahead and back while they run.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { removeFolder, root, run, temporaryFolder } from "./child.mjs";
import { PROGRAM } from "./bridge.mjs";

/** The reason for which there is none. */
export const withoutClock = reason();

function reason() {
  if (process.platform !== "linux") return "a clock of its own needs Linux";
  try {
    execFileSync("cc", ["--version"], { stdio: "ignore" });
  } catch {
    return "a clock of its own needs a C compiler";
  }
  try {
    // A static program has no clock that could be replaced.
    return execFileSync("ldd", [PROGRAM], { stdio: ["ignore", "pipe", "ignore"] }).includes("libc.so") ? false : "the program is static";
  } catch {
    return "the program is static";
  }
}

/** A clock: `env` for the programs that it is of, and `advance(seconds)`. */
export async function programClock() {
  const folder = temporaryFolder("clock");
  const library = join(folder, "clock.so");
  const path = join(folder, "offset");
  const { code, stderr } = await run("cc", ["-shared", "-fPIC", "-O1", "-o", library, join(root, "tests/support/clock.c")]);
  assert.equal(code, 0, stderr);
  const file = openSync(path, "w+");
  let offset = 0;
  const clock = {
    env: { LD_PRELOAD: library, CLOCK_OFFSET: path },
    /** Milliseconds since 1970 by this clock. */
    now: () => Date.now() + offset * 1000,
    advance(seconds) {
      offset += seconds;
      const bytes = Buffer.alloc(8);
      // Little-endian, as the machines are that this runs on.
      bytes.writeBigInt64LE(BigInt(offset));
      writeSync(file, bytes, 0, 8, 0);
    },
    [Symbol.dispose]() {
      closeSync(file);
      removeFolder(folder);
    },
  };
  clock.advance(0);
  return clock;
}
