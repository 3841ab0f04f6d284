// The servers of the page, each with its connection, and the one that is shown.
import { onMissingPart } from "../missing.ts";
import { type OwnRequest, targetOf } from "../protocol.ts";
import { verdicts } from "../schema/patterns.ts";
import { forgetAll, keep, keptEntries } from "./kept.ts";
import { type Language, keepLanguage, load, speaker } from "./language.ts";
import { type Event, Link } from "./link.ts";
import { type Reading, type Saved, changeSaved, onSavedElsewhere, readSaved } from "./saved.ts";
import { type Start, keepTab } from "./start.ts";
import { type PageState, type ServerState, type State, Store, newServer } from "./state.ts";
import { Visitor } from "./visitor.ts";

/** The number of no server's connection, for what is asked of this deployment: connections have numbers from one on. */
export const DEPLOYMENT = 0;

export class Page {
  #store: Store<PageState>;
  #link: Link;
  #visitors = new Map<number, Visitor>();
  #hearChat: ((event: Event) => void) | undefined;
  #last = 0;

  #isCleared = false;

  constructor(language: Language, { servers: saved, fault }: Reading, { servers, shown }: Start) {
    this.#store = new Store({ language, shown: 1, servers: saved, storage: fault, isOutdated: false });
    this.#link = new Link((event) => this.#hear(event));
    this.#link.send({ restored: keptEntries() });
    for (const server of servers) this.open(server);
    this.show(shown + 1);
    if (fault === "corrupt") void this.changeSaved((servers) => servers);
    onMissingPart(window, () => this.outdate());
    verdicts.subscribe(() => this.#store.set({}));
    onSavedElsewhere(() => this.#store.set({ servers: readSaved().servers }));
    for (const change of ["online", "offline"])
      window.addEventListener(change, () => {
        for (const visitor of this.visitors) visitor.retry();
      });
    window.addEventListener("pagehide", () => {
      for (const visitor of this.visitors) visitor.sayFarewell();
      if (!this.#isCleared) keepTab(this.visitors.map(({ state }) => state), this.visitors.indexOf(this.visitor));
    });
  }

  /** The link for the chat, which hears what the Web Worker tells of it. */
  linkFor(hear: (event: Event) => void): Link {
    this.#hearChat = hear;
    return this.#link;
  }

  /** Asks for something of the sign-in to this deployment. */
  askOwn(request: OwnRequest): Promise<unknown> {
    return this.#link.ask(DEPLOYMENT, "own", request);
  }

  setChat(more: Pick<PageState, "chat" | "relay" | "isChatting" | "drafted">): void {
    this.#store.set(more);
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

  /** Offers a reload. */
  outdate(): void {
    this.#store.set({ isOutdated: true });
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

  /** Shows a saved server, which is connected on the person's click. */
  openSaved({ id, target }: Saved): void {
    const open = this.visitors.find(({ state }) => state.saved === id);
    if (open) this.show(open.connection);
    else this.open({ ...newServer(target), saved: id });
  }

  async changeSaved(change: (servers: Saved[]) => Saved[]): Promise<void> {
    const isKept = await changeSaved(change);
    this.#store.set(isKept ? { servers: readSaved().servers } : { storage: "denied" });
  }

  /** Ends all connections, and forgets all that this browser keeps. */
  async clear(): Promise<void> {
    this.#isCleared = true;
    await Promise.all(this.visitors.map((visitor) => visitor.leave().catch(() => {})));
    await forgetAll();
    location.replace("/playground");
  }

  async setLanguage(language: Language): Promise<void> {
    await load(language).catch(() => {});
    keepLanguage(language);
    document.documentElement.lang = language;
    this.#store.set({ language });
  }

  #hear(event: Event): void {
    if ("keep" in event) keep(...event.keep);
    else if ("chat" in event) this.#hearChat?.(event);
    else if ("outdated" in event) this.outdate();
    else this.#visitors.get(event.connection)?.hear(event);
  }
}
