// Tasks: calls that go on after their request is over. Of the extension of 2026-07-28, and of 2025-11-25.
import { messageOf } from "../error-message.ts";
import { SdkError, SdkErrorCode, SdkHttpError } from "@modelcontextprotocol/client";
import type { TaskInfo, TaskPage } from "../protocol.ts";
import { MAX_TIMER_MS } from "./backoff.ts";
import { TaskFailed } from "./problem.ts";
import { CallEnded, TaskLeft } from "./questions.ts";
import { isFetchFailure } from "./recovery.ts";

/** Milliseconds between two polls where the server names none, and the fewest. */
const POLL_MS = 1000;
const MIN_POLL_MS = 200;

/** Milliseconds to which the pause grows while the server cannot be reached. */
const MAX_PAUSE_MS = 30_000;

export interface Steps {
  request(method: string, params: object): Promise<unknown>;
  /** The result of a task of 2025-11-25, which is waited for. Its questions come on the same stream. */
  result(taskId: string): Promise<unknown>;
  ask(method: string, params: unknown, signal: AbortSignal): Promise<unknown>;
  tell(task: TaskInfo): void;
  note(text: string): void;
  /** Ends the following: the person cancelled, or the connection ended. */
  signal: AbortSignal;
  isLeft(): boolean;
}

/** A task as its server describes it. */
interface WireTask {
  taskId: string;
  status?: unknown;
  statusMessage?: unknown;
  createdAt?: unknown;
  ttlMs?: unknown;
  ttl?: unknown;
  pollIntervalMs?: unknown;
  pollInterval?: unknown;
  inputRequests?: Record<string, { method?: unknown; params?: unknown }>;
  result?: unknown;
  error?: { code?: unknown; message?: unknown; data?: unknown };
}

/** The task that a result begins. */
export function begunTask(result: unknown): TaskInfo {
  const { resultType, task } = result as { resultType?: unknown; task?: WireTask };
  return resultType === "task" ? described(result as WireTask, "modern") : described(task as WireTask, "legacy");
}

/** A page of the tasks of a server of 2025-11-25. What is no task is left out. */
export function taskPage(result: unknown): TaskPage {
  const { tasks, nextCursor } = (result ?? {}) as { tasks?: unknown; nextCursor?: unknown };
  const listed = Array.isArray(tasks) ? tasks.flatMap((task: unknown) => legacyTask(task) ?? []) : [];
  return { tasks: listed, ...(typeof nextCursor === "string" ? { next: nextCursor } : {}) };
}

/** A task as a server of 2025-11-25 lists it, or tells of it by itself. */
export function legacyTask(task: unknown): TaskInfo | undefined {
  const { taskId } = (task ?? {}) as { taskId?: unknown };
  return typeof taskId === "string" ? described(task as WireTask, "legacy") : undefined;
}

function described(task: WireTask, era: TaskInfo["era"]): TaskInfo {
  const [ttl, interval] = era === "modern" ? [task.ttlMs, task.pollIntervalMs] : [task.ttl, task.pollInterval];
  return {
    id: String(task.taskId),
    era,
    status: String(task.status ?? "working"),
    ...(typeof task.statusMessage === "string" ? { message: task.statusMessage } : {}),
    ...(typeof task.createdAt === "string" ? { createdAt: task.createdAt } : {}),
    ...(typeof ttl === "number" ? { ttl } : {}),
    ...(typeof interval === "number" ? { interval } : {}),
  };
}

/** Polls a task until it has ended, and gives its result. */
export async function follow(task: TaskInfo, steps: Steps): Promise<unknown> {
  const follower = task.era === "modern" ? new Follower(task, steps) : new SessionFollower(task, steps);
  try {
    return await follower.run();
  } catch (error) {
    if (steps.isLeft()) throw new TaskLeft("The connection has ended, and the task goes on.");
    if (steps.signal.aborted || error instanceof CallEnded) await follower.cancel();
    throw error;
  } finally {
    follower.end();
  }
}

class Follower {
  protected readonly task: TaskInfo;
  protected readonly steps: Steps;
  #asked = new Map<string, AbortController>();
  #fail: (error: unknown) => void = () => {};
  /** Fails with what an answer to a question fails with. */
  #failure = new Promise<never>((_, fail) => (this.#fail = fail));

  constructor(task: TaskInfo, steps: Steps) {
    this.task = task;
    this.steps = steps;
    this.#failure.catch(() => {});
    const stop = () => this.#fail(steps.signal.reason);
    if (steps.signal.aborted) stop();
    else steps.signal.addEventListener("abort", stop);
  }

  async run(): Promise<unknown> {
    let { interval } = this.task;
    this.steps.tell(this.task);
    for (let pause = 0; ; ) {
      await this.unlessFailed(sleep(Math.max(interval ?? POLL_MS, MIN_POLL_MS, pause)));
      const now = await this.unlessFailed(this.#now());
      // Between two polls of a server that was out of reach the pause grows.
      pause = now ? 0 : Math.min(Math.max(pause, POLL_MS) * 2, MAX_PAUSE_MS);
      if (!now) continue;
      const info = described(now, this.task.era);
      interval = info.interval;
      this.steps.tell(info);
      const outcome = await this.unlessFailed(this.outcome(now));
      if (outcome) return outcome.result;
    }
  }

  /** Tells the server to end it. What became of it is told, whatever that is. */
  async cancel(): Promise<void> {
    const { taskId } = this.named;
    try {
      await this.steps.request("tasks/cancel", { taskId });
      this.steps.tell(described((await this.steps.request("tasks/get", { taskId })) as WireTask, this.task.era));
    } catch (error) {
      this.steps.note(`tasks/cancel: ${messageOf(error)}`);
    }
  }

  /** Withdraws its questions. */
  end(): void {
    for (const stop of this.#asked.values()) stop.abort();
  }

  protected get named(): { taskId: string } {
    return { taskId: this.task.id };
  }

  protected unlessFailed<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#failure]);
  }

  async #now(): Promise<WireTask | undefined> {
    try {
      return (await this.steps.request("tasks/get", this.named)) as WireTask;
    } catch (error) {
      if (!isPassing(error)) throw error;
      return undefined;
    }
  }

  /** The result, once the task has ended. */
  protected async outcome(now: WireTask): Promise<{ result: unknown } | undefined> {
    this.#askAll(now.status === "input_required" ? (now.inputRequests ?? {}) : {});
    if (now.status === "completed") return { result: now.result };
    if (now.status === "cancelled") throw cancelled();
    if (now.status !== "failed") return undefined;
    const { code, message, data } = now.error ?? {};
    throw new TaskFailed(typeof code === "number" ? code : -32603, String(message ?? now.statusMessage ?? ""), data);
  }

  // Each question is asked once, and withdrawn when the server does not ask it any more.
  #askAll(requests: NonNullable<WireTask["inputRequests"]>): void {
    for (const [key, stop] of this.#asked) if (!Object.hasOwn(requests, key)) stop.abort();
    for (const [key, { method, params }] of Object.entries(requests)) {
      if (this.#asked.has(key)) continue;
      const stop = new AbortController();
      this.#asked.set(key, stop);
      this.#answer(key, String(method), params, stop.signal).catch((error: unknown) => stop.signal.aborted || this.#fail(error));
    }
  }

  async #answer(key: string, method: string, params: unknown, signal: AbortSignal): Promise<void> {
    const answer = await this.steps.ask(method, params, signal);
    await this.steps.request("tasks/update", { ...this.named, inputResponses: { [key]: answer } });
  }
}

// On a session the result is waited for: that is where questions come, and it is given once.
class SessionFollower extends Follower {
  #result: Promise<unknown> | undefined;

  protected override async outcome(now: WireTask): Promise<{ result: unknown } | undefined> {
    const { status } = now;
    if (status === "cancelled") throw cancelled();
    if (status === "working") return undefined;
    this.#result ??= this.steps.result(this.task.id);
    this.#result.catch(() => {});
    if (status === "input_required") return undefined;
    try {
      return { result: await this.#result };
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#result = undefined;
      return undefined;
    }
  }
}

const cancelled = () => new DOMException("The task was cancelled.", "AbortError");

const sleep = (ms: number) => new Promise((done) => setTimeout(done, Math.min(ms, MAX_TIMER_MS)));

// The task goes on while its server cannot be reached.
function isPassing(error: unknown): boolean {
  if (error instanceof SdkHttpError) return error.status === 429 || (error.status ?? 0) >= 500;
  return isFetchFailure(error) || (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout);
}
