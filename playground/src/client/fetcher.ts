// Every request of the Web Worker: without cookies, without redirects, and in the trace.
import type { HttpExchange, TraceEntry } from "../protocol.ts";
import { Streams } from "./streams.ts";
import { type Message, type Trace, masked } from "./trace.ts";

/** An answer that would lead elsewhere. It is told, and not followed: a token is for one origin. */
export class RedirectRefused extends Error {
  constructor(url: string) {
    super(`${new URL(url).origin} redirects to another address.`);
  }
}

/** A challenge of a server: the scopes that it names, and where its metadata is. */
export interface Challenge {
  status: number;
  header: string | null;
}

/** A request as it was sent, secrets and all. */
export interface SentRequest {
  url: string;
  headers: [name: string, value: string][];
  body: string;
}

/** Makes requests for one connection. */
export class Fetcher {
  #trace: Trace;
  /** Ends every request under way. */
  signal: AbortSignal | undefined;
  readonly streams = new Streams();
  /** The last answer that demanded a sign-in, or more scopes. */
  challenge: Challenge | undefined;
  /** The last HTTP status. */
  status: number | undefined;
  /** The last request with a message, as it was sent. */
  sent: SentRequest | undefined;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input);
    const method = init?.method ?? "GET";
    const text = typeof init?.body === "string" ? init.body : init?.body instanceof URLSearchParams ? String(init.body) : undefined;
    const http: HttpExchange = { method, url: shown(url), requestHeaders: this.#trace.headers(new Headers(init?.headers)), responseHeaders: [] };
    const message = method === "POST" && text ? messageOf(text) : undefined;
    const entry = message && text ? this.#trace.out(message, text, http) : this.#trace.http(http, text);
    if (message?.id !== undefined && message.method && text) this.sent = { url, headers: [...new Headers(init?.headers)], body: text };
    const began = performance.now();
    const signals = [init?.signal, this.signal].filter((signal) => !!signal);
    const response = await fetch(url, { ...init, signal: AbortSignal.any(signals), credentials: "omit", redirect: "manual", referrerPolicy: "no-referrer" });
    this.#answered(entry, response, performance.now() - began);
    if (response.type === "opaqueredirect") throw new RedirectRefused(url);
    if (message?.method && message.id !== undefined) this.streams.watch(message.id, response);
    if (!message && isJson(response)) await this.#tell(entry, response);
    return response;
  };

  #answered(entry: TraceEntry, response: Response, ms: number): void {
    this.status = response.status;
    if (entry.http) {
      entry.http.status = response.status;
      entry.http.responseHeaders = this.#trace.headers(response.headers);
    }
    if (entry.direction === "http" || !response.ok) entry.ms = Math.round(ms);
    this.#trace.again(entry);
    if (response.status === 401 || response.status === 403) this.challenge = { status: response.status, header: response.headers.get("www-authenticate") };
  }

  // Answers of sign-in are small, and shown.
  async #tell(entry: TraceEntry, response: Response): Promise<void> {
    const text = await response.clone().text().catch(() => "");
    this.#trace.again({ ...entry, body: entry.body ? `${entry.body}\n\n${masked(text)}` : masked(text) });
  }
}

const isJson = (response: Response): boolean => /json/.test(response.headers.get("content-type") ?? "");

function messageOf(text: string): Message | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const message = JSON.parse(text) as Message & { jsonrpc?: string };
    return message.jsonrpc === "2.0" ? message : undefined;
  } catch {
    return undefined;
  }
}

// Session ids of HTTP+SSE stand in addresses.
function shown(url: string): string {
  const parsed = new URL(url);
  for (const name of new Set(parsed.searchParams.keys())) if (/session|token|key|code|secret/i.test(name)) parsed.searchParams.set(name, "••••");
  return parsed.href;
}
