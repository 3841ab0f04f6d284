// The stream of changes: `subscriptions/listen` of 2026-07-28, which is opened again whenever it ends.
import type { Client } from "@modelcontextprotocol/client";
import type { Listening, ChangeSubscription } from "../protocol.ts";
import { backoff } from "./backoff.ts";
import { messageOf } from "../error-message.ts";

/** A stream that lasted as long was a good one: the next wait is a short one. */
const GOOD_MS = 10_000;

const METHOD_NOT_FOUND = -32601;

type Stream = Awaited<ReturnType<Client["listen"]>>;

/** Keeps one stream open for what is wanted. */
export class ListenStream {
  #client: Client;
  #tell: (state: Listening) => void;
  #wanted: ChangeSubscription = { lists: [], uris: [] };
  /** Counts what was wanted: a stream of an earlier number is closed. */
  #number = 0;
  #stream: Stream | undefined;
  #wake: (() => void) | undefined;

  constructor(client: Client, tell: (state: Listening) => void) {
    this.#client = client;
    this.#tell = tell;
  }

  /** Opens the stream for this, in place of the one for something else. */
  want(wanted: ChangeSubscription): void {
    this.#wanted = wanted;
    void this.#keep(++this.#number);
  }

  /** Opens the stream anew: it may be dead without anybody having been told, as after sleep. */
  again(): void {
    if (isSomething(this.#wanted)) this.want(this.#wanted);
  }

  stop(): void {
    this.#number++;
    this.#wake?.();
  }

  async #keep(number: number): Promise<void> {
    this.#wake?.();
    const isCurrent = () => number === this.#number;
    if (!isSomething(this.#wanted)) {
      this.#tell({ state: "none" });
      return void this.#stream?.close();
    }
    for (let attempt = 0; isCurrent(); attempt++) {
      this.#tell({ state: "opening" });
      const began = Date.now();
      let message: string | undefined;
      try {
        const stream = await this.#client.listen(filterOf(this.#wanted));
        if (!isCurrent()) return void stream.close();
        // The older one ends once the newer is there, so that nothing is missed between them.
        void this.#stream?.close();
        this.#stream = stream;
        this.#tell({ state: "open", uris: stream.honoredFilter.resourceSubscriptions ?? [] });
        await stream.closed;
      } catch (error) {
        if (!isCurrent()) return;
        if ((error as { code?: unknown }).code === METHOD_NOT_FOUND) return this.#tell({ state: "none" });
        message = messageOf(error);
      }
      if (!isCurrent()) return;
      if (Date.now() - began >= GOOD_MS) attempt = 0;
      const ms = backoff(attempt);
      this.#tell({ state: "waiting", ms, ...(message === undefined ? {} : { message }) });
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => (clearTimeout(timer), resolve());
      });
    }
  }
}

const isSomething = ({ lists, uris }: ChangeSubscription): boolean => lists.length + uris.length > 0;

function filterOf({ lists, uris }: ChangeSubscription): Parameters<Client["listen"]>[0] {
  return {
    ...(lists.includes("tools") ? { toolsListChanged: true } : {}),
    ...(lists.includes("resources") ? { resourcesListChanged: true } : {}),
    ...(lists.includes("prompts") ? { promptsListChanged: true } : {}),
    ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
  };
}
