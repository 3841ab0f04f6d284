// The page's side of the Web Worker.
import type { FromWorker, OperationName, Operations, ToWorker } from "../protocol.ts";
import { worker, isStarted } from "./client-worker.ts";
import { Failure } from "./failure.ts";

export type WorkerEvent = Exclude<FromWorker, { id: number } | { started: true }>;

const NOT_STARTED = "The script of this page's Web Worker could not be loaded, or did not start.";

export class WorkerRpc {
  #last = 0;
  /** The fault of all requests, where the Web Worker did not start. */
  #fault: string | undefined;
  #waiting = new Map<number, { resolve: (result: never) => void; reject: (failure: Failure) => void }>();

  constructor(hear: (event: WorkerEvent) => void) {
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
      if ("started" in data) return;
      if (!("id" in data)) return hear(data);
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("problem" in data) waiting?.reject(new Failure(data.problem));
      else waiting?.resolve(data.result as never);
    });
    void isStarted.then((is) => {
      if (is) return;
      this.#fault = NOT_STARTED;
      this.#rejectAll(NOT_STARTED);
      hear({ outdated: true });
    });
    worker.addEventListener("messageerror", () => this.#rejectAll("An answer of this page's Web Worker could not be read."));
  }

  ask<K extends OperationName>(connection: number, operation: K, given: Operations[K]["arguments"]): Promise<Operations[K]["result"]> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      if (this.#fault !== undefined) return reject(failureOf(this.#fault));
      this.#waiting.set(id, { resolve, reject });
      this.send({ id, connection, operation, arguments: given } as ToWorker);
    });
  }

  send(message: ToWorker): void {
    worker.postMessage(message);
  }

  // An answer that cannot be read does not say which request it was for, so all of them end.
  #rejectAll(message: string): void {
    for (const { reject } of this.#waiting.values()) reject(failureOf(message));
    this.#waiting.clear();
  }
}

const failureOf = (message: string): Failure => new Failure({ kind: "other", message });
