// State and actions for every part of the page.
import { createContext } from "preact";
import { useContext, useLayoutEffect, useState } from "preact/hooks";
import type { Say } from "./language.ts";
import type { Observable } from "./observable.ts";
import type { Page } from "./page.ts";
import type { State } from "./state.ts";
import type { ServerClient } from "./server-client.ts";

/** Actions and words, which are the same until another server or language is chosen. */
export interface Actions {
  /** The client of the server that is shown. */
  client: ServerClient;
  page: Page;
  say: Say;
}

export interface AppContext extends Actions {
  state: State;
}

export const ActionsContext = createContext<Actions | undefined>(undefined);

export const StateContext = createContext<State | undefined>(undefined);

const OUTSIDE = "A part of the page is outside of it.";

/** For views that show nothing of the state: no change of it draws them. */
export function useActions(): Actions {
  const actions = useContext(ActionsContext);
  if (!actions) throw new Error(OUTSIDE);
  return actions;
}

export function useAppContext(): AppContext {
  const actions = useActions();
  const state = useContext(StateContext);
  if (!state) throw new Error(OUTSIDE);
  return { ...actions, state };
}

/** Draws the view again, and the rest of the page not, when what it shows has changed in place. */
export function useChanges(shown: Pick<Observable, "subscribe">): void {
  const [, redraw] = useState({});
  useLayoutEffect(() => shown.subscribe(() => redraw({})), [shown]);
}
