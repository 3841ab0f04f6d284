// What both generations of the TypeScript SDK need from a test.

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
