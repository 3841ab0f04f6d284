// A browser without a window: cookies, and redirects that are not followed unless somebody says so.
import { WAIT_MS } from "./wait.mjs";

/** The browser of one person at one server. */
export class Jar {
  cookies = new Map();

  constructor(server) {
    this.server = server;
  }

  get header() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  /** `{ status, headers, location, text }` of what is at a URL or path of the server. */
  async get(path, options) {
    return this.send(path, options);
  }

  /** Sends a form as a page of the server would. */
  async post(path, fields, { headers } = {}) {
    return this.send(path, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { origin: this.server.url, ...headers },
    });
  }

  async send(path, { headers, ...options } = {}) {
    const response = await fetch(new URL(path, this.server.url), {
      redirect: "manual",
      signal: AbortSignal.timeout(WAIT_MS),
      ...options,
      headers: { accept: "text/html", cookie: this.header, ...headers },
    });
    for (const line of response.headers.getSetCookie()) this.#set(line);
    const location = response.headers.get("location");
    return {
      status: response.status,
      headers: response.headers,
      location: location && new URL(location, this.server.url),
      text: await response.text(),
    };
  }

  #set(line) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    if (/max-age=0(;|$)/i.test(line)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

/** The hidden fields of the first form that has them. */
export function hidden(html) {
  const fields = [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)];
  return Object.fromEntries(fields.reverse().map(([, name, value]) => [name, value]));
}
