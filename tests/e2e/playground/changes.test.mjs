// The playground hears of changes: subscriptions, lists that change, the streams that tell of them, and the age of lists.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { inBrowser, visit } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { telling } from "../../support/telling.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { server, browser, connected } = await inBrowser(fixture({ playground: true }));

const ERAS = ["2026-07-28", "2025-11-25"];
const LISTENS = "Listens for changes.";

const sent = (other, method) => other.requests.filter(({ text }) => text?.includes(`"method":"${method}"`)).map(({ text }) => JSON.parse(text).params);

const row = (visitor, name) => visitor.page.locator(".list li").filter({ has: visitor.page.getByText(name, { exact: true }) });

const tab = (visitor, name) => visitor.page.getByRole("tab", { name: new RegExp(`^${name}`) });

const toolNamed = (name) => ({ name, inputSchema: { type: "object", properties: { text: { type: "string" } } } });

for (const version of ERAS)
  describe(`in ${version}`, () => {
    /** A server whose tools are as a test sets them. */
    async function toolServer(more = {}) {
      const tools = { now: ["one", "two"] };
      const other = await telling({ version, capabilities: { tools: { listChanged: true } }, handlers: { "tools/list": () => ({ tools: tools.now.map(toolNamed) }), "tools/call": () => ({ content: [] }) }, ...more });
      return Object.assign(other, { tools });
    }

    /** Connects, and sees one change. */
    async function followed(visitor, other) {
      await visitor.connect(other.url, { version });
      await visitor.page.getByText(LISTENS).waitFor();
      other.tools.now = ["first"];
      await other.tell("notifications/tools/list_changed");
      await row(visitor, "first").waitFor();
    }

    test("a resource of the fixture is watched: it is marked when it changes, and read again on a click", async () => {
      await using visitor = await connected({}, { version });
      const { page } = visitor;
      await tab(visitor, "Resources").click();
      await row(visitor, "Watched").getByRole("button").click();
      await visitor.button("Read").click();
      await visitor.result();
      await visitor.button("Watch for changes").click();
      await page.locator("[aria-pressed=true]", { hasText: "Watch for changes" }).waitFor();
      await page.getByText(LISTENS).waitFor();
      await tab(visitor, "Tools").click();
      await visitor.tool("announce");
      // The stream for the resource may still be on its way to the server.
      await until(async () => {
        await tab(visitor, "Tools").click();
        await visitor.call();
        await visitor.result();
        await tab(visitor, "Resources").click();
        return (await page.locator("article .warning").count()) > 0;
      }, "word of the change", { every: 500 });
      await row(visitor, "Watched").getByText("changed", { exact: true }).waitFor();
      await visitor.button("Read again").click();
      await until(async () => (await page.locator(".use").count()) === 2, "the second result");
      assert.equal(await row(visitor, "Watched").getByText("changed", { exact: true }).count(), 0);
      visitor.done();
    });

    test("a list that changes is fetched once after 300 ms, what is new or gone is marked, and an open form keeps its text", async () => {
      await using other = await toolServer();
      await using visitor = await connected({ url: other.url, allowed: [other.origin] }, { version });
      await visitor.page.getByText(LISTENS).waitFor();
      await visitor.tool("two");
      await visitor.argument("two", "/text").fill("typed");
      other.tools.now = ["one", "three"];
      for (let count = 0; count < 5; count++) await other.tell("notifications/tools/list_changed");
      await row(visitor, "three").getByText("new", { exact: true }).waitFor();
      await row(visitor, "two").getByText("gone", { exact: true }).waitFor();
      assert.equal(sent(other, "tools/list").length, 2);
      await tab(visitor, "Tools 2").waitFor();
      assert.equal(await visitor.argument("two", "/text").inputValue(), "typed");
      other.tools.now = ["one", "two", "three"];
      await other.tell("notifications/tools/list_changed");
      await row(visitor, "two").getByText("new", { exact: true }).waitFor();
      assert.equal(await visitor.argument("two", "/text").inputValue(), "typed");
      visitor.done();
    });

    test("a stream that is cut is opened again, and its state is shown", async () => {
      let isDown = false;
      await using other = await toolServer({ refuse: () => (isDown ? 503 : undefined) });
      await using visitor = await connected({ url: other.url, allowed: [other.origin] }, { version });
      const { page } = visitor;
      await page.getByText(LISTENS).waitFor();
      isDown = true;
      other.open()[0].cut();
      await page.getByText(/opened again in [24] s/).waitFor();
      isDown = false;
      await page.getByText(LISTENS).waitFor();
      assert.equal(other.streams.length, 2);
      other.tools.now = ["later"];
      await other.tell("notifications/tools/list_changed");
      await row(visitor, "later").waitFor();
    });

    test("one stream is open, and none after the end", async () => {
      await using other = await toolServer();
      await using visitor = await connected({ url: other.url, allowed: [other.origin] }, { version });
      await visitor.page.getByText(LISTENS).waitFor();
      await tab(visitor, "Messages").click();
      await tab(visitor, "Tools").click();
      assert.equal(other.open().length, 1);
      await visitor.button("Disconnect").click();
      await until(() => other.open().length === 0, "the end of the stream");
      await visitor.button("Connect").click();
      await visitor.page.getByText(LISTENS).waitFor();
      assert.equal(other.streams.length, 2);
      visitor.done();
    });

    test("after sleep the stream is opened anew, and the lists are fetched once", async () => {
      await using other = await toolServer();
      await using visitor = await visit(browser, server, { allowed: [other.origin] });
      const { page } = visitor;
      await page.clock.install();
      await followed(visitor, other);
      other.tools.now = ["after"];
      await page.clock.fastForward("20:00");
      await page.clock.fastForward(1000);
      await row(visitor, "after").waitFor();
      await until(() => other.streams.length === 2 && other.open().length === 1, "another stream");
      assert.equal(sent(other, "tools/list").length, 3);
    });

    test("a page that was hidden for long keeps its stream, and looks once when it is seen again", async () => {
      await using other = await toolServer();
      await using visitor = await visit(browser, server, { allowed: [other.origin] });
      const { page } = visitor;
      await page.clock.install();
      await followed(visitor, other);
      const see = (state) =>
        page.evaluate((state) => {
          Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }, state);
      await see("hidden");
      await page.clock.fastForward("10:00");
      assert.equal(other.open().length, 1);
      assert.equal(sent(other, "tools/list").length, 2);
      await other.tell("notifications/tools/list_changed");
      await page.clock.fastForward(1000);
      await until(() => sent(other, "tools/list").length === 3, "the fetch of a hidden page");
      other.tools.now = ["seen"];
      await see("visible");
      await page.clock.fastForward("00:30");
      await row(visitor, "seen").waitFor();
      assert.equal(sent(other, "tools/list").length, 4);
      await see("hidden");
      await page.clock.fastForward("00:20");
      await see("visible");
      await page.clock.fastForward("00:20");
      assert.equal(sent(other, "tools/list").length, 4);
    });
  });

test("a GET stream that a server does not have is no fault", async () => {
  await using other = await scripted({ session: "s", handlers: { "tools/list": () => ({ tools: [toolNamed("one")] }) } });
  await using visitor = await connected({ url: other.url, allowed: [other.origin] }, { version: "2025-11-25" });
  await visitor.page.getByText("Changes are not told.").waitFor();
  assert.equal(await visitor.page.locator(".problem").count(), 0);
  await visitor.trace();
  assert.equal(other.requests.filter(({ method }) => method === "GET").length, 1);
  visitor.done();
});

test("a stream of 2026-07-28 asks for what the server offers and what is watched; what it does not grant is said", async () => {
  const resources = [{ uri: "x://one", name: "one" }, { uri: "x://two", name: "two" }];
  const capabilities = { tools: {}, resources: { listChanged: true, subscribe: true }, prompts: { listChanged: true } };
  await using other = await telling({
    version: "2026-07-28",
    capabilities,
    handlers: { "resources/list": () => ({ resources }), "prompts/list": () => ({ prompts: [] }) },
    honoured: ({ resourceSubscriptions = [], ...filter }) => ({ ...filter, resourceSubscriptions: resourceSubscriptions.filter((uri) => uri !== "x://two") }),
  });
  await using visitor = await connected({ url: other.url, allowed: [other.origin] });
  const { page } = visitor;
  await page.getByText(LISTENS).waitFor();
  assert.deepEqual(other.open()[0].filter, { resourcesListChanged: true, promptsListChanged: true });
  await tab(visitor, "Resources").click();
  for (const name of ["one", "two"]) {
    await row(visitor, name).getByRole("button").click();
    await visitor.button("Watch for changes").click();
    await until(() => other.open().length === 1 && other.open()[0].filter.resourceSubscriptions?.includes(`x://${name}`), `the stream for ${name}`);
  }
  await page.getByText("The server does not tell changes of this resource.").waitFor();
  assert.deepEqual(other.open()[0].filter.resourceSubscriptions, ["x://one", "x://two"]);
  await visitor.button("Watch for changes").click();
  await until(() => other.open().length === 1 && other.open()[0].filter.resourceSubscriptions.length === 1, "the stream without");
  visitor.done();
});

test("a session subscribes and unsubscribes; a refusal is told, and takes the mark back", async () => {
  const handlers = {
    "resources/list": () => ({ resources: [{ uri: "x://one", name: "one" }, { uri: "x://bad", name: "bad" }] }),
    "resources/subscribe": ({ uri }) => (uri === "x://bad" ? { error: { code: -32603, message: "Not this one." } } : {}),
    "resources/unsubscribe": () => ({}),
  };
  await using other = await telling({ version: "2025-11-25", capabilities: { resources: { subscribe: true } }, handlers });
  await using visitor = await connected({ url: other.url, allowed: [other.origin] }, { version: "2025-11-25" });
  await tab(visitor, "Resources").click();
  await row(visitor, "one").getByRole("button").click();
  await visitor.button("Watch for changes").click();
  await until(() => sent(other, "resources/subscribe").length === 1, "the subscription");
  await other.tell("notifications/resources/updated", { uri: "x://one" });
  await row(visitor, "one").getByText("changed", { exact: true }).waitFor();
  await row(visitor, "bad").getByRole("button").click();
  await visitor.button("Watch for changes").click();
  await visitor.page.getByText("Not this one.").waitFor();
  await visitor.page.locator("[aria-pressed=false]", { hasText: "Watch for changes" }).waitFor();
  await row(visitor, "one").getByRole("button").click();
  await visitor.button("Watch for changes").click();
  await until(() => sent(other, "resources/unsubscribe").length === 1, "the end of the subscription");
  assert.deepEqual(sent(other, "resources/unsubscribe"), [{ uri: "x://one" }]);
});

test("resources have every page, a search, several contents; one that is not there is told alike by either code", async () => {
  const pageOf = ({ cursor = "0" }) => ({ resources: Array.from({ length: 40 }, (_, at) => ({ uri: `x://${Number(cursor) * 40 + at}`, name: `entry ${Number(cursor) * 40 + at}` })), ...(cursor === "2" ? {} : { nextCursor: `${Number(cursor) + 1}` }) });
  const read = ({ uri }) => {
    if (uri === "x://1") return { error: { code: -32002, message: "Nowhere.", data: { uri } } };
    if (uri === "x://2") return { error: { code: -32602, message: "Nothing." } };
    return { contents: [{ uri, text: "first" }, { uri: `${uri}/more`, text: "second" }, { uri: `${uri}/blob`, blob: btoa("x"), mimeType: "image/png" }] };
  };
  await using other = await scripted({ capabilities: { resources: {} }, handlers: { "resources/list": pageOf, "resources/read": read } });
  await using visitor = await connected({ url: other.url, allowed: [other.origin] });
  await tab(visitor, "Resources 120").click();
  const show = async (name) => {
    await visitor.page.getByRole("searchbox").fill(name);
    await row(visitor, name).getByRole("button").click();
    await visitor.button("Read").click();
    return (await visitor.result()).innerText();
  };
  assert.match(await show("entry 119"), /first[^]*x:\/\/119\/more[^]*second[^]*x:\/\/119\/blob/);
  for (const [name, message] of [["entry 1", "Nowhere."], ["entry 2", "Nothing."]]) {
    assert.match(await show(name), /The server has no such resource\./);
    await visitor.page.locator(".use .problem summary").first().click();
    await visitor.page.getByText(message).waitFor();
  }
});

test("a list is shown with its age, comes from memory while the server vouches for it, and is fetched anew on a click", async () => {
  await using other = await telling({ version: "2026-07-28", capabilities: { tools: {}, prompts: {} }, handlers: { "tools/list": () => ({ tools: [toolNamed("one")], ttlMs: 60_000, cacheScope: "private" }), "prompts/list": () => ({ prompts: [] }) } });
  await using visitor = await visit(browser, server, { allowed: [other.origin] });
  const { page } = visitor;
  await page.clock.install();
  await visitor.connect(other.url, { version: "2026-07-28" });
  const fetched = () => sent(other, "tools/list").length;
  await page.getByText("Fetched 0 s ago.").waitFor();
  await page.clock.fastForward(30_000);
  await page.getByText(/^Fetched 3\d s ago\.$/).waitFor();
  await tab(visitor, "Prompts").click();
  await tab(visitor, "Tools").click();
  await page.getByText(/^Fetched 3\d s ago\.$/).waitFor();
  assert.equal(fetched(), 1);
  await visitor.button("Fetch anew").click();
  await page.getByText(/^Fetched \d s ago\.$/).waitFor();
  assert.equal(fetched(), 2);
  await page.clock.fastForward(90_000);
  await page.getByText("Fetched 1 min ago, longer than the server vouches for.").waitFor();
  assert.equal(fetched(), 2);
  await tab(visitor, "Prompts").click();
  await tab(visitor, "Tools").click();
  await page.getByText(/^Fetched \d s ago\.$/).waitFor();
  assert.equal(fetched(), 3);
  visitor.done();
});

test("a call whose stream is cut is resumed with Last-Event-ID, and its result is there once", async () => {
  const gets = [];
  const answer = (request, text, response) => {
    if (request.method === "POST" && text.includes('"tools/call"')) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`id: call-1\nretry: 20\ndata: \n\n`, () => setTimeout(() => response.destroy(), 100));
      answer.id = JSON.parse(text).id;
      return true;
    }
    const from = request.method === "GET" ? request.headers["last-event-id"] : undefined;
    if (from === undefined) return false;
    gets.push(from);
    response.writeHead(200, { "content-type": "text/event-stream" });
    const result = JSON.stringify({ jsonrpc: "2.0", id: answer.id, result: { content: [{ type: "text", text: "resumed" }] } });
    response.end(`id: call-2\ndata: ${result}\n\nid: call-3\ndata: ${result}\n\n`);
    return true;
  };
  await using other = await telling({ version: "2025-11-25", capabilities: { tools: {} }, handlers: { "tools/list": () => ({ tools: [toolNamed("long")] }) }, answer });
  await using visitor = await connected({ url: other.url, allowed: [other.origin] }, { version: "2025-11-25" });
  await visitor.tool("long");
  await visitor.call();
  assert.match(await (await visitor.result()).innerText(), /resumed/);
  assert.equal(await visitor.page.getByText("resumed").count(), 1);
  assert.deepEqual(gets, ["call-1"]);
  await visitor.page.getByText(LISTENS).waitFor();
  await visitor.trace();
  const resumption = visitor.page.locator(".trace li").filter({ hasText: "GET /mcp" }).first();
  await resumption.locator("summary").click();
  await resumption.getByText("last-event-id: call-1").waitFor();
});

test("lists and results that are not to the letter of 2026-07-28 are shown as they are", async () => {
  const handlers = {
    "server/discover": () => ({ resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, serverInfo: { name: "loose", version: "1" } }),
    "tools/list": () => ({ tools: [{ name: "loose", annotations: 7, inputSchema: { type: "object" } }, { name: "bare" }] }),
    "tools/call": () => ({ content: [{ type: "hologram", beam: 7 }] }),
  };
  await using other = await scripted({ handlers });
  await using visitor = await connected({ url: other.url, allowed: [other.origin] }, { version: "2026-07-28" });
  await tab(visitor, "Tools 2").waitFor();
  await visitor.tool("bare");
  await visitor.call();
  assert.match(await (await visitor.result()).innerText(), /unknown type: hologram[^]*"beam": 7/);
  visitor.done();
});

test("a list that the server answers with an error is told, and leaves the others", async () => {
  const handlers = { "tools/list": () => ({ tools: [toolNamed("one")] }), "prompts/list": () => ({ error: { code: -32603, message: "No prompts today." } }) };
  await using other = await scripted({ capabilities: { tools: {}, prompts: {} }, handlers });
  await using visitor = await connected({ url: other.url, allowed: [other.origin] });
  await row(visitor, "one").waitFor();
  await visitor.page.locator(".server .problem").getByText("No prompts today.").waitFor();
  await tab(visitor, "Prompts 0").waitFor();
  await visitor.button("Disconnect").waitFor();
  visitor.done();
});
