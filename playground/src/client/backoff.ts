// Waits between attempts: from one second to half a minute, each twice the one before.

/** The longest time of a timer: one that is set for longer fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

const FIRST_MS = 1000;
const LONGEST_MS = 30_000;

export const backoff = (attempt: number): number => Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS);
