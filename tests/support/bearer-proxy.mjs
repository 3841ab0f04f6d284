// A proxy in front of a server. It gives every request a token, for programs that cannot sign in, and it can hide what
// a server of another time would not have. Everything else passes as it is, `Host` too, so that the server takes the
// proxy's address for its own.
import { createServer, request as httpRequest } from "node:http";

/** Listens on a free loopback port. `hides` says of a path whether it is answered 404. */
export async function bearerProxy(server, { hides = () => false } = {}) {
  const proxy = new BearerProxy(server, hides);
  await proxy.start();
  return proxy;
}

class BearerProxy {
  /** The bearer token that requests without `Authorization` get. */
  token;
  /** `METHOD /path` of every request. */
  seen = [];
  #server;

  constructor({ url }, hides) {
    this.#server = createServer((incoming, outgoing) => {
      const path = incoming.url.split("?")[0];
      this.seen.push(`${incoming.method} ${path}`);
      if (hides(path)) return outgoing.writeHead(404).end();
      this.#forward(new URL(url), incoming, outgoing);
    });
  }

  async start() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.#server.unref();
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  #forward({ hostname, port }, incoming, outgoing) {
    const { method, url: path, headers } = incoming;
    const authorization = headers.authorization ?? (this.token && `Bearer ${this.token}`);
    const all = { ...headers, ...(authorization && { authorization }) };
    const request = httpRequest({ hostname, port, method, path, headers: all, agent: false });
    request.on("response", (response) => {
      outgoing.writeHead(response.statusCode, response.statusMessage, response.rawHeaders);
      outgoing.flushHeaders();
      response.on("error", () => outgoing.destroy());
      response.pipe(outgoing);
    });
    request.on("error", () => outgoing.destroy());
    // Whoever hangs up here has hung up there.
    outgoing.on("close", () => request.destroy());
    incoming.pipe(request);
  }

  stop() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }
}
