// The sign-ins of this tab, one for each server. The page holds them for the tab, or they are kept on the device.
import type { FromWorker, KeptSignIn } from "../protocol.ts";
import { Account } from "./account.ts";

/** The database of `device.ts`, which most people have not. */
const DATABASE = "playground";
const PREFIX = "sign-in ";
const CHANNEL = "playground sign-out";

export class Accounts {
  #tell: (message: FromWorker) => void;
  #texts = new Map<string, string>();
  #accounts = new Map<string, Account>();
  #channel = new BroadcastChannel(CHANNEL);

  /** `signedOut` is called once another tab has signed out of a server. */
  constructor(tell: (message: FromWorker) => void, signedOut: (server: string) => void) {
    this.#tell = tell;
    this.#channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (typeof data !== "string") return;
      tell({ signedOutOf: data });
      signedOut(data);
    });
  }

  /** Takes what an earlier page of this tab left. */
  restore(entries: [string, string][]): void {
    for (const [key, text] of entries) this.#texts.set(key.slice(PREFIX.length), text);
  }

  async of(server: string): Promise<Account> {
    let account = this.#accounts.get(server);
    if (!account) {
      account = new Account(this.#texts.get(server), { store: (text, issuer) => this.#store(server, text, issuer), stored: () => this.#onDevice(server) });
      this.#accounts.set(server, account);
    }
    await account.adopt();
    return account;
  }

  has(server: string): boolean {
    return this.#texts.has(server) || this.#accounts.has(server);
  }

  /** Tells this page and the other tabs that the person signed out of a server. */
  signedOut(server: string): void {
    this.#tell({ signedOutOf: server });
    this.#channel.postMessage(server);
  }

  async kept(): Promise<KeptSignIn[]> {
    const { list } = await import("./device.ts");
    return (await list()).map(({ server, issuer }) => ({ server, issuer }));
  }

  async #onDevice(server: string): Promise<string | undefined> {
    try {
      if (!(await indexedDB.databases()).some(({ name }) => name === DATABASE)) return undefined;
      return (await (await import("./device.ts")).find(server))?.text;
    } catch {
      return undefined;
    }
  }

  // With an issuer it goes to the device, where the browser lets it, and else to the tab.
  async #store(server: string, text: string | null, issuer: string | undefined): Promise<void> {
    const isOnDevice = text !== null && issuer !== undefined && (await this.#put(server, issuer, text));
    if (text === null) await import("./device.ts").then(({ remove }) => remove(server)).catch(() => {});
    const ofTab = isOnDevice ? null : text;
    if (ofTab === null) this.#texts.delete(server);
    else this.#texts.set(server, ofTab);
    this.#tell({ keep: [PREFIX + server, ofTab] });
  }

  async #put(server: string, issuer: string, text: string): Promise<boolean> {
    try {
      await (await import("./device.ts")).put({ server, issuer, at: Date.now(), text });
      return true;
    } catch {
      return false;
    }
  }
}
