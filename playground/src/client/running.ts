// A call under way: what stops it, and how long it may take.
import { SdkError, SdkErrorCode } from "@modelcontextprotocol/client";
import type { Target } from "../protocol.ts";

/** For the SDK's own limit: the longest that a timer can be. */
export const UNLIMITED_MS = 2 ** 31 - 1;

/** Seconds that it may take, and whether each progress counts them anew. */
type Limit = Pick<Target, "seconds" | "isExtended">;

export class Running {
  #stop = new AbortController();
  #limit: Limit;
  #isPatient: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the call became a task, whose time has no limit here. */
  isTask = false;
  /** Whether the call ended with the connection. */
  isLeft = false;
  /** Set once it was stopped: why. */
  cause: Error | undefined;

  /** `isPatient` tells whether time does not count now, as while the person is asked. */
  constructor(limit: Limit, isPatient: () => boolean) {
    this.#limit = limit;
    this.#isPatient = isPatient;
    this.restart();
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Counts the time anew. */
  restart(): void {
    clearTimeout(this.#timer);
    const { seconds } = this.#limit;
    this.#timer = setTimeout(() => {
      if (this.isTask || this.#isPatient()) this.restart();
      else this.#end(new SdkError(SdkErrorCode.RequestTimeout, `There was no answer in ${seconds} s.`));
    }, seconds * 1000);
  }

  /** Some progress was made. */
  progressed(): void {
    if (this.#limit.isExtended) this.restart();
  }

  cancel(): void {
    this.#end(new DOMException("The call was cancelled.", "AbortError"));
  }

  leave(): void {
    this.isLeft = true;
    this.cancel();
  }

  done(): void {
    clearTimeout(this.#timer);
  }

  #end(cause: Error): void {
    clearTimeout(this.#timer);
    this.cause ??= cause;
    this.#stop.abort(cause);
  }
}
