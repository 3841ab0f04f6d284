// A browser for pages with forms: it keeps cookies, follows redirects, fills in the first form of each page and submits it.
import assert from "node:assert/strict";
import { WAIT_MS } from "./wait.mjs";

// Login, consent, and what leads from one to the other.
const MOST_PAGES = 20;

export class FormBrowser {
  /** Addresses of the pages that it was at. */
  pages = [];
  #cookies = new Map();

  /** `fields` are texts for inputs by name. */
  constructor(fields = { login: "ada", password: "any" }) {
    this.fields = fields;
  }

  /** Opens a link, and goes on until there is a page without a form: `{ url, status, text }`. */
  async open(link) {
    let page = await this.#get(link);
    for (let count = 0; ; count++) {
      assert.ok(count < MOST_PAGES, `no end: ${this.pages.join(" ")}`);
      const form = formOf(page.text);
      if (!form) return page;
      const known = Object.entries(this.fields).filter(([name]) => form.names.includes(name));
      const body = new URLSearchParams({ ...form.values, ...Object.fromEntries(known) });
      page = await this.#get(new URL(form.action, page.url), { method: "POST", body });
    }
  }

  /** Opens a link, and follows "Cancel" on the first page. */
  async cancel(link) {
    const page = await this.#get(link);
    const [, target] = /<a href="([^"]*)">\[ Cancel \]</.exec(page.text);
    return this.#get(new URL(target, page.url));
  }

  async #get(link, options = {}) {
    let url = new URL(link);
    for (let count = 0; count < MOST_PAGES; count++) {
      this.pages.push(url.href);
      const cookies = this.#cookies.get(url.host) ?? new Map();
      this.#cookies.set(url.host, cookies);
      const response = await fetch(url, {
        redirect: "manual",
        signal: AbortSignal.timeout(WAIT_MS),
        headers: { accept: "text/html", cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
        ...options,
      });
      for (const line of response.headers.getSetCookie()) keep(cookies, line);
      const text = await response.text();
      const location = response.headers.get("location");
      if (!location) return { url: url.href, status: response.status, text };
      url = new URL(location, url);
      options = {};
    }
    throw new Error(`redirects without an end: ${this.pages.join(" ")}`);
  }
}

function keep(cookies, line) {
  const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
  const expires = /expires=([^;]+)/i.exec(line)?.[1];
  if (expires && Date.parse(expires) < Date.now()) cookies.delete(name);
  else cookies.set(name, value);
}

function formOf(html) {
  const form = /<form\b([^>]*)>(.*?)<\/form>/s.exec(html);
  if (!form) return undefined;
  const inputs = [...form[2].matchAll(/<input\b[^>]*>/g)].map(([input]) => ({ name: attribute(input, "name"), value: attribute(input, "value") }));
  const filled = inputs.filter(({ name, value }) => name && value !== undefined);
  return {
    action: attribute(form[1], "action").replaceAll("&amp;", "&"),
    names: inputs.map(({ name }) => name),
    values: Object.fromEntries(filled.map(({ name, value }) => [name, value])),
  };
}

const attribute = (tag, name) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
