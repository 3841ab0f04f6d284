// Counts of the playground: requests and clicks of a visit, and nodes of the document where a server offers much. Times are
// measured by bench/playground.mjs.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inBrowser, visit } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { WAIT_MS, until } from "../../support/wait.mjs";
import { demo } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(demo({ playground: true }));

describe("a first visit", () => {
  /** Files before there is a connection: the page, its style, three files of its script and one of the Web Worker, and the configuration. */
  const AT_ONCE = 7;

  /** Files that come with the first connection. */
  const CONNECTED = 3;

  test("loads few files, and sends few messages until tools are listed", async () => {
    await using visitor = await visit(browser, server);
    const { page, context } = visitor;
    await visitor.button("Connect").waitFor();
    const requests = [];
    // The first of them were on their way before anybody listened: the browser knows them all.
    const loaded = async () => [...new Set((await Promise.all([page, ...page.workers()].map(files))).flat())];
    await until(async () => (await loaded()).some((url) => url.endsWith("/playground/config.json")) && page.workers().length === 1, "the configuration");
    await until(async () => (await loaded()).length >= AT_ONCE, "the Web Worker's files");
    assert.equal((await loaded()).length, AT_ONCE, (await loaded()).join("\n"));
    context.on("request", (request) => requests.push(request));
    await visitor.connect();
    await page.locator(".list li").first().waitFor();
    await page.getByRole("button", { name: "Fetch anew" }).waitFor();
    const expected = ["prompts/list", "resources/list", "resources/templates/list", "server/discover", "subscriptions/listen", "tools/list"];
    await until(() => expected.every((method) => sent(requests).includes(method)), "the lists and the stream of changes");
    assert.deepEqual(sent(requests).sort(), expected);
    const parts = requests.map((request) => request.url()).filter((url) => !url.endsWith("/mcp"));
    assert.equal(parts.length, CONNECTED, parts.join("\n"));
    visitor.done();
  });

  test("asks for the Web Worker's script while the page's own is on its way", async () => {
    const context = await browser.newContext();
    try {
      let release;
      const held = new Promise((done) => (release = done));
      await context.route(/\/playground\/shell-.*\.js$/, async (route) => {
        await held;
        await route.continue();
      });
      const page = await context.newPage();
      const asked = context.waitForEvent("request", { predicate: (request) => /\/playground\/client-.*\.js$/.test(request.url()), timeout: WAIT_MS });
      const opened = page.goto(`${server.url}/playground`);
      await asked;
      release();
      await opened;
      await page.getByRole("button", { name: "Connect", exact: true }).waitFor();
    } finally {
      await context.close();
    }
  });

  test("takes one click to list the tools, and nothing typed; two more and its arguments to call one", async () => {
    await using visitor = await visit(browser, server);
    const { page } = visitor;
    const clicks = await page.evaluateHandle(() => {
      const counted = { clicks: 0, keys: 0 };
      document.addEventListener("click", () => counted.clicks++, true);
      document.addEventListener("keydown", () => counted.keys++, true);
      return counted;
    });
    await visitor.button("Connect").click();
    await page.locator(".list li").first().waitFor();
    assert.deepEqual(await clicks.jsonValue(), { clicks: 1, keys: 0 });
    await page.locator(".list li button").filter({ hasText: "Add two numbers" }).click();
    await visitor.argument("add", "/a").fill("2");
    await visitor.argument("add", "/b").fill("3");
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /\b5\b/);
    assert.deepEqual(await clicks.jsonValue(), { clicks: 3, keys: 0 });
    visitor.done();
  });

  test("connects without the view of messages, which nobody has asked for", async () => {
    let answer;
    const held = new Promise((done) => (answer = done));
    await using other = await scripted({ handlers: { "server/discover": () => held.then(() => ({ error: { code: -32601, message: "no" } })) } });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    const { page } = visitor;
    await page.getByLabel("Address").fill(other.url);
    await visitor.button("Connect").click();
    const tab = page.getByRole("tab", { name: /^Messages/ });
    await tab.waitFor();
    assert.equal(await tab.getAttribute("aria-selected"), "false");
    assert.equal(await page.locator(".trace").count(), 0);
    await tab.click();
    await page.locator(".trace .entry").first().waitFor();
    answer();
    await visitor.button("Disconnect").waitFor();
  });
});

test("a second visit fetches no script and no style", async () => {
  await using first = await visit(browser, server);
  await first.connect();
  await first.page.getByRole("button", { name: "Fetch anew" }).waitFor();
  const responses = [];
  first.context.on("response", (response) => responses.push(response));
  const page = await first.context.newPage();
  await page.goto(`${server.url}/playground`);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByRole("button", { name: "Fetch anew" }).waitFor();
  const files = responses.filter((response) => /\.(js|css)$/.test(response.url()));
  const kept = (await Promise.all([page, ...page.workers()].map((one) => one.evaluate(() => performance.getEntriesByType("resource").map(({ name, transferSize }) => [name, transferSize]))))).flat();
  const loaded = kept.filter(([name]) => /\.(js|css)$/.test(name));
  assert.ok(loaded.length >= 7, JSON.stringify(loaded));
  assert.deepEqual(loaded.filter(([, bytes]) => bytes > 0), []);
  for (const response of files) assert.equal(await response.headerValue("cache-control"), "public, max-age=31536000, immutable", response.url());
});

describe("1,000 tools with schemas of 5 KB", () => {
  const COUNT = 1000;
  const PAGE = 100;
  const MAX_NODES = 3000;
  /** Far more than the steps that the list takes. */
  const MAX_FRAMES = 5000;

  const properties = Object.fromEntries(Array.from({ length: 45 }, (_, at) => [`argument_${at}`, { type: "string", description: `The argument ${at} of a tool, which says what it is for, and no more.` }]));
  const tool = (at) => ({ name: `tool_${at}`, title: `Tool ${at}`, description: `Does what tool ${at} does. ${"More of it. ".repeat(at % 12)}`, inputSchema: { type: "object", properties } });
  const pages = ({ cursor }) => {
    const from = Number(cursor ?? 0);
    return { tools: Array.from({ length: PAGE }, (_, at) => tool(from + at)), ...(from + PAGE < COUNT ? { nextCursor: String(from + PAGE) } : {}) };
  };

  const nodes = (page) =>
    page.evaluate(() => {
      const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
      let count = 1;
      while (walker.nextNode()) count++;
      return count;
    });

  async function listing(options) {
    const other = await scripted({ handlers: { "tools/list": pages } });
    const visitor = await visit(browser, server, { allowed: [other.origin], ...options });
    await visitor.connect(other.url);
    await visitor.page.getByRole("tab", { name: `Tools ${COUNT}` }).waitFor();
    // The tab tells the number before the rows are drawn.
    await visitor.page.locator(".list li[data-key=tool_0]").waitFor();
    return {
      visitor,
      page: visitor.page,
      async [Symbol.asyncDispose]() {
        await visitor[Symbol.asyncDispose]();
        await other.stop();
      },
    };
  }

  test("have fewer than 3,000 nodes, also while the person searches, letter by letter", async () => {
    assert.ok(JSON.stringify(tool(0).inputSchema).length > 4500);
    await using list = await listing();
    const { page, visitor } = list;
    const counts = [await nodes(page)];
    const search = page.getByRole("searchbox", { name: "Search" });
    await search.focus();
    for (const letter of "tool 77") {
      await page.keyboard.press(letter === " " ? "Space" : letter);
      counts.push(await nodes(page));
    }
    await until(async () => (await page.locator(".list li[data-key]").count()) === 11, "tool 77 and 770 to 779");
    await search.fill("");
    await page.locator(".list li[data-key=tool_0]").waitFor();
    counts.push(await nodes(page));
    for (const count of counts) assert.ok(count < MAX_NODES, counts.join(" "));
    visitor.done();
  });

  for (const [name, viewport] of [["on a wide window", { width: 1280, height: 900 }], ["on a phone", { width: 360, height: 640 }]])
    test(`can all be scrolled to, ${name}, and tell their place`, async () => {
      await using list = await listing({ viewport });
      const { page } = list;
      const rows = page.locator(".list li[data-key]");
      // In steps of less than the window, as a person does, each once the one before is drawn.
      const places = await page.evaluate(async ([frames, last]) => {
        const pane = document.querySelector(".list");
        const scrolled = getComputedStyle(pane).overflowY === "auto" ? pane : document.scrollingElement;
        const seen = new Map();
        for (let frame = 0; frame < frames; frame++) {
          await new Promise(requestAnimationFrame);
          const inSight = [...pane.querySelectorAll("li")].filter((row) => row.getBoundingClientRect().top < innerHeight && row.getBoundingClientRect().bottom > 0);
          if (inSight.some((row) => row.matches(".gap"))) continue;
          for (const row of inSight) seen.set(row.dataset.key, [row.ariaPosInSet, row.ariaSetSize]);
          const before = scrolled.scrollTop;
          scrolled.scrollTop += 400;
          if (scrolled.scrollTop === before && seen.has(last)) break;
        }
        return [...seen];
      }, [MAX_FRAMES, `tool_${COUNT - 1}`]);
      for (const [id, [place, size]] of places) assert.deepEqual([`tool_${place - 1}`, size], [id, String(COUNT)]);
      assert.equal(places.length, COUNT);
      assert.ok((await rows.count()) < 100);
      assert.ok((await nodes(page)) < MAX_NODES);
    });

  test("keep the row that was chosen, and the one that has the focus, however far the list is scrolled", async () => {
    await using list = await listing();
    const { page } = list;
    await page.locator(".list li[data-key=tool_2] button").click();
    await page.keyboard.press("Tab");
    await page.locator(".list").evaluate((pane) => (pane.scrollTop = pane.scrollHeight / 2));
    await page.locator(".list li[data-key=tool_500]").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.closest("li").dataset.key), "tool_3");
    assert.equal(await page.locator(".list li[data-key=tool_2] button").getAttribute("aria-pressed"), "true");
    assert.equal(await page.locator(".list li[data-key=tool_1]").count(), 0);
  });
});

/** Addresses that a page or a Web Worker has loaded, its own among them. */
function files(one) {
  return one.evaluate(() => [self.location.href, ...performance.getEntriesByType("resource").map(({ name }) => name)]);
}

/** Methods of the messages among requests. */
function sent(requests) {
  return requests.flatMap((request) => (request.url().endsWith("/mcp") && request.method() === "POST" ? JSON.parse(request.postData()).method : []));
}
