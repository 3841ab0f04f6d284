// Requests of apps on the playground that need the consent of the person.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { appFrame, appServer, withMessages } from "../../support/apps.mjs";
import { inBrowser } from "../../support/playground.mjs";
import { asked, showing } from "../../support/shown-app.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const shown = showing(await inBrowser(fixture({ playground: true })));

describe("an app asks the person", () => {
  const tools = [
    { name: "reads", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } },
    { name: "destroys", inputSchema: { type: "object" } },
    { name: "for_models", inputSchema: { type: "object" }, annotations: { readOnlyHint: true }, _meta: { ui: { visibility: ["model"] } } },
    { name: "for_apps", inputSchema: { type: "object" }, annotations: { readOnlyHint: true }, _meta: { ui: { visibility: ["app"] } } },
  ];
  const calls = ({ other }) => other.requests.filter(({ text }) => text.includes('"tools/call"')).map(({ text }) => JSON.parse(text).params.name);
  const call = (name) => `request("tools/call", { name: "${name}", arguments: {} })`;

  test("before its first call, and before each that may destroy; a tool that is not for apps is refused", async () => {
    await using one = await shown(withMessages(""), { tools });
    const frame = await appFrame(one.visitor);
    const refused = await asked(one, frame, call("reads"), "Refuse");
    assert.equal(refused.error.code, -32000);
    assert.deepEqual(calls(one), ["show"]);
    assert.equal((await asked(one, frame, call("reads"), "Allow calls")).result.content[0].text, "called reads");
    assert.equal((await asked(one, frame, call("for_apps"))).result.content[0].text, "called for_apps");
    for (const answer of ["Call once", "Call once"]) assert.equal((await asked(one, frame, call("destroys"), answer)).result.content[0].text, "called destroys");
    assert.equal((await asked(one, frame, call("destroys"), "Refuse")).error.code, -32000);
    assert.equal((await asked(one, frame, call("for_models"))).error.code, -32000);
    assert.equal((await asked(one, frame, call("nowhere"))).error.code, -32602);
    assert.deepEqual(calls(one), ["show", "reads", "for_apps", "destroys", "destroys"]);
    one.visitor.done();
  });

  test("with buttons that do nothing for a moment, so that no click meant for the app is a yes", async () => {
    await using one = await shown(withMessages(""), { tools });
    const frame = await appFrame(one.visitor);
    await one.page.evaluate(() => {
      globalThis.early = new Promise((done) => new MutationObserver(() => {
        const button = document.querySelector(".app .card button");
        if (button) done(button.disabled);
      }).observe(document.body, { subtree: true, childList: true }));
    });
    const outcome = asked(one, frame, call("reads"), "Refuse");
    assert.equal(await one.page.evaluate(() => globalThis.early), true);
    assert.equal((await outcome).error.code, -32000);
  });

  test("before it reads resources of its server", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    const read = `request("resources/read", { uri: "test://secret" })`;
    assert.equal((await asked(one, frame, read, "Refuse")).error.code, -32000);
    assert.equal((await asked(one, frame, read, "Allow reading")).result.contents[0].text, "read test://secret");
    assert.equal((await asked(one, frame, read)).result.contents[0].text, "read test://secret");
  });

  test("no more than five questions at a time", async () => {
    await using one = await shown(withMessages(""), { tools });
    const frame = await appFrame(one.visitor);
    const outcomes = await frame.evaluate(async () => {
      const codes = [];
      for (let at = 0; at < 7; at++) void request("tools/call", { name: "destroys", arguments: {} }).catch(({ code }) => codes.push(code));
      await request("ping");
      return codes;
    });
    assert.deepEqual(outcomes, [-32000, -32000]);
    await until(async () => (await one.app.locator(".card").count()) === 5, "five questions");
  });

  test("before a page is opened, whose host and whole address are shown; other schemes are refused", async () => {
    await using target = await appServer("", { answer: (_, __, response) => (response.end("opened"), true) });
    await using one = await shown(withMessages(""), { allowed: [target.origin] });
    const frame = await appFrame(one.visitor);
    for (const url of ["javascript:alert(1)", "data:text/html,x", "http://example.com", "https://user@example.com", "file:///etc", "x"]) assert.equal((await asked(one, frame, `request("ui/open-link", { url: ${JSON.stringify(url)} })`)).error.code, -32602, url);
    const opened = one.visitor.context.waitForEvent("page");
    const link = `request("ui/open-link", { url: "${target.origin}/page?x" })`;
    assert.deepEqual((await asked(one, frame, link, "Open")).result, {});
    const page = await opened;
    await page.waitForURL(`${target.origin}/page?x`);
    assert.equal(await page.evaluate(() => opener), null);
    await page.close();
    const again = asked(one, frame, link);
    await one.app.getByText(`${target.origin}/page?x`).waitFor();
    await one.app.getByRole("button", { name: "Refuse" }).click();
    assert.equal((await again).error.code, -32000);
  });

  test("before it says something in the chat, where that and its context wait to be sent", async () => {
    const config = { chat: { models: ["a model"], signIn: false } };
    await using one = await shown(withMessages(""), { config });
    const frame = await appFrame(one.visitor);
    const say = (text) => `request("ui/message", { role: "user", content: [{ type: "text", text: "${text}" }] })`;
    assert.equal((await asked(one, frame, say("refused"), "Refuse")).error.code, -32000);
    assert.deepEqual((await asked(one, frame, say("a message"), "Accept")).result, {});
    await asked(one, frame, `request("ui/update-model-context", { content: [{ type: "text", text: "a context" }] })`);
    await one.app.getByText("Context for a model").click();
    await one.app.getByRole("button", { name: "Put into the chat" }).click();
    await one.visitor.button("Chat").click();
    assert.equal(await one.page.getByLabel("Message").inputValue(), 'a message\n{"content":[{"type":"text","text":"a context"}]}');
  });

  test("before a file is saved, under a clean name", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    const contents = [{ type: "resource", resource: { uri: "file:///../..%2f.evil\u202etxt.exe", mimeType: "text/plain", text: "the content" } }];
    const downloaded = one.page.waitForEvent("download");
    assert.deepEqual((await asked(one, frame, `request("ui/download-file", ${JSON.stringify({ contents })})`, "Save")).result, {});
    assert.equal((await downloaded).suggestedFilename(), "_.evil_txt.exe");
    assert.equal((await asked(one, frame, `request("ui/download-file", { contents: [{ type: "text", text: "x" }] })`)).error.code, -32602);
  });

  test("for permissions, before it is shown; those that a frame without an origin cannot have are named", async () => {
    await using one = await shown(withMessages(""), { ui: { permissions: { camera: {}, clipboardWrite: {} } } });
    await one.app.getByText("The app asks for: writing to the clipboard.").waitFor();
    assert.equal(await one.app.locator("iframe").count(), 0);
    await one.app.getByRole("button", { name: "Allow", exact: true }).click();
    await appFrame(one.visitor);
    assert.equal(await one.app.locator("iframe").getAttribute("allow"), "clipboard-write");
    await one.app.getByText("Not possible here: camera.").waitFor();
    await one.app.getByRole("button", { name: "Close app" }).click();
    await one.app.getByRole("button", { name: "Show app" }).click();
    await one.app.getByRole("button", { name: "Show without" }).click();
    await appFrame(one.visitor);
    assert.equal(await one.app.locator("iframe").getAttribute("allow"), "");
    one.visitor.done();
  });
});
