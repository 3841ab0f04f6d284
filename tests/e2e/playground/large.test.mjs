// Results of large size in the playground, links to resources, and the notes that content carries.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { inBrowser, visit } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { demo } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(demo({ playground: true }));

async function called(result) {
  const other = await scripted({ handlers: { "tools/list": () => ({ tools: [{ name: "large", inputSchema: { type: "object" } }] }), "tools/call": () => result } });
  const visitor = await visit(browser, server, { allowed: [other.origin] });
  await visitor.connect(other.url, { version: "2025-11-25" });
  await visitor.tool("large");
  return {
    visitor,
    page: visitor.page,
    rows: visitor.page.locator(".held .rows > div"),
    async [Symbol.asyncDispose]() {
      await visitor[Symbol.asyncDispose]();
      await other.stop();
    },
  };
}

const text = (text) => ({ content: [{ type: "text", text }] });

describe("a result that is large", () => {
  const TEXTS = {
    "10,000 lines": Array.from({ length: 10_000 }, (_, at) => `line ${at} of many${at === 7000 ? " with a NEEDLE" : ""}`).join("\n"),
    "one line of 5 MB": `${"x".repeat(4_000_000)} needle ${"ü".repeat(1_000_000)}`,
    "20 MB": `${"a short line of it\n".repeat(500_000)}the needle\n${"another line of it\n".repeat(580_000)}`,
  };

  for (const [name, whole] of Object.entries(TEXTS))
    test(`${name}: is shown in part, searched, and saved with all its bytes`, async () => {
      await using large = await called(text(whole));
      const { visitor, page, rows } = large;
      await visitor.call();
      await rows.first().waitFor();
      assert.equal((await rows.first().innerText()).slice(0, 10), whole.slice(0, 10).split("\n")[0]);
      assert.ok((await rows.count()) < 200);
      const held = await page.evaluate(() => document.querySelector("main").textContent.length);
      assert.ok(held < 50_000, `${held} characters in the page`);
      await page.getByLabel("Find in this text").fill("needle");
      await visitor.button("Find next").click();
      const found = page.locator(".held .rows > .found");
      await found.waitFor();
      assert.match(await found.innerText(), /needle/i);
      const inSight = await found.evaluate((row) => {
        const [mine, box] = [row.getBoundingClientRect(), row.closest(".window").getBoundingClientRect()];
        return mine.top >= box.top && mine.bottom <= box.bottom;
      });
      assert.ok(inSight);
      await page.locator(".held .window").evaluate((box) => (box.scrollTop = box.scrollHeight));
      await until(async () => whole.trimEnd().endsWith((await rows.last().innerText()).trimEnd() || "?"), "the end of the text");
      const [download] = await Promise.all([page.waitForEvent("download"), visitor.button("Save").click()]);
      assert.ok(readFileSync(await download.path(), "utf8") === whole);
      visitor.done();
    });

  test("as structured content is shown in part, too", async () => {
    await using large = await called({ content: [], structuredContent: { list: Array.from({ length: 20_000 }, (_, at) => ({ at })) } });
    await large.visitor.call();
    await large.rows.first().waitFor();
    assert.deepEqual((await large.rows.allInnerTexts()).slice(0, 3), ["{", '  "list": [', "    {"]);
  });
});

test("a link to a resource names it, is read at its server, and shows the host before it opens", async () => {
  const link = { type: "resource_link", uri: "https://files.example/a.txt", name: "a.txt", mimeType: "text/plain", size: 1234 };
  await using large = await called({ content: [link, { ...link, uri: "https://files.example/\u202etxt.exe" }, { ...link, uri: "http://files.example/" }] });
  const { visitor, page } = large;
  await visitor.call();
  await page.locator(".result .card").nth(2).waitFor();
  assert.match(await page.locator(".result .card").first().innerText(), /a\.txt[^]*text\/plain[^]*1234 bytes[^]*https:\/\/files\.example\/a\.txt[^]*Read[^]*Open files\.example in a new tab/);
  const anchor = page.locator(".result a");
  assert.equal(await anchor.count(), 1);
  assert.deepEqual([await anchor.getAttribute("href"), await anchor.getAttribute("rel"), await anchor.getAttribute("target")], [link.uri, "noopener noreferrer", "_blank"]);
});

test("annotations of content are shown", async () => {
  await using large = await called({ content: [{ type: "text", text: "x", annotations: { audience: ["user"], priority: 0.25, lastModified: "2026-01-02T03:04:05Z" } }] });
  await large.visitor.call();
  const notes = large.page.locator(".annotations");
  await notes.waitFor();
  assert.match(await notes.innerText(), /for: user[^]*priority 0\.25[^]*changed 2026-01-02T03:04:05Z/);
});
