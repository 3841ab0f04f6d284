// Secrets that servers gave out during a visit of the playground, and where none of them may be afterwards.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

/** Members of requests and answers of a sign-in that are secret. */
const MEMBERS = ["access_token", "refresh_token", "id_token", "client_secret", "registration_access_token", "code", "code_verifier"];

/** A shorter one stands by chance in other texts. */
const MIN_CHARS = 6;

/** Milliseconds for each step of the look, which a test does not wait for longer. */
const STEP_MS = 15_000;

/** Entries of the trace that are opened. */
const MAX_OPENED = 40;

export class Secrets {
  #origin;
  #values = new Map();
  #logged = [];
  #reading = new Set();

  /** Collects them from now on: tokens, codes, verifiers and secrets of clients, of all pages and workers of a context. */
  constructor(context, url) {
    this.#origin = new URL(url).origin;
    context.on("request", (request) => {
      this.#learn("address", new URL(request.url()).searchParams);
      const body = request.postData() ?? "";
      if (/^[\w.~%+*-]+=/.test(body)) this.#learn("form", new URLSearchParams(body));
    });
    context.on("response", (response) => {
      const reading = this.#read(response).finally(() => this.#reading.delete(reading));
      this.#reading.add(reading);
    });
    context.on("console", (message) => this.#logged.push(message.text()));
  }

  async #read(response) {
    const { location, "content-type": type = "" } = response.headers();
    const target = location && URL.parse(location, response.url());
    if (target) this.#learn("redirect", target.searchParams);
    const asked = response.request().postData() ?? "";
    if (!/json/.test(type) || !/grant_type=|"redirect_uris"/.test(asked)) return;
    const answer = await response.json().catch(() => null);
    if (answer) this.#learn("answer", new Map(Object.entries(answer)));
  }

  // A code of an error is a number, and no secret.
  #learn(where, given) {
    for (const name of MEMBERS) {
      const value = given.get(name);
      if (typeof value === "string" && value.length >= MIN_CHARS) this.#values.set(value, `${name} of ${where}`);
    }
  }

  /** The names of those that were seen. */
  get names() {
    return [...this.#values.values()];
  }

  /** Looks for them on the page, in its addresses, its console, its storage, its trace as a file, and in what it lets one copy. */
  async check(page) {
    await Promise.all(this.#reading);
    if (this.#values.size === 0 || page.isClosed() || !page.url().startsWith(`${this.#origin}/playground`)) return;
    this.#none("the console", this.#logged.join("\n"));
    this.#none("the history", await historyOf(page));
    const dialog = page.getByRole("dialog");
    while (await dialog.count()) await page.keyboard.press("Escape").then(() => dialog.first().waitFor({ state: "detached", timeout: STEP_MS }).catch(() => {}));
    this.#none("the page", await textsOf(page));
    const { signIns, ...others } = await page.evaluate(stored);
    for (const [where, text] of Object.entries(others)) this.#none(where, text);
    // A finished sign-in keeps tokens and client, and neither code nor verifier.
    for (const text of signIns) if (text.includes("access_token")) this.#none("a finished sign-in", text, /^code/);
    const messages = page.locator("#tab-trace");
    if (!(await messages.isVisible())) return;
    await messages.click({ timeout: STEP_MS });
    // Secrets that a person unmasked are seen until they are masked again.
    await page.locator(".opened").getByRole("button", { name: /^(Show secrets|显示机密)/, pressed: true }).evaluateAll((buttons) => buttons.forEach((button) => button.click()));
    const [download] = await Promise.all([page.waitForEvent("download", { timeout: STEP_MS }), page.locator(".trace .row .small", { hasText: /^(Export|导出)/ }).click({ timeout: STEP_MS })]);
    this.#none("the exported trace", await readFile(await download.path(), "utf8"));
    await opened(page);
    this.#none("the trace and its copies", await textsOf(page));
  }

  #none(where, text, only = /^/) {
    for (const [value, name] of this.#values)
      for (const form of [value, encodeURIComponent(value)]) assert.ok(!only.test(name) || !text.includes(form), `${name} is in ${where}: ${around(text, form)}`);
  }
}

const around = (text, value) => {
  const at = text.indexOf(value);
  return text.slice(Math.max(0, at - 80), at + value.length + 20);
};

async function historyOf(page) {
  const session = await page.context().newCDPSession(page);
  const { entries } = await session.send("Page.getNavigationHistory");
  await session.detach();
  return entries.map(({ url, userTypedURL, title }) => `${url} ${userTypedURL} ${title}`).join("\n");
}

// All of the document, and what stands in its fields, but for what a person types as a secret.
const textsOf = (page) => page.evaluate(() => [document.documentElement.outerHTML, document.URL, document.title, ...[...document.querySelectorAll("input:not([type=password]), textarea")].map(({ value }) => value)].join("\n"));

// Storage of the browser; sign-ins, in the tab or on the device, apart from the rest.
async function stored() {
  const isSignIn = ([key]) => key.startsWith("playground sign-in ");
  const kept = Object.entries({ ...sessionStorage });
  const texts = { signIns: kept.filter(isSignIn).map(([, text]) => text), localStorage: JSON.stringify({ ...localStorage }), sessionStorage: JSON.stringify(kept.filter((entry) => !isSignIn(entry))) };
  for (const { name } of await indexedDB.databases()) if (name !== "playground") texts[`IndexedDB ${name}`] = name;
  for (const name of await caches.keys()) texts[`cache ${name}`] = (await (await caches.open(name)).keys()).map(({ url }) => url).join("\n");
  texts.cookies = document.cookie;
  texts["service workers"] = (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope).join("\n");
  return texts;
}

// Opens messages and their copies, the newest first.
async function opened(page) {
  for (let round = 0; round < 3; round++) {
    const count = await page.locator(".facts details:not([open]), .trace details:not([open])").evaluateAll((folded, most) => folded.slice(0, most).map((details) => (details.open = true)).length, MAX_OPENED);
    if (count === 0) return;
    await page.evaluate(() => new Promise((drawn) => setTimeout(drawn, 100)));
  }
}
