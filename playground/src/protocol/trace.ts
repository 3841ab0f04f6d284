// Messages and requests as the trace has them.

/** Whether a trace is of this connection, or was taken from a file. */
export type TraceSource = "live" | "file";

/** The requests of a sign-in, in their order. */
export type SignInStep = "resource" | "server" | "registration" | "authorize" | "answer" | "token" | "renewal" | "revocation";

/** A request of a sign-in that waits for the person. */
export interface WaitingStep {
  step: SignInStep;
  /** Method and address. */
  request: string;
}

/** The answer that a message came in: of its own, or a stream of events. */
export interface TraceStream {
  kind: "json" | "events";
  /** The number of the request that it answers. */
  of: number;
  /** The id of the event, after which a stream can be resumed. */
  event?: string;
}

/** A message on its way, or a request of sign-in, in short. */
export interface TraceRow {
  number: number;
  /** Milliseconds since 1970. */
  at: number;
  direction: "out" | "in" | "http" | "note";
  title: string;
  isFault: boolean;
  id?: string | number;
  bytes?: number;
  /** From a request to its answer. */
  ms?: number;
  status?: number;
  /** The request of this answer, or the answer to this request. */
  partner?: number;
  /** The version of the protocol that is spoken. */
  version?: string;
  stream?: TraceStream;
  step?: SignInStep;
  /** Deviations from the schema of the version, once they were looked for. */
  deviations?: number;
}

/** The same with all that is known of it, with masks in place of secrets. */
export interface TraceEntry extends TraceRow {
  body?: string;
  /** The body of the answer, of a request that carries no message. */
  answer?: string;
  http?: HttpExchange;
  /** Only the beginning of the body was kept. */
  isCut?: true;
  /** The body was kept no longer, to make room. */
  isGone?: true;
  /** Whether secrets are shown. */
  isPlain?: true;
}

/** A deviation of a message from the schema of its version. */
export interface Deviation {
  pointer: string;
  keyword: string;
  demand: string;
}

/** An entry that is looked at. */
export interface TraceView {
  entry: TraceEntry;
  /** Nothing where there was nothing to check against. */
  deviations: Deviation[] | undefined;
  /** Headers that differ from what the body says. */
  differing: { header: string; body: string }[];
  /** Headers of the answer that a page may not read, if they were there. */
  hidden: string[];
}

export interface HttpExchange {
  method: string;
  url: string;
  status?: number;
  requestHeaders: [string, string][];
  responseHeaders: [string, string][];
}
