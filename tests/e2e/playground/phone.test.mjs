// The playground on a phone of 360 x 640: each step by touch, with targets that a finger hits, and nothing beyond the sides.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { withSession } from "../../support/asking.mjs";
import { calls, openAi, says } from "../../support/model.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { authority, guarded } from "../../support/scripted-authority.mjs";
import { sideways, smallTargets } from "../../support/targets.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const model = await openAi();
after(() => model.stop());
const { server, browser } = await inBrowser(fixture({ playground: true, vars: { PLAYGROUND_CHAT: "openai", PLAYGROUND_CHAT_URL: model.url, PLAYGROUND_MODELS: "tiny" }, outbound: model.outbound }));

const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

/** Pixels that a finger needs. */
const FINGER = 44;

const MESSAGE = { type: "object", properties: { name: { type: "string", description: "A name" }, note: { type: "string", maxLength: 500 }, kind: { enum: ["a", "b"] }, on: { type: "boolean" }, when: { type: "string", format: "date" } }, required: ["name"] };

async function onPhone(options = {}) {
  const visitor = await visit(browser, server, { ...PHONE, ...options });
  const { page } = visitor;
  return Object.assign(visitor, {
    tap: (name) => page.getByRole("button", { name, exact: true }).tap(),
    /** Nothing here is too small or too wide. */
    async fits() {
      assert.deepEqual([await sideways(page), await smallTargets(page, FINGER)], [0, []]);
    },
    async connects(other) {
      if (other) {
        await page.getByLabel("Address").tap();
        await page.getByLabel("Address").fill(other.url);
      }
      await this.tap("Connect");
    },
    async choose(name) {
      if (await page.locator(".back").isVisible()) await page.locator(".back").tap();
      await page.locator(".list li").filter({ has: page.getByText(name, { exact: true }) }).getByRole("button").first().tap();
      await page.locator("article h3").waitFor();
    },
  });
}

// The field is in sight, above a keyboard that takes the lower half.
async function aboveKeyboard(page, field) {
  await field.tap();
  await page.setViewportSize({ width: 360, height: 300 });
  await until(async () => {
    const box = await field.boundingBox();
    return box && box.y >= 0 && box.y + Math.min(box.height, 200) <= 300;
  }, "the field to be in sight");
  await page.setViewportSize(PHONE.viewport);
}

describe("on a phone, by touch,", () => {
  test("a first visit lists the tools, and a tool is called through its form", async () => {
    await using own = await withSession({ tools: [{ name: "send", description: "Sends", inputSchema: MESSAGE }], capabilities: { tools: {}, logging: {} }, call: async ({ arguments: given }, _, tell) => (tell("notifications/message", { level: "error", data: "logged" }), { content: [{ type: "text", text: `sent ${given.name}` }] }) });
    await using visitor = await onPhone({ allowed: [own.origin] });
    const { page } = visitor;
    await visitor.fits();
    await page.getByText("Options", { exact: true }).tap();
    await page.getByLabel("Bearer token").waitFor();
    await visitor.fits();
    await page.getByText("Options", { exact: true }).tap();
    await visitor.connects(own);
    await page.locator(".list li").first().waitFor();
    await visitor.fits();
    await visitor.choose("send");
    await visitor.fits();
    await visitor.tap("Call");
    await page.getByText("This is needed.").waitFor();
    await visitor.fits();
    for (const pointer of ["/note", "/name"]) await aboveKeyboard(page, visitor.argument("send", pointer));
    await visitor.argument("send", "/name").fill("tea");
    await visitor.argument("send", "/kind").selectOption("b");
    await visitor.tap("Call");
    await page.getByText("sent tea").waitFor();
    await visitor.fits();
    await page.getByRole("tab", { name: /^Logs/ }).tap();
    await page.locator(".log button").first().tap();
    await visitor.fits();
    await page.getByRole("tab", { name: /^Messages/ }).tap();
    await page.locator(".trace .entry").first().tap();
    await page.locator(".opened").waitFor();
    await visitor.fits();
    visitor.done();
  });

  test("the person signs in, in a window or in the same tab", async () => {
    for (const isBlocked of [false, true]) {
      await using as = await authority();
      await using own = await guarded(() => as);
      await using visitor = await onPhone({ allowed: [own.origin, as.origin] });
      const { page } = visitor;
      if (isBlocked) await page.evaluate(() => (window.open = () => null));
      await visitor.connects(own);
      await until(() => visitor.button("Sign in").isEnabled().catch(() => false), "what the server asks for");
      await visitor.fits();
      await visitor.tap("Sign in");
      await visitor.button("Disconnect").waitFor();
      await visitor.fits();
    }
  });

  test("a question of a server is answered", async () => {
    await using own = await withSession({ tools: ["asks"], call: async (_, ask) => ask("elicitation/create", { message: "Well? ".repeat(60), requestedSchema: MESSAGE }).then(({ result }) => ({ content: [{ type: "text", text: `got ${result.content.name}` }] })) });
    await using visitor = await onPhone({ allowed: [own.origin] });
    const { page } = visitor;
    await visitor.connects(own);
    await page.locator(".list li").first().waitFor();
    await visitor.choose("asks");
    await visitor.tap("Call");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Send" }).waitFor();
    await visitor.fits();
    const name = dialog.getByRole("textbox", { name: /^name/ });
    await aboveKeyboard(page, name);
    await name.fill("tea");
    await dialog.getByRole("button", { name: "Send" }).tap();
    await page.getByText("got tea").waitFor();
    visitor.done();
  });

  test("a call of the chat's model is changed and allowed", async () => {
    await using own = await withSession({ tools: [{ name: "send", inputSchema: MESSAGE }], call: async ({ arguments: given }) => ({ content: [{ type: "text", text: `sent ${given.name}` }] }) });
    model.answers.splice(0, Infinity, calls(["send", { name: "tea" }]), says("It is sent."));
    await using visitor = await onPhone({ allowed: [own.origin] });
    const { page } = visitor;
    await visitor.connects(own);
    await page.locator(".list li").first().waitFor();
    await visitor.tap("Chat");
    await page.locator(".choices > summary").tap();
    await visitor.fits();
    await aboveKeyboard(page, page.getByLabel("Message"));
    await page.getByLabel("Message").fill("Send tea");
    await visitor.tap("Send");
    const card = page.getByRole("group", { name: /^Call of send/ });
    await card.getByRole("button", { name: "Allow once" }).waitFor();
    await visitor.fits();
    const field = card.getByRole("textbox", { name: /^name/ });
    await aboveKeyboard(page, field);
    await field.fill("water");
    await card.getByRole("button", { name: "Allow once" }).tap();
    await page.getByText("It is sent.").waitFor();
    await page.getByText("sent water").first().waitFor({ state: "attached" });
    await visitor.fits();
    visitor.done();
  });

  test("resources, prompts and logs of the fixture are within the sides, with targets that a finger hits", async () => {
    await using visitor = await onPhone();
    const { page } = visitor;
    await visitor.connects();
    await page.locator(".list li").first().waitFor();
    for (const name of ["Resources", "Prompts"]) {
      await visitor.part(name, "tap");
      await page.locator(".list li button").first().tap();
      await page.locator("article h3").waitFor();
      await visitor.fits();
    }
    await visitor.part("Logs", "tap");
    await visitor.fits();
    await page.locator(".saved > summary").tap();
    await page.locator(".saved .note").first().waitFor();
    await page.locator(".saved details summary").tap();
    await visitor.fits();
    visitor.done();
  });
});
