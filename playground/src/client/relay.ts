// Requests through this deployment's relay, for servers whose CORS lets no page in. The target, its headers and its status are in
// headers: those of the relay itself are never taken for them.
import type { SessionEnd, Problem, RelayUse } from "../protocol.ts";
import type { Account } from "./account.ts";
import type { SignIn } from "./sign-in.ts";

/** Begins the names of headers that are for the target, and that are from it. */
const HEADER = "x-target-header-";

/** Problems of the relay itself, by the codes of its refusals. */
const CAUSES: Record<string, string> = { target: "target", limit: "limit", busy: "limit", count: "limit", unauthorized: "unauthorized", unreachable: "unreachable", name: "unreachable" };

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
    const { method = "GET", body = null, signal = null } = init;
    const headers = await this.#headers(url, method, new Headers(init.headers));
    const response = await fetch(this.#relay.url, { method: "POST", headers, body, signal, credentials: "omit", redirect: "error", referrerPolicy: "no-referrer", cache: "no-store" }).catch((error: unknown) => {
      if (!(error instanceof TypeError)) throw error;
      throw new RelayRefused("network", error.message, url);
    });
    const status = Number(response.headers.get("x-target-status") ?? 0);
    return response.ok && status >= 200 ? answerOf(response, status) : this.#refuse(response, url);
  };

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

  async #refuse(response: Response, url: string): Promise<never> {
    const { status } = response;
    const isScope = status === 403 && /insufficient_scope/.test(response.headers.get("www-authenticate") ?? "");
    // A token that is no longer accepted.
    if (status === 401) await this.#account?.invalidateCredentials("tokens");
    const { code, message } = refusalIn(await response.text().catch(() => ""));
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

function refusalIn(text: string): { code: string; message: string } {
  try {
    const { code, message } = (JSON.parse(text) as { error: Record<string, unknown> }).error;
    return { code: String(code), message: String(message) };
  } catch {
    // An answer of something in between has no such error.
    return { code: "", message: "" };
  }
}
