// A KV service that fails when it is told to, in front of the one that workerd carries.
import { WAIT_MS } from "./wait.mjs";

/**
 * The code of that service. Its entry point `control` takes the next plan as a PUT, and answers a GET with the
 * operations since then.
 */
export const FAULTY_KV = `
let plan = [];
let operations = [];

export default {
  async fetch(request, env, ctx) {
    const number = operations.length;
    const failure = plan.find(({ from, to }) => from <= number && number < to)?.how;
    const key = decodeURIComponent(new URL(request.url).pathname.slice(1));
    operations.push({ method: request.method === "GET" && key === "" ? "LIST" : request.method, key, failure });
    // An unread body would hold back the answer.
    if (failure && failure !== "lost") await request.arrayBuffer();
    if (failure === "429") return new Response("Too Many Requests", { status: 429 });
    if (failure === "500") return new Response("internal error", { status: 500 });
    if (failure === "exception") throw new Error("the KV service is away");
    const response = await env[ctx.props.namespace].fetch(request);
    if (failure !== "lost") return response;
    await response.body?.cancel();
    return new Response("the answer is lost", { status: 500 });
  },
};

export const control = {
  async fetch(request) {
    if (request.method === "GET") return Response.json(operations);
    [plan, operations] = [await request.json(), []];
    return new Response("planned");
  },
};
`;

/** The ways to fail: refused for its rate, refused for another reason, broken, or done without anybody being told. */
export const FAILURES = ["429", "500", "exception", "lost"];

/** Faults that a test sets at the service. */
export class KvFaults {
  #url;

  constructor(url) {
    this.#url = url;
  }

  /** From now on every operation works, and is counted from 0. */
  heal() {
    return this.#plan([]);
  }

  /** The operation of that number fails, and `count - 1` that follow it. */
  failAt(number, how, { count = 1 } = {}) {
    return this.#plan([{ from: number, to: number + count, how }]);
  }

  /** Every operation fails. */
  failAll(how) {
    return this.failAt(0, how, { count: 1e9 });
  }

  async #plan(plan) {
    const answer = await fetch(this.#url, { method: "PUT", body: JSON.stringify(plan), signal: bound() });
    if (!answer.ok) throw new Error(`the faulty KV: ${answer.status} ${await answer.text()}`);
  }

  /** `{ method, key, failure? }` of each operation since the last plan; the methods are GET, PUT, DELETE and LIST. */
  async operations() {
    return (await fetch(this.#url, { signal: bound() })).json();
  }
}

const bound = () => AbortSignal.timeout(WAIT_MS);
