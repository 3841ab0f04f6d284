// The messages between the page and its Web Worker, which holds the connections.
import type { CallOf } from "./copy/code.ts";
import type { PortableRequest } from "./copy/portable.ts";
import type { ListName, ListPage, ServerInfo, Tool } from "./protocol/offered.ts";
import type { Root, Target } from "./protocol/target.ts";
import type { SignInStep, TraceRow, TraceSource, TraceView, WaitingStep } from "./protocol/trace.ts";

export * from "./protocol/offered.ts";
export * from "./protocol/target.ts";
export * from "./protocol/trace.ts";

/** The changes that are to be told: of lists, and of resources. */
export interface ChangeSubscription {
  lists: ListName[];
  uris: string[];
}

export interface Progress {
  call: number;
  progress: number;
  total?: number;
  message?: string;
}

export const LOG_LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** The level that a server of 2026-07-28 is asked for until the person chooses: without one, it may send no log message. */
export const initialLogLevel = (capabilities: { logging?: unknown } | undefined): LogLevel | "" => (capabilities?.logging ? "info" : "");

/** A log message of a server. */
export interface LogEntry {
  /** Milliseconds since 1970. */
  at: number;
  level: string;
  logger: string;
  data: unknown;
}

/** The state of the stream by which changes are told. */
export interface Listening {
  state: "none" | "opening" | "open" | "waiting";
  /** Milliseconds until it is opened again. */
  ms?: number;
  message?: string;
  /** The resources whose changes the server will tell. */
  uris?: string[];
}

/** The field for which suggestions are wanted. A newer request of the same field cancels the older. */
export interface CompletionRequest {
  field: string;
  ref: { type: "ref/prompt"; name: string } | { type: "ref/resource"; uri: string };
  name: string;
  value: string;
  /** Values of the other arguments. */
  context: Record<string, string>;
}

export interface Suggestions {
  values: string[];
  /** Number of all of them, as far as the server tells it. */
  total: number;
  hasMore: boolean;
}

/** The fault of an operation, for the page to put into words. */
export interface Problem {
  kind: "unauthorized" | "session" | "version" | "scope" | "blocked" | "http" | "protocol" | "timeout" | "cancelled" | "redirect" | "refused" | "missing" | "declined" | "notOffered" | "left" | "other";
  message: string;
  /** The cause, as far as it can be told: a part of a word's name. */
  cause?: string;
  /** Values for the words of the help. */
  facts?: Record<string, string>;
  /** Headers of a request that a server has to let pages send. */
  headers?: string[];
  /** HTTP status, or the code of a protocol error. */
  code?: number;
  data?: unknown;
  /** The scopes that a challenge names. */
  scope?: string;
}

/** An answer of HTTP, as far as a page may know it. */
export interface HttpAnswer {
  status: number;
  type: string;
  url: string;
  /** Whether the challenge names a way to sign in. */
  hasChallenge: boolean;
  retryAfter?: string;
  isEmpty?: boolean;
  /** The beginning of the body. */
  start?: string;
}

/** A request that got no answer which the page may read. */
export interface FailedRequest {
  url: string;
  method: string;
  headers: string[];
  step?: SignInStep;
  /** Milliseconds since 1970. */
  at: number;
}

/** A text of a result that stays in the Web Worker. */
export interface LongText {
  /** The part of the result that it belongs to. */
  path: string[];
  id: number;
  chars: number;
}

/** A result with its time and size. */
export interface Answer {
  result: unknown;
  /** Long texts of the result, which has the beginnings of them. */
  longTexts?: LongText[];
  /** The result with its long texts, where that was asked for. */
  whole?: unknown;
  ms: number;
  bytes: number;
}

/** A call in forms to be copied. */
export interface PortableCall {
  /** Nothing where the answer does not come with the request, as with HTTP+SSE. */
  request: PortableRequest | undefined;
  call: CallOf;
}

/** The sign-in that a server demands, before anything is opened. */
export interface SignInOffer {
  server: string;
  issuer: string;
  /** The host that the person is sent to. */
  host: string;
  scopes: string[];
  /** The sign-in before was kept on the device. */
  isOnDevice: boolean;
}

export interface KeptSignIn {
  server: string;
  issuer: string;
}

/** A task, as its server last described it. */
export interface TaskInfo {
  id: string;
  era: "modern" | "legacy";
  status: string;
  message?: string;
  createdAt?: string;
  /** Milliseconds for which it is kept from its beginning. */
  ttl?: number;
  /** Milliseconds between two polls. */
  interval?: number;
}

/** Tasks that a server of 2025-11-25 has, and where more are. */
export interface TaskPage {
  tasks: TaskInfo[];
  next?: string;
}

/** A question of the server. */
export interface ServerQuestion {
  /** Of the protocol, or "rounds": whether to go on after many. */
  method: string;
  params: unknown;
  /** The call that it belongs to, where that is known. */
  call: number | undefined;
  task?: string;
  /** In 2026-07-28: the round, and the place of the question in it. */
  round?: { number: number; at: number; of: number };
}

/** The person's answer, as JSON, or the error that a refusal is. */
export type Reply = { json: string } | { error: { code: number; message: string } };

/** Operations on the sign-in to this deployment, for one of its scopes. */
export type DeploymentSignInRequest = { scope: string } & (
  | { kind: "admit"; resource: string }
  | { kind: "offer" }
  | { kind: "authorize"; callback: string }
  | { kind: "redeem"; parameters: [string, string][] }
  | { kind: "signOut" }
);

/** Operations on this deployment's model: questions whose answers come in pieces. */
export type ChatRequest =
  | { kind: "ask"; call: number; url: string; body: string }
  | { kind: "stop"; call: number };

export interface Operations {
  connect: { arguments: { target: Target }; result: ServerInfo };
  disconnect: { arguments: object; result: null };
  /** Forgets a connection, with its messages. */
  close: { arguments: object; result: null };
  /** Tries to reach a server that was lost. */
  retry: { arguments: object; result: null };
  /** The first piece of a list, or the one that `next` of the piece before names. */
  list: { arguments: { what: ListName; next?: number }; result: ListPage };
  watch: { arguments: ChangeSubscription; result: null };
  /** The least level that the server is to send; none is what it sends unasked. */
  setLogLevel: { arguments: { level: LogLevel | "" }; result: null };
  listenAgain: { arguments: object; result: null };
  /** `isWhole`: long texts come with the answer, too. */
  call: { arguments: { call: number; tool: Tool; json: string; asTask: boolean; isWhole: boolean }; result: Answer };
  /** Goes on with a task. */
  follow: { arguments: { call: number; task: TaskInfo }; result: Answer };
  /** A page of the server's own list of tasks. */
  tasks: { arguments: { cursor?: string }; result: TaskPage };
  setRoots: { arguments: { roots: Root[] }; result: null };
  cancel: { arguments: { call: number }; result: null };
  read: { arguments: { call: number; uri: string; isWhole: boolean }; result: Answer };
  complete: { arguments: CompletionRequest; result: Suggestions };
  prompt: { arguments: { call: number; name: string; values: Record<string, string> }; result: Answer };
  /** Begins to check messages, and gives the numbers of those with a text in them. */
  searchTrace: { arguments: { text: string; of: TraceSource }; result: number[] };
  traceEntry: { arguments: { number: number; isPlain: boolean; of: TraceSource }; result: TraceView };
  traceRequest: { arguments: { number: number; of: TraceSource }; result: PortableRequest | null };
  pinTrace: { arguments: { number: number; isPinned: boolean }; result: null };
  clearTrace: { arguments: object; result: null };
  exportTrace: { arguments: { of: TraceSource }; result: Blob };
  importTrace: { arguments: { file: Blob }; result: TraceRow[] };
  textRows: { arguments: { id: number; columns: number; from: number; count: number }; result: { rows: string[]; total: number } };
  textFind: { arguments: { id: number; text: string; from: number }; result: number | null };
  textFile: { arguments: { id: number }; result: Blob };
  /** A call as it can be made elsewhere. */
  portable: { arguments: { tool: Tool; json: string }; result: PortableCall };
  /** Whether each request of a sign-in waits until the person goes on, and that they do. */
  setStepping: { arguments: { is: boolean }; result: null };
  goOn: { arguments: object; result: null };
  offer: { arguments: object; result: SignInOffer };
  authorize: { arguments: { callback: string; document: string | undefined; isOnDevice: boolean }; result: { url: string; state: string } };
  redeem: { arguments: { parameters: [string, string][] }; result: null };
  signOut: { arguments: { server: string }; result: null };
  /** The sign-ins that are kept on this device. */
  keptSignIns: { arguments: object; result: KeptSignIn[] };
  deploymentSignIn: { arguments: DeploymentSignInRequest; result: unknown };
  chat: { arguments: ChatRequest; result: unknown };
}

export type OperationName = keyof Operations;

export type ToWorker =
  | { [K in OperationName]: { id: number; connection: number; operation: K; arguments: Operations[K]["arguments"] } }[OperationName]
  | { answer: number; connection: number; reply: Reply }
  /** Sign-ins that an earlier page of this tab left, by the address of the server. */
  | { restored: [string, string][] };

/** The request that ends a session. */
export interface SessionEnd {
  method: "DELETE" | "POST";
  url: string;
  headers: [string, string][];
}

export type FromWorker =
  | { id: number; result: unknown }
  | { id: number; problem: Problem }
  | { connection: number; rows: TraceRow[] }
  | { connection: number; progress: Progress }
  | { connection: number; changed: ListName }
  | { connection: number; updated: string }
  | { connection: number; call: number; late: unknown }
  | { connection: number; logged: LogEntry[] }
  | { connection: number; listening: Listening }
  | { connection: number; question: number; asked: ServerQuestion }
  | { connection: number; call: number; task: TaskInfo }
  /** Status that the server sends by itself of a task that is not polled. */
  | { connection: number; taskStatus: TaskInfo }
  | { connection: number; withdrawn: number }
  /** The person is through with a page: the id of its elicitation. */
  | { connection: number; completed: string }
  | { connection: number; closed: Problem | null }
  /** The person signed out of a server, in this tab or another. */
  | { signedOutOf: string }
  /** That ended the connection. */
  | { connection: number; signedOut: true }
  /** The server cannot be reached, and is tried again after so many seconds. */
  | { connection: number; lost: number }
  /** The connection is back; after a new session, with the server's description. */
  | { connection: number; found: ServerInfo | null }
  /** The request that ends the session, for a page that is left before it could ask the Worker. */
  | { connection: number; sessionEnd: SessionEnd | null }
  /** A piece of a model's answer. */
  | { connection: number; chat: { call: number; piece: string } }
  /** The request of a sign-in that waits for the person. */
  | { connection: number; waitingStep: WaitingStep | null }
  /** The script of the Web Worker ran to its end. */
  | { started: true }
  /** A part of the Web Worker could not be loaded. */
  | { outdated: true }
  | { keep: [key: string, value: string | null] };
