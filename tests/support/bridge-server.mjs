// A server for the local bridge that does what a test says, faults too: on loopback, Streamable HTTP.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { WAIT_MS, until } from "./wait.mjs";

/**
 * Starts it. `sessions` gives each `initialize` a session and refuses unknown ones with 404. `on` answers methods: a function of
 * the exchange returns a result, or answers itself and returns nothing. `get` answers GET; without it, that is 405.
 */
export async function bridgeServer(options) {
  const server = new BridgeServer(options);
  await server.up();
  return server;
}

export class BridgeServer {
  /** Every request: `{ method, url, headers, text, message, sessions }`. */
  requests = [];
  sessions = new Set();
  #server;
  #port = 0;

  constructor({ sessions = false, on = {}, get, http, capabilities = { tools: {} }, version = "2025-11-25" } = {}) {
    Object.assign(this, { hasSessions: sessions, get, http, capabilities, version });
    this.on = {
      initialize: ({ server }) => ({ protocolVersion: server.version, capabilities: server.capabilities, serverInfo: { name: "scripted", version: "1" } }),
      ping: () => ({}),
      "tools/list": () => ({ tools: [{ name: "echo", inputSchema: { type: "object" } }] }),
      "tools/call": ({ message }) => ({ content: [{ type: "text", text: JSON.stringify(message.params.arguments ?? {}) }] }),
      ...on,
    };
  }

  get origin() {
    return `http://127.0.0.1:${this.#port}`;
  }

  get url() {
    return `${this.origin}/mcp`;
  }

  /** Listens, on the same port as before. */
  async up() {
    this.#server = createServer((request, response) => this.#handle(request, response).catch((error) => response.destroy(error)));
    await new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = this.#server.address().port;
    // A test that forgets it still ends.
    this.#server.unref();
  }

  /** Ends every connection and listens no more. */
  async down() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cutAll();
    await closed;
  }

  /** Ends every connection. */
  cutAll() {
    this.#server.closeAllConnections();
  }

  stop() {
    return this.#server.listening ? this.down() : undefined;
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }

  /** The requests, in short: `POST initialize`, `GET`, `DELETE`. */
  get log() {
    return this.requests.map(({ method, message }) => [method, message?.method].filter(Boolean).join(" "));
  }

  /** The `count`th request, past or future, for which `match` holds. */
  received(match, { count = 1, ms = WAIT_MS } = {}) {
    const holds = typeof match === "string" ? ({ message, method }) => message?.method === match || method === match : match;
    return until(() => this.requests.filter(holds)[count - 1], () => `request ${match} of ${this.log.join(", ")}`, { ms, every: 10 });
  }

  async #handle(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const exchange = new Exchange(this, request, response, text);
    this.requests.push(exchange);
    if (this.http && (await this.http(exchange))) return;
    const session = request.headers["mcp-session-id"];
    const opens = exchange.message?.method === "initialize";
    if (this.hasSessions && !opens && !this.sessions.has(session)) {
      return exchange.status(session ? 404 : 400, JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32001, message: "Session not found" } }));
    }
    if (request.method === "GET") return this.get ? await this.get(exchange) : exchange.status(405);
    if (request.method === "DELETE") {
      this.sessions.delete(session);
      return exchange.status(204);
    }
    if (this.hasSessions && opens) {
      exchange.session = randomUUID();
      this.sessions.add(exchange.session);
      response.setHeader("mcp-session-id", exchange.session);
    }
    const handler = this.on[exchange.message?.method];
    if (exchange.message?.id === undefined || exchange.message.method === undefined) {
      await handler?.(exchange);
      return response.headersSent || response.destroyed ? undefined : exchange.status(202);
    }
    if (!handler) return exchange.error(-32601, `There is no ${exchange.message.method}.`);
    const result = await handler(exchange);
    if (result !== undefined) exchange.result(result);
  }
}

/** A request with its answer. */
export class Exchange {
  constructor(server, request, response, text) {
    Object.assign(this, { server, request, response, text, method: request.method, url: request.url, headers: request.headers });
    try {
      this.message = JSON.parse(text);
    } catch {
      // A request without a body, or a body to look at as text.
    }
  }

  get id() {
    return this.message.id;
  }

  status(code, text = "", headers = {}) {
    this.response.writeHead(code, { ...(`${text}`.startsWith("{") && { "content-type": "application/json" }), ...headers });
    this.response.end(text);
  }

  json(text) {
    this.status(200, text, { "content-type": "application/json" });
  }

  result(result, { id = this.id } = {}) {
    this.json(JSON.stringify({ jsonrpc: "2.0", id, result }));
  }

  error(code, message) {
    this.json(JSON.stringify({ jsonrpc: "2.0", id: this.id, error: { code, message } }));
  }

  /** Answers with events. */
  events(headers = {}) {
    this.response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache", ...headers });
    this.response.flushHeaders();
    return this;
  }

  /** Sends an event: a message, or fields of an event as text. Resolves when the connection has taken it. */
  event(message, { id, retry, event } = {}) {
    const data = message === undefined ? "" : typeof message === "string" ? message : JSON.stringify(message);
    const fields = [event && `event: ${event}`, id !== undefined && `id: ${id}`, retry !== undefined && `retry: ${retry}`, `data: ${data}`];
    return this.raw(`${fields.filter(Boolean).join("\n")}\n\n`);
  }

  /** Sends the event with the result. */
  resultEvent(result, fields, { id = this.id } = {}) {
    return this.event({ jsonrpc: "2.0", id, result }, fields);
  }

  raw(text) {
    return new Promise((resolve) => this.response.write(text, resolve));
  }

  end() {
    this.response.end();
  }

  /** Ends the connection in the middle. */
  cut() {
    this.response.destroy();
  }

  /** Resolves when the other side has closed the connection, or the answer is complete. */
  get closed() {
    return new Promise((resolve) => (this.response.destroyed ? resolve() : this.response.once("close", resolve)));
  }
}
