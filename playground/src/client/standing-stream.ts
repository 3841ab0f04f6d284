// The GET stream of a session, by which a server of the older versions sends what belongs to no call.
import type { Listening } from "../protocol.ts";
import { backoff } from "./backoff.ts";
import { EventReader } from "./events.ts";

type Fetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** A stream that lasted as long was a good one: the next wait is a short one. */
const GOOD_MS = 10_000;

/** Sees the stream among a transport's requests, and times when it is opened again. */
export class StandingStream {
  #tell: (state: Listening) => void;
  #lastEvent: string | undefined;
  #shortOnes = 0;
  #isDown = false;
  #cut: (() => void) | undefined;

  constructor(tell: (state: Listening) => void) {
    this.#tell = tell;
  }

  /** The wait before an attempt. A server that ends its stream at once is not asked every second. */
  planned(delay: number): number {
    if (!this.#isDown) return delay;
    const ms = Math.max(delay, backoff(this.#shortOnes));
    this.#tell({ state: "waiting", ms });
    return ms;
  }

  /** Ends it, so that it is opened anew: it may be dead without anybody having been told, as after sleep. */
  again(): void {
    this.#cut?.();
  }

  watched(fetch: Fetch): Fetch {
    return async (url, init) => {
      if (!this.#isStanding(init)) return fetch(url, init);
      this.#tell({ state: "opening" });
      try {
        const response = await fetch(url, init);
        if (response.ok && response.body) return this.#opened(response, response.body);
        this.#tell({ state: response.status === 405 ? "none" : "waiting" });
        this.#isDown = true;
        return response;
      } catch (error) {
        this.#isDown = true;
        this.#tell({ state: "waiting" });
        throw error;
      }
    };
  }

  // The stream of a call may be resumed by GET, too: that one names an event of its own.
  #isStanding(init: RequestInit | undefined): boolean {
    if ((init?.method ?? "GET") !== "GET") return false;
    const from = new Headers(init?.headers).get("last-event-id");
    return from === null || from === this.#lastEvent;
  }

  #opened(response: Response, body: ReadableStream<Uint8Array>): Response {
    const began = Date.now();
    const events = new EventReader(({ id }) => (this.#lastEvent = id ?? this.#lastEvent));
    this.#isDown = false;
    this.#tell({ state: "open", uris: [] });
    const ended = () => {
      this.#shortOnes = Date.now() - began >= GOOD_MS ? 0 : this.#shortOnes + 1;
      this.#isDown = true;
      this.#cut = undefined;
      this.#tell({ state: "waiting" });
    };
    const reader = body.getReader();
    const seen = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#cut = () => {
          ended();
          controller.error(new Error("The stream is opened anew."));
          void reader.cancel().catch(() => {});
        };
      },
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (done) {
            if (this.#cut) ended();
            return controller.close();
          }
          events.take(value);
          controller.enqueue(value);
        } catch (error) {
          if (this.#cut) ended();
          controller.error(error);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
    return new Response(seen, { status: response.status, headers: response.headers });
  }
}
