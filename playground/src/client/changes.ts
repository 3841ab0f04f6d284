// Notifications of changes in both eras: of lists, and of resources that are watched.
import type { Client } from "@modelcontextprotocol/client";
import type { Listening, ChangeSubscription } from "../protocol.ts";
import { ListenStream } from "./listening.ts";
import type { StandingStream } from "./standing-stream.ts";

export class Changes {
  #client: Client;
  #standing: StandingStream | undefined;
  #stream: ListenStream | undefined;
  /** Resources of a session's subscriptions. */
  #subscribed = new Set<string>();

  constructor(client: Client, standing: StandingStream | undefined, tell: (state: Listening) => void) {
    this.#client = client;
    this.#standing = standing;
    if (client.getProtocolEra() === "modern") this.#stream = new ListenStream(client, tell);
  }

  /** Sets what is to be told. A session tells of lists by itself. */
  async watch(wanted: ChangeSubscription): Promise<void> {
    if (this.#stream) return this.#stream.want(wanted);
    for (const uri of [...this.#subscribed].filter((uri) => !wanted.uris.includes(uri))) {
      this.#subscribed.delete(uri);
      await this.#client.request({ method: "resources/unsubscribe", params: { uri } });
    }
    for (const uri of wanted.uris.filter((uri) => !this.#subscribed.has(uri))) {
      await this.#client.request({ method: "resources/subscribe", params: { uri } });
      this.#subscribed.add(uri);
    }
  }

  /** Opens the stream anew, which may be dead without a sign, as after sleep. */
  again(): void {
    if (this.#stream) this.#stream.again();
    else this.#standing?.again();
  }

  stop(): void {
    this.#stream?.stop();
  }
}
