// The record of messages and requests. All of it stays here; what leaves the Web Worker has masks in place of secrets.
import { BoundedMap } from "../bounded.ts";
import { portableHeader, portableUrl } from "../copy/portable.ts";
import type { PortableRequest } from "../copy/portable.ts";
import type { HttpExchange, SignInStep, TraceEntry, TraceRow, TraceStream } from "../protocol.ts";
import type { StreamEvent } from "./events.ts";
import { Masks } from "./masks.ts";

/** Characters of a body that are kept: the rest is counted only. */
const MAX_BODY_CHARS = 200_000;

/** Characters of all bodies: beyond, the oldest go. */
const MAX_CHARS = 30_000_000;

/** Entries: beyond, the oldest go, but for those that are pinned. */
export const MAX_ENTRIES = 50_000;

/** Requests whose answers may still come: some never do. */
const MAX_ASKED = 10_000;

/** Milliseconds for which rows are gathered before the page gets them. */
const FLUSH_MS = 50;

/** Rows that the page gets at once: more would keep it busy for long. */
const MAX_PIECE = 500;

/** An entry as it is kept, secrets and all. */
export interface Recorded extends TraceRow {
  body?: string;
  answer?: string;
  isCut?: true;
  isGone?: true;
  http?: HttpExchange;
}

export interface Message {
  id?: string | number;
  method?: string;
  error?: unknown;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
}

/** Takes entries, and tells the page of them in rows. */
export class Trace {
  readonly masks = new Masks();
  #tell: (rows: TraceRow[]) => void;
  #last = 0;
  #entries = new Map<number, Recorded>();
  #pinned = new Set<number>();
  #chars = 0;
  /** Entries up to this number may have lost their bodies. */
  #trimmed = 0;
  #changed = new Set<Recorded>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = new BoundedMap<string, Recorded>(MAX_ASKED);
  #version: string | undefined;
  /** The last request that was answered with an error, and its code as it came. */
  failed: { method: string; code: unknown } | undefined;
  /** Told of each new message, once somebody looks at the trace. */
  onmessage: ((entry: Recorded) => void) | undefined;

  constructor(tell: (rows: TraceRow[]) => void) {
    this.#tell = tell;
  }

  get entries(): Iterable<Recorded> {
    return this.#entries.values();
  }

  /** A sentence about something that was decided here. */
  note(title: string): void {
    this.#add({ ...this.#row("note", title) });
  }

  /** A message to the server, by the request that carries it. */
  out(message: Message, text: string, http: HttpExchange): Recorded {
    const header = http.requestHeaders.find(([name]) => name === "mcp-protocol-version")?.[1];
    const meta = message.params?.["_meta"] as Record<string, unknown> | undefined;
    const said = message.method === "initialize" ? message.params?.["protocolVersion"] : (meta?.["io.modelcontextprotocol/protocolVersion"] ?? header);
    const version = typeof said === "string" ? said : this.#version;
    const entry = this.#add({ ...this.#of("out", message), ...(version ? { version } : {}), ...this.#body(text), http });
    if (message.id !== undefined) this.#pair("out", message, entry);
    this.onmessage?.(entry);
    return entry;
  }

  /** A message from the server, in the answer to a request. */
  in(text: string, carrier: Recorded, kind: TraceStream["kind"], eventId?: string, message = messageOf(text)): void {
    if (!message) return this.note(`${carrier.title}: ${this.masks.message(text.slice(0, 200))}`);
    if (typeof message.result?.["protocolVersion"] === "string") this.#version = message.result["protocolVersion"];
    const version = this.#version ?? carrier.version;
    const entry: Recorded = {
      ...this.#of("in", message),
      ...(version ? { version } : {}),
      ...this.#body(text),
      stream: { kind, of: carrier.number, ...(eventId === undefined ? {} : { event: eventId }) },
    };
    if (message.id !== undefined) this.#pair("in", message, entry);
    this.#add(entry);
    this.onmessage?.(entry);
  }

  /** An event of a stream. */
  event({ name, data, id }: StreamEvent, carrier: Recorded): void {
    if (name === "endpoint") return this.note(`endpoint: ${this.masks.url(URL.parse(data, carrier.http?.url)?.href ?? data)}`);
    if (name === "message") for (const one of messagesIn(data)) this.in(one, carrier, "events", id);
  }

  // A request and its answer name each other, whoever asked.
  #pair(direction: "in" | "out", message: Message, entry: Recorded): void {
    if (message.method !== undefined) return void this.#asked.set(keyOf(direction, message.id), entry);
    const asked = keyOf(direction === "in" ? "out" : "in", message.id);
    const request = this.#asked.get(asked);
    if (!request) return;
    this.#asked.delete(asked);
    entry.ms = entry.at - request.at;
    entry.title = request.title;
    if (this.#entries.has(request.number)) {
      entry.partner = request.number;
      request.partner = entry.number;
    }
    if (request.version && entry.direction === "in" && request.title !== "initialize") entry.version = request.version;
    if (entry.isFault && direction === "in") this.failed = { method: request.title, code: (message.error as { code?: unknown } | null)?.code };
    this.again(request);
  }

  /** A request that carries no message: of sign-in, or for a stream. */
  http(http: HttpExchange, text: string | undefined, step: SignInStep | undefined): Recorded {
    const entry = { ...this.#row("http", `${http.method} ${new URL(http.url).pathname}`), http, ...(step ? { step } : {}), ...(text ? this.#body(text) : {}) };
    if (step && text) this.masks.learn(text);
    return this.#add(entry);
  }

  /** A step of sign-in that is no request of this page. */
  step(step: SignInStep, title: string, url: string): void {
    const parsed = URL.parse(url);
    for (const name of ["code", "state"]) this.masks.add(parsed?.searchParams.get(name) ?? "");
    this.#add({ ...this.#row("http", title), step, http: { method: "GET", url, requestHeaders: [], responseHeaders: [] }, isFault: parsed?.searchParams.has("error") === true });
  }

  /** A check of what a sign-in found. */
  check(step: SignInStep, title: string, isFault: boolean): void {
    this.#add({ ...this.#row("note", title), step, isFault });
  }

  /** The answer to a request that carries no message. */
  answered(entry: Recorded, text: string): void {
    if (entry.step) this.masks.learn(text);
    this.again(entry);
    if (this.#entries.get(entry.number) !== entry) return;
    entry.answer = this.#kept(text);
    this.#chars += entry.answer.length;
    if (entry.number <= this.#trimmed) this.#trim(entry.number);
    this.#trimUpTo(this.#last);
  }

  /** The same entry, once more is known of it. */
  again(entry: Recorded): void {
    this.#changed.add(entry);
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  /** Tells the page what is new. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#changed.size === 0) return;
    const rows = [...this.#changed].map((entry) => rowOf(entry, (title) => this.masks.message(title)));
    this.#changed.clear();
    for (let from = 0; from < rows.length; from += MAX_PIECE) this.#tell(rows.slice(from, from + MAX_PIECE));
  }

  /** Keeps an entry, whatever goes. */
  pin(number: number, isPinned: boolean): void {
    if (isPinned) this.#pinned.add(number);
    else this.#pinned.delete(number);
  }

  clear(): void {
    this.flush();
    this.#asked.clear();
    for (const [number, entry] of this.#entries) if (!this.#pinned.has(number)) this.#drop(entry);
  }

  /** Takes entries from elsewhere, of which none is ever run. */
  take(entries: Recorded[]): void {
    for (const entry of entries) this.#add(entry);
  }

  rows(): TraceRow[] {
    return [...this.#entries.values()].map((entry) => rowOf(entry, (title) => title));
  }

  /** An entry with all that is kept of it, with masks unless they are taken off. */
  entry(number: number, isPlain = false): TraceEntry | undefined {
    const entry = this.#entries.get(number);
    return entry && this.shown(entry, isPlain);
  }

  shown(entry: Recorded, isPlain = false): TraceEntry {
    const { masks } = this;
    const { body, answer, http, step } = entry;
    if (isPlain) return { ...entry, isPlain: true };
    const text = (given: string) => (entry.direction === "http" || step ? masks.signIn(given) : masks.message(given));
    return {
      ...entry,
      title: masks.message(entry.title),
      ...(body === undefined ? {} : { body: text(body) }),
      ...(answer === undefined ? {} : { answer: text(answer) }),
      ...(http ? { http: { ...http, url: masks.url(http.url), requestHeaders: http.requestHeaders.map((header) => masks.header(header)), responseHeaders: http.responseHeaders.map((header) => masks.header(header)) } } : {}),
    };
  }

  /** The request of an entry, as it can be made elsewhere. */
  portable(number: number): PortableRequest | undefined {
    const entry = this.#entries.get(number);
    if (!entry?.http || entry.isCut || entry.isGone) return undefined;
    const { method, url, requestHeaders } = entry.http;
    const body = entry.body === undefined ? {} : { body: entry.direction === "http" ? this.masks.signIn(entry.body) : entry.body };
    return { method, url: portableUrl(url), headers: requestHeaders.map(([name, value]) => [name, portableHeader(name, value, this.masks.isSecretHeader(name))]), ...body };
  }

  /** The numbers of entries with a text in them. */
  search(text: string): number[] {
    const wanted = text.toLowerCase();
    const has = (inside: string | undefined) => inside !== undefined && inside.toLowerCase().includes(wanted);
    return [...this.#entries.values()].filter(({ title, body, answer, http }) => has(title) || has(body) || has(answer) || has(http?.url)).map(({ number }) => number);
  }

  #add(entry: Recorded): Recorded {
    this.#entries.set(entry.number, entry);
    this.#chars += sizeOf(entry);
    if (this.#entries.size > MAX_ENTRIES + this.#pinned.size)
      for (const [number, oldest] of this.#entries) {
        if (this.#pinned.has(number)) continue;
        this.#drop(oldest);
        break;
      }
    this.#trimUpTo(entry.number);
    this.again(entry);
    return entry;
  }

  #drop(entry: Recorded): void {
    this.#entries.delete(entry.number);
    this.#chars -= sizeOf(entry);
    // An answer that still comes is named after its request, and needs no more of it.
    if (this.#asked.get(keyOf(entry.direction, entry.id)) === entry) delete entry.body;
  }

  #trimUpTo(number: number): void {
    while (this.#chars > MAX_CHARS && this.#trimmed < number) this.#trim(++this.#trimmed);
  }

  #trim(number: number): void {
    const entry = this.#entries.get(number);
    if (!entry || this.#pinned.has(number)) return;
    this.#chars -= sizeOf(entry);
    if (entry.body === undefined && entry.answer === undefined) return;
    delete entry.body;
    delete entry.answer;
    entry.isGone = true;
  }

  #row(direction: TraceRow["direction"], title: string): TraceRow {
    return { number: ++this.#last, at: Date.now(), direction, title, isFault: false };
  }

  #of(direction: "in" | "out", { id, method, error }: Message): TraceRow {
    return { ...this.#row(direction, method ?? (error ? "error" : "result")), ...(id === undefined ? {} : { id }), isFault: error !== undefined };
  }

  #body(text: string): { body: string; bytes: number; isCut?: true } {
    return { body: this.#kept(text), bytes: bytesOf(text), ...(text.length > MAX_BODY_CHARS ? { isCut: true } : {}) };
  }

  // A part of a text keeps all of it in memory, unless it is made anew.
  #kept(text: string): string {
    return text.length <= MAX_BODY_CHARS ? text : `${new TextDecoder().decode(new TextEncoder().encode(text.slice(0, MAX_BODY_CHARS)))}…`;
  }
}

const keyOf = (direction: TraceRow["direction"], id: unknown): string => `${direction} ${JSON.stringify(id)}`;

const sizeOf = ({ body, answer }: Recorded): number => (body?.length ?? 0) + (answer?.length ?? 0);

function rowOf(entry: Recorded, masked: (title: string) => string): TraceRow {
  const { body: _, answer: __, http, title, isCut: ___, isGone: ____, ...row } = entry;
  return { ...row, title: masked(title), ...(http?.status === undefined ? {} : { status: http.status }) };
}

/** Bytes of a text in UTF-8. */
export function bytesOf(text: string): number {
  if (text.length < 1000) return new TextEncoder().encode(text).length;
  let bytes = text.length;
  // Most texts have nothing to count.
  if (!/[\u0080-\uffff]/.test(text)) return bytes;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

/** The messages in the body of an answer: one, or a batch of them. */
export function messagesIn(text: string): string[] {
  if (!/^\s*\[/.test(text)) return [text];
  try {
    const batch = JSON.parse(text) as unknown;
    return Array.isArray(batch) ? batch.map((message) => JSON.stringify(message)) : [text];
  } catch {
    return [text];
  }
}

/** The message in a text, if it is one. */
export function messageOf(text: string): Message | undefined {
  try {
    const message = JSON.parse(text) as Message & { jsonrpc?: string };
    return message?.jsonrpc === "2.0" ? message : undefined;
  } catch {
    return undefined;
  }
}
