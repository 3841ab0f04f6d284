// The playground shows what a server offers besides tools: resource templates, completion, prompts.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inBrowser } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { server, browser, connected } = await inBrowser(fixture({ playground: true }));

const ERAS = ["2026-07-28", "2025-11-25"];

const sent = (other, method) => other.requests.filter(({ text }) => text?.includes(`"method":"${method}"`)).map(({ text }) => JSON.parse(text).params);

/** Opens the view of a tab and chooses an entry of its list. */
async function open(visitor, tab, entry) {
  await visitor.page.getByRole("tab", { name: new RegExp(`^${tab}`) }).click();
  await visitor.page.locator(".list li").filter({ hasText: entry }).getByRole("button").first().click();
  await visitor.page.locator("article").waitFor();
}

/** A server with resources of templates alone. */
const withTemplates = (resourceTemplates) =>
  scripted({
    capabilities: { resources: {} },
    handlers: { "resources/list": () => ({ resources: [] }), "resources/templates/list": () => ({ resourceTemplates }), "resources/read": ({ uri }) => ({ contents: [{ uri, text: "read" }] }) },
  });

describe("a resource template", () => {
  for (const version of ERAS)
    test(`has a field for each variable, shows its expansion, and is read there, in ${version}`, async () => {
      await using visitor = await connected({}, { version });
      const { page } = visitor;
      await open(visitor, "Resources", "test://template/{id}/data");
      await page.getByLabel("id", { exact: true }).fill("a b/ü");
      assert.equal(await page.locator("output").innerText(), "test://template/a%20b%2F%C3%BC/data");
      await visitor.button("Read").click();
      assert.match(await (await visitor.result()).innerText(), /"templateTest":true/);
      assert.equal(await page.getByLabel("id", { exact: true }).inputValue(), "a b/ü");
      visitor.done();
    });

  test("has lists, prefixes and what is absent by RFC 6570, and one that is none is read as it is", async () => {
    const resourceTemplates = [{ uriTemplate: "x://files{/path*}{?q,lang:2}", name: "files" }, { uriTemplate: "x://{broken", name: "broken" }];
    await using other = await withTemplates(resourceTemplates);
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    const { page } = visitor;
    await open(visitor, "Resources", "files");
    assert.equal(await page.locator("output").innerText(), "x://files");
    await page.getByLabel("path").fill("a, b c,d");
    await page.getByLabel("lang").fill("english");
    assert.equal(await page.locator("output").innerText(), "x://files/a/b%20c/d?lang=en");
    await visitor.button("Read").click();
    await visitor.result();
    await open(visitor, "Resources", "broken");
    await page.getByText("This template cannot be read.").waitFor();
    await visitor.button("Read").click();
    await visitor.result();
    assert.deepEqual(sent(other, "resources/read").map(({ uri }) => uri), ["x://files/a/b%20c/d?lang=en", "x://{broken"]);
    visitor.done();
  });

  test("has rows of names with values for an associative array, and lists for what is not exploded", async () => {
    const resourceTemplates = [{ uriTemplate: "x://find{?filter*,sort,cut:2}", name: "find" }];
    await using other = await withTemplates(resourceTemplates);
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    const { page } = visitor;
    await open(visitor, "Resources", "find");
    await page.getByText("Kinds of values").click();
    assert.deepEqual(await page.getByRole("combobox", { name: /^Value of/ }).evaluateAll((selects) => selects.map(({ id, value }) => [id.replace(/.*-/, ""), value])), [["filter", "list"], ["sort", "text"]]);
    await page.getByLabel("Value of filter").selectOption("names with values");
    const rows = page.getByRole("group", { name: "filter" });
    await rows.getByRole("button", { name: "Add" }).click();
    await rows.getByLabel("Name").first().fill("state");
    await rows.getByLabel("Value", { exact: true }).first().fill("open & new");
    await rows.getByRole("button", { name: "Add" }).click();
    await rows.getByLabel("Name").nth(1).fill("owner");
    assert.equal(await page.locator("output").innerText(), "x://find?state=open%20%26%20new&owner=");
    await rows.getByRole("button", { name: "Remove state" }).click();
    await page.getByLabel("Value of sort").selectOption("a list");
    await page.getByLabel("sort", { exact: true }).fill("age, name");
    await page.getByLabel("cut", { exact: true }).fill("abc");
    assert.equal(await page.locator("output").innerText(), "x://find?owner=&sort=age,name&cut=ab");
    await visitor.button("Read").click();
    await visitor.result();
    assert.deepEqual(sent(other, "resources/read").map(({ uri }) => uri), ["x://find?owner=&sort=age,name&cut=ab"]);
    visitor.done();
  });

  test("is not needed: a server that does not know the method for templates is used without", async () => {
    await using other = await scripted({ capabilities: { resources: {} }, handlers: { "resources/list": () => ({ resources: [{ uri: "x://one", name: "one" }] }) } });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    await open(visitor, "Resources", "one");
    visitor.done();
  });
});

const field = (visitor, name) => visitor.page.getByRole("combobox", { name: new RegExp(`^${name}`) });

describe("completion", () => {
  const prompts = [{ name: "trip", arguments: [{ name: "country", required: true }, { name: "city" }] }];

  function places(complete, more = {}) {
    return scripted({
      capabilities: { prompts: {}, completions: {} },
      handlers: { "prompts/list": () => ({ prompts }), "completion/complete": complete, "prompts/get": ({ arguments: given }) => ({ messages: [{ role: "user", content: { type: "text", text: JSON.stringify(given) } }] }) },
      ...more,
    });
  }

  for (const version of ERAS)
    test(`suggests what the fixture has, in ${version}`, async () => {
      await using visitor = await connected({}, { version });
      await open(visitor, "Prompts", "test_prompt_with_arguments");
      await field(visitor, "arg1").pressSequentially("pa");
      await visitor.page.getByRole("option").nth(2).waitFor();
      assert.deepEqual(await visitor.page.getByRole("option").allInnerTexts(), ["palace", "park", "party"]);
      await visitor.page.getByRole("option", { name: "park" }).click();
      assert.equal(await field(visitor, "arg1").inputValue(), "park");
      visitor.done();
    });

  test("waits for a pause, and sends what is filled in besides as context", async () => {
    await using other = await places(({ argument }) => ({ completion: { values: [`${argument.value}-one`, `${argument.value}-two`] } }));
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    await open(visitor, "Prompts", "trip");
    await field(visitor, "country").pressSequentially("fran", { delay: 20 });
    await visitor.page.getByRole("option", { name: "fran-one" }).click();
    await field(visitor, "city").pressSequentially("pa", { delay: 20 });
    await visitor.page.getByRole("option", { name: "pa-two" }).waitFor();
    const ref = { type: "ref/prompt", name: "trip" };
    assert.deepEqual(sent(other, "completion/complete"), [
      { ref, argument: { name: "country", value: "fran" } },
      { ref, argument: { name: "city", value: "pa" }, context: { arguments: { country: "fran-one" } } },
    ]);
    visitor.done();
  });

  test("cancels an older request for a newer one, whose suggestions are shown alone", async () => {
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await using other = await places(async ({ argument }) => {
      if (argument.value === "a") await held;
      return { completion: { values: [`for ${argument.value}`] } };
    });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    await open(visitor, "Prompts", "trip");
    await field(visitor, "country").pressSequentially("a");
    await until(() => sent(other, "completion/complete").length === 1, "the first request");
    await field(visitor, "country").pressSequentially("b");
    await visitor.page.getByRole("option", { name: "for ab" }).waitFor();
    await until(() => sent(other, "notifications/cancelled").length === 1, "the cancellation");
    release();
    await visitor.trace();
    await visitor.page.getByRole("tab", { name: /^Prompts/ }).click();
    assert.equal(await visitor.page.getByRole("option", { name: "for a", exact: true }).count(), 0);
  });

  test("is a combobox by keyboard: arrows, Enter, Escape, and the focus stays in the field", async () => {
    await using other = await places(() => ({ completion: { values: ["one", "two", "three"] } }));
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    const { page } = visitor;
    await open(visitor, "Prompts", "trip");
    const country = field(visitor, "country");
    await country.focus();
    assert.equal(await country.getAttribute("aria-expanded"), "false");
    await page.keyboard.press("ArrowDown");
    await page.getByRole("option").first().waitFor();
    assert.equal(await country.getAttribute("aria-expanded"), "true");
    const active = async () => page.locator(`[id=${JSON.stringify(await country.getAttribute("aria-activedescendant"))}]`);
    await page.keyboard.press("ArrowDown");
    assert.equal(await (await active()).innerText(), "one");
    assert.equal(await (await active()).getAttribute("aria-selected"), "true");
    await page.keyboard.press("ArrowUp");
    assert.equal(await country.getAttribute("aria-activedescendant"), null);
    await page.keyboard.press("ArrowUp");
    assert.equal(await (await active()).innerText(), "three");
    await page.keyboard.press("Enter");
    assert.equal(await country.inputValue(), "three");
    assert.equal(await page.getByRole("option").count(), 0);
    assert.equal(sent(other, "prompts/get").length, 0);
    await page.keyboard.press("ArrowDown");
    await page.getByRole("option").first().waitFor();
    await page.keyboard.press("Escape");
    await until(async () => (await page.getByRole("option").count()) === 0, "the list closed");
    assert.ok(await country.evaluate((field) => field === document.activeElement));
    await page.keyboard.press("Enter");
    assert.match(await (await visitor.result()).innerText(), /"country":"three"/);
    visitor.done();
  });

  test("says that there are more than a hundred", async () => {
    const values = Array.from({ length: 120 }, (_, at) => `v${at}`);
    await using other = await places(({ argument }) => ({ completion: { values, ...(argument.value === "a" ? { total: 500 } : { hasMore: true }) } }));
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    await open(visitor, "Prompts", "trip");
    await field(visitor, "country").pressSequentially("a");
    await visitor.page.getByText("The first 100 of 500 suggestions.").waitFor();
    assert.equal(await visitor.page.getByRole("option").count(), 100);
    await field(visitor, "city").pressSequentially("b");
    await visitor.page.getByText("The first 100 of 120 suggestions.").waitFor();
    visitor.done();
  });

  test("moves nothing: a button below takes a click while suggestions are told", async () => {
    await using other = await places(() => ({ completion: { values: [] } }));
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    const { page } = visitor;
    await open(visitor, "Prompts", "trip");
    await field(visitor, "country").fill("x");
    const { x, y, width, height } = await visitor.button("Get prompt").boundingBox();
    await field(visitor, "city").pressSequentially("y");
    await page.getByText("No suggestions.").waitFor();
    await page.mouse.click(x + width / 2, y + height / 2, { delay: 100 });
    assert.match(await (await visitor.result()).innerText(), /"country":"x","city":"y"/);
    visitor.done();
  });

  test("that the server does not know leaves a plain field, asked once", async () => {
    await using other = await places(() => ({ error: { code: -32601, message: "No completion." } }));
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    const { page } = visitor;
    await open(visitor, "Prompts", "trip");
    await field(visitor, "country").pressSequentially("x");
    await until(async () => (await field(visitor, "country").count()) === 0, "a plain field");
    assert.ok(await page.getByLabel("country").evaluate((field) => field === document.activeElement));
    await page.locator("#prompt-city").pressSequentially("y");
    await page.locator("#prompt-country").press("End");
    await page.locator("#prompt-country").pressSequentially("z");
    assert.equal(await page.getByLabel("country").inputValue(), "xz");
    await visitor.button("Get prompt").click();
    assert.match(await (await visitor.result()).innerText(), /"country":"xz","city":"y"/);
    assert.equal(sent(other, "completion/complete").length, 1);
    visitor.done();
  });

  test("is not asked for of a server that does not offer it", async () => {
    await using other = await places(() => ({ completion: { values: ["x"] } }), { capabilities: { prompts: {} } });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    await open(visitor, "Prompts", "trip");
    assert.equal(await visitor.page.getByRole("combobox").count(), 0);
    await visitor.page.getByLabel("city").fill("y");
  });
});

describe("a prompt", () => {
  test("names arguments that are missing, and is got anyway", async () => {
    await using visitor = await connected();
    const { page } = visitor;
    await open(visitor, "Prompts", "test_prompt_with_arguments");
    await visitor.button("Get prompt").click();
    await page.getByText("Some arguments are missing.").waitFor();
    assert.equal(await page.getByText("This is needed.").count(), 2);
    await until(() => field(visitor, "arg1").evaluate((field) => field === document.activeElement), "the focus");
    await field(visitor, "arg1").fill("x");
    await visitor.button("Send anyway").click();
    assert.match(await (await visitor.result()).innerText(), /error -32602/i);
    await field(visitor, "arg2").fill("y");
    await visitor.button("Get prompt").click();
    await until(async () => /arg1='x', arg2='y'/.test(await page.locator(".use").first().innerText()), "the prompt");
    visitor.done();
  });

  test("shows messages by role, with content of every type", async () => {
    const messages = [
      { role: "user", content: { type: "text", text: "plain" } },
      { role: "assistant", content: { type: "image", data: btoa("x"), mimeType: "image/png" } },
      { role: "user", content: { type: "audio", data: btoa("x"), mimeType: "audio/wav" } },
      { role: "user", content: { type: "resource_link", uri: "x://link", name: "linked" } },
      { role: "user", content: { type: "resource", resource: { uri: "x://in", text: "embedded" } } },
    ];
    await using other = await scripted({ capabilities: { prompts: {} }, handlers: { "prompts/list": () => ({ prompts: [{ name: "all" }] }), "prompts/get": () => ({ messages }) } });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    await open(visitor, "Prompts", "all");
    await visitor.button("Get prompt").click();
    const result = await visitor.result();
    await result.getByText("linked").waitFor();
    assert.match(await result.innerText(), /user[^]*plain[^]*assistant[^]*user[^]*user[^]*linked[^]*user[^]*embedded/);
    await result.locator("audio").waitFor();
    visitor.done();
  });
});
