// The page at /playground in Chromium.
import assert from "node:assert/strict";
import { after } from "node:test";
import { launch } from "./browser.mjs";
import { Secrets } from "./secrets.mjs";
import { WAIT_MS } from "./wait.mjs";

/**
 * A Worker with the page, and a browser; both end with the tests of the file: `{ server, browser, connected({ url, ..options }, how) }`.
 * `connected` gives a visitor who is connected to its own server, or to the one at `url`; `how` are the options of `Visitor.connect`.
 */
export async function inBrowser(starting) {
  const server = await starting;
  const browser = await launch();
  after(async () => {
    await browser.close();
    await server.stop();
  });
  const connected = async ({ url, ...options } = {}, how) => {
    const visitor = await visit(browser, server, options);
    await visitor.connect(url, how);
    return visitor;
  };
  return { server, browser, connected };
}

/**
 * Opens it: `{ page, complaints, .. }`. `complaints` are errors of the console, reports of its policy among them, and requests to
 * hosts other than those `allowed`. At the end of each visit, `Secrets` looks for what servers gave out.
 */
export async function visit(browser, server, { query = "", allowed = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const visitor = new Visitor(context, await context.newPage(), server, allowed);
  await visitor.page.goto(`${server.url}/playground${query}`);
  return visitor;
}

/** The sign that a part of the page, by the name of its tab, is drawn: its code is loaded when it is first shown. */
const DRAWN = { Resources: "#panel[aria-labelledby=tab-resources] .list li", Prompts: "#panel[aria-labelledby=tab-prompts] .list li", Logs: "#panel[aria-labelledby=tab-logs] select", Messages: ".trace .entry" };

class Visitor {
  complaints = [];

  constructor(context, page, server, allowed) {
    this.context = context;
    this.page = page;
    this.server = server;
    this.secrets = new Secrets(context, server.url);
    page.setDefaultTimeout(WAIT_MS);
    page.on("console", (message) => {
      // A status that a server answers with is no fault of the page's.
      if (["error", "warning"].includes(message.type()) && !/Failed to load resource/.test(message.text())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(`${error}`));
    page.on("dialog", (dialog) => {
      this.complaints.push(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    context.on("request", (request) => {
      const known = [server.url, ...allowed, "data:", "blob:", "about:"].some((start) => request.url().startsWith(start));
      if (!known) this.complaints.push(`elsewhere: ${request.url()}`);
    });
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  tag(text) {
    return this.page.locator(".facts .tag", { hasText: text });
  }

  /** Connects to the server whose address stands there, or to another. */
  async connect(url, { transport, version } = {}) {
    const { page } = this;
    if (url) await page.getByLabel("Address").fill(url);
    if (transport || version) await page.getByText("Options", { exact: true }).click();
    if (transport) await page.getByLabel("Transport").selectOption(transport);
    if (version) await page.getByLabel("Protocol version").selectOption(version);
    await this.button("Connect").click();
    await this.button("Disconnect").waitFor();
  }

  /** Fills in a bearer token, or a header, or both among the options. */
  async identify({ token, header }) {
    await this.page.getByText("Options", { exact: true }).click();
    if (token) await this.page.getByLabel("Bearer token").fill(token);
    if (!header) return;
    const [name, value] = header;
    await this.button("Add header").click();
    await this.page.getByLabel("Header name").fill(name);
    await this.page.getByLabel("Header value").fill(value);
  }

  /** Chooses an entry of the list that is shown. */
  async choose(name) {
    await this.page.locator(".list button").filter({ hasText: new RegExp(`^${name}|${name}`) }).locator(`text="${name}"`).first().click();
  }

  /** Chooses a tool by its name. */
  async tool(name) {
    // Of a long list, a search finds the rows that are not drawn.
    await this.page.locator(".list li").first().waitFor();
    const search = this.page.getByRole("searchbox", { name: "Search" });
    if (await search.count()) await search.fill(name);
    await this.page.locator(".list li").filter({ has: this.page.getByText(name, { exact: true }) }).getByRole("button").first().click();
    await this.page.locator("article code", { hasText: name }).first().waitFor();
  }

  /** The control of an argument, by JSON pointer. */
  argument(tool, pointer) {
    return this.page.locator(`[id=${JSON.stringify(`tool-${tool}${pointer}`)}]`);
  }

  /** Fills in the JSON side. */
  async json(value) {
    await this.button("JSON").click();
    await this.page.locator("textarea.json").first().fill(typeof value === "string" ? value : JSON.stringify(value));
  }

  async call() {
    await this.page.getByRole("button", { name: /^Call( again)?$/ }).click();
  }

  /** The newest result, once it is there. */
  async result() {
    const newest = this.page.locator(".use").first();
    await newest.locator(".result, .problem").first().waitFor();
    return newest;
  }

  /** Shows a part of the page. */
  async part(name, press = "click") {
    await this.page.getByRole("tab", { name: new RegExp(`^${name}`) })[press]();
    await this.page.locator(DRAWN[name]).first().waitFor();
  }

  /** Titles in the trace, the oldest first. */
  async trace() {
    await this.part("Messages");
    return (await this.page.locator(".trace .entry b").allInnerTexts()).reverse();
  }

  /** Opens all that the trace has. */
  async openTrace() {
    const entries = this.page.locator(".trace details").filter({ has: this.page.locator("summary.entry") });
    for (const entry of await entries.all()) {
      await entry.locator("summary").first().click();
      await entry.locator(".opened").waitFor();
    }
  }

  done() {
    assert.deepEqual(this.complaints, []);
  }

  async [Symbol.asyncDispose]() {
    try {
      await this.secrets.check(this.page);
    } finally {
      await this.#leave();
    }
  }

  async #leave() {
    // A route of a test may still pass on a stream that never ends.
    await this.page.unrouteAll({ behavior: "ignoreErrors" });
    await this.context.unrouteAll({ behavior: "ignoreErrors" });
    await this.context.close();
  }
}

/** Puts the limit of calls into the hands of a test: `reach()` ends the waits of so many seconds, `begun()` counts them. Call it once the page is connected. */
export async function limitsOf({ page }, seconds) {
  const [worker] = page.workers();
  await worker.evaluate((limit) => {
    const { setTimeout: wait, clearTimeout: end } = self;
    const waiting = new Map();
    self.limits = { waiting, begun: 0 };
    self.setTimeout = (work, ms, ...more) => {
      const timer = wait(work, ms, ...more);
      if (ms === limit) {
        waiting.set(timer, work);
        self.limits.begun++;
      }
      return timer;
    };
    self.clearTimeout = (timer) => (waiting.delete(timer), end(timer));
  }, seconds * 1000);
  return {
    begun: () => worker.evaluate(() => self.limits.begun),
    reach: () =>
      worker.evaluate(() => {
        const works = [...self.limits.waiting.values()];
        self.limits.waiting.clear();
        for (const work of works) work();
        return works.length;
      }),
  };
}
