// The playground for people who do not see it, see little, or see other colours: what a screen reader is told, and what media
// features ask for.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { withSession } from "../../support/asking.mjs";
import { begin, calls, delta, openAi, says } from "../../support/model.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { smallTargets } from "../../support/targets.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const model = await openAi();
after(() => model.stop());
const { server, browser } = await inBrowser(fixture({ playground: true, vars: { PLAYGROUND_CHAT: "openai", PLAYGROUND_CHAT_URL: model.url, PLAYGROUND_MODELS: "tiny" }, outbound: model.outbound }));

const NAMED = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };

// Each change of a text that a screen reader reads out by itself.
function listen() {
  globalThis.told = [];
  const LIVE = "[role=status], [role=alert], [aria-live]:not([aria-live=off]), [role=log]:not([aria-live=off])";
  const hear = (node) => {
    const element = node instanceof Element ? node : node.parentElement;
    const regions = [element?.closest(LIVE), ...(node instanceof Element ? node.querySelectorAll(LIVE) : [])].filter(Boolean);
    for (const region of regions) globalThis.told.push(region.textContent.trim());
  };
  new MutationObserver((mutations) => {
    for (const { type, target, addedNodes } of mutations) {
      if (type === "characterData") hear(target);
      else if (addedNodes.length > 0) for (const node of addedNodes) hear(node);
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

async function visited(own, options = {}) {
  const visitor = await visit(browser, server, { allowed: own ? [own.origin] : [], ...options });
  await visitor.context.addInitScript(listen);
  await visitor.page.reload();
  await visitor.connect(own?.url, own && { version: "2025-11-25" });
  return Object.assign(visitor, { told: async () => (await visitor.page.evaluate(() => globalThis.told.splice(0))).filter((text, at, all) => text !== "" && text !== all[at - 1]) });
}

const tools = (...names) => names.map((name) => ({ name, inputSchema: name === "needs" ? NAMED : { type: "object" } }));
const text = (said) => ({ content: [{ type: "text", text: said }] });

describe("a screen reader", () => {
  test("finds landmarks, one first heading, and headings without gaps in every part", async () => {
    await using visitor = await visited();
    const { page } = visitor;
    const outline = () =>
      page.evaluate(() => ({
        landmarks: ["header", "nav", "main"].map((name) => document.querySelectorAll(name).length),
        levels: [...document.querySelectorAll("h1, h2, h3, h4, h5, h6, [role=heading]")].filter((heading) => heading.checkVisibility()).map((heading) => Number(heading.getAttribute("aria-level") ?? heading.localName[1])),
        nameless: [...document.querySelectorAll("section")].filter((section) => section.role === "region" && !section.ariaLabel).length,
      }));
    const holds = async (where) => {
      const { landmarks, levels } = await outline();
      assert.deepEqual(landmarks, [1, 1, 1], where);
      assert.equal(levels.filter((level) => level === 1).length, 1, where);
      levels.forEach((level, at) => assert.ok(at === 0 || level <= levels[at - 1] + 1, `${where}: ${levels}`));
    };
    await holds("the tools");
    await visitor.tool("test_multiple_content_types");
    await visitor.call();
    await visitor.result();
    await page.locator(".result h5").first().waitFor();
    await holds("a result");
    for (const name of ["Resources", "Prompts", "Logs", "Messages"]) {
      await visitor.part(name);
      const first = page.locator(".list li button").first();
      if (["Resources", "Prompts"].includes(name)) {
        await first.click();
        await page.locator("article h3").waitFor();
      }
      await holds(name);
    }
    await visitor.button("Chat").click();
    await page.getByRole("heading", { name: "Chat" }).waitFor();
    await holds("the chat");
  });

  test("is told by the field what is wrong with it", async () => {
    await using own = await withSession({ tools: tools("needs", "asks"), call: async (_, ask) => ask("elicitation/create", { message: "Well?", requestedSchema: NAMED }).then(() => text("done")) });
    await using visitor = await visited(own);
    const { page } = visitor;
    const wrong = async (scope) => {
      const field = scope.locator("[aria-invalid=true]").first();
      await field.waitFor();
      await until(() => field.evaluate((element) => element === document.activeElement), "the focus at the field");
      return field.evaluate((element) => (element.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent).join(" "));
    };
    await visitor.tool("needs");
    await visitor.call();
    assert.match(await wrong(page.locator("article")), /This is needed\./);
    await visitor.tool("asks");
    await visitor.call();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Send" }).click();
    assert.match(await wrong(dialog), /This is needed\./);
    await page.keyboard.press("Escape");
    await visitor.button("Disconnect").click();
    await page.getByLabel("Address").fill("ftp://x");
    await visitor.button("Connect").click();
    const address = page.getByLabel("Address");
    await until(() => address.evaluate((element) => element.ariaInvalid === "true" && document.getElementById(element.getAttribute("aria-describedby"))?.textContent.length > 0), "the fault of the address");
  });

  test("is told when a call begins and ends, or fails, and not each step of its progress", async () => {
    const call = async ({ name, _meta }, __, tell) => {
      if (name === "fails") return { error: { code: -32000, message: "Broken." } };
      for (let progress = 1; progress <= 40; progress++) {
        tell("notifications/progress", { progressToken: _meta.progressToken, progress, total: 40, message: `step ${progress}` });
        tell("notifications/message", { level: "info", data: `line ${progress}` });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return text("done");
    };
    await using own = await withSession({ tools: tools("works", "fails"), call, capabilities: { tools: {}, logging: {} } });
    await using visitor = await visited(own);
    await visitor.told();
    for (const [name, last] of [["works", "The result of works is there."], ["fails", "fails did not work."]]) {
      await visitor.tool(name);
      await visitor.told();
      await visitor.call();
      await visitor.result();
      const status = visitor.page.locator("p.unseen[role=status]");
      await until(async () => (await status.innerText()) === last, last);
      const told = await visitor.told();
      assert.deepEqual(told.filter((line) => /^Waiting for|is there\.$|did not work\.$/.test(line)), [`Waiting for ${name}.`, last]);
      assert.ok(!told.some((line) => /step|line/.test(line)), `${told}`);
      assert.ok(told.length <= 4, `${told}`);
    }
  });

  test("hears of the chat as a log: a call that waits, and that the answer is there, and no single words", async () => {
    const words = Array.from({ length: 60 }, (_, at) => `word${at} `);
    const seen = Promise.withResolvers();
    const slow = async (response) => {
      const send = begin(response);
      for (const word of words) {
        send(delta({ content: word }));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await seen.promise;
      send(delta({}, "stop"));
      send("[DONE]");
      response.end();
    };
    model.answers.splice(0, Infinity, slow, calls(["works", {}]), says("Fine."));
    await using own = await withSession({ tools: tools("works"), call: async () => text("done") });
    await using visitor = await visited(own);
    const { page } = visitor;
    await visitor.button("Chat").click();
    const log = page.getByRole("log");
    await page.getByRole("heading", { name: "Chat" }).waitFor();
    const say = async (message) => {
      await page.getByLabel("Message").fill(message);
      await visitor.told();
      await visitor.button("Send").click();
    };
    await say("Tell me");
    await until(async () => (await log.getAttribute("aria-busy")) === "true", "the log to be busy");
    await log.getByText("word59").waitFor();
    seen.resolve();
    await until(async () => (await log.getAttribute("aria-busy")) === "false", "the end");
    const first = [];
    await until(async () => first.push(...(await visitor.told())) > 0, "word of the answer");
    assert.ok(!first.some((line) => /word\d/.test(line)), `${first}`);
    assert.ok(first.length >= 1 && first.length <= 2, `${first}`);
    await say("Work");
    await page.getByRole("button", { name: "Allow once" }).waitFor();
    await until(async () => (await visitor.told()).some((line) => line.includes("works")), "word of the call");
  });
});

describe("the page", () => {
  const styles = (page, selector, ...names) => page.locator(selector).first().evaluate((element, names) => names.map((name) => getComputedStyle(element)[name]), names);

  test("moves nothing where a person wants less motion", async () => {
    await using visitor = await visited(undefined, { reducedMotion: "reduce" });
    const { page } = visitor;
    const moving = () =>
      page.evaluate(() => {
        const times = (value) => value.split(", ").some((time) => Number.parseFloat(time) > 0);
        const all = [...document.querySelectorAll("*")].filter((element) => {
          const { transitionDuration, animationDuration, animationName, scrollBehavior } = getComputedStyle(element);
          return times(transitionDuration) || (animationName !== "none" && times(animationDuration)) || scrollBehavior === "smooth";
        });
        return [all.map(({ outerHTML }) => outerHTML.slice(0, 80)), document.getAnimations().length];
      });
    assert.deepEqual(await moving(), [[], 0]);
    await visitor.tool("test_simple_text");
    await visitor.call();
    await visitor.result();
    assert.deepEqual(await moving(), [[], 0]);
    await visitor.trace();
    assert.deepEqual(await moving(), [[], 0]);
  });

  test("has notes, tags and lines in the colour of the text where a person wants more contrast", async () => {
    await using visitor = await visited(undefined, { contrast: "more" });
    const [[ink]] = [await styles(visitor.page, "body", "color")];
    assert.deepEqual(await styles(visitor.page, ".note", "color"), [ink]);
    assert.deepEqual(await styles(visitor.page, ".tag", "color", "borderTopColor"), [ink, ink]);
    assert.deepEqual(await styles(visitor.page, ".tabs", "borderBottomColor"), [ink]);
  });

  test("marks what is chosen by a line where a person has colours of their own", async () => {
    await using visitor = await visited(undefined, { forcedColors: "active" });
    const { page } = visitor;
    await visitor.tool("test_simple_text");
    const lines = async (chosen, other) => {
      const of = (selector) => styles(page, selector, "borderBottomColor", "borderLeftColor", "outlineStyle");
      assert.notDeepEqual(await of(chosen), await of(other), chosen);
    };
    await lines(".tabs [aria-selected=true]", ".tabs [aria-selected=false]");
    await page.getByRole("searchbox", { name: "Search" }).fill("test_");
    await lines(".list li [aria-pressed=true]", ".list li [aria-pressed=false]");
    await lines(".sides [aria-pressed=true]", ".sides [aria-pressed=false]");
    await visitor.button("Another server").click();
    await lines(".switch [aria-pressed=true]", ".switch [aria-pressed=false]");
  });

  test("tells nothing by colour alone: faults, tags, links and messages have another sign besides", async () => {
    await using own = await withSession({ tools: tools("needs"), call: async () => text("done") });
    await using visitor = await visited(own);
    const { page } = visitor;
    await visitor.tool("needs");
    const before = await styles(page, "article .field", "borderTopWidth");
    await visitor.call();
    await page.locator("article [aria-invalid=true]").waitFor();
    assert.notDeepEqual(await styles(page, "article [aria-invalid=true]", "borderTopWidth"), before);
    assert.ok(Number((await styles(page, ".fault", "fontWeight"))[0]) >= 600);
    assert.ok(Number((await styles(page, ".tag.strong", "fontWeight"))[0]) >= 600);
    assert.match((await styles(page, ".link", "textDecorationLine"))[0], /underline/);
    // Directions and failures of messages have words.
    await visitor.trace();
    assert.match(await page.locator(".trace .entry").first().innerText(), /sent|received|request|note/);
  });

  test("has no target of less than 24 pixels", async () => {
    await using visitor = await visited();
    const { page } = visitor;
    const fits = async () => assert.deepEqual(await smallTargets(page, 24), []);
    await fits();
    await visitor.tool("json_schema_2020_12_tool");
    await fits();
    await visitor.tool("test_multiple_content_types");
    await visitor.call();
    await visitor.result();
    await fits();
    for (const name of ["Resources", "Prompts", "Logs", "Messages"]) {
      await visitor.part(name);
      await fits();
    }
    await page.locator(".trace .entry").first().click();
    await page.locator(".opened").waitFor();
    await fits();
    await page.locator(".saved > summary").click();
    await page.locator(".saved .note").first().waitFor();
    await fits();
    await visitor.button("Chat").click();
    await page.getByLabel("Message").waitFor();
    await fits();
  });
});
