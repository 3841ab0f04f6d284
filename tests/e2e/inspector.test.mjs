// The MCP Inspector: its command line, and its web page in Chromium.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { launch } from "../support/browser.mjs";
import { removeFolder, run, temporaryFolder } from "../support/child.mjs";
import { INSPECTOR, startWeb } from "../support/inspector.mjs";
import { demo } from "../support/workerd.mjs";

const server = await demo();
after(() => server.stop());

const TOOLS = ["add", "calculate", "increment", "whoami", "countdown"];
const WAIT_MS = 20_000;

const home = temporaryFolder("durable-mcp-inspector");
after(() => removeFolder(home));

const HTTP = ["/mcp", "--transport", "http"];
// The path alone must be enough for it to choose HTTP+SSE.
const SSE = ["/sse"];

async function inspect([path, ...transport], ...args) {
  const command = [INSPECTOR, "--cli", `${server.url}${path}`, ...transport, ...args, "--format", "json"];
  const { code, stdout, stderr } = await run("node", command, { env: { HOME: home } });
  return { code, stderr, result: stdout && JSON.parse(stdout).result };
}

async function inspected(...args) {
  const { code, stderr, result } = await inspect(...args);
  // It warns on standard error of whatever it does not like in an answer.
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return result;
}

for (const [name, endpoint] of [
  ["Streamable HTTP", HTTP],
  ["HTTP+SSE", SSE],
]) {
  describe(`the Inspector's command line over ${name}`, () => {
    test("initializes", async () => {
      const { protocolVersion, serverInfo, capabilities } = await inspected(endpoint, "--method", "initialize");
      assert.equal(protocolVersion, "2025-11-25");
      assert.ok(serverInfo.name && serverInfo.version);
      assert.ok(capabilities.tools && capabilities.resources && capabilities.prompts);
    });

    test("lists the tools, and finds their schemas portable", async () => {
      const { tools } = await inspected(endpoint, "--method", "tools/list", "--strict");
      for (const tool of TOOLS)
        assert.ok(
          tools.some(({ name }) => name === tool),
          `no tool ${tool}`,
        );
    });

    test("calls a tool", async () => {
      const args = JSON.stringify({ a: 40, b: 2 });
      const call = ["--method", "tools/call", "--tool-name", "add", "--tool-args-json", args];
      assert.deepEqual((await inspected(endpoint, ...call)).content, [{ type: "text", text: "42" }]);
    });
  });
}

describe("the Inspector's command line over Streamable HTTP", () => {
  test("exits 5 when a tool fails", async () => {
    const args = JSON.stringify({ operation: "divide", a: 1, b: 0 });
    const { code } = await inspect(
      HTTP,
      "--method",
      "tools/call",
      "--tool-name",
      "calculate",
      "--tool-args-json",
      args,
    );
    assert.equal(code, 5);
  });

  test("reads a resource", async () => {
    const { contents } = await inspected(HTTP, "--method", "resources/read", "--uri", "mcp://resource/counter");
    assert.equal(contents[0].text, "0");
  });

  test("lists the resource templates and the prompts", async () => {
    assert.ok((await inspected(HTTP, "--method", "resources/templates/list")).resourceTemplates.length > 0);
    assert.ok((await inspected(HTTP, "--method", "prompts/list")).prompts.length > 0);
  });

  test("serves 300 calls, ten at a time, without an error", async () => {
    const call = ["--method", "tools/call", "--tool-name", "add", "--tool-args-json", JSON.stringify({ a: 1, b: 2 })];
    const load = await inspected(HTTP, ...call, "--load", "--load-requests", "300", "--load-concurrency", "10");
    assert.deepEqual([load.requests, load.ok, load.errorMessages], [300, 300, []]);
  });
});

describe("the Inspector's web page", async () => {
  const web = await startWeb(home);
  const browser = await launch();
  after(async () => {
    await browser.close();
    await web.stop();
  });

  for (const [name, transport, path] of [
    ["Streamable HTTP", "http", "/mcp"],
    ["HTTP+SSE", "sse", "/sse"],
  ]) {
    test(`connects over ${name}, lists the tools and calls one`, async () => {
      const page = await browser.newPage();
      page.setDefaultTimeout(WAIT_MS);
      try {
        const query = new URLSearchParams({ serverUrl: `${server.url}${path}`, transport, autoConnect: web.token });
        await page.goto(`${web.url}/?${query}`);
        await connected(page);
        await page.getByText("Tools", { exact: true }).click();
        const screen = page.getByTestId("tools-screen");
        for (const tool of TOOLS) await screen.getByText(tool, { exact: true }).waitFor();
        await screen.getByText("add", { exact: true }).click();
        await screen.getByLabel("a *", { exact: true }).fill("40");
        await screen.getByLabel("b *", { exact: true }).fill("2");
        await screen.getByRole("button", { name: "Execute Tool" }).click();
        await screen.getByText("42", { exact: true }).waitFor();
      } finally {
        await page.close();
      }
    });
  }
});

async function connected(page) {
  const status = page.getByTestId("connection-status");
  await status.and(page.locator(`[data-status="connected"], [data-status="error"]`)).waitFor();
  assert.equal(await status.getAttribute("data-error-message"), null);
  assert.equal(await status.getAttribute("data-status"), "connected");
}
