// The lists of what a server offers, as the page has them.
import type { Listed, ListName, OperationName, Operations } from "../protocol.ts";
import type { ServerState } from "./state.ts";

export const LISTS: ListName[] = ["tools", "resources", "templates", "prompts"];

export type Ask = <K extends OperationName>(operation: K, given: Operations[K]["arguments"]) => Promise<Operations[K]["result"]>;

type Entry = ServerState[ListName][number];

/** A list whose entries can be told apart. */
export interface Loaded {
  entries: Entry[];
  faults: Listed["faults"];
  /** The least for which the server vouches for any part of it. */
  ttlMs: number | undefined;
  /** Milliseconds since 1970. */
  at: number;
}

/** Whether the server offers what the list is of. */
export const isOffered = ({ info }: ServerState, what: ListName): boolean => info?.capabilities[what === "templates" ? "resources" : what] !== undefined;

export async function load(ask: Ask, what: ListName): Promise<Loaded> {
  const list: Loaded = { entries: [], faults: {}, ttlMs: undefined, at: Date.now() };
  let next: number | undefined;
  do {
    const piece = ask("list", { what, ...(next === undefined ? {} : { next }) });
    // Servers with resources alone need not know the method for templates.
    const { entries, faults, ttlMs, next: following } = await (what === "templates" ? piece.catch((): Listed => ({ entries: [], faults: {} })) : piece);
    for (const entry of entries as Entry[]) if (idOf(entry) !== undefined) list.entries.push(entry);
    Object.assign(list.faults, faults);
    if (ttlMs !== undefined) list.ttlMs = Math.min(list.ttlMs ?? Infinity, ttlMs);
    next = following;
  } while (next !== undefined);
  return list;
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
