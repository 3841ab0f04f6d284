// The record of messages and requests. Secrets are masked before anything leaves the Web Worker.
import type { HttpExchange, TraceEntry } from "../protocol.ts";

/** Characters of a body in the trace: the rest is counted only. */
const MAX_BODY_CHARS = 200_000;

const MASK = "••••";

const SECRET_FIELDS = new Set(["access_token", "refresh_token", "id_token", "client_secret", "code", "code_verifier", "registration_access_token", "token", "assertion"]);
const SECRET_HEADERS = new Set(["authorization", "cookie", "proxy-authorization", "x-api-key"]);

/** Takes entries, and sends them on. */
export class Trace {
  #send: (entry: TraceEntry) => void;
  #number = 0;
  #sent = new Map<string | number, TraceEntry>();
  /** Headers that the person typed: their values are shown nowhere. */
  secretHeaders = new Set<string>();

  constructor(send: (entry: TraceEntry) => void) {
    this.#send = send;
  }

  /** A sentence about something that was decided here. */
  note(title: string): void {
    this.#send({ number: ++this.#number, at: Date.now(), direction: "note", title });
  }

  /** A message to the server, by the request that carries it. */
  out(message: Message, text: string, http: HttpExchange): TraceEntry {
    const entry: TraceEntry = { ...this.#entry("out", message), ...body(text), http };
    if (message.id !== undefined && message.method) this.#sent.set(message.id, entry);
    this.#send(entry);
    return entry;
  }

  /** A message from the server. */
  in(message: Message): void {
    const text = JSON.stringify(message);
    const entry: TraceEntry = { ...this.#entry("in", message), ...body(text) };
    const request = message.method || message.id === undefined ? undefined : this.#sent.get(message.id);
    if (request) {
      this.#sent.delete(message.id as string | number);
      entry.ms = entry.at - request.at;
      entry.title = request.title;
    }
    this.#send(entry);
  }

  /** A request that carries no message: of sign-in, or for a stream. */
  http(http: HttpExchange, text: string | undefined): TraceEntry {
    const entry: TraceEntry = { number: ++this.#number, at: Date.now(), direction: "http", title: `${http.method} ${new URL(http.url).pathname}`, http, ...(text ? body(masked(text)) : {}) };
    this.#send(entry);
    return entry;
  }

  /** The same entry, once more is known of it. */
  again(entry: TraceEntry): void {
    this.#send(entry);
  }

  #entry(direction: "in" | "out", { id, method, error }: Message): TraceEntry {
    const title = method ?? (error ? "error" : "result");
    return { number: ++this.#number, at: Date.now(), direction, title, ...(id === undefined ? {} : { id }) };
  }

  /** Headers as they are shown. */
  headers(headers: Headers): [string, string][] {
    return [...headers].map(([name, value]) => [name, this.isSecret(name) ? hidden(value) : value]);
  }

  /** Whether a header's value is shown nowhere. */
  isSecret(name: string): boolean {
    return SECRET_HEADERS.has(name) || this.secretHeaders.has(name);
  }
}

export interface Message {
  id?: string | number;
  method?: string;
  error?: unknown;
}

const hidden = (value: string): string => (/^Bearer /i.test(value) ? `Bearer ${MASK}` : MASK);

function body(text: string): Pick<TraceEntry, "body" | "bytes"> {
  return { body: text.length > MAX_BODY_CHARS ? `${text.slice(0, MAX_BODY_CHARS)}…` : text, bytes: new TextEncoder().encode(text).length };
}

/** The body of a request of sign-in, or of its answer, without its secrets. */
export function masked(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text, (name, value) => (SECRET_FIELDS.has(name) && typeof value === "string" ? MASK : value)), undefined, 2);
  } catch {
    const form = new URLSearchParams(text);
    for (const name of new Set(form.keys())) if (SECRET_FIELDS.has(name)) form.set(name, MASK);
    return [...form].map(([name, value]) => `${name}=${value}`).join("&");
  }
}
