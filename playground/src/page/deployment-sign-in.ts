// The person's sign-in to this deployment, for its chat or its relay. It is apart from those to servers.
import type { DeploymentSignInRequest, SignInOffer } from "../protocol.ts";
import { problemOf } from "./failure.ts";
import { OWN_SERVER } from "./start.ts";

const CHANNEL = "playground sign-in";

/** The page as a resource of the server: the token is for it, wherever the page is. */
export const RESOURCE = new URL("/playground", OWN_SERVER).href;

type WithoutScope<Request> = Request extends unknown ? Omit<Request, "scope"> : never;

export class DeploymentSignIn {
  isSignedIn = false;
  /** The sign-in that is needed, and how far it is. */
  card: { offer: SignInOffer | undefined; isWaiting: boolean; fault: string | undefined } | undefined;
  onChange: () => void = () => {};
  #scope: string;
  #send: (request: DeploymentSignInRequest) => Promise<unknown>;
  #expected: string | undefined;
  #window: Window | undefined;
  #channel = new BroadcastChannel(CHANNEL);

  constructor(scope: string, send: (request: DeploymentSignInRequest) => Promise<unknown>) {
    this.#scope = scope;
    this.#send = send;
    this.#channel.addEventListener("message", ({ data }) => void this.#answered(data));
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

  /** Ends the sign-in that is under way. */
  leave(): void {
    this.#expected = undefined;
    this.#window?.close();
    this.#channel.close();
  }

  #ask(request: WithoutScope<DeploymentSignInRequest>): Promise<unknown> {
    return this.#send({ ...request, scope: this.#scope } as DeploymentSignInRequest);
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

  #setCard(more: Partial<NonNullable<DeploymentSignIn["card"]>>): void {
    this.#set({ card: { offer: undefined, isWaiting: false, fault: undefined, ...this.card, ...more } });
  }

  #set(more: Partial<Pick<DeploymentSignIn, "isSignedIn" | "card">>): void {
    Object.assign(this, more);
    this.onChange();
  }
}
