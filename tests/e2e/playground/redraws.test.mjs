// Redraws while messages come, calls run, and somebody types. Chromium tells of them: Preact reads the value of a field each
// time that it draws the view with the field in it.
import assert from "node:assert/strict";
import test from "node:test";
import { inBrowser } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { demo } from "../../support/workerd.mjs";
import { until } from "../../support/wait.mjs";

const { connected } = await inBrowser(demo({ playground: true }));

const MESSAGES = 20;

const TOOLS = Array.from({ length: 8 }, (_, at) => ({
  name: `tool_${at}`,
  inputSchema: { type: "object", properties: { first: { type: "string" }, second: { type: "string" } } },
  outputSchema: { type: "object" },
}));

/** A server of a session: `{ url, tell(message), calls }`. `tell` writes to its GET stream, a call waits in `calls` for its events. */
async function talking(t) {
  let standing;
  const opened = new Promise((open) => (standing = open));
  const calls = [];
  const events = (response) => response.writeHead(200, { "content-type": "text/event-stream" });
  const server = await scripted({
    session: "session",
    capabilities: { tools: {}, logging: {} },
    handlers: { "tools/list": () => ({ tools: TOOLS }), "logging/setLevel": () => ({}) },
    answer(request, text, response) {
      if (request.method === "GET") return standing(events(response)), true;
      const { id, method, params } = text ? JSON.parse(text) : {};
      if (method !== "tools/call") return false;
      const tell = (message) => response.write(`data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`);
      events(response);
      calls.push({
        progress: (progress, total) => tell({ method: "notifications/progress", params: { progressToken: params._meta.progressToken, progress, total } }),
        end: (result) => (tell({ id, result }), response.end()),
      });
      return true;
    },
  });
  t.after(server.stop);
  const tell = async (message) => (await opened).write(`data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`);
  return { url: server.url, tell, calls };
}

/** Counts from now on how often the fields of the page are drawn, by their names, and how often a value is laid out as JSON. */
function count(page) {
  return page.evaluate(() => {
    if (!globalThis.drawn) {
      const { get, set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
      const getCounted = function () {
        const name = this.id || this.ariaLabel;
        drawn[name] = (drawn[name] ?? 0) + 1;
        return get.call(this);
      };
      Object.defineProperty(HTMLInputElement.prototype, "value", { configurable: true, get: getCounted, set });
      const { stringify } = JSON;
      JSON.stringify = (value, replacer, space) => {
        if (space === 2) drawn.json = (drawn.json ?? 0) + 1;
        return stringify(value, replacer, space);
      };
    }
    globalThis.drawn = {};
  });
}

const drawn = (page) => page.evaluate(() => globalThis.drawn);

const counted = (page, tab) => page.locator(`#tab-${tab} span`).innerText().then(Number);

const reaches = (page, tab, number) => page.waitForFunction(([tab, number]) => Number(document.querySelector(`#tab-${tab} span`).textContent) >= number, [tab, number]);

test("messages and logs that come are counted, and draw nothing else of the page again", async (t) => {
  const server = await talking(t);
  await using visitor = await connected({ allowed: [server.url], url: server.url }, { version: "2025-11-25" });
  const { page } = visitor;
  await visitor.tool("tool_3");
  // The first of each brings its part of the page.
  await server.tell({ method: "notifications/message", params: { level: "info", data: "first" } });
  await reaches(page, "logs", 1);
  await count(page);
  for (let at = 0; at < MESSAGES; at++) {
    const [logs, messages] = [await counted(page, "logs"), await counted(page, "trace")];
    await server.tell({ method: "notifications/message", params: { level: "info", data: `number ${at}` } });
    await reaches(page, "logs", logs + 1);
    await reaches(page, "trace", messages + 1);
  }
  assert.deepEqual(await drawn(page), {});
  visitor.done();
});

test("messages that come are drawn where they are shown", async (t) => {
  const server = await talking(t);
  await using visitor = await connected({ allowed: [server.url], url: server.url }, { version: "2025-11-25" });
  const { page } = visitor;
  await visitor.part("Messages");
  await server.tell({ method: "notifications/planned" });
  await page.locator(".trace .entry", { hasText: "notifications/planned" }).waitFor();
  await page.locator(".trace .entry", { hasText: "notifications/planned" }).click();
  await visitor.button("Pin").click();
  await page.locator(".trace .entry", { hasText: "pinned" }).waitFor();
  await count(page);
  for (let at = 0; at < MESSAGES; at++) {
    await server.tell({ method: `notifications/number_${at}` });
    await page.locator(".trace .entry", { hasText: `notifications/number_${at}` }).first().waitFor();
  }
  assert.equal((await drawn(page)).address, undefined);
  visitor.done();
});

test("the progress of a call draws neither the form, nor the list, nor results that are there", async (t) => {
  const server = await talking(t);
  await using visitor = await connected({ allowed: [server.url], url: server.url }, { version: "2025-11-25" });
  const { page } = visitor;
  await visitor.tool("tool_3");
  await visitor.call();
  await until(() => server.calls.length === 1, "the call");
  server.calls[0].end({ content: [], structuredContent: { is: "there" } });
  await page.locator(".use .result", { hasText: "there" }).waitFor();
  await visitor.call();
  await until(() => server.calls.length === 2, "the call");
  await page.getByText("Calling").or(page.locator(".use progress")).first().waitFor();
  await count(page);
  for (let at = 1; at <= MESSAGES; at++) {
    server.calls[1].progress(at, MESSAGES);
    await page.locator(".use", { hasText: `${at} / ${MESSAGES}` }).waitFor();
  }
  const { "tool-tool_3/first": form, Search: list, json } = await drawn(page);
  assert.deepEqual({ form, list, json }, { form: undefined, list: undefined, json: undefined });
  server.calls[1].end({ content: [{ type: "text", text: "the end" }] });
  await page.locator(".use .result", { hasText: "the end" }).waitFor();
  visitor.done();
});

test("a letter draws the form once, and neither the list nor what is beside it", async (t) => {
  const server = await talking(t);
  await using visitor = await connected({ allowed: [server.url], url: server.url }, { version: "2025-11-25" });
  const { page } = visitor;
  await visitor.tool("tool_3");
  await visitor.argument("tool_3", "/first").focus();
  await count(page);
  await page.keyboard.type("abcdefghij");
  await page.waitForFunction(() => globalThis.drawn["tool-tool_3/second"] >= 1);
  const { "tool-tool_3/second": form, Search: list, json } = await drawn(page);
  assert.ok(form <= 10, `drawn ${form} times`);
  assert.deepEqual({ list, json }, { list: undefined, json: undefined });
  assert.equal(await visitor.argument("tool_3", "/first").inputValue(), "abcdefghij");
  visitor.done();
});
