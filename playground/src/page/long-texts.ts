// Texts of results that stay in the Web Worker, by the part of the result that they belong to.
import type { Answer, LongText } from "../protocol.ts";

const texts = new WeakMap<object, LongText>();

export const longTextOf = (part: unknown): LongText | undefined => (typeof part === "object" && part !== null ? texts.get(part) : undefined);

/** Notes the long texts of an answer. */
export function noteLongTexts({ result, longTexts = [] }: Answer): void {
  // Their view is loaded together with that of the result.
  if (longTexts.length > 0) import("./long-text.tsx").catch(() => {});
  for (const one of longTexts) {
    let part = result as Record<string, unknown>;
    for (const step of one.path) part = part[step] as Record<string, unknown>;
    texts.set(part, one);
  }
}
