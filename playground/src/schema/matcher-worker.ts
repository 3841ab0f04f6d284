// The Web Worker that matches patterns of servers. One that takes too long ends with it.
import type { Pair } from "./patterns.ts";

/** Messages of the Web Worker: `ready` once it runs, `begun` for each request, then the verdict of each pair, null for an invalid pattern. */
export type MatcherMessage = "ready" | "begun" | boolean | null;

/** Expressions that are kept compiled: texts of one check have few patterns. */
const MAX_EXPRESSIONS = 200;

const expressions = new Map<string, RegExp | undefined>();

const tell = (message: MatcherMessage) => self.postMessage(message);

self.addEventListener("message", ({ data }: MessageEvent<Pair[]>) => {
  tell("begun");
  for (const [pattern, text] of data) tell(expression(pattern)?.test(text) ?? null);
});

function expression(pattern: string): RegExp | undefined {
  if (expressions.size >= MAX_EXPRESSIONS) expressions.clear();
  if (!expressions.has(pattern)) expressions.set(pattern, compiled(pattern, "u") ?? compiled(pattern, ""));
  return expressions.get(pattern);
}

function compiled(pattern: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
}

tell("ready");
