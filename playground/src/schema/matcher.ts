// The page's side of the Web Worker that matches patterns.
import { startWorker } from "../page/scripts.ts";
import type { MatcherMessage } from "./matcher-worker.ts";
import type { Pair } from "./patterns.ts";

declare const MATCHER_URL: string;

/** Milliseconds for one pattern and text. Matching takes microseconds, unless the pattern tries all ways through the text. */
const MATCH_MS = 500;

/** Milliseconds for all that one check asks for, from its beginning. */
const CHECK_MS = 2000;

/** Web Workers that are used for what one check asks for: each that is stuck is ended. */
const MAX_WORKERS = 4;

/** Milliseconds until the Web Worker is there, with its script loaded over a slow network. */
const START_MS = 30_000;

/** Waits for the next check. */
let idle: Worker | undefined;

export async function match(pairs: Pair[]): Promise<(boolean | undefined)[]> {
  const verdicts: (boolean | undefined)[] = pairs.map(() => undefined);
  let left = pairs.map((pair, at) => ({ pair, at }));
  for (let used = 0; used < MAX_WORKERS && left.length > 0; used++) {
    const found = await matchedUntilStuck(left.map(({ pair }) => pair));
    left.slice(0, found.length).forEach(({ at }, index) => (verdicts[at] = found[index] ?? undefined));
    const stuck = left[found.length]?.pair[0];
    left = left.slice(found.length).filter(({ pair: [pattern] }) => pattern !== stuck);
  }
  return verdicts;
}

/** The verdicts up to the first pair that takes too long. */
async function matchedUntilStuck(pairs: Pair[]): Promise<(boolean | null)[]> {
  const worker = idle ?? (await started());
  idle = undefined;
  return new Promise((resolve) => {
    const found: (boolean | null)[] = [];
    let whole: ReturnType<typeof setTimeout> | undefined;
    let one = setTimeout(end, START_MS);
    worker.onmessage = ({ data }: MessageEvent<MatcherMessage>) => {
      clearTimeout(one);
      one = setTimeout(end, MATCH_MS);
      if (data === "begun") whole = setTimeout(end, CHECK_MS);
      else if (data !== "ready") found.push(data);
      if (found.length === pairs.length) end();
    };
    function end() {
      clearTimeout(one);
      clearTimeout(whole);
      worker.onmessage = null;
      if (found.length === pairs.length) idle = worker;
      else worker.terminate();
      resolve(found);
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
