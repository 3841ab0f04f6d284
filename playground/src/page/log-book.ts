// The log messages of a server: the newest, up to a number.
import type { LogEntry } from "../protocol.ts";
import { Observed } from "./observed.ts";

const MAX_ENTRIES = 10_000;

export interface NumberedEntry extends LogEntry {
  number: number;
}

export class LogBook extends Observed {
  #entries: NumberedEntry[] = [];
  #last = 0;

  get length(): number {
    return this.#entries.length;
  }

  /** The oldest first. The list is another one after each change. */
  get entries(): readonly NumberedEntry[] {
    return this.#entries;
  }

  add(entries: LogEntry[]): void {
    this.#entries = [...this.#entries, ...entries.map((entry) => ({ ...entry, number: ++this.#last }))].slice(-MAX_ENTRIES);
    this.changed();
  }

  clear(): void {
    this.#entries = [];
    this.changed();
  }
}
