// Names that servers give themselves: wherever the playground shows one, the host of that server is beside it.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { URI } from "../../support/apps.mjs";
import { withSession } from "../../support/asking.mjs";
import { calls, openAi } from "../../support/model.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { authority, guarded } from "../../support/scripted-authority.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const model = await openAi();
after(() => model.stop());
const { server, browser } = await inBrowser(fixture({ playground: true, vars: { PLAYGROUND_CHAT: "openai", PLAYGROUND_CHAT_URL: model.url, PLAYGROUND_MODELS: "tiny" }, outbound: model.outbound }));

const ANY = { type: "object" };
const OURS = new URL(server.url).host;

const NAMES = { "that is our host": OURS, "of other scripts that look like ours": "Plаygrоund · lоcаlhоst", "that turns the direction": "real.example\u202e(tsoh", "that is very long": "trusted ".repeat(200) };

// Texts of an element, of which each name of the server has its host in the same one.
async function beside(locator, host) {
  await locator.first().waitFor();
  const text = await locator.first().innerText();
  assert.ok(text.includes(host), `${host} is not in: ${text.slice(0, 300)}`);
}

describe("the host is beside a name", () => {
  for (const [which, title] of Object.entries(NAMES))
    test(which, async () => {
      const questions = { form: ["elicitation/create", { message: "m", requestedSchema: ANY }], page: ["elicitation/create", { mode: "url", message: "m", url: "https://pages.example/x", elicitationId: "1" }], sampling: ["sampling/createMessage", { maxTokens: 1, messages: [] }] };
      const tools = [...Object.keys(questions), "plain", { name: "app", inputSchema: ANY, annotations: { readOnlyHint: true }, _meta: { ui: { resourceUri: URI } } }];
      const handlers = {
        initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {}, resources: {} }, serverInfo: { name: title, title, version: "1" }, instructions: "x" }),
        "resources/list": () => ({ resources: [] }),
        "resources/read": () => ({ contents: [{ uri: URI, mimeType: "text/html;profile=mcp-app", text: "<p>app</p>" }] }),
      };
      const call = async ({ name }, ask) => (questions[name] && (await ask(...questions[name])), { content: [{ type: "text", text: "done" }] });
      await using own = await withSession({ tools, call, handlers });
      const { host } = new URL(own.url);
      model.answers.splice(0, Infinity, calls(["plain", {}]));
      await using visitor = await visit(browser, server, { allowed: [own.origin] });
      const { page } = visitor;
      await visitor.connect(own.url, { version: "2025-11-25" });
      await beside(page.locator(".facts"), host);
      await until(async () => (await page.title()).includes(host), "the host in the title of the page");
      assert.ok((await page.getByRole("status").allTextContents()).join().includes(host));
      for (const name of Object.keys(questions)) {
        await visitor.tool(name);
        await visitor.call();
        const dialog = page.getByRole("dialog");
        await beside(dialog.getByRole("heading").first(), host);
        if (name === "page") await beside(dialog.locator("p", { hasText: "pages.example" }), host);
        await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "detached" });
        await visitor.result();
      }
      await visitor.tool("app");
      await visitor.call();
      await beside(page.locator(".app"), host);
      await page.locator(".saved > summary").click();
      const save = page.locator(".saved .choice .link").first();
      await beside(save, host);
      await save.click();
      await beside(page.locator(".saved .switch li"), host);
      await beside(save, host);
      await visitor.button("Another server").click();
      const entry = page.locator(".server > .switch li").first();
      await beside(entry, host);
      assert.ok((await entry.getByRole("button").last().innerText()).includes(host));
      await entry.getByRole("button").first().click();
      await visitor.button("Chat").click();
      await page.locator(".choices > summary").click();
      await beside(page.locator(".choices legend"), host);
      await beside(page.locator(".choices .check").first(), host);
      await page.getByLabel("Message").fill("x");
      await visitor.button("Send").click();
      await beside(page.getByRole("group", { name: /^Call of plain/ }), host);
      // No override in a name turns the direction of the text beside it.
      assert.doesNotMatch(await page.locator("main").innerText(), /[\u202a-\u202e\u2066-\u2069]/);
      visitor.done();
    });

  test("on the card of a sign-in, which has the hosts alone", async () => {
    await using as = await authority();
    await using own = await guarded(() => as, { resource: (origin) => ({ resource: `${origin}/mcp`, resource_name: OURS, authorization_servers: [as.issuer] }) });
    await using visitor = await visit(browser, server, { allowed: [own.origin, as.origin] });
    await visitor.page.getByLabel("Address").fill(own.url);
    await visitor.button("Connect").click();
    await until(() => visitor.button("Sign in").isEnabled().catch(() => false), "what the server asks for");
    const card = visitor.page.locator(".card");
    for (const { origin } of [own, as]) await beside(card, new URL(origin).host);
    assert.ok(!(await card.innerText()).includes(OURS));
  });
});
