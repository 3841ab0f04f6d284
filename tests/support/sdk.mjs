// What both generations of the TypeScript SDK need from a test.
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
