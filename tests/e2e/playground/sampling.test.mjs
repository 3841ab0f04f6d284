// The playground answers in a model's place what servers ask of one: by hand, on a session and round by round.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { complete, stateless, text, withSession } from "../../support/asking.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { LEGACY, MODERN, connecting, dialogOf, round, sent, start } from "../../support/questions.mjs";
import { fixture } from "../../support/workerd.mjs";

const here = await inBrowser(fixture({ playground: true }));
const { server, browser } = here;
const connected = connecting(here);

test("HTTP+SSE of 2024-11-05 has a model asked, too", async () => {
  await using visitor = await visit(browser, server);
  await visitor.connect(`${server.url}/sse`, { transport: "sse", version: "2024-11-05" });
  await visitor.tool("test_sampling");
  await visitor.argument("test_sampling", "/prompt").fill("Say so");
  await visitor.call();
  const dialog = dialogOf(visitor);
  await dialog.getByText("Say so").waitFor();
  assert.match(await dialog.locator(".note").first().innerText(), /for the call of test_sampling/);
  await dialog.getByRole("textbox", { name: "Text" }).fill("So.");
  await dialog.getByRole("button", { name: "Send" }).click();
  assert.match(await (await visitor.result()).innerText(), /LLM response: So\./);
  visitor.done();
});

describe("sampling", () => {
  const request = {
    systemPrompt: "You are brief.",
    messages: [
      { role: "user", content: { type: "text", text: "Which weather?" } },
      { role: "assistant", content: [{ type: "tool_use", id: "c1", name: "forecast", input: { city: "Rome" } }] },
      { role: "user", content: [{ type: "tool_result", toolUseId: "c1", content: [{ type: "text", text: "sunny" }] }] },
    ],
    modelPreferences: { hints: [{ name: "tiny" }], costPriority: 0.9 },
    includeContext: "none",
    temperature: 0.5,
    maxTokens: 77,
    stopSequences: ["END"],
    metadata: { trace: "planted metadata" },
    tools: [{ name: "forecast", description: "Tells the weather", inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } }],
  };
  const plain = { messages: request.messages.slice(0, 1), maxTokens: 5 };
  const servers = {
    "2025-11-25": (params) => withSession({ tools: ["samples"], call: async (_, ask) => text(JSON.stringify(await ask("sampling/createMessage", params()))) }),
    "2026-07-28": (params) =>
      stateless({ tools: ["samples"], call: ({ inputResponses }) => (inputResponses ? complete(text(JSON.stringify(inputResponses.model))) : round({ model: { method: "sampling/createMessage", params: params() } }, "s")) }),
  };

  for (const [version, serve] of Object.entries(servers)) {
    const answerOf = async (visitor) => {
      const said = JSON.parse(await (await visitor.result()).locator("pre").first().innerText());
      return version === "2026-07-28" ? said : (said.result ?? said.error);
    };

    test(`shows the whole request, and is answered by hand, in ${version}`, async () => {
      await using other = await serve(() => ({ ...request, tools: undefined }));
      await using visitor = await connected(other, { version });
      await start(visitor, "samples");
      const dialog = dialogOf(visitor);
      await dialog.getByText("You are brief.").waitFor();
      const shown = await dialog.innerText();
      for (const part of ["Which weather?", "forecast", "Rome", "sunny", "tiny", "costPriority", "77", "0.5", "END", "planted metadata", "includeContext"]) assert.ok(shown.includes(part), part);
      await dialog.getByRole("textbox", { name: "Text" }).fill("Take a hat.");
      await dialog.getByLabel("Name of the model").fill("Ann");
      await dialog.getByRole("button", { name: "Send" }).click();
      assert.deepEqual(await answerOf(visitor), { role: "assistant", content: { type: "text", text: "Take a hat." }, model: "Ann", stopReason: "endTurn" });
      visitor.done();
    });

    test(`is answered by a call of one of its tools, or by an edited answer, in ${version}`, async () => {
      let toolChoice = { mode: "required" };
      await using other = await serve(() => ({ ...request, toolChoice }));
      await using visitor = await connected(other, { version });
      await start(visitor, "samples");
      const dialog = dialogOf(visitor);
      await dialog.getByText("Tools: 1, choice: required").click();
      await dialog.getByText("Tells the weather").waitFor();
      // Required: the text is no choice.
      assert.deepEqual(await dialog.getByLabel("Answer with").locator("option").allInnerTexts(), ["Call of the tool forecast"]);
      await dialog.getByRole("button", { name: "Send" }).click();
      await dialog.getByText("This is needed.").waitFor();
      await dialog.getByRole("textbox", { name: "city" }).fill("Oslo");
      await dialog.getByRole("button", { name: "Send" }).click();
      const called = await answerOf(visitor);
      assert.deepEqual([called.stopReason, called.content.length, called.content[0].type, called.content[0].name, called.content[0].input], ["toolUse", 1, "tool_use", "forecast", { city: "Oslo" }]);
      toolChoice = { mode: "none" };
      await visitor.call();
      await dialog.getByText("Tools: 1, choice: none").waitFor();
      assert.equal(await dialog.getByLabel("Answer with").count(), 0);
      await dialog.getByRole("textbox", { name: "Text" }).fill("Cold.");
      await dialog.getByRole("button", { name: "JSON" }).click();
      const edited = dialog.getByRole("textbox", { name: "JSON" });
      await edited.fill((await edited.inputValue()).replace("endTurn", "maxTokens"));
      await dialog.getByRole("button", { name: "Send" }).click();
      await dialog.waitFor({ state: "detached" });
      const answer = await answerOf(visitor);
      assert.deepEqual([answer.stopReason, answer.content], ["maxTokens", { type: "text", text: "Cold." }]);
      visitor.done();
    });
  }

  test("that is refused is an error on a session, by the button and by Escape", async () => {
    await using other = await servers["2025-11-25"](() => plain);
    await using visitor = await connected(other, LEGACY);
    await visitor.tool("samples");
    for (const refuse of [() => dialogOf(visitor).getByRole("button", { name: "Refuse" }).click(), () => visitor.page.keyboard.press("Escape")]) {
      await visitor.call();
      await dialogOf(visitor).getByText("Which weather?").waitFor();
      await refuse();
      assert.match(await (await visitor.result()).innerText(), /"code":-1,"message":"The person refused\."/);
    }
    visitor.done();
  });

  test("that is refused in a round ends the call", async () => {
    await using other = await servers["2026-07-28"](() => plain);
    await using visitor = await connected(other, MODERN);
    await start(visitor, "samples");
    await dialogOf(visitor).getByRole("button", { name: "Refuse" }).click();
    assert.match(await (await visitor.result()).innerText(), /You refused, so the call has ended\./);
    assert.equal(sent(other, "tools/call").length, 1);
    visitor.done();
  });

  test("of the fixture gets its answer in both eras", async () => {
    for (const version of [MODERN, LEGACY]) {
      await using visitor = await connected(undefined, version);
      await visitor.tool("test_sampling");
      await visitor.argument("test_sampling", "/prompt").fill("Say so");
      await visitor.call();
      await dialogOf(visitor).getByText("Say so").waitFor();
      await dialogOf(visitor).getByRole("textbox", { name: "Text" }).fill("So.");
      await dialogOf(visitor).getByRole("button", { name: "Send" }).click();
      assert.match(await (await visitor.result()).innerText(), /LLM response: So\./);
      visitor.done();
    }
  });
});
