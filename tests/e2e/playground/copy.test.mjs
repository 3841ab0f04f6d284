// The playground's texts to copy: calls as commands and code, which are run here; servers as configurations; the page's state as a link.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { root } from "../../support/child.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { WAIT_MS } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(fixture({ playground: true }));

const run = promisify(execFile);

/** The output of a command in a shell, or of code in Node.js. */
async function output(kind, text, env = {}) {
  const options = { cwd: join(root, "tests"), env: { ...process.env, ...env }, timeout: WAIT_MS };
  const { stdout } = kind.startsWith("curl") ? await run("bash", ["-c", text], options) : await run(process.execPath, ["--input-type=module", "-e", text], options);
  return stdout;
}

/** The result in what a program wrote: JSON, or an event stream with that in its last event. */
function resultIn(text) {
  const lines = text.split("\n").filter((line) => line.startsWith("data: {"));
  const message = JSON.parse(lines.length > 0 ? lines.at(-1).slice(6) : text);
  return message.result ?? message;
}

const ODD = `it's "$(id)" \`id\` \${x} %PATH% !! \\ \n \u00e4\u{1f600}`;

const echo = {
  tools: [{ name: "echo", inputSchema: { type: "object", properties: { text: { type: "string" }, id: { type: "integer" } } } }],
  call: (params) => ({ content: [{ type: "text", text: JSON.stringify(params.arguments) }] }),
};

const copied = async (visitor, label) => {
  const copy = visitor.page.locator("article .copy");
  await copy.waitFor();
  await copy.getByRole("combobox").selectOption({ label });
  return copy.locator("pre").innerText();
};

describe("a call that is copied", () => {
  for (const version of ["2026-07-28", "2025-11-25", "2025-03-26"])
    for (const kind of ["curl (bash)", "fetch (JavaScript)", "SDK (JavaScript)"])
      test(`as ${kind} gives the same result in ${version}`, async () => {
        await using visitor = await visit(browser, server);
        await visitor.connect(undefined, { version });
        await visitor.tool("test_multiple_content_types");
        await visitor.call();
        await visitor.result();
        await visitor.page.getByText("Copy this call").click();
        const result = resultIn(await output(kind, await copied(visitor, kind)));
        assert.deepEqual(result.content.map(({ type }) => type), ["text", "image", "resource"]);
        assert.match(await (await visitor.result()).innerText(), new RegExp(result.content[0].text));
        visitor.done();
      });

  test("keeps odd arguments, and all digits, through a shell and through code", async () => {
    await using other = await scripted({ handlers: { "tools/list": () => ({ tools: echo.tools }), "tools/call": echo.call } });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.connect(other.url);
    await visitor.tool("echo");
    await visitor.json(`{"text":${JSON.stringify(ODD)},"id":12345678901234567890}`);
    await visitor.page.getByText("Copy this call").click();
    for (const kind of ["curl (bash)", "fetch (JavaScript)"]) {
      await output(kind, await copied(visitor, kind));
      const { text } = other.requests.at(-1);
      assert.equal(JSON.parse(text).params.arguments.text, ODD, kind);
      assert.match(text, /"id":12345678901234567890\b/, kind);
    }
  });

  test("has variables in place of tokens and of headers that were typed", async () => {
    await using other = await scripted({ handlers: { "tools/list": () => ({ tools: echo.tools }), "tools/call": echo.call } });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    const { page } = visitor;
    await visitor.identify({ token: "planted-token-1", header: ["X-Secret", "planted-value-2"] });
    await page.getByLabel("Address").fill(other.url);
    await visitor.button("Connect").click();
    await visitor.tool("echo");
    await page.getByText("Copy this call").click();
    await page.getByText("Set $TOKEN, $X_SECRET first").waitFor();
    for (const kind of ["curl (bash)", "curl (PowerShell)", "fetch (JavaScript)", "SDK (JavaScript)"]) {
      const text = await copied(visitor, kind);
      assert.ok(!/planted/.test(text) && /TOKEN/.test(text) && /X_SECRET/.test(text), text);
      if (kind === "curl (PowerShell)") continue;
      await output(kind, text, { TOKEN: "planted-token-1", X_SECRET: "planted-value-2" });
      const { headers } = other.requests.findLast(({ text }) => text.includes("tools/call"));
      assert.deepEqual([headers.authorization, headers["x-secret"]], ["Bearer planted-token-1", "planted-value-2"], kind);
    }
  });

  test("sends arguments that are headers too", async () => {
    const tools = [{ name: "routed", inputSchema: { type: "object", properties: { region: { type: "string", "x-mcp-header": "Region" } } } }];
    const handlers = {
      "server/discover": () => ({ resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, serverInfo: { name: "scripted", version: "1" }, ttlMs: 0, cacheScope: "private" }),
      "tools/list": () => ({ resultType: "complete", tools, ttlMs: 0, cacheScope: "private" }),
      "tools/call": () => ({ resultType: "complete", content: [{ type: "text", text: "routed" }] }),
    };
    const answer = (_, __, response) => (response.setHeader("access-control-allow-headers", "*, authorization"), false);
    await using other = await scripted({ handlers, answer });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.connect(other.url);
    await visitor.tool("routed");
    await visitor.json({ region: "\u00fcber all" });
    await visitor.page.getByText("Copy this call").click();
    for (const kind of ["curl (bash)", "SDK (JavaScript)"]) {
      await output(kind, await copied(visitor, kind));
      const { headers } = other.requests.findLast(({ text }) => text.includes("tools/call"));
      assert.equal(headers["mcp-param-region"], `=?base64?${Buffer.from("\u00fcber all").toString("base64")}?=`, kind);
    }
  });
});

test("the server is copied as the same texts that its own page shows", async () => {
  await using visitor = await visit(browser, server);
  await visitor.connect();
  const { page } = visitor;
  await page.getByText("Use it elsewhere").click();
  const copy = page.locator(".facts .copy").first();
  await copy.waitFor();
  const texts = {};
  for (const label of await copy.locator("option").allInnerTexts()) {
    await copy.getByRole("combobox").selectOption({ label });
    texts[label] = await copy.locator("pre").innerText();
  }
  const home = await browser.newPage();
  await home.goto(server.url);
  const shown = {};
  for (const snippet of await home.locator("pre[data-what]").all()) shown[await snippet.getAttribute("data-what")] = await snippet.locator("code").textContent();
  await home.close();
  assert.deepEqual(texts, {
    "Claude Code · command": shown["the command for Claude Code"],
    "Claude Desktop · through mcp-remote · claude_desktop_config.json": shown["the configuration for Claude Desktop"],
    "Claude Desktop · through durable-mcp-remote · claude_desktop_config.json": shown["the configuration for Claude Desktop through durable-mcp-remote"],
    "VS Code · command": shown["the command for VS Code"],
    "VS Code · .vscode/mcp.json": shown["the configuration for VS Code"],
    "Cursor · ~/.cursor/mcp.json": shown["the configuration for Cursor"],
    "Codex · command": shown["the command for Codex"],
    "Codex · ~/.codex/config.toml": shown["the configuration for Codex"],
    "Gemini CLI · command": shown["the command for Gemini CLI"],
    "Gemini CLI · ~/.gemini/settings.json": shown["the configuration for Gemini CLI"],
  });
  visitor.done();
});

test("the state of the page is copied as a link that fills in another, without what is secret", async () => {
  const tools = [{ name: "echo", inputSchema: { type: "object", properties: { text: { type: "string" }, pin: { type: "string", writeOnly: true } } } }];
  await using other = await scripted({ handlers: { "tools/list": () => ({ tools }) } });
  await using visitor = await visit(browser, server, { allowed: [other.origin], permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = visitor;
  await visitor.connect(other.url, { version: "2025-06-18" });
  await visitor.tool("echo");
  await visitor.json({ text: "a&b", pin: "planted" });
  await page.getByText("Use it elsewhere").click();
  await page.getByRole("button", { name: /^Copy Link to this page/ }).click();
  await page.getByText("Copied.").waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(link.startsWith(`${server.url}/playground?`) && !link.includes("planted"), link);
  await using second = await visit(browser, server, { query: link.slice(link.indexOf("?")), allowed: [other.origin] });
  await second.connect();
  await second.tag("2025-06-18").waitFor();
  assert.equal(await second.argument("echo", "/text").inputValue(), "a&b");
  visitor.done();
});
