// Texts of results that stay in the Web Worker, by the part of the result that they belong to.
import type { Answer, HeldText } from "../protocol.ts";

const texts = new WeakMap<object, HeldText>();

export const heldOf = (part: unknown): HeldText | undefined => (typeof part === "object" && part !== null ? texts.get(part) : undefined);

/** Notes what is held of an answer. */
export function noteHeld({ result, held = [] }: Answer): void {
  // Their view is loaded together with that of the result.
  if (held.length > 0) import("./held.tsx").catch(() => {});
  for (const one of held) {
    let part = result as Record<string, unknown>;
    for (const step of one.path) part = part[step] as Record<string, unknown>;
    texts.set(part, one);
  }
}
