// The client of one server, as the page has it: actions of the person, and the state that they lead to.
import { type Json, write } from "../exact.ts";
import { isLoopback } from "../address.ts";
import { initial } from "../schema/field.ts";
import type { Answer, CompletionRequest, KeptSignIn, ListName, LogLevel, OperationName, Operations, PortableCall, Problem, Reply, Root, Suggestions, Target, Tool } from "../protocol.ts";
import { hasApp } from "../protocol.ts";
import { callerOf, isFor } from "./caller.ts";
import { CallHistory, forgetStored, hasStored, loadStorage } from "./call-history.ts";
import type { Changes } from "./changes.ts";
import { problemOf } from "./failure.ts";
import { noteLongTexts } from "./long-texts.ts";
import { attempt, type Say } from "./language.ts";
import type { WorkerEvent, WorkerRpc } from "./worker-rpc.ts";
import { LogBook } from "./log-book.ts";
import { type Ask, LISTS, isOffered, load, ownOf, stateOf } from "./lists.ts";
import { ServerEvents } from "./server-events.ts";
import { OWN_SERVER } from "./start.ts";
import { taskSupport } from "./task-choice.tsx";
import { type TaskEntry, keptTasks, setTasks } from "./task-list.ts";
import { NOTHING_LISTED, type OpenedPage, type ServerState, Store, type Tab, type TraceKind, serverName } from "./state.ts";

const RETURN_KEY = "playground return";
const CHANNEL = "playground sign-in";

/** State that survives a sign-in in the same tab. */
interface Return {
  target: Target;
  parameters?: [string, string][];
}

export class ServerClient {
  /** The number of the connection. */
  readonly connection: number;
  readonly #store: Store<ServerState>;
  #rpc: WorkerRpc;
  #say: Say;
  /** Tools whose calls begin tasks, where the person decides that. */
  #asTasks = new Set<string>();
  /** Arguments that forms begin with: made once, since those of a large schema take long. */
  #firstDrafts = new WeakMap<Tool, Json>();
  /** Names of the tools that the chat is calling. */
  #chatCalls = new Map<number, string>();
  #history: CallHistory;
  #isRestored = false;
  #events: ServerEvents;
  /** Counts what was begun: what was stopped since is of an earlier number. */
  #attempt = 0;
  #changes: Promise<Changes> | undefined;
  #channel = new BroadcastChannel(CHANNEL);
  /** The call that needed more permissions: it is tried once more with them. */
  #again: (() => Promise<void>) | undefined;
  /** The sign-in that was begun; `state` is that of its answer, once there is an address to go to. */
  #expected: { state?: string; window: Window | undefined } | undefined;

  constructor(connection: number, rpc: WorkerRpc, say: Say, state: ServerState) {
    this.connection = connection;
    this.#rpc = rpc;
    this.#say = say;
    this.#store = new Store(state);
    this.#history = new CallHistory(this.#store, say);
    this.#events = new ServerEvents(this.#store, say, {
      history: this.#history,
      logs: this.logs,
      changes: () => this.#loadChanges(),
      nameOf: (call) => this.nameOf(call),
      failed: (problem) => void this.#failed(problem),
    });
    this.#channel.addEventListener("message", ({ data }) => void this.#answered(data));
  }

  get state(): ServerState {
    return this.#store.state;
  }

  get #state(): ServerState {
    return this.#store.state;
  }

  subscribe(listener: () => void): () => void {
    return this.#store.subscribe(listener);
  }

  #ask<K extends OperationName>(operation: K, given: Operations[K]["arguments"]): Promise<Operations[K]["result"]> {
    return this.#rpc.ask(this.connection, operation, given);
  }

  /** The log messages of the server. */
  readonly logs = new LogBook();

  readonly #askAny: Ask = (operation, given) => this.#ask(operation, given);

  type(typed: string): void {
    this.#store.set({ typed });
  }

  setSaved(saved: string): void {
    this.#store.set({ saved });
  }

  setTarget(more: Partial<Target>): void {
    this.#store.set({ target: { ...this.#state.target, ...more } });
  }

  async setRoots(roots: Root[]): Promise<void> {
    this.setTarget({ roots });
    await this.#ask("setRoots", { roots });
  }

  async connect(): Promise<void> {
    const { target } = this.#state;
    const attempt = ++this.#attempt;
    // Results of one server, or of one token, are not shown as those of another, nor those of one sign-in to the next.
    const before = this.#state.caller;
    if (before && !isFor({ ...before, signInId: undefined }, callerOf(target))) this.#store.set({ calls: {}, tasks: [], caller: undefined, isSignedIn: false });
    this.#store.set({ phase: "connecting", typed: undefined, problem: undefined, info: undefined, signIn: undefined, isStepping: false, waitingStep: undefined, isLinked: false, lost: undefined, notice: undefined, ...NOTHING_LISTED });
    try {
      const info = await this.#ask("connect", { target });
      if (attempt !== this.#attempt) return;
      const caller = callerOf(target, info.signInId);
      if (this.#state.caller && !isFor(this.#state.caller, caller)) this.#store.set({ calls: {} });
      this.#store.set({ phase: "connected", info, caller, tasks: keptTasks(caller), isSignedIn: info.signedIn !== undefined, announcement: this.#say("server.connected", { name: serverName({ info, target }) }) });
      void this.#restoreCalls();
      await this.#loadAll();
    } catch (error) {
      if (attempt === this.#attempt) await this.#failed(problemOf(error));
    }
  }

  /** Whether the calls of an earlier page were looked for: they are there again once their server is. */
  get isRestored(): boolean {
    return this.#isRestored;
  }

  async #restoreCalls(): Promise<void> {
    if (this.#isRestored) return;
    const storage = hasStored() ? await loadStorage().catch(() => undefined) : undefined;
    if (this.#isRestored) return;
    this.#isRestored = true;
    this.#history.restore(storage?.storedCalls(this.#state) ?? [], async (name, json) => {
      const tool = this.#state.tools.find((tool) => tool.name === name);
      if (tool) await this.call(tool, json);
    });
  }

  async #forgetCalls(isPrivate: boolean): Promise<void> {
    await forgetStored((storage) => storage.forgetCalls(this.#state.id, isPrivate));
  }

  /** Ends the connection, or whatever is under way on the way to it. */
  async disconnect(): Promise<void> {
    this.#attempt++;
    this.#store.set({ phase: "idle", info: undefined, lost: undefined, notice: undefined, questions: [] });
    await this.#ask("disconnect", {});
  }

  /** Ends all that there is of the server on this page. */
  async leave(): Promise<void> {
    this.cancelSignIn();
    this.#channel.close();
    void this.#changes?.then((changes) => changes.stop());
    await this.disconnect();
    await this.#forgetCalls(false);
    await this.#ask("close", {});
  }

  // A list that fails leaves the others as they are, unless the person has to sign in for it. A new session has its lists fetched anew.
  async #loadAll(): Promise<void> {
    const { info } = this.#state;
    const outcomes = await Promise.allSettled(LISTS.map((what) => this.#load(what)));
    const problems = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
    if (info !== this.#state.info) return;
    const refusal = problems.find((error) => ["unauthorized", "scope"].includes(problemOf(error).kind));
    if (refusal !== undefined) throw refusal;
    if (problems.length > 0) this.#store.set({ problem: problemOf(problems[0]) });
    void this.#loadChanges().then((changes) => changes.follow()).catch(() => {});
  }

  /** Tries at once whether the server is there. */
  retry(): void {
    if (this.#state.phase === "connected") void this.#ask("retry", {});
  }

  async #load(what: ListName): Promise<void> {
    if (!isOffered(this.#state, what)) return;
    const { info } = this.#state;
    const list = await load(this.#askAny, what);
    if (info === this.#state.info) this.#store.set(stateOf(what, this.#state, list));
  }

  // The module that follows changes is loaded once there is something to follow.
  #loadChanges(): Promise<Changes> {
    this.#changes ??= import("./connected.ts").then(({ Changes }) => new Changes(this.#store, this.#askAny, this.#say));
    return this.#changes;
  }

  async setLogLevel(logLevel: LogLevel | ""): Promise<void> {
    const before = this.#state.logLevel;
    this.#store.set({ logLevel, problem: undefined });
    await this.#ask("setLogLevel", { level: logLevel }).catch((error) => this.#store.set({ logLevel: before, problem: problemOf(error) }));
  }

  clearLogs(): void {
    this.logs.clear();
    this.#store.set({});
  }

  watch(uri: string, is: boolean): Promise<void> {
    return this.#loadChanges().then((changes) => changes.watch(uri, is));
  }

  /** Fetches a list, whatever its age. */
  fetchAnew(what: ListName): Promise<void> {
    return this.#loadChanges().then((changes) => changes.fetchAnew(what === "resources" ? ["resources", "templates"] : [what]));
  }

  async #failed(problem: Problem): Promise<void> {
    this.#store.set({ phase: "idle", problem });
    if (problem.kind === "unauthorized") void this.#forgetCalls(true);
    if (problem.kind === "unauthorized" && !this.#state.target.token) await this.#offer(false);
  }

  async #offer(isStepUp: boolean): Promise<void> {
    const attempt = this.#attempt;
    this.#store.set({ signIn: { offer: undefined, isWaiting: false, fault: undefined, isStepUp } });
    try {
      const offer = await this.#ask("offer", {});
      if (attempt === this.#attempt) this.#store.set({ signIn: { offer, isWaiting: false, fault: undefined, isStepUp } });
    } catch (error) {
      if (attempt === this.#attempt) this.#store.set({ signIn: { offer: undefined, isWaiting: false, fault: problemOf(error), isStepUp } });
    }
  }

  /** Finds out anew who signs people in, and holds back each request from here on until the person goes on. */
  async stepThrough(): Promise<void> {
    this.#store.set({ isStepping: true });
    await this.#ask("setStepping", { is: true });
    await this.#offer(this.#state.signIn?.isStepUp ?? false);
  }

  goOn(): void {
    void this.#ask("goOn", {});
  }

  /** Opens the window in the click itself: browsers block one that is opened later. Until it has its address, a further click does nothing. */
  async signIn(isOnDevice = false): Promise<void> {
    const { signIn, target } = this.#state;
    if (!signIn || (this.#expected && this.#expected.state === undefined)) return;
    const attempt = this.#attempt;
    this.#expected?.window?.close();
    const opened = window.open("about:blank", "_blank", "popup,width=520,height=720") ?? undefined;
    if (opened) opened.opener = null;
    const expected: { state?: string; window: Window | undefined } = { window: opened };
    this.#expected = expected;
    this.#store.set({ signIn: { ...signIn, isWaiting: true, fault: undefined } });
    try {
      const callback = new URL("/playground/callback", location.href).href;
      // A server does not fetch a document from itself: there the page registers.
      const isElsewhere = URL.parse(signIn.offer?.issuer ?? "")?.host !== new URL(OWN_SERVER).host;
      const isPublic = isElsewhere && location.protocol === "https:" && !isLoopback(location.hostname);
      const document = isPublic ? new URL("/playground/client.json", location.href).href : undefined;
      const { url, state } = await this.#ask("authorize", { callback, document, isOnDevice });
      if (attempt !== this.#attempt) return opened?.close();
      expected.state = state;
      if (opened) return opened.location.replace(url);
      const coming: Return = { target };
      sessionStorage.setItem(RETURN_KEY, JSON.stringify(coming));
      location.assign(url);
    } catch (error) {
      opened?.close();
      if (attempt === this.#attempt) this.#store.set({ signIn: { ...signIn, isWaiting: false, fault: problemOf(error) } });
    } finally {
      if (this.#expected === expected && expected.state === undefined) this.#expected = undefined;
    }
  }

  cancelSignIn(): void {
    this.#attempt++;
    this.#expected?.window?.close();
    this.#expected = this.#again = undefined;
    if (this.#state.isStepping) void this.#ask("setStepping", { is: false });
    this.#store.set({ signIn: undefined, isStepping: false, waitingStep: undefined });
  }

  async signOut(): Promise<void> {
    await this.disconnect();
    await this.forgetSignIn(this.#state.target.url);
    setTasks(this.#store, []);
    this.#store.set({ isSignedIn: false, calls: {} });
    await this.#forgetCalls(false);
  }

  /** Forgets what came with a sign-in that the person has ended. */
  signedOutOf(server: string): void {
    const { caller } = this.#state;
    if (caller?.url !== server || caller.signInId === undefined) return;
    setTasks(this.#store, []);
    this.#store.set({ calls: {}, caller: undefined, isSignedIn: false });
  }

  keptSignIns(): Promise<KeptSignIn[]> {
    return this.#ask("keptSignIns", {}).catch(() => []);
  }

  /** Revokes and forgets the sign-in to a server, in every tab. */
  async forgetSignIn(server: string): Promise<void> {
    await this.#ask("signOut", { server }).catch(() => null);
  }

  // Anybody of this origin can write to the channel: only the state that was sent away counts.
  async #answered(data: unknown): Promise<void> {
    const parameters = parametersOf(data);
    if (!parameters || !this.#expected) return;
    const { state } = this.#expected;
    if (state === undefined || new URLSearchParams(parameters).get("state") !== state) return;
    this.#channel.postMessage({ taken: state });
    this.#expected = undefined;
    await this.#redeem(parameters);
  }

  async #redeem(parameters: [string, string][]): Promise<void> {
    try {
      await this.#ask("redeem", { parameters });
      await this.connect();
      const again = this.#again;
      this.#again = undefined;
      if (this.#state.phase === "connected") await again?.();
    } catch (error) {
      const signIn = this.#state.signIn ?? { offer: undefined, isStepUp: false };
      this.#store.set({ phase: "idle", signIn: { ...signIn, isWaiting: false, fault: problemOf(error) } });
    }
  }

  /** Goes on with a sign-in that took this tab away; whether there was one. */
  async resume(): Promise<boolean> {
    const text = attempt(() => sessionStorage.getItem(RETURN_KEY));
    attempt(() => sessionStorage.removeItem(RETURN_KEY));
    const coming = text ? (JSON.parse(text) as Return) : undefined;
    if (!coming?.parameters) return false;
    this.#store.set({ target: coming.target });
    // The Web Worker learns which server this is about; it refuses, as it did before.
    await this.#ask("connect", { target: coming.target }).catch(() => null);
    await this.#redeem(coming.parameters);
    return true;
  }

  show(tab: Tab): void {
    this.#store.set({ tab });
    void this.#changes?.then((changes) => changes.shown(tab));
  }

  choose(tab: Tab, name: string | undefined): void {
    this.#store.set({ chosen: { ...this.#state.chosen, [tab]: name } });
  }

  search(tab: Tab, text: string): void {
    this.#store.set({ search: { ...this.#state.search, [tab]: text } });
  }

  draftOf(tool: Tool): Json {
    const draft = ownOf(this.#state.drafts, tool.name) ?? this.#firstDrafts.get(tool);
    if (draft !== undefined) return draft;
    const first = initial(schemaOf(tool), schemaOf(tool)) ?? {};
    this.#firstDrafts.set(tool, first);
    return first;
  }

  setDraft(tool: Tool, value: Json): void {
    this.#store.set({ drafts: { ...this.#state.drafts, [tool.name]: value } });
  }

  call(tool: Tool, json = write(this.draftOf(tool))): Promise<void> {
    const asTask = this.isTask(tool);
    return this.#track("tools", tool.name, (call) => {
      this.#history.change(call, { json });
      return this.#ask("call", { call, tool, json, asTask, isWhole: hasApp(tool) });
    });
  }

  /** Whether the tool's calls begin tasks of 2025-11-25. */
  isTask(tool: Tool): boolean {
    const support = this.#state.target.offers.tasks ? taskSupport(this.#state.info, tool) : undefined;
    return support === "required" || (support === "optional" && this.#asTasks.has(tool.name));
  }

  setTask(tool: Tool, is: boolean): void {
    if (is) this.#asTasks.add(tool.name);
    else this.#asTasks.delete(tool.name);
    this.#store.set({});
  }

  /** Goes on with a task of an earlier page. */
  follow({ info, tool }: TaskEntry): Promise<void> {
    return this.#track("tools", tool, (call) => {
      this.#history.change(call, { task: info });
      return this.#ask("follow", { call, task: info });
    });
  }

  /** Takes a task off the list. */
  forget(entry: TaskEntry): void {
    setTasks(this.#store, this.#state.tasks.filter(({ info }) => info.id !== entry.info.id));
  }

  /** Calls a tool for an app, once its number is told. It is no call of the person's. */
  callFor(tool: Tool, json: string, begun: (call: number) => void): Promise<Answer> {
    const call = this.#history.next();
    begun(call);
    return this.#ask("call", { call, tool, json, asTask: this.isTask(tool), isWhole: true });
  }

  /** Reads a resource for an app. */
  readFor(uri: string): Promise<Answer> {
    return this.#ask("read", { call: this.#history.next(), uri, isWhole: true });
  }

  /** Calls a tool for the chat, which has the answer alone. */
  async run(number: number, tool: Tool, json: string): Promise<Answer> {
    this.#chatCalls.set(number, tool.name);
    try {
      const answer = await this.#ask("call", { call: number, tool, json, asTask: false, isWhole: true });
      noteLongTexts(answer);
      return answer;
    } finally {
      this.#chatCalls.delete(number);
    }
  }

  /** The call of a tool as it can be made elsewhere. */
  portable(tool: Tool): Promise<PortableCall> {
    return this.#ask("portable", { tool, json: write(this.draftOf(tool)) });
  }

  cancel(number: number): void {
    void this.#ask("cancel", { call: number });
  }

  /** Reads a resource, and shows it, unless what is shown already shows its result. */
  read(uri: string, isShown = false): Promise<void> {
    if (!isShown) {
      this.show("resources");
      this.choose("resources", uri);
    }
    this.#store.set({ updated: this.#state.updated.filter((other) => other !== uri) });
    return this.#track("resources", uri, (call) => this.#ask("read", { call, uri, isWhole: false }));
  }

  complete(request: CompletionRequest): Promise<Suggestions> {
    return this.#ask("complete", request);
  }

  getPrompt(name: string, values: Record<string, string>): Promise<void> {
    return this.#track("prompts", name, (call) => this.#ask("prompt", { call, name, values }));
  }

  async #track(tab: Tab, name: string, work: (number: number) => Promise<Answer>, isSecond = false): Promise<void> {
    const problem = await this.#history.run(tab, name, work, () => this.#track(tab, name, work));
    if (!problem || !["scope", "unauthorized"].includes(problem.kind) || this.#state.target.token || isSecond) return;
    this.#again = () => this.#track(tab, name, work, true);
    await this.#offer(problem.kind === "scope");
  }

  /** The name of the tool, resource or prompt of a call. */
  nameOf(call: number | undefined): string | undefined {
    return call === undefined ? undefined : (this.#history.nameOf(call) ?? this.#chatCalls.get(call));
  }

  /** Makes the same call once more, with the same arguments. */
  repeat(number: number): Promise<void> {
    return this.#history.repeat(number);
  }

  /** The person opened a page for a call. */
  opened(number: number, page: OpenedPage): void {
    this.#history.change(number, { pages: [...(this.#history.of(number)?.pages ?? []), page] });
  }

  answer(question: number, reply: Reply): void {
    this.#store.set({ questions: this.#state.questions.filter(({ number }) => number !== question) });
    this.#rpc.send({ connection: this.connection, answer: question, reply });
  }

  /** Asks the Web Worker about this connection. */
  ask<K extends OperationName>(operation: K, given: Operations[K]["arguments"]): Promise<Operations[K]["result"]> {
    return this.#ask(operation, given);
  }

  showTrace(traceKind: TraceKind): void {
    this.#store.set({ traceKind });
  }

  clearTrace(): void {
    this.#state.trace.clear();
    this.#store.set({});
    void this.#ask("clearTrace", {});
  }

  /** Keeps a message, whatever goes. */
  pinTrace(number: number, isPinned: boolean): void {
    this.#state.trace.pin(number, isPinned);
    void this.#ask("pinTrace", { number, isPinned });
  }

  /** Takes what the Web Worker tells of this connection. */
  hear(event: WorkerEvent): void {
    this.#events.hear(event);
  }

  /** Ends the session for a page that is left. */
  endSession(): void {
    this.#events.endSession();
  }
}

export const schemaOf = (tool: Tool): Json => (tool.inputSchema ?? {}) as Json;

function parametersOf(data: unknown): [string, string][] | undefined {
  if (typeof data !== "object" || data === null || !("parameters" in data) || !Array.isArray(data.parameters)) return undefined;
  const isPair = (pair: unknown) => Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === "string");
  return data.parameters.every(isPair) ? (data.parameters as [string, string][]) : undefined;
}
