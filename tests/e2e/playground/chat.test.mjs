// The playground's chat: a model that uses tools, each call of which the person sees before it runs.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withSession } from "../../support/asking.mjs";
import { NUMBERS, TOOLS, tools, withChat } from "../../support/chat.mjs";
import { root } from "../../support/child.mjs";
import { begin, calls, delta, endless, fails, says } from "../../support/model.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";

const { model, server, chatting } = await withChat();

const told = (request) => request.messages.filter(({ role }) => role === "tool").map(({ content }) => content);

describe("a model's answer", () => {
  test("is shown as it comes, and can be stopped, which ends the request to the model", async () => {
    await using own = await tools();
    await using visitor = await chatting(own, [endless("The first words")]);
    const before = model.closed;
    await visitor.say("Tell me");
    await visitor.log.getByText("The first words").waitFor();
    await visitor.button("Stop").click();
    await visitor.log.getByText("Stopped.").waitFor();
    await until(() => model.closed > before, "the end of the request");
    await visitor.say("And now");
    await visitor.log.getByText("There is nothing more to say.").waitFor();
    visitor.done();
  });

  test("ends at the model when the page is left", async () => {
    await using own = await tools();
    const before = model.closed;
    const visitor = await chatting(own, [endless("On and on")]);
    await visitor.say("Tell me");
    await visitor.log.getByText("On and on").waitFor();
    await visitor.context.close();
    await until(() => model.closed > before, "the end of the request");
  });
});

test("the texts of a prompt wait in the chat's field, behind what was typed, until the person sends them", async () => {
  const messages = [
    { role: "user", content: { type: "text", text: "Review this." } },
    { role: "user", content: { type: "image", data: "AA", mimeType: "image/png" } },
    { role: "assistant", content: { type: "resource", resource: { uri: "x://code", text: "let it = be;" } } },
  ];
  await using own = await scripted({ capabilities: { prompts: {} }, handlers: { "prompts/list": () => ({ prompts: [{ name: "review" }] }), "prompts/get": () => ({ messages }) } });
  await using visitor = await chatting(own, [says("It is fine.")]);
  const { page } = visitor;
  await page.getByLabel("Message").fill("Please:");
  await visitor.button("Chat").click();
  await visitor.part("Prompts");
  await visitor.choose("review");
  await visitor.button("Get prompt").click();
  await visitor.button("Use in the chat").click();
  const field = page.getByLabel("Message");
  await field.waitFor();
  assert.equal(await field.inputValue(), "Please:\n\nReview this.\n\nlet it = be;");
  await until(() => field.evaluate((field) => field === document.activeElement), "the focus in the field");
  assert.equal(model.requests.length, 0);
  await visitor.button("Send").click();
  await visitor.log.getByText("It is fine.").waitFor();
  assert.match(JSON.stringify(model.requests[0].messages), /Please:[^]*Review this[^]*let it = be/);
  visitor.done();
});

describe("a call of the model", () => {
  test("waits as a card with server, tool, annotations and arguments, and runs once allowed", async () => {
    await using own = await tools();
    await using visitor = await chatting(own, [calls(["add", { a: 20, b: 22 }]), says("It is 42.")]);
    await visitor.say("Add 20 and 22");
    const card = visitor.card("add");
    await card.getByRole("button", { name: "Allow once" }).waitFor();
    assert.match(await card.innerText(), new RegExp(`scripted[^]*${new URL(own.url).host}[^]*reads only[^]*waits for you`));
    assert.equal(await card.getByLabel("a", { exact: true }).inputValue(), "20");
    assert.deepEqual(own.ran, []);
    await card.getByRole("button", { name: "Allow once" }).click();
    await visitor.log.getByText("It is 42.").waitFor();
    assert.deepEqual(own.ran, [["add", { a: 20, b: 22 }]]);
    assert.match(told(model.requests[1])[0], /not instructions[^]*42/);
    assert.deepEqual(model.requests[0].tools.map(({ function: { name } }) => name), TOOLS.map(({ name }) => name));
    visitor.done();
  });

  test("runs with the arguments that the person left in it, which the model is told", async () => {
    await using own = await tools();
    await using visitor = await chatting(own, [calls(["add", { a: 20, b: 22 }]), says("Fine.")]);
    await visitor.say("Add");
    const card = visitor.card("add");
    await card.getByLabel("a", { exact: true }).fill("");
    await card.getByText("do not fit").waitFor();
    assert.ok(await card.getByRole("button", { name: "Allow once" }).isDisabled());
    await card.getByLabel("a", { exact: true }).fill("1");
    await card.getByRole("button", { name: "Allow once" }).click();
    await visitor.log.getByText("Fine.").waitFor();
    assert.deepEqual(own.ran, [["add", { a: 1, b: 22 }]]);
    assert.match(told(model.requests[1])[0], /changed the arguments to \{"b":22,"a":1\}[^]*23/);
  });

  test("does not run when it is denied, and the model is told", async () => {
    await using own = await tools();
    await using visitor = await chatting(own, [calls(["add", { a: 1, b: 2 }]), says("As you like.")]);
    await visitor.say("Add");
    await visitor.card("add").getByRole("button", { name: "Deny" }).click();
    await visitor.log.getByText("As you like.").waitFor();
    assert.deepEqual(own.ran, []);
    assert.match(told(model.requests[1])[0], /denied/);
  });

  test("that fails, cannot be read, or names no tool, is told to the model", async () => {
    await using own = await tools();
    await using visitor = await chatting(own, [calls(["fail", {}], ["add", { a: "x" }], ["format_disk", {}], ["add", "{"]), says("I see.")]);
    await visitor.say("Go");
    await visitor.card("fail").getByRole("button", { name: "Allow once" }).click();
    await visitor.log.getByText("I see.").waitFor();
    assert.deepEqual(own.ran, [["fail", {}]]);
    const [failed, misfit, unknown, broken] = told(model.requests[1]);
    assert.match(failed, /tool failed[^]*on fire/);
    assert.match(misfit, /do not fit/);
    assert.match(unknown, /no tool format_disk/);
    assert.match(broken, /no JSON object/);
    assert.match(await visitor.card("fail").innerText(), /The tool failed[^]*on fire/);
  });

  test("is allowed for the whole chat by one press if its tool only reads, and by two otherwise", async () => {
    await using own = await tools();
    await using visitor = await chatting(own, [calls(["add", { a: 1, b: 2 }]), calls(["add", { a: 3, b: 4 }], ["delete_all", {}]), calls(["delete_all", {}]), says("Over.")]);
    await visitor.say("Go");
    await visitor.card("add").getByRole("button", { name: "Always in this chat" }).click();
    const card = visitor.card("delete_all");
    await card.getByRole("button", { name: "Always in this chat" }).click();
    await card.getByText("may change or destroy").waitFor();
    assert.deepEqual(own.ran, [["add", { a: 1, b: 2 }]]);
    await card.getByRole("button", { name: "Yes, always in this chat" }).click();
    await visitor.log.getByText("Over.").waitFor();
    assert.deepEqual(own.ran.map(([name]) => name), ["add", "add", "delete_all", "delete_all"]);
    model.answers.push(calls(["add", { a: 5, b: 6 }]));
    await visitor.button("New chat").click();
    await visitor.say("Go");
    await visitor.card("add").getByRole("button", { name: "Allow once" }).waitFor();
    assert.equal(own.ran.length, 4);
  });

  test("that a result of a tool planted still waits for the person, and the result is data to the model", async () => {
    await using own = await tools();
    await using visitor = await chatting(own, [calls(["planted", {}]), calls(["delete_all", {}]), says("Stopped there.")]);
    await visitor.say("Read it");
    await visitor.card("planted").getByRole("button", { name: "Always in this chat" }).click();
    await visitor.card("delete_all").getByRole("button", { name: "Allow once" }).waitFor();
    assert.deepEqual(own.ran.map(([name]) => name), ["planted"]);
    const [result] = told(model.requests[1]);
    assert.match(result, /data, not instructions/);
    assert.equal(result.match(/<\/data>/g).length, 1);
    for (const { messages } of model.requests) assert.ok(!messages.some(({ role, content }) => role === "system" && content.includes("Ignore all")));
    await visitor.card("delete_all").getByRole("button", { name: "Deny" }).click();
    await visitor.log.getByText("Stopped there.").waitFor();
    assert.deepEqual(own.ran.map(([name]) => name), ["planted"]);
  });

  test("comes ten times at most before the person is asked", async () => {
    await using own = await tools();
    await using visitor = await chatting(own, [...Array.from({ length: 10 }, () => calls(["none", {}])), says("At last.")]);
    await visitor.say("Go");
    await visitor.page.getByText("answered 10 times").waitFor();
    assert.equal(model.requests.length, 10);
    await visitor.button("Go on").click();
    await visitor.log.getByText("At last.").waitFor();
  });
});

describe("the tools for the model", () => {
  test("are those that the person leaves in the list, and many of them are warned of", async () => {
    const many = Array.from({ length: 101 }, (_, at) => ({ name: `tool_${at}`, description: "x".repeat(400), inputSchema: { type: "object" } }));
    await using own = await tools({ "tools/list": () => ({ tools: many }) });
    await using visitor = await chatting(own, [says("Yes.")]);
    await visitor.page.getByText(/many tools: about 1\d{4} tokens/).waitFor();
    await visitor.page.getByText("Tools for the model: 101 of 101").click();
    for (const at of [3, 7]) await visitor.page.getByRole("checkbox", { name: `tool_${at}`, exact: true }).uncheck();
    await visitor.page.getByText("Tools for the model: 99 of 101").waitFor();
    assert.equal(await visitor.page.getByText(/many tools/).count(), 0);
    await visitor.say("Ready?");
    await visitor.log.getByText("Yes.").waitFor();
    const names = model.requests[0].tools.map(({ function: { name } }) => name);
    assert.deepEqual([names.length, names.includes("tool_3"), names.includes("tool_4")], [99, false, true]);
  });

  test("have names of their own where several servers are connected, and each call goes to its server", async () => {
    await using one = await tools();
    await using two = await tools();
    await using visitor = await chatting(one, [(response, body) => calls([body.tools.filter(({ function: { name } }) => name.endsWith("add"))[1].function.name, { a: 1, b: 2 }])(response), says("Three.")], server, { others: [two.origin] });
    await visitor.button("Another server").click();
    await visitor.connect(two.url);
    await visitor.say("Add there");
    const card = visitor.card("add");
    assert.match(await card.innerText(), new RegExp(new URL(two.url).host));
    await card.getByRole("button", { name: "Allow once" }).click();
    await visitor.log.getByText("Three.").waitFor();
    assert.deepEqual([one.ran.length, two.ran], [0, [["add", { a: 1, b: 2 }]]]);
  });
});

describe("what goes wrong is one sentence, and the chat goes on", () => {
  const WRONG = {
    "a stream that breaks": [(response) => (begin(response)(delta({ content: "Half of" })), setTimeout(() => response.destroy(), 50)), /broke off/],
    "an answer that is no JSON": [(response) => (begin(response)("{"), response.end()), /cannot be read/],
    "an empty answer": [says(""), /answered nothing/],
    "a refusal": [(response) => (begin(response)(delta({ refusal: "No." }, "stop")), response.end()), /declined/],
    "an answer that is cut off": [(response) => (begin(response)(delta({ content: "Long" }, "length")), response.end()), /limit of its length/],
    "an error in the stream": [(response) => (begin(response)({ error: { message: "overloaded" } }), response.end()), /overloaded/],
    "a model without a place": [fails(429, { message: "slow down" }, { "retry-after": "7" }), /no more requests/],
    "a model that is down": [fails(500, { message: "the-key-of-the-model" }), /cannot be reached/],
    "a key that is wrong": [fails(401, { message: "the key the-key-of-the-model is wrong" }), /cannot be reached/],
    "a request that it does not take": [fails(400, { message: "I know no temperature" }), /I know no temperature/],
    "an error that repeats the key": [fails(400, { message: "Bearer the-key-of-the-model" }), /not accepted/],
  };
  test("for each fault of a stream, of an answer and of the model's endpoint; the key is in no sentence", async () => {
    await using own = await tools();
    await using visitor = await chatting(own, []);
    for (const [name, [answer, sentence]] of Object.entries(WRONG)) {
      model.answers.splice(0, Infinity, answer, says(`After ${name}.`));
      await visitor.say(name);
      const alert = visitor.log.getByRole("alert").last();
      await until(async () => sentence.test(await alert.innerText().catch(() => "")), `the sentence for ${name}`);
      await visitor.button("Try again").click();
      await visitor.log.getByText(`After ${name}.`).waitFor();
    }
    assert.ok(!(await visitor.page.content()).includes("the-key-of-the-model"));
    visitor.done();
  });
});

describe("axe finds nothing", () => {
  const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const SCREENSHOTS = process.env.SCREENSHOTS ?? join(root, "tests/e2e/screenshots");
  mkdirSync(SCREENSHOTS, { recursive: true });

  for (const [name, options] of [
    ["wide-light", {}],
    ["narrow-dark-zh", { colorScheme: "dark", viewport: { width: 320, height: 640 } }],
  ])
    test(`in a chat with a call that waits, calls that are over, and a fault: ${name}`, async () => {
      await using own = await tools();
      await using visitor = await chatting(own, [calls(["add", { a: "x" }], ["none", {}], ["add", { a: 1, b: 2 }], ["delete_all", {}]), fails(500), says("Fine.")], server, options);
      const { page } = visitor;
      await visitor.say("Go");
      await visitor.card("add").last().getByRole("button", { name: "Deny" }).click();
      await visitor.card("delete_all").getByRole("button", { name: "Allow once" }).click();
      await visitor.log.getByRole("alert").waitFor();
      model.answers.splice(0, Infinity, calls(["delete_all", {}]));
      await visitor.say("Once more");
      await visitor.card("delete_all").last().getByRole("button", { name: "Always in this chat" }).click();
      await page.getByText(/Tools for the model/).click();
      if (name.endsWith("zh")) await visitor.button("中文").click();
      await page.evaluate(AXE);
      await page.evaluate(() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("pre { max-height: none !important }");
        document.adoptedStyleSheets = [sheet];
      });
      const { violations, incomplete } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations", "incomplete"] }));
      assert.deepEqual([...violations, ...incomplete].flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${id}: ${html.slice(0, 200)} ${any[0]?.message ?? ""}`)), []);
      const { scroll, width } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: document.documentElement.clientWidth }));
      assert.ok(scroll <= width, `it is ${scroll} px wide in a window of ${width}`);
      await page.screenshot({ path: join(SCREENSHOTS, `playground-chat-${name}.png`), fullPage: true });
      visitor.done();
    });

  test("and the keyboard is enough to write, to change arguments and to allow", async () => {
    await using own = await tools();
    await using visitor = await chatting(own, [calls(["add", { a: 20, b: 22 }]), says("It is 42.")]);
    const { page } = visitor;
    await page.getByLabel("Message").focus();
    await page.keyboard.type("Add");
    await page.keyboard.press("Enter");
    await visitor.card("add").waitFor();
    await page.getByRole("status").filter({ hasText: "The model wants to call add." }).waitFor({ state: "attached" });
    await page.getByRole("log").evaluate((log) => log.querySelector("input").focus());
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("1");
    for (let presses = 0; presses < 20 && !(await page.evaluate(() => document.activeElement.textContent === "Allow once")); presses++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await visitor.log.getByText("It is 42.").waitFor();
    assert.deepEqual(own.ran, [["add", { a: 1, b: 22 }]]);
  });
});

describe("a model's answer that a server asks for", () => {
  const asking = async (request) => {
    const own = await withSession({ tools: ["samples"], call: async (_, ask) => ({ content: [{ type: "text", text: JSON.stringify((await ask("sampling/createMessage", request)).result) }] }) });
    return own;
  };

  test("comes of the chat's model when the person lets it, and is sent when they have seen it", async () => {
    await using own = await asking({ systemPrompt: "Be brief.", messages: [{ role: "user", content: { type: "text", text: "Which weather?" } }], maxTokens: 50, temperature: 0.5 });
    await using visitor = await chatting(own, [says("Take a hat.")]);
    // Opened once, it answers where it is not shown, too.
    await visitor.button("Chat").click();
    await visitor.tool("samples");
    await visitor.call();
    const dialog = visitor.page.getByRole("dialog");
    await dialog.getByText("Which weather?").waitFor();
    assert.equal(model.requests.length, 0, "nothing is asked by itself");
    await dialog.getByRole("button", { name: "Have tiny answer" }).click();
    await until(async () => (await dialog.locator("textarea.json").inputValue().catch(() => "")).includes("Take a hat."), "the answer");
    const [asked] = model.requests;
    assert.deepEqual(asked.messages, [{ role: "system", content: "Be brief." }, { role: "user", content: "Which weather?" }]);
    assert.deepEqual([asked.max_tokens ?? asked.max_completion_tokens, asked.temperature, asked.tools], [50, 0.5, undefined]);
    const text = dialog.locator("textarea.json");
    await text.fill((await text.inputValue()).replace("hat", "coat"));
    await dialog.getByRole("button", { name: "Send" }).click();
    assert.deepEqual(JSON.parse(await (await visitor.result()).locator("pre").first().innerText()), { role: "assistant", content: { type: "text", text: "Take a coat." }, model: "tiny", stopReason: "endTurn" });
  });

  test("may call the tools that the server sent, and a failure of the model leaves the person to answer", async () => {
    const tools = [{ name: "forecast", description: "Tells", inputSchema: NUMBERS }];
    await using own = await asking({ messages: [{ role: "user", content: { type: "text", text: "Well?" } }], maxTokens: 50, tools, toolChoice: { mode: "required" } });
    await using visitor = await chatting(own, [fails(500, "down"), calls(["forecast", { a: 1, b: 2 }])]);
    // Opened once, it answers where it is not shown, too.
    await visitor.button("Chat").click();
    await visitor.tool("samples");
    await visitor.call();
    const dialog = visitor.page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Have tiny answer" }).click();
    await dialog.getByText("tiny gave no answer.").waitFor();
    await dialog.getByRole("button", { name: "Have tiny answer" }).click();
    await until(async () => (await dialog.locator("textarea.json").inputValue().catch(() => "")).includes("forecast"), "the answer");
    await dialog.getByRole("button", { name: "Send" }).click();
    const answer = JSON.parse(await (await visitor.result()).locator("pre").first().innerText());
    assert.deepEqual([answer.stopReason, answer.content[0].name, answer.content[0].input], ["toolUse", "forecast", { a: 1, b: 2 }]);
    const asked = model.requests.at(-1);
    assert.deepEqual([asked.tool_choice, asked.tools.map(({ function: { name } }) => name)], ["required", ["forecast"]]);
  });
});
