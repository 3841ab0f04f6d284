// Every view of the playground, audited by axe: wide and narrow, in light and dark, in both languages; and by keyboard alone.
// Screenshots go to the folder that SCREENSHOTS names.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { launch } from "../../support/browser.mjs";
import { root } from "../../support/child.mjs";
import { visit } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { DEMO } from "../../support/sign-in.mjs";
import { until } from "../../support/wait.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCREENSHOTS = process.env.SCREENSHOTS ?? join(root, "tests/e2e/screenshots");
mkdirSync(SCREENSHOTS, { recursive: true });

const servers = { demo: await demo({ playground: true }), fixture: await fixture({ playground: true }), private: await fixture({ vars: DEMO, playground: true }) };
const browser = await launch();
after(async () => {
  await browser.close();
  for (const server of Object.values(servers)) await server.stop();
});

const LOOKS = [
  { name: "wide-light", viewport: { width: 1280, height: 900 }, colorScheme: "light", locale: "en-GB" },
  { name: "narrow-dark", viewport: { width: 360, height: 640 }, colorScheme: "dark", locale: "en-GB" },
  { name: "narrow-light-zh", viewport: { width: 320, height: 640 }, colorScheme: "light", locale: "zh-CN" },
  { name: "widest-dark-zh", viewport: { width: 1920, height: 1080 }, colorScheme: "dark", locale: "zh-CN" },
];

async function look(visitor, name, findings) {
  const { page } = visitor;
  await page.evaluate(AXE);
  // Of what is scrolled out of sight axe cannot tell the contrast: meanwhile nothing scrolls by itself.
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(".list, .scroller, .popup, pre { max-height: none !important; position: static !important }");
    document.adoptedStyleSheets = [sheet];
  });
  // A dialog that is open covers the page.
  const { violations, incomplete } = await page.evaluate(() => window.axe.run(document.querySelector("dialog[open]") ?? document, { resultTypes: ["violations", "incomplete"] }));
  for (const { id, nodes } of [...violations, ...incomplete]) findings.push(...nodes.map(({ html, any }) => `${name}: ${id}: ${html.slice(0, 200)} ${any[0]?.message ?? ""}`));
  await page.evaluate(() => {
    document.adoptedStyleSheets = [];
  });
  const { scroll, width } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: document.documentElement.clientWidth }));
  if (scroll > width) findings.push(`${name}: it is ${scroll} px wide in a window of ${width}`);
  await page.screenshot({ path: join(SCREENSHOTS, `playground-${name}.png`) });
}

// The page has other words in each language, so the views are found by what they are.
const entry = (visitor, text) => visitor.page.locator(".list li").filter({ has: visitor.page.getByText(text, { exact: true }) }).getByRole("button").first();

async function views({ name, ...options }, findings) {
  await using visitor = await visit(browser, servers.demo, options);
  const { page } = visitor;
  const primary = page.locator(".button").first();
  await primary.waitFor();
  await page.locator("summary").first().click();
  await look(visitor, `first-${name}`, findings);
  await primary.click();
  await page.locator(".list li").first().waitFor();
  await look(visitor, `tools-${name}`, findings);
  await entry(visitor, "add").click();
  await visitor.argument("add", "/a").fill("2");
  await page.locator("article .button").first().click();
  await page.locator("[aria-invalid=true]").first().waitFor();
  await look(visitor, `fault-${name}`, findings);
  await visitor.argument("add", "/b").fill("3");
  await page.locator("article .button").first().click();
  await page.locator(".result").first().waitFor();
  await look(visitor, `result-${name}`, findings);
  await page.locator("[role=tab]").nth(1).click();
  await look(visitor, `resources-${name}`, findings);
  await page.locator("[role=tab]").nth(2).click();
  await page.locator(".list li button").first().click();
  await look(visitor, `prompt-${name}`, findings);
  await page.locator("[role=tab]").last().click();
  await page.locator(".trace summary").first().click();
  await look(visitor, `trace-${name}`, findings);
  visitor.done();
}

async function forms({ name, ...options }, findings) {
  await using visitor = await visit(browser, servers.fixture, options);
  const { page } = visitor;
  await page.locator(".button").first().click();
  await entry(visitor, "json_schema_2020_12_tool").click();
  for (let opened = 0; opened < 8 && (await page.locator(".schema-form .labelled > button.small").count()) > 0; opened++) await page.locator(".schema-form .labelled > button.small").first().click();
  await look(visitor, `form-${name}`, findings);
  await page.locator(".sides button").nth(1).click();
  await look(visitor, `json-${name}`, findings);
  const back = page.locator(".back");
  if (await back.isVisible()) await back.click();
  await entry(visitor, "test_multiple_content_types").click();
  await page.locator("article .button").first().click();
  await page.locator(".result img").waitFor();
  await look(visitor, `content-${name}`, findings);
  if (await back.isVisible()) await back.click();
  await entry(visitor, "test_elicitation_sep1034_defaults").click();
  await page.locator("article .button").first().click();
  await page.getByRole("dialog").waitFor();
  await look(visitor, `question-${name}`, findings);
  await page.keyboard.press("Escape");
  visitor.done();
}

async function questions({ name, ...options }, findings) {
  await using visitor = await visit(browser, servers.fixture, options);
  const { page } = visitor;
  const dialog = page.getByRole("dialog");
  const called = async (tool) => {
    if (await page.locator(".back").isVisible()) await page.locator(".back").click();
    await entry(visitor, tool).click();
    await page.locator("article form .button").first().click();
  };
  await page.locator(".button").first().click();
  await page.locator(".list li").first().waitFor();
  await page.locator(".server > details summary").first().click();
  await page.locator(".server > details .link").click();
  await page.locator(".server > details input").first().fill("https://example.com");
  await page.locator(".server > details .fault").waitFor();
  await look(visitor, `folders-${name}`, findings);
  await called("url_elicitation");
  await dialog.locator("mark").waitFor();
  await look(visitor, `page-${name}`, findings);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  if (await page.locator(".back").isVisible()) await page.locator(".back").click();
  await entry(visitor, "sample").click();
  await visitor.argument("sample", "/prompt").fill("Et toi?");
  await page.locator("article form .button").first().click();
  await dialog.locator("textarea").waitFor();
  await look(visitor, `sampling-${name}`, findings);
  await dialog.locator(".sides button").last().click();
  await dialog.locator("textarea.json").waitFor();
  await dialog.evaluate((element) => element.scrollTo(0, 0));
  await look(visitor, `sampling-json-${name}`, findings);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await called("multi_input");
  await dialog.locator("input").first().waitFor();
  await look(visitor, `task-question-${name}`, findings);
  await dialog.locator(".link").last().click();
  await page.locator("[id=tab-tasks]").click();
  await page.locator(".tasks .problem").waitFor();
  await look(visitor, `tasks-${name}`, findings);
  visitor.done();
  await using older = await visit(browser, servers.fixture, { ...options, query: "?version=2025-11-25" });
  await older.page.locator(".button").first().click();
  await entry(older, "url_required").click();
  await older.page.locator("article form .button").first().click();
  await older.page.locator(".use mark").waitFor();
  await look(older, `page-needed-${name}`, findings);
  older.done();
}

async function offers({ name, ...options }, findings) {
  await using visitor = await visit(browser, servers.fixture, options);
  const { page } = visitor;
  const back = page.locator(".back");
  await page.locator(".button").first().click();
  await page.locator(".list .row .link").waitFor();
  await page.locator("[id=tab-logs]").click();
  await page.locator("[id=log-level]").selectOption("debug");
  await page.locator("[id=tab-tools]").click();
  await entry(visitor, "test_tool_with_logging").click();
  await page.locator("article form .button").first().click();
  await page.locator(".result").first().waitFor();
  await page.locator("[id=tab-logs]").click();
  await page.locator(".log button").first().click();
  await look(visitor, `logs-${name}`, findings);
  await page.locator("[id=tab-resources]").click();
  await entry(visitor, "Template").click();
  await page.locator("[id=template-id]").fill("7");
  await look(visitor, `template-${name}`, findings);
  if (await back.isVisible()) await back.click();
  await entry(visitor, "Watched").click();
  await page.locator("article [aria-pressed]").click();
  await page.locator("article [aria-pressed=true]").waitFor();
  await look(visitor, `watched-${name}`, findings);
  await page.locator("[id=tab-prompts]").click();
  await entry(visitor, "test_prompt_with_arguments").click();
  await page.locator("article form .button").first().click();
  await page.locator("[id=prompt-arg1]").pressSequentially("pa");
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("ArrowDown");
  await look(visitor, `completion-${name}`, findings);
  visitor.done();
}

async function signIn({ name, ...options }, findings) {
  await using visitor = await visit(browser, servers.private, options);
  await visitor.page.locator(".button").first().click();
  await until(() => visitor.page.locator(".card .button").first().isEnabled(), "the card");
  await look(visitor, `sign-in-${name}`, findings);
  visitor.done();
}

async function several({ name, ...options }, findings) {
  await using visitor = await visit(browser, servers.demo, options);
  const { page } = visitor;
  await page.locator(".server form .link").last().click();
  await page.locator(".switch li").nth(1).waitFor();
  await page.locator(".switch button").first().click();
  await page.locator(".saved > summary").click();
  await page.locator(".saved .choice .link").first().click();
  await page.locator(".saved .switch li").waitFor();
  await page.locator(".saved details summary").click();
  await page.locator(".saved .link").last().click();
  await page.locator(".saved .warning").waitFor();
  await page.locator(".server form summary").first().click();
  await page.locator("#seconds").waitFor();
  await look(visitor, `servers-${name}`, findings);
  await page.locator(".saved .switch .small").first().click();
  await look(visitor, `rename-${name}`, findings);
  visitor.done();
}

// A long text, texts to copy, and messages that are opened.
async function messages({ name, ...options }, findings) {
  const tools = [{ name: "large", description: 5, inputSchema: { type: "object" } }];
  const content = [{ type: "text", text: "a line of many\n".repeat(20_000), annotations: { audience: ["user"], priority: 1 } }, { type: "resource_link", uri: "https://files.example/x", name: "x" }];
  await using other = await scripted({ handlers: { "tools/list": () => ({ tools }), "tools/call": () => ({ content }) } });
  await using visitor = await visit(browser, servers.demo, { ...options, allowed: [other.origin] });
  const { page } = visitor;
  await page.locator("#address").fill(other.url);
  await page.locator(".button").first().click();
  await page.locator(".list li button").first().click();
  await page.locator("article .button").first().click();
  await page.locator(".held .rows > div").first().waitFor();
  for (const summary of await page.locator("article > details > summary, .facts > details > summary").all()) await summary.click();
  await page.locator(".facts .copy pre").first().waitFor();
  await look(visitor, `large-${name}`, findings);
  await page.locator("[role=tab]").last().click();
  await page.locator(".trace summary").nth(1).click();
  await page.locator(".opened").first().waitFor();
  await look(visitor, `messages-${name}`, findings);
}

async function help({ name, ...options }, findings) {
  const answer = (_, __, response) => {
    response.removeHeader("access-control-allow-origin");
    return Boolean(response.writeHead(200).end("{}"));
  };
  await using other = await scripted({ answer });
  await using visitor = await visit(browser, servers.demo, { ...options, allowed: [other.origin] });
  await visitor.page.locator("#address").fill(other.url);
  await visitor.page.locator(".button").first().click();
  await visitor.page.locator(".problem .copy pre").waitFor();
  await look(visitor, `help-${name}`, findings);
}

describe("axe finds nothing", () => {
  for (const options of LOOKS)
    test(`in any view, ${options.name}`, async () => {
      const findings = [];
      for (const part of [views, forms, questions, offers, signIn, several, messages, help]) await part(options, findings);
      assert.deepEqual(findings, []);
    });
});

test("the keyboard is enough to connect, to choose a tool and to call it", async () => {
  await using visitor = await visit(browser, servers.demo);
  const { page } = visitor;
  const reach = async (match) => {
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((match) => document.activeElement?.matches(match) && document.activeElement.matches(":focus-visible"), match)) return;
    }
    throw new Error(`no ${match}`);
  };
  await reach("button[type=submit]");
  await page.keyboard.press("Enter");
  await page.locator(".list li").first().waitFor();
  await reach("[role=tab][aria-selected=true]");
  await page.keyboard.press("ArrowRight");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /Resources/);
  await page.keyboard.press("ArrowLeft");
  await reach(".list li button");
  await page.keyboard.press("Enter");
  await reach("[id='tool-add/a']");
  await page.keyboard.type("20");
  await reach("[id='tool-add/b']");
  await page.keyboard.type("22");
  await page.keyboard.press("Enter");
  assert.match(await (await visitor.result()).innerText(), /42/);
  assert.equal(await page.getByRole("status").filter({ hasText: "The result of add is there." }).count(), 1);
  visitor.done();
});

test("the page speaks the browser's language, and the one that the person chooses", async () => {
  await using visitor = await visit(browser, servers.demo, { locale: "zh-CN" });
  const { page } = visitor;
  await page.getByRole("button", { name: "连接" }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "zh-Hans");
  await page.getByRole("button", { name: "English" }).click();
  await visitor.button("Connect").waitFor();
  await page.reload();
  await visitor.button("Connect").waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
});

test("notes among the messages are in the language of the page, and change with it", async () => {
  await using other = await scripted({ modernHeaders: false });
  await using visitor = await visit(browser, servers.demo, { locale: "zh-CN", allowed: [other.origin] });
  const { page } = visitor;
  await page.getByLabel("地址").fill(other.url);
  await page.getByRole("button", { name: "连接", exact: true }).click();
  await page.getByRole("button", { name: "断开连接" }).waitFor();
  await page.getByRole("tab", { name: /^消息/ }).click();
  await page.getByText("2026-07-28 的探测请求无法发送").waitFor();
  await page.getByRole("button", { name: "English" }).click();
  await page.getByText("The probe of 2026-07-28 could not be sent").waitFor();
});
