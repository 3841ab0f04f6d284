// Faults of operations, told apart as far as a browser lets them be.
import { messageOf } from "../error-message.ts";
import { InsufficientScopeError, ProtocolError, SdkError, SdkErrorCode, SdkHttpError, UnauthorizedError, UnsupportedProtocolVersionError } from "@modelcontextprotocol/client";
import { LEGACY, VERSIONS, type Problem, type Version } from "../protocol.ts";
import { RedirectRefused } from "./fetcher.ts";
import { CallEnded, TaskLeft } from "./questions.ts";
import { SessionGone } from "./recovery.ts";

/** Characters of a message from elsewhere. */
const MAX_MESSAGE_CHARS = 2000;

/** The problem behind an error, for which `url` may be asked once more. */
export async function problemOf(error: unknown, url: string): Promise<Problem> {
  const chain = causes(error);
  for (const cause of chain) {
    const known = knownProblem(cause);
    if (known) return { ...known, message: known.message.slice(0, MAX_MESSAGE_CHARS) };
  }
  const fetchFailed = chain.find((cause) => cause instanceof TypeError || (cause instanceof Error && cause.name === "TypeError"));
  if (fetchFailed) return { kind: (await isThere(url)) ? "blocked" : "refused", message: messageOf(fetchFailed) };
  return { kind: "other", message: messageOf(error).slice(0, MAX_MESSAGE_CHARS) };
}

/** The newest version with `initialize` that a server named when it refused another one. */
export function commonVersion(error: unknown): Version | undefined {
  const supported = refusedVersion(error)?.supported;
  return supported && LEGACY.find((version) => supported.includes(version));
}

function refusedVersion(error: unknown): UnsupportedProtocolVersionError | undefined {
  return causes(error).find((cause) => cause instanceof UnsupportedProtocolVersionError);
}

function knownProblem(error: unknown): Problem | undefined {
  const message = messageOf(error);
  // Of a part that is loaded later, whose classes are not known here.
  const { problem } = error as { problem?: Problem };
  if (problem) return problem;
  if (error instanceof SessionGone) return { kind: "session", message };
  if (error instanceof RedirectRefused) return { kind: "redirect", message };
  if (error instanceof InsufficientScopeError) return { kind: "scope", message, ...(error.requiredScope ? { scope: error.requiredScope } : {}) };
  if (error instanceof UnauthorizedError) return { kind: "unauthorized", message };
  if (error instanceof ResourceMissing) return { kind: "missing", message, code: error.error.code, data: error.error.data };
  if (error instanceof TaskLeft) return { kind: "left", message };
  if (error instanceof CallEnded) return { kind: error.kind, message };
  if (error instanceof UnsupportedProtocolVersionError && !error.supported.some((version) => VERSIONS.some((known) => known === version))) return { kind: "version", message, code: error.code, data: { supported: error.supported } };
  if (error instanceof ProtocolError) return { kind: "protocol", message, code: error.code, data: error.data };
  if (error instanceof SdkHttpError) return httpProblem(error, message);
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) return { kind: "timeout", message };
  if (error instanceof Error && error.name === "AbortError") return { kind: "cancelled", message };
  return undefined;
}

/** A sign-in that is not continued: the metadata is wrong, or the answer is none to our question. */
export class SignInFailed extends Error {}

/** The failure of a task, which no answer to a request says. */
export class TaskFailed extends ProtocolError {}

/** A resource that is not there: servers say so by one of two codes. */
class ResourceMissing extends Error {
  error: ProtocolError;

  constructor(error: ProtocolError) {
    super(error.message);
    this.error = error;
  }
}

/** The error of reading a resource. */
export const asMissing = (error: unknown): unknown => (error instanceof ProtocolError && [-32002, -32602].includes(error.code) ? new ResourceMissing(error) : error);

function httpProblem(error: SdkHttpError, message: string): Problem {
  const { status, text } = (error.data ?? {}) as { status?: number; text?: string | null };
  return { kind: status === 401 ? "unauthorized" : "http", message: text || message, ...(status ? { code: status } : {}) };
}

/** An error, and those behind it. */
export function causes(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let at = error; at !== undefined && at !== null && chain.length < 8; at = (at as { cause?: unknown }).cause) chain.push(at);
  return chain;
}


// Without CORS a page may still ask, and see whether anybody answers.
async function isThere(url: string): Promise<boolean> {
  try {
    await fetch(url, { mode: "no-cors", credentials: "omit", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(5000) });
    return true;
  } catch {
    return false;
  }
}
