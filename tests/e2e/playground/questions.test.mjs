// The playground answers what servers ask: questions that queue, rounds, folders, and what was not offered.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { complete, stateless, text, withSession } from "../../support/asking.mjs";
import { inBrowser, limitsOf, visit } from "../../support/playground.mjs";
import { LEGACY, MODERN, connecting, dialogOf, elicit, form, round, sent, start } from "../../support/questions.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const here = await inBrowser(fixture({ playground: true }));
const { server, browser } = here;
const connected = connecting(here);

describe("questions", () => {
  test("queue with their count, and each names the call on whose stream it came", async () => {
    const answers = {};
    await using other = await withSession({
      tools: ["first", "second"],
      call: async ({ name }, ask) => {
        answers[name] = await Promise.all(["one", "two"].map((which) => ask("elicitation/create", form(`${which} of ${name}`))));
        return text("done");
      },
    });
    await using visitor = await connected(other, LEGACY);
    await start(visitor, "first");
    const dialog = dialogOf(visitor);
    await dialog.getByText("one of first").waitFor();
    // The dialog covers the page: the second call is of a person who was quicker than the server.
    await dialog.getByText("Questions that wait besides: 1.").waitFor();
    await visitor.page.locator(".list li button", { hasText: "second" }).evaluate((button) => button.click());
    await visitor.page.locator("article code", { hasText: "second" }).waitFor({ state: "attached" });
    await visitor.page.locator("article form .button").first().evaluate((button) => button.click());
    await dialog.getByText("Questions that wait besides: 3.").waitFor();
    assert.match(await dialog.locator(".note").first().innerText(), /for the call of first/);
    await visitor.page.keyboard.press("Escape");
    await dialog.getByText("two of first").waitFor();
    await dialog.getByText("Questions that wait besides: 2.").waitFor();
    assert.match(await dialog.locator(".note").first().innerText(), /for the call of first/);
    await dialog.getByRole("button", { name: "Decline" }).click();
    await dialog.getByText("one of second").waitFor();
    assert.match(await dialog.locator(".note").first().innerText(), /for the call of second/);
    await dialog.getByText("Questions that wait besides: 1.").waitFor();
    await dialog.getByRole("textbox", { name: "name" }).fill("Ann");
    await dialog.getByRole("button", { name: "Send" }).click();
    await dialog.getByText("two of second").waitFor();
    await visitor.page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await until(() => answers.second, "the answers");
    assert.deepEqual(answers.first.map(({ result }) => result), [{ action: "cancel" }, { action: "decline" }]);
    assert.deepEqual(answers.second.map(({ result }) => result), [{ action: "accept", content: { name: "Ann" } }, { action: "cancel" }]);
    visitor.done();
  });

  for (const [version, serve] of [
    [LEGACY, () => withSession({ tools: ["asks"], call: (_, ask) => ask("elicitation/create", form("Well?")).then(() => text("done")) })],
    [MODERN, () => stateless({ tools: ["asks"], call: () => round({ q: elicit("Well?") }, "s") })],
  ])
    test(`are withdrawn when their call is cancelled, in ${version.version}`, async () => {
      await using other = await serve();
      await using visitor = await connected(other, version);
      await start(visitor, "asks");
      await dialogOf(visitor).getByText("Well?").waitFor();
      await visitor.button("End the call").click();
      await dialogOf(visitor).waitFor({ state: "detached" });
      assert.match(await (await visitor.result()).innerText(), /Cancelled\./);
      visitor.done();
    });

  test("of a server that takes its own back are withdrawn, and not answered", async () => {
    let answer;
    await using other = await withSession({
      tools: ["asks"],
      call: async (_, ask, tell) => {
        void ask("elicitation/create", form("Well?")).then((response) => (answer = response));
        await until(() => other.open, "the question to be seen");
        tell("notifications/cancelled", { requestId: "ask-1", reason: "too late" });
        await until(() => other.withdrawn, "the question to go");
        return text("done");
      },
    });
    await using visitor = await connected(other, LEGACY);
    await start(visitor, "asks");
    await dialogOf(visitor).getByText("Well?").waitFor();
    other.open = true;
    await dialogOf(visitor).waitFor({ state: "detached" });
    other.withdrawn = true;
    assert.match(await (await visitor.result()).innerText(), /done/);
    assert.equal(answer, undefined);
    visitor.done();
  });

  test("may take the person longer than a call may take", async () => {
    await using other = await withSession({ tools: ["asks"], call: async (_, ask) => text(JSON.stringify((await ask("elicitation/create", form("Well?"))).result)) });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.connect(other.url, LEGACY);
    const limits = await limitsOf(visitor, 60);
    await start(visitor, "asks");
    const dialog = dialogOf(visitor);
    await dialog.getByText("Well?").waitFor();
    for (let minutes = 0; minutes < 3; minutes++) assert.equal(await limits.reach(), 1);
    await dialog.getByRole("button", { name: "Decline" }).click();
    assert.match(await (await visitor.result()).innerText(), /"action":"decline"/);
  });
});

test("the focus returns to where it was, and each question has its own", async () => {
  await using other = await withSession({ tools: ["asks"], call: async (_, ask) => text(`${(await Promise.all(["one", "two"].map((which) => ask("elicitation/create", form(which))))).length} answers`) });
  await using visitor = await connected(other, LEGACY);
  const { page } = visitor;
  const dialog = dialogOf(visitor);
  await visitor.tool("asks");
  await page.getByRole("button", { name: "Call", exact: true }).focus();
  await page.keyboard.press("Enter");
  for (const which of ["one", "two"]) {
    await dialog.getByText(which, { exact: true }).waitFor();
    await until(() => page.evaluate(() => document.querySelector("dialog").contains(document.activeElement)), "the focus in the dialog");
    await page.keyboard.press("Escape");
  }
  await dialog.waitFor({ state: "detached" });
  assert.match(await page.evaluate(() => document.activeElement.textContent), /^Call/);
  visitor.done();
});

test("hostile texts in what is asked stay text", async () => {
  const payload = `<img src=x onerror="alert(1)"><script>alert(1)</script>"><svg onload=alert(1)> javascript:alert(1) \u202ecod.exe`;
  const schema = { type: "object", title: payload, properties: { [payload]: { type: "string", title: payload, description: payload, default: payload } } };
  const asked = [
    ["elicitation/create", { message: payload, requestedSchema: schema }],
    ["elicitation/create", { mode: "url", message: payload, url: `javascript:${payload}`, elicitationId: payload }],
    ["elicitation/create", { mode: "url", message: payload, url: `https://pay.example/${payload}`, elicitationId: payload }],
    ["sampling/createMessage", { systemPrompt: payload, maxTokens: payload, messages: [{ role: payload, content: { type: payload, text: payload } }, { role: "user", content: { type: "text", text: payload } }], tools: [{ name: payload, description: payload, inputSchema: schema }], toolChoice: { mode: payload }, metadata: { [payload]: payload } }],
  ];
  await using other = await withSession({
    tools: [payload],
    call: async (_, ask) => {
      for (const [method, params] of asked) await ask(method, params);
      return { error: { code: -32042, message: payload, data: { elicitations: [{ mode: "url", message: payload, url: payload, elicitationId: payload }] } } };
    },
  });
  await using visitor = await connected(other, LEGACY);
  const { page } = visitor;
  await page.locator(".list li button").first().click();
  await visitor.call();
  const dialog = dialogOf(visitor);
  for (const shown of ["form.schema-form, .schema-form", "p.fault", "mark", "textarea"]) {
    await dialog.locator(shown).first().waitFor();
    await page.keyboard.press("Escape");
  }
  await page.locator(".use .card p.fault").waitFor();
  assert.equal(await page.locator("main img, main iframe, main script, main svg, main a[href], dialog").count(), 0);
  assert.equal(page.url(), `${server.url}/playground`);
  visitor.done();
});

describe("rounds", () => {
  test("send the state back byte for byte, with all answers of the round", async () => {
    const state = 'é\u{1F600}"\\\u0000\u2028</script>=?base64?==';
    await using other = await stateless({
      tools: ["asks"],
      call: ({ inputResponses }, at) => {
        if (at === 1) return round({ a: elicit("First"), b: elicit("Second") }, state);
        if (at === 2) return round({ c: elicit("Third") }, `${state}2`);
        if (at === 3) return round(undefined, `${state}3`);
        return complete(text(`${JSON.stringify(inputResponses)}`));
      },
    });
    await using visitor = await connected(other, MODERN);
    await start(visitor, "asks");
    const dialog = dialogOf(visitor);
    await dialog.getByText("First", { exact: true }).waitFor();
    assert.match(await dialog.innerText(), /for the call of asks · round 1, question 1 of 2[^]*besides: 1/);
    await dialog.getByRole("textbox", { name: "name" }).fill("x");
    await dialog.getByRole("button", { name: "Send" }).click();
    await dialog.getByText("Second", { exact: true }).waitFor();
    assert.match(await dialog.innerText(), /round 1, question 2 of 2/);
    assert.equal(sent(other, "tools/call").length, 1);
    await dialog.getByRole("button", { name: "Decline" }).click();
    await dialog.getByText("Third", { exact: true }).waitFor();
    assert.match(await dialog.innerText(), /round 2, question 1 of 1/);
    await visitor.page.keyboard.press("Escape");
    await visitor.result();
    const calls = sent(other, "tools/call").map(({ params: { _meta, ...params } }) => params);
    const same = { name: "asks", arguments: {} };
    assert.deepEqual(calls, [
      same,
      { ...same, inputResponses: { a: { action: "accept", content: { name: "x" } }, b: { action: "decline" } }, requestState: state },
      { ...same, inputResponses: { c: { action: "cancel" } }, requestState: `${state}2` },
      { ...same, requestState: `${state}3` },
    ]);
    visitor.done();
  });

  test("are of prompts and resources, too", async () => {
    const asks = (done) => ({ inputResponses }) => (inputResponses ? complete(done) : round({ q: elicit("Which?") }, "s"));
    await using other = await stateless({
      tools: [],
      capabilities: { tools: {}, resources: {}, prompts: {} },
      handlers: {
        "resources/list": () => complete({ resources: [{ uri: "x:y", name: "thing" }], ttlMs: 0, cacheScope: "private" }),
        "prompts/list": () => complete({ prompts: [{ name: "say" }], ttlMs: 0, cacheScope: "private" }),
        "resources/read": asks({ contents: [{ uri: "x:y", text: "read it" }], ttlMs: 0, cacheScope: "private" }),
        "prompts/get": asks({ messages: [{ role: "user", content: { type: "text", text: "said it" } }] }),
      },
    });
    await using visitor = await connected(other, MODERN);
    for (const [tab, press, expected] of [["Resources", "Read", /read it/], ["Prompts", "Get prompt", /said it/]]) {
      await visitor.page.getByRole("tab", { name: new RegExp(`^${tab}`) }).click();
      await visitor.page.locator(".list li button").first().click();
      await visitor.button(press).click();
      await dialogOf(visitor).getByText("Which?").waitFor();
      await visitor.page.keyboard.press("Escape");
      assert.match(await (await visitor.result()).innerText(), expected);
    }
    visitor.done();
  });

  test("stop after ten, and go on if the person says so", async () => {
    await using other = await stateless({ tools: ["asks"], call: (_, at) => (at === 13 ? complete(text("at last")) : round(undefined, `${at}`)) });
    await using visitor = await connected(other, MODERN);
    await start(visitor, "asks");
    const dialog = dialogOf(visitor);
    await dialog.getByText("It has asked 10 times").waitFor();
    assert.equal(sent(other, "tools/call").length, 11);
    await dialog.getByRole("button", { name: "Go on" }).click();
    assert.match(await (await visitor.result()).innerText(), /at last/);
    visitor.done();
  });

  test("end after ten if the person ends them", async () => {
    await using other = await stateless({ tools: ["asks"], call: () => round(undefined, "s") });
    await using visitor = await connected(other, MODERN);
    await start(visitor, "asks");
    await dialogOf(visitor).getByText("It has asked 10 times").waitFor();
    await visitor.page.keyboard.press("Escape");
    assert.match(await (await visitor.result()).innerText(), /Cancelled\./);
    assert.equal(sent(other, "tools/call").length, 11);
  });

  test("that a reload ends are said to be lost, once", async () => {
    await using other = await stateless({ tools: ["asks"], call: () => round({ q: elicit("Well?") }, "s") });
    await using visitor = await connected(other, MODERN);
    const { page } = visitor;
    await start(visitor, "asks");
    await dialogOf(visitor).getByText("Well?").waitFor();
    await page.reload();
    await page.getByText("The call of asks asked something in round 1 when the page was left.").waitFor();
    await visitor.button("Close").click();
    await page.reload();
    await visitor.button("Connect").waitFor();
    assert.equal(await page.getByText("when the page was left").count(), 0);
  });
});

describe("folders", () => {
  async function addFolder({ page }, uri, name = "") {
    const heading = page.getByText(/^Folders offered/);
    if (!(await page.getByText("is told these addresses").isVisible())) await heading.click();
    await page.getByRole("button", { name: "Add folder" }).click();
    await page.getByLabel("Address of the folder").last().fill(uri);
    await page.getByRole("textbox", { name: "Name", exact: true }).last().fill(name);
    await page.getByRole("textbox", { name: "Name", exact: true }).last().blur();
  }

  test("are told on a session, and a change of them is notified; only file:// counts", async () => {
    await using other = await withSession({ tools: ["roots"], call: async (_, ask) => text(JSON.stringify((await ask("roots/list")).result)) });
    await using visitor = await connected(other, LEGACY);
    const { page } = visitor;
    await addFolder(visitor, "file:///home/ann", "Home");
    await until(() => sent(other, "notifications/roots/list_changed").length > 0, "the notice");
    await addFolder(visitor, "https://example.com/");
    await page.getByText("Addresses of folders begin with file://").waitFor();
    await start(visitor, "roots");
    assert.match(await (await visitor.result()).innerText(), /\{"roots":\[\{"uri":"file:\/\/\/home\/ann","name":"Home"\}\]\}/);
    const notices = sent(other, "notifications/roots/list_changed").length;
    await page.getByRole("button", { name: "Remove folder Home" }).click();
    await until(() => sent(other, "notifications/roots/list_changed").length > notices, "the next notice");
    await visitor.call();
    await page.getByText('{"roots":[]}').waitFor();
    visitor.done();
  });

  test("are told in a round, without a notice", async () => {
    await using visitor = await connected(undefined, MODERN);
    await addFolder(visitor, "file:///srv/a");
    await addFolder(visitor, "file:///srv/b");
    await start(visitor, "test_input_required_result_list_roots");
    assert.match(await (await visitor.result()).innerText(), /file:\/\/\/srv\/a\s+file:\/\/\/srv\/b/);
    assert.ok(!(await visitor.trace()).includes("notifications/roots/list_changed"));
    visitor.done();
  });
});

test("requests that nothing answers get -32601, which the trace has", async () => {
  await using other = await withSession({ tools: ["odd"], call: async (_, ask) => text(JSON.stringify((await ask("hologram/create", {})).error.code)) });
  await using visitor = await connected(other, LEGACY);
  await start(visitor, "odd");
  assert.match(await (await visitor.result()).innerText(), /-32601/);
  const titles = await visitor.trace();
  assert.ok(titles.includes("hologram/create"), titles);
  assert.ok(titles.some((title) => title.includes("-32601: hologram/create was not offered.")), titles);
});

for (const [version, serve] of [
  [LEGACY, (name, params) => withSession({ tools: [name], call: async (_, ask) => text(JSON.stringify((await ask(name, params)).error)) })],
  [MODERN, (name, params) => stateless({ tools: [name], call: () => round({ q: { method: name, params } }, "s") })],
])
  test(`what the person switched off is not declared, and refused, in ${version.version}`, async () => {
    for (const [offer, method, params, code] of [
      ["Sampling", "sampling/createMessage", { messages: [], maxTokens: 1 }, -32601],
      ["Folders (roots)", "roots/list", {}, -32601],
      ["Questions that open a page", "elicitation/create", { mode: "url", message: "x", url: "https://pay.example/", elicitationId: "e" }, -32602],
    ]) {
      await using other = await serve(method, params);
      await using visitor = await visit(browser, server, { allowed: [other.origin] });
      await visitor.page.getByText("Options", { exact: true }).click();
      await visitor.page.getByLabel(offer, { exact: true }).uncheck();
      await visitor.page.getByText("Options", { exact: true }).click();
      await visitor.connect(other.url, version);
      await start(visitor, method);
      const use = await visitor.result();
      if (version === LEGACY) assert.match(await use.innerText(), new RegExp(`"code":${code}`));
      else await use.getByText("The server asks for what was not offered to it").waitFor();
      assert.ok((await visitor.trace()).some((title) => title.startsWith(`${code}: `)), "the note");
      const [first] = other.requests.filter(({ method }) => method === "POST").map(({ text }) => JSON.parse(text));
      const declared = first.params.capabilities ?? first.params._meta["io.modelcontextprotocol/clientCapabilities"];
      const isDeclared = { "sampling/createMessage": declared.sampling, "roots/list": declared.roots, "elicitation/create": declared.elicitation?.url }[method];
      assert.equal(isDeclared, undefined);
      visitor.done();
    }
  });

test("several kinds of questions of one round are answered together", async () => {
  await using visitor = await connected(undefined, MODERN);
  await start(visitor, "test_input_required_result_multiple_inputs");
  const dialog = dialogOf(visitor);
  for (let left = 2; left > 0; left--) {
    await dialog.getByText(/question \d of 3/).waitFor();
    const place = await dialog.locator(".note").first().innerText();
    const [greeting, name] = [dialog.getByText("Generate a greeting"), dialog.getByRole("textbox", { name: "name", exact: true })];
    // The view of a question is loaded when it is first shown.
    await greeting.or(name).first().waitFor();
    if (await greeting.count()) await dialog.getByRole("textbox", { name: "Text" }).fill("Good day");
    else await name.fill("Ann");
    await dialog.getByRole("button", { name: "Send" }).click();
    await until(async () => !(await dialog.count()) || (await dialog.locator(".note").first().innerText()) !== place, "the next question");
  }
  assert.match(await (await visitor.result()).innerText(), /Ann Good day/);
  visitor.done();
});
