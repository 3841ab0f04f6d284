// A client of 2026-07-28 over stdio: what it says of itself with each request, before a scripted server with sessions.
import assert from "node:assert/strict";
import { startBridge } from "./bridge.mjs";
import { bridgeServer } from "./bridge-server.mjs";
import { META, STATELESS } from "./stateless.mjs";

export const CLIENT = { name: "tests", version: "1.0.0" };

/** The envelope of a request, for its `_meta`. */
export const envelope = (capabilities = {}, { logLevel, ...more } = {}) => ({
  [`${META}/protocolVersion`]: STATELESS,
  [`${META}/clientInfo`]: CLIENT,
  [`${META}/clientCapabilities`]: capabilities,
  ...(logLevel && { [`${META}/logLevel`]: logLevel }),
  ...more,
});

/**
 * A bridge in front of a scripted server, which ends with it: `{ server, bridge, ask, result, error }`. `ask` sends a request with the
 * envelope and returns its response; `result` and `error` return those. Their options are `id`, `capabilities`, `logLevel` and members
 * of `_meta`.
 */
export async function statelessClient(server, { args = [], config, capabilities: own } = {}) {
  await using stack = new AsyncDisposableStack();
  stack.defer(() => server.stop());
  const bridge = stack.use(startBridge(server.url, { args, config }));
  const ask = (method, params = {}, { id, capabilities = own, ...meta } = {}) => bridge.request(method, { ...params, _meta: envelope(capabilities, meta) }, id === undefined ? {} : { id });
  const result = async (...request) => {
    const response = await ask(...request);
    assert.ok(response.result, JSON.stringify(response.error));
    return response.result;
  };
  const error = async (...request) => {
    const response = await ask(...request);
    assert.ok(response.error, JSON.stringify(response.result));
    return response.error;
  };
  const all = stack.move();
  return { server, bridge, ask, result, error, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** The same before a new server with sessions. */
export const beforeSessions = async ({ args, capabilities, config, ...server } = {}) =>
  statelessClient(await bridgeServer({ sessions: true, ...server }), { args, capabilities, config });
