// One connection to a server: its transport and version, and the operations on it.
import { Client, type JSONRPCRequest, ProtocolError, type RequestOptions, SSEClientTransport, SdkHttpError, SseError, StreamableHTTPClientTransport, type Transport, UnauthorizedError } from "@modelcontextprotocol/client";
import { BoundedMap } from "../bounded.ts";
import { parse } from "../exact.ts";
import { ALL_OFFERS, LEGACY, type Answer, type Asked, type CompletionRequest, type FromWorker, type Listed, type ListName, type LogLevel, type PortableCall, type Progress, type Root, type ServerInfo, type SignInStep, type Suggestions, type Target, type TaskInfo, type TaskPage, type Tool, type Version, type Watched, initialLogLevel, targetOf } from "../protocol.ts";
import { named } from "../visible.ts";
import type { Accounts } from "./accounts.ts";
import type { Changes } from "./changes.ts";
import type { Completer } from "./completion.ts";
import { Fetcher } from "./fetcher.ts";
import { Lists } from "./lists.ts";
import type { LogSender } from "./log.ts";
import { capabilitiesOf, refusal } from "./offers.ts";
import { paced } from "./paced.ts";
import { SignInFailed, asMissing, commonVersion, messageOf, problemOf } from "./problem.ts";
import { CallEnded, Questions } from "./questions.ts";
import { Recovery, SessionGone, isFetchFailure } from "./recovery.ts";
import type { InputRequired } from "./rounds.ts";
import { Running, UNLIMITED_MS } from "./running.ts";
import { SignIn, isSignInDemand } from "./sign-in.ts";
import type { StandingStream } from "./standing-stream.ts";
import type { Streams } from "./streams.ts";
import { Trace, bytesOf } from "./trace.ts";
import type { Traces } from "./tracing.ts";

/** Milliseconds between two words of a call's progress to the page. */
const PROGRESS_MS = 100;

/** Milliseconds for a sign of life. */
const PING_MS = 10_000;

/** Milliseconds for which a server of 2025-11-25 is asked to keep a task. */
const TASK_TTL_MS = 3_600_000;

/** Bytes of a result that goes to the page as it is: of a larger one, long texts stay. */
const MAX_SENT_BYTES = 100_000;

/** Milliseconds for the end of a session, which nothing depends on. */
const END_MS = 3000;

/** Tasks whose call is known, and calls whose results may still come: those that are under way, and some that never end. */
const MAX_TASKS = 1000;
const MAX_ENDED = 1000;

// Results are shown as they are, also where they are against the specification.
const ANYTHING = { "~standard": { version: 1, vendor: "durable-mcp", validate: (value: unknown) => ({ value }) } } as const;

type AnyRequest = (request: { method: string }, ...more: unknown[]) => Promise<unknown>;

/** A client that takes any result of what the person asked for, and tells of what call each request is. */
function lenientClient(streams: Streams, logLevel: () => string, ...given: ConstructorParameters<typeof Client>): Client {
  const client = new Client(...given);
  const request = client.request.bind(client) as unknown as AnyRequest;
  const lenient: AnyRequest = (asked, ...more) => {
    if (!/^(tools|resources|prompts|completion|tasks)\//.test(asked.method)) return request(asked, ...more);
    return streams.during((more[0] as CallOptions | undefined)?.call, () => request(client.getProtocolEra() === "modern" ? withLogLevel(asked, logLevel()) : asked, ANYTHING, ...more));
  };
  client.request = lenient as never;
  return client;
}

// In 2026-07-28 each request says which log messages are wanted with its answer.
const withLogLevel = <Asked extends { method: string; params?: { _meta?: object } }>(asked: Asked, level: string): Asked =>
  level === "" ? asked : { ...asked, params: { ...asked.params, _meta: { ...asked.params?._meta, "io.modelcontextprotocol/logLevel": level } } };

/** Options of a request that belongs to a call. */
type CallOptions = RequestOptions & { call?: number };

const isInputRequired = (result: unknown): result is InputRequired => (result as InputRequired | undefined)?.resultType === "input_required";

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
  #calls = new Map<number, Running>();
  #callOfTask = new BoundedMap<string, number>(MAX_TASKS);
  /** Calls that were cancelled, or took too long: their results may still come. */
  #ended = new BoundedMap<number, true>(MAX_ENDED);
  #recovery = this.#newRecovery();
  /** Ends everything under way. */
  #stop = new AbortController();
  #completer: Promise<Completer> | undefined;
  #lists = new Lists();
  #logLevel: LogLevel | "" | undefined;
  #log: Promise<LogSender> | undefined;
  #standing: Promise<StandingStream> | undefined;
  #changes: Promise<Changes> | undefined;
  #accounts: Accounts;
  /** The token that the session's end was told with. */
  #told: string | undefined;
  /** Lets go the request that is held back, or gives it up. */
  #held: ((isWanted: boolean) => void) | undefined;
  readonly questions: Questions;

  constructor(id: number, tell: Tell, accounts: Accounts) {
    this.id = id;
    this.#tell = tell;
    this.#accounts = accounts;
    this.#trace = new Trace((rows) => tell({ connection: id, rows }));
    this.traces = { live: this.#trace };
    this.#fetcher = new Fetcher(this.#trace);
    this.questions = new Questions(id, tell);
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
    await this.disconnect();
    const { signal } = this.#stop;
    this.#target = target;
    this.#trace.masks.headers = new Set(target.headers.map(([name]) => name.toLowerCase()));
    this.#fetcher.begin();
    this.#signIn = new SignIn(target.url, target.scope.trim(), this.#fetcher, await this.#accounts.of(target.url));
    signal.throwIfAborted();
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
    await client.connect(transport as Transport, this.#limit());
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
          if (!this.#isLate(message)) next(carried(message, this.#opened?.getProtocolEra() === "modern"), extra);
        });
      },
    });
    const send: Transport["send"] = transport.send.bind(transport) as never;
    (transport as Transport).send = (message, options) => {
      if ("method" in message && "id" in message) this.#fetcher.streams.sent(message.id);
      return send(message, options);
    };
  }

  // The SDK takes the result of a call that has ended for a fault.
  #isLate(message: { id?: string | number; method?: string; result?: unknown; error?: unknown }): boolean {
    const call = message.id === undefined || message.method !== undefined ? undefined : this.#fetcher.streams.sentFor(message.id);
    if (call === undefined || !this.#ended.delete(call)) return false;
    this.#fetcher.streams.ended(call);
    this.#tell({ connection: this.id, call, late: message.result ?? message.error });
    this.#trace.note("This result came after its call had ended.");
    return true;
  }

  #listen(client: Client): void {
    for (const what of ["tools", "resources", "prompts"] as const)
      client.setNotificationHandler(`notifications/${what}/list_changed`, () => this.#tell({ connection: this.id, changed: what }));
    client.setNotificationHandler("notifications/message", ({ params }) => this.#logged(params));
    client.setNotificationHandler("notifications/resources/updated", ({ params }) => this.#tell({ connection: this.id, updated: params.uri }));
    client.setNotificationHandler("notifications/elicitation/complete", ({ params }) => this.#tell({ connection: this.id, completed: params.elicitationId }));
    client.fallbackNotificationHandler = async ({ method, params }) => {
      if (method === "notifications/tasks/status") await this.#taskTold(params);
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
    const only = this.#calls.size === 1 ? [...this.#calls.keys()][0] : undefined;
    const call = this.#fetcher.streams.callOf(id) ?? this.#callOfTask.get(task.task ?? "") ?? only;
    return this.#put({ method, params, call, ...task }, signal, true);
  }

  async #put(asked: Asked, signal?: AbortSignal, isRequest = false): Promise<unknown> {
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
      era: client.getProtocolEra() === "modern" ? "modern" : "legacy",
    };
  }

  #tellFarewell(token: string | undefined): void {
    this.#told = token;
    const transport = this.#transport;
    const session = transport instanceof StreamableHTTPClientTransport ? transport.sessionId : undefined;
    if (!session || !this.#target) return this.#tell({ connection: this.id, farewell: null });
    const headers: [string, string][] = [...typed(this.#target), ["mcp-session-id", session]];
    if (token) headers.push(["authorization", `Bearer ${token}`]);
    const version = this.#client?.getNegotiatedProtocolVersion();
    if (version) headers.push(["mcp-protocol-version", version]);
    this.#tell({ connection: this.id, farewell: { url: this.url, headers } });
  }

  /** Has each request of a sign-in wait until the person goes on. */
  setStepping(is: boolean): void {
    this.#held?.(false);
    this.#held = undefined;
    const hold = (step: SignInStep, method: string, url: string) =>
      new Promise<void>((goOn, fail) => {
        this.#held = (isWanted) => (isWanted ? goOn() : fail(new SignInFailed("The sign-in was cancelled.")));
        this.#tell({ connection: this.id, held: { step, request: `${method} ${this.#trace.masks.url(url)}` } });
      });
    this.#fetcher.gate = is ? hold : undefined;
  }

  /** Lets the request go that is held back. */
  goOn(): void {
    const held = this.#held;
    this.#held = undefined;
    this.#tell({ connection: this.id, held: null });
    held?.(true);
  }

  /** Signs out of a server: in this tab, and then in the others. */
  async signOut(server: string): Promise<void> {
    const signIn = server === this.url ? this.signIn : new SignIn(server, "", this.#fetcher, await this.#accounts.of(server));
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
    for (const call of this.#calls.values()) call.leave();
    this.questions.withdraw();
    this.#tell({ connection: this.id, farewell: null });
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
  list(what: ListName, next: number | undefined): Promise<Listed> {
    if (next !== undefined) return this.#lists.more(next);
    return this.#lists.begin(async (method, params) => uncarried(await this.#connected.request({ method, params }, this.#limit())), what);
  }

  /** Sets which changes are to be told. */
  async watch(wanted: Watched): Promise<null> {
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

  /** Calls a tool; on a session `asTask` begins a task. `isWhole` gives long texts, too. */
  call(call: number, tool: Tool, json: string, asTask: boolean, isWhole: boolean): Promise<Answer> {
    const { outputSchema: _, ...definition } = tool;
    const toolDefinition = { inputSchema: { type: "object" }, ...definition } as never;
    return this.#run(call, (more, options) => this.#connected.callTool({ name: tool.name, arguments: parse(json) as never, ...(asTask ? { task: { ttl: TASK_TTL_MS } } : {}), ...more }, { ...options, toolDefinition }), isWhole);
  }

  cancel(call: number): void {
    this.#calls.get(call)?.cancel();
    this.questions.withdraw(call);
  }

  read(call: number, uri: string, isWhole: boolean): Promise<Answer> {
    return this.#run(call, (more, options) => this.#connected.request({ method: "resources/read", params: { uri, ...more } }, options), isWhole).catch((error: unknown) => {
      throw asMissing(error);
    });
  }

  async complete(request: CompletionRequest): Promise<Suggestions> {
    this.#completer ??= import("./completion.ts").then(({ Completer }) => new Completer());
    return (await this.#completer).complete(async (params, options) => uncarried(await this.#connected.request({ method: "completion/complete", params } as never, options)), request);
  }

  prompt(call: number, name: string, values: Record<string, string>): Promise<Answer> {
    return this.#run(call, (more, options) => this.#connected.request({ method: "prompts/get", params: { name, arguments: values, ...more } }, options));
  }

  /** Runs what may ask the person on the way. `send` sends it, with more where its answers are sent. */
  async #run(call: number, send: (more: object, options: CallOptions) => Promise<unknown>, isWhole = false): Promise<Answer> {
    const running = new Running(this.#target ?? targetOf(""), () => this.questions.isOpen(call));
    const told = paced<Progress>(PROGRESS_MS, (progress) => this.#calls.has(call) && this.#tell({ connection: this.id, progress }));
    const options: CallOptions = {
      call,
      signal: running.signal,
      timeout: UNLIMITED_MS,
      allowInputRequired: true,
      onprogress: ({ progress, total, message }) => {
        running.progressed();
        told({ call, progress, ...(total === undefined ? {} : { total }), ...(message === undefined ? {} : { message }) });
      },
    };
    this.#calls.set(call, running);
    try {
      return await measured(async () => {
        const result = await this.#answered(call, await send({}, options), (more) => (running.restart(), send(more, options)));
        return isTask(result) ? this.#follow(call, running, options, result) : uncarried(result);
      }, isWhole);
    } catch (error) {
      if (running.cause) this.#ended.set(call, true);
      if (this.#isSessionGone(error)) throw new SessionGone(messageOf(error));
      throw (running.isTask && running.isLeft ? error : running.cause) ?? error;
    } finally {
      running.done();
      this.#calls.delete(call);
      if (!this.#ended.has(call)) this.#fetcher.streams.ended(call);
      this.questions.withdraw(call);
    }
  }

  async #answered(call: number, result: unknown, send: (more: object) => Promise<unknown>): Promise<unknown> {
    if (!isInputRequired(result)) return result;
    const { answered } = await import("./rounds.ts");
    return answered(result, {
      send,
      ask: (method, params, round) => this.#put({ method, params, call, round }),
      goOn: async (rounds) => (await this.questions.ask({ method: "rounds", params: { rounds }, call })) === true,
    });
  }

  /** Goes on with a task that an earlier page of the tab began. */
  follow(call: number, task: TaskInfo): Promise<Answer> {
    return this.#run(call, async () => ({ [OTHER]: task }));
  }

  /** A page of the server's own tasks. */
  async tasks(cursor: string | undefined): Promise<TaskPage> {
    const { taskPage } = await import("./tasks.ts");
    const request = this.#connected.request as unknown as AnyRequest;
    return taskPage(uncarried(await request({ method: "tasks/list", params: cursor === undefined ? {} : { cursor } } as never, this.#limit())));
  }

  async #taskTold(params: unknown): Promise<void> {
    const { legacyTask } = await import("./tasks.ts");
    const task = legacyTask(params);
    const call = task && this.#callOfTask.get(task.id);
    if (task) this.#tell({ connection: this.id, ...(call === undefined || !this.#calls.has(call) ? { taskStatus: task } : { call, task }) });
  }

  async #follow(call: number, running: Running, options: CallOptions, result: unknown): Promise<unknown> {
    running.isTask = true;
    const { begunTask, follow } = await import("./tasks.ts");
    const begun = uncarried(result);
    const task = isTaskInfo(begun) ? begun : begunTask(begun);
    this.#callOfTask.set(task.id, call);
    const request = async (method: string, params: object, more: CallOptions) => uncarried(await (this.#connected.request as unknown as AnyRequest)({ method, params } as never, more));
    return follow(task, {
      request: (method, params) => request(method, params, this.#limit()),
      result: (taskId) => request("tasks/result", { taskId }, options),
      ask: (method, params, signal) => this.#put({ method, params, call, task: task.id }, signal),
      tell: (task) => this.#tell({ connection: this.id, call, task }),
      note: (text) => this.#trace.note(text),
      signal: running.signal,
      isLeft: () => running.isLeft,
    });
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

/** Marks a result of another type than the SDK knows, which is no fault of it. */
const OTHER = Symbol("other type");

const RELATED_TASK = "io.modelcontextprotocol/related-task";

/** The least that the SDK takes as a result of any request. */
const SHELL = { resultType: "complete", ttlMs: 0, cacheScope: "private", content: [], contents: [], messages: [], tools: [], resources: [], resourceTemplates: [], prompts: [], completion: { values: [] } };

// The SDK rejects results of types that it does not know, and in 2026-07-28 all that are not to the letter: those are put into one that
// it takes, to be shown as they are.
function carried<M>(message: M, isStrict: boolean): M {
  const { result } = message as { result?: { resultType?: unknown; supportedVersions?: unknown } };
  if (typeof result !== "object" || result === null || result.resultType === "input_required" || result.supportedVersions) return message;
  if (!isStrict && (typeof result.resultType !== "string" || result.resultType === "complete")) return message;
  return { ...message, result: { ...SHELL, [OTHER]: result } };
}

const uncarried = (result: unknown): unknown => (result as { [OTHER]?: unknown } | undefined)?.[OTHER] ?? result;

const isTaskInfo = (task: unknown): task is TaskInfo => !("resultType" in (task as object)) && "era" in (task as object);

// In 2026-07-28 it is a type of results; in 2025-11-25 the member that the result of such a call has.
function isTask(result: unknown): boolean {
  const { [OTHER]: other, content, task } = (result ?? {}) as { [OTHER]?: { resultType?: unknown }; content?: unknown; task?: { taskId?: unknown } };
  return other ? isTaskInfo(other) || other.resultType === "task" : content === undefined && typeof task?.taskId === "string";
}

async function measured(work: () => Promise<unknown>, isWhole: boolean): Promise<Answer> {
  const began = performance.now();
  const result = await work();
  const ms = Math.round(performance.now() - began);
  const bytes = bytesOf(JSON.stringify(result) ?? "");
  if (bytes <= MAX_SENT_BYTES) return { ms, bytes, result };
  return { ms, bytes, ...(await import("./held.ts")).hold(result), ...(isWhole ? { whole: result } : {}) };
}

const nameIn = (text: unknown): string | undefined => (typeof text === "string" ? named(text) : undefined);

// Saved servers have names of headers alone, until the person types their values.
const typed = ({ headers }: Target): [string, string][] => headers.filter(([, value]) => value !== "");
