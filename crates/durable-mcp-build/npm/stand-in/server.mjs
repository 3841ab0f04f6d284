// The web server on loopback of every stand-in for an identity provider, and its pages.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";

/** One identity provider. `answer(asked)` of a subclass gives `{ status, headers, body }`, or nothing for an unknown path. */
export class StandIn {
  /** The host in its URL: `localhost` is another site than 127.0.0.1. */
  host = "127.0.0.1";
  #server = createServer((request, response) => {
    // A request that makes no sense must not end it: its sender sees the answer.
    this.#serve(request, response).catch((error) => reply(response, json({ message: error.message }, 400)));
  });

  async start() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    // A program that does not stop it ends all the same.
    this.#server.unref();
    return this;
  }

  get url() {
    return `http://${this.host}:${this.#server.address().port}`;
  }

  /** A new text that nobody can guess. */
  secret(prefix) {
    return `${prefix}${randomBytes(18).toString("base64url")}`;
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
    await this.receive({ method: request.method, path, query, headers: request.headers, form }, { request, response, raw });
  }

  /** Takes a request, with what it came by: `{ request, response, raw }`. */
  receive(asked, io) {
    return this.handle(asked, io);
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

const STYLE = `body { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 34rem; padding: 0 1rem }
.label { border: 2px dashed; font-weight: 600; padding: 0.6rem 1rem }
button { font: inherit; margin: 0 0.5rem 0.5rem 0; padding: 0.5rem 1rem }`;

/**
 * A page with a form: hidden fields, and a button for each decision. It needs no JavaScript. `label` says that it is no page
 * of the provider itself.
 */
export const page = (title, fields, buttons, { action = "", status = 200, label } = {}) => ({
  status,
  headers: { "content-type": "text/html; charset=utf-8" },
  body: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title><link rel="icon" href="data:,"><style>${STYLE}</style></head>
<body>${label ? `<p class="label">${escaped(label)}</p>` : ""}<h1>${escaped(title)}</h1>
<form method="post" action="${action}">
${Object.entries(fields)
  .map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`)
  .join("\n")}
${buttons.map((name) => `<button name="decision" value="${escaped(name)}">${escaped(name)}</button>`).join("\n")}
</form></body></html>
`,
});

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

/** Sends an answer. */
export function reply(response, { status, headers, body }) {
  response.writeHead(status, headers);
  response.end(body);
}

async function bodyOf(request) {
  request.setEncoding("utf8");
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}
