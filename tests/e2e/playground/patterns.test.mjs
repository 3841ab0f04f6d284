// Patterns of servers: they are matched in a Web Worker of their own, which ends where it takes too long.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inBrowser, visit } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { server, browser, connected } = await inBrowser(fixture({ playground: true }));

// It tries more ways through the text than there are microseconds in a year.
const ENDLESS = "(a+)+$";
const TEXT = `${"a".repeat(60)}!`;

const matchers = ({ page }) => page.workers().filter((worker) => /\/matcher-/.test(worker.url())).length;

function tool({ name = "one", inputSchema = { type: "object" }, outputSchema, structuredContent }) {
  return scripted({
    handlers: {
      "tools/list": () => ({ tools: [{ name, inputSchema, ...(outputSchema ? { outputSchema } : {}) }] }),
      "tools/call": ({ arguments: given }) => ({ content: [{ type: "text", text: `called with ${JSON.stringify(given)}` }], ...(structuredContent ? { structuredContent } : {}) }),
    },
  });
}

async function at(other) {
  const visitor = await connected({ url: other.url, allowed: [other.origin] });
  await visitor.tool("one");
  return visitor;
}

describe("a pattern that takes forever", () => {
  test("in an output schema leaves the page usable, and is told as not checked beside what does not fit", async () => {
    const outputSchema = { type: "object", properties: { text: { pattern: ENDLESS }, word: { pattern: "^b" }, other: { pattern: "^b" } }, patternProperties: { "^(o+)+$": { maxLength: 1 }, [ENDLESS]: {} } };
    await using other = await tool({ outputSchema, structuredContent: { text: TEXT, word: "b", other: "ab", [TEXT]: "x" } });
    await using visitor = await at(other);
    await visitor.call();
    const result = await visitor.result();
    await visitor.button("JSON").click();
    await visitor.page.locator("textarea.json").first().waitFor();
    await result.getByText(/A part was not checked against the output schema/).waitFor();
    const told = await result.innerText();
    assert.match(told, /\/other pattern \^b/);
    assert.ok(!/\/(text|word) /.test(told), told);
    // What was stuck is gone, and the next result is checked as the first.
    await until(() => matchers(visitor) <= 1, "an end of what was stuck");
    await visitor.call();
    await until(async () => (await visitor.page.getByText(/A part was not checked/).count()) === 2, "the second result");
    visitor.done();
  });

  test("in an input schema lets the person type and call, and is told", async () => {
    const inputSchema = { type: "object", properties: { text: { type: "string", pattern: ENDLESS } }, if: { properties: { text: { pattern: ENDLESS } } }, then: { properties: { more: { type: "string" } } } };
    await using other = await tool({ inputSchema });
    await using visitor = await at(other);
    await visitor.argument("one", "/text").fill(TEXT);
    await visitor.argument("one", "/text").press("End");
    await visitor.page.keyboard.type("?");
    assert.equal(await visitor.argument("one", "/text").inputValue(), `${TEXT}?`);
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /called with .*a!\?/);
    await visitor.page.getByText(/A part was not checked: /).waitFor();
    visitor.done();
  });
});

describe("a pattern", () => {
  test("decides before a call, which its misfit holds back", async () => {
    const inputSchema = { type: "object", properties: { text: { type: "string", pattern: "^b+$" } }, required: ["text"] };
    await using other = await tool({ inputSchema });
    await using visitor = await at(other);
    await visitor.argument("one", "/text").fill("abc");
    await visitor.call();
    await visitor.page.getByText("Some arguments do not fit the schema.").waitFor();
    await visitor.argument("one", "/text").fill("bb");
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /called with .*bb/);
    assert.equal(other.requests.filter(({ text }) => text.includes('"tools/call"')).length, 1);
    assert.equal(await visitor.page.getByText(/not checked/).count(), 0);
    assert.equal(matchers(visitor), 1);
    visitor.done();
  });

  test("is not checked where its matcher cannot be loaded, which is told beside the result and in the form, and is checked once it can be", async () => {
    const inputSchema = { type: "object", properties: { text: { type: "string", pattern: "^b" } } };
    const outputSchema = { type: "object", properties: { text: { pattern: "^b" } } };
    await using other = await tool({ inputSchema, outputSchema, structuredContent: { text: "a" } });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    const { page, context } = visitor;
    const tries = [];
    await context.route(/\/playground\/matcher-/, (route) => (tries.push(route), route.abort()));
    await visitor.connect(other.url);
    await visitor.tool("one");
    await visitor.argument("one", "/text").fill("abc");
    await visitor.call();
    const told = "Patterns were not checked: what matches them cannot be loaded. The next check tries again.";
    await (await visitor.result()).getByText(told).waitFor();
    await page.locator("article > form").getByText(told).waitFor();
    await visitor.button("Reload the page").waitFor();
    // The two checks tried, and the first drawing of the result; drawing again does not.
    assert.ok(tries.length <= 3, String(tries.length));
    await visitor.argument("one", "/text").fill("abcd");
    await page.locator("article > form").getByText(told).waitFor();
    assert.ok(tries.length <= 3, String(tries.length));
    await context.unroute(/\/playground\/matcher-/);
    await visitor.call();
    await page.getByText("Some arguments do not fit the schema.").waitFor();
    await visitor.button("Send anyway").click();
    await page.getByText(/\/text pattern \^b/).waitFor();
    assert.equal(await page.locator("article > form").getByText(told).count(), 0);
  });
});
