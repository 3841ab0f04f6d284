// Texts of servers stay texts, wherever the playground shows them: each place of each scene with each payload.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { appFrame, appServer, withMessages } from "../../support/apps.mjs";
import { withSession } from "../../support/asking.mjs";
import { PAYLOADS, guard, placesFor } from "../../support/hostile.mjs";
import { calls, openAi, says } from "../../support/model.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { authority, guarded } from "../../support/scripted-authority.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const model = await openAi();
after(() => model.stop());
const CHAT = { PLAYGROUND_CHAT: "openai", PLAYGROUND_CHAT_URL: model.url, PLAYGROUND_MODELS: "tiny" };
const { server, browser } = await inBrowser(fixture({ playground: true, vars: CHAT, outbound: model.outbound }));

const ANY = { type: "object" };
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

// A visitor at a scripted server, whom the guard watches.
async function watched(other, { query, connects = true, others = [], frames } = {}) {
  const visitor = await visit(browser, server, { allowed: [other.origin, ...others], ...(query ? { query } : {}) });
  const check = await guard(visitor, { frames });
  if (connects) await visitor.connect(other.url);
  return Object.assign(visitor, { check });
}

/** Opens all that is folded in a part of the page, and what that has in it. */
async function unfold(page, part) {
  const opened = () => page.locator(`${part.replaceAll(", ", " details:not([open]), ")} details:not([open])`).evaluateAll((folded) => folded.map((details) => (details.open = true)).length);
  for (let depth = 0; depth < 5 && (await opened()) > 0; depth++) await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))));
}

const tab = (page, name) => page.getByRole("tab", { name: new RegExp(`^${name}`) }).click();
const first = (page) => page.locator(".list li button").first().click();

// Each fills its places, and shows them.
const SCENES = {
  "what a server offers": async (at) => {
    const icons = (of) => ({ icons: [{ src: at.unshown(`the icon of ${of}`) }] });
    const inputSchema = {
      type: "object",
      title: at.unshown("the title of a schema"),
      description: at("the description of a schema"),
      properties: {
        [at("the name of an argument")]: { type: "string", description: at("the description of an argument") },
        a: { type: "string", title: at("the title of an argument"), default: at("the default of an argument"), pattern: at("the pattern of an argument") },
        b: { type: "string", examples: [at("an example of an argument")], format: at("the format of an argument") },
        c: { enum: ["x", at("a value of an enum")] },
        d: { enum: ["x", "y"], enumNames: ["x", at("the name of an enum's value")] },
        e: { oneOf: [{ const: "x", title: at("the title of a constant") }, { const: "y", title: "y" }] },
        f: { const: at("a constant") },
        g: { type: "object", title: at("the title of a group"), description: at("the description of a group"), properties: { [at("the name of an inner argument")]: { type: "integer" } }, required: [] },
        h: { type: "array", title: at("the title of a list"), items: { enum: [at("a value to check")] }, uniqueItems: true },
        i: { $ref: at("a reference") },
        j: { anyOf: [{ type: "object", title: at("the title of a branch") }, { type: "string" }] },
      },
      required: [at("the name of an argument"), "g", "h", "j"],
    };
    const outputSchema = { type: "object", properties: { [at("a name in an output schema")]: ANY } };
    const tool = { name: at("the name of a tool"), title: at("the title of a tool"), description: at("the description of a tool"), inputSchema, outputSchema, ...icons("a tool") };
    const second = { name: "second", annotations: { title: at("the title in a tool's annotations") }, inputSchema: ANY };
    const resource = { uri: at("the URI of a resource"), name: "x", title: at("the title of a resource"), description: at("the description of a resource"), mimeType: at("the MIME type of a resource"), ...icons("a resource") };
    const resourceTemplate = { uriTemplate: `${at("a URI template").replace(/[{}]/g, "")}{x}`, name: at("the name of a template"), description: at("the description of a template"), mimeType: at("the MIME type of a template") };
    const argument = { name: "x", title: at("the title of a prompt's argument"), description: at("the description of a prompt's argument"), required: true };
    const prompt = { name: at("the name of a prompt"), title: at("the title of a prompt"), description: at("the description of a prompt"), arguments: [argument, { name: at("the name of a prompt's argument") }], ...icons("a prompt") };
    const capabilities = { tools: {}, resources: {}, prompts: {}, completions: {}, experimental: { [at("the name of a capability")]: { x: at("a setting of a capability") } } };
    const info = { name: at("the name of a server"), title: at("the title of a server"), version: at("the version of a server"), websiteUrl: at.unshown("the site of a server"), description: at.unshown("the description of a server"), ...icons("a server") };
    const handlers = {
      initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities, serverInfo: info, instructions: at("the instructions of a server") }),
      "tools/list": () => ({ tools: [tool, second] }),
      "resources/list": () => ({ resources: [resource] }),
      "resources/templates/list": () => ({ resourceTemplates: [resourceTemplate] }),
      "prompts/list": () => ({ prompts: [prompt] }),
      "completion/complete": () => ({ completion: { values: [at("a suggestion")] } }),
    };
    await using other = await scripted({ handlers });
    await using visitor = await watched(other);
    const { page } = visitor;
    await unfold(page, ".facts");
    await at.lookFor(page, "the instructions of a server", "the name of a capability", "the title in a tool's annotations");
    await first(page);
    for (const button of await page.locator(".schema-form .labelled > button.small").all()) await button.click();
    await page.locator("article form .button").first().click();
    await page.locator("article .fault").first().waitFor();
    await at.look(page);
    await unfold(page, "article");
    await at.look(page);
    await page.locator(".sides button").last().click();
    await page.locator("textarea.json").waitFor();
    await at.look(page);
    await tab(page, "Resources");
    await first(page);
    await at.look(page);
    await page.locator(".list li button").nth(1).click();
    await page.locator("article form").waitFor();
    await page.locator("article input").first().fill("y");
    await at.look(page);
    await tab(page, "Prompts");
    await first(page);
    await page.locator("article input").first().pressSequentially("y");
    await page.getByRole("listbox").getByRole("option").first().waitFor();
    await at.look(page);
    await visitor.check();
  },

  "results, contents and messages of prompts": async (at) => {
    const outputSchema = { type: "object", properties: { n: { const: at("a value that an output schema demands") } } };
    const tools = [{ name: "all", inputSchema: ANY, outputSchema }, { name: "fails", inputSchema: ANY }];
    const content = [
      { type: "text", text: at("a text"), annotations: { audience: [at("the audience of a text")], lastModified: at("the time of a text"), priority: 1 } },
      { type: "image", data: PIXEL, mimeType: at.unshown("the MIME type of an image") },
      { type: "audio", data: at.unshown("the bytes of a sound"), mimeType: at.unshown("the MIME type of a sound") },
      { type: "resource_link", uri: at("the URI of a link"), name: "x", title: at("the title of a link"), description: at("the description of a link"), mimeType: at("the MIME type of a link") },
      { type: "resource_link", uri: "test://x", name: at("the name of a link") },
      { type: "resource", resource: { uri: at("the URI of an embedded resource"), mimeType: at("the MIME type of an embedded resource"), text: at("the text of an embedded resource") } },
      { type: "resource", resource: { uri: "test://y", mimeType: "text/html", blob: btoa("<script>globalThis.ran=1</script>") } },
      { type: at("a type of content"), x: at("a field of content") },
    ];
    const handlers = {
      "tools/list": () => ({ tools }),
      "tools/call": ({ name }) => (name === "all" ? { content, structuredContent: { n: at("a structured value"), [at("a structured name")]: 1 }, _meta: { [at.unshown("a name of metadata")]: 1 } } : { isError: true, content: [{ type: "text", text: at("the failure of a tool") }] }),
      "resources/list": () => ({ resources: [{ uri: "test://x", name: "x" }] }),
      "resources/read": () => ({ contents: [{ uri: at("the URI of contents"), mimeType: at("the MIME type of contents"), text: at("the text of contents") }, { uri: "x", mimeType: "image/svg+xml", blob: btoa(`<svg xmlns="http://www.w3.org/2000/svg" onload="globalThis.ran=1"><script>globalThis.ran=1</script></svg>`) }] }),
      "prompts/list": () => ({ prompts: [{ name: "p" }] }),
      "prompts/get": () => ({ description: at.unshown("the description of a prompt's messages"), messages: [{ role: at("the role of a message"), content: { type: "text", text: at("the text of a message") } }, { role: "user", content: content[3] }] }),
    };
    await using other = await scripted({ handlers, capabilities: { tools: {}, resources: {}, prompts: {} } });
    await using visitor = await watched(other);
    const { page } = visitor;
    await visitor.tool("all");
    await visitor.call();
    await visitor.result();
    await at.lookFor(page, "the text of an embedded resource", "the URI of a link", "the audience of a text", "a structured value");
    await unfold(page, ".facts, article");
    await at.look(page);
    // The same texts as Markdown.
    for (const side of await page.locator(".result .sides button:last-child").all()) await side.click();
    await at.look(page);
    await page.locator(".result .card").first().getByRole("button").click();
    await at.lookFor(page, "the text of contents");
    if (await page.locator(".back").isVisible()) await page.locator(".back").click();
    await tab(page, "Tools");
    await visitor.tool("fails");
    await visitor.call();
    await at.lookFor(page, "the failure of a tool");
    await tab(page, "Prompts");
    await first(page);
    await visitor.button("Get prompt").click();
    await at.lookFor(page, "the text of a message");
    await visitor.trace();
    await visitor.openTrace();
    await at.look(page);
    await visitor.check();
  },

  "errors, statuses and headers": async (at) => {
    const failures = {
      protocol: { code: -32000, message: at("the message of an error"), data: { [at("a name in an error's data")]: at("a value in an error's data") } },
      arguments: { code: -32602, message: at("the message of -32602"), data: { field: at("the field of -32602") } },
      version: { code: -32022, message: at("the message of -32022"), data: { supported: [at("a version of -32022")], requested: at("the version that was requested") } },
      missing: { code: -32003, message: at.unshown("the message of -32003"), data: { requiredCapabilities: { [at("a capability that is needed")]: {} } } },
      pages: { code: -32042, message: at.unshown("the message of -32042"), data: { elicitations: [{ mode: "url", message: at("the message of a page that is needed"), url: at("the address of a page that is needed"), elicitationId: at("the id of a page that is needed") }] } },
    };
    const statuses = { html: [500, "text/html"], plain: [400, "text/plain"], json: [403, "application/json"], odd: [200, undefined] };
    const answer = (request, text, response) => {
      const name = /"tools\/call".*"name":"(\w+)"/.exec(text)?.[1];
      const [status, type] = statuses[name] ?? [];
      if (!status) return false;
      const headers = { "content-type": type ?? `text/${at.header("a content type")}`, "retry-after": at.header("Retry-After"), "www-authenticate": at.header("a challenge") };
      response.setHeader("access-control-expose-headers", "*, www-authenticate, retry-after, content-type");
      return Boolean(response.writeHead(status, headers).end(name === "json" ? JSON.stringify({ error: at("an error in JSON") }) : name === "odd" ? "x" : at(`an answer as ${name}`)));
    };
    const names = [...Object.keys(failures), ...Object.keys(statuses)];
    const handlers = {
      "tools/list": () => ({ tools: names.map((name) => ({ name, inputSchema: ANY })) }),
      "tools/call": ({ name }) => ({ error: failures[name] }),
      "prompts/list": () => ({ error: { code: -32603, message: at("the message of a list's error") } }),
    };
    await using other = await scripted({ handlers, answer, capabilities: { tools: {}, prompts: {} } });
    await using visitor = await watched(other, { connects: false });
    const { page } = visitor;
    await visitor.connect(other.url, { version: "2025-11-25" });
    await unfold(page, ".server .problem");
    await at.look(page);
    for (const name of names) {
      await visitor.tool(name);
      await visitor.call();
      await visitor.result();
      await unfold(page, "article .problem");
      await at.look(page);
    }
    await visitor.trace();
    await visitor.openTrace();
    await at.look(page);
    await visitor.check();
  },

  "calls under way": async (at) => {
    const asked = { message: at("the message of a question"), requestedSchema: { type: "object", properties: { [at("the name of a field")]: { type: "string", description: at("the description of a field") }, t: { type: "string", title: at("the title of a field"), default: at("the default of a field") }, e: { type: "string", enum: ["x", at("a value of a field")] }, n: { type: "string", enum: ["x"], enumNames: [at("the name of a field's value")] } } } };
    const sampled = {
      systemPrompt: at("the system prompt of sampling"),
      messages: [{ role: at("the role of a sampling message"), content: { type: "text", text: at("a sampling message") } }, { role: "assistant", content: [{ type: "tool_use", name: at("the name of a tool's use"), input: { [at("the input of a tool's use")]: 1 } }] }],
      tools: [{ name: at("the name of a sampling tool"), description: at("the description of a sampling tool"), inputSchema: { type: "object", properties: { [at("an argument of a sampling tool")]: ANY } } }],
      modelPreferences: { hints: [{ name: at("a hint of a model") }] },
    };
    const task = (status, more) => ({ taskId: at("the id of a task"), status, statusMessage: at("the status message of a task"), createdAt: at.unshown("the time of a task"), lastUpdatedAt: "x", ttl: 60_000, pollInterval: 100, ...more });
    let isOver = false;
    const over = () => until(() => isOver, "the person to have looked");
    const call = async ({ name, _meta }, ask, tell) => {
      if (name === "form") return ask("elicitation/create", asked).then(() => ({ content: [] }));
      if (name === "page") return ask("elicitation/create", { mode: "url", message: at("the message of a page"), url: at("the address of a page"), elicitationId: "1" }).then(() => ({ content: [] }));
      if (name === "sampling") return ask("sampling/createMessage", { maxTokens: 1, ...sampled }).then(() => ({ content: [] }));
      if (name === "task") return { task: task("working") };
      tell("notifications/progress", { progressToken: _meta.progressToken, progress: 1, message: at("the message of progress") });
      tell("notifications/message", { level: "error", logger: at("the name of a logger"), data: at("the message of a log") });
      tell("notifications/message", { level: "error", logger: "x", data: { [at("a name in a log")]: at("a value in a log") } });
      await over();
      return { content: [] };
    };
    const tools = ["form", "page", "sampling", "progress", { name: "task", inputSchema: ANY, execution: { taskSupport: "required" } }];
    const handlers = { "logging/setLevel": () => ({}), "tasks/get": () => task("failed"), "tasks/result": () => ({ error: { code: -32000, message: at("the error of a task") } }), "tasks/cancel": () => task("cancelled") };
    await using other = await withSession({ tools, call, handlers, capabilities: { tools: {}, logging: {}, tasks: { requests: { tools: { call: {} } }, cancel: {} } } });
    await using visitor = await watched(other, { connects: false });
    const { page } = visitor;
    await visitor.connect(other.url, { version: "2025-11-25" });
    const dialog = page.getByRole("dialog");
    for (const [name, ...places] of [["form", "the message of a question", "the title of a field"], ["page", "the message of a page", "the address of a page"], ["sampling", "a sampling message"]]) {
      await visitor.tool(name);
      await visitor.call();
      await dialog.waitFor();
      await at.lookFor(page, ...places);
      await unfold(page, "dialog");
      await at.look(page);
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      await visitor.result();
    }
    await visitor.tool("progress");
    await visitor.call();
    await at.lookFor(page, "the message of progress");
    isOver = true;
    await visitor.result();
    await tab(page, "Logs");
    for (const place of ["a value in a log", "the message of a log"]) {
      await page.locator(".log button").nth(place === "a value in a log" ? 0 : 1).click();
      await at.lookFor(page, place);
    }
    await tab(page, "Tools");
    await visitor.tool("task");
    await visitor.call();
    await visitor.result();
    await unfold(page, "article .problem");
    await at.look(page);
    await tab(page, "Tasks");
    await at.lookFor(page, "the id of a task");
    await unfold(page, ".tasks");
    await at.look(page);
    await visitor.check();
  },

  "sign-ins that fail": async (at) => {
    const short = (text) => text.slice(0, 1500);
    const told = (error, message) => ({ status: 400, contentType: "application/json", headers: { "access-control-allow-origin": "*" }, body: JSON.stringify({ error, error_description: message }) });
    // Each ends at another step, whose text the last place is.
    const flows = [
      { answer: ({ state }) => ({ state, error: short(at("the error of an answer")) }), places: ["the error of an answer"] },
      { answer: ({ state }) => ({ state, error: "access_denied", error_description: short(at("the description of an answer's error")) }), places: ["the description of an answer's error"] },
      { fails: { "/register": told("invalid_client_metadata", at("the error of a registration")) }, places: ["the error of a registration"] },
      { fails: { "/token": told("invalid_grant", at("the error of an exchange")) }, places: ["the error of an exchange"] },
      { metadata: (document) => ({ ...document, token_endpoint: `http://evil.example/${encodeURIComponent(at("an endpoint"))}` }), places: [], ends: true },
      { metadata: ({ code_challenge_methods_supported: _, ...document }) => ({ ...document, code_challenge_methods_supported: [at("a method of PKCE")] }), places: ["a method of PKCE"], ends: true },
      { resource: (origin, as) => ({ resource: `${origin}/mcp`, resource_name: at.unshown("the name of a resource"), authorization_servers: [as], scopes_supported: [at.word("a scope of a resource")] }), challenge: (origin) => `Bearer error="${at.word("the error of a challenge")}", error_description="${at.header("the description of a challenge").replaceAll('"', "'")}", resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`, places: ["a scope of a resource"], ends: true, isOffered: true },
    ];
    for (const place of ["an endpoint", "the error of a challenge", "the description of a challenge"]) at.unshown(place);
    for (const { places, fails = {}, ends = false, isOffered = !ends, resource, challenge, ...options } of flows) {
      await using as = await authority(options);
      await using own = await guarded(() => as, { ...(resource ? { resource: (origin) => resource(origin, as.issuer) } : {}), ...(challenge ? { challenge } : {}) });
      await using visitor = await watched(own, { connects: false, others: [as.origin] });
      const { page } = visitor;
      for (const [path, answer] of Object.entries(fails)) await visitor.context.route(`${as.origin}${path}`, (route) => (route.request().method() === "OPTIONS" ? route.continue() : route.fulfill(answer)));
      await page.getByLabel("Address").fill(own.url);
      await visitor.button("Connect").click();
      const card = page.locator(".card");
      if (isOffered) await until(() => visitor.button("Sign in").isEnabled().catch(() => false), "what the server asks for");
      if (!ends) {
        const [popup] = await Promise.all([visitor.context.waitForEvent("page"), visitor.button("Sign in").click()]);
        await card.getByRole("alert").first().waitFor();
        await popup.close().catch(() => {});
      } else if (!isOffered) await card.getByRole("alert").first().waitFor();
      await at.lookFor(page, ...places);
      await tab(page, "Messages");
      await page.getByLabel("Messages to show").selectOption({ label: "Sign-in, step by step" });
      await at.look(page);
      await visitor.check();
    }
  },

  apps: async (at) => {
    const script = (text) => JSON.stringify(text).replaceAll("<", "\\u003c");
    const html = withMessages(`
      const place = ${script(at.unshown("the page of an app"))};
      document.body.insertAdjacentHTML("beforeend", place.replaceAll("fetch", "void").replace(/<meta.*?>/g, ""));
      try { parent.ranInPage = 1; top.ran = 1; } catch {}
      notify("notifications/message", { level: "info", data: ${script(at("a log of an app"))} });
      started.then(() => Promise.all([
        request("ui/message", { role: "user", content: [{ type: "text", text: ${script(at("a message of an app"))} }] }),
        request("ui/update-model-context", { content: [{ type: "text", text: ${script(at("a context of an app"))} }] }),
        request("ui/open-link", { url: ${script(at.unshown("an address that an app opens"))} }).catch(() => {}),
        request("tools/call", { name: ${script(at.unshown("a tool that an app calls"))}, arguments: {} }).catch(() => {}),
        request("resources/read", { uri: ${script(at("a resource that an app reads"))} }).catch(() => {}),
        request("ui/download-file", { contents: [{ type: "resource", resource: { uri: ${script(`file:///${at.unshown("a file of an app")}`)}, mimeType: "text/plain", text: "x" } }] }).catch(() => {}),
      ]));`);
    const ui = { csp: { connectDomains: [at("a source of an app")], resourceDomains: [at.unshown("another source of an app")] }, domain: at.unshown("the domain of an app"), permissions: { [at.unshown("a permission of an app")]: {} } };
    await using other = await appServer(html, { ui });
    await using visitor = await watched(other, { frames: true });
    const { page } = visitor;
    await visitor.tool("show");
    await visitor.call();
    await appFrame(visitor);
    await at.lookFor(page, "a message of an app", "a resource that an app reads", "a source of an app");
    await until(async () => {
      const yes = page.locator(".app .card").getByRole("button", { name: "Accept", exact: true });
      if (await yes.first().isEnabled({ timeout: 500 }).catch(() => false)) await yes.first().click();
      await unfold(page, ".app");
      await at.look(page);
      return at.unseen().length === 0;
    }, () => `the text of ${at.unseen()}`);
    assert.equal(await page.evaluate(() => globalThis.ranInPage), undefined);
    await visitor.check();
  },

  "the chat": async (at) => {
    const tools = [{ name: "known", title: at.unshown("the title of a tool in the chat"), description: at.unshown("the description of a tool in the chat"), inputSchema: { type: "object", properties: { [at("the name of an argument in the chat")]: { type: "string" } } } }, { name: at.word("the name of a tool in the chat"), inputSchema: ANY }];
    const handlers = {
      initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "x", title: at("the title of a server in the chat"), version: "1" }, instructions: at.unshown("the instructions of a server in the chat") }),
      "tools/list": () => ({ tools }),
      "tools/call": () => ({ content: [{ type: "text", text: at("a result in the chat") }] }),
    };
    await using other = await scripted({ handlers });
    model.answers.splice(0, Infinity, calls(["known", { [at("the name of an argument in the chat")]: at("an argument of the model") }], [at("a tool that the model names"), at("arguments that are no JSON")]), says(at("an answer of the model")));
    await using visitor = await watched(other);
    const { page } = visitor;
    await visitor.button("Chat").click();
    await page.getByLabel("Message").fill(at("a message of the person"));
    await visitor.button("Send").click();
    await page.getByRole("button", { name: "Allow once" }).waitFor();
    await unfold(page, ".parts");
    await at.look(page);
    await page.getByRole("button", { name: "Allow once" }).click();
    await at.lookFor(page, "an answer of the model");
    await unfold(page, "[role=log]");
    await at.look(page);
    await visitor.check();
  },

  "links and files": async (at) => {
    const handlers = { "tools/list": () => ({ tools: [{ name: "one", inputSchema: ANY }] }), "resources/list": () => ({ resources: [] }) };
    await using other = await scripted({ handlers, capabilities: { tools: {}, resources: {} } });
    const short = (text) => text.slice(0, 1500);
    const query = new URLSearchParams({ server: other.url, tool: short(at.unshown("a tool of a link")), args: short(JSON.stringify({ x: at.unshown("an argument of a link") })), uri: short(at("a URI of a link")), transport: short(at.unshown("a transport of a link")), version: short(at.unshown("a version of a link")) });
    await using visitor = await watched(other, { query: `?${query}`, connects: false });
    const { page } = visitor;
    await visitor.button("Connect").click();
    await visitor.button("Disconnect").waitFor();
    await tab(page, "Resources");
    await at.lookFor(page, "a URI of a link");
    await tab(page, "Messages");
    const http = { method: at("a method in a file"), url: "https://evil.example/x", requestHeaders: [[at("the name of a header in a file"), at("the value of a header in a file")]], responseHeaders: [] };
    const entry = { number: 1, at: 0, direction: "out", title: at("a title in a file"), id: at("an id in a file"), body: JSON.stringify({ x: at("a body in a file") }), version: at("a version in a file"), http, stream: { kind: "events", of: 1, event: at("an event in a file") } };
    const file = { name: "trace.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify({ format: "durable-mcp trace", version: 1, entries: [entry] })) };
    await page.locator("input[type=file]").first().setInputFiles(file);
    // Until the file was read, the entries are those of the connection.
    await page.locator(".trace > .warning").waitFor();
    await page.locator(".trace .entry").first().click();
    await at.lookFor(page, "a body in a file");
    await page.locator(".saved > summary").click();
    await page.locator(".saved details summary").click();
    const servers = { [at("the name of an imported server")]: { url: "https://example.com/mcp" }, [at("the name of an imported command")]: { command: at.unshown("a command") }, [at("the name of an imported address")]: { url: at.unshown("an imported address") } };
    await page.locator("#import").fill(JSON.stringify({ mcpServers: servers }));
    await page.locator(".saved button[type=submit]").click();
    await at.lookFor(page, "the name of an imported server", "the name of an imported command");
    await visitor.check();
  },
};

for (const [scene, show] of Object.entries(SCENES))
  describe(`hostile texts stay texts in ${scene}:`, () => {
    for (const [name, payload] of Object.entries(PAYLOADS))
      test(name, async () => {
        const at = placesFor(payload);
        await show(at);
        assert.deepEqual(at.unseen(), []);
      });
  });

describe("in place of a text", () => {
  // An element as the page's library would have it, if its constructor could be undefined in JSON.
  const element = { type: "img", props: { src: "x", onerror: "globalThis.ran=1", dangerouslySetInnerHTML: { __html: "<img src=x onerror=globalThis.ran=1>" } }, key: null, ref: null, constructor: null, __k: [], __v: 1 };
  for (const [name, value] of Object.entries({ "a number": 7, null: null, true: true, "a list": ["<b>x</b>", element], "an object": element, nothing: undefined }))
    test(`${name} leaves a page that works`, async () => {
      const all = { title: value, description: value, icons: value, annotations: value, _meta: value, mimeType: value };
      const schema = { type: "object", title: value, description: value, properties: { a: { type: "string", title: value, description: value, default: value, examples: value, pattern: value, format: value, enumNames: value } } };
      const handlers = {
        initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {}, resources: {}, prompts: {} }, serverInfo: { name: "x", version: "1", title: typeof value === "string" ? value : "x", icons: [{ src: "x" }] } }),
        "tools/list": () => ({ tools: [{ ...all, name: "one", inputSchema: schema, outputSchema: value, execution: value }, { ...all, name: value, inputSchema: value }, value].filter((tool) => tool !== undefined) }),
        "tools/call": () => ({ content: [{ type: "text", text: value, annotations: value }, { type: value }, { type: "resource_link", uri: value, ...all }, { type: "resource", resource: { ...all, uri: value, text: value } }, { type: "image", data: value, mimeType: value }, value], structuredContent: value, isError: value, _meta: value }),
        "resources/list": () => ({ resources: [{ ...all, uri: "test://x", name: value }, { ...all, uri: value }] }),
        "resources/templates/list": () => ({ resourceTemplates: [{ ...all, uriTemplate: "test://{x}", name: value }] }),
        "resources/read": () => ({ contents: [{ ...all, uri: value, text: value }, value] }),
        "prompts/list": () => ({ prompts: [{ ...all, name: "one", arguments: [{ ...all, name: "a", required: value }, { name: value }, value] }, { ...all, name: "two", arguments: value }] }),
        "prompts/get": () => ({ messages: [{ role: value, content: value }, value] }),
      };
      await using other = await scripted({ handlers });
      await using visitor = await watched(other);
      const { page } = visitor;
      await first(page);
      await visitor.call();
      await visitor.result();
      await unfold(page, "article");
      await tab(page, "Resources");
      await first(page);
      await visitor.button("Read").click();
      await visitor.result();
      await tab(page, "Prompts");
      for (const at of [1, 0]) await page.locator(".list li button").nth(at).click();
      await page.locator("article h3").waitFor();
      await visitor.button("Get prompt").click();
      if (await visitor.button("Send anyway").count()) await visitor.button("Send anyway").click();
      await visitor.result();
      await visitor.trace();
      await visitor.openTrace();
      await visitor.check();
    });
});

test("names that objects of JavaScript have are names like any other", async () => {
  const names = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"];
  const properties = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
  const handlers = {
    "tools/list": () => ({ tools: names.map((name) => ({ name, inputSchema: { type: "object", properties } })) }),
    "tools/call": ({ name }) => ({ content: [{ type: "text", text: `called ${name}` }], structuredContent: properties }),
    "prompts/list": () => ({ prompts: names.map((name) => ({ name, arguments: names.map((name) => ({ name })) })) }),
    "prompts/get": ({ name, arguments: given }) => ({ messages: [{ role: "user", content: { type: "text", text: `got ${name} ${Object.keys(given).length}` } }] }),
  };
  await using other = await scripted({ handlers, capabilities: { tools: {}, prompts: {} } });
  await using visitor = await watched(other);
  const { page } = visitor;
  for (const name of names) {
    await visitor.tool(name);
    for (const argument of names) assert.equal(await visitor.argument(name, `/${argument}`).inputValue(), "", `${name} ${argument}`);
    await visitor.call();
    await (await visitor.result()).getByText(`called ${name}`).waitFor();
  }
  await tab(page, "Prompts");
  for (const name of names) {
    await page.locator(".list li button").filter({ hasText: name }).click();
    for (const input of await page.locator("article input").all()) assert.equal(await input.inputValue(), "");
    await visitor.button("Get prompt").click();
    await page.getByText(`got ${name} 0`).waitFor();
  }
  await visitor.check();
});
