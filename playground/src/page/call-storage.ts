// Calls of tools that a reload keeps: in the storage of the tab, until it is closed or the person signs out of their server.
import { CALLS_KEY, MAX_CALLS } from "./call-history.ts";
import { type Caller, isCaller, isFor } from "./caller.ts";
import { attempt } from "./language.ts";
import type { CallRecord, ServerState } from "./state.ts";

/** Characters of the JSON of one result, and of its arguments: larger ones are not stored. */
const MAX_RESULT_CHARS = 100_000;

/** Characters of all: a tab has room for some millions, and its sign-ins and what was typed have to fit, too. */
const MAX_CHARS = 1_000_000;

/** Calls of one server. */
interface StoredServer {
  caller: Caller;
  /** By tool, the newest first. */
  calls: CallsOfTool[];
}

type CallsOfTool = [tool: string, calls: CallRecord[]];

/** Servers by their ids. */
type Stored = Map<string, StoredServer>;

interface Kept {
  state: ServerState;
  /** Whether its stored calls were taken: others stay as they are stored. */
  isRestored: boolean;
}

/** Stores the last calls of all servers of the page, the newest first, as far as there is room. */
export function storeCalls(servers: Kept[]): void {
  const before = read();
  const known = servers.flatMap(({ state, isRestored }) => {
    const { caller } = state;
    const stored = isRestored ? caller && { caller, calls: ofTools(state) } : before.get(state.id);
    return stored ? [[state.id, stored] as const] : [];
  });
  const all = known.flatMap(([, { calls }]) => calls.flatMap(([, list]) => list.slice(0, MAX_CALLS)));
  let room = MAX_CHARS;
  const kept = new Map<CallRecord, CallRecord>();
  for (const record of all.sort((one, other) => other.at - one.at)) {
    const fitting = [shortened(record), withoutOutcome(record)].find((kept) => JSON.stringify(kept).length <= Math.min(room, 2 * MAX_RESULT_CHARS));
    if (!fitting) continue;
    room -= JSON.stringify(fitting).length;
    kept.set(record, fitting);
  }
  const stored = known.map(([id, { calls, ...server }]) => [id, { ...server, calls: calls.map(([tool, list]): CallsOfTool => [tool, list.flatMap((record) => kept.get(record) ?? [])]) }] as const);
  write(new Map(stored.filter(([, { calls }]) => calls.some(([, list]) => list.length > 0))));
}

/** The calls that a server of the page before had. What came with a sign-in is for one that has it still. */
export function storedCalls({ id, caller }: ServerState): CallsOfTool[] {
  const stored = read().get(id);
  return stored && caller && isFor(stored.caller, caller) ? stored.calls : [];
}

/** Forgets the calls of a server; `isPrivate`: if they came with a sign-in. */
export function forgetCalls(id: string, isPrivate = false): void {
  const stored = read();
  if (!isPrivate || stored.get(id)?.caller.signInId !== undefined) stored.delete(id);
  write(stored);
}

/** Forgets the calls of all servers at an address that came with a sign-in. */
export function forgetSignedIn(url: string): void {
  write(new Map([...read()].filter(([, { caller }]) => caller.url !== url || caller.signInId === undefined)));
}

const ofTools = ({ calls }: ServerState): CallsOfTool[] => Object.entries(calls).flatMap(([key, list]): CallsOfTool[] => (key.startsWith("tools ") ? [[key.slice("tools ".length), list]] : []));

// A call that became a task is among the tasks.
function shortened(record: CallRecord): CallRecord {
  const { number, at, json, answer, problem, task, lacks } = record;
  if (lacks) return record;
  const outcome = answer ? { answer: { result: answer.result, ms: answer.ms, bytes: answer.bytes } } : problem ? { problem } : undefined;
  if (!outcome) return { number, at, ...(json === undefined ? {} : { json }), isKept: true, lacks: task ? "task" : "answer" };
  const isLarge = (answer?.longTexts?.length ?? 0) > 0 || JSON.stringify(outcome).length > MAX_RESULT_CHARS;
  return isLarge ? withoutOutcome(record) : { number, at, ...(json === undefined ? {} : { json }), ...outcome, isKept: true };
}

const withoutOutcome = ({ number, at, json }: CallRecord): CallRecord => ({ number, at, ...(json === undefined ? {} : { json }), isKept: true, lacks: "room" });

function read(): Stored {
  const stored = attempt(() => JSON.parse(sessionStorage.getItem(CALLS_KEY) ?? "[]") as unknown);
  return new Map((Array.isArray(stored) ? stored : []).filter((entry): entry is [string, StoredServer] => Array.isArray(entry) && isServer(entry[1])));
}

const isServer = (value: unknown): value is StoredServer => {
  const { caller, calls } = (value ?? {}) as Partial<StoredServer>;
  const isOfTool = (entry: unknown) => Array.isArray(entry) && typeof entry[0] === "string" && Array.isArray(entry[1]) && entry[1].every(isRecord);
  return isCaller(caller) && Array.isArray(calls) && calls.every(isOfTool);
};

const isRecord = (value: unknown): boolean => {
  const { at, json, answer, problem, lacks } = (value ?? {}) as Partial<CallRecord>;
  return typeof at === "number" && ["string", "undefined"].includes(typeof json) && (answer ?? problem ?? lacks) !== undefined;
};

function write(stored: Stored): void {
  // Removed first: forgotten calls go also where there is no room for the rest.
  attempt(() => sessionStorage.removeItem(CALLS_KEY));
  if (stored.size > 0) attempt(() => sessionStorage.setItem(CALLS_KEY, JSON.stringify([...stored])));
}
