// Every wait of the tests has a bound and, when it runs out, says what it waited for.
import { setTimeout as sleep } from "node:timers/promises";

export { sleep };

/** The bound of a wait for something due at once: for a machine whose disk or cores are others' for a while. */
export const WAIT_MS = 60_000;

/** Thrown when a wait runs out. */
export class Late extends Error {
  constructor(ms, what) {
    super(`waited ${Math.round(ms)} ms for ${typeof what === "function" ? what() : what}`);
  }
}

/**
 * Settles like `promise`, or rejects after `ms` (`Infinity`: something else bounds it). `what` may be a function that
 * describes the state by then.
 */
export function bounded(promise, ms, what) {
  if (ms === Infinity) return promise;
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Late(ms, what)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Calls `probe` until it returns something truthy, and returns that. */
export async function until(probe, what, { ms = WAIT_MS, every = 50 } = {}) {
  const end = performance.now() + ms;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (performance.now() > end) throw new Late(ms, what);
    await sleep(every);
  }
}

/**
 * The first entry of a list, past or future, for which `match` holds; each of `watchers` is called when the list has grown. Rejects
 * when `ended` does, or like `bounded`.
 */
export async function firstOf(list, watchers, match, { ended, ms, what }) {
  let watcher;
  const found = new Promise((resolve) => {
    watcher = () => {
      const hit = list.find(match);
      if (hit) resolve(hit);
    };
  });
  watchers.add(watcher);
  watcher();
  try {
    return await bounded(Promise.race([found, ended]), ms, what);
  } finally {
    watchers.delete(watcher);
  }
}
