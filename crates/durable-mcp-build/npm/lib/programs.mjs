// The programs of one `durable-mcp dev`: itself, wrangler, and those that wrangler starts. A file has them, so that the next one can
// end what a killed one has left.
import { appendFileSync, readFileSync } from "node:fs";
import { Started } from "./started.mjs";

/** The programs that a file has. */
export class Programs {
  constructor(file) {
    this.file = file;
  }

  /** Notes one more. */
  note(pid) {
    try {
      appendFileSync(this.file, `${new Started(pid)}\n`);
    } catch {
      // The folder is gone, and so will be the program.
    }
  }

  /** The first one, which started the others; undefined if none was noted. */
  get owner() {
    return this.#all[0];
  }

  /** Ends all but the first at once, and gives the ids of those that were running. */
  kill() {
    const running = this.#all.slice(1).filter((program) => program.isRunning);
    for (const program of running) program.kill("SIGKILL");
    return running.map(({ pid }) => pid);
  }

  get #all() {
    try {
      return readFileSync(this.file, "utf8").trim().split("\n").map((line) => Started.parse(line)).filter(Boolean);
    } catch {
      return [];
    }
  }
}
