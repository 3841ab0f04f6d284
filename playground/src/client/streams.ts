// Which call a server's request belongs to: the one on whose stream it came.

type Id = string | number;

/** Characters of a line that is looked at: requests are shorter. */
const MAX_LINE_CHARS = 1_000_000;

export class Streams {
  #callOf = new Map<Id, number>();
  #sending: number | undefined;
  #origins = new Map<Id, Id>();

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

  /** A request is sent. */
  sent(id: Id): void {
    if (this.#sending !== undefined) this.#callOf.set(id, this.#sending);
  }

  /** The call on whose stream a request of the server came. */
  callOf(id: Id): number | undefined {
    const origin = this.#origins.get(id);
    return origin === undefined ? undefined : this.#callOf.get(origin);
  }

  /** Notes the server's requests on the stream that answers a request. */
  watch(request: Id, response: Response): void {
    const { body } = response;
    if (!body || !this.#callOf.has(request) || !/^text\/event-stream/i.test(response.headers.get("content-type") ?? "")) return;
    const decoder = new TextDecoder();
    let line = "";
    const note = (chunk: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>) => {
      const [rest = "", ...lines] = decoder.decode(chunk, { stream: true }).split(/\r\n|\r|\n/);
      if (line.length < MAX_LINE_CHARS) line += rest;
      for (const next of lines) {
        this.#read(line, request);
        line = next;
      }
      controller.enqueue(chunk);
    };
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({ transform: note });
    // A stream that breaks off does so on its other end, too.
    void body.pipeTo(writable).catch(() => {});
    Object.defineProperty(response, "body", { value: readable });
  }

  #read(line: string, request: Id): void {
    if (!line.startsWith("data:") || !line.includes('"method"')) return;
    try {
      const { id, method } = JSON.parse(line.slice(5)) as { id?: Id; method?: string };
      if (id !== undefined && method !== undefined) this.#origins.set(id, request);
    } catch {
      // It goes on in the next line, or is none.
    }
  }
}
