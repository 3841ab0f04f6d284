// Requests through this deployment's relay, for servers whose CORS lets no page in. The target, its headers and its status are in
// headers: those of the relay itself are never taken for them.
import type { SessionEnd, Problem, RelayUse } from "../protocol.ts";
import type { Account } from "./account.ts";
import type { SignIn } from "./sign-in.ts";

/** Begins the names of headers that are for the target, and that are from it. */
const HEADER = "x-target-header-";

/** Problems of the relay itself, by the codes of its refusals. */
const CAUSES: Record<string, string> = { target: "target", limit: "limit", busy: "limit", count: "limit", unauthorized: "unauthorized", unreachable: "unreachable", name: "unreachable" };

/** Milliseconds before a request is tried again that was not sent since too many were under way. */
const BUSY_MS = [1000, 2000];

/** A refusal of the relay, which is no answer of the server. */
class RelayRefused extends Error {
  /** For the page. */
  problem: Problem;

  constructor(code: string, message: string, url: string, seconds?: string | null) {
    super(message);
    const isAway = code === "unreachable" || code === "network";
    const facts = { url, host: URL.parse(url)?.host ?? "", seconds: seconds ?? "5" };
    this.problem = { kind: "other", message, cause: `relay.${CAUSES[code] ?? "other"}`, facts };
    // A server that is not there is tried again as one that is reached without a relay: what tells them apart is the name of the error.
    if (isAway) this.name = "TypeError";
  }
}

export class Relay {
  #relay: RelayUse;
  #signIn: SignIn | undefined;
  #account: Account | undefined;

  constructor(relay: RelayUse, signIn?: SignIn, account?: Account) {
    this.#relay = relay;
    this.#signIn = signIn;
    this.#account = account;
  }

  /** Sends a request. What comes back is as if the server had answered to the page. */
  readonly send = async (url: string, init: RequestInit): Promise<Response> => {
    const { method = "GET" } = init;
    for (let tries = 0; ; tries++) {
      const response = await this.#post(url, method, init);
      const status = Number(response.headers.get("x-target-status") ?? 0);
      if (response.ok && status >= 200) return answerOf(response, status);
      const ms = BUSY_MS[tries];
      const refusal = refusalIn(await response.text().catch(() => ""));
      if (response.status !== 429 || refusal.code !== "busy" || ms === undefined) return this.#refuse(response, refusal, url);
      await pause(ms, init.signal);
    }
  };

  async #post(url: string, method: string, { body = null, signal = null, ...init }: RequestInit): Promise<Response> {
    const headers = await this.#headers(url, method, new Headers(init.headers));
    return fetch(this.#relay.url, { method: "POST", headers, body, signal, credentials: "omit", redirect: "error", referrerPolicy: "no-referrer", cache: "no-store" }).catch((error: unknown) => {
      if (!(error instanceof TypeError)) throw error;
      throw new RelayRefused("network", error.message, url);
    });
  }

  /** The request that ends a session, for a page that is left. */
  async sessionEnd({ url, headers }: Pick<SessionEnd, "url" | "headers">): Promise<SessionEnd> {
    return { method: "POST", url: this.#relay.url, headers: [...(await this.#headers(url, "DELETE", new Headers(headers)))] };
  }

  async #headers(url: string, method: string, given: Headers): Promise<Headers> {
    const headers = new Headers({ "x-playground": "1", "x-target-url": url, "x-target-method": method });
    for (const [name, value] of given) headers.set(name === "content-type" ? name : HEADER + name, value);
    const token = await this.#signIn?.token();
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    return headers;
  }

  async #refuse(response: Response, { code, message }: Refusal, url: string): Promise<never> {
    const { status } = response;
    const isScope = status === 403 && /insufficient_scope/.test(response.headers.get("www-authenticate") ?? "");
    // A token that is no longer accepted.
    if (status === 401) await this.#account?.invalidateCredentials("tokens");
    throw new RelayRefused(status === 401 || isScope ? "unauthorized" : code, message || `The relay answers ${status}.`, url, response.headers.get("retry-after"));
  }
}

/** Statuses of answers that have no body (Fetch standard). */
const BODILESS = [204, 205, 304];

function answerOf(response: Response, status: number): Response {
  const headers = new Headers();
  for (const [name, value] of response.headers) if (name.startsWith(HEADER)) headers.set(name.slice(HEADER.length), value);
  return new Response(BODILESS.includes(status) ? null : response.body, { status, headers });
}

/** Ends after a time, or fails once the signal is given. */
function pause(ms: number, signal?: AbortSignal | null): Promise<void> {
  signal?.throwIfAborted();
  return new Promise((done, fail) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      done();
    }, ms);
    function end() {
      clearTimeout(timer);
      fail(signal?.reason);
    }
    signal?.addEventListener("abort", end, { once: true });
  });
}

interface Refusal {
  code: string;
  message: string;
}

function refusalIn(text: string): Refusal {
  try {
    const { code, message } = (JSON.parse(text) as { error: Record<string, unknown> }).error;
    return { code: String(code), message: String(message) };
  } catch {
    // An answer of something in between has no such error.
    return { code: "", message: "" };
  }
}
