// The log messages of a server: the newest, up to a number.
import type { LogEntry } from "../protocol.ts";
import { Observable } from "./observable.ts";

const MAX_ENTRIES = 10_000;

/** Characters of all of them: beyond, the oldest go. One may be as large as a server makes it. */
const MAX_CHARS = 20_000_000;

export interface NumberedEntry extends LogEntry {
  number: number;
  chars: number;
}

export class LogBook extends Observable {
  #entries: NumberedEntry[] = [];
  #chars = 0;
  #last = 0;

  get length(): number {
    return this.#entries.length;
  }

  /** The oldest first. The list is another one after each change. */
  get entries(): readonly NumberedEntry[] {
    return this.#entries;
  }

  add(entries: LogEntry[]): void {
    const all = [...this.#entries, ...entries.map((entry) => ({ ...entry, number: ++this.#last, chars: charsOf(entry) }))];
    for (const { chars } of all.slice(this.#entries.length)) this.#chars += chars;
    let from = 0;
    while (all.length - from > MAX_ENTRIES || (this.#chars > MAX_CHARS && all.length - from > 1)) this.#chars -= all[from++]?.chars ?? 0;
    this.#entries = all.slice(from);
    this.changed();
  }

  clear(): void {
    this.#entries = [];
    this.#chars = 0;
    this.changed();
  }
}

const charsOf = ({ logger, data }: LogEntry): number => logger.length + (typeof data === "string" ? data : (JSON.stringify(data) ?? "")).length;
