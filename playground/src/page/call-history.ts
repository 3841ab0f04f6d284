// Uses of tools, resources and prompts at one server, with their outcomes.
import type { Answer, Problem } from "../protocol.ts";
import { noteLongTexts } from "./long-texts.ts";
import type { Say } from "./language.ts";
import { problemOf } from "./failure.ts";
import type { ServerState, Store, Tab, Use } from "./state.ts";

/** Uses that are kept of each tool, resource or prompt: the oldest go first. */
export const MAX_USES = 20;

/** Uses that are kept of all: links and templates lead to resources without an end, and each has a result. */
export const MAX_ALL_USES = 500;

type Uses = ServerState["uses"];

/** The uses with one more. Of all, the oldest go, but for those that are under way. */
export function withUse(uses: Uses, key: string, use: Use): Uses {
  const next = { ...uses, [key]: [use, ...(uses[key] ?? [])].slice(0, MAX_USES) };
  const all = Object.values(next).flat();
  const ended = all.filter(({ answer, problem }) => answer || problem).map(({ number }) => number).sort((one, other) => one - other);
  const gone = new Set(ended.slice(0, Math.max(0, all.length - MAX_ALL_USES)));
  if (gone.size === 0) return next;
  const kept = Object.entries(next).map(([key, list]) => [key, list.filter(({ number }) => !gone.has(number))] as const);
  return Object.fromEntries(kept.filter(([, list]) => list.length > 0));
}

export class CallHistory {
  readonly #store: Store<ServerState>;
  readonly #say: Say;
  #last = 0;
  /** Each use, to be made again as it was. */
  #repeats = new Map<number, () => Promise<void>>();

  constructor(store: Store<ServerState>, say: Say) {
    this.#store = store;
    this.#say = say;
  }

  /** The number of a call that is not yet made. */
  next(): number {
    return ++this.#last;
  }

  /** Runs a use of the person's, and gives its problem, if it has one. */
  async run(tab: Tab, name: string, work: (number: number) => Promise<Answer>, repeat: () => Promise<void>): Promise<Problem | undefined> {
    const number = this.next();
    const uses = withUse(this.#store.state.uses, `${tab} ${name}`, { number, at: Date.now() });
    this.#store.set({ uses, announcement: this.#say("result.begun", { name }) });
    this.#repeats.set(number, repeat);
    const kept = new Set(Object.values(uses).flatMap((list) => list.map((use) => use.number)));
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

  change(number: number, more: Partial<Use>): void {
    const { uses } = this.#store.state;
    const [key, list] = this.#listOf(number) ?? [];
    if (key === undefined || !list) return;
    this.#store.set({ uses: { ...uses, [key]: list.map((use) => (use.number === number ? { ...use, ...more } : use)) } });
  }

  of(number: number): Use | undefined {
    return this.#listOf(number)?.[1].find((use) => use.number === number);
  }

  /** The name of the tool, resource or prompt. */
  nameOf(number: number): string | undefined {
    return this.#listOf(number)?.[0].replace(/^\w+ /, "");
  }

  /** Uses the same once more, with the same arguments. */
  async repeat(number: number): Promise<void> {
    await this.#repeats.get(number)?.();
  }

  #listOf(number: number): [string, Use[]] | undefined {
    return Object.entries(this.#store.state.uses).find(([, list]) => list.some((use) => use.number === number));
  }
}
