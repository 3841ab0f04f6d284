// Log messages of a server on their way to the page, some at a time.
import type { LogEntry } from "../protocol.ts";

/** Milliseconds for which they are collected: a page that drew each by itself would not keep up. */
const COLLECTED_MS = 100;

/** Messages that the page gets at once: more would keep it busy for long. */
const MAX_PIECE = 500;

export class LogSender {
  #send: (entries: LogEntry[]) => void;
  #waiting: LogEntry[] = [];

  constructor(send: (entries: LogEntry[]) => void) {
    this.#send = send;
  }

  take({ level, logger, data }: { level: string; logger?: string | undefined; data?: unknown }): void {
    if (this.#waiting.length === 0) setTimeout(() => this.#flush(), COLLECTED_MS);
    this.#waiting.push({ at: Date.now(), level, logger: logger ?? "", data });
  }

  #flush(): void {
    const entries = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < entries.length; from += MAX_PIECE) this.#send(entries.slice(from, from + MAX_PIECE));
  }
}
