// Which call a server's request belongs to: the one on whose stream it came.
import { BoundedMap } from "../bounded.ts";

type Id = string | number;

/** Characters of an event that is looked at: requests are shorter. */
const MAX_CHARS = 1_000_000;

/** Requests that have no answer, and those of a server that came with them. Some never have one, such as those of calls that were cancelled. */
const MAX_OPEN = 10_000;

export class Streams {
  #callOf = new BoundedMap<Id, number>(MAX_OPEN);
  #sending: number | undefined;
  #origins = new BoundedMap<Id, Id>(MAX_OPEN);

  /** Has requests that `work` sends at once belong to a call. */
  during<T>(call: number | undefined, work: () => T): T {
    const before = this.#sending;
    this.#sending = call;
    try {
      return work();
    } finally {
      this.#sending = before;
    }
  }

  /** A request is sent. Connections count their requests anew: what an earlier one had by that id is over. */
  sent(id: Id): void {
    if (this.#sending === undefined) this.#callOf.delete(id);
    else this.#callOf.set(id, this.#sending);
  }

  /** The call that a request of this side was sent for. */
  sentFor(id: Id): number | undefined {
    return this.#callOf.get(id);
  }

  /** A call has its outcome: nothing more is looked for on its streams. */
  ended(call: number): void {
    for (const [id, of] of this.#callOf) if (of === call) this.#callOf.delete(id);
  }

  /** The call on whose stream a request of the server came, which is asked once. */
  callOf(id: Id): number | undefined {
    const origin = this.#origins.get(id);
    this.#origins.delete(id);
    return origin === undefined ? undefined : this.#callOf.get(origin);
  }

  /** Notes an event on the stream that answers a request: it may be a request of the server. */
  heard(request: Id, data: string): void {
    if (!this.#callOf.has(request) || data.length > MAX_CHARS || !data.includes('"method"')) return;
    try {
      const { id, method } = JSON.parse(data) as { id?: Id; method?: string };
      if (id !== undefined && method !== undefined) this.#origins.set(id, request);
    } catch {
      // The event has no message.
    }
  }
}
