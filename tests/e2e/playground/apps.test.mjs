// The playground shows apps of servers (MCP Apps, 2026-01-26): their life, their messages, and many of them.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { appFrame, appServer, withLibrary, withMessages } from "../../support/apps.mjs";
import { root } from "../../support/child.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { asked, showing } from "../../support/shown-app.mjs";
import { until } from "../../support/wait.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(fixture({ playground: true }));
const shown = showing({ server, browser });

const text = (frame) => frame.locator("#text").innerText();
const says = (frame, wanted) => until(async () => (await text(frame)) === wanted, `the app to say ${wanted}`);

describe("an app", () => {
  test("of the official library gets what the extension says, and ends when it is closed", async () => {
    const html = withLibrary(`
      globalThis.events = [];
      const app = new App({ name: "library", version: "1" }, { availableDisplayModes: ["inline", "fullscreen"] }, { autoResize: true });
      app.ontoolinput = ({ arguments: given }) => events.push(["input", given]);
      app.ontoolresult = ({ content }) => events.push(["result", content[0].text]);
      app.ontoolcancelled = ({ reason }) => events.push(["cancelled", reason]);
      app.onhostcontextchanged = (changed) => events.push(["changed", changed]);
      app.onteardown = async () => (await app.sendLog({ level: "info", data: "goodbye" }), {});
      globalThis.app = app;
      await app.connect();
      document.getElementById("text").textContent = "connected";
    `);
    const tools = [{ name: "other", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } }];
    await using one = await shown(html, { tools });
    const frame = await appFrame(one.visitor);
    await says(frame, "connected");
    await until(() => frame.evaluate(() => events.length === 2), "the result");
    assert.deepEqual(await frame.evaluate(() => events), [["input", {}], ["result", "shown"]]);
    const context = await frame.evaluate(() => app.getHostContext());
    assert.deepEqual([context.theme, context.locale, context.displayMode, context.toolInfo.tool.name], ["light", "en", "inline", "show"]);
    assert.deepEqual(Object.keys(await frame.evaluate(() => app.getHostCapabilities())).sort(), ["downloadFile", "logging", "message", "openLinks", "sandbox", "serverResources", "serverTools", "updateModelContext"]);

    const called = await asked(one, frame, `app.callServerTool({ name: "other", arguments: { a: 1 } })`, "Allow calls");
    assert.equal(called.result.content[0].text, "called other");
    const read = await asked(one, frame, `app.readServerResource({ uri: "test://one" })`, "Allow reading");
    assert.equal(read.result.contents[0].text, "read test://one");
    assert.deepEqual((await asked(one, frame, `app.requestDisplayMode({ mode: "fullscreen" })`)).result, { mode: "fullscreen" });
    await until(() => frame.evaluate(() => innerWidth > 1000), "the app to fill the page");
    await one.page.keyboard.press("Escape");
    await until(() => frame.evaluate(() => events.some(([name, changed]) => name === "changed" && changed.displayMode === "inline")), "the app to be back in its place");
    assert.deepEqual((await asked(one, frame, `app.requestDisplayMode({ mode: "pip" })`)).result, { mode: "inline" });
    await asked(one, frame, `app.updateModelContext({ content: [{ type: "text", text: "a context" }] })`);
    await one.app.getByText("Context for a model").click();
    await one.app.getByText("a context").waitFor();
    assert.deepEqual((await asked(one, frame, `app.sendMessage({ role: "user", content: [{ type: "text", text: "a message" }] })`, "Accept")).result, {});

    await one.page.emulateMedia({ colorScheme: "dark" });
    await one.visitor.button("中文").click();
    await until(() => frame.evaluate(() => events.some(([, changed]) => changed.theme === "dark") && events.some(([, changed]) => changed.locale === "zh-Hans")), "theme and language");
    await one.app.getByRole("button", { name: "关闭应用" }).click();
    await one.app.getByRole("button", { name: "显示应用" }).waitFor();
    assert.equal(await one.app.locator("iframe").count(), 0);
    await one.app.getByText("应用的消息").click();
    await one.app.getByText("info: goodbye").waitFor();
    one.visitor.done();
  });

  test("is told that the call was cancelled", async () => {
    const { promise: never } = Promise.withResolvers();
    await using one = await shown(withMessages(""), { show: () => never });
    const frame = await appFrame(one.visitor);
    await until(() => frame.evaluate(() => heard.some(({ method }) => method === "ui/notifications/tool-input")), "the arguments");
    await one.page.locator(".use").getByRole("button", { name: "Cancel", exact: true }).click();
    await until(() => frame.evaluate(() => heard.some(({ method, params }) => method === "ui/notifications/tool-cancelled" && params.reason.includes("cancelled"))), "the cancellation");
    assert.ok(!(await frame.evaluate(() => heard.some(({ method }) => method === "ui/notifications/tool-result"))));
  });

  test("gets a long result as a whole", async () => {
    const text = "long ".repeat(500_000);
    await using one = await shown(withMessages(""), { show: () => ({ content: [{ type: "text", text }] }) });
    const frame = await appFrame(one.visitor);
    const result = () => frame.evaluate(() => heard.find(({ method }) => method === "ui/notifications/tool-result")?.params.content[0].text.length);
    await until(async () => (await result()) === text.length, "the result");
  });

  test("hears nothing before it has started, then arguments and result, each once", async () => {
    await using one = await shown(withMessages("", { starts: false }));
    const frame = await appFrame(one.visitor);
    await one.page.locator(".use .result").waitFor();
    await frame.evaluate(() => request("ping"));
    assert.deepEqual(await frame.evaluate(() => heard.map(({ method }) => method)), [undefined]);
    await frame.evaluate(() => (notify("ui/notifications/initialized"), notify("ui/notifications/initialized")));
    await until(() => frame.evaluate(() => heard.length === 3), "arguments and result");
    await frame.evaluate(() => request("ping"));
    assert.deepEqual(await frame.evaluate(() => heard.map(({ method }) => method).filter(Boolean)), ["ui/notifications/tool-input", "ui/notifications/tool-result"]);
  });

  test("has the height that it tells, within bounds", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    const height = async () => (await one.app.locator("iframe").boundingBox()).height;
    for (const [told, shown] of [[300, 300], [0, 40], [1e9, 1200], [500.2, 501]]) {
      await frame.evaluate((height) => notify("ui/notifications/size-changed", { height }), told);
      await until(async () => (await height()) === shown, `a height of ${shown}`);
    }
    for (const height of ["1", null, NaN]) await frame.evaluate((height) => notify("ui/notifications/size-changed", { height }), height);
    await frame.evaluate(() => request("ping"));
    assert.equal(await height(), 501);
  });

  test("is explained where it cannot be shown", async () => {
    const contents = [{ uri: "ui://scripted/app", mimeType: "text/html", text: "<p>x" }];
    for (const [read, told] of [[() => ({ contents }), "The resource is no app"], [() => ({ error: { code: -32002, message: "Gone" } }), "The app cannot be read: "]]) {
      await using one = await shown("", { handlers: { "resources/read": read } });
      await one.app.getByText(told).waitFor();
      assert.equal(await one.app.locator("iframe").count(), 0);
    }
  });

  test("is not shown where the person switched apps off", async () => {
    await using other = await appServer(withMessages(""));
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.page.getByText("Options", { exact: true }).click();
    await visitor.page.getByLabel("Apps", { exact: true }).uncheck();
    await visitor.connect(other.url);
    await visitor.tool("show");
    await visitor.call();
    await visitor.page.locator(".use .result").waitFor();
    assert.equal(await visitor.page.locator(".app").count(), 0);
    assert.ok(other.requests.every(({ text }) => !text.includes("io.modelcontextprotocol/ui") && !text.includes("resources/read")));
    visitor.done();
  });

  test("is declared to the server", async () => {
    await using one = await shown(withMessages(""));
    const said = one.other.requests.find(({ text }) => text.includes("io.modelcontextprotocol/ui"));
    assert.match(said.text, /"io\.modelcontextprotocol\/ui":\{"mimeTypes":\["text\/html;profile=mcp-app"\]\}/);
  });
});

describe("messages", () => {
  test("of other windows, of no shape, and too long ones are not heard", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    const height = async () => (await one.app.locator("iframe").boundingBox()).height;
    await frame.evaluate(() => notify("ui/notifications/size-changed", { height: 200 }));
    await until(async () => (await height()) === 200, "the height");
    // The page itself, and another frame of the same kind, say what only the app may.
    await one.page.evaluate(() => postMessage({ jsonrpc: "2.0", method: "ui/notifications/size-changed", params: { height: 333 } }, "*"));
    await frame.evaluate(() => {
      const circle = {};
      circle.circle = circle;
      const size = { method: "ui/notifications/size-changed", params: { height: 333 } };
      for (const message of [null, 1, "x", [], size, { jsonrpc: "1.0", ...size }, { jsonrpc: "2.0", ...size, params: [333] }, { jsonrpc: "2.0", ...size, id: {} }, { jsonrpc: "2.0", ...size, circle }, { jsonrpc: "2.0", ...size, long: "x".repeat(1_000_001) }, { jsonrpc: "2.0", method: 1 }, { jsonrpc: "2.0" }])
        parent.postMessage(message, "*");
    });
    await frame.evaluate(() => request("ping"));
    assert.equal(await height(), 200);
    one.visitor.done();
  });

  test("beyond 50 in a second are not heard, and the person is told", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    await frame.evaluate(() => started);
    const { page } = one.visitor;
    // The page's clock stands still for a thousand messages, and then it is a second later.
    await page.evaluate(() => {
      const now = 1000 * Math.ceil(performance.now() / 1000 + 1);
      performance.now = () => now;
      self.heard = 0;
      addEventListener("message", () => self.heard++);
    });
    await frame.evaluate(() => {
      self.answers = 0;
      for (let at = 0; at < 1000; at++) void request("ping").then(() => self.answers++);
    });
    await until(() => page.evaluate(() => self.heard >= 1000), "all messages");
    await one.app.getByText("The app sends too many messages").waitFor();
    await page.evaluate(() => {
      const now = performance.now() + 1000;
      performance.now = () => now;
    });
    await frame.evaluate(() => request("ping"));
    const answered = await frame.evaluate(() => self.answers);
    assert.ok(answered >= 45 && answered <= 50, `${answered} answers`);
  });

  test("of unknown methods get an error", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    for (const method of ["sampling/createMessage", "tools/list", "constructor", "ui/unknown"]) assert.equal((await asked(one, frame, `request("${method}")`)).error.code, -32601, method);
    for (const [method, params] of [["tools/call", {}], ["tools/call", { name: "show", arguments: 1 }], ["resources/read", {}], ["ui/open-link", {}], ["ui/download-file", {}]])
      assert.equal((await asked(one, frame, `request(${JSON.stringify(method)}, ${JSON.stringify(params)})`)).error.code, -32602, method);
  });
});

describe("many apps, and bad ones", () => {
  test("an app in an endless loop is closed, and the page lives", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    await frame.evaluate(() => started);
    await frame.evaluate(() => void setTimeout(() => { for (;;); }));
    await one.app.getByRole("button", { name: "Close app" }).click();
    await one.app.getByRole("button", { name: "Show app" }).waitFor();
    assert.equal(await one.app.locator("iframe").count(), 0);
    await one.page.getByRole("tab", { name: /^Messages/ }).click();
    await one.page.locator(".trace li").first().waitFor();
  });

  test("of more than ten apps, those out of sight are removed, and can be shown again", async () => {
    await using one = await shown(withMessages(`document.body.style.height = "400px"; started.then(() => notify("ui/notifications/size-changed", { height: 800 }));`));
    await appFrame(one.visitor);
    for (let at = 2; at <= 12; at++) {
      await one.visitor.call();
      await until(async () => (await one.page.locator(".use").count()) === at, `use ${at}`);
      await appFrame(one.visitor);
    }
    await until(async () => (await one.page.locator(".app iframe").count()) === 10, "ten frames");
    const oldest = one.page.locator(".use").last();
    await oldest.locator("summary").first().click();
    await oldest.getByText("out of sight").waitFor();
    await oldest.getByRole("button", { name: "Show app" }).click();
    await oldest.locator("iframe").waitFor();
    await until(async () => (await one.page.locator(".app iframe").count()) === 10, "ten frames again");
    one.visitor.done();
  });

  test("an app lives on while the person looks at other parts of the page, and ends with the connection", async () => {
    await using one = await shown(withMessages(""), { tools: [{ name: "other", inputSchema: { type: "object" } }] });
    const frame = await appFrame(one.visitor);
    await until(() => frame.evaluate(() => heard.some(({ method }) => method === "ui/notifications/tool-result")), "the result");
    await frame.evaluate(() => void (globalThis.mark = "kept"));
    for (const leave of [() => one.page.getByRole("tab", { name: /^Messages/ }).click(), () => one.visitor.tool("other")]) {
      await leave();
      await until(async () => (await one.page.locator(".app").count()) === 0, "the app to be off the page");
      await one.page.getByRole("tab", { name: /^Tools/ }).click();
      await one.visitor.tool("show");
      const again = await appFrame(one.visitor);
      assert.equal(await again.evaluate(() => globalThis.mark), "kept");
      await again.evaluate(() => request("ping"));
      assert.equal(await again.evaluate(() => heard.filter(({ method }) => method === "ui/notifications/tool-result").length), 1);
      await one.app.getByRole("button", { name: "Close app" }).waitFor();
    }
    await one.page.getByRole("tab", { name: /^Messages/ }).click();
    assert.equal(await one.page.locator("iframe").count(), 1);
    await one.visitor.button("Disconnect").click();
    await until(async () => (await one.page.locator("iframe").count()) === 0, "the app's end");
    one.visitor.done();
  });

  test("an app of an earlier call lives on while another begins", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    await frame.evaluate(() => void (globalThis.mark = "first"));
    await one.visitor.call();
    await until(async () => (await one.page.locator(".app iframe").count()) === 2, "two frames");
    assert.equal(await frame.evaluate(() => globalThis.mark), "first");
  });
});

describe("axe finds nothing", () => {
  const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const SCREENSHOTS = process.env.SCREENSHOTS ?? join(root, "tests/e2e/screenshots");
  mkdirSync(SCREENSHOTS, { recursive: true });

  async function look({ page }, name) {
    await page.evaluate(AXE);
    // The app's own document is its server's.
    const { violations, incomplete } = await page.evaluate(() => window.axe.run(document, { iframes: false, rules: { "frame-tested": { enabled: false } }, resultTypes: ["violations", "incomplete"] }));
    const findings = [...violations, ...incomplete].flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${name}: ${id}: ${html.slice(0, 200)} ${any[0]?.message ?? ""}`));
    assert.deepEqual(findings, []);
    const { scroll, width } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: document.documentElement.clientWidth }));
    assert.ok(scroll <= width, `${name}: it is ${scroll} px wide in a window of ${width}`);
    await page.locator(".app").first().scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(SCREENSHOTS, `playground-app-${name}.png`) });
  }

  for (const [name, options] of [
    ["wide-light", {}],
    ["narrow-dark-zh", { colorScheme: "dark", viewport: { width: 320, height: 640 } }],
  ])
    test(`beside an app with questions, notes and messages, and while it fills the page: ${name}`, async () => {
      const html = withMessages(`
        started.then(() => {
          notify("notifications/message", { level: "info", data: "a line" });
          request("ui/update-model-context", { content: [{ type: "text", text: "context" }] });
          for (const [method, params] of [["tools/call", { name: "show", arguments: { n: 1 } }], ["ui/open-link", { url: "https://example.com/page" }], ["ui/message", { role: "user", content: { type: "text", text: "hello" } }]]) request(method, params).catch(() => {});
          try { localStorage.length; } catch {}
        });
      `);
      const ui = { csp: { connectDomains: ["https://api.example.com", "*"] }, permissions: { camera: {} } };
      await using one = await shown(html, { ui }, options);
      if (name.endsWith("zh")) await one.visitor.button("中文").click();
      await appFrame(one.visitor);
      const cards = one.app.locator(".card");
      await until(async () => (await cards.count()) === 3 && (await cards.locator("button:disabled").count()) === 0, "three questions");
      await until(async () => (await one.app.locator(".warning").count()) === 3, "three notes");
      await look(one.visitor, name);
      for (let left = 3; left > 0; left--) {
        await cards.first().getByRole("button").last().click();
        await until(async () => (await cards.count()) === left - 1, "an answer");
      }
      const frame = await appFrame(one.visitor);
      assert.deepEqual(await frame.evaluate(() => request("ui/request-display-mode", { mode: "fullscreen" })), { mode: "fullscreen" });
      await one.page.locator(".app.filling").waitFor();
      await look(one.visitor, `${name}-filling`);
      await one.page.keyboard.press("Escape");
      await one.page.locator(".app:not(.filling)").waitFor();
    });
});

describe("the demo's dice", () => {
  test("are shown with their result, rolled again by their button, and follow theme and language", async () => {
    const own = await demo({ playground: true });
    after(() => own.stop());
    await using visitor = await visit(browser, own, { colorScheme: "dark" });
    await visitor.connect();
    await visitor.tool("roll_dice");
    await visitor.argument("roll_dice", "/dice").fill("6");
    await visitor.call();
    const frame = await appFrame(visitor);
    const dice = frame.getByRole("img", { name: /^Rolled( [1-6]){6}$/ });
    await dice.waitFor();
    assert.equal(await frame.evaluate(() => document.documentElement.style.colorScheme), "dark");
    const first = await dice.getAttribute("aria-label");
    assert.equal(first, (await visitor.page.locator(".use .result .text").first().innerText()).trim());
    const app = visitor.page.locator(".app");
    // The whole of it is seen, without a bar to scroll.
    await until(() => frame.evaluate(() => document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollHeight > innerHeight - 60), "the height of the dice");
    // Six dice come the same once in 46656 rolls.
    await frame.getByRole("button", { name: "Roll again" }).click();
    await app.getByText("The app wants to call roll_dice").waitFor();
    await app.getByRole("button", { name: "Allow calls" }).click();
    await until(async () => (await frame.getByRole("img").getAttribute("aria-label")) !== first, "another roll");
    const second = await frame.getByRole("img").getAttribute("aria-label");
    await frame.getByRole("button", { name: "Roll again" }).click();
    await until(async () => (await frame.getByRole("img").getAttribute("aria-label")) !== second, "a roll without a question");
    await visitor.page.emulateMedia({ colorScheme: "light" });
    await until(() => frame.evaluate(() => document.documentElement.style.colorScheme === "light"), "the theme");
    await visitor.button("中文").click();
    await frame.getByRole("button", { name: "再掷一次" }).waitFor();
    visitor.done();
  });
});
