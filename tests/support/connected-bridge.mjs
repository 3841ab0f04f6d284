// A local bridge that is connected to a scripted server.
import { startBridge } from "./bridge.mjs";

/**
 * A bridge that is initialized, with `params` of its client, in front of a server that ends with it: `{ server, bridge, initialized }`,
 * the last with the result of `initialize`.
 */
export async function connectedBridge(server, { args = [], ...params } = {}) {
  await using stack = new AsyncDisposableStack();
  stack.defer(() => server.stop());
  const bridge = stack.use(startBridge(server.url, { args }));
  const initialized = await bridge.initialize(params);
  const both = stack.move();
  return { server, bridge, initialized, [Symbol.asyncDispose]: () => both.disposeAsync() };
}
