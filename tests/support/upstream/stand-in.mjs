// What the stand-ins for identity providers share: a web server on loopback that remembers what it was asked, and fails
// when told to.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";

/** One identity provider. A Worker that is to reach it has `outbound: provider.outbound`. */
export class StandIn {
  /** `{ method, path, query, headers, form }` of every request, in order. */
  requests = [];
  /** Everything it gave out that nobody but this server may know. */
  secrets = [];
  /** What it calls itself: `localhost` is another site than 127.0.0.1. */
  host = "127.0.0.1";
  #faults = new Map();
  #server = createServer((request, response) => {
    // What a test asks that makes no sense must not end it: it sees the answer.
    this.#serve(request, response).catch((error) => reply(response, json({ message: error.message }, 400)));
  });

  async start() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    // A test that forgets it still ends.
    this.#server.unref();
    return this;
  }

  get outbound() {
    return `127.0.0.1:${this.#server.address().port}`;
  }

  get url() {
    return `http://${this.host}:${this.#server.address().port}`;
  }

  /** Where a URL of the provider is to be had. */
  reach(url) {
    const { pathname, search } = new URL(url);
    return new URL(pathname + search, this.url);
  }

  /** The callback of a Worker is registered there. Most take any. */
  knows() {}

  /** Whether a URL is one of the provider's. */
  has(url) {
    return new URL(url).origin === this.url;
  }

  /**
   * From now on a path fails: with a status, or `slow`ly, so that no answer ever comes, or `cut`, so that the connection
   * ends; or it gives what a function of the request gives in place of the answer.
   */
  fail(path, how) {
    this.#faults.set(path, how);
  }

  /** Everything works again. */
  heal() {
    this.#faults.clear();
  }

  /** The requests for a path. */
  asked(path) {
    return this.requests.filter((request) => request.path === path);
  }

  /** A new text that is secret. */
  secret(prefix) {
    const text = `${prefix}${randomBytes(18).toString("base64url")}`;
    this.secrets.push(text);
    return text;
  }

  /** The path that a request is for. */
  pathOf({ pathname }) {
    return pathname;
  }

  async #serve(request, response) {
    const url = new URL(request.url, this.url);
    const path = this.pathOf(url, request.headers.host);
    const raw = await bodyOf(request);
    const form = Object.fromEntries(new URLSearchParams(raw));
    const query = Object.fromEntries(url.searchParams);
    const asked = { method: request.method, path, query, headers: request.headers, form };
    this.requests.push(asked);
    const fault = this.#faults.get(path);
    if (fault === "cut") return request.socket.destroy();
    // Until the other side hangs up.
    if (fault === "slow") return undefined;
    if (typeof fault === "number") return reply(response, json({ message: "Server Error" }, fault));
    if (fault) return reply(response, await fault(asked));
    return this.handle(asked, { request, response, raw });
  }

  /** Answers a request; providers that are handlers of their own have another one. */
  async handle(asked, { response }) {
    reply(response, (await this.answer(asked)) ?? json({ message: "Not Found" }, 404));
  }

  stop() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }
}

export const json = (value, status = 200, headers = {}) => ({
  status,
  headers: { "content-type": "application/json; charset=utf-8", ...headers },
  body: JSON.stringify(value),
});

export const redirect = (url) => ({ status: 302, headers: { location: `${url}` }, body: "" });

/** A page with a form: hidden fields, and a button for each decision. It needs no JavaScript. */
export const page = (title, fields, buttons, { action = "", status = 200 } = {}) => ({
  status,
  headers: { "content-type": "text/html; charset=utf-8" },
  body: `<!doctype html>
<html lang="en"><head><title>${title}</title><link rel="icon" href="data:,"></head>
<body><h1>${title}</h1>
<form method="post" action="${action}">
${Object.entries(fields)
  .map(([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`)
  .join("\n")}
${buttons.map((name) => `<button name="decision" value="${name}">${name}</button>`).join("\n")}
</form></body></html>
`,
});

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

function reply(response, { status, headers, body }) {
  response.writeHead(status, headers);
  response.end(body);
}

async function bodyOf(request) {
  request.setEncoding("utf8");
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}
