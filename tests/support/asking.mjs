// A scripted MCP server that asks its client while a call runs: on a session, or round by round.
import { scripted } from "./scripted.mjs";

/** Result of a server of 2026-07-28. */
export const complete = (result) => ({ resultType: "complete", ...result });

/** The text of a result. */
export const text = (said) => ({ content: [{ type: "text", text: said }] });

const named = (names) => names.map((name) => (typeof name === "string" ? { name, inputSchema: { type: "object" } } : name));

/**
 * A server of 2026-07-28. `call(params, at)` gives the result of a tool's call, `at` counts those of the same tool from 1; `handlers`
 * are of other methods.
 */
export async function stateless({ tools, call, capabilities = { tools: {} }, handlers = {} }) {
  const times = {};
  return scripted({
    handlers: {
      "server/discover": () => complete({ supportedVersions: ["2026-07-28"], capabilities, serverInfo: { name: "asking", version: "1" }, ttlMs: 0, cacheScope: "private" }),
      "tools/list": () => complete({ tools: named(tools), ttlMs: 0, cacheScope: "private" }),
      "tools/call": (params) => call(params, (times[params.name] = (times[params.name] ?? 0) + 1)),
      ...handlers,
    },
  });
}

/**
 * A server with sessions of 2025-11-25. `call(params, ask, tell)` gives the result of a tool's call, or `{ error }`; `ask(method,
 * params)` asks the client on the stream of that call, and gives its whole response, `tell` sends a notification. `streams` has the like
 * for other methods.
 */
export async function withSession({ tools, call, streams = {}, capabilities = { tools: {} }, handlers = {} }) {
  const waiting = new Map();
  let last = 0;
  const answer = (request, body, response) => {
    if (request.method !== "POST") return false;
    const message = JSON.parse(body);
    if (message.method === undefined) {
      waiting.get(message.id)?.(message);
      response.writeHead(202).end();
      return true;
    }
    const work = message.method === "tools/call" ? call : streams[message.method];
    if (!work) return false;
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (sent) => response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: "2.0", ...sent })}\n\n`);
    const ask = (method, params) =>
      new Promise((resolve) => {
        const id = `ask-${++last}`;
        waiting.set(id, resolve);
        send({ id, method, params });
      });
    void work(message.params, ask, (method, params) => send({ method, params })).then((result) => {
      send({ id: message.id, ...(result.error ? result : { result }) });
      response.end();
    });
    return true;
  };
  return scripted({ answer, capabilities, handlers: { "tools/list": () => ({ tools: named(tools) }), ...handlers } });
}
