import type { ServerState } from "./state.ts";

/** The name of the tool, resource or prompt of a call. */
export function nameOf(state: ServerState, call: number | undefined): string | undefined {
  const entry = Object.entries(state.uses).find(([, uses]) => uses.some(({ number }) => number === call));
  return entry?.[0].replace(/^\w+ /, "");
}
