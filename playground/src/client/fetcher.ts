// Every request of the Web Worker: without cookies, without redirects, and in the trace.
import { BoundedMap, withNewest } from "../bounded.ts";
import type { HttpAnswer, FailedRequest, HttpExchange, SignInStep } from "../protocol.ts";
import { type StreamEvent, observeEvents } from "./events.ts";
import { Streams } from "./streams.ts";
import { type Message, type Recorded, type Trace, messageOf, messagesIn } from "./trace.ts";

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

/** Characters of an answer that help is given by. */
const MAX_START_CHARS = 2000;

/** Streams that broke off and may still be resumed: those of calls that were given up are not. */
const MAX_OWED = 1000;

/** Requests that failed, and those of a sign-in that did not, by which a problem is explained: the last ones. A server that is gone is tried for hours. */
const MAX_KNOWN = 100;

/** The member of an error's data that says why there is no answer. */
export const UNANSWERED = "durable-mcp/unanswered";

/** Makes requests for one connection. */
export class Fetcher {
  readonly trace: Trace;
  /** Ends every request under way. */
  signal: AbortSignal | undefined;
  readonly streams = new Streams();
  /** The last answer of the server that demanded a sign-in, or more scopes. */
  challenge: Challenge | undefined;
  /** The last HTTP status. */
  status: number | undefined;
  /** The last answer, as far as a page may know it. */
  answer: HttpAnswer | undefined;
  /** Requests without an answer since the last `begin`. */
  failures: FailedRequest[] = [];
  /** Requests of sign-in since then whose answers the page may read. */
  readable: { url: string; step: SignInStep }[] = [];
  /** The last request with a message, as it was sent. */
  sent: SentRequest | undefined;
  /** Holds back a request of a sign-in until the person goes on. */
  gate: ((step: SignInStep, method: string, url: string) => Promise<void>) | undefined;
  /** Sends requests in the place of the browser, which the server does not let in. */
  through: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** The last events of streams that owe the answers to these requests: by them they are resumed. */
  #owed = new BoundedMap<string | number, string>(MAX_OWED);

  constructor(trace: Trace) {
    this.trace = trace;
  }

  /** Forgets failed and readable requests of earlier attempts: what is told of the next one comes from its own. */
  begin(): void {
    this.failures = [];
    this.readable = [];
  }

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input);
    const method = init?.method ?? "GET";
    const text = typeof init?.body === "string" ? init.body : init?.body instanceof URLSearchParams ? String(init.body) : undefined;
    const step = stepOf(method, url, text);
    if (step && step !== "renewal" && step !== "revocation") await this.gate?.(step, method, url);
    const http: HttpExchange = { method, url, requestHeaders: [...new Headers(init?.headers)], responseHeaders: [] };
    this.trace.masks.learnHeaders(http.requestHeaders);
    const message = method === "POST" && text?.startsWith("{") ? messageOf(text) : undefined;
    const entry = message && text ? this.trace.out(message, text, http) : this.trace.http(http, text, step);
    if (message?.id !== undefined && message.method && text) this.sent = { url, headers: http.requestHeaders, body: text };
    this.status = undefined;
    const response = await this.#fetched(entry, url, { ...init, credentials: "omit", redirect: "manual", referrerPolicy: "no-referrer" });
    if (response.type === "opaqueredirect" || (this.through && response.status >= 300 && response.status < 400)) throw new RedirectRefused(url);
    const asked = message ? (message.method === undefined ? undefined : message.id) : this.#owedAfter(http);
    await this.#read(entry, response, message, asked);
    return message || asked === undefined || !isRefusal(response) ? response : this.#unresumed(asked, response);
  };

  // The request whose answer a stream goes on with.
  #owedAfter({ method, requestHeaders }: HttpExchange): string | number | undefined {
    const from = method === "GET" ? requestHeaders.find(([name]) => name === "last-event-id")?.[1] : undefined;
    return from === undefined ? undefined : [...this.#owed].find(([, event]) => event === from)?.[0];
  }

  // A server that named its events, and does not resume after them, is not asked until the time limit.
  #unresumed(asked: string | number, { status }: Response): Response {
    this.#owed.delete(asked);
    const told = unanswered(asked, "unresumed", `The stream broke off, and the server does not resume it (HTTP ${status}).`);
    return new Response(`data: ${told}\n\n`, { headers: { "content-type": "text/event-stream" } });
  }

  async #fetched(entry: Recorded, url: string, init: RequestInit): Promise<Response> {
    const began = performance.now();
    const signals = [init.signal, this.signal].filter((signal) => !!signal);
    try {
      const response = await (this.through ?? fetch)(url, { ...init, signal: AbortSignal.any(signals) });
      this.#answered(entry, response, performance.now() - began);
      return response;
    } catch (error) {
      entry.isFault = true;
      const failure = { url, at: entry.at, method: init.method ?? "GET", headers: entry.http?.requestHeaders.map(([name]) => name) ?? [], ...(entry.step ? { step: entry.step } : {}) };
      if (error instanceof TypeError) this.failures = withNewest(this.failures, failure, MAX_KNOWN);
      this.trace.again(entry);
      throw error;
    }
  }

  #answered(entry: Recorded, response: Response, ms: number): void {
    this.status = response.status;
    if (entry.step && entry.http && response.ok) this.readable = withNewest(this.readable, { url: entry.http.url, step: entry.step }, MAX_KNOWN);
    const { headers } = response;
    this.answer = { status: response.status, type: headers.get("content-type") ?? "", url: entry.http?.url ?? "", hasChallenge: headers.has("www-authenticate"), ...(headers.get("retry-after") ? { retryAfter: headers.get("retry-after") ?? "" } : {}) };
    if (entry.http) {
      entry.http.status = response.status;
      entry.http.responseHeaders = [...headers];
    }
    if (response.status >= 400) entry.isFault = true;
    if (entry.direction === "http" || !response.ok) entry.ms = Math.round(ms);
    this.trace.again(entry);
    // A refusal of the authorization server says nothing of the server's own metadata and scopes.
    if (!entry.step && (response.status === 401 || response.status === 403)) this.challenge = { status: response.status, header: headers.get("www-authenticate") };
  }

  // Messages are read as they come over the wire, before the client has them.
  async #read(entry: Recorded, response: Response, message: Message | undefined, asked: string | number | undefined): Promise<void> {
    const type = response.headers.get("content-type") ?? "";
    const { answer } = this;
    if (/^text\/event-stream/i.test(type)) {
      let isAnswered = false;
      const hear = (event: StreamEvent) => {
        if (asked !== undefined) this.streams.heard(asked, event.data);
        isAnswered ||= /"(result|error)"\s*:/.test(event.data);
        if (asked !== undefined && isAnswered) this.#owed.delete(asked);
        else if (asked !== undefined && event.id !== undefined) this.#owed.set(asked, event.id);
        this.trace.event(event, entry);
      };
      // No answer can come any more: to wait for the time limit would be in vain.
      const last = (isCut: boolean) => {
        if (isAnswered || asked === undefined) return undefined;
        if (!isCut) return unanswered(asked, "silent", "The stream ended without an answer.");
        const text = "The stream broke off before the answer, and cannot be resumed.";
        this.trace.note(`${entry.title}: ${text}`);
        return unanswered(asked, "cut", text);
      };
      observeEvents(response, hear, last);
    } else if (response.status !== 202 && response.status !== 204) {
      const body = message ? response.text() : response.clone().text();
      const text = await body.catch(() => "");
      const messages = message && /json/.test(type) && text !== "" ? messagesIn(text).map((one) => [one, messageOf(one)] as const) : [];
      const [[whole, read] = []] = messages;
      if (message) giveAgain(response, body, whole === text ? read : undefined);
      if (answer) Object.assign(answer, { isEmpty: text.trim() === "", start: text.slice(0, MAX_START_CHARS) });
      if (text === "") return;
      if (messages.some(([, read]) => read)) for (const [one, read] of messages) this.trace.in(one, entry, "json", undefined, read);
      else this.trace.answered(entry, text);
    }
  }
}

// A body of megabytes is read and parsed once: the transport gets what is there.
function giveAgain(response: Response, body: Promise<string>, parsed: Message | undefined): void {
  const text = () => body;
  const json = async () => (parsed === undefined ? (JSON.parse(await body) as unknown) : parsed);
  Object.defineProperties(response, { text: { value: text }, json: { value: json } });
}

/** Reasons for which no answer can come: the stream ended, broke off, or is not resumed. */
export type Unanswered = "silent" | "cut" | "unresumed";

/** The message in the place of an answer that cannot come. */
const unanswered = (id: string | number, why: Unanswered, message: string): string => JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32000, message, data: { [UNANSWERED]: why } } });

// A sign-in that is needed, a session that is gone, and a server that is busy are no refusals to resume.
const isRefusal = ({ status }: Response): boolean => status >= 400 && status < 500 && ![401, 403, 404, 429].includes(status);

/** The step of a sign-in that a request is, if it is one. */
function stepOf(method: string, url: string, text: string | undefined): SignInStep | undefined {
  const { pathname } = new URL(url);
  if (pathname.includes("/.well-known/oauth-protected-resource")) return "resource";
  if (/\/\.well-known\/(oauth-authorization-server|openid-configuration)/.test(pathname)) return "server";
  if (method !== "POST" || text === undefined) return undefined;
  if (text.startsWith("{")) return text.includes('"redirect_uris"') ? "registration" : undefined;
  const form = new URLSearchParams(text);
  if (form.get("grant_type") === "refresh_token") return "renewal";
  if (form.has("grant_type")) return "token";
  return form.has("token") ? "revocation" : undefined;
}
