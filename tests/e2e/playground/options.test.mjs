// Options of a connection of the playground: versions that are refused, capabilities, time limits; and a page that a deployment replaced.
// Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withSession } from "../../support/asking.mjs";
import { root } from "../../support/child.mjs";
import { inBrowser, limitsOf, visit } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { demo } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(demo({ playground: true }));

const options = (visitor) => visitor.page.getByText("Options", { exact: true }).click();

describe("a version that the server refuses (-32022)", () => {
  const refusing = (supported) => {
    const refused = { error: { code: -32022, message: "Unsupported protocol version", data: { supported, requested: "2026-07-28" } } };
    const initialize = ({ protocolVersion }) => (supported.includes(protocolVersion) ? { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "old", version: "1" } } : refused);
    return scripted({ handlers: { "server/discover": () => refused, initialize } });
  };

  for (const [version, supported, settled] of [
    ["auto", ["2025-06-18"], "2025-06-18"],
    ["auto", ["2031-01-01", "2025-03-26"], "2025-03-26"],
    ["2026-07-28", ["2025-06-18", "2025-11-25"], "2025-11-25"],
    ["2025-11-25", ["2024-11-05", "2025-06-18"], "2025-06-18"],
  ])
    test(`gives way to one in common: ${version}, where ${supported.join(" and ")} are known, becomes ${settled}`, async () => {
      await using other = await refusing(supported);
      await using visitor = await visit(browser, server, { allowed: [other.origin] });
      await visitor.connect(other.url, { version });
      await visitor.tag(settled).waitFor();
    });

  test("with none in common is told with both lists", async () => {
    await using other = await refusing(["2031-01-01", "2032-01-01"]);
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.page.getByLabel("Address").fill(other.url);
    await visitor.button("Connect").click();
    assert.match(await visitor.page.getByRole("alert").innerText(), /none of the versions[^]*names 2031-01-01, 2032-01-01[^]*2026-07-28, 2025-11-25/);
  });
});

describe("capabilities", () => {
  const NAMES = {
    "Questions with a form": { elicitation: { form: {} } },
    "Questions that open a page": { elicitation: { url: {} } },
    Sampling: { sampling: {} },
    "Folders (roots)": { roots: {} },
    Tasks: { extensions: { "io.modelcontextprotocol/tasks": {} } },
    Apps: { extensions: { "io.modelcontextprotocol/ui": {} } },
  };
  const paths = (value) => Object.entries(value).flatMap(([key, inner]) => (Object.keys(inner).length > 0 && !key.includes("/") ? paths(inner).map((path) => `${key}.${path}`) : [key]));
  const declared = ({ requests }) => JSON.parse(requests.findLast(({ text }) => text.includes('"initialize"')).text).params.capabilities;
  const has = (capabilities, path) => path.split(/\.(?!model)/).reduce((at, key) => at?.[key], capabilities) !== undefined;

  test("are all declared, and each is not once it is switched off", async () => {
    await using other = await scripted();
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    const { page } = visitor;
    await visitor.connect(other.url, { version: "2025-11-25" });
    const all = Object.values(NAMES).flatMap(paths);
    assert.deepEqual(all.filter((path) => !has(declared(other), path)), []);
    for (const [name, capability] of Object.entries(NAMES)) {
      await visitor.button("Disconnect").click();
      await options(visitor);
      await page.getByLabel(name).uncheck();
      await visitor.button("Connect").click();
      await visitor.button("Disconnect").waitFor();
      assert.deepEqual(paths(capability).filter((path) => has(declared(other), path)), [], name);
    }
    assert.deepEqual(declared(other), {});
    visitor.done();
  });

  test("that were switched off and are used all the same are refused, which the trace has", async () => {
    let answer;
    const call = async (_, ask) => {
      answer = await ask("sampling/createMessage", { messages: [], maxTokens: 5 });
      return { content: [] };
    };
    await using other = await withSession({ tools: ["ask"], call });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    const { page } = visitor;
    await options(visitor);
    await page.getByLabel("Sampling").uncheck();
    await page.getByLabel("Address").fill(other.url);
    await page.getByLabel("Protocol version").selectOption("2025-11-25");
    await visitor.button("Connect").click();
    await visitor.tool("ask");
    await visitor.call();
    await visitor.result();
    assert.equal(answer.error.code, -32601);
    assert.ok((await visitor.trace()).some((title) => /-32601.*sampling\/createMessage/.test(title)));
    visitor.done();
  });
});

describe("the time that a request may take", () => {
  const SECONDS = 77;
  const slow = async (visitor, isExtended, call) => {
    const other = await withSession({ tools: ["slow"], call });
    const { page } = visitor;
    await options(visitor);
    await page.getByLabel("Protocol version").selectOption("2025-11-25");
    await page.getByLabel("Seconds that a request may take").fill(`${SECONDS}`);
    await page.getByLabel("Progress counts them anew").setChecked(isExtended);
    await visitor.connect(other.url);
    await visitor.tool("slow");
    const limits = await limitsOf(visitor, SECONDS);
    await visitor.call();
    return { other, limits };
  };
  const hasCancelled = ({ requests }) => requests.some(({ text }) => text.includes("notifications/cancelled"));

  test("is adjustable; a call beyond it is cancelled, and that is said", async () => {
    await using visitor = await visit(browser, server, { allowed: ["http://127.0.0.1"] });
    const { other, limits } = await slow(visitor, false, () => new Promise(() => {}));
    await using _ = other;
    await until(() => other.requests.some(({ text }) => text.includes('"tools/call"')), "the call");
    assert.equal(await limits.reach(), 1);
    assert.match(await (await visitor.result()).innerText(), /no answer/);
    await until(() => hasCancelled(other), "the cancellation");
  });

  for (const [isExtended, counts, title] of [
    [true, 4, "is counted anew with each progress if the person says so"],
    [false, 1, "is counted once, whatever the progress, otherwise"],
  ])
    test(title, async () => {
      await using visitor = await visit(browser, server, { allowed: ["http://127.0.0.1"] });
      const call = async (params, _, tell) => {
        for (let step = 1; step <= 3; step++) tell("notifications/progress", { progressToken: params._meta.progressToken, progress: step });
        return { content: [{ type: "text", text: "in time" }] };
      };
      const { other, limits } = await slow(visitor, isExtended, call);
      await using _ = other;
      assert.match(await (await visitor.result()).innerText(), /in time/);
      assert.equal(await limits.begun(), counts);
      assert.ok(!hasCancelled(other));
    });
});

describe("a page that a newer deployment has replaced", () => {
  const PARTS = /\/playground\/part-.*\.js$/;

  test("offers one reload for all that is missing, and what was typed is there afterwards", async () => {
    await using visitor = await visit(browser, server);
    const { page } = visitor;
    await visitor.connect();
    await visitor.tool("add");
    await visitor.argument("add", "/a").fill("41");
    await visitor.context.route(PARTS, (route) => route.fulfill({ status: 404, body: "gone" }));
    await page.getByText(/^Saved servers/).click();
    await page.getByText("This part of the page is missing.").first().waitFor();
    await page.getByRole("tab", { name: /^Prompts/ }).click();
    await until(async () => (await page.getByText("This part of the page is missing.").count()) === 2, "both missing parts");
    assert.equal(await visitor.button("Reload the page").count(), 1);
    await visitor.context.unroute(PARTS);
    await visitor.button("Reload the page").click();
    await visitor.button("Connect").waitFor();
    await visitor.connect();
    await page.getByRole("tab", { name: /^Tools/ }).click();
    assert.equal(await visitor.argument("add", "/a").inputValue(), "41");
  });

  test("offers it also when it is the Web Worker that misses a part", async () => {
    await using visitor = await visit(browser, server);
    const { page } = visitor;
    const folder = join(root, "playground/dist/playground");
    const part = readdirSync(folder).find((name) => name.startsWith("part-") && readFileSync(join(folder, name), "utf8").includes("IDBKeyRange"));
    await visitor.context.route(`**/${part}`, (route) => route.fulfill({ status: 404, body: "gone" }));
    await page.getByText(/^Saved servers/).click();
    await visitor.button("Reload the page").waitFor();
    assert.equal(await page.getByText("This part of the page is missing.").count(), 0);
  });

  for (const [how, answer] of [
    ["cannot be loaded", (route) => route.abort()],
    ["fails at its start", (route) => route.fulfill({ contentType: "text/javascript", body: "throw new Error('planted');" })],
  ])
    test(`offers it where the script of the Web Worker ${how}, and no request waits for ever`, async () => {
      await using visitor = await visit(browser, server);
      const { page } = visitor;
      await visitor.context.route(/\/playground\/client-.*\.js$/, answer);
      await page.reload();
      await visitor.button("Reload the page").waitFor();
      await visitor.button("Connect").click();
      await page.getByText("It did not work.").waitFor();
      await visitor.button("Connect").waitFor();
      await visitor.context.unrouteAll();
      await visitor.button("Reload the page").click();
      await visitor.connect();
    });
});
