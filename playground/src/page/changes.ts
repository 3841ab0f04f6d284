// The page follows what a server says of changes: lists are fetched anew, and what is new, gone or changed is marked.
import { withNewest } from "../bounded.ts";
import type { ListName } from "../protocol.ts";
import type { Say } from "./language.ts";
import { problemOf } from "./failure.ts";
import { type Ask, LISTS, type LoadedList, idOf, isOffered, load, stateOf } from "./lists.ts";
import type { ServerState, Store, Tab } from "./state.ts";

/** Milliseconds between word of a change and the fetch: several at a time make one. */
const PAUSE_MS = 300;

/** A page that was hidden for as long looks whether anything has changed. */
const HIDDEN_MS = 300_000;

/** Period at which the clock is read, and the jump of it that tells that the machine was asleep. */
const TICK_MS = 10_000;
const SLEEP_MS = 150_000;

/** Entries that are gone, and still shown. */
const MAX_GONE = 100;

/** Resources that are marked as changed: a server may tell of any number, also of those that are in no list. */
const MAX_UPDATED = 1000;

export class Changes {
  #store: Store<ServerState>;
  #ask: Ask;
  #say: Say;
  #due = new Map<ListName, ReturnType<typeof setTimeout>>();
  /** Counts the fetches of each list: an older answer is not taken for a newer one. */
  #fetches = new Map<ListName, number>();
  #end = new AbortController();
  #hiddenSince: number | undefined;
  #lastTick = Date.now();

  constructor(store: Store<ServerState>, ask: Ask, say: Say) {
    this.#store = store;
    this.#ask = ask;
    this.#say = say;
    const { signal } = this.#end;
    document.addEventListener("visibilitychange", () => this.#seen(), { signal });
    window.addEventListener("online", () => this.#isConnected && this.#listenAgain(), { signal });
    const clock = setInterval(() => this.#tick(), TICK_MS);
    signal.addEventListener("abort", () => clearInterval(clock));
  }

  get #state(): ServerState {
    return this.#store.state;
  }

  get #isConnected(): boolean {
    return this.#state.phase === "connected";
  }

  /** Has the server tell of its lists, and of the resources that are watched. */
  async follow(): Promise<void> {
    const { info, watched, logLevel } = this.#state;
    const lists = LISTS.filter((what) => (info?.capabilities[what] as { listChanged?: unknown } | undefined)?.listChanged === true);
    await this.#ask("watch", { lists, uris: watched });
    // A session is another one each time.
    if (logLevel !== undefined) await this.#ask("setLogLevel", { level: logLevel });
  }

  async watch(uri: string, is: boolean): Promise<void> {
    const before = this.#state.watched;
    this.#store.set({ watched: is ? [...new Set([...before, uri])] : before.filter((other) => other !== uri), problem: undefined });
    try {
      await this.follow();
    } catch (error) {
      this.#store.set({ watched: before, problem: problemOf(error) });
    }
  }

  updated(uri: string): void {
    if (!this.#state.updated.includes(uri)) this.#store.set({ updated: withNewest(this.#state.updated, uri, MAX_UPDATED), announcement: this.#say("resource.changed") });
  }

  changed(what: ListName): void {
    if (this.#due.has(what)) return;
    const fetch = () => {
      this.#due.delete(what);
      void this.refresh(what === "resources" ? ["resources", "templates"] : [what]).catch(() => {});
    };
    this.#due.set(what, setTimeout(fetch, PAUSE_MS));
  }

  /** The view of lists comes on the screen: those are fetched that the server no longer vouches for. */
  shown(tab: Tab): void {
    const lists: ListName[] = tab === "resources" ? ["resources", "templates"] : tab === "tools" || tab === "prompts" ? [tab] : [];
    const isStale = (what: ListName) => {
      const { at, ttlMs } = this.#state.lists[what] ?? {};
      return at !== undefined && ttlMs !== undefined && Date.now() > at + ttlMs;
    };
    void this.refresh(lists.filter(isStale)).catch(() => {});
  }

  /** Fetches lists, and marks what is new or gone. */
  async refresh(lists: ListName[]): Promise<void> {
    if (!this.#isConnected) return;
    await Promise.all(lists.filter((what) => isOffered(this.#state, what)).map((what) => this.#refresh(what)));
  }

  /** Fetches lists because the person wants it: earlier marks go. */
  async fetchAnew(lists: ListName[]): Promise<void> {
    const known = Object.entries(this.#state.lists).map(([what, list]) => [what, lists.includes(what as ListName) ? { ...list, added: [], gone: [] } : list]);
    this.#store.set({ lists: Object.fromEntries(known) });
    try {
      await this.refresh(lists);
    } catch (error) {
      this.#store.set({ problem: problemOf(error) });
    }
  }

  async #refresh(what: ListName): Promise<void> {
    const number = (this.#fetches.get(what) ?? 0) + 1;
    this.#fetches.set(what, number);
    const { info } = this.#state;
    const loaded = await load(this.#ask, what);
    if (number !== this.#fetches.get(what) || info !== this.#state.info) return;
    const marks = marksOf(this.#state, what, loaded);
    this.#store.set(stateOf(what, this.#state, loaded, marks));
    if (marks.isChanged) this.#store.set({ announcement: this.#say("list.changed", { list: this.#say(what === "templates" ? "resources" : what) }) });
  }

  // A hidden page is left in peace. One that is seen again after long, or after sleep, looks once.
  #seen(): void {
    if (document.visibilityState === "hidden") this.#hiddenSince = Date.now();
    else if (this.#hiddenSince !== undefined) {
      const isLong = Date.now() - this.#hiddenSince >= HIDDEN_MS;
      this.#hiddenSince = undefined;
      if (isLong) this.#lookAgain();
    }
  }

  #tick(): void {
    const isLate = Date.now() - this.#lastTick >= SLEEP_MS;
    this.#lastTick = Date.now();
    // Timers of hidden pages are slow, too, and those are looked after once they are seen.
    if (isLate && document.visibilityState === "visible") this.#lookAgain();
  }

  #lookAgain(): void {
    this.#lastTick = Date.now();
    if (!this.#isConnected) return;
    this.#listenAgain();
    void this.refresh(LISTS).catch(() => {});
  }

  #listenAgain(): void {
    if (this.#state.listening.state !== "none") void this.#ask("listenAgain", {}).catch(() => {});
  }

  stop(): void {
    this.#end.abort();
    for (const timer of this.#due.values()) clearTimeout(timer);
  }
}

function marksOf(state: ServerState, what: ListName, { entries }: LoadedList) {
  const { added = [], gone = [] } = state.lists[what] ?? {};
  const before = new Set(state[what].map(idOf));
  const now = new Set(entries.map(idOf));
  const isNew = entries.map(idOf).filter((id) => id !== undefined && !before.has(id)) as string[];
  const isGone = state[what].filter((entry) => !now.has(idOf(entry)));
  return {
    added: [...new Set([...added.filter((id) => now.has(id)), ...isNew])],
    gone: [...gone.filter((entry) => !now.has(idOf(entry))), ...isGone].slice(-MAX_GONE),
    isChanged: isNew.length + isGone.length > 0,
  };
}
