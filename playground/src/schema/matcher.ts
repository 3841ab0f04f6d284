// The page's side of the Web Worker that matches patterns.
import { startWorker } from "../page/scripts.ts";
import type { MatcherMessage } from "./matcher-worker.ts";
import type { Pair, Verdict } from "./patterns.ts";

declare const MATCHER_URL: string;

/** Milliseconds for one pattern and text. Matching takes microseconds, unless the pattern tries all ways through the text. */
const MATCH_MS = 500;

/** Milliseconds for all that is asked for at once, in all Web Workers together, from when matching begins. */
const ALL_MS = 2000;

/** Web Workers that are used for what is asked for at once: each that is stuck is ended. */
const MAX_WORKERS = 4;

/** Milliseconds until the Web Worker is there, with its script loaded over a slow network. */
const START_MS = 30_000;

/** Waits for the next check. */
let idle: Worker | undefined;

export async function match(pairs: Pair[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = pairs.map(() => "unreached");
  let left = pairs.map((pair, at) => ({ pair, at }));
  let ms = ALL_MS;
  for (let used = 0; used < MAX_WORKERS && left.length > 0 && ms > 0; used++) {
    const { found, took, isStuck } = await matchedUntilStuck(left.map(({ pair }) => pair), ms);
    ms -= took;
    left.slice(0, found.length).forEach(({ at }, index) => (verdicts[at] = found[index] ?? undefined));
    left = left.slice(found.length);
    const [stuck] = left;
    if (!stuck) break;
    if (isStuck) verdicts[stuck.at] = undefined;
    // Other texts of the pattern are likely to take as long: they wait for the next check.
    left = left.filter(({ pair: [pattern] }) => pattern !== stuck.pair[0]);
  }
  return verdicts;
}

/** The verdicts up to the first pair that takes too long, if one does, or until so many milliseconds are over; and the milliseconds that they took. */
async function matchedUntilStuck(pairs: Pair[], ms: number): Promise<{ found: (boolean | null)[]; took: number; isStuck: boolean }> {
  const worker = idle ?? (await started());
  idle = undefined;
  return new Promise((resolve) => {
    const found: (boolean | null)[] = [];
    let begun = Infinity;
    let whole: ReturnType<typeof setTimeout> | undefined;
    const stuck = () => end(begun < Infinity);
    let one = setTimeout(stuck, START_MS);
    worker.onmessage = ({ data }: MessageEvent<MatcherMessage>) => {
      clearTimeout(one);
      one = setTimeout(stuck, MATCH_MS);
      if (data === "begun") {
        begun = performance.now();
        whole = setTimeout(() => end(), ms);
      } else if (data !== "ready") found.push(data);
      if (found.length === pairs.length) end();
    };
    function end(isStuck = false) {
      clearTimeout(one);
      clearTimeout(whole);
      worker.onmessage = null;
      if (found.length === pairs.length) idle = worker;
      else worker.terminate();
      resolve({ found, isStuck, took: Math.max(0, performance.now() - begun) });
    }
    worker.postMessage(pairs);
  });
}

function started(): Promise<Worker> {
  const worker = startWorker(MATCHER_URL, "matcher");
  return new Promise((resolve, reject) => {
    // As browsers tell that a part of the page is missing.
    const fail = () => {
      worker.terminate();
      reject(new TypeError(`The module ${MATCHER_URL} cannot be loaded.`));
    };
    const timer = setTimeout(fail, START_MS);
    worker.onerror = fail;
    worker.onmessage = () => {
      clearTimeout(timer);
      worker.onerror = null;
      resolve(worker);
    };
  });
}
