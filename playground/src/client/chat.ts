// The way to this deployment's model, and the sign-in to it, which is apart from those to servers.
import type { ChatRequest, FromWorker, Problem } from "../protocol.ts";
import type { Account } from "./account.ts";
import type { Accounts } from "./accounts.ts";
import type { SignIn } from "./sign-in.ts";

/** Functions of the Web Worker. They are handed in, since an import would split its bundle. */
interface Lent {
  accounts: Accounts;
  tell: (message: FromWorker) => void;
  signInTo: (resource: string, account: Account) => SignIn;
}

let account: Account | undefined;
let signIn: SignIn | undefined;
const running = new Map<number, AbortController>();

/** Does what the page asks for; requests of the chat are in no trace. */
export async function handle(request: ChatRequest, { accounts, tell, signInTo }: Lent): Promise<unknown> {
  if (request.kind === "ask") return ask(request, (piece) => tell({ connection: 0, chat: { call: request.call, piece } }));
  if (request.kind === "stop") return running.get(request.call)?.abort();
  if (request.kind === "admit") {
    account = await accounts.of(request.resource);
    signIn = signInTo(request.resource, account);
    return (await signIn.token()) !== undefined;
  }
  if (!signIn) throw new Error("There is no sign-in yet.");
  if (request.kind === "offer") return signIn.offer();
  if (request.kind === "authorize") return signIn.authorize(request.callback, undefined, false);
  if (request.kind === "redeem") return signIn.redeem(request.parameters);
  return signIn.signOut();
}

// Gives the problem, where there is no answer of the model.
async function ask({ call, url, body }: ChatRequest & { kind: "ask" }, hear: (piece: string) => void): Promise<Problem | null> {
  const stop = new AbortController();
  running.set(call, stop);
  try {
    const headers = new Headers({ "content-type": "application/json", accept: "text/event-stream" });
    const token = await signIn?.token();
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    const response = await fetch(url, { method: "POST", headers, body, signal: stop.signal, credentials: "omit", redirect: "manual", referrerPolicy: "no-referrer" });
    if (response.ok && response.body) return await read(response.body, hear);
    // The token is no longer accepted.
    if (response.status === 401) account?.invalidateCredentials("tokens");
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
