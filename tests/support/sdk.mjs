// Clients of both generations of the TypeScript SDK, as tests need them.
import { WAIT_MS, bounded } from "./wait.mjs";
import { Conversation } from "./wire.mjs";

/**
 * The transport, whose messages from the server are checked by the protocol's schemas. The SDK would keep what is
 * thrown at it for itself, so it is `close` that fails if one was invalid.
 */
export function checked(transport) {
  const conversation = new Conversation();
  const { send, close } = transport;
  let onmessage;
  let invalid;
  transport.send = (message, ...rest) => {
    for (const each of [message].flat()) conversation.asked(each);
    return send.call(transport, message, ...rest);
  };
  transport.close = async () => {
    await close.call(transport);
    if (invalid) throw invalid;
  };
  Object.defineProperty(transport, "onmessage", {
    get: () => onmessage,
    set: (listener) => {
      const checking = (message, ...rest) => {
        try {
          conversation.heard(message);
        } catch (error) {
          invalid ??= error;
        }
        listener(message, ...rest);
      };
      onmessage = listener && checking;
    },
  });
  return transport;
}

/**
 * Collects every message that a connected transport hands to its client.
 *
 * The SDK's own `onprogress` does not tell what came: when progress and the result arrive in one packet of an
 * `EventSource`, it has forgotten the callback before it would call it.
 */
export function record(transport) {
  const messages = [];
  const { onmessage } = transport;
  transport.onmessage = (message, ...rest) => {
    messages.push(message);
    onmessage(message, ...rest);
  };
  return messages;
}

/** The messages of one call in short: the number of each progress, then `"result"`. */
export function steps(messages) {
  return messages.flatMap((message) => {
    if (message.method === "notifications/progress") return [message.params.progress];
    return message.result ? ["result"] : [];
  });
}

/** The session that a result names because its call began it; none for a client whose transport has a session. */
export function begun({ content }) {
  return /\bsession = "([^"]+)"/.exec(content.at(-1).text)?.[1];
}

/** Messages that the SDK's client does not know, such as those of tasks, through a transport that is not connected to one. */
export class RawDispatch {
  #transport;
  #waiting = new Map();
  #last = 0;

  constructor(transport) {
    this.#transport = checked(transport);
    transport.onmessage = (message) => this.#waiting.get(message.id)?.(message);
  }

  start() {
    return this.#transport.start();
  }

  /** Sends a request without an id: `{ kind: "result", result }` or `{ kind: "error", error }`. */
  dispatch = async (request, { signal } = {}) => {
    const id = `raw-${(this.#last += 1)}`;
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    await this.#transport.send({ jsonrpc: "2.0", id, ...request }, { requestSignal: signal });
    const { error, result } = await bounded(answer, WAIT_MS, `the answer to ${request.method}`);
    return error ? { kind: "error", error } : { kind: "result", result };
  };

  close() {
    return this.#transport.close();
  }
}
