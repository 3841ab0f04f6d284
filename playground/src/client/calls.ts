// Calls of tools, reads of resources, and prompts: with their progress, the questions of the server, tasks, and what ends them.
import type { Client, RequestOptions } from "@modelcontextprotocol/client";
import { BoundedMap } from "../bounded.ts";
import { parse } from "../exact.ts";
import type { Answer, ServerQuestion, FromWorker, Progress, Target, TaskInfo, Tool } from "../protocol.ts";
import { type AnyRequest, type CallOptions, wrapTask, isInputRequired, isTask, isTaskInfo, unwrapResult } from "./lenient.ts";
import { throttle } from "./throttle.ts";
import { messageOf } from "../error-message.ts";
import { asMissing } from "./problem.ts";
import type { Questions } from "./questions.ts";
import { SessionGone } from "./recovery.ts";
import { Running, UNLIMITED_MS } from "./running.ts";
import type { Streams } from "./streams.ts";
import { bytesOf } from "./trace.ts";

/** Milliseconds between two words of a call's progress to the page. */
const PROGRESS_MS = 100;

/** Milliseconds for which a server of 2025-11-25 is asked to keep a task. */
const TASK_TTL_MS = 3_600_000;

/** Bytes of a result that goes to the page as it is: of a larger one, long texts stay. */
const MAX_SENT_BYTES = 100_000;

/** Tasks whose call is known, and calls whose results may still come: those that are under way, and some that never end. */
const MAX_TASKS = 1000;
const MAX_ENDED = 1000;

/** The connection that calls are made on, as it is at the time. */
export interface Session {
  client(): Client;
  target(): Target;
  limit(): RequestOptions;
  /** Has the person answer, if the question was offered. */
  ask(asked: ServerQuestion, signal?: AbortSignal): Promise<unknown>;
  note(text: string): void;
  /** Whether an error says that the server has ended the session. */
  isGone(error: unknown): boolean;
}

export class Calls {
  readonly #connection: number;
  readonly #tell: (message: FromWorker) => void;
  readonly #session: Session;
  readonly #questions: Questions;
  readonly #streams: Streams;
  #running = new Map<number, Running>();
  #callOfTask = new BoundedMap<string, number>(MAX_TASKS);
  /** Calls that were cancelled, or took too long: their results may still come. */
  #ended = new BoundedMap<number, true>(MAX_ENDED);

  constructor(connection: number, tell: (message: FromWorker) => void, session: Session, questions: Questions, streams: Streams) {
    this.#connection = connection;
    this.#tell = tell;
    this.#session = session;
    this.#questions = questions;
    this.#streams = streams;
  }

  /** The call that a request of the server belongs to: by its stream, its task, or as the only one. */
  callOf(request: string | number, task: string | undefined): number | undefined {
    const only = this.#running.size === 1 ? [...this.#running.keys()][0] : undefined;
    return this.#streams.callOf(request) ?? this.#callOfTask.get(task ?? "") ?? only;
  }

  /** Ends them with their connection. */
  leave(): void {
    for (const call of this.#running.values()) call.leave();
    this.#questions.withdraw();
  }

  /** Calls a tool; on a session `asTask` begins a task. `isWhole` gives long texts, too. */
  call(call: number, tool: Tool, json: string, asTask: boolean, isWhole: boolean): Promise<Answer> {
    const { outputSchema: _, ...definition } = tool;
    const toolDefinition = { inputSchema: { type: "object" }, ...definition } as never;
    return this.#run(call, (more, options) => this.#session.client().callTool({ name: tool.name, arguments: parse(json) as never, ...(asTask ? { task: { ttl: TASK_TTL_MS } } : {}), ...more }, { ...options, toolDefinition }), isWhole);
  }

  cancel(call: number): void {
    this.#running.get(call)?.cancel();
    this.#questions.withdraw(call);
  }

  read(call: number, uri: string, isWhole: boolean): Promise<Answer> {
    return this.#run(call, (more, options) => this.#session.client().request({ method: "resources/read", params: { uri, ...more } }, options), isWhole).catch((error: unknown) => {
      throw asMissing(error);
    });
  }

  prompt(call: number, name: string, values: Record<string, string>): Promise<Answer> {
    return this.#run(call, (more, options) => this.#session.client().request({ method: "prompts/get", params: { name, arguments: values, ...more } }, options));
  }

  /** Runs what may ask the person on the way. `send` sends it, with more where its answers are sent. */
  async #run(call: number, send: (more: object, options: CallOptions) => Promise<unknown>, isWhole = false): Promise<Answer> {
    const running = new Running(this.#session.target(), () => this.#questions.isOpen(call));
    const told = throttle<Progress>(PROGRESS_MS, (progress) => this.#running.has(call) && this.#tell({ connection: this.#connection, progress }));
    const options: CallOptions = {
      call,
      signal: running.signal,
      timeout: UNLIMITED_MS,
      allowInputRequired: true,
      onprogress: ({ progress, total, message }) => {
        running.progressed();
        told({ call, progress, ...(total === undefined ? {} : { total }), ...(message === undefined ? {} : { message }) });
      },
    };
    this.#running.set(call, running);
    try {
      return await measured(async () => {
        const result = await this.#answered(call, await send({}, options), (more) => (running.restart(), send(more, options)));
        return isTask(result) ? this.#follow(call, running, options, result) : unwrapResult(result);
      }, isWhole);
    } catch (error) {
      if (running.cause) this.#ended.set(call, true);
      if (this.#session.isGone(error)) throw new SessionGone(messageOf(error));
      throw (running.isTask && running.isLeft ? error : running.cause) ?? error;
    } finally {
      running.done();
      this.#running.delete(call);
      if (!this.#ended.has(call)) this.#streams.ended(call);
      this.#questions.withdraw(call);
    }
  }

  async #answered(call: number, result: unknown, send: (more: object) => Promise<unknown>): Promise<unknown> {
    if (!isInputRequired(result)) return result;
    const { answerRounds } = await import("./rounds.ts");
    return answerRounds(result, {
      send,
      ask: (method, params, round) => this.#session.ask({ method, params, call, round }),
      goOn: async (rounds) => (await this.#questions.ask({ method: "rounds", params: { rounds }, call })) === true,
    });
  }

  /** Goes on with a task that an earlier page of the tab began. */
  follow(call: number, task: TaskInfo): Promise<Answer> {
    return this.#run(call, async () => wrapTask(task));
  }

  /** Whether a message is the result of a call that has ended, which the SDK would take for a fault. It is told here. */
  isLate(message: { id?: string | number; method?: string; result?: unknown; error?: unknown }): boolean {
    const call = message.id === undefined || message.method !== undefined ? undefined : this.#streams.sentFor(message.id);
    if (call === undefined || !this.#ended.delete(call)) return false;
    this.#streams.ended(call);
    this.#tell({ connection: this.#connection, call, late: message.result ?? message.error });
    this.#session.note("This result came after its call had ended.");
    return true;
  }

  /** Takes what a server says by itself of a task. */
  async statusTold(params: unknown): Promise<void> {
    const { legacyTask } = await import("./tasks.ts");
    const task = legacyTask(params);
    const call = task && this.#callOfTask.get(task.id);
    if (task) this.#tell({ connection: this.#connection, ...(call === undefined || !this.#running.has(call) ? { taskStatus: task } : { call, task }) });
  }

  async #follow(call: number, running: Running, options: CallOptions, result: unknown): Promise<unknown> {
    running.isTask = true;
    const { begunTask, follow } = await import("./tasks.ts");
    const begun = unwrapResult(result);
    const task = isTaskInfo(begun) ? begun : begunTask(begun);
    this.#callOfTask.set(task.id, call);
    const request = async (method: string, params: object, more: CallOptions) => unwrapResult(await (this.#session.client().request as unknown as AnyRequest)({ method, params } as never, more));
    return follow(task, {
      request: (method, params) => request(method, params, this.#session.limit()),
      result: (taskId) => request("tasks/result", { taskId }, options),
      ask: (method, params, signal) => this.#session.ask({ method, params, call, task: task.id }, signal),
      tell: (task) => this.#tell({ connection: this.#connection, call, task }),
      note: (text) => this.#session.note(text),
      signal: running.signal,
      isLeft: () => running.isLeft,
    });
  }
}

async function measured(work: () => Promise<unknown>, isWhole: boolean): Promise<Answer> {
  const began = performance.now();
  const result = await work();
  const ms = Math.round(performance.now() - began);
  const bytes = bytesOf(JSON.stringify(result) ?? "");
  if (bytes <= MAX_SENT_BYTES) return { ms, bytes, result };
  return { ms, bytes, ...(await import("./long-texts.ts")).withoutLongTexts(result), ...(isWhole ? { whole: result } : {}) };
}
