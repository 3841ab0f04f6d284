// The MCP Inspector: its command line, and its web page in Chromium.
// Screenshots go to the folder that SCREENSHOTS names.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { launch } from "../../support/browser.mjs";
import { removeFolder, root, run, temporaryFolder } from "../../support/child.mjs";
import { INSPECTOR, startWeb, writeCatalog } from "../../support/inspector.mjs";
import { begun } from "../../support/sdk.mjs";
import { WAIT_MS } from "../../support/wait.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const server = await demo();
const fixtures = await fixture();
after(() => Promise.all([server.stop(), fixtures.stop()]));

const TOOLS = ["add", "calculate", "increment", "whoami", "countdown"];
const SCREENSHOTS = process.env.SCREENSHOTS ?? join(root, "tests/e2e/screenshots");
mkdirSync(SCREENSHOTS, { recursive: true });

const home = temporaryFolder("durable-mcp-inspector");
after(() => removeFolder(home));

const HTTP = [`${server.url}/mcp`, "--transport", "http"];
// The path alone must be enough for it to choose HTTP+SSE.
const SSE = [`${server.url}/sse`];
const MODERN = [...HTTP, "--protocol-era", "modern"];
const AUTO = [...HTTP, "--protocol-era", "auto"];
const FIXTURES = [`${fixtures.url}/mcp`, "--transport", "http", "--protocol-era", "modern"];

/** `answers`: what it printed, line by line. */
async function inspect(endpoint, ...args) {
  const command = [INSPECTOR, "--cli", ...endpoint, ...args, "--format", "json"];
  const { code, stdout, stderr } = await run("node", command, { env: { HOME: home } });
  const answers = stdout.split("\n").filter(Boolean).map(JSON.parse);
  return { code, stderr, answers, result: answers[0]?.result };
}

async function inspected(...args) {
  const { code, stderr, ...answered } = await inspect(...args);
  // It warns on standard error of whatever it does not like in an answer.
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return answered.result;
}

const tool = (name, args = {}) => [
  "--method",
  "tools/call",
  "--tool-name",
  name,
  "--tool-args-json",
  JSON.stringify(args),
];

for (const [name, endpoint, version] of [
  ["over Streamable HTTP", HTTP, "2025-11-25"],
  ["over HTTP+SSE", SSE, "2025-11-25"],
  ["without sessions", MODERN, "2026-07-28"],
  ["by its own probing", AUTO, "2026-07-28"],
]) {
  describe(`the Inspector's command line ${name}`, () => {
    test("the Inspector connects", async () => {
      const { protocolVersion, serverInfo, capabilities } = await inspected(endpoint, "--method", "initialize");
      assert.equal(protocolVersion, version);
      assert.ok(serverInfo.name && serverInfo.version);
      assert.ok(capabilities.tools && capabilities.resources && capabilities.prompts);
    });

    test("the Inspector lists the tools and finds their schemas portable", async () => {
      const { tools } = await inspected(endpoint, "--method", "tools/list", "--strict");
      for (const tool of TOOLS)
        assert.ok(
          tools.some(({ name }) => name === tool),
          `no tool ${tool}`,
        );
    });

    test("the Inspector calls a tool", async () => {
      const { content } = await inspected(endpoint, ...tool("add", { a: 40, b: 2 }));
      assert.deepEqual(content, [{ type: "text", text: "42" }]);
    });
  });
}

for (const [name, endpoint] of [
  ["over Streamable HTTP", HTTP],
  ["without sessions", MODERN],
]) {
  describe(`the Inspector's command line ${name}`, () => {
    test("the Inspector exits with 5 when a tool fails", async () => {
      const { code } = await inspect(endpoint, ...tool("calculate", { operation: "divide", a: 1, b: 0 }));
      assert.equal(code, 5);
    });

    test("the Inspector reads a resource", async () => {
      const { contents } = await inspected(endpoint, "--method", "resources/read", "--uri", "mcp://resource/counter");
      assert.equal(contents[0].text, "0");
    });

    test("the Inspector lists resource templates and prompts, and gets one", async () => {
      assert.ok((await inspected(endpoint, "--method", "resources/templates/list")).resourceTemplates.length > 0);
      assert.ok((await inspected(endpoint, "--method", "prompts/list")).prompts.length > 0);
      const prompt = ["--prompt-name", "greet", "--prompt-args", "name=Ada", "language=french"];
      const { messages } = await inspected(endpoint, "--method", "prompts/get", ...prompt);
      assert.match(messages[0].content.text, /Ada.*Bonjour/);
    });

    test("the server answers 300 calls, ten at a time, without an error", async () => {
      const load = ["--load", "--load-requests", "300", "--load-concurrency", "10"];
      const { requests, ok, errorMessages } = await inspected(endpoint, ...tool("add", { a: 1, b: 2 }), ...load);
      assert.deepEqual([requests, ok, errorMessages], [300, 300, []]);
    });

    test("the Inspector finds the page of a tool and calls it without showing it", async () => {
      const of = async (...args) => (await inspect(endpoint, ...args, "--app-info")).answers;
      const listed = await of("--method", "tools/list");
      const pages = listed.filter(({ hasApp }) => hasApp).map(({ toolName, resourceUri }) => [toolName, resourceUri]);
      assert.deepEqual(pages, [["roll_dice", "ui://demo/dice.html"]]);
      const [{ appInfo }] = await of(...tool("roll_dice", { dice: 3 }));
      assert.equal(appInfo.resourceMimeType, "text/html;profile=mcp-app");
      assert.equal((await inspect(endpoint, ...tool("add"), "--app-info")).code, 2);
      const { content } = await inspected(endpoint, ...tool("roll_dice", { dice: 3 }));
      assert.match(content[0].text, /^Rolled( [1-6]){3}$/);
    });
  });
}

describe("the Inspector's command line without sessions", () => {
  test("a state continues in another process of the Inspector", async () => {
    const session = begun(await inspected(MODERN, ...tool("increment", { by: 3 })));
    const { content } = await inspected(MODERN, ...tool("increment", { session }));
    assert.deepEqual(content, [{ type: "text", text: "Added 1, total is now 4" }]);
    const uri = `mcp://resource/counter?session=${session}`;
    const { contents } = await inspected(MODERN, "--method", "resources/read", "--uri", uri);
    assert.equal(contents[0].text, "4");
  });

  test("the Inspector gets the missing capability of a tool", async () => {
    const { code, stderr } = await inspect(MODERN, ...tool("book_table", { restaurant: "Ada's" }));
    assert.equal(code, 1);
    assert.match(JSON.parse(stderr).error.message, /elicitation/);
  });

  test("the Inspector finds every schema of the fixtures portable", async () => {
    const { tools } = await inspected(FIXTURES, "--method", "tools/list", "--strict");
    assert.ok(tools.length > 50);
  });

  test("the Inspector repeats arguments in headers", async () => {
    const { content } = await inspected(FIXTURES, ...tool("test_x_mcp_header", { region: "Köln", shard: 7 }));
    assert.deepEqual(JSON.parse(content[0].text), { region: "Köln", shard: 7, dry_run: null, text: null });
  });

  test("the Inspector waits for tasks and reports failed ones", async () => {
    const { content } = await inspected(FIXTURES, ...tool("slow_compute", { seconds: 1, label: "sums" }));
    assert.deepEqual(content, [{ type: "text", text: "computed sums in 1 s" }]);
    const { code, result } = await inspect(FIXTURES, ...tool("failing_job"));
    assert.deepEqual([code, result.isError], [5, true]);
    const { code: refused, stderr } = await inspect(FIXTURES, ...tool("protocol_error_job"));
    assert.equal(refused, 1);
    assert.match(JSON.parse(stderr).error.message, /This job ends with an error/);
  });
});

describe("the Inspector's web page", async () => {
  writeCatalog(home, { demo: { type: "streamable-http", url: `${server.url}/mcp`, protocolEra: "modern" } });
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
    test(`the Inspector connects over ${name}, lists the tools and calls one`, async () => {
      const page = await browser.newPage();
      page.setDefaultTimeout(WAIT_MS);
      try {
        const query = new URLSearchParams({ serverUrl: `${server.url}${path}`, transport, autoConnect: web.token });
        await page.goto(`${web.url}/?${query}`);
        await connected(page);
        const screen = await toolsOf(page);
        for (const tool of TOOLS) await screen.getByText(tool, { exact: true }).waitFor();
        await execute(screen, "add", { a: 40, b: 2 });
        await screen.getByText("42", { exact: true }).waitFor();
      } finally {
        await page.close();
      }
    });
  }

  // Connects as the list of servers says, and runs `steps`.
  async function withoutSession(steps, options) {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(WAIT_MS);
    try {
      await page.goto(web.url);
      // Its label covers it, so that no mouse reaches it.
      await page.getByRole("switch", { name: 'Connect or disconnect "demo"' }).evaluate((element) => element.click());
      await connected(page);
      await page.getByText("MCP 2026-07-28", { exact: true }).waitFor();
      await steps(page);
    } finally {
      await page.close();
    }
  }

  test("the Inspector calls tools without a session and answers their questions", () =>
    withoutSession(async (page) => {
      const screen = await toolsOf(page);
      await execute(screen, "add", { a: 40, b: 2 });
      await screen.getByText("42", { exact: true }).waitFor();
      await execute(screen, "increment", { by: 3 });
      await screen.getByText(/This began a session/).waitFor();
      await execute(screen, "book_table", { restaurant: "Ada's" });
      await answer(page, { people: 3 });
      await screen.getByText("Booked a table inside for 3 at Ada's.", { exact: true }).waitFor();
    }));

  test("the Inspector runs a tool as a task and shows it", () =>
    withoutSession(async (page) => {
      const screen = await toolsOf(page);
      await execute(screen, "write_report", { topic: "tea" });
      await answer(page, { pages: 2 });
      await screen.getByText("A report about tea, 2 pages.", { exact: true }).waitFor();
      await page.getByText("Completed (1)", { exact: true }).waitFor();
    }));

  for (const colorScheme of ["light", "dark"]) {
    test(`the Inspector shows the page of a tool, ${colorScheme}`, () =>
      withoutSession(
        async (page) => {
          const complaints = [];
          page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
          await page.getByText("Apps", { exact: true }).click();
          await page.getByRole("button", { name: "Roll dice" }).click();
          const form = page.getByTestId("apps-form");
          await form.getByLabel("dice *", { exact: true }).fill("5");
          await form.getByRole("button", { name: "Open App" }).click();
          await form.and(page.locator('[data-app-status="ready"]')).waitFor();
          const dice = form.frameLocator("iframe").frameLocator("iframe").getByRole("img");
          await dice.and(dice.page().getByLabel(/^Rolled/)).waitFor();
          assert.match(await dice.getAttribute("aria-label"), /^Rolled( [1-6]){5}$/);
          assert.match(await dice.textContent(), /^[⚀-⚅]( [⚀-⚅]){4}$/);
          await page.screenshot({ path: join(SCREENSHOTS, `app-${colorScheme}.png`) });
          assert.deepEqual(complaints, []);
        },
        { colorScheme },
      ));
  }

  test("the Inspector shows the text of a tool where it shows no pages", () =>
    withoutSession(async (page) => {
      const screen = await toolsOf(page);
      await execute(screen, "roll_dice", { dice: 2 });
      await screen.getByText(/^Rolled [1-6] [1-6]$/).waitFor();
    }));
});

async function toolsOf(page) {
  await page.getByText("Tools", { exact: true }).click();
  return page.getByTestId("tools-screen");
}

async function execute(screen, tool, args) {
  await screen.getByText(tool, { exact: true }).click();
  for (const [name, value] of Object.entries(args))
    await screen.getByLabel(new RegExp(`^${name}( \\*)?$`)).fill(`${value}`);
  await screen.getByRole("button", { name: "Execute Tool" }).click();
}

async function answer(page, content) {
  const dialog = page.getByRole("dialog").filter({ hasText: "Elicitation Request" });
  for (const [name, value] of Object.entries(content)) await dialog.getByLabel(`${name} *`).fill(`${value}`);
  await dialog.getByRole("button", { name: "Submit" }).click();
}

async function connected(page) {
  const status = page.getByTestId("connection-status");
  await status.and(page.locator(`[data-status="connected"], [data-status="error"]`)).waitFor();
  assert.equal(await status.getAttribute("data-error-message"), null);
  assert.equal(await status.getAttribute("data-status"), "connected");
}
