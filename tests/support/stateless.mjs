// A small client of 2026-07-28, which has no sessions: each request says who it is from, questions come with answers.
import assert from "node:assert/strict";
import { EventStream, send } from "./http.mjs";
import { JSON_POST, Requests, RpcError, request } from "./mcp.mjs";
import { until } from "./wait.mjs";

export const STATELESS = "2026-07-28";
export const META = "io.modelcontextprotocol";
export const TASKS = { extensions: { [`${META}/tasks`]: {} } };

const NAMED_BY = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};
const ENDED = ["completed", "failed", "cancelled"];

/** A header's value for any text: what cannot stand there as it is is wrapped. */
export const headerValue = (text) =>
  /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text)
    ? text
    : `=?base64?${Buffer.from(text).toString("base64")}?=`;

/**
 * A client. Its requests go to `server`, or where the option `at` of a request says.
 *
 * - `capabilities`, `client`, `logLevel`: what it says of itself with every request; `null` leaves `client` out
 * - `headers`: sent with every request
 * - `answers`: `{ [method]: (params, key) => result }` for the server's questions
 */
export class Stateless extends Requests {
  #mirrored = new Map();

  constructor(server, { capabilities = {}, client, headers = {}, answers = {}, logLevel, path = "/mcp" } = {}) {
    super(answers);
    this.server = server;
    this.path = path;
    this.headers = headers;
    this.meta = {
      [`${META}/protocolVersion`]: STATELESS,
      [`${META}/clientCapabilities`]: capabilities,
      ...(client !== null && { [`${META}/clientInfo`]: client ?? { name: "tests", version: "1.0.0" } }),
      ...(logLevel && { [`${META}/logLevel`]: logLevel }),
    };
  }

  /** The message of a request; `params._meta` is added to what the client says of itself. */
  message(id, method, params = {}) {
    return request(id, method, { ...params, _meta: { ...this.meta, ...params._meta } });
  }

  /** The headers that go with a message. */
  headersOf({ method, params }) {
    const name = params?.[NAMED_BY[method]];
    const headers = { "mcp-protocol-version": STATELESS, "mcp-method": method };
    if (typeof name === "string") headers["mcp-name"] = headerValue(name);
    for (const [header, argument] of this.#mirrored.get(name) ?? []) {
      const value = params.arguments?.[argument];
      if (value !== undefined && value !== null) headers[header] = headerValue(`${value}`);
    }
    return headers;
  }

  /** POSTs a message and reads the whole answer; `headers` adds, replaces or (`null`) removes. */
  post(message, { at = this.server, headers, ms } = {}) {
    const all = { ...JSON_POST, ...this.headersOf(message), ...this.headers, ...headers };
    return send(at, "POST", this.path, { headers: all, body: message, ms });
  }

  /** POSTs a message; the answer is read event by event. */
  postStream(message, { at = this.server, headers, ms } = {}) {
    const all = { ...JSON_POST, ...this.headersOf(message), ...this.headers, ...headers };
    return new EventStream(at, "POST", this.path, { headers: all, body: message, ms });
  }

  /** Learns from the list of tools which arguments are repeated in headers. */
  async learn() {
    const { tools } = await this.request("tools/list");
    for (const { name, inputSchema } of tools) {
      const own = Object.entries(inputSchema.properties ?? {}).filter(([, schema]) => schema["x-mcp-header"]);
      this.#mirrored.set(
        name,
        own.map(([argument, schema]) => [`mcp-param-${schema["x-mcp-header"].toLowerCase()}`, argument]),
      );
    }
    return tools;
  }

  /** One request and its answer: `{ response, notifications, status, headers }`. */
  async round(method, params, options) {
    const id = this.nextId();
    const answer = await this.post(this.message(id, method, params), options);
    const notifications = [...answer.messages];
    const response = notifications.pop();
    assert.deepEqual([response?.jsonrpc, response?.id, response?.method], ["2.0", id, undefined], `${answer}`);
    for (const message of notifications) assert.deepEqual([typeof message.method, message.id], ["string", undefined]);
    return { response, notifications, status: answer.status, headers: answer.headers };
  }

  /** The same, sent again with answers for as long as the server has questions; `rounds` are all responses. */
  async exchange(method, params, options) {
    const rounds = [];
    const notifications = [];
    for (let answers = {}; ;) {
      const round = await this.round(method, { ...params, ...answers }, options);
      rounds.push(round.response);
      notifications.push(...round.notifications);
      const { resultType, inputRequests, requestState } = round.response.result ?? {};
      if (resultType !== "input_required") return { ...round, rounds, notifications };
      answers = { inputResponses: await this.answersTo(inputRequests), requestState };
    }
  }

  /** The test's answers to questions. */
  async answersTo(inputRequests = {}) {
    const answers = {};
    for (const [key, { method, params }] of Object.entries(inputRequests)) {
      if (!this.answers[method]) throw new Error(`the server asks ${method}, and the test has no answer for it`);
      answers[key] = await this.answers[method](params, key);
    }
    return answers;
  }

  /** Listens for what `notifications` says: a stream whose acknowledgement was read, `acknowledged` is its filter. */
  async listen(notifications, { id = `listen-${this.nextId()}`, ...options } = {}) {
    const stream = this.postStream(this.message(id, "subscriptions/listen", { notifications }), options);
    const first = await stream.next();
    assert.equal(first?.json.method, "notifications/subscriptions/acknowledged", `${JSON.stringify(first)}`);
    assert.deepEqual(first.json.params._meta, { [`${META}/subscriptionId`]: id });
    stream.acknowledged = first.json.params.notifications;
    stream.id = id;
    return stream;
  }

  /** Calls a tool that becomes a task, and gives how that begins. */
  async begin(name, args = {}, options) {
    const task = await this.call(name, args, options);
    assert.equal(task.resultType, "task", JSON.stringify(task));
    return task;
  }

  /** A task as it is now. */
  task({ taskId }, options) {
    return this.request("tasks/get", { taskId }, options);
  }

  /** The task once it has that status, without anything being answered. */
  taskAt(task, status, options) {
    return until(
      async () => {
        const now = await this.task(task, options);
        if (ENDED.includes(now.status) && now.status !== status) throw new Error(`it is ${JSON.stringify(now)}`);
        return now.status === status && now;
      },
      `the task to be ${status}`,
    );
  }

  /** The task when it is over. What it asks is answered. */
  async finished(task, options) {
    const answered = new Set();
    return until(async () => {
      const now = await this.task(task, options);
      const open = Object.entries(now.inputRequests ?? {}).filter(([key]) => !answered.has(key));
      if (open.length > 0) {
        await this.update(task, await this.answersTo(Object.fromEntries(open)), options);
        for (const [key] of open) answered.add(key);
      }
      return ENDED.includes(now.status) && now;
    }, "the end of the task");
  }

  /** Answers what a task asks. */
  update({ taskId }, inputResponses, options) {
    return this.request("tasks/update", { taskId, inputResponses }, options);
  }

  /** Calls a task off. */
  cancel({ taskId }, options) {
    return this.request("tasks/cancel", { taskId }, options);
  }
}

/** The handle in a result that began a state for somebody who is not signed in. */
export function handleIn({ content }) {
  const told = content.map(({ text }) => /session = "([\w.-]+)"/.exec(text ?? "")?.[1]).filter(Boolean);
  assert.equal(told.length, 1, JSON.stringify(content));
  return told[0];
}

/** Asserts a JSON-RPC error of 2026-07-28, and gives it. `id` is `undefined` where the request had none to read. */
export function refusesStateless(answer, status, code, id) {
  assert.equal(answer.status, status, `${answer}`);
  assert.match(answer.headers["content-type"] ?? "", /^application\/json/, `${answer}`);
  assert.equal(answer.headers["access-control-allow-origin"], "*");
  const { error, ...envelope } = answer.json;
  assert.deepEqual(envelope, { jsonrpc: "2.0", ...(id !== undefined && { id }) }, `${answer}`);
  assert.equal(error.code, code, `${answer}`);
  assert.ok(error.message.length > 10 && error.message.length < 1000, error.message);
  return error;
}

/** Asserts that a promise is rejected with that error of JSON-RPC, and gives it. */
export async function rejected(promise, code) {
  const error = await promise.then(
    (result) => assert.fail(`it was answered: ${JSON.stringify(result)}`),
    (error) => error,
  );
  assert.ok(error instanceof RpcError, `${error}`);
  assert.equal(error.code, code, `${error}`);
  return error;
}
