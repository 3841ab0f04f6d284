// The cause of a problem, as far as a page may find it out.
import { ProtocolError, SdkError, SdkErrorCode } from "@modelcontextprotocol/client";
import { isLocal, isLoopback } from "../address.ts";
import type { FailedRequest, Problem } from "../protocol.ts";
import { type Fetcher, UNANSWERED, type Unanswered } from "./fetcher.ts";
import { SignInFailed, TaskFailed, causes } from "./problem.ts";

/** Milliseconds for a look at whether a server is there. */
const LOOK_MS = 5000;

interface Given {
  /** The address of the server. */
  url: string;
  fetcher: Fetcher;
  /** When the person began, in milliseconds since 1970. */
  since: number;
  isSigningIn: boolean;
}

/** The problem with its cause. */
export async function diagnosed(error: unknown, problem: Problem, { url, fetcher, since, isSigningIn }: Given): Promise<Problem> {
  if (error instanceof SignInFailed || problem.cause) return problem;
  const failures = fetcher.failures.filter(({ at }) => at >= since);
  const failed = (isSigningIn ? decisive(fetcher) : undefined) ?? (["refused", "blocked"].includes(problem.kind) ? (failures.at(-1) ?? { url, method: "POST", headers: [], at: since }) : undefined);
  if (failed) return { ...problem, ...(await unreached(failed, isSigningIn ? fetcher.readable : [])) };
  if (isSigningIn) return fetcher.challenge?.header === null ? { ...problem, cause: "challenge" } : problem;
  const { [UNANSWERED]: why } = (problem.data ?? {}) as { [UNANSWERED]?: Unanswered };
  if (why && problem.code === -32000) return { kind: "other", message: problem.message, cause: why, facts: { url } };
  const cause = problem.kind === "protocol" ? protocolCause(error, fetcher.trace.failed) : httpCause(error, problem, fetcher);
  return cause ? { ...problem, ...cause } : problem;
}

// Without its metadata the addresses of an authorization server are guessed: what fails then is not the cause.
function decisive({ failures, readable }: Fetcher): FailedRequest | undefined {
  const hasMetadata = readable.some(({ step }) => step === "server");
  return (hasMetadata ? undefined : failures.find(({ step }) => step === "resource" || step === "server")) ?? failures.findLast(({ step }) => step);
}

type Cause = Pick<Problem, "kind" | "cause" | "facts" | "headers"> | Pick<Problem, "cause" | "facts">;

// A second request, which needs no permission of the server and reads nothing, tells whether anybody is there.
async function unreached({ url, method, headers, step }: FailedRequest, readable: Fetcher["readable"]): Promise<Cause> {
  const { hostname, host, protocol, origin } = new URL(url);
  const facts: Record<string, string> = { url, host, ...(step ? { step } : {}) };
  if (!navigator.onLine && !isLoopback(hostname)) return { kind: "refused", cause: "offline", facts };
  if (self.location.protocol === "https:" && protocol === "http:" && !isLoopback(hostname)) return { kind: "refused", cause: "mixed", facts };
  if (await answers(url, { mode: "no-cors" })) {
    const needed = headers.filter((name) => name !== "accept" && !(name === "content-type" && step));
    const missing = (await answers(url, {})) ? await refusedHeaders(url, needed) : ["access-control-allow-origin"];
    // Other answers of the same server could be read, so one part alone lacks the headers.
    const worked = readable.findLast((other) => new URL(other.url).origin === origin && other.url !== url)?.url;
    // CORS allows every header that was asked for, so the connection broke before the answer.
    if (missing.length === 0 && method !== "DELETE") return { kind: "refused", cause: "broken", facts };
    const isOrigin = missing[0] === "access-control-allow-origin";
    return { kind: "blocked", cause: isOrigin ? "cors" : "cors.headers", facts: { ...facts, method, missing: missing.join(", "), ...(worked ? { worked } : {}) }, headers: needed };
  }
  if (!isLoopback(self.location.hostname) && isLocal(hostname)) return { kind: "refused", cause: (await isDenied()) ? "local.denied" : "local", facts };
  return { kind: "refused", cause: isLoopback(hostname) ? "nothing.local" : "nothing", facts };
}

async function answers(url: string, init: RequestInit): Promise<boolean> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), LOOK_MS);
  try {
    await fetch(url, { ...init, credentials: "omit", referrerPolicy: "no-referrer", signal: stop.signal });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

// Each header is asked for alone, with no value of worth. A token is not made up: it is what is left if the others pass.
async function refusedHeaders(url: string, headers: string[]): Promise<string[]> {
  const asked = headers.filter((name) => name !== "authorization");
  const taken = await Promise.all(asked.map((name) => answers(url, { headers: { [name]: name === "content-type" ? "application/json" : "x" } })));
  const refused = asked.filter((_, at) => !taken[at]);
  if (refused.length > 0) return refused;
  return headers.includes("authorization") ? ["authorization"] : [];
}

async function isDenied(): Promise<boolean> {
  const permission = await navigator.permissions?.query({ name: "local-network-access" as PermissionName }).catch(() => undefined);
  return permission?.state === "denied";
}

const OF_STATUS = [404, 405, 406, 415, 421, 429];

function httpCause(error: unknown, problem: Problem, { answer }: Fetcher): Cause | undefined {
  if (!answer) return undefined;
  const { status, type, retryAfter, isEmpty, url } = answer;
  const facts: Record<string, string> = { url, type: type || "–", status: String(status), ...(retryAfter ? { retryAfter } : {}) };
  if (problem.kind === "http") {
    const code = problem.code ?? 0;
    // A page where a server of MCP would say something as JSON is of what stands before it.
    if (/html/.test(type) && [403, 406, 429, 503].includes(code)) return { cause: "firewall", facts: { ...facts, status: String(code) } };
    if (code === 429) return { cause: retryAfter ? "http.429.after" : "http.429", facts };
    if (OF_STATUS.includes(code)) return { cause: `http.${code}`, facts };
    return code >= 500 ? { cause: "http.5xx", facts: { ...facts, status: String(code) } } : undefined;
  }
  const chain = causes(error);
  const isUnexpected = chain.some((one) => one instanceof SdkError && one.code === SdkErrorCode.ClientHttpUnexpectedContent);
  const isUnreadable = chain.some((one) => one instanceof Error && ["SyntaxError", "ZodError", "$ZodError"].includes(one.name));
  const isStream = /event-stream/.test(type);
  if (isEmpty && !isStream && (isUnexpected || isUnreadable || problem.kind === "timeout")) return { cause: "empty", facts };
  if (isUnexpected || isUnreadable) return { cause: /html/.test(type) ? "html" : /json/.test(type) ? "notJson" : "type", facts };
  if (isStream && ["timeout", "other"].includes(problem.kind)) return { cause: "silent", facts };
  return undefined;
}

const OF_CODES = [-32700, -32600, -32601, -32602, -32603, -32020, -32021, -32022, -32042, -32002];

const CAPABILITIES: [RegExp, string][] = [
  [/^tools\//, "tools"],
  [/^resources\/(un)?subscribe/, "resources.subscribe"],
  [/^resources\//, "resources"],
  [/^prompts\//, "prompts"],
  [/^completion\//, "completions"],
  [/^logging\//, "logging"],
  [/^tasks\//, "tasks"],
];

function protocolCause(error: unknown, failed: Fetcher["trace"]["failed"]): Cause | undefined {
  const known = causes(error).find((one) => one instanceof ProtocolError);
  // The SDK gives the older code of a missing resource as the newer one.
  const code = failed?.code === -32002 && known?.code === -32602 ? -32002 : known?.code;
  if (!known || code === undefined || !OF_CODES.includes(code)) return undefined;
  // Tasks are calls of tools.
  const method = known instanceof TaskFailed ? "tools/call" : (failed?.method ?? "–");
  const data = (known.data ?? {}) as Record<string, unknown>;
  const list = (value: unknown) => (Array.isArray(value) ? value.map(String).join(", ") : typeof value === "object" && value !== null ? Object.keys(value).join(", ") : "");
  const elicitations = Array.isArray(data["elicitations"]) ? (data["elicitations"] as { url?: unknown }[]) : [];
  const field = [data["field"], data["pointer"], data["path"], data["argument"]].find((one) => typeof one === "string") ?? /["'`]([\w./-]+)["'`]/.exec(known.message)?.[1];
  const facts: Record<string, string> = {
    method,
    capability: CAPABILITIES.find(([of]) => of.test(method))?.[1] ?? "–",
    field: String(field ?? "–"),
    header: /\b(mcp-[\w-]+)/i.exec(known.message)?.[1] ?? "Mcp-*",
    required: list(data["requiredCapabilities"]) || "–",
    supported: list(data["supported"]) || "–",
    requested: String(data["requested"] ?? "–"),
    hosts: elicitations.map(({ url }) => URL.parse(String(url))?.host ?? "").join(", ") || "–",
    uri: String(data["uri"] ?? "–"),
  };
  return { cause: `code.${-code}`, facts };
}
