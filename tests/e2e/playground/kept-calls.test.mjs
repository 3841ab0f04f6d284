// Calls of tools in the playground that a reload keeps, for their tab alone, and what ends them. Numbers are those of the table in
// tests/README.md.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inBrowser, visit } from "../../support/playground.mjs";
import { authority, guarded } from "../../support/scripted-authority.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { server, browser, connected } = await inBrowser(fixture({ playground: true }));

const tools = [{ name: "echo", inputSchema: { type: "object", properties: { text: { type: "string" } } } }];

const echoing = (call = ({ arguments: { text } }) => ({ content: [{ type: "text", text: `said ${text}` }] })) => scripted({ handlers: { "tools/list": () => ({ tools }), "tools/call": call } });

const sent = (other) => other.requests.filter(({ text }) => text.includes('"method":"tools/call"')).map(({ text }) => JSON.parse(text).params.arguments);

const storage = (page) => page.evaluate(() => sessionStorage.getItem("playground calls") ?? "");

async function call(visitor, text) {
  await visitor.argument("echo", "/text").fill(text);
  await visitor.call();
  await visitor.page.locator(".use").first().getByText(`said ${text}`.slice(0, 40)).first().waitFor();
}

/** Loads the page anew, connects, and shows the calls of the tool. */
async function reloaded(visitor) {
  await visitor.page.reload();
  await visitor.button("Connect").click();
  await visitor.page.locator("article h3").first().waitFor();
}

describe("calls that a reload keeps", () => {
  test("are shown with arguments and results once their server is connected, and made again on a click", async () => {
    await using other = await echoing();
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    const { page } = visitor;
    await visitor.tool("echo");
    await call(visitor, "one");
    await call(visitor, "two");
    await reloaded(visitor);
    const kept = page.locator(".use");
    await kept.first().getByText("said two").waitFor();
    assert.equal(await kept.count(), 2);
    await kept.first().getByText("From before this page was loaded anew.").waitFor();
    await kept.last().locator("summary").first().click();
    await kept.last().getByText("said one").waitFor();
    assert.equal(sent(other).length, 2, "nothing is called by itself");
    await kept.last().getByRole("button", { name: "Again with the same arguments" }).click();
    await until(() => sent(other).length === 3, "the call again");
    assert.deepEqual(sent(other)[2], { text: "one" });
    await page.locator(".use").nth(2).waitFor();
    await reloaded(visitor);
    await until(async () => (await kept.count()) === 3, "the calls of both pages");
    visitor.done();
  });

  test("are the last twenty of a tool, with results as far as there is room for them", async () => {
    await using other = await echoing(({ arguments: { text } }) => ({ content: [{ type: "text", text: `said ${text}` }, ...Array.from({ length: 30 }, () => ({ type: "text", text: "x".repeat(3000) }))] }));
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    const { page } = visitor;
    await visitor.tool("echo");
    for (let at = 1; at <= 22; at++) await call(visitor, `number ${at}`);
    await reloaded(visitor);
    await page.locator(".use").nth(19).waitFor();
    const stored = await storage(page);
    assert.ok(stored.length < 1_100_000, `${stored.length} characters`);
    const [[, { calls: [[, echo]] }]] = JSON.parse(stored);
    assert.deepEqual([echo.length, echo[0].json, echo[19].json], [20, '{"text":"number 22"}', '{"text":"number 3"}']);
    assert.deepEqual([echo[0].lacks, echo[19].lacks], [undefined, "room"]);
    await page.locator(".use").last().locator("summary").first().click();
    await page.locator(".use").last().getByText("the result was too large to be kept").waitFor();
    visitor.done();
  });

  test("say so where the page was left before the answer, or the result was large", async () => {
    await using other = await echoing(({ arguments: { text } }) => (text === "never" ? new Promise(() => {}) : { content: [{ type: "text", text: `said ${text} ${"y".repeat(150_000)}` }] }));
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    const { page } = visitor;
    await visitor.tool("echo");
    await call(visitor, "much");
    await visitor.argument("echo", "/text").fill("never");
    await visitor.call();
    await until(() => sent(other).length === 2, "the call without an answer");
    await reloaded(visitor);
    await page.getByText("it was left before the answer came").waitFor();
    assert.equal(await visitor.button("Cancel").count(), 0);
    await page.locator(".use").last().locator("summary").first().click();
    await page.getByText("the result was too large to be kept").waitFor();
    assert.ok((await storage(page)).length < 2000);
    visitor.done();
  });

  test("are in no other tab and in no storage that outlives the tab", async () => {
    await using other = await echoing();
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    const { page } = visitor;
    await visitor.tool("echo");
    await call(visitor, "planted");
    await reloaded(visitor);
    await page.getByText("said planted").waitFor();
    assert.match(await storage(page), /said planted/);
    const tab = await visitor.context.newPage();
    await tab.goto(`${server.url}/playground`);
    const left = () => tab.evaluate(async () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, await indexedDB.databases()]));
    assert.doesNotMatch(await left(), /planted/);
    await tab.close();
  });

  test("are not shown for another server, and go with theirs", async () => {
    await using other = await echoing();
    await using second = await echoing();
    await using visitor = await connected({ url: other.url, allowed: [other.origin, second.origin] });
    const { page } = visitor;
    await visitor.tool("echo");
    await call(visitor, "planted");
    await visitor.button("Disconnect").click();
    await visitor.connect(second.url);
    await visitor.button("Call").waitFor();
    assert.equal(await page.locator(".use").count(), 0);
    await page.reload();
    await visitor.button("Connect").waitFor();
    assert.doesNotMatch(await storage(page), /planted/);
    await visitor.connect(other.url);
    await visitor.button("Call").waitFor();
    await call(visitor, "kept");
    await reloaded(visitor);
    await page.getByText("said kept").waitFor();
    await visitor.button("Another server").click();
    await page.getByRole("button", { name: /^Close scripted/ }).click();
    await until(async () => (await storage(page)) === "", "an empty storage");
    visitor.done();
  });
});

test("calls are forgotten also where the part of the page for it cannot be loaded", async () => {
  await using other = await echoing();
  await using visitor = await connected({ url: other.url, allowed: [other.origin] });
  const { page, context } = visitor;
  await visitor.tool("echo");
  await call(visitor, "planted");
  await page.reload();
  await visitor.button("Connect").waitFor();
  assert.match(await storage(page), /planted/);
  await visitor.button("Another server").click();
  const close = page.getByRole("button", { name: /^Close 127/ });
  await close.waitFor();
  await context.route(/\/playground\/part-.*\.js$/, (route) => route.abort());
  await close.click();
  await until(async () => (await storage(page)) === "", "an empty storage");
});

test("calls with a token or a header that was typed are shown with it alone", async () => {
  await using other = await echoing();
  await using visitor = await visit(browser, server, { allowed: [other.origin] });
  const { page } = visitor;
  await visitor.identify({ token: "token-one", header: ["X-Secret", "key-one"] });
  await visitor.connect(other.url);
  await visitor.tool("echo");
  await call(visitor, "planted");
  await reloaded(visitor);
  await page.getByText("said planted").waitFor();
  for (const field of ["Bearer token", "Header value"]) {
    await visitor.button("Disconnect").click();
    await page.getByText("Options", { exact: true }).click();
    await page.getByLabel(field).fill("another");
    await visitor.button("Connect").click();
    await page.locator("article h3").first().waitFor();
    assert.equal(await page.locator(".use").count(), 0);
    await call(visitor, `with another ${field}`);
    await reloaded(visitor);
    await page.getByText(`said with another ${field}`).waitFor();
    assert.equal(await page.locator(".use").count(), 1);
  }
  // One that was typed while the page was not connected.
  await page.reload();
  await page.getByText("Options", { exact: true }).click();
  await page.getByLabel("Bearer token").fill("the third");
  await visitor.button("Connect").click();
  await page.locator("article h3").first().waitFor();
  await page.reload();
  await visitor.button("Connect").waitFor();
  await until(async () => (await storage(page)) === "", "a storage without calls");
  visitor.done();
});

describe("calls of a server with a sign-in", () => {
  const handlers = { "tools/list": () => ({ tools }), "tools/call": ({ arguments: { text } }) => ({ content: [{ type: "text", text: `said ${text}` }] }) };

  async function signIn(page, isKept = false) {
    await page.getByRole("heading", { name: "Sign-in needed" }).waitFor();
    const button = page.getByRole("button", { name: "Sign in", exact: true });
    await until(() => button.isEnabled(), "what the server asks for");
    await page.getByLabel("Keep on this device").setChecked(isKept);
    await button.click();
    await page.getByRole("button", { name: "Sign out" }).first().waitFor();
  }

  /** A visitor who has signed in, and called. */
  async function signedIn(as, other, isKept = false) {
    const visitor = await visit(browser, server, { allowed: [as.origin, other.origin] });
    await visitor.page.getByLabel("Address").fill(other.url);
    await visitor.button("Connect").click();
    await signIn(visitor.page, isKept);
    await visitor.tool("echo");
    await call(visitor, "planted");
    return visitor;
  }

  test("are there after a reload as long as the sign-in is, and end with it in every tab", async () => {
    await using as = await authority();
    await using other = await guarded(() => as, { handlers });
    await using visitor = await signedIn(as, other, true);
    const { page } = visitor;
    await reloaded(visitor);
    await page.getByText("said planted").waitFor();
    const tab = await visitor.context.newPage();
    await tab.goto(`${server.url}/playground`);
    await tab.getByLabel("Address").fill(other.url);
    await tab.getByRole("button", { name: "Connect", exact: true }).click();
    await tab.getByRole("button", { name: "Sign out" }).first().click();
    await page.getByRole("button", { name: "Connect", exact: true }).waitFor();
    await until(async () => (await page.getByText("said planted").count()) === 0, "a view without the result");
    await page.reload();
    await visitor.button("Connect").waitFor();
    assert.doesNotMatch(await storage(page), /planted/);
  });

  test("are forgotten where the sign-in has ended while the page was away", async () => {
    await using as = await authority();
    await using other = await guarded(() => as, { handlers });
    await using visitor = await signedIn(as, other, true);
    const { page } = visitor;
    await page.reload();
    await visitor.button("Connect").waitFor();
    assert.match(await storage(page), /planted/);
    await page.evaluate(() => new Promise((done) => Object.assign(indexedDB.deleteDatabase("playground"), { onsuccess: done, onerror: done, onblocked: done })));
    await page.reload();
    await visitor.button("Connect").click();
    await page.getByRole("heading", { name: "Sign-in needed" }).waitFor();
    await until(async () => !/planted/.test(await storage(page)), "a storage without the result");
    await signIn(page);
    await visitor.button("Call").waitFor();
    assert.equal(await page.locator(".use").count(), 0);
  });

  for (const [how, leave] of [["is loaded anew", (page) => page.reload()], ["is disconnected", (page) => page.getByRole("button", { name: "Disconnect" }).click()]])
    test(`are forgotten at a sign-out in another tab while the page ${how}`, async () => {
      await using as = await authority();
      await using other = await guarded(() => as, { handlers });
      await using visitor = await signedIn(as, other, true);
      const { page } = visitor;
      await leave(page);
      await visitor.button("Connect").waitFor();
      const tab = await visitor.context.newPage();
      await tab.goto(`${server.url}/playground`);
      await tab.getByLabel("Address").fill(other.url);
      await tab.getByRole("button", { name: "Connect", exact: true }).click();
      await tab.getByRole("button", { name: "Sign out" }).first().click();
      await until(() => as.revoked.length > 0, "the revocation");
      // The calls that the page stores when it is left.
      const left = () => page.evaluate(() => (dispatchEvent(new Event("pagehide")), sessionStorage.getItem("playground calls") ?? ""));
      await until(async () => !/planted/.test(await left()), "a storage without the result");
      visitor.done();
    });

  /** Ends the sign-in at the server, and calls once more: the card for another one is there. */
  async function ended(as, visitor) {
    as.access.clear();
    as.refresh.clear();
    await visitor.call();
    await visitor.page.getByRole("heading", { name: "Sign-in needed" }).waitFor();
  }

  test("are not shown to whoever signs in next on the same page, nor kept as theirs", async () => {
    await using as = await authority();
    await using other = await guarded(() => as, { handlers });
    await using visitor = await signedIn(as, other);
    const { page } = visitor;
    await ended(as, visitor);
    assert.equal(await page.getByText("said planted").count(), 1);
    await page.evaluate(() => (window.open = () => null));
    await signIn(page);
    await visitor.tool("echo");
    assert.equal(await page.locator(".use").count(), 0);
    await call(visitor, "second");
    await reloaded(visitor);
    await page.getByText("said second").waitFor();
    assert.equal(await page.locator(".use").count(), 1);
    await ended(as, visitor);
    await signIn(page);
    // The call that was refused is made again.
    await page.locator(".use").first().getByText("said second").waitFor();
    assert.equal(await page.locator(".use").count(), 1);
    visitor.done();
  });

  test("are not shown where the server is connected without one, nor kept as anybody's", async () => {
    await using as = await authority();
    await using other = await guarded(() => as, { handlers });
    await using visitor = await signedIn(as, other);
    const { page } = visitor;
    await ended(as, visitor);
    // From here on, the server takes requests without a token.
    as.access.add(undefined);
    await page.getByRole("button", { name: "Cancel", exact: true }).first().click();
    await visitor.button("Disconnect").click();
    await visitor.button("Connect").click();
    await visitor.button("Call").waitFor();
    assert.equal(await page.locator(".use").count(), 0);
    await call(visitor, "public");
    await reloaded(visitor);
    await page.getByText("said public").waitFor();
    assert.doesNotMatch(await storage(page), /planted/);
  });
});
