// The page's side of the Web Worker.
import type { FromWorker, OperationName, Operations, Problem, ToWorker } from "../protocol.ts";
import { startWorker } from "./scripts.ts";

declare const CLIENT_URL: string;

/** An operation did not work. */
export class Failure extends Error {
  problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

export type Event = Exclude<FromWorker, { id: number }>;

export class Link {
  #worker: Worker;
  #last = 0;
  #waiting = new Map<number, { resolve: (result: never) => void; reject: (failure: Failure) => void }>();

  constructor(hear: (event: Event) => void) {
    this.#worker = startWorker(CLIENT_URL, "client");
    this.#worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
      if (!("id" in data)) return hear(data);
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("problem" in data) waiting?.reject(new Failure(data.problem));
      else waiting?.resolve(data.result as never);
    });
  }

  ask<K extends OperationName>(connection: number, operation: K, given: Operations[K]["arguments"]): Promise<Operations[K]["result"]> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.send({ id, connection, operation, arguments: given } as ToWorker);
    });
  }

  send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}
