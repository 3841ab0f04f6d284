// Operations of every kind at one Worker, many of them broken off, and what of its memory they leave behind.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { JSON_POST, initialize, open, openSse, post, request } from "./mcp.mjs";
import { REDIRECT, encode, ours } from "./oauth.mjs";
import { Stateless, TASKS } from "./stateless.mjs";
import { until } from "./wait.mjs";

// As many as a few clients have under way.
const AT_ONCE = 8;

// Streams that were cut off count for their user and their address until that is noticed: each has room for a hundred.
const USERS = 50;

// An object sleeps when it was idle for ten seconds, and a quiet stream notices within 50 that its client has gone.
const QUIET_MS = 60_000;

// A revocation makes the Worker forget the callers that it knows.
const FORGETS_CALLERS = "sign-in";

/** A Worker with a provider, a user who is signed in, and operations on both. */
export class Soak {
  /** Number of operations of each kind. */
  counts = {};
  #target;
  #users = [];
  #client;
  #next = 0;

  static async start() {
    const soak = new Soak();
    const vars = { LOG_REQUESTS: "none", SESSION_RESUME_SECONDS: "1" };
    soak.#target = await ours({}, { vars, v8Flags: ["--expose-gc"] });
    soak.#client = await soak.#target.register();
    for (let at = 1; at <= USERS; at++) {
      const { tokens } = await soak.#target.signIn({ client: soak.#client, user: `user ${at}` });
      soak.#users.push({ authorization: `Bearer ${tokens.access_token}`, "cf-connecting-ip": `10.0.0.${at}` });
    }
    return soak;
  }

  get #server() {
    return this.#target.server;
  }

  /** Runs so many operations, of each kind in turn. */
  async run(count, kinds = KINDS) {
    const end = this.#next + count;
    const worker = async () => {
      while (this.#next < end) {
        const at = this.#next++;
        const kind = kinds[at % kinds.length];
        const headers = this.#users[at % this.#users.length];
        await OPERATIONS[kind](this.#server, headers, this.#target, this.#client).catch((error) => {
          throw new Error(`operation ${this.#next}, ${kind}: ${error}`, { cause: error });
        });
        this.counts[kind] = (this.counts[kind] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  /** The module's memory by now: `{ pages, bytes, allocations, handles }`. */
  async memory() {
    const client = new Stateless(this.#server, { headers: this.#users[0] });
    return (await client.call("memory")).structuredContent;
  }

  /**
   * The least of each number that the module's memory comes down to while nothing happens. The callers that the Worker knows
   * are forgotten before: each user is one, of some 16 allocations.
   */
  async settled(ms = QUIET_MS) {
    await OPERATIONS[FORGETS_CALLERS](this.#server, this.#users[0], this.#target, this.#client);
    const least = await this.memory();
    const end = performance.now() + ms;
    await until(
      async () => {
        for (const [name, value] of Object.entries(await this.memory())) least[name] = Math.min(least[name], value);
        return performance.now() > end;
      },
      "the quiet to be over",
      { ms: 2 * ms, every: 1000 },
    );
    return least;
  }

  /** Waits until the module's memory is no more than that in each number; fails with what it is instead. */
  async returnsTo(most) {
    let memory;
    const isIn = async () => {
      memory = await this.memory();
      return Object.keys(most).every((name) => memory[name] <= most[name]);
    };
    await until(isIn, () => `the memory to be at most ${JSON.stringify(most)}, not ${JSON.stringify(memory)}`, {
      ms: 2 * QUIET_MS,
      every: 1000,
    });
    return memory;
  }

  /** Resident memory of workerd, in KiB. */
  resident() {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#server.pid}/status`, "utf8"))[1]);
  }

  get logs() {
    return this.#server.logs;
  }

  stop() {
    return this.#target.stop();
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }
}

const PROGRESS = { name: "test_tool_with_progress", _meta: { progressToken: "t" } };

// Begins an upload that never ends: the head, and a part of the body. It is cut off when the server has the part.
const brokenOff = (server, path, headers) =>
  new Promise((done) => {
    const url = new URL(path, server.url);
    const all = { ...JSON_POST, ...headers, "content-length": 100_000 };
    const sending = httpRequest(url, { method: "POST", headers: all, agent: false });
    sending.on("error", () => {});
    sending.on("response", (answer) => answer.on("error", () => {}).resume());
    sending.on("close", done);
    sending.write(JSON.stringify(request(1, "tools/call", PROGRESS)).slice(0, 60), () =>
      setTimeout(() => sending.destroy(), 5),
    );
  });

// Sends a whole request and hangs up before the answer, at once or after a moment.
const leaving = (server, method, path, headers, body) =>
  new Promise((done) => {
    const sending = httpRequest(new URL(path, server.url), { method, headers, agent: false });
    sending.on("error", () => {});
    sending.on("response", (answer) => answer.on("error", () => {}).resume());
    sending.on("close", done);
    sending.end(body, () => setTimeout(() => sending.destroy(), Math.random() * 4));
  });

const firstEvent = (stream) => stream.find(({ data }) => data);

const OPERATIONS = {
  async "session, ended"(server, headers) {
    const session = await open(server, { headers });
    await session.call("increment");
    await session.end();
  },
  async "session, left alone"(server, headers) {
    const session = await open(server, { headers });
    await session.call("increment");
  },
  async "answer's stream, read"(server, headers) {
    const session = await open(server, { headers });
    await session.exchange("tools/call", PROGRESS);
  },
  async "answer's stream, cut off"(server, headers) {
    const session = await open(server, { headers });
    const stream = session.postStream(request(1, "tools/call", PROGRESS));
    await firstEvent(stream);
    stream.close();
  },
  async "answer's stream, cut off and resumed"(server, headers) {
    const session = await open(server, { headers });
    const stream = session.postStream(request(1, "tools/call", PROGRESS));
    const { id } = await firstEvent(stream);
    stream.close();
    await session.stream({ lastEventId: id }).text();
  },
  async "session's stream, cut off"(server, headers) {
    const session = await open(server, { headers });
    const stream = session.stream();
    await stream.opened;
    // The read that the end of the stream interrupts fails, as it should.
    stream.next({ ms: Infinity }).catch(() => {});
    stream.close();
  },
  async "HTTP+SSE, cut off"(server, headers) {
    const session = await openSse(server, { headers });
    await session.call("increment");
    session.close();
    await session.ended.catch(() => {});
  },
  async "listening, cut off"(server, headers) {
    const client = new Stateless(server, { headers });
    const wanted = { notifications: { toolsListChanged: true } };
    const stream = client.postStream(client.message(1, "subscriptions/listen", wanted));
    await firstEvent(stream);
    stream.close();
  },
  async "upload to a session, broken off"(server, headers) {
    const session = await open(server, { headers });
    await brokenOff(server, "/mcp", session.headers);
  },
  async "upload without a session, broken off"(server, headers) {
    await brokenOff(server, "/mcp", { ...headers, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call" });
  },
  async "form, broken off"(server) {
    await brokenOff(server, "/token", { "content-type": "application/x-www-form-urlencoded" });
  },
  async "stateless call"(server, headers) {
    await new Stateless(server, { headers }).call("test_simple_text");
  },
  async "stateless call, with events"(server, headers) {
    const client = new Stateless(server, { headers });
    await client.round("tools/call", PROGRESS);
  },
  async "stateless call, cut off"(server, headers) {
    const client = new Stateless(server, { headers });
    const stream = client.postStream(client.message(1, "tools/call", PROGRESS));
    await firstEvent(stream);
    stream.close();
  },
  async "question, answered"(server, headers) {
    const answers = { "elicitation/create": () => ({ action: "accept", content: { answer: "yes" } }) };
    const client = new Stateless(server, { headers, capabilities: { elicitation: {} }, answers });
    await client.call("ask", { message: "?" });
  },
  async "question, left open"(server, headers) {
    const session = await open(server, { headers, capabilities: { elicitation: {} } });
    const stream = session.postStream(request(1, "tools/call", { name: "ask", arguments: { message: "?" } }));
    await firstEvent(stream);
    stream.close();
    await session.end();
  },
  async "call, cancelled"(server, headers) {
    const session = await open(server, { headers });
    const stream = session.postStream(request(1, "tools/call", PROGRESS));
    await firstEvent(stream);
    await session.notify("notifications/cancelled", { requestId: 1 });
    stream.close();
  },
  async "stateless call, left"(server, headers) {
    const client = new Stateless(server, { headers });
    const message = client.message(1, "tools/call", PROGRESS);
    const all = { ...JSON_POST, ...headers, ...client.headersOf(message) };
    await leaving(server, "POST", "/mcp", all, JSON.stringify(message));
  },
  async "initialize, left"(server, headers) {
    await leaving(server, "POST", "/mcp", { ...JSON_POST, ...headers }, JSON.stringify(initialize()));
  },
  async "call in a session, left"(server, headers) {
    const session = await open(server, { headers });
    const body = JSON.stringify(request(1, "tools/call", { name: "increment" }));
    await leaving(server, "POST", "/mcp", { ...JSON_POST, ...session.headers }, body);
  },
  async "token request, left"(server, headers, target, client) {
    const { code, verifier } = await target.authorize({ client });
    const form = encode({
      grant_type: "authorization_code",
      client_id: client.client_id,
      code,
      code_verifier: verifier,
      redirect_uri: REDIRECT,
    });
    await leaving(server, "POST", "/token", { "content-type": "application/x-www-form-urlencoded" }, form);
  },
  async "task"(server, headers) {
    const client = new Stateless(server, { headers, capabilities: TASKS });
    const { response } = await client.round("tools/call", { name: "brief_job" });
    assert.ok(response.result.taskId, JSON.stringify(response));
  },
  async "nonsense"(server, headers) {
    await post(server, "{", { headers });
    await post(server, request(1, "tools/call", { name: "no such tool" }), {
      headers: { ...headers, "mcp-session-id": "made up" },
    });
  },
  async "sign-in"(server, headers, target, client) {
    const { tokens } = await target.signIn({ client });
    await post(server, request(1, "ping"), { headers: { authorization: `Bearer ${tokens.access_token}` } });
    await target.form("/token", {
      grant_type: "refresh_token",
      client_id: client.client_id,
      refresh_token: tokens.refresh_token,
    });
    await target.form("/revoke", { client_id: client.client_id, token: tokens.refresh_token });
  },
};

/** The names of all kinds. */
export const KINDS = Object.keys(OPERATIONS);
