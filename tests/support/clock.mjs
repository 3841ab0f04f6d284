// A wall clock of its own for the programs of a test, which can be set ahead and back while they run.
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { preloaded } from "./preload.mjs";

/** A clock: `env` for the programs that it is of, and `advance(seconds)`. */
export async function programClock() {
  const { library, folder, [Symbol.dispose]: remove } = await preloaded("clock.c");
  const path = join(folder, "offset");
  const file = openSync(path, "w+");
  let offset = 0;
  const clock = {
    env: { LD_PRELOAD: library, CLOCK_OFFSET: path },
    advance(seconds) {
      offset += seconds;
      // In the order of bytes of this machine.
      writeSync(file, new Uint8Array(BigInt64Array.of(BigInt(offset)).buffer), 0, 8, 0);
    },
    [Symbol.dispose]() {
      closeSync(file);
      remove();
    },
  };
  clock.advance(0);
  return clock;
}
