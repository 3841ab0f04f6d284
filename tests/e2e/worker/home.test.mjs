// The page at `/` in Chromium. Screenshots go to the folder that SCREENSHOTS names.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { launch } from "../../support/browser.mjs";
import { root } from "../../support/child.mjs";
import { open } from "../../support/mcp.mjs";
import { WAIT_MS } from "../../support/wait.mjs";
import { demo } from "../../support/workerd.mjs";

const server = await demo();
const browser = await launch();
after(async () => {
  await browser.close();
  await server.stop();
});

const SCREENSHOTS = process.env.SCREENSHOTS ?? join(root, "tests/e2e/screenshots");
mkdirSync(SCREENSHOTS, { recursive: true });

const SIZES = { narrow: { width: 360, height: 740 }, wide: { width: 1280, height: 800 } };

describe("the home page", () => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      test(`the page renders without errors, ${size} and ${colorScheme}`, async () => {
        await using home = await visit({ viewport, colorScheme });
        assert.equal(home.response.status(), 200);
        assert.match(home.response.headers()["content-type"], /^text\/html/);
        assert.ok(home.response.headers()["content-security-policy"], "no policy that could be violated");
        await home.page.screenshot({ path: join(SCREENSHOTS, `home-${size}-${colorScheme}.png`), fullPage: true });
        assert.deepEqual(await home.complaints(), []);
        await home.page.evaluate(() => {
          for (const details of document.querySelectorAll("details")) details.open = true;
        });
        const { scroll, width } = await home.page.evaluate(() => ({
          scroll: document.documentElement.scrollWidth,
          width: document.documentElement.clientWidth,
        }));
        assert.ok(scroll <= width, `it is ${scroll} px wide in a window of ${width}`);
      });
    }
  }

  test("the page is dark if the user prefers dark", async () => {
    const brightness = {};
    for (const colorScheme of ["light", "dark"]) {
      await using home = await visit({ viewport: SIZES.wide, colorScheme });
      brightness[colorScheme] = await home.page.evaluate(
        brightnessOfCorner,
        (await home.page.screenshot()).toString("base64"),
      );
    }
    assert.ok(brightness.light > 200 && brightness.dark < 80, JSON.stringify(brightness));
  });

  test("snippets name this server and work without JavaScript", async () => {
    await using home = await visit({ viewport: SIZES.wide, javaScriptEnabled: false });
    const snippets = await home.page.locator("pre, code").allTextContents();
    for (const path of ["/mcp", "/sse"]) {
      assert.ok(
        snippets.some((snippet) => snippet.includes(`${server.url}${path}`)),
        `no snippet with ${path}: ${snippets}`,
      );
    }
    for (const [, host] of snippets.join("\n").matchAll(/https?:\/\/([^\/\s"']+)/g)) {
      assert.equal(host, new URL(server.url).host);
    }
  });

  test("links install this server in clients", async () => {
    await using home = await visit({ viewport: SIZES.wide });
    const links = await home.page.locator("a").evaluateAll((all) => all.map(({ href }) => new URL(href)));
    const link = (protocol, host = "") => links.find((url) => url.protocol === protocol && url.host === host);
    const url = `${server.url}/mcp`;
    // Claude calls from elsewhere, and cannot reach this machine.
    assert.equal(link("https:", "claude.ai"), undefined);
    const { searchParams } = link("cursor:", "anysphere.cursor-deeplink");
    assert.deepEqual(JSON.parse(Buffer.from(searchParams.get("config"), "base64")), { url });
    const { name, ...config } = JSON.parse(decodeURIComponent(link("vscode:").search.slice(1)));
    assert.deepEqual(config, { type: "http", url });
    assert.equal(name, searchParams.get("name"));
  });

  test("each snippet is copied unchanged and confirmed", async () => {
    await using home = await visit({ viewport: SIZES.narrow, permissions: ["clipboard-read", "clipboard-write"] });
    const { page } = home;
    await page.evaluate(() => {
      for (const details of document.querySelectorAll("details")) details.open = true;
      // Confirmations stay while the test looks at them.
      globalThis.setTimeout = () => 0;
    });
    const snippets = await page.locator("pre").all();
    assert.ok(snippets.length >= 15, `${snippets.length} snippets`);
    for (const snippet of snippets) {
      const what = await snippet.getAttribute("data-what");
      await snippet.getByRole("button", { name: `Copy ${what}`, exact: true }).click();
      await snippet.getByRole("button", { name: `Copied ${what}`, exact: true }).waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      assert.equal(copied, await snippet.locator("code").textContent());
      assert.equal(await page.getByRole("status").textContent(), `Copied ${what}`);
    }
    assert.deepEqual(await home.complaints(), []);
  });

  test("a copy is confirmed although the confirmation of an earlier one ends", async () => {
    await using home = await visit({ viewport: SIZES.wide, permissions: ["clipboard-read", "clipboard-write"] });
    const { page } = home;
    await page.evaluate(() => {
      globalThis.ends = [];
      globalThis.setTimeout = (end) => ends.push(end);
    });
    const [first, second] = await page.locator("pre:visible").all();
    for (const snippet of [first, second]) {
      const what = await snippet.getAttribute("data-what");
      await snippet.getByRole("button", { name: `Copy ${what}`, exact: true }).click();
      await snippet.getByRole("button", { name: `Copied ${what}`, exact: true }).waitFor();
    }
    const what = await second.getAttribute("data-what");
    await page.evaluate(() => ends[0]());
    await first.getByRole("button", { name: `Copy ${await first.getAttribute("data-what")}`, exact: true }).waitFor();
    assert.equal(await page.getByRole("status").textContent(), `Copied ${what}`);
    await page.evaluate(() => ends[1]());
    assert.equal(await page.getByRole("status").textContent(), "");
  });

  test("a snippet that cannot be copied is selected", async () => {
    await using home = await visit({ viewport: SIZES.wide });
    const { page } = home;
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error("not allowed"));
    });
    await page.getByRole("button", { name: "Copy the address", exact: true }).click();
    await page.getByRole("button", { name: "Selected the address" }).waitFor();
    assert.equal(await page.evaluate(() => `${getSelection()}`), `${server.url}/mcp`);
  });

  test("no foreign script runs", async () => {
    await using home = await visit({ viewport: SIZES.wide });
    await home.page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
    });
    assert.equal(await home.page.evaluate(() => window.ran), undefined);
    assert.ok((await home.complaints()).some((complaint) => complaint.startsWith("violates script-src")));
  });

  test("no button is shown that needs JavaScript and lacks it", async () => {
    await using home = await visit({ viewport: SIZES.wide, javaScriptEnabled: false });
    assert.equal(await home.page.locator("button").count(), 0);
  });

  test("the arguments of each tool are shown", async () => {
    await using home = await visit({ viewport: SIZES.wide });
    const { tools } = await (await open(server)).request("tools/list");
    for (const { name, inputSchema } of tools) {
      const entry = home.page.locator("section[aria-labelledby=tools] .list > div").filter({
        has: home.page.locator("dt:first-child > code", { hasText: new RegExp(`^${name}$`) }),
      });
      const named = await entry.locator(".arguments dt > code").allTextContents();
      assert.deepEqual(named.sort(), Object.keys(inputSchema.properties).sort(), name);
    }
    assert.ok(tools.some(({ inputSchema }) => Object.keys(inputSchema.properties).length > 0));
  });

  for (const client of ["Cursor", "VS Code"]) {
    test(`the policy of the page allows the link to ${client}`, async () => {
      await using home = await visit({ viewport: SIZES.wide });
      await home.page.getByRole("heading", { name: client, exact: true }).click();
      const link = home.page.getByRole("link", { name: `Add to ${client}` });
      const href = await link.evaluate(({ href }) => href);
      // That there is no such program here comes after the policy.
      await Promise.all([
        home.page.waitForEvent("request", (request) => request.url() === href),
        link.click({ noWaitAfter: true }),
      ]);
      assert.ok(!(await home.complaints()).some((complaint) => complaint.startsWith("violates")));
    });
  }

  test("the page can be used by keyboard", async () => {
    await using home = await visit({ viewport: SIZES.wide, javaScriptEnabled: false });
    const first = home.page.locator("details").first();
    assert.equal(await first.getAttribute("open"), null);
    await first.locator("summary").focus();
    await home.page.keyboard.press("Enter");
    assert.notEqual(await first.getAttribute("open"), null);
    assert.ok(await first.locator("p").first().isVisible());
  });

  test("screen readers get names and roles", async () => {
    await using home = await visit({ viewport: SIZES.wide });
    assert.notEqual(await home.page.title(), "");
    assert.notEqual(await home.page.locator("html").getAttribute("lang"), null);
    assert.equal(await home.page.locator("h1").count(), 1);
    assert.equal(await home.page.locator("img:not([alt])").count(), 0);
  });
});

// Opens the page and collects everything that a browser complains of.
async function visit(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => complaints.push(`${error}`));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`HTTP ${response.status()}: ${response.url()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith("data:"))
      complaints.push(`elsewhere: ${request.url()}`);
  });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
      window.violations.push(`violates ${violatedDirective}: ${blockedURI}`);
    });
  });
  const response = await page.goto(server.url, { waitUntil: "networkidle" });
  return {
    page,
    response,
    complaints: async () => [...complaints, ...(await page.evaluate(() => window.violations))],
    [Symbol.asyncDispose]: () => context.close(),
  };
}

// What is painted, not what a style sheet says: of the screenshot's first pixel, 0 to 255.
async function brightnessOfCorner(png) {
  const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = new OffscreenCanvas(1, 1).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
  return (red + green + blue) / 3;
}
