// The events of a stream (HTML standard, "server-sent events"), read beside their real reader.

export interface StreamEvent {
  /** The name of the event, "message" unless it has another. */
  name: string;
  data: string;
  id: string | undefined;
}

export class EventReader {
  #hear: (event: StreamEvent) => void;
  #decoder = new TextDecoder();
  /** The line that has not ended yet, in parts: joined once, it takes linear time. */
  #line: string[] = [];
  #endsWithReturn = false;
  #data: string[] = [];
  #name = "message";
  #id: string | undefined;

  /** Whether the stream can be resumed after its last event. */
  get isResumable(): boolean {
    return this.#id !== undefined;
  }

  constructor(hear: (event: StreamEvent) => void) {
    this.#hear = hear;
  }

  take(chunk: Uint8Array): void {
    const text = this.#decoder.decode(chunk, { stream: true });
    let from = this.#endsWithReturn && text.startsWith("\n") ? 1 : 0;
    if (text !== "") this.#endsWithReturn = text.endsWith("\r");
    for (const end of text.matchAll(/\r\n|\r|\n/g)) {
      if (end.index < from) continue;
      this.#line.push(text.slice(from, end.index));
      from = end.index + end[0].length;
      this.#take(this.#line.join(""));
      this.#line = [];
    }
    if (from < text.length) this.#line.push(text.slice(from));
  }

  #take(line: string): void {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#name = value || "message";
    else if (field === "id" && !value.includes("\0")) this.#id = value;
  }

  #dispatch(): void {
    const [data, name] = [this.#data, this.#name];
    [this.#data, this.#name] = [[], "message"];
    if (data.length > 0) this.#hear({ name, data: data.join("\n"), id: this.#id });
  }
}

/**
 * Has `hear` told of each event of a response, before whoever reads it; `last` may add an event where it ends for good, or breaks off
 * (`isCut`), without a way to resume it.
 */
export function observeEvents(response: Response, hear: (event: StreamEvent) => void, last: (isCut: boolean) => string | undefined): void {
  const { body } = response;
  if (!body) return;
  const reader = new EventReader(hear);
  let isOver = false;
  const ending = (isCut: boolean): Uint8Array | undefined => {
    const data = reader.isResumable || isOver ? undefined : last(isCut);
    isOver = true;
    return data === undefined ? undefined : new TextEncoder().encode(`\n\ndata: ${data}\n\n`);
  };
  let addition: Uint8Array | undefined;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      reader.take(chunk);
      controller.enqueue(chunk);
    },
    flush(controller) {
      addition ??= ending(false);
      if (addition) controller.enqueue(addition);
    },
  });
  // A stream that breaks off does so on its other end, too, unless an event can be said to be its last.
  const broken = (error: unknown) => {
    addition = error instanceof DOMException && error.name === "AbortError" ? undefined : ending(true);
    return addition ? writable.close() : writable.abort(error);
  };
  void body.pipeTo(writable, { preventAbort: true }).catch(broken).catch(() => {});
  Object.defineProperty(response, "body", { value: readable });
}
