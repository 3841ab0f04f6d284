// A client of 2026-07-28 over stdio: what it says of itself with each request, before a scripted server with sessions.
import assert from "node:assert/strict";
import { startBridge } from "./bridge.mjs";
import { bridgeServer } from "./bridge-server.mjs";
import { META, STATELESS } from "./stateless.mjs";
import { until } from "./wait.mjs";

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

export const FORM = { message: "Name?", requestedSchema: { type: "object", properties: { name: { type: "string" } } } };
export const ELICITATION = { elicitation: {} };

export const isMethod = (method) => (message) => message.method === method;
export const posted = (server, method) => server.requests.filter(({ message }) => message?.method === method);
export const count = (server, entry) => server.log.filter((own) => own === entry).length;

/** Sends a question of the server as an event. */
export const question = (exchange, id, method = "elicitation/create", params = method === "elicitation/create" ? FORM : undefined) =>
  exchange.event({ jsonrpc: "2.0", id, method, ...(params && { params }) });

/** The response to a question, which is `{}` where the test ends without one. */
export const answerTo = async ({ server, response }, id) => {
  // One that comes in a session that is not there is refused.
  const isAnswer = ({ message, headers }) => message?.id === id && message.method === undefined && (!server.hasSessions || server.sessions.has(headers["mcp-session-id"]));
  const answered = await until(() => server.requests.find(isAnswer) ?? (response?.destroyed && {}), () => `the answer to ${id}`, { every: 10 });
  return answered.message ?? {};
};

/** A tool that asks `questions`, an object of methods and params by id, and has their answers as its result. */
export const asking = (questions) => async (exchange) => {
  exchange.events();
  const answers = {};
  for (const [id, [method, params]] of Object.entries(questions)) await question(exchange, id, method, params);
  for (const id of Object.keys(questions)) {
    const { result, error } = await answerTo(exchange, id);
    answers[id] = result ?? error?.code;
  }
  await exchange.resultEvent({ content: [{ type: "text", text: JSON.stringify(answers) }] });
  exchange.end();
};

export const textOf = ({ content }) => content[0].text;
