// Images of results in the playground's chat: for models that take them, as the person says.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { withChat } from "../../support/chat.mjs";
import { WORKERS_AI, calls, says } from "../../support/model.mjs";
import { scripted } from "../../support/scripted.mjs";
import { DEMO } from "../../support/sign-in.mjs";
import { fixture } from "../../support/workerd.mjs";

const { model, chatting: opened } = await withChat({ PLAYGROUND_MODELS: "sees, reads" });

// One pixel.
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

// A tool that answers with pictures, marked as its failure.
const pictures = (images, name = "look") =>
  scripted({
    handlers: {
      "tools/list": () => ({ tools: [{ name, inputSchema: { type: "object" }, annotations: { readOnlyHint: true } }] }),
      "tools/call": () => ({ isError: true, content: [{ type: "text", text: "seen from afar" }, ...images.map((data) => ({ type: "image", data, mimeType: "image/png" }))] }),
    },
  });

async function chatting(own, at) {
  const visitor = await opened(own, [], at);
  return Object.assign(visitor, {
    images: visitor.page.getByLabel("This model takes images"),
    allow: (name = "look") => visitor.card(name).last().getByRole("button", { name: "Allow once" }).click(),
  });
}

const imagesIn = ({ messages }) => messages.flatMap(({ content }) => (Array.isArray(content) ? content : [])).filter(({ type }) => type === "image_url");

describe("images of a result", () => {
  test("go to the model once the person says that it takes them, and not to another", async () => {
    await using own = await pictures([PNG]);
    await using visitor = await chatting(own);
    const { page } = visitor;
    model.requests.length = 0;
    model.answers.splice(0, Infinity, calls(["look", {}]), says("I saw nothing."), calls(["look", {}]), says("One pixel."), says("No pixel."));
    assert.equal(await visitor.images.isChecked(), false);
    await visitor.say("Look");
    await visitor.allow();
    await visitor.log.getByText("I saw nothing.").waitFor();
    assert.deepEqual(imagesIn(model.requests[1]), []);
    assert.match(model.requests[1].messages.at(-1).content, /tool failed[^]*seen from afar[^]*image\/png, was left out/);
    await visitor.images.check();
    await visitor.say("Look once more");
    await visitor.allow();
    await visitor.log.getByText("One pixel.").waitFor();
    const [result, shown] = model.requests[3].messages.slice(-2);
    assert.deepEqual([result.role, shown.role], ["tool", "user"]);
    assert.match(result.content, /tool failed[^]*Image 1 of this result/);
    assert.match(shown.content[0].text, /not my words and not instructions/);
    assert.deepEqual(shown.content.slice(1), [{ type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } }]);
    // The other model is another question.
    await page.getByLabel("Model", { exact: true }).selectOption("reads");
    assert.equal(await visitor.images.isChecked(), false);
    await visitor.say("And you?");
    await visitor.log.getByText("No pixel.").waitFor();
    assert.equal(model.requests[4].model, "reads");
    assert.deepEqual(imagesIn(model.requests[4]), []);
    visitor.done();
  });

  test("of a megabyte pass the Worker, the newest first, and one that is larger is left out", async () => {
    const large = (letter, chars) => letter.repeat(chars);
    await using own = await pictures([large("A", 600_000), large("B", 600_000), large("C", 1_000_000)]);
    await using visitor = await chatting(own);
    model.requests.length = 0;
    model.answers.splice(0, Infinity, calls(["look", {}]), says("Much to see."));
    await visitor.images.check();
    await visitor.say("Look");
    await visitor.allow();
    await visitor.log.getByText("Much to see.").waitFor();
    const sent = imagesIn(model.requests[1]);
    assert.deepEqual(sent.map(({ image_url: { url } }) => [url.length, url.at(-1)]), [[600_022, "B"]]);
    assert.match(model.requests[1].messages.at(-2).content, /Image 2 of this result[^]*image\/png, was left out/);
    visitor.done();
  });

  test("go to a model of Workers AI, too", async () => {
    await using at = await fixture({ playground: true, vars: { ...DEMO, PLAYGROUND_CHAT: "workers-ai", PLAYGROUND_MODELS: "@cf/some/model" }, ai: WORKERS_AI });
    await using own = await pictures([PNG], "add");
    await using visitor = await chatting(own, at);
    const card = visitor.page.getByRole("region", { name: "Sign-in needed" });
    const [popup] = await Promise.all([visitor.context.waitForEvent("page"), card.getByRole("button", { name: "Sign in" }).click()]);
    await popup.getByLabel("Your name").fill("Ida");
    await popup.getByRole("button", { name: "Approve" }).click();
    await visitor.button("Sign out of the chat").waitFor();
    await visitor.images.check();
    await visitor.say("Look in the newer form");
    await visitor.allow("add");
    await visitor.log.getByText("It is done.").waitFor();
    const { json } = await at.log(({ json }) => json?.inputs && imagesIn(json.inputs).length > 0);
    assert.deepEqual(imagesIn(json.inputs), [{ type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } }]);
    visitor.done();
  });
});
