// Text of servers with Markdown: as it is, until the person switches.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { inBrowser } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { fixture } from "../../support/workerd.mjs";

const { connected } = await inBrowser(fixture({ playground: true }));

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const TEXT = [
  "# Report",
  "### Too deep",
  "**Bold** and `code` <img src=x onerror=alert(1)>",
  "",
  "- one\n  1. inner",
  "",
  "| a | b |\n|--|--:|\n| 1 | [site](https://other.example/page) |",
  "",
  "![tracker](https://other.example/pixel.png) [bad](javascript:alert(1))",
  "",
  "```html\n<b>raw</b>\n```",
].join("\n");

async function shown(text, options = {}) {
  const own = await scripted({ handlers: { "tools/list": () => ({ tools: [{ name: "say", inputSchema: { type: "object" } }] }), "tools/call": () => ({ content: [{ type: "text", text }] }) } });
  const visitor = await connected({ url: own.url, allowed: [own.origin], ...options });
  await visitor.tool("say");
  await visitor.call();
  const result = await visitor.result();
  return Object.assign(visitor, {
    result,
    async [Symbol.asyncDispose]() {
      await visitor.context.close();
      await own.stop();
    },
  });
}

for (const [name, options] of [
  ["wide", {}],
  ["narrow and dark", { colorScheme: "dark", viewport: { width: 320, height: 640 } }],
])
  test(`text is there as it is, and as Markdown by a switch, where nothing is loaded or run: ${name}`, async () => {
    await using visitor = await shown(TEXT, options);
    const { page, result } = visitor;
    const plain = result.locator("pre.text");
    assert.equal(await plain.textContent(), TEXT);
    const marked = result.getByRole("button", { name: "Markdown" });
    await marked.click();
    const view = result.locator(".markdown");
    await view.waitFor();
    assert.deepEqual(await view.getByRole("heading").evaluateAll((all) => all.map((one) => [one.textContent, one.getAttribute("aria-level")])), [["Report", "5"], ["Too deep", "6"]]);
    assert.equal(await view.locator("strong").innerText(), "Bold");
    assert.equal(await view.locator("ul > li > ol > li").innerText(), "inner");
    assert.match(await view.innerText(), /<img src=x onerror=alert\(1\)>[^]*\[bad\]\(javascript:alert\(1\)\)[^]*<b>raw<\/b>/);
    assert.equal(await view.locator("img, b, script").count(), 0);
    const links = view.getByRole("link");
    assert.deepEqual(await links.evaluateAll((all) => all.map(({ href, rel, target, textContent }) => [textContent, href, rel, target])), [
      ["site", "https://other.example/page", "noopener noreferrer", "_blank"],
      ["Image: tracker", "https://other.example/pixel.png", "noopener noreferrer", "_blank"],
    ]);
    assert.match(await view.locator("td").nth(1).innerText(), /site \(other\.example\)/);
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => window.axe.run(document.querySelector(".use")));
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
    await result.getByRole("button", { name: "Text", exact: true }).click();
    await plain.waitFor();
    visitor.done();
  });

test("a text without marks has no switch", async () => {
  await using visitor = await shown("2 * 3 = 6 [sic], C#");
  await visitor.result.locator("pre.text").waitFor();
  assert.equal(await visitor.result.getByRole("button", { name: "Markdown" }).count(), 0);
  visitor.done();
});
