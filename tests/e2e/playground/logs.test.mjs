// The playground shows what a server logs: the level that it asks for, filters, a pause, and ten thousand messages.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inBrowser } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { server, browser, connected } = await inBrowser(fixture({ playground: true }));

const tab = (visitor, name) => visitor.page.getByRole("tab", { name: new RegExp(`^${name}`) });

const rows = (visitor) => visitor.page.locator(".log li");

describe("the level that is asked for", () => {
  for (const version of ["2026-07-28", "2025-11-25"])
    test(`is what the fixture keeps to, in ${version}`, async () => {
      await using visitor = await connected({}, { version });
      const { page } = visitor;
      await tab(visitor, "Logs").click();
      await page.getByLabel("Level to ask the server for").selectOption("warning");
      await tab(visitor, "Tools").click();
      await visitor.tool("log");
      for (const level of ["info", "error"]) {
        await visitor.json({ level, text: `said at ${level}` });
        await visitor.button("Form").click();
        await visitor.call();
        await visitor.result();
      }
      await tab(visitor, "Logs").click();
      await page.getByText("said at error").waitFor();
      assert.equal(await rows(visitor).count(), 1);
      visitor.done();
    });

  test("is set on a session, and is a part of each request of 2026-07-28", async () => {
    const handlers = { "logging/setLevel": () => ({}), "tools/list": () => ({ tools: [{ name: "one", inputSchema: { type: "object" } }] }), "tools/call": () => ({ content: [] }) };
    const discover = () => ({ resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: { tools: {}, logging: {} }, serverInfo: { name: "s", version: "1" } });
    await using session = await scripted({ capabilities: { tools: {}, logging: {} }, handlers });
    await using stateless = await scripted({ handlers: { ...handlers, "server/discover": discover } });
    for (const [other, version] of [[session, "2025-11-25"], [stateless, "2026-07-28"]]) {
      await using visitor = await connected({ url: other.url, allowed: [other.origin] }, { version });
      await tab(visitor, "Logs").click();
      await visitor.page.getByLabel("Level to ask the server for").selectOption("notice");
      await tab(visitor, "Tools").click();
      await visitor.tool("one");
      await visitor.call();
      await visitor.result();
    }
    const paramsOf = (other, method) => other.requests.filter(({ text }) => text?.includes(`"method":"${method}"`)).map(({ text }) => JSON.parse(text).params);
    assert.deepEqual(paramsOf(session, "logging/setLevel"), [{ level: "notice" }]);
    assert.equal(paramsOf(session, "tools/call")[0]._meta?.["io.modelcontextprotocol/logLevel"], undefined);
    assert.equal(paramsOf(stateless, "logging/setLevel").length, 0);
    assert.equal(paramsOf(stateless, "tools/call")[0]._meta["io.modelcontextprotocol/logLevel"], "notice");
    assert.equal(paramsOf(stateless, "tools/list")[0]._meta["io.modelcontextprotocol/logLevel"], "info");
  });

  test("is info until the person chooses, of a server of 2026-07-28 that logs, and none once they choose that", async () => {
    const discover = (capabilities) => () => ({ resultType: "complete", supportedVersions: ["2026-07-28"], capabilities, serverInfo: { name: "s", version: "1" } });
    const handlers = { "tools/list": () => ({ tools: [{ name: "one", inputSchema: { type: "object" } }] }), "tools/call": () => ({ content: [] }) };
    for (const [capabilities, expected] of [[{ tools: {} }, [undefined]], [{ tools: {}, logging: {} }, ["info", undefined]]]) {
      await using other = await scripted({ handlers: { ...handlers, "server/discover": discover(capabilities) } });
      await using visitor = await connected({ url: other.url, allowed: [other.origin] });
      await visitor.tool("one");
      await visitor.call();
      await visitor.result();
      if (capabilities.logging) {
        await tab(visitor, "Logs").click();
        const asked = visitor.page.getByLabel("Level to ask the server for");
        assert.equal(await asked.inputValue(), "info");
        await asked.selectOption("none");
        await tab(visitor, "Tools").click();
        await visitor.call();
        await until(() => other.requests.filter(({ text }) => text.includes('"tools/call"')).length === 2, "the second call");
      }
      const calls = other.requests.filter(({ text }) => text.includes('"tools/call"')).map(({ text }) => JSON.parse(text).params._meta["io.modelcontextprotocol/logLevel"]);
      assert.deepEqual(calls, expected);
      visitor.done();
    }
  });

  test("that the server refuses goes back to what it was", async () => {
    await using other = await scripted({ capabilities: { tools: {}, logging: {} }, handlers: { "logging/setLevel": () => ({ error: { code: -32603, message: "Not now." } }) } });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    await tab(visitor, "Logs").click();
    await visitor.page.getByLabel("Level to ask the server for").selectOption("notice");
    await visitor.page.getByText("Not now.").waitFor();
    assert.equal(await visitor.page.getByLabel("Level to ask the server for").inputValue(), "");
  });
});

/** A server whose tool logs as many messages, by two loggers, at every level. */
async function loggingServer() {
  const LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
  const answer = (request, text, response) => {
    if (request.method !== "POST" || !text.includes('"tools/call"')) return false;
    const { id, params } = JSON.parse(text);
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (let at = 0; at < params.arguments.count; at++) {
      const log = { level: LEVELS[at % 8], logger: at % 2 ? "odd" : "even", data: at % 3 ? `line ${at}` : { line: at, deep: ["planted"] } };
      response.write(`data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params: log })}\n\n`);
    }
    response.end(`data: ${JSON.stringify({ jsonrpc: "2.0", id, result: { content: [] } })}\n\n`);
    return true;
  };
  const tools = [{ name: "flood", inputSchema: { type: "object", properties: { count: { type: "integer" } } } }];
  return scripted({ capabilities: { tools: {}, logging: {} }, handlers: { "tools/list": () => ({ tools }) }, answer });
}

async function flood(visitor, count) {
  await tab(visitor, "Tools").click();
  await visitor.tool("flood");
  await visitor.argument("flood", "/count").fill(String(count));
  await visitor.call();
}

test("messages are filtered by logger and level, shown whole, paused and cleared", async () => {
  await using other = await loggingServer();
  await using visitor = await connected({ url: other.url, allowed: [other.origin] });
  const { page } = visitor;
  await flood(visitor, 16);
  await tab(visitor, "Logs 16").click();
  assert.match(await rows(visitor).first().innerText(), /emergency\s*odd\s*\{"line":15,"deep":\["planted"\]\}/);
  await page.getByLabel("Least level that is shown").selectOption("critical");
  await page.getByText("6 of 16").waitFor();
  await page.getByLabel("Logger").selectOption("even");
  await page.getByText("2 of 16").waitFor();
  assert.deepEqual((await rows(visitor).allInnerTexts()).map((text) => /alert\s*even/.test(text)), [true, true]);
  await page.getByLabel("Logger").selectOption("Every logger");
  await page.getByLabel("Least level that is shown").selectOption("Every level");
  await rows(visitor).first().getByRole("button").click();
  assert.match(await page.locator(".logs pre").innerText(), /"deep": \[\n\s*"planted"/);
  await visitor.button("Pause").click();
  await flood(visitor, 8);
  await tab(visitor, "Logs 24").click();
  await visitor.button("Clear").click();
  await page.getByText("Log messages appear here.").waitFor();
  visitor.done();
});

/** A server whose one call goes on, and logs what a test says with `more(data)`. */
async function chattingServer() {
  let response;
  const more = (data) => response.write(`data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data } })}\n\n`);
  const answer = (request, text, to) => {
    if (request.method !== "POST" || !text.includes('"tools/call"')) return false;
    response = to.writeHead(200, { "content-type": "text/event-stream" });
    more("first");
    return true;
  };
  const other = await scripted({ capabilities: { tools: {}, logging: {} }, handlers: { "tools/list": () => ({ tools: [{ name: "one", inputSchema: { type: "object" } }] }) }, answer });
  return Object.assign(other, { more });
}

/** Calls its tool, and shows the first message. */
async function chatting(visitor) {
  await visitor.tool("one");
  await visitor.call();
  await tab(visitor, "Logs 1").click();
}

test("messages of a paused view are counted, and shown when it goes on", async () => {
  await using other = await chattingServer();
  await using visitor = await connected({ url: other.url, allowed: [other.origin] });
  await chatting(visitor);
  await visitor.button("Pause").click();
  other.more("second");
  await visitor.page.getByText("1 more since the pause.").waitFor();
  assert.equal(await visitor.page.getByText("second").count(), 0);
  await visitor.button("Pause").click();
  await visitor.page.getByText("second").waitFor();
  visitor.done();
});

test("messages that come do not move those that are read", async () => {
  await using other = await chattingServer();
  await using visitor = await connected({ url: other.url, allowed: [other.origin] });
  const { page } = visitor;
  await chatting(visitor);
  for (let at = 1; at < 300; at++) other.more(`line ${at}`);
  await page.getByText("300 of 300").waitFor();
  const list = page.locator(".log");
  const read = () =>
    list.evaluate((box) => {
      const { left, top } = box.getBoundingClientRect();
      return document.elementFromPoint(left + 40, top + 100).closest("li[data-key]")?.querySelector("span:last-child").textContent;
    });
  // The rows that are drawn first tell how high the others are.
  await until(() => list.evaluate((box) => Math.abs(box.scrollHeight / 300 - box.querySelector("li[data-key]").getBoundingClientRect().height) < 1), "the height of all");
  await list.evaluate((box) => box.scrollTo(0, box.scrollHeight / 2));
  await until(async () => /^line 1[45]\d$/.test(await read()), "the middle");
  const line = await read();
  for (let at = 300; at < 350; at++) other.more(`line ${at}`);
  await page.getByText("350 of 350").waitFor();
  assert.equal(await read(), line);
  visitor.done();
});

test("of ten thousand messages only those in sight are drawn", async () => {
  await using other = await loggingServer();
  await using visitor = await connected({ url: other.url, allowed: [other.origin] });
  const { page } = visitor;
  await flood(visitor, 12_000);
  await visitor.result();
  await tab(visitor, "Logs 10000").click();
  await page.getByText("10000 of 10000").waitFor();
  const list = page.locator(".log");
  await list.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await page.getByText("line 2000", { exact: true }).waitFor();
  await list.evaluate((element) => element.scrollTo(0, element.scrollHeight / 2));
  await until(async () => /line [67]\d\d\d/.test((await rows(visitor).allInnerTexts()).join()), "the middle");
  await page.getByLabel("Least level that is shown").selectOption("emergency");
  await page.getByText("1250 of 10000").waitFor();
  assert.ok((await rows(visitor).count()) < 60);
  visitor.done();
});
