// The tasks that this tab began, by server: they are known to it until it is closed.
import type { TaskInfo } from "../protocol.ts";
import { type Caller, isCaller, isFor } from "./caller.ts";
import { attempt } from "./language.ts";
import type { ServerState, Store } from "./state.ts";

export interface TaskEntry {
  info: TaskInfo;
  /** The tool that it is a call of. */
  tool: string;
  /** When it began, in milliseconds since 1970. */
  at: number;
}

/** Tasks that are kept of each server: the oldest go first. */
const MAX_TASKS = 100;

const keyOf = (url: string): string => `playground tasks ${url}`;

/** The tasks of a server that are for a caller. */
export function keptTasks(now: Caller): TaskEntry[] {
  const { caller, tasks } = stored(now.url);
  return Array.isArray(tasks) && isCaller(caller) && isFor(caller, now) ? tasks.filter(isEntry) : [];
}

const stored = (url: string): { caller?: unknown; tasks?: unknown } => attempt(() => JSON.parse(sessionStorage.getItem(keyOf(url)) ?? "{}") as object | null) ?? {};

/** Forgets the tasks of a server that came with a sign-in. */
export function forgetTasks(url: string): void {
  const { caller } = stored(url);
  if (isCaller(caller) && caller.signInId !== undefined) attempt(() => sessionStorage.removeItem(keyOf(url)));
}

/** Shows the tasks of a server, and keeps them for the tab. */
export function setTasks(store: Store<ServerState>, tasks: TaskEntry[]): void {
  store.set({ tasks });
  const { target, caller } = store.state;
  const key = keyOf(caller?.url ?? target.url);
  attempt(() => (tasks.length === 0 ? sessionStorage.removeItem(key) : sessionStorage.setItem(key, JSON.stringify({ caller, tasks }))));
}

/** The list with what is now known of a task. */
export function withTask(tasks: TaskEntry[], info: TaskInfo, tool: string): TaskEntry[] {
  const at = tasks.findIndex((entry) => entry.info.id === info.id);
  if (at < 0) return [...tasks, { info, tool, at: Date.now() }].slice(-MAX_TASKS);
  const entry = tasks[at] as TaskEntry;
  return tasks.with(at, { ...entry, info: { ...entry.info, ...info } });
}

export const hasEnded = ({ status }: TaskInfo): boolean => ["completed", "failed", "cancelled"].includes(status);

const isEntry = (entry: unknown): entry is TaskEntry => {
  const { info, tool, at } = (entry ?? {}) as Partial<TaskEntry>;
  return typeof info?.id === "string" && typeof info.status === "string" && typeof tool === "string" && typeof at === "number";
};
