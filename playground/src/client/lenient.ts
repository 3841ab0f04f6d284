// The SDK's client, which here takes results as they are: what is against the specification is shown, too.
import { Client, type RequestOptions } from "@modelcontextprotocol/client";
import type { TaskInfo } from "../protocol.ts";
import type { InputRequired } from "./rounds.ts";
import type { Streams } from "./streams.ts";

/** Options of a request that belongs to a call. */
export type CallOptions = RequestOptions & { call?: number };

export type AnyRequest = (request: { method: string }, ...more: unknown[]) => Promise<unknown>;

const ANYTHING = { "~standard": { version: 1, vendor: "durable-mcp", validate: (value: unknown) => ({ value }) } } as const;

/** A client that takes any result of what the person asked for, and tells of what call each request is. */
export function lenientClient(streams: Streams, logLevel: () => string, ...given: ConstructorParameters<typeof Client>): Client {
  const client = new Client(...given);
  const request = client.request.bind(client) as unknown as AnyRequest;
  const lenient: AnyRequest = (asked, ...more) => {
    if (!/^(tools|resources|prompts|completion|tasks)\//.test(asked.method)) return request(asked, ...more);
    return streams.during((more[0] as CallOptions | undefined)?.call, () => request(client.getProtocolEra() === "modern" ? withLogLevel(asked, logLevel()) : asked, ANYTHING, ...more));
  };
  client.request = lenient as never;
  return client;
}

// In 2026-07-28 each request says which log messages are wanted with its answer.
const withLogLevel = <Sent extends { method: string; params?: { _meta?: object } }>(sent: Sent, level: string): Sent =>
  level === "" ? sent : { ...sent, params: { ...sent.params, _meta: { ...sent.params?._meta, "io.modelcontextprotocol/logLevel": level } } };

export const isInputRequired = (result: unknown): result is InputRequired => (result as InputRequired | undefined)?.resultType === "input_required";

/** Marks a result of another type than the SDK knows, which is no fault of it. */
const OTHER = Symbol("other type");

/** The least that the SDK takes as a result of any request. */
const SHELL = { resultType: "complete", ttlMs: 0, cacheScope: "private", content: [], contents: [], messages: [], tools: [], resources: [], resourceTemplates: [], prompts: [], completion: { values: [] } };

// The SDK rejects results of types that it does not know, and in 2026-07-28 all that are not to the letter: those are put into one that
// it takes, to be shown as they are.
export function wrapResult<M>(message: M, isStrict: boolean): M {
  const { result } = message as { result?: { resultType?: unknown; supportedVersions?: unknown } };
  if (typeof result !== "object" || result === null || result.resultType === "input_required" || result.supportedVersions) return message;
  if (!isStrict && (typeof result.resultType !== "string" || result.resultType === "complete")) return message;
  return { ...message, result: { ...SHELL, [OTHER]: result } };
}

export const unwrapResult = (result: unknown): unknown => (result as { [OTHER]?: unknown } | undefined)?.[OTHER] ?? result;

export const isTaskInfo = (task: unknown): task is TaskInfo => !("resultType" in (task as object)) && "era" in (task as object);

// In 2026-07-28 it is a type of results; in 2025-11-25 the member that the result of such a call has.
export function isTask(result: unknown): boolean {
  const { [OTHER]: other, content, task } = (result ?? {}) as { [OTHER]?: { resultType?: unknown }; content?: unknown; task?: { taskId?: unknown } };
  return other ? isTaskInfo(other) || other.resultType === "task" : content === undefined && typeof task?.taskId === "string";
}

/** A task in place of the result that begins it. */
export const wrapTask = (task: TaskInfo): unknown => ({ [OTHER]: task });
