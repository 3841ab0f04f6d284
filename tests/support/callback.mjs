// A person's browser as far as a sign-in needs one, and the endpoint of a client that it comes back to.
import { createServer } from "node:http";
import { WAIT_MS } from "./wait.mjs";

/** Follows a link as a browser does. Ending up on a page that says what is wrong is an error. */
export async function visit(link) {
  const page = await fetch(link, { headers: { accept: "text/html" }, signal: AbortSignal.timeout(WAIT_MS) });
  const text = await page.text();
  if (!page.ok) throw new Error(`GET ${link} ended at ${page.url} with HTTP ${page.status}: ${text.slice(0, 2000)}`);
}

/** For programs that open a browser of their own: what they start does nothing. */
export const NO_BROWSER = { BROWSER: "true", DISPLAY: "", WAYLAND_DISPLAY: "", XDG_CURRENT_DESKTOP: "X-Generic" };

/** Listens on a free loopback port for the answer of an authorization server. */
export async function callback() {
  const endpoint = new Callback();
  await endpoint.start();
  return endpoint;
}

class Callback {
  #answers = [];
  #server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, this.url);
    if (pathname === "/callback") this.#answers.push(searchParams);
    response.writeHead(pathname === "/callback" ? 200 : 404, { "content-type": "text/plain", connection: "close" });
    response.end("You can close this window.");
  });

  async start() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    // A test that forgets it still ends.
    this.#server.unref();
  }

  /** The redirect URI. */
  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/callback`;
  }

  /** Visits the link to sign in at, and returns the parameters that came back. */
  async follow(link) {
    await visit(link);
    if (this.#answers.length !== 1) throw new Error(`${link} led here ${this.#answers.length} times`);
    return this.#answers.pop();
  }

  stop() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }
}
