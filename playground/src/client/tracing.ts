// A trace that somebody looks at: its entries one by one, checked; what is found in it; what goes into a file, and comes from one.
import { textFromBase64 } from "../base64.ts";
import { type Json, isObject, parse } from "../exact.ts";
import type { Deviation, HttpExchange, SignInStep, TraceRow, TraceSource, TraceView } from "../protocol.ts";
import { deviationsOf } from "./deviations.ts";
import { MAX_ENTRIES, type Message, type Recorded, Trace, messageOf } from "./trace.ts";

export interface Traces {
  live: Trace;
  file?: Trace;
}

/** Messages that are checked before others have their turn. */
const AT_ONCE = 200;

/** Bytes of a file with a trace. */
const MAX_FILE_BYTES = 200_000_000;

const FORMAT = "durable-mcp trace";

export const traceOf = (traces: Traces, of: TraceSource): Trace => (of === "file" && traces.file) || traces.live;

/** The numbers of entries with a text in them. From now on each message is checked. */
export function search(traces: Traces, text: string, of: TraceSource): number[] {
  const trace = traceOf(traces, of);
  if (!trace.onmessage) checkAll(trace);
  return text === "" ? [] : trace.search(text);
}

function checkAll(trace: Trace): void {
  const waiting: Recorded[] = [...trace.entries];
  let isRunning = false;
  const run = () => {
    for (const entry of waiting.splice(0, AT_ONCE)) {
      const found = deviationsIn(entry);
      if (!found || found.length === 0) continue;
      entry.deviations = found.length;
      trace.again(entry);
    }
    isRunning = waiting.length > 0;
    if (isRunning) setTimeout(run);
  };
  trace.onmessage = (entry) => {
    waiting.push(entry);
    if (!isRunning) setTimeout(run);
    isRunning = true;
  };
  run();
}

function deviationsIn({ direction, body, isCut, version, title }: Recorded): Deviation[] | undefined {
  if (body === undefined || isCut || direction === "http" || direction === "note") return undefined;
  const message = messageOf(body);
  return message && deviationsOf(message as Json, direction, title, version);
}

/** An entry with what there is to say about it. */
export async function view(traces: Traces, number: number, isPlain: boolean, of: TraceSource): Promise<TraceView> {
  const trace = traceOf(traces, of);
  const entry = trace.entry(number, isPlain);
  const plain = trace.entry(number, true);
  if (!entry || !plain) throw new Error("This message is kept no longer.");
  const message = plain.body === undefined ? undefined : messageOf(plain.body);
  return {
    entry,
    deviations: deviationsIn(plain),
    differing: message && plain.direction === "out" && !plain.isCut ? differing(message, plain.http) : [],
    hidden: plain.http?.status === undefined ? [] : hiddenIn(plain.http),
  };
}

const READ_BY_CLIENTS = ["www-authenticate", "mcp-session-id", "retry-after", "location", "date", "server", "x-request-id", "cf-ray"];

// Of another origin a page reads what that exposes, and cannot see whether there is more (Fetch standard, "CORS filtered response").
function hiddenIn({ url, responseHeaders }: HttpExchange): string[] {
  if (URL.parse(url)?.origin === self.location.origin) return [];
  return READ_BY_CLIENTS.filter((name) => !responseHeaders.some(([read]) => read === name));
}

/** Headers that say something else than the body does. */
export function differing(message: Message, http: HttpExchange | undefined): { header: string; body: string }[] {
  const { method, params = {} } = message;
  const meta = params["_meta"];
  const named = params["name"] ?? params["uri"] ?? params["taskId"];
  const inBody: Record<string, unknown> = {
    "mcp-method": method,
    "mcp-name": named,
    "mcp-protocol-version": isObject(meta as Json) ? (meta as Record<string, unknown>)["io.modelcontextprotocol/protocolVersion"] : undefined,
  };
  const values = new Set(leaves(params["arguments"]));
  return (http?.requestHeaders ?? []).flatMap(([name, value]) => {
    const isParameter = name.startsWith("mcp-param-");
    const said = decoded(value);
    if (isParameter && !values.has(said)) return [{ header: `${name}: ${value}`, body: "arguments" }];
    const body = inBody[name];
    // An older version has this header and no such member.
    if (body === undefined && (name === "mcp-protocol-version" || !(name in inBody))) return [];
    return isParameter || body === said ? [] : [{ header: `${name}: ${value}`, body: String(body ?? "") }];
  });
}

function leaves(value: unknown): string[] {
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(leaves);
  return value === undefined || value === null ? [] : [String(value)];
}

function decoded(value: string): string {
  const base64 = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  return (base64 === undefined ? undefined : textFromBase64(base64)) ?? value;
}

/** A trace as a file, with masks in place of secrets. */
export function exported(trace: Trace): Blob {
  const entries = [...trace.entries].map((entry) => JSON.stringify(trace.shown(entry)));
  const head = JSON.stringify({ format: FORMAT, version: 1, exported: new Date().toISOString() }).slice(0, -1);
  return new Blob([head, ',"entries":[\n', entries.join(",\n"), "\n]}\n"], { type: "application/json" });
}

/** Takes a trace from a file, to be shown and nothing else. */
export async function imported(traces: Traces, file: Blob): Promise<TraceRow[]> {
  if (file.size > MAX_FILE_BYTES) throw new Error(`The file has more than ${MAX_FILE_BYTES} bytes.`);
  const read = parse(await file.text());
  const entries = isObject(read) && read["format"] === FORMAT ? read["entries"] : undefined;
  if (!Array.isArray(entries)) throw new Error("This file has no trace of a playground.");
  const taken = entries.slice(-MAX_ENTRIES).map(entryOf);
  const trace = new Trace(() => {});
  trace.take(taken);
  for (const entry of taken) {
    const found = deviationsIn(entry);
    if (found && found.length > 0) entry.deviations = found.length;
  }
  traces.file = trace;
  return trace.rows();
}

const DIRECTIONS = ["out", "in", "http", "note"] as const;
const STEPS: SignInStep[] = ["resource", "server", "registration", "authorize", "answer", "token", "renewal", "revocation"];

// A file says what it likes: each member is taken only if it is of its type.
function entryOf(given: Json, at: number): Recorded {
  const from = isObject(given) ? given : {};
  const text = (name: string) => (typeof from[name] === "string" ? { [name]: from[name] } : {});
  const number = (name: string) => (typeof from[name] === "number" && Number.isFinite(from[name]) ? { [name]: from[name] } : {});
  const flag = (name: string) => (from[name] === true ? { [name]: true } : {});
  const direction = DIRECTIONS.find((known) => known === from["direction"]) ?? "note";
  const step = STEPS.find((known) => known === from["step"]);
  const stream = from["stream"];
  const http = isObject(from["http"]) ? exchangeOf(from["http"]) : undefined;
  return {
    number: at + 1,
    at: 0,
    title: "",
    isFault: from["isFault"] === true,
    direction,
    ...text("title"),
    ...number("number"),
    ...number("at"),
    ...number("bytes"),
    ...number("ms"),
    ...number("partner"),
    ...text("version"),
    ...text("id"),
    ...number("id"),
    ...text("body"),
    ...text("answer"),
    ...flag("isCut"),
    ...flag("isGone"),
    ...(step ? { step } : {}),
    ...(isObject(stream) && typeof stream["of"] === "number" ? { stream: { kind: stream["kind"] === "json" ? ("json" as const) : ("events" as const), of: stream["of"], ...(typeof stream["event"] === "string" ? { event: stream["event"] } : {}) } } : {}),
    ...(http ? { http } : {}),
  };
}

function exchangeOf(from: { [name: string]: Json }): HttpExchange | undefined {
  const url = typeof from["url"] === "string" ? URL.parse(from["url"]) : undefined;
  if (!url || typeof from["method"] !== "string") return undefined;
  const isPair = (pair: Json): pair is [string, string] => Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === "string");
  const headers = (name: string) => (Array.isArray(from[name]) ? from[name].filter(isPair) : []);
  return { method: from["method"], url: url.href, requestHeaders: headers("requestHeaders"), responseHeaders: headers("responseHeaders"), ...(typeof from["status"] === "number" ? { status: from["status"] } : {}) };
}
