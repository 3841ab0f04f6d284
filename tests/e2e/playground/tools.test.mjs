// The playground's list of tools, their icons, headers and calls: several at once, again, cancelled, with progress.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { inBrowser, visit } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { server, browser, connected } = await inBrowser(fixture({ playground: true }));

const row = (visitor, name) => visitor.page.locator(".list li").filter({ has: visitor.page.getByText(name, { exact: true }) });

const callsOf = (other) => other.requests.filter(({ text }) => text?.includes('"method":"tools/call"'));

/** Handlers of a server of 2026-07-28. */
const modern = (handlers) => ({ "server/discover": () => ({ resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } }), ...handlers });

describe("arguments that are repeated in headers", () => {
  test("are taken by a server that compares them, those included that no header can hold as they are", async () => {
    await using visitor = await connected({}, { version: "2026-07-28" });
    await visitor.tool("test_x_mcp_header");
    for (const region of ["eu-west", "日本 ", "=?base64?YQ==?=", ""]) {
      await visitor.json({ region, shard: 7, dry_run: true });
      await visitor.button("Form").click();
      await visitor.call();
      await until(async () => (await (await visitor.result()).innerText()).includes(`"region":${JSON.stringify(region)},"shard":7,"dry_run":true`), `the result for ${region}`);
    }
  });

  test("go out as base64 where they have to, and only for properties that say so", async () => {
    const inputSchema = { type: "object", properties: { region: { type: "string", "x-mcp-header": "Region" }, deep: { type: "object", properties: { on: { type: "boolean", "x-mcp-header": "On" } } }, other: { type: "string" } } };
    const requests = [];
    const answer = (request, text) => {
      if (request.method === "POST" && text.includes('"tools/call"')) requests.push(request.headers);
      return false;
    };
    await using other = await scripted({ handlers: modern({ "tools/list": () => ({ tools: [{ name: "mirror", inputSchema }] }), "tools/call": () => ({ content: [] }) }), answer, moreHeaders: ["mcp-param-region", "mcp-param-on"] });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] }, { version: "2026-07-28" });
    await visitor.tool("mirror");
    for (const value of [{ region: "eu", deep: { on: false }, other: "x" }, { region: "日本" }]) {
      await visitor.json(value);
      await visitor.call();
      await visitor.button("Form").click();
      await until(() => requests.length > 0 && JSON.parse(callsOf(other).at(-1).text).params.arguments.region === value.region, "the call");
    }
    assert.equal(requests[0]["mcp-param-region"], "eu");
    assert.equal(requests[0]["mcp-param-on"], "false");
    assert.equal(requests[0]["mcp-param-other"], undefined);
    assert.equal(requests[1]["mcp-param-region"], `=?base64?${Buffer.from("日本").toString("base64")}?=`);
    assert.equal(requests[1]["mcp-param-on"], undefined);
  });

  test("that are against the rules are shown with the reason, and keep the tool from being called in 2026-07-28 alone", async () => {
    const bad = { type: "object", properties: { list: { type: "array", items: { type: "string", "x-mcp-header": "Item" } } } };
    const tools = [{ name: "bad", inputSchema: bad }, { name: "constructor", inputSchema: { type: "object" } }];
    await using stateless = await scripted({ handlers: modern({ "tools/list": () => ({ tools }) }) });
    await using session = await scripted({ handlers: { "tools/list": () => ({ tools }), "tools/call": () => ({ content: [] }) } });
    {
      await using visitor = await connected({ url: stateless.url, allowed: [stateless.origin] }, { version: "2026-07-28" });
      await row(visitor, "bad").getByText("cannot be called").waitFor();
      assert.equal(await row(visitor, "constructor").getByText("cannot be called").count(), 0);
      await visitor.tool("bad");
      await visitor.page.getByText(/breaks a rule of x-mcp-header:[^]*from here: list\.items/).waitFor();
      assert.ok(await visitor.button("Call").isDisabled());
      visitor.done();
    }
    await using visitor = await connected({ url: session.url, allowed: [session.origin] }, { version: "2025-11-25" });
    await visitor.tool("bad");
    await visitor.call();
    await visitor.result();
    visitor.done();
  });
});

test("icons come from data and from the server's own origin, without cookies; for others the first letters stand", async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8" fill="red"/></svg>';
  const icons = {};
  const answer = (request, text, response) => {
    if (!request.url.startsWith("/icon")) return false;
    if (request.url === "/icon-moved.svg") return response.writeHead(302, { location: "/icon.svg" }).end(), true;
    response.writeHead(200, { "content-type": request.url.endsWith(".html") ? "text/html" : "image/svg+xml", "set-cookie": "planted=1" });
    return response.end(svg), true;
  };
  const info = { name: "with icons", version: "1", icons: [{ src: `data:image/svg+xml,${encodeURIComponent(svg)}` }] };
  await using other = await scripted({ info, handlers: { "tools/list": () => ({ tools: Object.entries(icons).map(([name, src]) => ({ name, icons: [{ src }], inputSchema: { type: "object" } })) }) }, answer });
  Object.assign(icons, {
    data: info.icons[0].src,
    own: `${other.origin}/icon.svg`,
    moved: `${other.origin}/icon-moved.svg`,
    page: `${other.origin}/icon.html`,
    foreign: "https://evil.example/icon.svg",
    script: "javascript:alert(1)",
    html: "data:text/html,<script>alert(1)</script>",
  });
  await using visitor = await connected({ url: other.url, allowed: [other.origin] });
  for (const name of ["data", "own"]) assert.ok(await row(visitor, name).locator("img").evaluate((image) => image.decode().then(() => image.naturalWidth > 0)), name);
  await until(() => ["/icon-moved.svg", "/icon.html"].every((url) => other.requests.some((request) => request.url === url)), "the requests");
  for (const name of ["moved", "page", "foreign", "script", "html"]) {
    assert.equal(await row(visitor, name).locator("span.icon").innerText(), name.slice(0, 2).toUpperCase());
    assert.equal(await row(visitor, name).locator("img").count(), 0, name);
  }
  await visitor.page.locator(".facts h3 img").waitFor();
  assert.ok(other.requests.every(({ headers }) => headers.cookie === undefined));
  assert.equal(other.requests.filter(({ url }) => url === "/icon.svg").length, 1);
  // The browser reports the redirect that is refused.
  visitor.complaints = visitor.complaints.filter((text) => !/icon-moved/.test(text));
  visitor.done();
});

test("a tool for apps alone is marked", async () => {
  const tools = [{ name: "hidden", _meta: { ui: { visibility: ["app"] } } }, { name: "both", _meta: { ui: { visibility: ["app", "model"] } } }, { name: "plain" }].map((tool) => ({ ...tool, inputSchema: { type: "object" } }));
  await using other = await scripted({ handlers: { "tools/list": () => ({ tools }) } });
  await using visitor = await connected({ url: other.url, allowed: [other.origin] });
  await row(visitor, "hidden").getByText("for apps only").waitFor();
  assert.equal(await visitor.page.getByText("for apps only").count(), 1);
});

test("arguments of a link that the schema does not know are shown as such, and not dropped", async () => {
  const inputSchema = { type: "object", properties: { known: { type: "string" } }, additionalProperties: false };
  await using other = await scripted({ handlers: { "tools/list": () => ({ tools: [{ name: "one", inputSchema }] }), "tools/call": () => ({ content: [] }) } });
  const args = JSON.stringify({ known: "k", planted: { deep: 1 } });
  await using visitor = await visit(browser, server, { allowed: [other.origin], query: `?server=${encodeURIComponent(other.url)}&tool=one&args=${encodeURIComponent(args)}` });
  await visitor.button("Connect").click();
  await visitor.argument("one", "/known").waitFor();
  await visitor.page.getByText("The schema does not know this argument.").waitFor();
  await visitor.call();
  await visitor.page.getByText("planted is not known here.").waitFor();
  await visitor.button("Send anyway").click();
  await visitor.result();
  assert.deepEqual(JSON.parse(callsOf(other)[0].text).params.arguments, { known: "k", planted: { deep: 1 } });
  visitor.done();
});

describe("calls", () => {
  const tools = [{ name: "echo", inputSchema: { type: "object", properties: { text: { type: "string" } } } }];

  test("run at once, each with its own result, and are made again with the same arguments", async () => {
    const held = new Map();
    const handlers = {
      "tools/list": () => ({ tools }),
      "tools/call": async ({ arguments: { text } }) => {
        await new Promise((release) => held.set(text, release));
        return { content: [{ type: "text", text: `result of ${text}` }] };
      },
    };
    await using other = await scripted({ handlers });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    const { page } = visitor;
    await visitor.tool("echo");
    for (const text of ["first", "second"]) {
      await visitor.argument("echo", "/text").fill(text);
      await visitor.call();
      await until(() => held.has(text), `the call ${text}`);
    }
    assert.equal(await page.locator(".use").count(), 2);
    held.get("second")();
    await page.getByText("result of second").waitFor();
    assert.equal(await page.getByText("Calling…").count(), 1);
    held.get("first")();
    await page.getByText("result of first").waitFor({ state: "attached" });
    held.clear();
    await page.locator(".use").last().locator("summary").click();
    await page.locator(".use").last().getByRole("button", { name: "Again with the same arguments" }).click();
    await until(() => held.has("first"), "the call again");
    held.get("first")();
    await until(async () => /result of first/.test(await page.locator(".use").first().innerText()), "its result");
    assert.equal(await visitor.argument("echo", "/text").inputValue(), "second");
    visitor.done();
  });

  test("are kept with their results, the last twenty of each tool", async () => {
    let count = 0;
    await using other = await scripted({ handlers: { "tools/list": () => ({ tools }), "tools/call": () => ({ content: [{ type: "text", text: `result ${++count}` }] }) } });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    await visitor.tool("echo");
    for (let made = 1; made <= 22; made++) {
      await visitor.call();
      await visitor.page.getByText(`result ${made}`, { exact: true }).waitFor();
    }
    const kept = await visitor.page.locator(".use pre").allTextContents();
    assert.deepEqual(kept, Array.from({ length: 20 }, (_, at) => `result ${22 - at}`));
    visitor.done();
  });

  test("have a button to cancel them in the frame after the click", async () => {
    await using other = await scripted({ handlers: { "tools/list": () => ({ tools }), "tools/call": () => new Promise(() => {}) } });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    await visitor.tool("echo");
    const buttons = await visitor.page.evaluate(async () => {
      const call = [...document.querySelectorAll("article button[type=submit]")].at(-1);
      call.click();
      // The change is drawn in one frame, and checked in the next.
      for (let frames = 0; frames < 2; frames++) await new Promise((next) => requestAnimationFrame(next));
      return [...document.querySelectorAll(".use button")].map(({ textContent }) => textContent);
    });
    assert.ok(buttons.includes("Cancel"), `${buttons}`);
  });

  test("tell their progress at most ten times a second, and the last of it", async () => {
    const answer = (request, text, response) => {
      if (request.method !== "POST" || !text.includes('"tools/call"')) return false;
      const { params } = JSON.parse(text);
      response.writeHead(200, { "content-type": "text/event-stream" });
      let progress = 0;
      const timer = setInterval(() => {
        for (let count = 0; count < 5; count++) {
          progress++;
          response.write(`data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: params._meta.progressToken, progress, total: 500, message: `step ${progress}` } })}\n\n`);
        }
        if (progress === 500) clearInterval(timer);
      }, 10);
      return true;
    };
    await using other = await scripted({ handlers: { "tools/list": () => ({ tools }) }, answer });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    const { page } = visitor;
    await visitor.tool("echo");
    await visitor.call();
    await page.evaluate(() => {
      window.seen = new Map();
      new MutationObserver(() => {
        const text = document.querySelector(".use progress + span, .use p:has(progress)")?.textContent;
        if (text && !window.seen.has(text)) window.seen.set(text, performance.now());
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    await page.getByText("500 / 500 step 500").waitFor();
    const times = await page.evaluate(() => [...window.seen.values()]);
    const inOneSecond = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
    assert.ok(times.length > 2 && inOneSecond <= 12, `${times.length} in all, ${inOneSecond} in a second`);
    assert.deepEqual(await page.locator(".use progress").evaluate(({ value, max }) => [value, max]), [500, 500]);
    visitor.done();
  });

  test("that were cancelled on a session show a late result as such", async () => {
    let finish;
    const handlers = { "tools/list": () => ({ tools }), "tools/call": () => new Promise((resolve) => (finish = () => resolve({ content: [{ type: "text", text: "too late" }] }))) };
    await using other = await scripted({ handlers });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] }, { version: "2025-11-25" });
    await visitor.tool("echo");
    await visitor.call();
    await until(() => finish, "the call");
    await visitor.button("Cancel").click();
    await visitor.page.getByText("Cancelled.").waitFor();
    finish();
    await visitor.page.getByText("A result came after this had ended:").waitFor();
    await visitor.page.locator(".use .result").first().waitFor();
    assert.match(await visitor.page.locator(".use").first().innerText(), /Cancelled\.[^]*too late/);
    visitor.done();
  });
});
