// The page's side of the Web Worker.
import type { FromWorker, OperationName, Operations, Problem, ToWorker } from "../protocol.ts";

declare const CLIENT_URL: string;

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

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
    // This is the one address that any script of the page is loaded from after its start.
    const rules = { createScriptURL: (url: string) => (url === CLIENT_URL ? url : "") };
    const types = (window as unknown as { trustedTypes?: TrustedTypes }).trustedTypes;
    const policy = types ? types.createPolicy("client", rules) : rules;
    this.#worker = new Worker(policy.createScriptURL(CLIENT_URL), { type: "module", name: "client" });
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
