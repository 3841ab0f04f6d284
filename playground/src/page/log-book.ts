// The log messages of a server: the newest, up to a number.
import type { LogEntry } from "../protocol.ts";

const MAX_ENTRIES = 10_000;

export interface NumberedEntry extends LogEntry {
  number: number;
}

export class LogBook {
  #entries: NumberedEntry[] = [];
  #last = 0;

  /** The oldest first. The list is another one after each change. */
  get entries(): readonly NumberedEntry[] {
    return this.#entries;
  }

  add(entries: LogEntry[]): void {
    this.#entries = [...this.#entries, ...entries.map((entry) => ({ ...entry, number: ++this.#last }))].slice(-MAX_ENTRIES);
  }

  clear(): void {
    this.#entries = [];
  }
}
