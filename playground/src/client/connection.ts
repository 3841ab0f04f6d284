// One connection to a server: its transport and version, and the operations on it.
import { messageOf } from "../error-message.ts";
import { Client, type JSONRPCRequest, ProtocolError, type RequestOptions, SSEClientTransport, SdkHttpError, SseError, StreamableHTTPClientTransport, type Transport, UnauthorizedError } from "@modelcontextprotocol/client";
import { ALL_OFFERS, LEGACY, type ServerQuestion, type CompletionRequest, type FromWorker, type ListPage, type ListName, type LogLevel, type PortableCall, type RelayUse, type Root, type ServerInfo, type SignInStep, type Suggestions, type Target, type TaskPage, type Tool, type Version, type ChangeSubscription, initialLogLevel, isRelayed, targetOf } from "../protocol.ts";
import { visibleName } from "../visible.ts";
import type { Accounts } from "./accounts.ts";
import { Calls, type Session } from "./calls.ts";
import type { Changes } from "./changes.ts";
import type { Completer } from "./completion.ts";
import { Fetcher } from "./fetcher.ts";
import { type AnyRequest, wrapResult, lenientClient, unwrapResult } from "./lenient.ts";
import { Lists } from "./lists.ts";
import type { LogSender } from "./log.ts";
import { capabilitiesOf, refusal } from "./offers.ts";
import { SignInFailed, commonVersion, problemOf } from "./problem.ts";
import { CallEnded, Questions } from "./questions.ts";
import { Recovery, isFetchFailure } from "./recovery.ts";
import type { Relay } from "./relay.ts";
import { SignIn, isSignInDemand } from "./sign-in.ts";
import type { StandingStream } from "./standing-stream.ts";
import { Trace } from "./trace.ts";
import type { Traces } from "./tracing.ts";

/** Milliseconds for a sign of life. */
const PING_MS = 10_000;

/** Milliseconds for the end of a session, which nothing depends on. */
const END_MS = 3000;

export type Tell = (message: FromWorker) => void;

type HttpTransport = StreamableHTTPClientTransport | SSEClientTransport;

export class Connection {
  readonly id: number;
  #tell: Tell;
  #trace: Trace;
  /** The trace of this connection, and one that was taken from a file. */
  readonly traces: Traces;
  #fetcher: Fetcher;
  #signIn: SignIn | undefined;
  #target: Target | undefined;
  #client: Client | undefined;
  /** The client, once it is connected. */
  #opened: Client | undefined;
  /** The client whose stream, which is its connection, ended before all of its connecting was done. */
  #cut: Client | undefined;
  #transport: HttpTransport | undefined;
  #recovery = this.#newRecovery();
  /** Ends everything under way. */
  #stop = new AbortController();
  #completer: Promise<Completer> | undefined;
  #lists = new Lists();
  #logLevel: LogLevel | "" | undefined;
  #log: Promise<LogSender> | undefined;
  #relay: Relay | undefined;
  #standing: Promise<StandingStream> | undefined;
  #changes: Promise<Changes> | undefined;
  #accounts: Accounts;
  /** The token that the session's end was told with. */
  #told: string | undefined;
  /** Lets go the request that is held back, or gives it up. */
  #release: ((isWanted: boolean) => void) | undefined;
  readonly questions: Questions;
  readonly calls: Calls;

  constructor(id: number, tell: Tell, accounts: Accounts) {
    this.id = id;
    this.#tell = tell;
    this.#accounts = accounts;
    this.#trace = new Trace((rows) => tell({ connection: id, rows }));
    this.traces = { live: this.#trace };
    this.#fetcher = new Fetcher(this.#trace);
    this.questions = new Questions(id, tell);
    this.calls = new Calls(id, tell, this.#session(), this.questions, this.#fetcher.streams);
  }

  get fetcher(): Fetcher {
    return this.#fetcher;
  }

  get url(): string {
    return this.#target?.url ?? "";
  }

  get isConnected(): boolean {
    return this.#opened !== undefined;
  }

  get signIn(): SignIn {
    if (!this.#signIn) throw new Error("There is no server yet.");
    return this.#signIn;
  }

  async connect(target: Target): Promise<ServerInfo> {
    const ended = this.disconnect();
    const { signal } = this.#stop;
    await ended;
    const relay = target.relay && isRelayed(target) ? await this.#relayOf(target.relay) : undefined;
    const account = await this.#accounts.of(target.url);
    signal.throwIfAborted();
    // All at once: a connection that was given up in the meantime leaves nothing of its server behind.
    this.#target = target;
    this.#relay = relay;
    this.#trace.masks.headers = new Set(target.headers.map(([name]) => name.toLowerCase()));
    this.#fetcher.begin();
    this.#fetcher.through = relay?.send;
    this.#signIn = new SignIn(target.url, target.scope.trim(), this.#fetcher, account);
    if (target.transport === "sse") return this.#open("sse", "legacy", signal);
    try {
      return await this.#negotiate(target, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (target.transport !== "auto" || target.version === "2026-07-28" || !this.#isOldServer(error)) throw error;
      this.#trace.note(`Streamable HTTP: ${this.#fetcher.status ?? "no readable answer"}. Now HTTP+SSE.`);
      // Where neither is, the answer to the first says more.
      return await this.#open("sse", "legacy", signal).catch((second: unknown) => {
        throw isSignInDemand(second) ? second : error;
      });
    }
  }

  async #relayOf(use: RelayUse): Promise<Relay> {
    const { Relay } = await import("./relay.ts");
    if (!use.resource) return new Relay(use);
    const account = await this.#accounts.of(use.resource);
    return new Relay(use, new SignIn(use.resource, "", new Fetcher(new Trace(() => {})), account), account);
  }

  async #negotiate({ version }: Target, signal: AbortSignal): Promise<ServerInfo> {
    const era = version === "auto" ? "auto" : version === "2026-07-28" ? "modern" : "legacy";
    try {
      return await this.#open("streamable", era, signal);
    } catch (error) {
      signal.throwIfAborted();
      const common = commonVersion(error);
      if (common) {
        this.#trace.note(`The server does not speak ${version === "auto" ? "2026-07-28" : version}. Now ${common}, which it names.`);
        return this.#open("streamable", "legacy", signal, common);
      }
      // A server that lets no page send the headers of 2026-07-28 makes the probe fail as if it were not there.
      if (era !== "auto" || !isFetchFailure(error)) throw error;
      this.#trace.note("The probe of 2026-07-28 could not be sent, as where CORS does not allow its headers. Now initialize.");
      return this.#open("streamable", "legacy", signal);
    }
  }

  // The specification has clients try HTTP+SSE after these. A server that answers them without CORS headers hides the status from a page.
  #isOldServer(error: unknown): boolean {
    return isFetchFailure(error) || error instanceof SdkHttpError && [400, 404, 405].includes(this.#fetcher.status ?? 0);
  }

  async #open(kind: "streamable" | "sse", era: "auto" | "modern" | "legacy", signal: AbortSignal, version?: Version): Promise<ServerInfo> {
    signal.throwIfAborted();
    const target = this.#target as Target;
    const preferred = version ?? target.version;
    const transport = this.#makeTransport(kind, target);
    this.#watch(transport);
    const client = lenientClient(
      this.#fetcher.streams,
      () => this.#logLevel ?? initialLogLevel(this.#client?.getServerCapabilities()),
      { name: "durable-mcp playground", version: "1" },
      {
        capabilities: capabilitiesOf(target.offers),
        inputRequired: { autoFulfill: false },
        versionNegotiation: { mode: era === "modern" ? { pin: "2026-07-28" } : era },
        ...(era === "legacy" ? { supportedProtocolVersions: LEGACY.toSorted((one, other) => Number(other === preferred) - Number(one === preferred)) } : {}),
      },
    );
    this.#listen(client);
    this.#client = client;
    this.#transport = transport;
    await client.connect(transport as Transport, this.#limit()).catch(async (error: unknown) => {
      // One of HTTP+SSE that did not open would try again by itself.
      await transport.close().catch(() => {});
      throw error;
    });
    const token = await this.#token(target);
    if (signal.aborted) await client.close();
    signal.throwIfAborted();
    this.#opened = client;
    if (this.#cut === client) this.#recover(client, true);
    this.#tellFarewell(token);
    return this.#info(client, kind);
  }

  #makeTransport(kind: "streamable" | "sse", target: Target): HttpTransport {
    const standing = import("./connected.ts").then(({ StandingStream }) => new StandingStream((listening) => this.#standing === standing && this.#tell({ connection: this.id, listening })));
    this.#standing = standing;
    const { fetch } = this.#fetcher;
    const options = {
      fetch: (async (url: URL, init?: RequestInit) => (kind === "sse" || init?.method === "POST" ? fetch(url, init) : (await standing).watched(fetch)(url, init))) as never,
      requestInit: { headers: typed(target) },
      authProvider: { token: () => this.#token(target), onUnauthorized: () => this.#refused(target) },
    };
    const url = new URL(target.url);
    return kind === "sse" ? new SSEClientTransport(url, options) : new StreamableHTTPClientTransport(url, { ...options, onInsufficientScope: "throw", ...this.#streams(standing) });
  }

  async #token(target: Target): Promise<string | undefined> {
    const token = target.token || (await this.signIn.token());
    if (this.#opened && token !== this.#told) this.#tellFarewell(token);
    return token;
  }

  // A token that ended early is renewed; what then is refused again needs the person.
  async #refused(target: Target): Promise<void> {
    if (target.token || !(await this.signIn.renew())) throw new UnauthorizedError();
  }

  // Streams are opened again for as long as the connection lasts.
  #streams(standing: Promise<StandingStream>) {
    const recovery = this.#recovery;
    return {
      reconnectionOptions: { initialReconnectionDelay: 1000, maxReconnectionDelay: 30_000, reconnectionDelayGrowFactor: 2, maxRetries: Infinity },
      reconnectionScheduler: (reconnect: () => void, ms: number) => {
        let isWanted = true;
        void standing
          .then((stream) => recovery.pause(stream.planned(ms) / 1000))
          .then(() => isWanted && reconnect());
        return () => {
          isWanted = false;
        };
      },
    };
  }

  #watch(transport: HttpTransport): void {
    let handler: Transport["onmessage"];
    Object.defineProperty(transport, "onmessage", {
      get: () => handler,
      set: (next: Transport["onmessage"]) => {
        handler = next && ((message, extra) => {
          if (!this.calls.isLate(message)) next(wrapResult(message, this.#opened?.getProtocolEra() === "modern"), extra);
        });
      },
    });
    const send: Transport["send"] = transport.send.bind(transport) as never;
    (transport as Transport).send = (message, options) => {
      if ("method" in message && "id" in message) this.#fetcher.streams.sent(message.id);
      return send(message, options);
    };
  }

  #listen(client: Client): void {
    for (const what of ["tools", "resources", "prompts"] as const)
      client.setNotificationHandler(`notifications/${what}/list_changed`, () => this.#tell({ connection: this.id, changed: what }));
    client.setNotificationHandler("notifications/message", ({ params }) => this.#logged(params));
    client.setNotificationHandler("notifications/resources/updated", ({ params }) => this.#tell({ connection: this.id, updated: params.uri }));
    client.setNotificationHandler("notifications/elicitation/complete", ({ params }) => this.#tell({ connection: this.id, completed: params.elicitationId }));
    client.fallbackNotificationHandler = async ({ method, params }) => {
      if (method === "notifications/tasks/status") await this.calls.statusTold(params);
    };
    client.fallbackRequestHandler = (request, { mcpReq }) => this.#asked(request, mcpReq.signal) as never;
    client.onclose = () => {
      if (this.#opened === client) this.#tell({ connection: this.id, closed: null });
    };
    client.onerror = (error) => {
      if (error.name !== "AbortError") this.#trace.note(messageOf(error));
      const isNew = error instanceof SseError || this.#isSessionGone(error);
      if (this.#opened === client && (isNew || isFetchFailure(error))) this.#recover(client, isNew);
      else if (this.#client === client && error instanceof SseError) this.#cut = client;
    };
  }

  // The request that failed is told so before its connection is replaced.
  #recover(client: Client, isNew: boolean): void {
    setTimeout(() => this.#opened === client && this.#recovery.begin(isNew));
  }

  #isSessionGone(error: unknown): boolean {
    const { status } = ((error as SdkHttpError).data ?? {}) as { status?: number };
    return error instanceof SdkHttpError && status === 404 && this.#transport instanceof StreamableHTTPClientTransport && this.#transport.sessionId !== undefined;
  }

  #newRecovery(): Recovery {
    return new Recovery({
      ping: () => (this.#connected.getProtocolEra() === "modern" ? this.#connected.discover({ timeout: PING_MS }) : this.#connected.ping({ timeout: PING_MS })),
      reopen: () => this.#reopen(),
      isSessionGone: (error) => this.#isSessionGone(error),
      problemOf: (error) => problemOf(error, this.url),
      lost: (lost) => this.#tell({ connection: this.id, lost }),
      found: (info) => this.#tell({ connection: this.id, found: info ?? null }),
      gone: (closed) => this.#tell({ connection: this.id, closed }),
    });
  }

  async #reopen(): Promise<ServerInfo> {
    const { signal } = this.#stop;
    const [client, transport] = [this.#client, this.#transport];
    this.#client = this.#opened = undefined;
    this.#endChanges();
    await client?.close().catch(() => {});
    this.#trace.note("The server no longer knows the session. Now a new one.");
    return transport instanceof SSEClientTransport ? this.#open("sse", "legacy", signal) : this.#open("streamable", "legacy", signal);
  }

  /** Tries at once to reach a server that was lost, and whether it is there otherwise. */
  retry(): void {
    this.#recovery.wake();
    if (this.#opened) void this.#recovery.begin(false);
  }

  // A request of the server on a session.
  async #asked({ id, method, params }: JSONRPCRequest, signal: AbortSignal): Promise<unknown> {
    const { [RELATED_TASK]: related } = ((params as { _meta?: object } | undefined)?._meta ?? {}) as { [RELATED_TASK]?: { taskId?: unknown } };
    const task = typeof related?.taskId === "string" ? { task: related.taskId } : {};
    return this.#put({ method, params, call: this.calls.callOf(id, task.task), ...task }, signal, true);
  }

  async #put(asked: ServerQuestion, signal?: AbortSignal, isRequest = false): Promise<unknown> {
    const { method, params } = asked;
    const refused = refusal(method, params, this.#target?.offers ?? ALL_OFFERS);
    if (refused) {
      this.#trace.note(`${refused.code}: ${refused.message}`);
      throw isRequest ? new ProtocolError(refused.code, refused.message) : new CallEnded("notOffered", refused.message);
    }
    if (method === "roots/list") return { roots: this.#target?.roots.map(({ uri, name }) => ({ uri, ...(name ? { name } : {}) })) };
    return this.questions.ask(asked, signal, isRequest);
  }

  #info(client: Client, transport: "streamable" | "sse"): ServerInfo {
    const version = client.getServerVersion();
    return {
      name: nameIn(version?.name) ?? new URL(this.url).host,
      icons: version?.icons,
      title: nameIn(version?.title),
      version: nameIn(version?.version),
      instructions: client.getInstructions(),
      capabilities: (client.getServerCapabilities() ?? {}) as Record<string, unknown>,
      protocol: client.getNegotiatedProtocolVersion() ?? "",
      transport,
      signedIn: this.#target?.token ? undefined : this.signIn.place,
      signInId: this.#target?.token ? undefined : this.signIn.id,
      era: client.getProtocolEra() === "modern" ? "modern" : "legacy",
    };
  }

  #tellFarewell(token: string | undefined): void {
    this.#told = token;
    const transport = this.#transport;
    const session = transport instanceof StreamableHTTPClientTransport ? transport.sessionId : undefined;
    if (!session || !this.#target) return this.#tell({ connection: this.id, sessionEnd: null });
    const headers: [string, string][] = [...typed(this.#target), ["mcp-session-id", session]];
    if (token) headers.push(["authorization", `Bearer ${token}`]);
    const version = this.#client?.getNegotiatedProtocolVersion();
    if (version) headers.push(["mcp-protocol-version", version]);
    const sessionEnd = { method: "DELETE" as const, url: this.url, headers };
    if (!this.#relay) return this.#tell({ connection: this.id, sessionEnd });
    void this.#relay.sessionEnd(sessionEnd).then((relayed) => this.#transport === transport && this.#tell({ connection: this.id, sessionEnd: relayed }));
  }

  /** Has each request of a sign-in wait until the person goes on. */
  setStepping(is: boolean): void {
    this.#release?.(false);
    this.#release = undefined;
    const hold = (step: SignInStep, method: string, url: string) =>
      new Promise<void>((goOn, fail) => {
        this.#release = (isWanted) => (isWanted ? goOn() : fail(new SignInFailed("The sign-in was cancelled.")));
        this.#tell({ connection: this.id, waitingStep: { step, request: `${method} ${this.#trace.masks.url(url)}` } });
      });
    this.#fetcher.gate = is ? hold : undefined;
  }

  /** Lets the request go that is held back. */
  goOn(): void {
    const release = this.#release;
    this.#release = undefined;
    this.#tell({ connection: this.id, waitingStep: null });
    release?.(true);
  }

  /** Signs out of a server: in this tab, and then in the others. */
  async signOut(server: string): Promise<void> {
    // Requests to another server do not go by the relay of this one.
    const signIn = server === this.url ? this.signIn : new SignIn(server, "", new Fetcher(this.#trace), await this.#accounts.of(server));
    await signIn.signOut().finally(() => this.#accounts.signedOut(server));
  }

  /** Ends what a sign-out elsewhere ended. */
  async signOutHere(): Promise<void> {
    if (this.#target?.token) return;
    await this.disconnect();
    await this.#signIn?.signOut().catch(() => {});
    this.#tell({ connection: this.id, signedOut: true });
  }

  /** Ends the session, where there is one, and everything under way. */
  async disconnect(): Promise<void> {
    const [client, transport] = [this.#client, this.#transport];
    this.#client = this.#opened = this.#transport = undefined;
    this.#endChanges();
    this.#recovery.stop();
    this.#recovery = this.#newRecovery();
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#fetcher.signal = this.#stop.signal;
    this.setStepping(false);
    this.calls.leave();
    this.#tell({ connection: this.id, sessionEnd: null });
    // A server that does not know DELETE, or is gone, ends nothing here.
    if (transport instanceof StreamableHTTPClientTransport) await Promise.race([transport.terminateSession().catch(() => {}), new Promise((late) => setTimeout(late, END_MS))]);
    await client?.close().catch(() => {});
  }

  /** Replaces the folders. A server with a session is notified; a stateless one asks anew with each call. */
  async setRoots(roots: Root[]): Promise<void> {
    if (!this.#target) return;
    this.#target = { ...this.#target, roots };
    if (this.#client?.getProtocolEra() === "legacy" && this.#target.offers.roots) await this.#client.sendRootsListChanged();
  }

  /** The first piece of a list, or the next of one that is being fetched. */
  list(what: ListName, next: number | undefined): Promise<ListPage> {
    if (next !== undefined) return this.#lists.more(next);
    return this.#lists.begin(async (method, params) => unwrapResult(await this.#connected.request({ method, params }, this.#limit())), what);
  }

  /** Sets which changes are to be told. */
  async watch(wanted: ChangeSubscription): Promise<null> {
    const [client, standing] = [this.#connected, this.#standing];
    this.#changes ??= Promise.all([import("./connected.ts"), standing]).then(([{ Changes }, stream]) => new Changes(client, stream, (listening) => this.#client === client && this.#tell({ connection: this.id, listening })));
    await (await this.#changes).watch(wanted);
    return null;
  }

  /** Sets which log messages the server is to send: a session at once, a stateless one with each request. */
  async setLogLevel(level: LogLevel | ""): Promise<null> {
    this.#logLevel = level;
    if (level !== "" && this.#connected.getProtocolEra() === "legacy") await this.#connected.setLoggingLevel(level, this.#limit());
    return null;
  }

  async #logged(message: Parameters<LogSender["take"]>[0]): Promise<void> {
    this.#log ??= import("./log.ts").then(({ LogSender }) => new LogSender((logged) => this.#tell({ connection: this.id, logged })));
    (await this.#log).take(message);
  }

  /** Opens the stream of changes anew. */
  async listenAgain(): Promise<null> {
    this.#recovery.wake();
    (await this.#changes)?.again();
    return null;
  }

  #endChanges(): void {
    void this.#changes?.then((changes) => changes.stop());
    this.#standing = this.#changes = undefined;
  }

  async complete(request: CompletionRequest): Promise<Suggestions> {
    this.#completer ??= import("./completion.ts").then(({ Completer }) => new Completer());
    return (await this.#completer).complete(async (params, options) => unwrapResult(await this.#connected.request({ method: "completion/complete", params } as never, options)), request);
  }

  /** A page of the server's own tasks. */
  async tasks(cursor: string | undefined): Promise<TaskPage> {
    const { taskPage } = await import("./tasks.ts");
    const request = this.#connected.request as unknown as AnyRequest;
    return taskPage(unwrapResult(await request({ method: "tasks/list", params: cursor === undefined ? {} : { cursor } } as never, this.#limit())));
  }

  #session(): Session {
    return {
      client: () => this.#connected,
      target: () => this.#target ?? targetOf(""),
      limit: () => this.#limit(),
      ask: (asked, signal) => this.#put(asked, signal),
      note: (text) => this.#trace.note(text),
      isGone: (error) => this.#isSessionGone(error),
    };
  }

  #limit(): RequestOptions {
    const { seconds = 60, isExtended = true } = this.#target ?? {};
    return { timeout: seconds * 1000, resetTimeoutOnProgress: isExtended };
  }

  /** A call as it can be made elsewhere. */
  async portable(tool: Tool, json: string): Promise<PortableCall> {
    const { portableCall } = await import("./portable.ts");
    const isSecret = (name: string) => this.#trace.masks.isSecretHeader(name);
    const own = this.#target?.headers ?? [];
    return portableCall({ tool, json, isSecret, own, url: this.url, sent: this.#fetcher.sent, info: this.#info(this.#connected, this.#transport instanceof SSEClientTransport ? "sse" : "streamable") });
  }

  get #connected(): Client {
    if (!this.#client) throw new Error("There is no connection.");
    return this.#client;
  }
}

const RELATED_TASK = "io.modelcontextprotocol/related-task";

const nameIn = (text: unknown): string | undefined => (typeof text === "string" ? visibleName(text) : undefined);

// Saved servers have names of headers alone, until the person types their values.
const typed = ({ headers }: Target): [string, string][] => headers.filter(([, value]) => value !== "");
