// The lists of what a server offers, as the page has them.
import type { Listed, ListName, OperationName, Operations } from "../protocol.ts";
import type { ServerState } from "./state.ts";

export const LISTS: ListName[] = ["tools", "resources", "templates", "prompts"];

export type Ask = <K extends OperationName>(operation: K, given: Operations[K]["arguments"]) => Promise<Operations[K]["result"]>;

type Entry = ServerState[ListName][number];

/** A list whose entries can be told apart. */
export interface Loaded extends Listed {
  entries: Entry[];
  /** Milliseconds since 1970. */
  at: number;
}

/** Whether the server offers what the list is of. */
export const isOffered = ({ info }: ServerState, what: ListName): boolean => info?.capabilities[what === "templates" ? "resources" : what] !== undefined;

export async function load(ask: Ask, what: ListName): Promise<Loaded> {
  const at = Date.now();
  const list = ask("list", { what });
  // Servers with resources alone need not know the method for templates.
  const { entries, ...more } = await (what === "templates" ? list.catch((): Listed => ({ entries: [], faults: {} })) : list);
  return { ...more, at, entries: (entries as Entry[]).filter((entry) => idOf(entry) !== undefined) };
}

/** The part of the state that a list is. */
export const stateOf = (what: ListName, { lists }: ServerState, { entries, at, ttlMs, faults }: Loaded, marks: { added: string[]; gone: unknown[] } = { added: [], gone: [] }): Partial<ServerState> => ({
  [what]: entries,
  lists: { ...lists, [what]: { at, ttlMs, faults, ...marks } },
});

/** An entry's name, or the address that it has in place of one. */
export function idOf(entry: unknown): string | undefined {
  const { name, uri, uriTemplate } = (typeof entry === "object" && entry !== null ? entry : {}) as Record<string, unknown>;
  return [uriTemplate, uri, name].find((id) => typeof id === "string") as string | undefined;
}
