// Calls of tools, reads of resources and uses of prompts at one server, with their outcomes.
import type { Answer, Problem } from "../protocol.ts";
import { noteLongTexts } from "./long-texts.ts";
import { type Say, attempt } from "./language.ts";
import { problemOf } from "./failure.ts";
import type { ServerState, Store, Tab, CallRecord } from "./state.ts";

/** Records that are kept of each tool, resource or prompt: the oldest go first. */
export const MAX_CALLS = 20;

/** Records that are kept of all: links and templates lead to resources without an end, and each has a result. */
export const MAX_ALL_CALLS = 500;

/** The key of the calls that are stored for the tab. */
export const CALLS_KEY = "playground calls";

/** The module that stores calls. It is loaded with the first one: a page that is left cannot wait for it. */
export let storage: typeof import("./call-storage.ts") | undefined;

export async function loadStorage(): Promise<typeof import("./call-storage.ts")> {
  return (storage ??= await import("./call-storage.ts"));
}

/** Whether any call is stored. */
export const hasStored = (): boolean => attempt(() => sessionStorage.getItem(CALLS_KEY) !== null) ?? false;

/** Forgets some stored calls: all of them where the module for that cannot be loaded. */
export async function forgetStored(forget: (storage: typeof import("./call-storage.ts")) => void): Promise<void> {
  if (hasStored()) await loadStorage().then(forget, () => void attempt(() => sessionStorage.removeItem(CALLS_KEY)));
}

type CallRecords = ServerState["calls"];

/** The records with one more. Of all, the oldest go, but for those that are under way. */
export function withRecord(calls: CallRecords, key: string, record: CallRecord): CallRecords {
  const next = { ...calls, [key]: [record, ...(calls[key] ?? [])].slice(0, MAX_CALLS) };
  const all = Object.values(next).flat();
  const ended = all.filter(({ answer, problem, lacks }) => answer || problem || lacks).map(({ number }) => number).sort((one, other) => one - other);
  const gone = new Set(ended.slice(0, Math.max(0, all.length - MAX_ALL_CALLS)));
  if (gone.size === 0) return next;
  const kept = Object.entries(next).map(([key, list]) => [key, list.filter(({ number }) => !gone.has(number))] as const);
  return Object.fromEntries(kept.filter(([, list]) => list.length > 0));
}

export class CallHistory {
  readonly #store: Store<ServerState>;
  readonly #say: Say;
  #last = 0;
  /** Each call, to be made again as it was. */
  #repeats = new Map<number, () => Promise<void>>();

  constructor(store: Store<ServerState>, say: Say) {
    this.#store = store;
    this.#say = say;
  }

  /** The number of a call that is not yet made. */
  next(): number {
    return ++this.#last;
  }

  /** Makes a call of the person's, and gives its problem, if it has one. */
  async run(tab: Tab, name: string, work: (number: number) => Promise<Answer>, repeat: () => Promise<void>): Promise<Problem | undefined> {
    const number = this.next();
    const calls = withRecord(this.#store.state.calls, `${tab} ${name}`, { number, at: Date.now() });
    this.#store.set({ calls, announcement: this.#say("result.begun", { name }) });
    this.#repeats.set(number, repeat);
    void loadStorage().catch(() => {});
    const kept = new Set(Object.values(calls).flatMap((list) => list.map((record) => record.number)));
    for (const number of this.#repeats.keys()) if (!kept.has(number)) this.#repeats.delete(number);
    try {
      const answer = await work(number);
      noteLongTexts(answer);
      this.change(number, { answer });
      this.#store.set({ announcement: this.#say("result.done", { name }) });
      return undefined;
    } catch (error) {
      const problem = problemOf(error);
      this.change(number, { problem });
      this.#store.set({ announcement: this.#say("result.problem", { name }) });
      return problem;
    }
  }

  /** Takes calls of tools that an earlier page made. Each can be made again by `repeat`. */
  restore(calls: [tool: string, calls: CallRecord[]][], repeat: (tool: string, json: string) => Promise<void>): void {
    const numbered = calls.map(([tool, list]) => {
      const records = list.map((record) => ({ ...record, number: this.next() }));
      for (const { number, json } of records) if (json !== undefined) this.#repeats.set(number, () => repeat(tool, json));
      const key = `tools ${tool}`;
      return [key, [...(this.#store.state.calls[key] ?? []), ...records].slice(0, MAX_CALLS)] as const;
    });
    this.#store.set({ calls: { ...this.#store.state.calls, ...Object.fromEntries(numbered) } });
  }

  change(number: number, more: Partial<CallRecord>): void {
    const { calls } = this.#store.state;
    const [key, list] = this.#listOf(number) ?? [];
    if (key === undefined || !list) return;
    this.#store.set({ calls: { ...calls, [key]: list.map((record) => (record.number === number ? { ...record, ...more } : record)) } });
  }

  of(number: number): CallRecord | undefined {
    return this.#listOf(number)?.[1].find((record) => record.number === number);
  }

  /** The name of the tool, resource or prompt. */
  nameOf(number: number): string | undefined {
    return this.#listOf(number)?.[0].replace(/^\w+ /, "");
  }

  /** Makes the same call once more, with the same arguments. */
  async repeat(number: number): Promise<void> {
    await this.#repeats.get(number)?.();
  }

  #listOf(number: number): [string, CallRecord[]] | undefined {
    return Object.entries(this.#store.state.calls).find(([, list]) => list.some((record) => record.number === number));
  }
}
