// The playground follows tasks: of the extension of 2026-07-28, and of 2025-11-25.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { complete, stateless, text, withSession } from "../../support/asking.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { LEGACY, MODERN, connecting, dialogOf, sent, start } from "../../support/questions.mjs";
import { sdkTasks } from "../../support/sdk-tasks.mjs";
import { until } from "../../support/wait.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const here = await inBrowser(fixture({ playground: true }));
const { server, browser } = here;
const connected = connecting(here);

const tab = ({ page }, name) => page.getByRole("tab", { name: new RegExp(`^${name}`) }).click();
const count = (titles, title) => titles.filter((other) => other === title).length;

describe("a task of 2026-07-28", () => {
  test("tells its state while it works, and gives its result once", async () => {
    await using visitor = await connected(undefined, MODERN);
    const { page } = visitor;
    await start(visitor, "slow_compute", { seconds: 3, label: "tea" });
    await page.getByText("Task works").waitFor();
    await page.getByText("1 of 3 s").first().waitFor();
    const use = await visitor.result();
    assert.match(await use.innerText(), /computed tea in 3 s/);
    await tab(visitor, "Tasks");
    assert.match(await page.locator(".tasks article").innerText(), /slow_compute[^]*completed[^]*kept until[^]*computed tea in 3 s/);
    assert.equal(await page.getByRole("button", { name: "Get result" }).count(), 0);
    const titles = await visitor.trace();
    assert.ok(count(titles, "tasks/get") >= 3, titles);
    visitor.done();
  });

  test("asks, one question or two at once, and goes on with each answer", async () => {
    await using visitor = await connected(undefined, MODERN);
    const dialog = dialogOf(visitor);
    await start(visitor, "confirm_delete", { filename: "notes.txt" });
    await dialog.getByText("Delete notes.txt?").waitFor();
    assert.match(await dialog.locator(".note").first().innerText(), /for the call of confirm_delete/);
    await dialog.getByLabel("confirm").check();
    await dialog.getByRole("button", { name: "Send" }).click();
    assert.match(await (await visitor.result()).innerText(), /Deleted notes\.txt/);
    await start(visitor, "multi_input");
    for (const which of ["first", "second"]) {
      await dialog.getByText(`The ${which}?`).waitFor();
      await dialog.getByRole("textbox", { name: "value" }).fill(`my ${which}`);
      await dialog.getByRole("button", { name: "Send" }).click();
    }
    assert.match(await (await visitor.result()).innerText(), /my first.* and .*my second/);
    assert.equal(count(await visitor.trace(), "tasks/update"), 6, "three, each with its answer");
    visitor.done();
  });

  test("is cancelled by the person, and its questions are withdrawn", async () => {
    await using visitor = await connected(undefined, MODERN);
    await start(visitor, "confirm_delete", { filename: "a" });
    await dialogOf(visitor).getByText("Delete a?").waitFor();
    await visitor.button("End the call").click();
    await dialogOf(visitor).waitFor({ state: "detached" });
    assert.match(await (await visitor.result()).innerText(), /Cancelled\./);
    await tab(visitor, "Tasks");
    await visitor.page.locator(".tasks .tag", { hasText: "cancelled" }).waitFor();
    assert.ok((await visitor.trace()).includes("tasks/cancel"));
    visitor.done();
  });

  test("that fails says so: by its tool, or by an error of the protocol", async () => {
    await using visitor = await connected(undefined, MODERN);
    await start(visitor, "failing_job");
    assert.match(await (await visitor.result()).innerText(), /The tool failed[^]*This job always fails/);
    await start(visitor, "protocol_error_job");
    assert.match(await (await visitor.result()).innerText(), /error -32603[^]*failed at tools\/call[^]*error of the protocol/i);
    visitor.done();
  });

  test("begins after a round of questions", async () => {
    await using visitor = await connected(undefined, MODERN);
    await start(visitor, "test_tool_with_task");
    const dialog = dialogOf(visitor);
    await dialog.getByText("round 1, question 1 of 1").waitFor();
    await dialog.getByRole("textbox", { name: "name" }).fill("Ada");
    await dialog.getByRole("button", { name: "Send" }).click();
    assert.match(await (await visitor.result()).innerText(), /Done for Ada/);
    visitor.done();
  });

  test("survives a reload: the list is there, and following it asks again and gives the result", async () => {
    await using visitor = await connected(undefined, MODERN);
    const { page } = visitor;
    await start(visitor, "confirm_delete", { filename: "b" });
    await dialogOf(visitor).getByText("Delete b?").waitFor();
    await page.reload();
    await visitor.button("Connect").click();
    await visitor.button("Disconnect").waitFor();
    assert.equal(await page.getByText("It is lost").count(), 0);
    await tab(visitor, "Tasks 1");
    assert.match(await page.locator(".tasks article").innerText(), /waits for an answer/);
    assert.equal(await dialogOf(visitor).count(), 0);
    await visitor.button("Follow").click();
    await dialogOf(visitor).getByText("Delete b?").waitFor();
    await dialogOf(visitor).getByRole("button", { name: "Decline" }).click();
    await page.getByText("Kept b", { exact: true }).waitFor();
    // Ended, it can be fetched by the next page, too, and taken off the list.
    await page.reload();
    await visitor.button("Connect").click();
    await tab(visitor, "Tasks 1");
    await visitor.button("Get result").click();
    await page.getByText("Kept b", { exact: true }).waitFor();
    await visitor.button("Take off the list").click();
    await page.getByRole("tab", { name: /^Tasks/ }).waitFor({ state: "detached" });
    visitor.done();
  });

  test("goes on when the connection is ended", async () => {
    await using visitor = await connected(undefined, MODERN);
    await start(visitor, "slow_compute", { seconds: 2, label: "on" });
    await visitor.page.getByText("Task works").waitFor();
    await visitor.button("Disconnect").click();
    assert.match(await (await visitor.result()).innerText(), /The task goes on/);
    assert.ok(!(await visitor.trace()).includes("tasks/cancel"));
    await visitor.button("Connect").click();
    await visitor.button("Disconnect").waitFor();
    await tab(visitor, "Tasks 1");
    await visitor.button("Follow").click();
    await visitor.page.getByText("computed on in 2 s").waitFor();
    visitor.done();
  });

  const task = (more) => ({ taskId: "t-1", status: "working", createdAt: new Date().toISOString(), lastUpdatedAt: new Date().toISOString(), ttlMs: 60_000, pollIntervalMs: 700, ...more });

  test("is polled no more often than its server says, and goes on while that is out of reach", async () => {
    const times = [];
    await using other = await stateless({
      tools: ["works"],
      call: () => ({ resultType: "task", ...task() }),
      handlers: {
        "tasks/get": async () => {
          times.push(performance.now());
          if (times.length === 3) return complete(task({ status: "completed", result: text("at last") }));
          return complete(task({ statusMessage: "hold on" }));
        },
      },
    });
    let fault;
    await using visitor = await connected(other, MODERN);
    await visitor.page.route(other.url, (route) => {
      if (times.length === 1 && !fault && route.request().postData()?.includes("tasks/get")) return (fault = true), route.abort();
      return route.continue();
    });
    await start(visitor, "works");
    assert.match(await (await visitor.result()).innerText(), /at last/);
    assert.ok(fault);
    const gaps = times.slice(1).map((time, at) => time - times[at]);
    assert.ok(gaps.every((gap) => gap >= 690), `${gaps}`);
    visitor.done();
  });

  test("whose question is not asked any more withdraws it", async () => {
    let gets = 0;
    const inputRequests = { q: { method: "elicitation/create", params: { message: "Well?", requestedSchema: { type: "object", properties: {} } } } };
    await using other = await stateless({
      tools: ["works"],
      call: () => ({ resultType: "task", ...task({ pollIntervalMs: 300 }) }),
      handlers: {
        "tasks/get": () => {
          gets += 1;
          if (other.isSeen) return complete(task({ status: gets > other.isSeen + 3 ? "completed" : "working", pollIntervalMs: 300, result: text("by itself") }));
          return complete(task({ status: "input_required", pollIntervalMs: 300, inputRequests }));
        },
      },
    });
    await using visitor = await connected(other, MODERN);
    await start(visitor, "works");
    await dialogOf(visitor).getByText("Well?").waitFor();
    other.isSeen = gets;
    await dialogOf(visitor).waitFor({ state: "detached" });
    assert.match(await (await visitor.result()).innerText(), /by itself/);
    assert.deepEqual(sent(other, "tasks/update"), []);
    visitor.done();
  });

  test("that the server does not know any more ends with its error", async () => {
    await using other = await stateless({
      tools: ["works"],
      call: () => ({ resultType: "task", ...task({ pollIntervalMs: 200, statusMessage: "<img src=x onerror=alert(1)>" }) }),
      handlers: { "tasks/get": () => ({ error: { code: -32602, message: "There is no such task." } }) },
    });
    await using visitor = await connected(other, MODERN);
    await start(visitor, "works");
    assert.match(await (await visitor.result()).innerText(), /error -32602[^]*no such task/i);
    visitor.done();
  });

  test("of the demo writes its report", async () => {
    const own = await demo({ playground: true });
    try {
      await using visitor = await connected(undefined, MODERN, own);
      await start(visitor, "write_report", { topic: "tea" });
      const dialog = dialogOf(visitor);
      await dialog.getByText("A report about tea:").waitFor();
      await dialog.locator("input[id$='/pages']").fill("2");
      await dialog.getByRole("button", { name: "Send" }).click();
      assert.match(await (await visitor.result()).innerText(), /A report about tea, 2 pages\./);
      visitor.done();
    } finally {
      await own.stop();
    }
  });
});

test("a result of a type that is not known is shown as it is", async () => {
  await using other = await stateless({ tools: ["odd"], call: () => ({ resultType: "hologram", beam: 7 }) });
  await using visitor = await connected(other, MODERN);
  await start(visitor, "odd");
  assert.match(await (await visitor.result()).innerText(), /"resultType": "hologram"[^]*"beam": 7/);
  visitor.done();
});

describe("a task of 2025-11-25", () => {
  const capabilities = { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } };
  const tool = (name, taskSupport) => ({ name, inputSchema: { type: "object" }, execution: { taskSupport } });
  const taskOf = (status, more) => ({ taskId: "t-1", status, createdAt: new Date().toISOString(), lastUpdatedAt: new Date().toISOString(), ttl: 60_000, pollInterval: 200, ...more });

  /** A server whose task has the states one after another, the last one for good. */
  const serve = ({ states = [], result, tools = [tool("works", "optional"), tool("must", "required"), tool("plain", "forbidden")], handlers = {} }) => {
    let at = 0;
    return withSession({
      tools,
      capabilities,
      call: async ({ task }) => (task ? { task: taskOf("working") } : text("at once")),
      streams: { "tasks/result": result ?? (async () => text("the result")) },
      handlers: { "tasks/get": () => taskOf(...[states[Math.min(at++, states.length - 1)]].flat()), ...handlers },
    });
  };

  test("begins where the person says so, or the tool has to; its result is got once", async () => {
    let isSeen = false;
    await using other = await serve({ handlers: { "tasks/get": () => taskOf(isSeen ? "completed" : "working", { statusMessage: "half way" }) } });
    await using visitor = await connected(other, LEGACY);
    const { page } = visitor;
    await visitor.tool("plain");
    assert.equal(await page.getByLabel("Call as a task").count(), 0);
    await visitor.tool("works");
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /at once/);
    await page.getByLabel("Call as a task").check();
    await visitor.call();
    await page.getByText("half way").waitFor();
    isSeen = true;
    await page.getByText("the result", { exact: true }).waitFor();
    assert.equal(sent(other, "tasks/result").length, 1);
    await visitor.tool("must");
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /the result/);
    assert.deepEqual(sent(other, "tools/call").map(({ params: { name, task } }) => [name, task?.ttl > 0]), [["works", false], ["works", true], ["must", true]]);
    visitor.done();
  });

  test("asks on the stream of its result, and names its call", async () => {
    let answered;
    const asked = { message: "Sure?", requestedSchema: { type: "object", properties: {} }, _meta: { "io.modelcontextprotocol/related-task": { taskId: "t-1" } } };
    await using other = await serve({
      handlers: { "tasks/get": () => taskOf(answered ? "completed" : "input_required") },
      result: async (_, ask) => {
        answered = await ask("elicitation/create", asked);
        return text(`said ${answered.result.action}`);
      },
    });
    await using visitor = await connected(other, LEGACY);
    await start(visitor, "must");
    const dialog = dialogOf(visitor);
    await dialog.getByText("Sure?").waitFor();
    assert.match(await dialog.locator(".note").first().innerText(), /for the call of must/);
    await dialog.getByRole("button", { name: "Decline" }).click();
    assert.match(await (await visitor.result()).innerText(), /said decline/);
    assert.equal(sent(other, "tasks/result").length, 1);
    visitor.done();
  });

  test("is cancelled, and its failure is told", async () => {
    let isCancelled = false;
    const handlers = {
      "tasks/cancel": () => ((isCancelled = true), taskOf("cancelled")),
      "tasks/get": () => taskOf(isCancelled ? "cancelled" : "working"),
    };
    await using other = await serve({ handlers });
    await using visitor = await connected(other, LEGACY);
    await start(visitor, "must");
    await visitor.page.getByText("Task works").waitFor();
    await visitor.button("Cancel").click();
    assert.match(await (await visitor.result()).innerText(), /Cancelled\./);
    await until(() => isCancelled, "tasks/cancel");
    await tab(visitor, "Tasks");
    await visitor.page.locator(".tasks .tag", { hasText: "cancelled" }).waitFor();
    await using failing = await serve({ states: ["failed"], result: async () => ({ error: { code: -32000, message: "It broke." } }) });
    await using second = await connected(failing, LEGACY);
    await start(second, "must");
    assert.match(await (await second.result()).innerText(), /error -32000[^]*It broke\./);
    visitor.done();
  });
});

describe("tasks of 2025-11-25 that the server lists", () => {
  const capabilities = { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } };
  const at = (id, status, more) => ({ taskId: id, status, createdAt: "2026-01-01T00:00:00Z", lastUpdatedAt: "2026-01-01T00:00:00Z", ttl: 60_000, pollInterval: 200, ...more });
  const PAGES = { "": { tasks: [at("t-1", "working", { statusMessage: "far away" }), { odd: true }], nextCursor: "p2" }, p2: { tasks: [at("t-2", "completed"), at("t-3", "cancelled")] } };

  // A server whose tool `tell` sends the status of t-1 on the stream of GET.
  const listing = (handlers = {}) =>
    withSession({
      tools: ["tell"],
      capabilities,
      call: async (_, __, tell) => (tell("notifications/tasks/status", at("t-1", "failed", { statusMessage: "It broke" })), text("told")),
      streams: { "tasks/result": async ({ taskId }) => text(`the result of ${taskId}`) },
      handlers: { "tasks/list": ({ cursor = "" }) => PAGES[cursor], "tasks/get": ({ taskId }) => at(taskId, "completed"), ...handlers },
    });

  test("are fetched by a click, page by page, and their results can be got", async () => {
    await using other = await listing();
    await using visitor = await connected(other, LEGACY);
    const { page } = visitor;
    await tab(visitor, "Tasks");
    assert.deepEqual(sent(other, "tasks/list"), []);
    await visitor.button("List them").click();
    const entries = page.locator(".server-tasks > li");
    await entries.first().waitFor();
    assert.equal(await entries.count(), 1, "what is no task is left out");
    assert.match(await entries.first().innerText(), /t-1 works far away/);
    await visitor.button("More").click();
    await entries.nth(2).waitFor();
    assert.equal(await visitor.button("More").count(), 0);
    assert.deepEqual(sent(other, "tasks/list").map(({ params: { cursor } }) => cursor), [undefined, "p2"]);
    assert.match(await entries.nth(2).innerText(), /t-3 cancelled/);
    assert.equal(await entries.nth(2).getByRole("button").count(), 0);
    await entries.nth(1).getByRole("button", { name: "Get result" }).click();
    await page.getByText("the result of t-2", { exact: true }).waitFor();
    assert.match(await entries.nth(1).innerText(), /of this tab/);
    assert.match(await page.locator(".tasks article").innerText(), /A call of elsewhere[^]*t-2/);
    visitor.done();
  });

  test("change where the server says so by itself", async () => {
    await using other = await listing();
    await using visitor = await connected(other, LEGACY);
    await tab(visitor, "Tasks");
    await visitor.button("List them").click();
    const entry = visitor.page.locator(".server-tasks > li");
    await entry.waitFor();
    await tab(visitor, "Tools");
    await visitor.tool("tell");
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /told/);
    await tab(visitor, "Tasks");
    await visitor.button("List them").click();
    await visitor.page.locator(".server-tasks > li", { hasText: "failed It broke" }).waitFor();
    assert.ok((await visitor.trace()).includes("notifications/tasks/status"));
    visitor.done();
  });

  test("are not shown for another server that is connected in its place", async () => {
    await using one = await listing();
    await using other = await listing();
    await using visitor = await visit(browser, server, { allowed: [one.origin, other.origin] });
    const { page } = visitor;
    await visitor.connect(one.url, LEGACY);
    await tab(visitor, "Tasks");
    await visitor.button("List them").click();
    const entry = page.locator(".server-tasks > li");
    await entry.getByRole("button").click();
    await entry.getByText("of this tab").waitFor();
    await visitor.button("Disconnect").click();
    await visitor.connect(other.url);
    await visitor.button("List them").waitFor();
    assert.equal(await entry.count(), 0);
    visitor.done();
  });

  test("and a list that is refused says so", async () => {
    await using other = await listing({ "tasks/list": () => ({ error: { code: -32603, message: "Not now." } }) });
    await using visitor = await connected(other, LEGACY);
    await tab(visitor, "Tasks");
    await visitor.button("List them").click();
    await visitor.page.locator(".problem", { hasText: "the server failed at tasks/list" }).waitFor();
    visitor.done();
  });
});

test("a status that the server tells of a task that is followed is shown with its call", async () => {
  const capabilities = { tools: {}, tasks: { requests: { tools: { call: {} } } } };
  const at = (status, more) => ({ taskId: "t-1", status, createdAt: new Date().toISOString(), lastUpdatedAt: new Date().toISOString(), ttl: 60_000, pollInterval: 600_000, ...more });
  await using other = await withSession({
    tools: [{ name: "works", inputSchema: { type: "object" }, execution: { taskSupport: "required" } }, "tell"],
    capabilities,
    call: async ({ task }, _, tell) => (task ? { task: at("working") } : (tell("notifications/tasks/status", at("working", { statusMessage: "half way" })), text("told"))),
    handlers: { "tasks/get": () => at("working") },
  });
  await using visitor = await connected(other, LEGACY);
  await start(visitor, "works");
  await visitor.page.getByText("Task works").waitFor();
  await start(visitor, "tell");
  await visitor.result();
  await visitor.tool("works");
  await visitor.page.locator(".use", { hasText: "half way" }).waitFor();
  visitor.done();
});

describe("the SDK's own example of tasks of 2025-11-25", () => {
  test("asks by a form and for a model's answer, and gives its results", async () => {
    await using other = await sdkTasks();
    await using visitor = await connected(other, LEGACY);
    const dialog = dialogOf(visitor);
    await start(visitor, "confirm_delete", { filename: "a.txt" });
    await dialog.getByText("a.txt").first().waitFor();
    assert.match(await dialog.locator(".note").first().innerText(), /for the call of confirm_delete/);
    await visitor.page.keyboard.press("Escape");
    assert.match(await (await visitor.result()).innerText(), /cancel/i);
    await start(visitor, "write_haiku", { topic: "rain" });
    await dialog.getByText("rain").first().waitFor();
    await dialog.getByRole("textbox", { name: "Text" }).fill("Drops on the window");
    await dialog.getByRole("button", { name: "Send" }).click();
    assert.match(await (await visitor.result()).innerText(), /Drops on the window/);
    assert.equal(count(await visitor.trace(), "tasks/result"), 4, "two, each with its answer");
    visitor.done();
  });
});
