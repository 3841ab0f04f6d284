// Forms that servers have a person fill in on the playground, and pages that they have one open.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { complete, stateless, text, withSession } from "../../support/asking.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { LEGACY, MODERN, connecting, dialogOf, form, round, start } from "../../support/questions.mjs";
import { fixture } from "../../support/workerd.mjs";

const here = await inBrowser(fixture({ playground: true }));
const { server, browser } = here;
const connected = connecting(here);

describe("a form", () => {
  test("warns of fields that look like secrets, and of no others", async () => {
    let asked;
    await using other = await stateless({ tools: ["asks"], call: ({ inputResponses }) => (inputResponses ? complete(text("done")) : round({ q: { method: "elicitation/create", params: asked } }, "s")) });
    await using visitor = await connected(other, MODERN);
    await visitor.tool("asks");
    const warning = dialogOf(visitor).getByText("looks like one for a password or key");
    for (const [params, isWarned] of [
      [form("Your name?"), false],
      [form("How many?", { pints: { type: "integer" }, spinning: { type: "boolean" } }), false],
      [form("Well?", { api_key: { type: "string" } }), true],
      [form("Well?", { x: { type: "string", title: "Passphrase" } }), true],
      [form("Well?", { x: { type: "string", description: "the PIN of your card" } }), true],
      [form("Type your password", { x: { type: "string" } }), true],
    ]) {
      asked = params;
      await visitor.call();
      await dialogOf(visitor).getByText(params.message, { exact: true }).waitFor();
      assert.equal(await warning.count(), isWarned ? 1 : 0, JSON.stringify(params));
      await visitor.page.keyboard.press("Escape");
      await dialogOf(visitor).waitFor({ state: "detached" });
    }
    visitor.done();
  });

  test("checks what it sends, and keeps numbers digit for digit", async () => {
    await using other = await withSession({
      tools: ["asks"],
      call: async (_, ask) => text(`${(await ask("elicitation/create", form("Well?", { id: { type: "integer", minimum: 5 }, kind: { type: "string", enum: ["a", "b"], default: "b" } }))).result.action}`),
    });
    await using visitor = await connected(other, LEGACY);
    await start(visitor, "asks");
    const dialog = dialogOf(visitor);
    await dialog.getByRole("textbox", { name: "id" }).fill("3");
    await dialog.getByRole("button", { name: "Send" }).click();
    await dialog.getByText("It is less than 5.").waitFor();
    await dialog.getByRole("textbox", { name: "id" }).fill("12345678901234567890");
    await dialog.getByRole("button", { name: "Send" }).click();
    await visitor.result();
    const { text: answer } = other.requests.findLast(({ text }) => text.includes('"action"'));
    assert.match(answer, /"content":\{("kind":"b","id":12345678901234567890|"id":12345678901234567890,"kind":"b")\}/);
  });
});

describe("a page", () => {
  const page = (url, elicitationId = "e-1") => ({ mode: "url", message: "Please pay.", url, elicitationId });

  /** Answers what the page opens, in place of the internet. */
  async function internet({ context }) {
    const asked = [];
    await context.route("https://**", (route) => {
      asked.push(route.request().url());
      return route.fulfill({ contentType: "text/html", body: "<title>elsewhere</title>" });
    });
    return asked;
  }

  test("is shown whole with its host marked, opened by a click alone, and fetched by nothing", async () => {
    const url = "https://pay.example/checkout?id=7&back=https://bank.example/#top";
    await using other = await withSession({ tools: ["pays"], call: async (_, ask) => text((await ask("elicitation/create", page(url))).result.action) });
    await using visitor = await visit(browser, server, { allowed: [other.origin, "https://pay.example"] });
    const asked = await internet(visitor);
    await visitor.connect(other.url, LEGACY);
    await start(visitor, "pays");
    const dialog = dialogOf(visitor);
    await dialog.getByText("asks you to open a page at pay.example").waitFor();
    assert.equal(await dialog.locator("code").innerText(), url);
    assert.equal(await dialog.locator("mark").innerText(), "pay.example");
    assert.deepEqual(asked, []);
    const opened = visitor.context.waitForEvent("page");
    await dialog.getByRole("link", { name: "Open pay.example" }).click();
    const elsewhere = await opened;
    await elsewhere.waitForURL(url);
    assert.equal(await elsewhere.evaluate(() => [window.opener, document.referrer].join()), ",");
    assert.match(await (await visitor.result()).innerText(), /accept/);
    assert.deepEqual(asked, [url.replace("#top", "")]);
    visitor.done();
  });

  test("is declined or cancelled without being opened", async () => {
    await using other = await withSession({ tools: ["pays"], call: async (_, ask) => text((await ask("elicitation/create", page("https://pay.example/"))).result.action) });
    await using visitor = await connected(other, LEGACY);
    await visitor.tool("pays");
    for (const [act, expected] of [[() => dialogOf(visitor).getByRole("button", { name: "Decline" }).click(), /decline/], [() => visitor.page.keyboard.press("Escape"), /cancel/]]) {
      await visitor.call();
      await dialogOf(visitor).waitFor();
      await act();
      await dialogOf(visitor).waitFor({ state: "detached" });
      assert.match(await (await visitor.result()).innerText(), expected);
    }
    visitor.done();
  });

  test("of another scheme, of plain http, or with a name before its host is refused; punycode is shown as such", async () => {
    let url;
    await using other = await stateless({ tools: ["pays"], call: ({ inputResponses }) => (inputResponses ? complete(text("done")) : round({ q: { method: "elicitation/create", params: { mode: "url", message: "Please.", url } } }, "s")) });
    await using visitor = await connected(other, MODERN);
    await visitor.tool("pays");
    const dialog = dialogOf(visitor);
    for (url of ["http://pay.example/", "javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "file:///etc/passwd", "ftp://pay.example/", "https://pay.example@evil.example/", "https://", "x", 7]) {
      await visitor.call();
      await dialog.getByText("so it is not opened").waitFor();
      assert.equal(await dialog.locator("a").count(), 0, url);
      await dialog.getByRole("button", { name: "Decline" }).click();
      await dialog.waitFor({ state: "detached" });
    }
    url = "https://раураl.example/in";
    await visitor.call();
    await dialog.getByText("stands for letters of other scripts").waitFor();
    assert.match(await dialog.locator("mark").innerText(), /^xn--.*\.example$/);
    assert.match(await dialog.getByRole("link").innerText(), /^Open xn--/);
    await visitor.page.keyboard.press("Escape");
    visitor.done();
  });

  test("that a call needs first is opened from its error, and the call repeated by a click, once the server says so", async () => {
    const calls = [];
    let tellDone;
    await using other = await withSession({
      tools: [{ name: "pays", inputSchema: { type: "object", properties: { n: { type: "integer" } } } }, "waits"],
      call: async ({ name, arguments: given }, _, tell) => {
        if (name === "waits") {
          await new Promise((resolve) => (tellDone = resolve));
          tell("notifications/elicitation/complete", { elicitationId: "e-9" });
          return text("told");
        }
        calls.push(given);
        if (calls.length > 1) return text("paid");
        return { error: { code: -32042, message: "Pay first.", data: { elicitations: [page("https://pay.example/9", "e-9"), page("javascript:alert(1)", "e-10")] } } };
      },
    });
    await using visitor = await visit(browser, server, { allowed: [other.origin, "https://pay.example"] });
    await internet(visitor);
    await visitor.connect(other.url, LEGACY);
    await start(visitor, "waits");
    await visitor.tool("pays");
    await visitor.argument("pays", "/n").fill("3");
    await visitor.call();
    const use = await visitor.result();
    await use.locator(".card a").waitFor();
    assert.equal(await use.locator("a").count(), 1);
    const opened = visitor.context.waitForEvent("page");
    await use.getByRole("link", { name: "Open pay.example" }).click();
    await (await opened).close();
    await use.getByText("You opened a page at pay.example.").waitFor();
    tellDone();
    await use.getByText("The server says that you are through with the page at pay.example.").waitFor();
    // Nothing is called by itself, and what is repeated is what was called.
    assert.equal(calls.length, 1);
    await visitor.argument("pays", "/n").fill("4");
    await use.getByRole("button", { name: "Repeat this call" }).click();
    await visitor.page.getByText("paid", { exact: true }).waitFor();
    assert.deepEqual(calls, [{ n: 3 }, { n: 3 }]);
    visitor.done();
  });

  test("of the fixture is told to be done on a session, and asked for in a round", async () => {
    for (const version of [LEGACY, MODERN]) {
      await using visitor = await visit(browser, server, { allowed: ["https://example.com"] });
      await internet(visitor);
      await visitor.connect(undefined, version);
      await start(visitor, "url_elicitation");
      await dialogOf(visitor).getByRole("link", { name: "Open example.com" }).click();
      const use = await visitor.result();
      assert.match(await use.innerText(), /opened/);
      if (version === LEGACY) await use.getByText("you are through with the page at example.com").waitFor();
      visitor.done();
    }
  });
});
