// A scripted server that tells of changes by streams: `subscriptions/listen` of 2026-07-28, or the GET stream of a session.
import { scripted } from "./scripted.mjs";
import { until } from "./wait.mjs";

const META = "io.modelcontextprotocol";

/**
 * Starts it, for one version: `scripted`'s, and `streams`, those opened so far, each `{ filter, from, isOpen, send(method, params),
 * cut() }`; `from` is the Last-Event-ID. `refuse(count)` may give a status to refuse the next stream with, `honoured(filter)`
 * the part of a filter that is acknowledged.
 */
export async function telling({ version, capabilities, handlers = {}, refuse = () => undefined, honoured = (filter) => filter, answer, ...more }) {
  const isModern = version === "2026-07-28";
  const streams = [];
  let events = 0;

  function opened(response, more) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const stream = { ...more, isOpen: true, cut: () => response.destroy() };
    const tag = isModern ? { _meta: { [`${META}/subscriptionId`]: more.id } } : {};
    stream.send = (method, params = {}) => {
      const message = { jsonrpc: "2.0", method, params: { ...params, ...tag } };
      response.write(`${isModern ? "" : `id: ${++events}\n`}data: ${JSON.stringify(message)}\n\n`);
    };
    response.on("close", () => (stream.isOpen = false));
    streams.push(stream);
    return stream;
  }

  function streamed(request, text, response) {
    if (answer?.(request, text, response)) return true;
    if (isModern && text.includes('"subscriptions/listen"')) {
      const { id, params } = JSON.parse(text);
      const status = refuse(streams.length);
      if (status) return response.writeHead(status).end(), true;
      opened(response, { id, filter: params.notifications }).send("notifications/subscriptions/acknowledged", { notifications: honoured(params.notifications) });
      return true;
    }
    if (isModern || request.method !== "GET") return false;
    const status = refuse(streams.length);
    if (status) return response.writeHead(status).end(), true;
    opened(response, { from: request.headers["last-event-id"] }).send("notifications/message", { level: "debug", data: "opened" });
    return true;
  }

  // Of 2026-07-28, results say what they are, and for how long they are valid.
  const complete = ([method, handler]) => [method, async (params) => ({ resultType: "complete", ttlMs: 600_000, cacheScope: "private", ...(await handler(params)) })];
  const discover = () => ({ resultType: "complete", supportedVersions: [version], capabilities, serverInfo: { name: "telling", version: "1" }, ttlMs: 0, cacheScope: "private" });
  const server = await scripted({ capabilities, session: isModern ? undefined : "session", handlers: isModern ? Object.fromEntries(Object.entries({ "server/discover": discover, "tools/list": () => ({ tools: [] }), ...handlers }).map(complete)) : handlers, answer: streamed, ...more });
  const open = () => streams.filter(({ isOpen }) => isOpen);
  return Object.assign(server, {
    streams,
    open,
    /** Sends by the stream that is open, once there is one. */
    async tell(method, params) {
      await until(() => open().length === 1, () => `one stream, of ${open().length}`);
      open()[0].send(method, params);
    },
  });
}
