// A small MCP client that shows what is on the wire. For tests of behaviour; other people's clients are in e2e/.
import assert from "node:assert/strict";
import { EventStream, send } from "./http.mjs";
import { WAIT_MS, firstOf } from "./wait.mjs";

export { EventStream, send };

export const VERSIONS = ["2025-03-26", "2025-06-18", "2025-11-25"];
export const NEWEST = VERSIONS.at(-1);

/** A JSON-RPC error that the server answered. */
export class RpcError extends Error {
  constructor({ code, message, data }, answer) {
    super(`${code} ${message}`);
    this.code = code;
    this.data = data;
    this.answer = answer;
  }
}

export const request = (id, method, params = {}) => ({ jsonrpc: "2.0", id, method, params });
export const notification = (method, params = {}) => ({ jsonrpc: "2.0", method, params });

/** The body of an `initialize` request. */
export const initialize = ({
  version = NEWEST,
  capabilities = {},
  client = { name: "tests", version: "1.0.0" },
} = {}) => request(0, "initialize", { protocolVersion: version, capabilities, clientInfo: client });

export const JSON_POST = { "content-type": "application/json", accept: "application/json, text/event-stream" };

/** POSTs to the endpoint with the headers that every client sends; `headers` adds, replaces or (`null`) removes. */
export const post = (server, body, { path = "/mcp", headers, ms } = {}) =>
  send(server, "POST", path, { headers: { ...JSON_POST, ...headers }, body, ms });

/**
 * Opens a session of the 2025 versions over Streamable HTTP.
 *
 * - `version`, `capabilities`, `client`: what the client says of itself
 * - `headers`: sent with every request
 * - `answers`: `{ [method]: (params) => result }` for the server's requests
 */
export async function open(server, { version = NEWEST, path = "/mcp", headers = {}, answers = {}, ...hello } = {}) {
  const answer = await post(server, initialize({ version, ...hello }), { path, headers });
  assert.equal(answer.status, 200, `${answer}`);
  const [{ result, error }] = answer.messages;
  if (error) throw new RpcError(error, answer);
  const session = new Session({
    server,
    path,
    headers,
    answers,
    id: answer.headers["mcp-session-id"],
    initialized: result,
  });
  await session.notify("notifications/initialized");
  return session;
}

// What every kind of client does: count ids, answer the server, turn answers into results.
export class Requests {
  #lastId = 0;

  constructor(answers) {
    this.answers = answers;
  }

  /** The result, or an `RpcError` thrown. */
  async request(method, params, options) {
    const { response, ...rest } = await this.exchange(method, params, options);
    if (response.error) throw new RpcError(response.error, rest);
    return response.result;
  }

  /** The result of a tool. */
  call(name, args = {}, options = {}) {
    const { meta, ...rest } = options;
    return this.request("tools/call", { name, arguments: args, ...(meta && { _meta: meta }) }, rest);
  }

  /** The text of a tool's only content block; an error of the tool is thrown. */
  async callText(name, args, options) {
    const { content, isError } = await this.call(name, args, options);
    assert.deepEqual(
      content.map(({ type }) => type),
      ["text"],
    );
    if (isError) throw new Error(content[0].text);
    return content[0].text;
  }

  nextId() {
    this.#lastId += 1;
    return this.#lastId;
  }

  async answerTo({ id, method, params }) {
    const answer = this.answers[method];
    if (!answer) throw new Error(`the server asks ${method}, and the test has no answer for it`);
    const accepted = await this.post({ jsonrpc: "2.0", id, result: await answer(params) });
    assert.equal(accepted.status, 202, `${accepted}`);
  }
}

/** A session over Streamable HTTP. */
export class Session extends Requests {
  constructor({ server, path, headers, answers, id, initialized }) {
    super(answers);
    this.server = server;
    this.path = path;
    this.id = id;
    /** The server's answer to `initialize`. */
    this.initialized = initialized;
    this.version = initialized.protocolVersion;
    this.headers = {
      ...(id && { "mcp-session-id": id }),
      // 2025-03-26 knows no such header.
      ...(this.version !== "2025-03-26" && { "mcp-protocol-version": this.version }),
      ...headers,
    };
  }

  /** POSTs any body and reads the whole answer. */
  post(body, { headers, ms } = {}) {
    return post(this.server, body, { path: this.path, headers: { ...this.headers, ...headers }, ms });
  }

  /** POSTs any body; the answer is read event by event. */
  postStream(body, { headers, ms } = {}) {
    return new EventStream(this.server, "POST", this.path, {
      headers: { ...JSON_POST, ...this.headers, ...headers },
      body,
      ms,
    });
  }

  /** GETs the session's own stream or, with `lastEventId`, the rest of that event's stream. */
  stream({ lastEventId, headers, ms } = {}) {
    return new EventStream(this.server, "GET", this.path, {
      headers: { accept: "text/event-stream", "last-event-id": lastEventId, ...this.headers, ...headers },
      ms,
    });
  }

  /** DELETEs the session. */
  end({ headers } = {}) {
    return send(this.server, "DELETE", this.path, { headers: { ...this.headers, ...headers } });
  }

  async notify(method, params) {
    const answer = await this.post(notification(method, params));
    assert.equal(answer.status, 202, `${answer}`);
    assert.equal(answer.text, "");
  }

  /**
   * Sends a request and answers what the server asks meanwhile:
   * `{ response, notifications, events, status, headers }`.
   */
  async exchange(method, params, { headers, ms } = {}) {
    const id = this.nextId();
    const stream = this.postStream(request(id, method, params), { headers, ms });
    const { status, headers: head } = await stream.opened;
    const exchange = { response: undefined, notifications: [], events: [], status, headers: head };
    if (!head["content-type"]?.startsWith("text/event-stream")) {
      const text = await stream.text();
      assert.match(head["content-type"] ?? "", /^application\/json/, `HTTP ${status} ${text}`);
      exchange.response = JSON.parse(text);
      assert.deepEqual([exchange.response.jsonrpc, exchange.response.id], ["2.0", id], `HTTP ${status} ${text}`);
      return exchange;
    }
    for await (const event of stream) {
      exchange.events.push(event);
      if (!event.data) continue;
      assert.equal(exchange.response, undefined, `after the response: ${event.data}`);
      const message = event.json;
      if (message.method === undefined) exchange.response = message;
      else if (message.id === undefined) exchange.notifications.push(message);
      else await this.answerTo(message);
    }
    assert.ok(exchange.response, `the stream of ${method} ended without a response`);
    assert.deepEqual([exchange.response.jsonrpc, exchange.response.id], ["2.0", id]);
    return exchange;
  }
}

/**
 * Opens a session over HTTP+SSE, version 2024-11-05. Options as for `open`; with `initialize: false` it stops after
 * the `endpoint` event.
 */
export async function openSse(
  server,
  { path = "/sse", headers = {}, answers = {}, initialize: hello = true, ...rest } = {},
) {
  const stream = new EventStream(server, "GET", path, { headers: { accept: "text/event-stream", ...headers } });
  const endpoint = await stream.next();
  assert.equal(endpoint?.event, "endpoint");
  const session = new SseSession({ server, stream, headers, answers, endpoint: endpoint.data, path });
  if (hello) {
    const { protocolVersion, capabilities, clientInfo } = initialize({ version: "2024-11-05", ...rest }).params;
    session.initialized = await session.request("initialize", { protocolVersion, capabilities, clientInfo });
    session.version = session.initialized.protocolVersion;
    await session.notify("notifications/initialized");
  }
  return session;
}

/** A session over HTTP+SSE. `messages` holds all that came on the stream. */
export class SseSession extends Requests {
  messages = [];
  #watchers = new Set();

  constructor({ server, stream, headers, answers, endpoint, path }) {
    super(answers);
    this.server = server;
    this.headers = headers;
    this.events = stream;
    /** As the server wrote it. */
    this.endpoint = endpoint;
    this.id = new URL(endpoint, server.url).searchParams.get("sessionId");
    const url = new URL(endpoint, new URL(path, server.url));
    this.path = url.pathname + url.search;
    /** Rejects when the stream fails, resolves when the server ends it. */
    this.ended = this.#read();
    this.ended.catch(() => {});
  }

  async #read() {
    // Nothing for a long time is not an error on this stream: requests have their own bounds.
    for (let event; (event = await this.events.next({ ms: Infinity }));) {
      assert.equal(event.event, "message");
      const message = event.json;
      this.messages.push(message);
      if (message.method !== undefined && message.id !== undefined) await this.answerTo(message);
      for (const watcher of this.#watchers) watcher();
    }
  }

  /** The first message, past or future, for which `match` holds. */
  message(match, { ms = WAIT_MS } = {}) {
    const ended = this.ended.then(() => {
      throw new Error("the server ended the stream");
    });
    return firstOf(this.messages, this.#watchers, match, { ended, ms, what: `a message matching ${match}` });
  }

  post(body, { headers, ms } = {}) {
    return send(this.server, "POST", this.path, { headers: { ...JSON_POST, ...this.headers, ...headers }, body, ms });
  }

  async notify(method, params) {
    const answer = await this.post(notification(method, params));
    assert.equal(answer.status, 202, `${answer}`);
  }

  /** `{ response, notifications }`; the notifications are those that came meanwhile. */
  async exchange(method, params, { headers, ms } = {}) {
    const id = this.nextId();
    const from = this.messages.length;
    const accepted = await this.post(request(id, method, params), { headers });
    assert.equal(accepted.status, 202, `${accepted}`);
    const response = await this.message((message) => message.id === id && message.method === undefined, { ms });
    const meanwhile = this.messages.slice(from, this.messages.indexOf(response));
    return { response, notifications: meanwhile.filter((message) => message.method && message.id === undefined) };
  }

  close() {
    this.events.close();
  }
}
