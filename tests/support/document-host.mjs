// A host of client metadata documents: every site of the web, as a Worker reaches it.
import { createServer } from "node:http";

/**
 * Starts one. A Worker that has `outbound: host.outbound` sends it all its requests, whatever host they are for, and
 * `https` in the clear. `requests` holds them in order, as `{ method, url, headers }`.
 */
export async function documentHost() {
  const host = new DocumentHost();
  await host.start();
  return host;
}

class DocumentHost {
  requests = [];
  #answers = new Map();
  #server = createServer((request, response) => this.#answer(request, response));

  async start() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.outbound = `127.0.0.1:${this.#server.address().port}`;
  }

  /**
   * Has the host answer at a URL: `body` is text, bytes, or anything else as JSON, or a function that gets Node's
   * response. A new answer takes the place of an older one.
   */
  serve(url, body, { status = 200, headers = {} } = {}) {
    this.#answers.set(url, { body, status, headers: { "content-type": "application/json", ...headers } });
    return url;
  }

  /** From now on nothing is to be had at a URL: the connection is cut. */
  cut(url) {
    return this.serve(url, (response) => response.socket.destroy());
  }

  /** Number of requests for a URL. */
  asked(url) {
    return this.requests.filter((request) => request.url === url).length;
  }

  #answer({ method, url: path, headers }, response) {
    const url = `${headers["x-forwarded-proto"] ?? "http"}://${headers.host}${path}`;
    this.requests.push({ method, url, headers });
    const { body, status, headers: own } = this.#answers.get(url) ?? { body: "nothing", status: 404, headers: {} };
    response.writeHead(status, own);
    if (typeof body === "function") return body(response);
    const raw = typeof body === "string" || body instanceof Uint8Array;
    response.end(raw ? body : JSON.stringify(body));
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }
}
