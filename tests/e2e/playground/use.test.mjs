// The playground uses a server: lists, forms, results, prompts, resources, questions and progress.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inBrowser } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { server, browser, connected } = await inBrowser(fixture({ playground: true }));

const ERAS = ["2026-07-28", "2025-11-25"];

describe("the list of tools", () => {
  test("is searched, and tells what annotations mean", async () => {
    const tools = [
      { name: "reader", description: "Reads", inputSchema: { type: "object" }, annotations: { readOnlyHint: true, openWorldHint: false } },
      { name: "eraser", title: "Erase all", description: "Erases", inputSchema: { type: "object" } },
      ...Array.from({ length: 8 }, (_, at) => ({ name: `other_${at}`, inputSchema: { type: "object" }, annotations: { destructiveHint: false } })),
    ];
    await using other = await scripted({ handlers: { "tools/list": () => ({ tools }) } });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    const rows = visitor.page.locator(".list li");
    await until(async () => (await rows.count()) === 10, "all rows");
    assert.match(await rows.nth(0).innerText(), /reads only[^]*stays within/);
    assert.match(await rows.nth(1).innerText(), /Erase all[^]*eraser[^]*may destroy[^]*reaches outside/);
    await visitor.page.getByRole("searchbox", { name: "Search" }).fill("ERASE");
    await until(async () => (await rows.count()) === 1, "the one that is searched for");
  });

  test("has every page of it", async () => {
    const pageOf = ({ cursor = "0" }) => ({
      tools: Array.from({ length: 50 }, (_, at) => ({ name: `tool_${Number(cursor) * 50 + at}`, inputSchema: { type: "object" } })),
      ...(Number(cursor) < 79 ? { nextCursor: `${Number(cursor) + 1}` } : {}),
    });
    await using other = await scripted({ handlers: { "tools/list": pageOf } });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    await visitor.page.getByRole("tab", { name: "Tools 4000" }).waitFor();
    await visitor.tool("tool_3999");
  });
});

describe("arguments", () => {
  // A tool that gives back the very text of its arguments.
  async function echoing(inputSchema) {
    const tools = [{ name: "echo", inputSchema }];
    let sent;
    const answer = (request, text) => {
      if (request.method === "POST" && text.includes('"tools/call"')) sent = text;
      return false;
    };
    const other = await scripted({ answer, handlers: { "tools/list": () => ({ tools }), "tools/call": () => ({ content: [{ type: "text", text: "taken" }] }) } });
    const visitor = await connected({ url: other.url, allowed: [other.origin] });
    await visitor.tool("echo");
    return {
      visitor,
      field: (pointer) => visitor.argument("echo", pointer),
      async send() {
        sent = undefined;
        await visitor.call();
        await visitor.result();
        return /"arguments":(\{.*\})\}\}?/.exec(sent)[1].replace(/,"_meta".*/, "");
      },
      async [Symbol.asyncDispose]() {
        await visitor[Symbol.asyncDispose]();
        await other.stop();
      },
    };
  }

  test("that are optional and not set are absent; an empty text is sent on purpose", async () => {
    await using form = await echoing({ type: "object", properties: { s: { type: "string" }, n: { type: "number" }, b: { type: "boolean" }, e: { enum: ["x", "y"] } } });
    assert.equal(await form.send(), "{}");
    await form.field("/s").fill("text");
    await form.field("/s").fill("");
    assert.equal(await form.send(), "{}");
    await form.visitor.page.getByLabel("Send an empty text for s").check();
    await form.field("/b").selectOption("No");
    await form.field("/e").selectOption("y");
    assert.equal(await form.send(), '{"s":"","b":false,"e":"y"}');
    await form.field("/b").selectOption("Not set");
    await form.field("/e").selectOption("Not set");
    assert.equal(await form.send(), '{"s":""}');
  });

  test("integers beyond 2^53 go out digit for digit, from both sides", async () => {
    await using form = await echoing({ type: "object", properties: { id: { type: "integer" } } });
    await form.field("/id").fill("12345678901234567890");
    assert.equal(await form.send(), '{"id":12345678901234567890}');
    await form.visitor.json('{"id": 98765432109876543210}');
    assert.equal(await form.send(), '{"id":98765432109876543210}');
  });

  test("that are no number are refused at the field, which has the focus", async () => {
    await using form = await echoing({ type: "object", properties: { n: { type: "number" }, i: { type: "integer", minimum: 1 } }, required: ["i"] });
    for (const [pointer, typed] of [["/n", "1e400"], ["/n", "x"], ["/i", "1.5"], ["/i", "0"]]) {
      await form.field(pointer).fill(typed);
      if (pointer === "/n") await form.field("/i").fill("1");
      else await form.field("/n").fill("");
      await form.visitor.call();
      await form.visitor.page.getByText("Some arguments do not fit").waitFor();
      await until(() => form.field(pointer).evaluate((field) => field === document.activeElement), `the focus: ${pointer} ${typed}`);
    }
    await form.field("/i").fill("1");
    assert.equal(await form.send(), '{"i":1}');
  });

  test("that are missing are named, and may be sent anyway", async () => {
    await using form = await echoing({ type: "object", properties: { s: { type: "string" } }, required: ["s"] });
    await form.visitor.call();
    await form.visitor.page.getByText("This is needed.").waitFor();
    await form.visitor.button("Send anyway").click();
    await form.visitor.result();
  });

  test("defaults are shown, and sent only if the person says so", async () => {
    await using form = await echoing({ type: "object", properties: { n: { type: "integer", default: 7 } } });
    await form.visitor.page.getByText("default: 7").waitFor();
    assert.equal(await form.send(), "{}");
    await form.visitor.button("Fill in defaults").click();
    assert.equal(await form.send(), '{"n":7}');
  });

  test("nested objects, lists, branches and null are made by the form", async () => {
    await using form = await echoing({
      type: "object",
      $defs: { point: { type: "object", properties: { x: { type: "number" } }, required: ["x"] } },
      properties: {
        at: { $ref: "#/$defs/point" },
        tags: { type: "array", items: { type: "string" } },
        days: { type: "array", uniqueItems: true, items: { enum: ["mon", "tue"] } },
        shape: { oneOf: [{ type: "object", title: "Circle", properties: { r: { type: "number" } }, required: ["r"] }, { type: "string", title: "Name" }] },
        note: { anyOf: [{ type: "string" }, { type: "null" }] },
        more: { type: "object", additionalProperties: { type: "integer" } },
        names: { type: "array", items: { type: "string" } },
        none: { type: "array", items: { type: "string" } },
      },
      required: ["at", "tags"],
    });
    const { page } = form.visitor;
    await form.field("/at/x").fill("1.5");
    await page.getByRole("button", { name: "Add to tags" }).click();
    await page.getByRole("button", { name: "Add to tags" }).click();
    await form.field("/tags/0").fill("one");
    await form.field("/tags/1").fill("two");
    await page.getByRole("button", { name: "Move tags 2 up" }).click();
    await page.getByRole("checkbox", { name: "tue" }).check();
    await page.getByRole("button", { name: "Add shape" }).click();
    await page.getByLabel("Kind of shape").selectOption("Name");
    await form.field("/shape").fill("round");
    await page.getByRole("button", { name: "Set note to null" }).click();
    await page.getByRole("button", { name: "Add more" }).click();
    await page.getByLabel("Name", { exact: true }).last().fill("k");
    await page.getByRole("button", { name: "Add k" }).click();
    await form.field("/more/k").fill("3");
    // A list that is added has an item already, which can be removed.
    await page.getByRole("button", { name: "Add names" }).click();
    await form.field("/names/0").fill("Ann");
    await page.getByRole("button", { name: "Add none" }).click();
    await page.getByRole("button", { name: "Remove none 1" }).click();
    assert.equal(await form.send(), '{"at":{"x":1.5},"tags":["two","one"],"days":["tue"],"shape":"round","note":null,"more":{"k":3},"names":["Ann"],"none":[]}');
  });

  test("as JSON are the same value; comments and commas too many are refused with line and column", async () => {
    await using form = await echoing({ type: "object", properties: { a: { type: "string" } } });
    await form.field("/a").fill("x");
    await form.visitor.button("JSON").click();
    const text = form.visitor.page.locator("textarea.json");
    assert.equal(await text.inputValue(), '{\n  "a": "x"\n}');
    await text.fill('{\n  "a": "y",\n}');
    await form.visitor.page.getByText("Line 3, column 1").waitFor();
    await text.fill('{"a":"y"}');
    await form.visitor.button("Form").click();
    assert.equal(await form.field("/a").inputValue(), "y");
  });

  test("of schemas that are odd leave a page that works, and no reference is fetched", async () => {
    const odd = [true, {}, { type: "object" }, { $ref: "https://evil.example/schema" }, { $ref: "#" }, { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] },
      { anyOf: [{ properties: { a: {} } }, { properties: { b: {} } }] }, { type: ["object", "null"], properties: null }, { type: "object", properties: { a: { type: "nonsense" }, b: null, c: 7, d: { enum: [] } } },
      { allOf: [{ properties: { a: { pattern: "(" } } }, false] }, { type: "object", properties: { __proto__x: { const: { deep: [1] } } }, required: 7 }, null, "x", []];
    const tools = odd.map((inputSchema, at) => ({ name: `odd_${at}_`, inputSchema }));
    await using other = await scripted({ handlers: { "tools/list": () => ({ tools }), "tools/call": () => ({ content: [] }) } });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    for (const { name } of tools) {
      await visitor.tool(name);
      await visitor.json("{}");
      assert.ok(await visitor.page.getByRole("button", { name: /^Call/ }).isVisible(), name);
    }
    visitor.done();
  });
});

describe("results", () => {
  test("of every type are shown", async () => {
    await using visitor = await connected();
    const shown = async (tool, expected) => {
      await visitor.tool(tool);
      await visitor.call();
      const result = await visitor.result();
      await result.locator(expected).first().waitFor();
      return result;
    };
    await shown("test_simple_text", "pre.text");
    assert.ok(await (await shown("test_image_content", "img")).locator("img").evaluate((image) => image.decode().then(() => image.naturalWidth > 0)));
    await shown("test_audio_content", "audio");
    await shown("test_embedded_resource", "h5:has-text('Resource ')");
    await shown("test_multiple_content_types", "img");
    assert.match(await (await shown("test_error_handling", ".failed")).innerText(), /The tool failed/);
    await shown("nothing", ".note:has-text('empty')");
    visitor.done();
  });

  test("that are structured are checked, and shown either way", async () => {
    const outputSchema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
    const tools = ["good", "bad", "missing"].map((name) => ({ name, inputSchema: { type: "object" }, outputSchema }));
    const results = { good: { content: [], structuredContent: { n: 1 } }, bad: { content: [], structuredContent: { n: "x" } }, missing: { content: [{ type: "text", text: "only text" }] } };
    await using other = await scripted({ handlers: { "tools/list": () => ({ tools }), "tools/call": ({ name }) => results[name] } });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    for (const [name, expected] of [["good", /"n": 1/], ["bad", /"n": "x"[^]*does not fit[^]*\/n type integer/], ["missing", /only text[^]*promises structured/]]) {
      await visitor.tool(name);
      await visitor.call();
      assert.match(await (await visitor.result()).innerText(), expected);
    }
    assert.ok(!/does not fit/.test(await visitor.page.locator("article").innerText()));
  });

  test("of unknown content are shown raw, and an error of the protocol with its code", async () => {
    const tools = [{ name: "odd" }, { name: "wrong" }].map((tool) => ({ ...tool, inputSchema: { type: "object" } }));
    const call = ({ name }) => (name === "odd" ? { content: [{ type: "hologram", beam: 7 }] } : { error: { code: -32602, message: "Not so.", data: { field: "x" } } });
    await using other = await scripted({ handlers: { "tools/list": () => ({ tools }), "tools/call": call } });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    for (const [name, expected] of [["odd", /unknown type: hologram[^]*"beam": 7/], ["wrong", /Error -32602[^]*Not so\.[^]*"field": "x"/]]) {
      await visitor.tool(name);
      await visitor.call();
      assert.match(await (await visitor.result()).innerText(), expected);
    }
  });

  test("of broken base64 say so", async () => {
    const tools = [{ name: "broken", inputSchema: { type: "object" } }];
    const content = [{ type: "image", data: "%%%", mimeType: "image/png" }, { type: "image", data: "AAAA", mimeType: "image/png" }];
    await using other = await scripted({ handlers: { "tools/list": () => ({ tools }), "tools/call": () => ({ content }) } });
    await using visitor = await connected({ url: other.url, allowed: [other.origin] });
    await visitor.tool("broken");
    await visitor.call();
    const result = await visitor.result();
    await result.getByText("This is no base64 data.").waitFor();
    await result.getByText("This image cannot be shown.").waitFor();
  });
});

describe("while a call runs", () => {
  for (const version of ERAS) {
    test(`the person is asked, and each answer is another, in ${version}`, async () => {
      await using visitor = await connected({}, { version });
      const { page } = visitor;
      await visitor.tool("test_elicitation_sep1034_defaults");
      for (const [press, expected] of [["Send", /accept/i], ["Decline", /decline/i], ["Cancel", /cancel/i], [undefined, /cancel/i]]) {
        await visitor.call();
        const dialog = page.getByRole("dialog");
        await dialog.waitFor();
        if (press) await dialog.getByRole("button", { name: press, exact: true }).click();
        else await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "detached" });
        assert.match(await (await visitor.result()).innerText(), expected);
      }
      visitor.done();
    });

    test(`progress is shown, and it can be cancelled, in ${version}`, async () => {
      await using visitor = await connected({}, { version });
      await visitor.tool("test_tool_with_progress");
      await visitor.call();
      await visitor.result();
      assert.ok((await visitor.trace()).includes("notifications/progress"));
      await visitor.page.getByRole("tab", { name: /^Tools/ }).click();
      await visitor.tool("slow");
      await visitor.json({ ms: 30_000 });
      await visitor.call();
      await visitor.button("Cancel").click();
      assert.match(await (await visitor.result()).innerText(), /Cancelled\./);
      visitor.done();
    });
  }
});

test("a resource is read, and a prompt is got with its arguments", async () => {
  await using visitor = await connected();
  const { page } = visitor;
  await page.getByRole("tab", { name: /^Resources/ }).click();
  await page.locator(".list li button").first().click();
  await visitor.button("Read").click();
  await (await visitor.result()).locator("h5").first().waitFor();
  await page.getByRole("tab", { name: /^Prompts/ }).click();
  await page.locator(".list li").filter({ hasText: "test_prompt_with_arguments" }).getByRole("button").click();
  for (const field of await page.locator("article input").all()) await field.fill("planted argument");
  await visitor.button("Get prompt").click();
  assert.match(await (await visitor.result()).innerText(), /user[^]*planted argument/);
  visitor.done();
});

test("every message is in the trace, with its time, status and headers", async () => {
  await using visitor = await connected({}, { version: "2025-11-25" });
  await visitor.tool("test_simple_text");
  await visitor.call();
  await visitor.result();
  const titles = await visitor.trace();
  for (const title of ["initialize", "notifications/initialized", "tools/list", "tools/call"]) assert.ok(titles.includes(title), `${title} of ${titles}`);
  const call = visitor.page.locator(".trace li").filter({ hasText: "tools/call" });
  assert.equal(await call.count(), 2);
  assert.match(await call.first().innerText(), /\d+ ms/);
  await call.last().locator("summary").click();
  await call.last().locator("pre").first().waitFor();
  assert.match(await call.last().innerText(), /200[^]*POST [^]*"test_simple_text"[^]*mcp-protocol-version: 2025-11-25[^]*content-type: /);
  visitor.done();
});
