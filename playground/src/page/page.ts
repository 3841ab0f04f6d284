// The servers of the page, each with its connection, and the one that is shown.
import { targetOf } from "../protocol.ts";
import { keep, keptEntries } from "./kept.ts";
import { type Language, keepLanguage, load, speaker } from "./language.ts";
import { type Event, Link } from "./link.ts";
import { type PageState, type ServerState, type State, Store, newServer } from "./state.ts";
import { Visitor } from "./visitor.ts";

export class Page {
  #store: Store<PageState>;
  #link: Link;
  #visitors = new Map<number, Visitor>();
  #last = 0;

  constructor(language: Language, first: ServerState) {
    this.#store = new Store({ language, shown: 1 });
    this.#link = new Link((event) => this.#hear(event));
    this.#link.send({ restored: keptEntries() });
    this.open(first);
    for (const change of ["online", "offline"])
      window.addEventListener(change, () => {
        for (const visitor of this.visitors) visitor.retry();
      });
    window.addEventListener("pagehide", () => {
      for (const visitor of this.visitors) visitor.sayFarewell();
    });
  }

  /** At the server that is shown. */
  get visitor(): Visitor {
    return this.#visitors.get(this.#store.state.shown) as Visitor;
  }

  get visitors(): Visitor[] {
    return [...this.#visitors.values()];
  }

  get state(): State {
    return { ...this.#store.state, ...this.visitor.state };
  }

  subscribe(listener: () => void): void {
    this.#store.subscribe(listener);
  }

  /** Adds a server, and shows it. */
  open(state: ServerState = newServer(targetOf(""))): Visitor {
    const connection = ++this.#last;
    const visitor = new Visitor(connection, this.#link, (...said) => speaker(this.#store.state.language)(...said), state);
    this.#visitors.set(connection, visitor);
    visitor.subscribe(() => this.#store.set({}));
    this.show(connection);
    return visitor;
  }

  show(connection: number): void {
    this.#store.set({ shown: connection });
  }

  /** Ends the connection, and takes the server off the page. */
  async close(visitor: Visitor): Promise<void> {
    this.#visitors.delete(visitor.connection);
    const [next] = this.visitors;
    if (!next) this.open();
    else if (this.#store.state.shown === visitor.connection) this.show(next.connection);
    await visitor.leave();
  }

  async setLanguage(language: Language): Promise<void> {
    await load(language).catch(() => {});
    keepLanguage(language);
    document.documentElement.lang = language;
    this.#store.set({ language });
  }

  #hear(event: Event): void {
    if ("keep" in event) keep(...event.keep);
    else this.#visitors.get(event.connection)?.hear(event);
  }
}
