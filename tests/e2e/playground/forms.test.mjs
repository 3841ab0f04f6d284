// Forms of the playground with much in them, and with schemas that nobody would write.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inBrowser } from "../../support/playground.mjs";
import { schemas } from "../../support/schema-corpus.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { connected } = await inBrowser(fixture({ playground: true }));

const taking = (tools) =>
  scripted({
    handlers: {
      "tools/list": () => ({ tools }),
      "tools/call": ({ arguments: given }) => ({ content: [{ type: "text", text: JSON.stringify(given) }] }),
    },
  });

describe("a list of 500 cards", () => {
  const card = { type: "object", properties: { name: { type: "string", minLength: 1 }, size: { type: "integer" } }, required: ["name"] };
  const inputSchema = { type: "object", properties: { cards: { type: "array", items: card } }, required: ["cards"] };
  const cards = Array.from({ length: 500 }, (_, at) => ({ name: `card ${at}`, size: at }));

  test("is there part by part, and a key draws nothing but its own field", async () => {
    await using own = await taking([{ name: "sort", inputSchema }]);
    await using visitor = await connected({ url: own.url, allowed: [own.origin] });
    const { page } = visitor;
    await visitor.tool("sort");
    await visitor.json({ cards });
    await visitor.button("Form").click();
    const field = (at) => visitor.argument("sort", `/cards/${at}/name`);
    await field(0).waitFor();
    assert.ok((await page.locator(".schema-form *").count()) < 3000);
    assert.equal(await page.locator(".items > li").count(), 50);
    const changed = await page.evaluateHandle(() => {
      const seen = { nodes: 0 };
      new MutationObserver((records) => (seen.nodes += records.reduce((sum, { addedNodes, removedNodes }) => sum + addedNodes.length + removedNodes.length, 0))).observe(document.querySelector(".schema-form"), { childList: true, subtree: true });
      return seen;
    });
    await field(3).fill("another");
    // Once the page has drawn what was typed.
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))));
    assert.equal(await changed.evaluate(({ nodes }) => nodes), 0);
    await page.getByText("1 to 50 of 500").waitFor();
    for (let part = 0; part < 9; part++) await visitor.button("After").click();
    await page.getByText("451 to 500 of 500").waitFor();
    assert.ok(await visitor.button("After").isDisabled());
    await field(499).fill("the last");
    await page.getByRole("button", { name: "Add to cards" }).click();
    await page.getByText("501 to 501 of 501").waitFor();
    await field(500).fill("one more");
    await visitor.button("Move cards 501 up").click();
    await page.getByText("501 to 501 of 501").waitFor();
    await visitor.call();
    const { cards: sent } = JSON.parse(await (await visitor.result()).locator("pre").first().innerText());
    assert.deepEqual([sent.length, sent[3].name, sent[499].name, sent[500].name], [501, "another", "one more", "the last"]);
    visitor.done();
  });

  test("brings the card that does not fit into sight, with the focus in it", async () => {
    await using own = await taking([{ name: "sort", inputSchema }]);
    await using visitor = await connected({ url: own.url, allowed: [own.origin] });
    await visitor.tool("sort");
    await visitor.json({ cards: cards.with(321, { name: "" }) });
    await visitor.button("Form").click();
    await visitor.argument("sort", "/cards/0/name").waitFor();
    await visitor.call();
    await visitor.page.getByText("301 to 350 of 500").waitFor();
    await until(() => visitor.argument("sort", "/cards/321/name").evaluate((field) => field === document.activeElement), "the focus");
    visitor.done();
  });
});

describe("a text that is no JSON", () => {
  const inputSchema = { type: "object", properties: { size: { type: "integer", default: 3 } } };

  test("stays as it was typed, until a new value takes its place: then the tool can be called", async () => {
    await using own = await taking([{ name: "sized", inputSchema }]);
    await using visitor = await connected({ url: own.url, allowed: [own.origin] });
    const { page } = visitor;
    await visitor.tool("sized");
    await visitor.json("{");
    await page.getByText(/^Line 1/).waitFor();
    await visitor.call();
    assert.equal(await page.locator("textarea.json").inputValue(), "{");
    await visitor.button("Fill in defaults").click();
    await page.getByText(/^Line 1/).waitFor({ state: "detached" });
    await visitor.call();
    assert.deepEqual(JSON.parse(await (await visitor.result()).locator("pre").first().innerText()), { size: 3 });
    visitor.done();
  });

  test("stands in the way no longer once its argument is removed", async () => {
    await using own = await taking([{ name: "sized", inputSchema }]);
    await using visitor = await connected({ url: own.url, allowed: [own.origin] });
    const { page } = visitor;
    await visitor.tool("sized");
    await visitor.json({ more: 1 });
    await visitor.button("Form").click();
    await visitor.argument("sized", "/more").fill("{");
    await page.getByText(/^Line 1/).waitFor();
    await page.getByRole("button", { name: "Remove more" }).click();
    await visitor.call();
    assert.deepEqual(JSON.parse(await (await visitor.result()).locator("pre").first().innerText()), {});
    visitor.done();
  });
});

test("a file that takes long to read undoes nothing that is typed meanwhile", async () => {
  const inputSchema = { type: "object", properties: { file: { type: "string", format: "byte" }, note: { type: "string" } } };
  await using own = await taking([{ name: "keep", inputSchema }]);
  await using visitor = await connected({ url: own.url, allowed: [own.origin] });
  const { page } = visitor;
  await visitor.tool("keep");
  await page.evaluate(() => {
    const { arrayBuffer } = Blob.prototype;
    const released = new Promise((release) => (window.release = release));
    Blob.prototype.arrayBuffer = function () {
      return released.then(() => arrayBuffer.call(this));
    };
  });
  await page.locator(".schema-form input[type=file]").setInputFiles({ name: "a.bin", mimeType: "application/octet-stream", buffer: Buffer.from("abc") });
  await visitor.argument("keep", "/note").fill("typed meanwhile");
  await page.evaluate(() => window.release());
  await until(async () => (await visitor.argument("keep", "/file").inputValue()) === "YWJj", "the file");
  await visitor.call();
  assert.deepEqual(JSON.parse(await (await visitor.result()).locator("pre").first().innerText()), { file: "YWJj", note: "typed meanwhile" });
  visitor.done();
});

test("200 made-up schemas have a form or say why not, and a JSON side that can be used", async () => {
  const tools = schemas(200).map((inputSchema, at) => ({ name: `tool_${at}`, inputSchema }));
  await using own = await taking(tools);
  await using visitor = await connected({ url: own.url, allowed: [own.origin] });
  const { page } = visitor;
  for (const { name, inputSchema } of tools) {
    await visitor.tool(name);
    await page.locator("article", { has: page.locator("code", { hasText: new RegExp(`^${name}$`) }) }).getByRole("button", { name: "Call" }).waitFor();
    await visitor.json("{}");
    assert.deepEqual(visitor.complaints, [], JSON.stringify(inputSchema));
  }
});
