// JSON whose numbers keep their digits. A number that a double cannot hold is a raw JSON value, where the browser has those.
import { messageOf } from "./error-message.ts";

export type Json = null | boolean | number | string | RawNumber | Json[] | { [name: string]: Json };

/** A number kept as its text. `JSON.stringify` writes that text. */
export interface RawNumber {
  readonly rawJSON: string;
}

interface RawJson {
  rawJSON?(text: string): RawNumber;
  isRawJSON?(value: unknown): boolean;
}

const raw = JSON as unknown as RawJson;

/** A JSON text that cannot be read, with the place where that shows, if the engine tells it. */
export class JsonProblem extends Error {
  line: number | undefined;
  column: number | undefined;

  constructor(message: string, line?: number, column?: number) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

export const isRaw = (value: unknown): value is RawNumber => raw.isRawJSON?.(value) === true;

export const isNumber = (value: unknown): value is number | RawNumber => typeof value === "number" || isRaw(value);

export const isObject = (value: unknown): value is { [name: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isRaw(value);

/** Reads a JSON text. */
export function parse(text: string): Json {
  try {
    return JSON.parse(text, keepDigits as (name: string, value: unknown) => unknown) as Json;
  } catch (error) {
    throw located(text, error);
  }
}

// Engines that have the source give it as the third argument.
function keepDigits(_: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined || !raw.rawJSON) return value;
  return isExact(context.source, value) ? value : raw.rawJSON(context.source);
}

/** Writes a value as JSON. */
/** The value of a text, if it is JSON. */
export function parsed(text: string): Json | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

export const write = (value: Json, indent?: number): string => JSON.stringify(value, undefined, indent) ?? "null";

/** A number's digits as they are sent. */
export const digits = (value: number | RawNumber): string => (isRaw(value) ? value.rawJSON : String(value));

/** The number that somebody typed, or nothing if that is none that JSON or a receiver can hold. */
export function numberOf(text: string): number | RawNumber | undefined {
  const trimmed = text.trim().replace(/^\+/, "");
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(trimmed)) return undefined;
  const value = Number(trimmed);
  if (!Number.isFinite(value)) return undefined;
  return isExact(trimmed, value) || !raw.rawJSON ? value : raw.rawJSON(trimmed);
}

// Only integers lose what matters: a fraction is rounded by every receiver.
function isExact(source: string, value: number): boolean {
  return !/^-?\d+$/.test(source) || Number.isSafeInteger(value) || BigInt(source) === BigInt(value) && String(value) === source;
}

/** Whether two values are the same JSON, whatever the order of members. */
export function isEqual(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (isNumber(one) && isNumber(other)) return digits(one) === digits(other);
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, at) => isEqual(item, other[at]));
  if (!isObject(one) || !isObject(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && isEqual(one[name], other[name]));
}

function located(text: string, error: unknown): JsonProblem {
  const before = text.slice(0, endOfJson(text)).split("\n");
  return new JsonProblem(messageOf(error), before.length, (before.at(-1)?.length ?? 0) + 1);
}

const TOKEN = /[ \t\r\n]*(?:([[{\]}:,])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|$)/y;

// Where a text stops being JSON. Engines name the place in different ways, or not at all.
function endOfJson(text: string): number {
  const open: string[] = [];
  let expected: "value" | "name" | "colon" | "more" = "value";
  let mayClose = false;
  for (let at = 0; ; ) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text);
    const start = at + (/^[ \t\r\n]*/.exec(text.slice(at))?.[0].length ?? 0);
    if (!token || start >= text.length) return start;
    const [, mark, scalar] = token;
    const inside = open.at(-1);
    if (scalar !== undefined) {
      if (expected === "name" && scalar.startsWith('"')) expected = "colon";
      else if (expected === "value") expected = "more";
      else return start;
    } else if (mark === "[" || mark === "{") {
      if (expected !== "value") return start;
      open.push(mark);
      expected = mark === "{" ? "name" : "value";
    } else if (mark === "]" || mark === "}") {
      if (inside !== (mark === "]" ? "[" : "{") || !(expected === "more" || mayClose)) return start;
      open.pop();
      expected = "more";
    } else if (mark === ":") {
      if (expected !== "colon") return start;
      expected = "value";
    } else {
      if (expected !== "more" || inside === undefined) return start;
      expected = inside === "{" ? "name" : "value";
    }
    mayClose = mark === "[" || mark === "{";
    at = TOKEN.lastIndex;
  }
}
