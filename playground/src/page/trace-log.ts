// The rows of a trace, the oldest first. They change in place: a copy for each message would take ever longer.
import type { TraceRow } from "../protocol.ts";
import { Observable } from "./observable.ts";

/** Rows that are kept: the oldest go first, but for those that are pinned. */
export const MAX_ROWS = 50_000;

export class TraceLog extends Observable {
  rows: TraceRow[] = [];
  readonly pinned = new Set<number>();
  /** Counts changes. */
  version = 0;

  get length(): number {
    return this.rows.length;
  }

  /** Takes rows, or others in place of those of the same numbers. */
  add(rows: TraceRow[]): void {
    this.version++;
    for (const row of rows) {
      const at = this.indexOf(row.number);
      if (this.rows[at]?.number === row.number) this.rows[at] = row;
      else if (at === this.rows.length) this.rows.push(row);
    }
    const over = this.rows.length - MAX_ROWS - this.pinned.size;
    if (over > 0) {
      const oldest = this.rows.slice(0, over).filter(({ number }) => this.pinned.has(number));
      this.rows.splice(0, over, ...oldest);
    }
    this.changed();
  }

  clear(): void {
    this.version++;
    this.rows = this.rows.filter(({ number }) => this.pinned.has(number));
    this.changed();
  }

  pin(number: number, isPinned: boolean): void {
    this.version++;
    if (isPinned) this.pinned.add(number);
    else this.pinned.delete(number);
    this.changed();
  }

  /** Rows that are newer than a number. */
  countAfter(number: number): number {
    return this.rows.length - this.indexOf(number + 1);
  }

  /** The place of a number, or where it would stand. */
  indexOf(number: number): number {
    let [from, to] = [0, this.rows.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.rows[middle]?.number ?? 0) < number) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
