// The lists of what a server offers, as the page has them.
import { isObject } from "../exact.ts";
import type { ListPage, ListName, OperationName, Operations } from "../protocol.ts";
import type { ServerState } from "./state.ts";

export const LISTS: ListName[] = ["tools", "resources", "templates", "prompts"];

export type Ask = <K extends OperationName>(operation: K, given: Operations[K]["arguments"]) => Promise<Operations[K]["result"]>;

type Entry = ServerState[ListName][number];

/** A list whose entries can be told apart. */
export interface LoadedList {
  entries: Entry[];
  faults: ListPage["faults"];
  /** The least for which the server vouches for any part of it. */
  ttlMs: number | undefined;
  /** Milliseconds since 1970. */
  at: number;
}

/** Whether the server offers what the list is of. */
export const isOffered = ({ info }: ServerState, what: ListName): boolean => info?.capabilities[what === "templates" ? "resources" : what] !== undefined;

export async function load(ask: Ask, what: ListName): Promise<LoadedList> {
  const list: LoadedList = { entries: [], faults: {}, ttlMs: undefined, at: Date.now() };
  let next: number | undefined;
  do {
    const piece = ask("list", { what, ...(next === undefined ? {} : { next }) });
    // Servers with resources alone need not know the method for templates.
    const { entries, faults, ttlMs, next: following } = await (what === "templates" ? piece.catch((): ListPage => ({ entries: [], faults: {} })) : piece);
    for (const entry of entries as Entry[]) if (idOf(entry) !== undefined) list.entries.push(shaped(entry));
    Object.assign(list.faults, faults);
    if (ttlMs !== undefined) list.ttlMs = Math.min(list.ttlMs ?? Infinity, ttlMs);
    next = following;
  } while (next !== undefined);
  return list;
}

const isText = (value: unknown): boolean => typeof value === "string";

const TYPES: Record<string, (value: unknown) => boolean> = { name: isText, title: isText, description: isText, mimeType: isText, icons: Array.isArray, annotations: isObject, execution: isObject, _meta: isObject, arguments: Array.isArray };

// A server says what it likes: of an entry, members are taken only if they are of their type. The trace has the others.
function shaped<T extends object>(entry: T): T {
  const kept = Object.entries(entry).filter(([name, value]) => !Object.hasOwn(TYPES, name) || TYPES[name]?.(value));
  return Object.fromEntries(kept.map(([name, value]) => [name, name === "arguments" ? (value as unknown[]).filter(isNamed).map(shaped) : value])) as T;
}

const isNamed = (value: unknown): value is object => isText((value as { name?: unknown } | null)?.name);

/** The part of the state that a list is. */
export const stateOf = (what: ListName, { lists }: ServerState, { entries, at, ttlMs, faults }: LoadedList, marks: { added: string[]; gone: unknown[] } = { added: [], gone: [] }): Partial<ServerState> => ({
  [what]: entries,
  lists: { ...lists, [what]: { at, ttlMs, faults, ...marks } },
});

/** An entry's name, or the address that it has in place of one. */
export function idOf(entry: unknown): string | undefined {
  const { name, uri, uriTemplate } = (typeof entry === "object" && entry !== null ? entry : {}) as Record<string, unknown>;
  return [uriTemplate, uri, name].find((id) => typeof id === "string") as string | undefined;
}

/** Entry of a record under a name, which may be that of a member of every object. */
export const ownOf = <T>(record: Record<string, T>, name: string): T | undefined => (Object.hasOwn(record, name) ? record[name] : undefined);
