// The page's side of an app: messages between it and its frame (MCP Apps, 2026-01-26).

const VERSION = "2026-01-26";

/** Characters of a message, and messages in a second, that are taken of an app. */
const MAX_MESSAGE_CHARS = 1_000_000;
const MAX_MESSAGES = 50;

/** Milliseconds that an app has for its last answer. */
const TEARDOWN_MS = 500;

const INVALID_PARAMS = -32602;
const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;
/** The code that the specification has for what was denied. */
const DENIED = -32000;

export type DisplayMode = "inline" | "fullscreen";

type Id = string | number;
type Params = Record<string, unknown>;

interface Message {
  id?: Id;
  method?: string;
  params?: Params;
  result?: unknown;
  error?: unknown;
}

/** A request of an app that was not done. */
export class Refusal extends Error {
  readonly code: number;

  constructor(message: string, code = DENIED) {
    super(message);
    this.code = code;
  }
}

/** Does what an app asks for. A rejection is the app's error. */
export interface Service {
  callTool(name: string, given: Params, signal: AbortSignal): Promise<unknown>;
  readResource(uri: string): Promise<unknown>;
  listResources(): Promise<unknown>;
  openLink(url: string): Promise<void>;
  download(contents: unknown[]): Promise<void>;
  say(content: unknown[]): Promise<void>;
  setContext(context: { content?: unknown; structuredContent?: unknown }): void;
  log(level: string, data: unknown): void;
  resize(height: number): void;
  /** The mode that came of it. */
  setMode(mode: string): DisplayMode;
  /** The app asks to be closed. */
  close(): void;
  tell(event: "ready" | "started" | "flood" | "storage"): void;
}

/** A frame with its app. */
export interface Frame {
  element: HTMLIFrameElement;
  /** The origin that its messages have: `null` for an opaque one. */
  origin: string;
  html: string;
}

export class AppHost {
  #frame: Frame;
  #service: Service;
  #context: Params;
  #capabilities: Params;
  #state: "loading" | "sent" | "started" | "closed" = "loading";
  #waiting: Message[] = [];
  #second = 0;
  #count = 0;
  #running = new Map<Id, AbortController>();
  #modes: unknown;
  #goodbye: (() => void) | undefined;
  #listener = (event: MessageEvent) => this.#hear(event);

  constructor(frame: Frame, service: Service, capabilities: Params, context: Params) {
    this.#frame = frame;
    this.#service = service;
    this.#capabilities = capabilities;
    this.#context = context;
    window.addEventListener("message", this.#listener);
  }

  /** Display modes that the app has; all if it names none. */
  has(mode: DisplayMode): boolean {
    return !Array.isArray(this.#modes) || this.#modes.includes(mode);
  }

  get namesModes(): boolean {
    return Array.isArray(this.#modes);
  }

  /** The arguments of the call that the app shows. */
  input(given: unknown): void {
    this.#notify("ui/notifications/tool-input", { arguments: given });
  }

  /** The result. */
  result(result: unknown): void {
    this.#notify("ui/notifications/tool-result", result as Params);
  }

  cancelled(reason: string): void {
    this.#notify("ui/notifications/tool-cancelled", { reason });
  }

  /** Tells what has changed around the app. */
  change(context: Params): void {
    const changed = Object.entries(context).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(this.#context[name]));
    if (changed.length === 0) return;
    this.#context = { ...this.#context, ...context };
    if (this.#state === "started") this.#notify("ui/notifications/host-context-changed", Object.fromEntries(changed));
  }

  /** Lets the app end, for a moment: one that does not answer ends all the same. */
  async close(): Promise<void> {
    if (this.#state === "started") {
      const answered = new Promise<void>((done) => (this.#goodbye = done));
      this.#send({ id: "teardown", method: "ui/resource-teardown", params: {} });
      await Promise.race([answered, new Promise((late) => setTimeout(late, TEARDOWN_MS))]);
    }
    this.stop();
  }

  /** Hears nothing more of the app. */
  stop(): void {
    this.#state = "closed";
    window.removeEventListener("message", this.#listener);
    for (const call of this.#running.values()) call.abort();
  }

  // Nothing is sent to an app before it has started (specification, "Sandbox proxy", 6).
  #notify(method: string, params: Params): void {
    const message = { method, params };
    if (this.#state === "started") this.#send(message);
    else this.#waiting.push(message);
  }

  // An opaque origin cannot be named; the page's policy lets no other document into the frame.
  #send(message: Message): void {
    const { element, origin } = this.#frame;
    element.contentWindow?.postMessage({ jsonrpc: "2.0", ...message }, origin === "null" ? "*" : origin);
  }

  #hear({ source, origin, data }: MessageEvent): void {
    if (source !== this.#frame.element.contentWindow || origin !== this.#frame.origin || !this.#isInTime()) return;
    const message = messageOf(data);
    if (!message) return;
    const { id, method, params = {} } = message;
    if (method === undefined) {
      if (id === "teardown") this.#goodbye?.();
    } else if (id === undefined) this.#notified(method, params);
    else void this.#answer(id, method, params);
  }

  #isInTime(): boolean {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) [this.#second, this.#count] = [second, 0];
    if (++this.#count === MAX_MESSAGES + 1) this.#service.tell("flood");
    return this.#count <= MAX_MESSAGES;
  }

  #notified(method: string, params: Params): void {
    if (method === "ui/notifications/sandbox-proxy-ready") return this.#load();
    // From here on the frame has the app's document.
    if (this.#state !== "sent" && this.#state !== "started") return;
    if (method === "ui/notifications/initialized") this.#start();
    else if (method === "ui/notifications/sandbox-storage-denied") this.#service.tell("storage");
    else if (method === "ui/notifications/size-changed" && typeof params["height"] === "number" && Number.isFinite(params["height"])) this.#service.resize(params["height"]);
    else if (method === "ui/notifications/request-teardown") this.#service.close();
    else if (method === "notifications/message") this.#service.log(String(params["level"] ?? "info"), params["data"]);
    else if (method === "notifications/cancelled") this.#running.get(params["requestId"] as Id)?.abort();
  }

  // A frame that is loaded a second time was left by its app: it stays empty.
  #load(): void {
    if (this.#state !== "loading") return;
    this.#state = "sent";
    this.#send({ method: "ui/notifications/sandbox-resource-ready", params: { html: this.#frame.html } });
    this.#service.tell("ready");
  }

  #start(): void {
    if (this.#state === "started") return;
    this.#state = "started";
    for (const message of this.#waiting.splice(0)) this.#send(message);
    this.#service.tell("started");
  }

  async #answer(id: Id, method: string, params: Params): Promise<void> {
    if (this.#state !== "sent" && this.#state !== "started") return;
    try {
      this.#send({ id, result: await this.#result(id, method, params) });
    } catch (error) {
      const { code = INTERNAL_ERROR, message } = error as Partial<Refusal>;
      this.#send({ id, error: { code, message: message ?? "It did not work." } });
    }
  }

  async #result(id: Id, method: string, params: Params): Promise<unknown> {
    const service = this.#service;
    switch (method) {
      case "ui/initialize":
        this.#modes = (params["appCapabilities"] as Params | undefined)?.["availableDisplayModes"];
        return { protocolVersion: VERSION, hostInfo: { name: "durable-mcp playground", version: "1" }, hostCapabilities: this.#capabilities, hostContext: this.#context };
      case "ping":
        return {};
      case "tools/call":
        return this.#call(id, text(params, "name"), object(params["arguments"]));
      case "resources/read":
        return service.readResource(text(params, "uri"));
      case "resources/list":
        return service.listResources();
      case "ui/open-link":
        await service.openLink(text(params, "url"));
        return {};
      case "ui/download-file":
        await service.download(list(params, "contents"));
        return {};
      case "ui/message":
        // The specification's text has one block, and the library of apps several.
        await service.say(Array.isArray(params["content"]) ? params["content"] : [params["content"]]);
        return {};
      case "ui/update-model-context":
        service.setContext({ content: params["content"], structuredContent: params["structuredContent"] });
        return {};
      case "ui/request-display-mode":
        return { mode: service.setMode(text(params, "mode")) };
      default:
        throw new Refusal(`There is no ${method}.`, METHOD_NOT_FOUND);
    }
  }

  async #call(id: Id, name: string, given: Params): Promise<unknown> {
    const stop = new AbortController();
    this.#running.set(id, stop);
    try {
      return await this.#service.callTool(name, given, stop.signal);
    } finally {
      this.#running.delete(id);
    }
  }
}

/** A message of JSON-RPC, if a value is one that is not too long. */
function messageOf(data: unknown): Message | undefined {
  if (typeof data !== "object" || data === null || (data as { jsonrpc?: unknown }).jsonrpc !== "2.0") return undefined;
  let copy: unknown;
  try {
    const json = JSON.stringify(data);
    if (json.length > MAX_MESSAGE_CHARS) return undefined;
    // Only what JSON holds: no maps, buffers and circles.
    copy = JSON.parse(json);
  } catch {
    return undefined;
  }
  const { id, method, params } = copy as Message;
  const isId = id === undefined || typeof id === "string" || typeof id === "number";
  const isFit = isId && (method === undefined ? id !== undefined : typeof method === "string" && method.length < 200);
  return isFit && (params === undefined || isParams(params)) ? (copy as Message) : undefined;
}

const isParams = (value: unknown): value is Params => typeof value === "object" && value !== null && !Array.isArray(value);

function object(value: unknown): Params {
  if (value === undefined) return {};
  if (!isParams(value)) throw new Refusal("The arguments are no object.", INVALID_PARAMS);
  return value;
}

function text(params: Params, name: string): string {
  const value = params[name];
  if (typeof value !== "string") throw new Refusal(`${name} is no text.`, INVALID_PARAMS);
  return value;
}

function list(params: Params, name: string): unknown[] {
  const value = params[name];
  if (!Array.isArray(value)) throw new Refusal(`${name} is no list.`, INVALID_PARAMS);
  return value;
}
