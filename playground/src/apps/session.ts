// One app on the page: its resource, its frame, and what it may do for the person.
import { messageOf } from "../error-message.ts";
import { isLoopback } from "../address.ts";
import { Failure } from "../page/failure.ts";
import { SETTINGS } from "../page/start.ts";
import { Store, type CallRecord } from "../page/state.ts";
import type { ServerClient } from "../page/server-client.ts";
import { type Tool, mayDestroy } from "../protocol.ts";
import { type AppFile, fileOf, save } from "./files.ts";
import { AppHost, type DisplayMode, Refusal, type Service } from "./host.ts";
import { type AppResource, PERMISSIONS, type Permission, appOf, isForApps, resourceOf } from "./resource.ts";
import { frameAddress } from "./sources.ts";

/** Pixels that an app's frame can be high. */
const MAX_HEIGHT = 1200;
const MIN_HEIGHT = 40;

/** Milliseconds in which a frame loads. */
const LOAD_MS = 10_000;

/** Questions that wait for the person, and lines that are kept, of one app. */
const MAX_QUESTIONS = 5;
const MAX_LINES = 200;

/** Frames that are alive: of more, those out of sight are removed. */
const MAX_ALIVE = 10;
const alive: AppSession[] = [];

/** Apps whose place is off the page for now, by connection and use. */
const parked = new Map<string, AppSession>();

/** Permissions that browsers give to no opaque origin. */
const OF_AN_ORIGIN: Permission[] = ["camera", "microphone", "geolocation"];

/** A wish of an app, for the person to say yes or no. */
export interface AppQuestion {
  number: number;
  kind: "call" | "destroy" | "read" | "link" | "save" | "say";
  /** The tool, address, or text that it is about. */
  subject: string;
  detail: string | undefined;
  answer(yes: boolean): void;
}

export interface AppLine {
  kind: "said" | "log";
  text: string;
}

export type AppFault = "off" | "read" | "type" | "load" | "origin";

export interface AppState {
  phase: "waiting" | "reading" | "asking" | "shown" | "removed" | "closed";
  fault: AppFault | undefined;
  /** Words of the server about a fault. */
  told: string;
  resource: AppResource | undefined;
  /** Permissions that cannot be given here. */
  missing: Permission[];
  hasStorage: boolean;
  isStarted: boolean;
  isFlooding: boolean;
  lacksStorage: boolean;
  height: number;
  mode: DisplayMode;
  canFill: boolean;
  questions: AppQuestion[];
  lines: AppLine[];
  context: unknown;
}

const FIRST: AppState = {
  phase: "waiting",
  fault: undefined,
  told: "",
  resource: undefined,
  missing: [],
  hasStorage: false,
  isStarted: false,
  isFlooding: false,
  lacksStorage: false,
  height: 150,
  mode: "inline",
  canFill: false,
  questions: [],
  lines: [],
  context: undefined,
};

/** The host context of an app, as far as the page knows it. */
export interface HostContext {
  locale: string;
  theme: "light" | "dark";
  width: number;
}

// Asked for once: the address does not change while the page is open.
let frameOfApps: Promise<string | undefined> | undefined;

async function askForFrame(): Promise<string | undefined> {
  const response = await fetch(SETTINGS, { credentials: "omit" });
  const { apps } = response.ok ? ((await response.json()) as { apps?: unknown }) : {};
  return typeof apps === "string" ? apps : undefined;
}

export class AppSession implements Service {
  readonly store = new Store<AppState>(FIRST);
  #client: ServerClient;
  #tool: Tool;
  #place: HTMLElement | undefined;
  #frame: HTMLIFrameElement | undefined;
  #host: AppHost | undefined;
  #hostContext: HostContext;
  #record: CallRecord;
  #told: "nothing" | "input" | "end" = "nothing";
  #lastQuestion = 0;
  #mayCall = false;
  #mayRead = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwatch: (() => void) | undefined;
  /** Puts a text into the chat's field, where there is a chat. */
  #toChat: (text: string) => void;
  isSeen = false;

  constructor(client: ServerClient, tool: Tool, record: CallRecord, hostContext: HostContext, toChat: (text: string) => void) {
    this.#toChat = toChat;
    this.#client = client;
    this.#tool = tool;
    this.#record = record;
    this.#hostContext = hostContext;
  }

  get #state(): AppState {
    return this.store.state;
  }

  /** Reads the resource, and shows it in `place`. */
  async open(place: HTMLElement): Promise<void> {
    this.#place = place;
    this.#told = "nothing";
    this.#mayCall = this.#mayRead = false;
    this.store.set({ ...FIRST, phase: "reading" });
    const uri = appOf(this.#tool) ?? "";
    try {
      const frame = await (frameOfApps ??= askForFrame().catch(() => (frameOfApps = undefined)));
      if (!frame) return this.#fail("off");
      // Without an origin of their own, apps are opaque; one that is the page's would let them in.
      const hasStorage = new URL(frame, location.href).origin !== location.origin;
      if (hasStorage === frame.startsWith("/")) return this.#fail("origin");
      const read = await this.#client.readFor(uri);
      const resource = resourceOf(read.whole ?? read.result, this.#client.state.resources.find((listed) => listed.uri === uri));
      if (!resource) return this.#fail("type");
      const missing = hasStorage ? [] : resource.permissions.filter((permission) => OF_AN_ORIGIN.includes(permission));
      const askable = resource.permissions.filter((permission) => !missing.includes(permission));
      this.store.set({ resource: { ...resource, permissions: askable }, missing, hasStorage });
      if (askable.length > 0) return this.store.set({ phase: "asking" });
      this.#show(frame, []);
    } catch (error) {
      this.#fail("read", messageOf(error));
    }
  }

  /** The person's answer to the permissions that the app asks for. */
  async permit(yes: boolean): Promise<void> {
    const frame = await frameOfApps;
    if (frame && this.#state.phase === "asking") this.#show(frame, yes ? (this.#state.resource?.permissions ?? []) : []);
  }

  #show(frame: string, permissions: Permission[]): void {
    const { resource, hasStorage } = this.#state;
    // The place may be gone since the resource was asked for.
    if (!resource || !this.#place?.isConnected) return;
    const address = frameAddress(frame, resource.sources);
    const element = document.createElement("iframe");
    element.setAttribute("sandbox", `allow-scripts allow-forms${hasStorage ? " allow-same-origin" : ""}`);
    element.setAttribute("allow", permissions.map((permission) => PERMISSIONS[permission]).join("; "));
    element.referrerPolicy = "no-referrer";
    element.title = `${this.#tool.title ?? this.#tool.name} (${new URL(this.#client.state.target.url).host})`;
    element.src = address.href;
    this.#frame = element;
    this.#host = new AppHost({ element, origin: hasStorage ? address.origin : "null", html: resource.html }, this, this.#capabilities(permissions), this.#context());
    this.#timer = setTimeout(() => this.#state.phase === "shown" && this.#fail("load"), LOAD_MS);
    this.store.set({ phase: "shown" });
    alive.push(this);
    this.#place.append(element);
    this.update(this.#record);
    removeUnseen();
  }

  #fail(fault: AppFault, told = ""): void {
    this.#remove();
    this.store.set({ phase: "closed", fault, told });
  }

  /** Takes how the call that the app shows goes on. */
  update(record: CallRecord): void {
    this.#record = record;
    const host = this.#host;
    if (!host) return;
    if (this.#told === "nothing") {
      host.input(JSON.parse(record.json ?? "{}"));
      this.#told = "input";
    }
    if (this.#told === "end" || !(record.answer || record.problem)) return;
    this.#told = "end";
    if (record.answer) host.result(record.answer.whole ?? record.answer.result);
    else host.cancelled(record.problem?.kind === "cancelled" ? "The person cancelled the call." : (record.problem?.message ?? ""));
  }

  setHostContext(hostContext: HostContext): void {
    this.#hostContext = hostContext;
    this.#host?.change(this.#context());
  }

  /** Ends the app; it is heard first, if it answers. */
  async end(phase: "removed" | "closed"): Promise<void> {
    await this.#host?.close();
    this.#remove();
    this.store.set({ phase });
  }

  /** Shows the app of a parked session again. */
  attach(place: HTMLElement): void {
    this.#place = place;
    this.#unwatch?.();
    this.#unwatch = undefined;
    if (this.#frame) (place as Movable).moveBefore?.(this.#frame, null);
  }

  /** Tells that the app's place goes off the page: the app lives on where browsers can move a frame that is alive. Otherwise it ends at once. */
  park(): void {
    this.isSeen = false;
    const shelter = this.#isWanted ? shelterOfFrames() : undefined;
    if (!this.#frame || !shelter?.moveBefore) return this.#leave();
    this.setMode("inline");
    shelter.moveBefore(this.#frame, null);
    parked.set(keyOf(this.#client, this.#record), this);
    this.#unwatch = this.#client.subscribe(() => !this.#isWanted && this.#leave());
    removeUnseen();
  }

  /** Whether there is still a call that the app shows, and a server behind it. */
  get #isWanted(): boolean {
    const { phase, calls } = this.#client.state;
    return phase === "connected" && Object.values(calls).some((list) => list.some(({ number }) => number === this.#record.number));
  }

  #leave(): void {
    void this.#host?.close();
    this.#remove();
  }

  #remove(): void {
    clearTimeout(this.#timer);
    this.#unwatch?.();
    parked.delete(keyOf(this.#client, this.#record));
    for (const { answer } of this.#state.questions) answer(false);
    this.#host?.stop();
    this.#frame?.remove();
    this.#host = this.#frame = undefined;
    const at = alive.indexOf(this);
    if (at >= 0) alive.splice(at, 1);
    this.store.set({ questions: [], mode: "inline" });
  }

  #capabilities(permissions: Permission[]): Record<string, unknown> {
    const given = Object.fromEntries(permissions.map((permission) => [permission, {}]));
    return {
      openLinks: {},
      downloadFile: {},
      serverTools: {},
      serverResources: {},
      logging: {},
      message: { text: {} },
      updateModelContext: { text: {}, structuredContent: {} },
      sandbox: { permissions: given, csp: this.#state.resource?.sources.granted ?? {} },
    };
  }

  #context(): Record<string, unknown> {
    const { locale, theme, width } = this.#hostContext;
    return {
      toolInfo: { tool: this.#tool },
      theme,
      locale,
      displayMode: this.#state.mode,
      availableDisplayModes: ["inline", "fullscreen"],
      containerDimensions: this.#state.mode === "inline" ? { width, maxHeight: MAX_HEIGHT } : { width: window.innerWidth, height: window.innerHeight },
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      userAgent: "durable-mcp playground",
      platform: "web",
      deviceCapabilities: { touch: navigator.maxTouchPoints > 0, hover: matchMedia("(hover: hover)").matches },
    };
  }

  // Requests of the app.

  async callTool(name: string, given: Record<string, unknown>, signal: AbortSignal): Promise<unknown> {
    const tool = this.#client.state.tools.find((tool) => tool.name === name);
    if (!tool) throw new Refusal(`There is no tool ${name}.`, -32602);
    if (!isForApps(tool)) throw new Refusal(`The tool ${name} is not for apps.`);
    const isDestructive = mayDestroy(tool);
    const json = JSON.stringify(given);
    if (isDestructive || !this.#mayCall) await this.#ask(isDestructive ? "destroy" : "call", name, JSON.stringify(given, undefined, 2));
    this.#mayCall = true;
    return this.#answerOf((begun) => this.#client.callFor(tool, json, begun), signal);
  }

  async readResource(uri: string): Promise<unknown> {
    if (!this.#mayRead) await this.#ask("read", uri);
    this.#mayRead = true;
    return this.#answerOf(() => this.#client.readFor(uri));
  }

  async listResources(): Promise<unknown> {
    return { resources: this.#client.state.resources };
  }

  async #answerOf(work: (begun: (call: number) => void) => Promise<{ result: unknown; whole?: unknown }>, signal?: AbortSignal): Promise<unknown> {
    try {
      const begun = (call: number) => signal?.addEventListener("abort", () => this.#client.cancel(call));
      const { whole, result } = await work(begun);
      return whole ?? result;
    } catch (error) {
      const problem = error instanceof Failure ? error.problem : undefined;
      throw new Refusal(problem?.message ?? messageOf(error), problem?.kind === "protocol" ? (problem.code ?? -32603) : -32603);
    }
  }

  async openLink(text: string): Promise<void> {
    const url = URL.parse(text);
    const isFit = url && !url.username && !url.password && (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname)));
    if (!isFit) throw new Refusal("Invalid URL", -32602);
    await this.#ask("link", url.href);
  }

  async download(contents: unknown[]): Promise<void> {
    const files = contents.map(fileOf);
    if (files.length === 0 || files.length > 20 || files.includes(undefined)) throw new Refusal("The contents are no embedded resources.", -32602);
    const fit = files as AppFile[];
    await this.#ask("save", fit.map(({ name }) => name).join(", "), undefined, () => fit.forEach(save));
  }

  async say(content: unknown[]): Promise<void> {
    const text = textOf(content);
    await this.#ask("say", text);
    this.#add({ kind: "said", text });
    this.#toChat(text);
  }

  setContext(context: { content?: unknown; structuredContent?: unknown }): void {
    this.store.set({ context });
  }

  log(level: string, data: unknown): void {
    this.#add({ kind: "log", text: `${level}: ${typeof data === "string" ? data : JSON.stringify(data)}` });
  }

  #add(line: AppLine): void {
    this.store.set({ lines: [...this.#state.lines, line].slice(-MAX_LINES) });
  }

  resize(height: number): void {
    this.store.set({ height: Math.min(Math.max(Math.ceil(height), MIN_HEIGHT), MAX_HEIGHT) });
  }

  setMode(mode: string): DisplayMode {
    if ((mode === "inline" || mode === "fullscreen") && this.#host?.has(mode)) {
      this.store.set({ mode });
      this.#host.change(this.#context());
    }
    return this.#state.mode;
  }

  close(): void {
    void this.end("closed");
  }

  tell(event: "ready" | "started" | "flood" | "storage"): void {
    if (event === "ready") clearTimeout(this.#timer);
    if (event === "started") this.store.set({ isStarted: true, canFill: this.#host?.namesModes === true && this.#host.has("fullscreen") });
    if (event === "flood") this.store.set({ isFlooding: true });
    if (event === "storage") this.store.set({ lacksStorage: true });
  }

  // `work` is done in the click itself.
  #ask(kind: AppQuestion["kind"], subject: string, detail?: string, work?: () => void): Promise<void> {
    if (this.#state.questions.length >= MAX_QUESTIONS) return Promise.reject(new Refusal("Too many questions wait for the person."));
    const number = ++this.#lastQuestion;
    return new Promise((done, failed) => {
      const answer = (yes: boolean) => {
        this.store.set({ questions: this.#state.questions.filter((other) => other.number !== number) });
        if (!yes) return failed(new Refusal("The person said no."));
        work?.();
        done();
      };
      this.store.set({ questions: [...this.#state.questions, { number, kind, subject, detail, answer }] });
    });
  }
}

interface Movable extends Omit<HTMLElement, "moveBefore"> {
  /** Moves a node without loading it anew; browsers of before 2025 do not have it. */
  moveBefore?(node: Node, before: Node | null): void;
}

const keyOf = ({ connection }: ServerClient, { number }: CallRecord): string => `${connection} ${number}`;

let shelter: Movable | undefined;

function shelterOfFrames(): Movable {
  if (!shelter) {
    shelter = document.createElement("div");
    shelter.hidden = true;
    document.body.append(shelter);
  }
  return shelter;
}

/** The session of a call: the one that was parked, or a new one. */
export function sessionOf(...[client, tool, record, ...more]: ConstructorParameters<typeof AppSession>): AppSession {
  const key = keyOf(client, record);
  const session = parked.get(key);
  parked.delete(key);
  return session ?? new AppSession(client, tool, record, ...more);
}

/** Removes apps that nobody sees, the oldest first, where there are too many. */
export function removeUnseen(): void {
  const unseen = alive.filter(({ isSeen }) => !isSeen);
  for (const session of unseen.slice(0, Math.max(0, alive.length - MAX_ALIVE))) void session.end("removed");
}

function textOf(content: unknown[]): string {
  const texts = content.map((block) => {
    const { type, text } = (block ?? {}) as { type?: unknown; text?: unknown };
    return type === "text" && typeof text === "string" ? text : JSON.stringify(block);
  });
  return texts.join("\n");
}
