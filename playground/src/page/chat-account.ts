// The page's way to this deployment's model, and the sign-in to it, which is apart from those to servers.
import { type Json, write } from "../exact.ts";
import type { ChatRequest, Problem, SignInOffer } from "../protocol.ts";
import { ModelProblem } from "../chat/conversation.ts";
import type { Event, Link } from "./link.ts";
import type { Page } from "./page.ts";
import { own } from "./start.ts";

/** Connections of servers have numbers from one on. */
const CONNECTION = 0;

const CHANNEL = "playground sign-in";

/** The page as a resource of the server: the token is for it, wherever the page is. */
const RESOURCE = new URL("/playground", own).href;

export class ChatAccount {
  isSignedIn = false;
  /** The sign-in that is needed, and how far it is. */
  card: { offer: SignInOffer | undefined; isWaiting: boolean; fault: string | undefined } | undefined;
  onChange: () => void = () => {};
  #link: Link;
  #last = 0;
  #hearing = new Map<number, (piece: string) => void>();
  #expected: string | undefined;
  #window: Window | undefined;
  #channel = new BroadcastChannel(CHANNEL);

  constructor(page: Page) {
    this.#link = page.linkFor((event) => this.#hear(event));
    this.#channel.addEventListener("message", ({ data }) => void this.#answered(data));
  }

  /** Asks the model. Pieces of its answer come as they are. */
  async ask(body: Json, hear: (piece: string) => void, signal: AbortSignal): Promise<void> {
    const call = ++this.#last;
    this.#hearing.set(call, hear);
    signal.addEventListener("abort", () => void this.#ask({ kind: "stop", call }));
    try {
      const problem = (await this.#ask({ kind: "ask", call, url: new URL("/playground/chat", location.href).href, body: write(body) })) as Problem | null;
      if (problem?.kind === "unauthorized") void this.admit();
      if (problem) throw new ModelProblem(problem);
    } finally {
      this.#hearing.delete(call);
    }
  }

  /** Looks whether a sign-in is needed, and if so what for. */
  async admit(): Promise<void> {
    const isSignedIn = (await this.#ask({ kind: "admit", resource: RESOURCE })) as boolean;
    this.#set({ isSignedIn, card: isSignedIn ? undefined : { offer: undefined, isWaiting: false, fault: undefined } });
    if (isSignedIn) return;
    try {
      this.#setCard({ offer: (await this.#ask({ kind: "offer" })) as SignInOffer });
    } catch (error) {
      this.#setCard({ fault: problemOf(error).message });
    }
  }

  /** Opens the window in the click itself. */
  async signIn(): Promise<void> {
    const opened = window.open("about:blank", "_blank", "popup,width=520,height=720") ?? undefined;
    if (opened) opened.opener = null;
    this.#window = opened;
    this.#setCard({ isWaiting: opened !== undefined, fault: opened ? undefined : "popup" });
    if (!opened) return;
    try {
      const callback = new URL("/playground/callback", location.href).href;
      const { url, state } = (await this.#ask({ kind: "authorize", callback })) as { url: string; state: string };
      this.#expected = state;
      opened.location.replace(url);
    } catch (error) {
      opened.close();
      this.#setCard({ isWaiting: false, fault: problemOf(error).message });
    }
  }

  async signOut(): Promise<void> {
    await this.#ask({ kind: "signOut" }).catch(() => null);
    await this.admit();
  }

  #ask(request: ChatRequest): Promise<unknown> {
    return this.#link.ask(CONNECTION, "chat", request);
  }

  #hear(event: Event): void {
    if ("chat" in event) this.#hearing.get(event.chat.call)?.(event.chat.piece);
  }

  // Anybody of this origin can write to the channel: only the state that was sent away counts.
  async #answered(data: unknown): Promise<void> {
    const parameters = (data as { parameters?: unknown } | null)?.parameters;
    if (!this.#expected || !Array.isArray(parameters)) return;
    const pairs = parameters.filter((pair): pair is [string, string] => Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === "string"));
    if (new URLSearchParams(pairs).get("state") !== this.#expected) return;
    this.#channel.postMessage({ taken: this.#expected });
    this.#expected = undefined;
    this.#window?.close();
    try {
      await this.#ask({ kind: "redeem", parameters: pairs });
      await this.admit();
    } catch (error) {
      this.#setCard({ isWaiting: false, fault: problemOf(error).message });
    }
  }

  #setCard(more: Partial<NonNullable<ChatAccount["card"]>>): void {
    this.#set({ card: { offer: undefined, isWaiting: false, fault: undefined, ...this.card, ...more } });
  }

  #set(more: Partial<Pick<ChatAccount, "isSignedIn" | "card">>): void {
    Object.assign(this, more);
    this.onChange();
  }
}

const problemOf = (error: unknown): Problem => ((error as { problem?: Problem }).problem ?? { kind: "other", message: String(error) });
