// The servers of the page, each with its connection, and the one that is shown.
import { onMissingPart } from "../missing.ts";
import { type DeploymentSignInRequest, targetOf } from "../protocol.ts";
import { verdicts } from "../schema/patterns.ts";
import { forgetStored, storage } from "./call-history.ts";
import { forgetAll, storeInTab, storedSignIns } from "./tab-storage.ts";
import { type Language, keepLanguage, load, speaker } from "./language.ts";
import { type WorkerEvent, WorkerRpc } from "./worker-rpc.ts";
import { type StoredServers, type SavedServer, changeSaved, onSavedElsewhere, readSaved } from "./server-storage.ts";
import { type InitialServers, keepTab } from "./start.ts";
import { type PageState, type ServerState, type State, Store, newServer } from "./state.ts";
import { ServerClient } from "./server-client.ts";
import { forgetTasks } from "./task-list.ts";

/** The number of no server's connection, for what is asked of this deployment: connections have numbers from one on. */
export const DEPLOYMENT = 0;

export class Page {
  #store: Store<PageState>;
  #rpc: WorkerRpc;
  #clients = new Map<number, ServerClient>();
  #hearChat: ((event: WorkerEvent) => void) | undefined;
  #last = 0;

  #isCleared = false;

  constructor(language: Language, { servers: saved, fault }: StoredServers, { servers, shown }: InitialServers) {
    this.#store = new Store({ language, shown: 1, servers: saved, storage: fault, isOutdated: false });
    this.#rpc = new WorkerRpc((event) => this.#hear(event));
    this.#rpc.send({ restored: storedSignIns() });
    for (const server of servers) this.open(server);
    this.show(shown + 1);
    if (fault === "corrupt") void this.changeSaved((servers) => servers);
    onMissingPart(window, () => this.outdate());
    verdicts.subscribe(() => this.#store.set({}));
    onSavedElsewhere(() => this.#store.set({ servers: readSaved().servers }));
    for (const change of ["online", "offline"])
      window.addEventListener(change, () => {
        for (const client of this.clients) client.retry();
      });
    window.addEventListener("pagehide", () => {
      for (const client of this.clients) client.endSession();
      if (this.#isCleared) return;
      keepTab(this.clients.map(({ state }) => state), this.clients.indexOf(this.client));
      storage?.storeCalls(this.clients);
    });
  }

  /** The link for the chat, which hears what the Web Worker tells of it. */
  rpcForChat(hear: (event: WorkerEvent) => void): WorkerRpc {
    this.#hearChat = hear;
    return this.#rpc;
  }

  /** Asks for something of the sign-in to this deployment. */
  askDeployment(request: DeploymentSignInRequest): Promise<unknown> {
    return this.#rpc.ask(DEPLOYMENT, "deploymentSignIn", request);
  }

  setChat(more: Pick<PageState, "chat" | "relay" | "isChatting" | "drafted">): void {
    this.#store.set(more);
  }

  /** The client of the server that is shown. */
  get client(): ServerClient {
    return this.#clients.get(this.#store.state.shown) as ServerClient;
  }

  get clients(): ServerClient[] {
    return [...this.#clients.values()];
  }

  get state(): State {
    return { ...this.#store.state, ...this.client.state };
  }

  subscribe(listener: () => void): void {
    this.#store.subscribe(listener);
  }

  /** Adds a server, and shows it. */
  open(state: ServerState = newServer(targetOf(""))): ServerClient {
    const connection = ++this.#last;
    const client = new ServerClient(connection, this.#rpc, (...said) => speaker(this.#store.state.language)(...said), state);
    this.#clients.set(connection, client);
    client.subscribe(() => this.#store.set({}));
    this.show(connection);
    return client;
  }

  /** Offers a reload. */
  outdate(): void {
    this.#store.set({ isOutdated: true });
  }

  show(connection: number): void {
    this.#store.set({ shown: connection });
  }

  /** Ends the connection, and takes the server off the page. */
  async close(client: ServerClient): Promise<void> {
    this.#clients.delete(client.connection);
    const [next] = this.clients;
    if (!next) this.open();
    else if (this.#store.state.shown === client.connection) this.show(next.connection);
    await client.leave();
  }

  /** Shows a saved server, which is connected on the person's click. */
  openSaved({ id, target }: SavedServer): void {
    const open = this.clients.find(({ state }) => state.saved === id);
    if (open) this.show(open.connection);
    else this.open({ ...newServer(target), saved: id });
  }

  async changeSaved(change: (servers: SavedServer[]) => SavedServer[]): Promise<void> {
    const isKept = await changeSaved(change);
    this.#store.set(isKept ? { servers: readSaved().servers } : { storage: "denied" });
  }

  /** Ends all connections, and forgets all that this browser keeps. */
  async clear(): Promise<void> {
    this.#isCleared = true;
    await Promise.all(this.clients.map((client) => client.leave().catch(() => {})));
    await forgetAll();
    location.replace("/playground");
  }

  async setLanguage(language: Language): Promise<void> {
    await load(language).catch(() => {});
    keepLanguage(language);
    document.documentElement.lang = language;
    this.#store.set({ language });
  }

  // Of servers that are not connected, too, and of what an earlier page stored.
  #signedOut(server: string): void {
    for (const client of this.clients) client.signedOutOf(server);
    forgetTasks(server);
    void forgetStored((storage) => storage.forgetSignedIn(server));
  }

  #hear(event: WorkerEvent): void {
    if ("keep" in event) storeInTab(...event.keep);
    else if ("chat" in event) this.#hearChat?.(event);
    else if ("outdated" in event) this.outdate();
    else if ("signedOutOf" in event) this.#signedOut(event.signedOutOf);
    else this.#clients.get(event.connection)?.hear(event);
  }
}
