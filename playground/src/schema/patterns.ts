// Verdicts of patterns. Expressions of servers run in a Web Worker alone: the page asks it for verdicts, and draws again
// once they are there.

/** A pattern, and a text to match against it. */
export type Pair = readonly [pattern: string, text: string];

/** Whether a text matches its pattern; undefined where that takes too long, or the pattern is none; "unreached" where it was not tried. */
export type Verdict = boolean | "unreached" | undefined;

/** The verdict of each pair. Nothing if there is nothing to match with. */
export type Match = (pairs: Pair[]) => Promise<Verdict[] | void>;

/** Characters of patterns and texts whose verdicts are kept: beyond them nothing more is matched until room is made. */
const MAX_KEPT_CHARS = 4_000_000;

/** Characters that a verdict takes beside its pattern and text. */
const ENTRY_CHARS = 100;

/** A longer text is not matched, nor is a longer pattern. */
const MAX_TEXT_CHARS = 10_000;

export class Verdicts {
  #match: Match;
  #maxChars: number;
  #known = new Map<string, boolean | undefined>();
  #chars = 0;
  #asked = new Map<string, Pair>();
  #latest = new Map<string, boolean>();
  /** Pairs that wait for the next check: there was nothing to match them with, or they were not reached. */
  #unmatched = new Set<string>();
  #isAway = false;
  #running: Promise<void> | undefined;
  #listeners = new Set<() => void>();

  constructor(match: Match, maxChars = MAX_KEPT_CHARS) {
    this.#match = match;
    this.#maxChars = maxChars;
  }

  /** The verdict, if there is one; otherwise the pair is matched, if it is not too large. */
  of(pattern: string, text: string): boolean | undefined {
    if (pattern.length > MAX_TEXT_CHARS || text.length > MAX_TEXT_CHARS) return undefined;
    const key = `${pattern.length} ${pattern}${text}`;
    if (this.#known.has(key)) return this.#known.get(key);
    if (this.#asked.has(key) || this.#unmatched.has(key)) return undefined;
    const chars = key.length + ENTRY_CHARS;
    if (this.#chars + chars > this.#maxChars) return undefined;
    this.#chars += chars;
    this.#asked.set(key, [pattern, text]);
    this.#running ??= this.#run();
    return undefined;
  }

  /** The verdict; while it is awaited, that of the pattern's last text: a form keeps its shape while somebody types. */
  ofTyped(pattern: string, text: string): boolean | undefined {
    return this.of(pattern, text) ?? (this.isWaiting ? this.#latest.get(pattern) : undefined);
  }

  get isWaiting(): boolean {
    return this.#running !== undefined;
  }

  /** Whether there was nothing to match pairs with that were asked for since the last check began. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Ends once nothing is awaited. */
  async answered(): Promise<void> {
    await this.#running;
  }

  /** Has pairs asked for again that were not matched. As `makeRoom`, for what a person does. */
  retry(): void {
    for (const key of this.#unmatched) this.#chars -= key.length + ENTRY_CHARS;
    this.#unmatched.clear();
    this.#isAway = false;
  }

  /** Forgets all verdicts where they are many. Only what a person does calls this, so that drawing comes to an end. */
  makeRoom(): void {
    if (this.#chars < this.#maxChars / 2) return;
    this.#known.clear();
    this.#latest.clear();
    this.#chars = 0;
    for (const key of [...this.#asked.keys(), ...this.#unmatched]) this.#chars += key.length + ENTRY_CHARS;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #run(): Promise<void> {
    // Pairs of one check are matched together: the rest of the check runs before this goes on.
    await Promise.resolve();
    while (this.#asked.size > 0) {
      const asked = [...this.#asked];
      const verdicts = await this.#match(asked.map(([, pair]) => pair));
      this.#isAway ||= !verdicts;
      asked.forEach(([key, [pattern]], at) => {
        this.#asked.delete(key);
        const verdict = verdicts ? verdicts[at] : "unreached";
        if (verdict === "unreached") return void this.#unmatched.add(key);
        this.#known.set(key, verdict);
        if (verdict !== undefined) this.#latest.set(pattern, verdict);
      });
      for (const listener of this.#listeners) listener();
    }
    this.#running = undefined;
  }
}

/** The page's. It is told of a part that is missing. */
export let verdicts = new Verdicts((pairs) =>
  import("./matcher.ts").then(({ match }) => match(pairs)).catch((error: unknown) => void Promise.reject(error)),
);

/** Has patterns matched in another way, such as where there are no Web Workers. */
export function setMatcher(match: Match): void {
  verdicts = new Verdicts(match);
}
