// The way to this deployment's model.
import type { ChatRequest, FromWorker, Problem } from "../protocol.ts";
import { refused, tokenFor } from "./deployment-sign-in.ts";

const SCOPE = "chat";

const running = new Map<number, AbortController>();

/** Does what the page asks for; requests of the chat are in no trace. */
export async function handle(request: ChatRequest, tell: (message: FromWorker) => void): Promise<unknown> {
  if (request.kind === "ask") return ask(request, (piece) => tell({ connection: 0, chat: { call: request.call, piece } }));
  return running.get(request.call)?.abort();
}

// Gives the problem, where there is no answer of the model.
async function ask({ call, url, body }: ChatRequest & { kind: "ask" }, hear: (piece: string) => void): Promise<Problem | null> {
  const stop = new AbortController();
  running.set(call, stop);
  try {
    const headers = new Headers({ "content-type": "application/json", accept: "text/event-stream" });
    const token = await tokenFor(SCOPE);
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    const response = await fetch(url, { method: "POST", headers, body, signal: stop.signal, credentials: "omit", redirect: "manual", referrerPolicy: "no-referrer" });
    if (response.ok && response.body) return await read(response.body, hear);
    // The token is no longer accepted.
    if (response.status === 401) await refused(SCOPE);
    return await problemOf(response);
  } catch (error) {
    return { kind: stop.signal.aborted ? "cancelled" : "refused", message: String(error) };
  } finally {
    running.delete(call);
  }
}

async function read(body: ReadableStream<Uint8Array<ArrayBuffer>>, hear: (piece: string) => void): Promise<null> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    // An answer that breaks off ends here: whoever reads it sees that it is not whole.
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (done || value === undefined) return null;
    hear(value);
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => "");
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  let error: { code?: unknown; message?: unknown } = {};
  try {
    const told = (JSON.parse(text) as { error?: unknown }).error;
    if (typeof told === "object" && told !== null) error = told;
  } catch {
    // An answer of something in between has no such error.
  }
  const data = { ...(typeof error.code === "string" ? { code: error.code } : {}), ...(Number.isFinite(seconds) ? { seconds } : {}) };
  const message = typeof error.message === "string" ? error.message : "";
  const isScope = response.status === 403 && /insufficient_scope/.test(response.headers.get("www-authenticate") ?? "");
  return { kind: response.status === 401 || isScope ? "unauthorized" : "http", code: response.status, message, data };
}
