// Waits between attempts: from one second to half a minute, each twice the one before.

const FIRST_MS = 1000;
const LONGEST_MS = 30_000;

export const backoff = (attempt: number): number => Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS);
