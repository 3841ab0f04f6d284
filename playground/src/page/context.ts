// State and actions for every part of the page.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Say } from "./language.ts";
import type { Page } from "./page.ts";
import type { State } from "./state.ts";
import type { Visitor } from "./visitor.ts";

export interface Shared {
  state: State;
  /** At the server that is shown. */
  visitor: Visitor;
  page: Page;
  say: Say;
}

export const SharedContext = createContext<Shared | undefined>(undefined);

export function useShared(): Shared {
  const shared = useContext(SharedContext);
  if (!shared) throw new Error("A part of the page is outside of it.");
  return shared;
}
