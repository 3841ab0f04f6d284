// Bringing a connection back: after the network was gone, or the server had ended the session. No call is repeated.
import { SdkError, SdkErrorCode, SdkHttpError, SseError } from "@modelcontextprotocol/client";
import { MAX_TIMER_MS } from "./backoff.ts";
import type { Problem, ServerInfo } from "../protocol.ts";

const FIRST_SECONDS = 1;
const MAX_SECONDS = 30;

/** The server had forgotten the session before it took the request. */
export class SessionGone extends Error {}

/** The connection, for its recovery. */
export interface Recoverable {
  /** Asks for a sign of life. */
  ping(): Promise<unknown>;
  /** Opens the connection anew, with a session of its own. */
  reopen(): Promise<ServerInfo>;
  isSessionGone(error: unknown): boolean;
  problemOf(error: unknown): Promise<Problem>;
  /** The server cannot be reached, and is tried again after so many seconds. */
  lost(seconds: number): void;
  /** The server is there; `info` is of a new session. */
  found(info: ServerInfo | undefined): void;
  gone(problem: Problem): void;
}

export class Recovery {
  #of: Recoverable;
  #isRunning = false;
  #isStopped = false;
  /** Whether the connection has to be opened anew. */
  #isNew = false;
  #alarm = new EventTarget();

  constructor(of: Recoverable) {
    this.#of = of;
  }

  /** Tries at once, and then ever more seldom, until the server answers. */
  async begin(isRenewal: boolean): Promise<void> {
    if (this.#isStopped) return;
    if (isRenewal && !this.#isNew) {
      this.#isNew = true;
      this.#alarm.dispatchEvent(new Event("renewal"));
    }
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      await this.#run();
    } finally {
      this.#isRunning = false;
      this.#isNew = false;
    }
  }

  /** Tries at once, if it waits. */
  wake(): void {
    this.#alarm.dispatchEvent(new Event("wake"));
  }

  stop(): void {
    this.#isStopped = true;
    this.wake();
  }

  /** Waits between two attempts, unless it is woken. */
  pause(seconds: number): Promise<void> {
    return new Promise((done) => {
      const end = () => {
        clearTimeout(timer);
        this.#alarm.removeEventListener("wake", end);
        done();
      };
      const timer = setTimeout(end, Math.min(seconds * 1000, MAX_TIMER_MS));
      this.#alarm.addEventListener("wake", end);
    });
  }

  /** A sign of life. A connection that has to be opened anew may take the question, and never answer. */
  async #pinged(): Promise<undefined> {
    const ended = new AbortController();
    const renewal = new Promise<void>((done) => this.#alarm.addEventListener("renewal", () => done(), { signal: ended.signal }));
    await Promise.race([this.#of.ping(), renewal]).finally(() => ended.abort());
  }

  async #run(): Promise<void> {
    let wasLost = false;
    for (let seconds = FIRST_SECONDS; !this.#isStopped; ) {
      const isNew = this.#isNew;
      try {
        const info = isNew ? await this.#of.reopen() : await this.#pinged();
        if (!isNew && this.#isNew) continue;
        if (!this.#isStopped && (isNew || wasLost)) this.#of.found(info);
        return;
      } catch (error) {
        if (this.#isStopped) return;
        wasLost = true;
        if (!isNew && this.#of.isSessionGone(error)) this.#isNew = true;
        else if (!isNew && this.#isNew) continue;
        else if (isUnreachable(error)) {
          this.#of.lost(seconds);
          await this.pause(seconds);
          seconds = Math.min(seconds * 2, MAX_SECONDS);
        } else if (isNew) return this.#of.gone(await this.#of.problemOf(error));
        // Whatever it says, it is there.
        else return this.#of.found(undefined);
      }
    }
  }
}

/** Whether nobody answered, as far as a browser tells. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof SseError) return error.code === undefined;
  if (error instanceof SdkError && !(error instanceof SdkHttpError)) return error.code === SdkErrorCode.RequestTimeout;
  return isFetchFailure(error);
}

export function isFetchFailure(error: unknown): boolean {
  for (let at: unknown = error, step = 0; at instanceof Error && step < 8; at = at.cause, step++) if (at.name === "TypeError") return true;
  return false;
}
