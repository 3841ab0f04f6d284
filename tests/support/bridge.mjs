// The local bridge as a client runs it: a program spoken to over stdio. PROGRAM=reference runs npm mcp-remote in its place.
import assert from "node:assert/strict";
import { join } from "node:path";
import { NO_BROWSER } from "./callback.mjs";
import { Child, packageFolder, removeFolder, root, temporaryFolder } from "./child.mjs";
import { WAIT_MS, bounded, firstOf } from "./wait.mjs";

/** Whether npm mcp-remote is tested. */
export const isReference = process.env.PROGRAM === "reference";

/** The built program; BRIDGE names another. */
export const PROGRAM = process.env.BRIDGE ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/durable-mcp-remote");

const INITIALIZE = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "tests", version: "1.0.0" } };

/**
 * Starts it with the address of a server. `config` is the folder of its files; without one it has a folder of its own. `program` is
 * `ours` or `reference` where a test needs both.
 */
export function startBridge(url, { args = [], env = {}, config, program = isReference ? "reference" : "ours" } = {}) {
  return new Bridge(url, args, env, config, program);
}

export class Bridge {
  /** Each message on stdout. */
  messages = [];
  /** Lines of stdout that are no JSON-RPC message. There must be none. */
  strays = [];
  #id = 0;
  #watchers = new Set();

  constructor(url, args, env, config, program = isReference ? "reference" : "ours") {
    this.config = config ?? temporaryFolder("durable-mcp-remote");
    this.keepsConfig = config !== undefined;
    const [command, first] = program === "reference" ? [process.execPath, [join(packageFolder("mcp-remote"), "dist/proxy.js")]] : [PROGRAM, []];
    this.child = new Child(command, [...first, `${url}`, ...args], {
      input: true,
      env: { ...NO_BROWSER, MCP_REMOTE_CONFIG_DIR: this.config, ...env },
    });
    this.input = this.child.process.stdin;
    // A write fails when the program ends meanwhile.
    this.input.on("error", () => {});
    this.child.onLine = ({ stream, text }) => {
      if (stream !== "stdout") return;
      const message = parse(text);
      if (message) this.messages.push(message);
      else this.strays.push(text);
      for (const watcher of this.#watchers) watcher();
    };
    this.ended = this.child.ended;
  }

  get stderr() {
    return this.child.text("stderr");
  }

  /** Writes one line: text as it is, anything else as JSON. */
  send(message) {
    this.input.write(`${typeof message === "string" ? message : JSON.stringify(message)}\n`);
  }

  nextId() {
    return ++this.#id;
  }

  notify(method, params) {
    this.send({ jsonrpc: "2.0", method, ...(params && { params }) });
  }

  /** Sends a request and returns its response, with result or error. */
  request(method, params, { id = this.nextId(), ms } = {}) {
    this.send({ jsonrpc: "2.0", id, method, ...(params && { params }) });
    return this.response(id, { ms });
  }

  /** Sends a request and returns its result. */
  async result(method, params, options) {
    const response = await this.request(method, params, options);
    assert.ok(response.result, JSON.stringify(response.error));
    return response.result;
  }

  /** The response to a request. */
  response(id, { ms } = {}) {
    return this.message((message) => message.method === undefined && message.id === id, { ms, what: `the response to ${JSON.stringify(id)}` });
  }

  /** The first message, past or future, for which `match` holds. */
  message(match, { ms = WAIT_MS, what = `${match}` } = {}) {
    const ended = this.ended.then((code) => {
      throw new Error(`the bridge ended (${code}) before ${what}\n${this.stderr}`);
    });
    return firstOf(this.messages, this.#watchers, match, { ended, ms, what: () => `${what}; stderr:\n${this.stderr}` });
  }

  /** The handshake of a client; returns the result of `initialize`. */
  async initialize(params = {}) {
    const result = await this.result("initialize", { ...INITIALIZE, ...params });
    this.notify("notifications/initialized");
    return result;
  }

  /** All responses to `id`. */
  responses(id) {
    return this.messages.filter((message) => message.method === undefined && message.id === id);
  }

  /** Closes stdin and returns the exit code. */
  end({ ms = WAIT_MS } = {}) {
    this.input.end();
    return bounded(this.ended, ms, () => `the end of the bridge; stderr:\n${this.stderr}`);
  }

  /** Ends it, and checks that stdout had messages alone. */
  async stop() {
    await this.child.kill();
    if (!this.keepsConfig) removeFolder(this.config);
    assert.deepEqual(this.strays, [], "lines on stdout that are no message");
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }
}

function parse(text) {
  try {
    const message = JSON.parse(text);
    return message?.jsonrpc === "2.0" && !Array.isArray(message) ? Object.assign(message, { [RAW]: text }) : undefined;
  } catch {
    return undefined;
  }
}

const RAW = Symbol("the line of a message");

/** The line of a message, byte for byte. */
export const lineOf = (message) => message[RAW];
