// Entries of a list with those that are gone, and their marks.
import type { ListName } from "../protocol.ts";
import { idOf } from "./lists.ts";
import type { ServerState } from "./state.ts";

export function withGone<What extends ListName>(state: ServerState, what: What) {
  type Entry = ServerState[What][number];
  const { added = [], gone = [] } = state.lists[what] ?? {};
  const isGone = new Set(gone);
  const isNew = new Set(added);
  return {
    all: [...state[what], ...gone] as Entry[],
    markOf: (entry: Entry): "new" | "gone" | undefined => (isGone.has(entry) ? "gone" : isNew.has(idOf(entry) ?? "") ? "new" : undefined),
  };
}
