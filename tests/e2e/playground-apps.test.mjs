// The playground shows apps of servers (MCP Apps, 2026-01-26): their frames, messages, and what they may do.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { appFrame, appServer, withLibrary, withMessages } from "../support/apps.mjs";
import { launchProfile } from "../support/browser.mjs";
import { removeFolder, root, temporaryFolder } from "../support/child.mjs";
import { inBrowser, visit } from "../support/playground.mjs";
import { freePorts } from "../support/port.mjs";
import { until } from "../support/wait.mjs";
import { demo, fixture } from "../support/workerd.mjs";

const { server, browser } = await inBrowser(fixture({ playground: true }));

// A visitor at a server whose tool `show` was called, with its app on the page.
async function shown(html, { allowed = [], at = server, by = browser, config, frame = config && "/playground/app", ...options } = {}, visitOptions = {}) {
  const other = await appServer(html, options);
  const visitor = await visit(by, at, { allowed: [other.origin, ...allowed], ...visitOptions });
  const close = async () => {
    await visitor[Symbol.asyncDispose]();
    await other.stop();
  };
  try {
    if (frame) {
      await visitor.context.route("**/playground/config.json", (route) => route.fulfill({ json: { apps: frame, ...config } }));
      await visitor.page.reload();
    }
    await visitor.connect(other.url);
    await visitor.tool("show");
    await visitor.call();
  } catch (error) {
    await close();
    throw error;
  }
  return { visitor, page: visitor.page, other, app: visitor.page.locator(".app").first(), [Symbol.asyncDispose]: close };
}

const text = (frame) => frame.locator("#text").innerText();
const says = (frame, wanted) => until(async () => (await text(frame)) === wanted, `the app to say ${wanted}`);

// The outcome of what the app asks for, after the person's answer.
async function asked({ page, app }, frame, code, answer) {
  const outcome = frame.evaluate(`(async () => { try { return { result: await (${code}) }; } catch ({ code, message }) { return { error: { code, message } }; } })()`);
  if (answer) await app.locator(".card").getByRole("button", { name: answer, exact: true }).or(app.locator(".card").getByRole("link", { name: answer, exact: true })).click();
  return outcome;
}

describe("an app", () => {
  test("of the official library gets what the extension says, and ends when it is closed", async () => {
    const html = withLibrary(`
      globalThis.events = [];
      const app = new App({ name: "library", version: "1" }, { availableDisplayModes: ["inline", "fullscreen"] }, { autoResize: true });
      app.ontoolinput = ({ arguments: given }) => events.push(["input", given]);
      app.ontoolresult = ({ content }) => events.push(["result", content[0].text]);
      app.ontoolcancelled = ({ reason }) => events.push(["cancelled", reason]);
      app.onhostcontextchanged = (changed) => events.push(["changed", changed]);
      app.onteardown = async () => (await app.sendLog({ level: "info", data: "goodbye" }), {});
      globalThis.app = app;
      await app.connect();
      document.getElementById("text").textContent = "connected";
    `);
    const tools = [{ name: "other", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } }];
    await using one = await shown(html, { tools });
    const frame = await appFrame(one.visitor);
    await says(frame, "connected");
    await until(() => frame.evaluate(() => events.length === 2), "the result");
    assert.deepEqual(await frame.evaluate(() => events), [["input", {}], ["result", "shown"]]);
    const context = await frame.evaluate(() => app.getHostContext());
    assert.deepEqual([context.theme, context.locale, context.displayMode, context.toolInfo.tool.name], ["light", "en", "inline", "show"]);
    assert.deepEqual(Object.keys(await frame.evaluate(() => app.getHostCapabilities())).sort(), ["downloadFile", "logging", "message", "openLinks", "sandbox", "serverResources", "serverTools", "updateModelContext"]);

    const called = await asked(one, frame, `app.callServerTool({ name: "other", arguments: { a: 1 } })`, "Allow calls");
    assert.equal(called.result.content[0].text, "called other");
    const read = await asked(one, frame, `app.readServerResource({ uri: "test://one" })`, "Allow reading");
    assert.equal(read.result.contents[0].text, "read test://one");
    assert.deepEqual((await asked(one, frame, `app.requestDisplayMode({ mode: "fullscreen" })`)).result, { mode: "fullscreen" });
    await until(() => frame.evaluate(() => innerWidth > 1000), "the app to fill the page");
    await one.page.keyboard.press("Escape");
    await until(() => frame.evaluate(() => events.some(([name, changed]) => name === "changed" && changed.displayMode === "inline")), "the app to be back in its place");
    assert.deepEqual((await asked(one, frame, `app.requestDisplayMode({ mode: "pip" })`)).result, { mode: "inline" });
    await asked(one, frame, `app.updateModelContext({ content: [{ type: "text", text: "a context" }] })`);
    await one.app.getByText("Context for a model").click();
    await one.app.getByText("a context").waitFor();
    assert.deepEqual((await asked(one, frame, `app.sendMessage({ role: "user", content: [{ type: "text", text: "a message" }] })`, "Accept")).result, {});

    await one.page.emulateMedia({ colorScheme: "dark" });
    await one.visitor.button("中文").click();
    await until(() => frame.evaluate(() => events.some(([, changed]) => changed.theme === "dark") && events.some(([, changed]) => changed.locale === "zh-Hans")), "theme and language");
    await one.app.getByRole("button", { name: "关闭应用" }).click();
    await one.app.getByRole("button", { name: "显示应用" }).waitFor();
    assert.equal(await one.app.locator("iframe").count(), 0);
    await one.app.getByText("应用的消息").click();
    await one.app.getByText("info: goodbye").waitFor();
    one.visitor.done();
  });

  test("is told that the call was cancelled", async () => {
    const { promise: never } = Promise.withResolvers();
    await using one = await shown(withMessages(""), { show: () => never });
    const frame = await appFrame(one.visitor);
    await until(() => frame.evaluate(() => heard.some(({ method }) => method === "ui/notifications/tool-input")), "the arguments");
    await one.page.locator(".use").getByRole("button", { name: "Cancel", exact: true }).click();
    await until(() => frame.evaluate(() => heard.some(({ method, params }) => method === "ui/notifications/tool-cancelled" && params.reason.includes("cancelled"))), "the cancellation");
    assert.ok(!(await frame.evaluate(() => heard.some(({ method }) => method === "ui/notifications/tool-result"))));
  });

  test("gets a long result as a whole", async () => {
    const text = "long ".repeat(500_000);
    await using one = await shown(withMessages(""), { show: () => ({ content: [{ type: "text", text }] }) });
    const frame = await appFrame(one.visitor);
    const result = () => frame.evaluate(() => heard.find(({ method }) => method === "ui/notifications/tool-result")?.params.content[0].text.length);
    await until(async () => (await result()) === text.length, "the result");
  });

  test("hears nothing before it has started, then arguments and result, each once", async () => {
    await using one = await shown(withMessages("", { starts: false }));
    const frame = await appFrame(one.visitor);
    await one.page.locator(".use .result").waitFor();
    await frame.evaluate(() => request("ping"));
    assert.deepEqual(await frame.evaluate(() => heard.map(({ method }) => method)), [null].map(() => undefined));
    await frame.evaluate(() => (notify("ui/notifications/initialized"), notify("ui/notifications/initialized")));
    await until(() => frame.evaluate(() => heard.length === 3), "arguments and result");
    await frame.evaluate(() => request("ping"));
    assert.deepEqual(await frame.evaluate(() => heard.map(({ method }) => method).filter(Boolean)), ["ui/notifications/tool-input", "ui/notifications/tool-result"]);
  });

  test("has the height that it tells, within bounds", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    const height = async () => (await one.app.locator("iframe").boundingBox()).height;
    for (const [told, shown] of [[300, 300], [0, 40], [1e9, 1200], [500.2, 501]]) {
      await frame.evaluate((height) => notify("ui/notifications/size-changed", { height }), told);
      await until(async () => (await height()) === shown, `a height of ${shown}`);
    }
    for (const height of ["1", null, NaN]) await frame.evaluate((height) => notify("ui/notifications/size-changed", { height }), height);
    await frame.evaluate(() => request("ping"));
    assert.equal(await height(), 501);
  });

  test("is explained where it cannot be shown", async () => {
    const contents = [{ uri: "ui://scripted/app", mimeType: "text/html", text: "<p>x" }];
    for (const [read, told] of [[() => ({ contents }), "The resource is no app"], [() => ({ error: { code: -32002, message: "Gone" } }), "The app cannot be read: "]]) {
      await using one = await shown("", { handlers: { "resources/read": read } });
      await one.app.getByText(told).waitFor();
      assert.equal(await one.app.locator("iframe").count(), 0);
    }
  });

  test("is not shown where the person switched apps off", async () => {
    await using other = await appServer(withMessages(""));
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.page.getByText("Options", { exact: true }).click();
    await visitor.page.getByLabel("Apps", { exact: true }).uncheck();
    await visitor.connect(other.url);
    await visitor.tool("show");
    await visitor.call();
    await visitor.page.locator(".use .result").waitFor();
    assert.equal(await visitor.page.locator(".app").count(), 0);
    assert.ok(other.requests.every(({ text }) => !text.includes("io.modelcontextprotocol/ui") && !text.includes("resources/read")));
    visitor.done();
  });

  test("is declared to the server", async () => {
    await using one = await shown(withMessages(""));
    const said = one.other.requests.find(({ text }) => text.includes("io.modelcontextprotocol/ui"));
    assert.match(said.text, /"io\.modelcontextprotocol\/ui":\{"mimeTypes":\["text\/html;profile=mcp-app"\]\}/);
  });
});

describe("the frame of an app", () => {
  test("shows nothing when it is opened directly", async () => {
    await using visitor = await visit(browser, server);
    // An answer without a body is an error to Chromium.
    const [response] = await Promise.all([visitor.page.waitForResponse(`${server.url}/playground/app`), assert.rejects(visitor.page.goto(`${server.url}/playground/app`))]);
    assert.equal(response.status(), 403);
    assert.match(response.headers()["content-security-policy"], /sandbox/);
  });

  test("reaches nothing of the page, no storage, no server, no other document", async () => {
    const reached = [];
    await using other = await appServer("", { answer: (request) => (reached.push(request.url), false) });
    await using one = await shown(withMessages(""), { allowed: [other.origin] });
    const frame = await appFrame(one.visitor);
    reached.length = 0;
    const outcome = await frame.evaluate(async ({ elsewhere, own }) => {
      const fails = (work) => Promise.resolve().then(work).then(() => false, () => true);
      const loads = (name, attributes) => new Promise((done) => {
        const element = Object.assign(document.createElement(name), { onload: () => done(true), onerror: () => done(false), ...attributes });
        document.body.append(element);
      });
      return {
        origin: origin,
        parent: await fails(() => parent.document.body),
        top: await fails(() => (top.location.href = elsewhere)),
        cookie: await fails(() => document.cookie),
        fetched: await fails(() => fetch(elsewhere)),
        own: await fails(() => fetch(own)),
        script: await loads("script", { src: `${elsewhere}/script` }),
        image: await loads("img", { src: `${elsewhere}/image` }),
        beacon: (navigator.sendBeacon(`${elsewhere}/beacon`, "x"), false),
        hints: ["prefetch", "preload", "modulepreload", "prerender", "stylesheet", "icon", "manifest"].forEach((rel) => document.head.append(Object.assign(document.createElement("link"), { rel, href: `${elsewhere}/${rel}`, as: "script" }))),
        rules: document.head.append(Object.assign(document.createElement("script"), { type: "speculationrules", textContent: JSON.stringify({ prefetch: [{ source: "list", urls: [`${elsewhere}/rules`] }] }) })),
        socket: await new Promise((done) => Object.assign(new WebSocket(elsewhere.replace("http", "ws")), { onopen: () => done(true), onerror: () => done(false) })),
        stream: await new Promise((done) => Object.assign(new EventSource(elsewhere), { onopen: () => done(true), onerror: () => done(false) })),
        window: open(elsewhere),
        eval: await fails(() => eval("1")),
      };
    }, { elsewhere: other.origin, own: `${server.url}/playground/config.json` });
    assert.deepEqual(outcome, { origin: "null", parent: true, top: true, cookie: true, fetched: true, own: true, script: false, image: false, beacon: false, hints: undefined, rules: undefined, socket: false, stream: false, window: null, eval: true });
    assert.equal(await frame.evaluate((elsewhere) => {
      const form = document.body.appendChild(Object.assign(document.createElement("form"), { action: elsewhere }));
      let events = 0;
      form.onsubmit = (event) => (events++, event.preventDefault());
      form.requestSubmit();
      return events;
    }, other.origin), 1, "a form is there for scripts");
    assert.deepEqual(reached, []);
    assert.ok(one.visitor.complaints.every((text) => /Content Security Policy|sandbox/i.test(text)), one.visitor.complaints.join("\n"));
  });

  test("goes nowhere else", async () => {
    const reached = [];
    await using other = await appServer("", { answer: (request) => (reached.push(request.url), false) });
    const ways = {
      form: (elsewhere) => document.body.appendChild(Object.assign(document.createElement("form"), { action: elsewhere, method: "post" })).submit(),
      link: (elsewhere) => document.body.appendChild(Object.assign(document.createElement("a"), { href: elsewhere })).click(),
      address: (elsewhere) => void (location.href = elsewhere),
      data: () => void (location.href = "data:text/html,<p>elsewhere"),
      refresh: (elsewhere) => document.head.append(Object.assign(document.createElement("meta"), { httpEquiv: "refresh", content: `0;url=${elsewhere}` })),
      frame: (elsewhere) => document.body.append(Object.assign(document.createElement("iframe"), { src: elsewhere })),
    };
    for (const [name, way] of Object.entries(ways)) {
      await using one = await shown(withMessages(""), { allowed: [other.origin] });
      const frame = await appFrame(one.visitor);
      await frame.evaluate(way, other.origin).catch(() => {});
      await until(() => one.visitor.complaints.some((text) => /(frame-src|form-action)/.test(text)), `the policy to stop the ${name}`);
      assert.deepEqual(reached, [], name);
    }
  });

  test("cannot get itself another policy", async () => {
    await using other = await appServer("");
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    await frame.evaluate((origin) => void (location.href = `${location.pathname}?connect=${origin}`), other.origin);
    await until(() => one.page.frames().some((frame) => frame.url().includes("chrome-error") || frame.url().includes("?connect=")), "another document");
    const [, left] = one.page.frames();
    assert.equal(await left.evaluate(() => document.body.innerText.includes("app")).catch(() => false), false);
  });

  test("loads and sends what its resource declares, and tells the person; what is no origin is refused", async () => {
    const reached = [];
    const answer = (request, _, response) => {
      if (request.url === "/mcp") return false;
      reached.push(request.url);
      response.writeHead(200, { "content-type": request.url.endsWith(".js") ? "text/javascript" : "application/json" });
      response.end(request.url.endsWith(".js") ? "globalThis.loaded = true" : "{}");
      return true;
    };
    await using other = await appServer("", { answer });
    const ui = { csp: { connectDomains: [other.origin, "https://*"], resourceDomains: [other.origin, "'unsafe-eval'"] } };
    await using one = await shown(withMessages(""), { ui, allowed: [other.origin] });
    const frame = await appFrame(one.visitor);
    await one.app.getByText(`It may load from and send to: ${other.origin}`).waitFor();
    await one.app.getByText("Not allowed, since it is no origin: https://* 'unsafe-eval'").waitFor();
    const outcome = await frame.evaluate(async (origin) => {
      const { status } = await fetch(`${origin}/data`);
      await new Promise((onload, onerror) => document.body.append(Object.assign(document.createElement("script"), { src: `${origin}/script.js`, onload, onerror })));
      return { status, loaded: globalThis.loaded };
    }, other.origin);
    assert.deepEqual(outcome, { status: 200, loaded: true });
    assert.deepEqual(reached, ["/data", "/script.js"]);
    one.visitor.done();
  });

  test("has no storage, which is explained once an app wants some", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    assert.equal(await one.app.getByText("tried to store").count(), 0);
    assert.equal(await frame.evaluate(() => { try { return localStorage.length; } catch ({ name }) { return name; } }), "SecurityError");
    await one.app.getByText("tried to store something, and cannot here").waitFor();
    one.visitor.done();
  });
});

describe("messages", () => {
  test("of other windows, of no shape, and too long ones are not heard", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    const height = async () => (await one.app.locator("iframe").boundingBox()).height;
    await frame.evaluate(() => notify("ui/notifications/size-changed", { height: 200 }));
    await until(async () => (await height()) === 200, "the height");
    // The page itself, and another frame of the same kind, say what only the app may.
    await one.page.evaluate(() => postMessage({ jsonrpc: "2.0", method: "ui/notifications/size-changed", params: { height: 333 } }, "*"));
    await frame.evaluate(() => {
      const circle = {};
      circle.circle = circle;
      const size = { method: "ui/notifications/size-changed", params: { height: 333 } };
      for (const message of [null, 1, "x", [], size, { jsonrpc: "1.0", ...size }, { jsonrpc: "2.0", ...size, params: [333] }, { jsonrpc: "2.0", ...size, id: {} }, { jsonrpc: "2.0", ...size, circle }, { jsonrpc: "2.0", ...size, long: "x".repeat(1_000_001) }, { jsonrpc: "2.0", method: 1 }, { jsonrpc: "2.0" }])
        parent.postMessage(message, "*");
    });
    await frame.evaluate(() => request("ping"));
    assert.equal(await height(), 200);
    one.visitor.done();
  });

  test("beyond 50 in a second are not heard, and the person is told", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    await frame.evaluate(() => started);
    const answered = await frame.evaluate(async () => {
      let answers = 0;
      for (let at = 0; at < 1000; at++) void request("ping").then(() => answers++);
      await new Promise((later) => setTimeout(later, 2500));
      void request("ping").then(() => answers++);
      await new Promise((later) => setTimeout(later, 500));
      return answers;
    });
    assert.ok(answered >= 30 && answered <= 151, `${answered} answers`);
    await one.app.getByText("The app sends too many messages").waitFor();
  });

  test("of unknown methods get an error", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    for (const method of ["sampling/createMessage", "tools/list", "constructor", "ui/unknown"]) assert.equal((await asked(one, frame, `request("${method}")`)).error.code, -32601, method);
    for (const [method, params] of [["tools/call", {}], ["tools/call", { name: "show", arguments: 1 }], ["resources/read", {}], ["ui/open-link", {}], ["ui/download-file", {}]])
      assert.equal((await asked(one, frame, `request(${JSON.stringify(method)}, ${JSON.stringify(params)})`)).error.code, -32602, method);
  });
});

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

describe("many apps, and bad ones", () => {
  test("an app in an endless loop is closed, and the page lives", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    await frame.evaluate(() => started);
    await frame.evaluate(() => void setTimeout(() => { for (;;); }));
    await one.app.getByRole("button", { name: "Close app" }).click();
    await one.app.getByRole("button", { name: "Show app" }).waitFor();
    assert.equal(await one.app.locator("iframe").count(), 0);
    await one.page.getByRole("tab", { name: /^Messages/ }).click();
    await one.page.locator(".trace li").first().waitFor();
  });

  test("of more than ten apps, those out of sight are removed, and can be shown again", async () => {
    await using one = await shown(withMessages(`document.body.style.height = "400px"; started.then(() => notify("ui/notifications/size-changed", { height: 800 }));`));
    await appFrame(one.visitor);
    for (let at = 2; at <= 12; at++) {
      await one.visitor.call();
      await until(async () => (await one.page.locator(".use").count()) === at, `use ${at}`);
      await appFrame(one.visitor);
    }
    await until(async () => (await one.page.locator(".app iframe").count()) === 10, "ten frames");
    const oldest = one.page.locator(".use").last();
    await oldest.locator("summary").first().click();
    await oldest.getByText("out of sight").waitFor();
    await oldest.getByRole("button", { name: "Show app" }).click();
    await oldest.locator("iframe").waitFor();
    await until(async () => (await one.page.locator(".app iframe").count()) === 10, "ten frames again");
    one.visitor.done();
  });

  test("an app lives on while the person looks at other parts of the page, and ends with the connection", async () => {
    await using one = await shown(withMessages(""), { tools: [{ name: "other", inputSchema: { type: "object" } }] });
    const frame = await appFrame(one.visitor);
    await until(() => frame.evaluate(() => heard.some(({ method }) => method === "ui/notifications/tool-result")), "the result");
    await frame.evaluate(() => void (globalThis.mark = "kept"));
    for (const leave of [() => one.page.getByRole("tab", { name: /^Messages/ }).click(), () => one.visitor.tool("other")]) {
      await leave();
      await until(async () => (await one.page.locator(".app").count()) === 0, "the app to be off the page");
      await one.page.getByRole("tab", { name: /^Tools/ }).click();
      await one.visitor.tool("show");
      const again = await appFrame(one.visitor);
      assert.equal(await again.evaluate(() => globalThis.mark), "kept");
      await again.evaluate(() => request("ping"));
      assert.equal(await again.evaluate(() => heard.filter(({ method }) => method === "ui/notifications/tool-result").length), 1);
      await one.app.getByRole("button", { name: "Close app" }).waitFor();
    }
    await one.page.getByRole("tab", { name: /^Messages/ }).click();
    assert.equal(await one.page.locator("iframe").count(), 1);
    await one.visitor.button("Disconnect").click();
    await until(async () => (await one.page.locator("iframe").count()) === 0, "the app's end");
    one.visitor.done();
  });

  test("an app of an earlier call lives on while another begins", async () => {
    await using one = await shown(withMessages(""));
    const frame = await appFrame(one.visitor);
    await frame.evaluate(() => void (globalThis.mark = "first"));
    await one.visitor.call();
    await until(async () => (await one.page.locator(".app iframe").count()) === 2, "two frames");
    assert.equal(await frame.evaluate(() => globalThis.mark), "first");
  });
});

describe("an origin of apps", () => {
  // The page at localhost, apps at 127.0.0.1: two origins of one Worker.
  async function twoOrigins(apps = (port) => `http://127.0.0.1:${port}`, options = {}) {
    const [port] = await freePorts(1);
    const worker = await fixture({ playground: "worker first", port, vars: { PLAYGROUND_APPS_ORIGIN: apps(port) }, ...options });
    const url = worker.url.replace("127.0.0.1", "localhost");
    return { worker, apps: worker.url, at: { url }, [Symbol.asyncDispose]: () => worker.stop() };
  }

  // A person's own window: private ones let no other site store anything in a page.
  async function person() {
    const folder = temporaryFolder("profile");
    const context = await launchProfile(folder, { thirdPartyCookies: true });
    context.on("close", () => removeFolder(folder));
    return { newContext: () => context };
  }

  test("gives apps storage, permissions and the sources that they declare, and nothing of the page", async () => {
    await using own = await twoOrigins();
    await using other = await appServer("", { answer: (request, _, response) => request.url === "/data" && (response.end("{}"), true) });
    const ui = { csp: { connectDomains: [other.origin] }, permissions: { camera: {} } };
    await using one = await shown(withMessages(""), { at: own.at, by: await person(), ui, allowed: [own.apps, other.origin] });
    await one.app.getByText("The app asks for: camera.").waitFor();
    await one.app.getByRole("button", { name: "Allow", exact: true }).click();
    const frame = await appFrame(one.visitor);
    const outcome = await frame.evaluate(async (elsewhere) => {
      const fails = (work) => Promise.resolve().then(work).then(() => false, () => true);
      localStorage.setItem("kept", "yes");
      return {
        origin,
        kept: localStorage.getItem("kept"),
        camera: document.featurePolicy.allowsFeature("camera"),
        microphone: document.featurePolicy.allowsFeature("microphone"),
        data: (await fetch(`${elsewhere}/data`)).status,
        parent: await fails(() => parent.document.body),
      };
    }, other.origin);
    assert.deepEqual(outcome, { origin: own.apps, kept: "yes", camera: true, microphone: false, data: 200, parent: true });
    const called = asked(one, frame, `request("tools/call", { name: "show", arguments: {} })`, "Allow calls");
    assert.equal((await called).result.content[0].text, "shown");
    one.visitor.done();
  });

  test("gives no storage where the browser has none for other sites, which is explained", async () => {
    await using own = await twoOrigins();
    await using one = await shown(withMessages("started.then(() => localStorage.length);"), { at: own.at, allowed: [own.apps] });
    await one.app.getByText("the browser lets no other site store in this page").waitFor();
  });

  test("serves their frame alone, and another host does not", async () => {
    await using own = await twoOrigins();
    for (const path of ["/", "/playground", "/playground/config.json", "/playground/client.json", "/mcp", "/sse", "/authorize", "/style.css"]) assert.equal((await fetch(own.apps + path)).status, 404, path);
    const frameOf = (origin, site) => fetch(`${origin}/playground/app?page=${own.at.url}`, { headers: { "sec-fetch-site": site, "sec-fetch-dest": "iframe" } });
    assert.equal((await frameOf(own.apps, "cross-site")).status, 200);
    assert.equal((await frameOf(own.apps, "same-origin")).status, 403);
    for (const site of ["cross-site", "same-origin"]) assert.equal((await frameOf(own.at.url, site)).status, 403);
  });

  test("lets no app have another policy", async () => {
    await using own = await twoOrigins();
    await using other = await appServer("");
    await using one = await shown(withMessages(""), { at: own.at, allowed: [own.apps] });
    const frame = await appFrame(one.visitor);
    await frame.evaluate((elsewhere) => void (location.href = `${location.pathname}${location.search}&connect=${elsewhere}`), other.origin);
    await until(async () => !(await frame.evaluate(() => globalThis.heard !== undefined).catch(() => false)), "the app to have left");
    assert.ok(one.page.frames().every((frame) => !frame.url().includes("connect=") || frame.url().startsWith("chrome-error")));
  });

  test("that is the page's own shows no app, nor does one that cannot be read", async () => {
    await using same = await twoOrigins((port) => `http://localhost:${port}`);
    assert.equal((await fetch(`${same.at.url}/playground`)).status, 404);
    await using none = await twoOrigins(() => "apps.example.com");
    await using one = await shown(withMessages(""), { at: none.worker });
    await one.app.getByText("This deployment shows no apps here.").waitFor();
    assert.equal(await one.app.locator("iframe").count(), 0);
  });

  test("is refused by the page itself if it is its own", async () => {
    for (const frame of [`${server.url}/playground/app`, `${server.url}/mcp`]) {
      await using one = await shown(withMessages(""), { frame });
      await one.app.getByText("The origin for apps is this page's own, so no app is shown.").waitFor();
      assert.equal(await one.app.locator("iframe").count(), 0);
      assert.deepEqual(one.other.requests.filter(({ text }) => text.includes("resources/read")), []);
    }
  });

  test("is named in the page where its policy does not have it, since the files came first", async () => {
    await using own = await twoOrigins(undefined, { playground: true });
    await using one = await shown(withMessages(""), { at: own.at, allowed: [own.apps] });
    await one.app.getByText("The app's frame did not load.").waitFor();
    assert.equal(await one.app.locator("iframe").count(), 0);
  });
});

describe("axe finds nothing", () => {
  const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const SCREENSHOTS = process.env.SCREENSHOTS ?? join(root, "tests/e2e/screenshots");
  mkdirSync(SCREENSHOTS, { recursive: true });

  async function look({ page }, name) {
    await page.evaluate(AXE);
    // The app's own document is its server's.
    const { violations, incomplete } = await page.evaluate(() => window.axe.run(document, { iframes: false, rules: { "frame-tested": { enabled: false } }, resultTypes: ["violations", "incomplete"] }));
    const findings = [...violations, ...incomplete].flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${name}: ${id}: ${html.slice(0, 200)} ${any[0]?.message ?? ""}`));
    assert.deepEqual(findings, []);
    const { scroll, width } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: document.documentElement.clientWidth }));
    assert.ok(scroll <= width, `${name}: it is ${scroll} px wide in a window of ${width}`);
    await page.locator(".app").first().scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(SCREENSHOTS, `playground-app-${name}.png`) });
  }

  for (const [name, options] of [
    ["wide-light", {}],
    ["narrow-dark-zh", { colorScheme: "dark", viewport: { width: 320, height: 640 } }],
  ])
    test(`beside an app with questions, notes and messages, and while it fills the page: ${name}`, async () => {
      const html = withMessages(`
        started.then(() => {
          notify("notifications/message", { level: "info", data: "a line" });
          request("ui/update-model-context", { content: [{ type: "text", text: "context" }] });
          for (const [method, params] of [["tools/call", { name: "show", arguments: { n: 1 } }], ["ui/open-link", { url: "https://example.com/page" }], ["ui/message", { role: "user", content: { type: "text", text: "hello" } }]]) request(method, params).catch(() => {});
          try { localStorage.length; } catch {}
        });
      `);
      const ui = { csp: { connectDomains: ["https://api.example.com", "*"] }, permissions: { camera: {} } };
      await using one = await shown(html, { ui }, options);
      if (name.endsWith("zh")) await one.visitor.button("中文").click();
      await appFrame(one.visitor);
      const cards = one.app.locator(".card");
      await until(async () => (await cards.count()) === 3 && (await cards.locator("button:disabled").count()) === 0, "three questions");
      await until(async () => (await one.app.locator(".warning").count()) === 3, "three notes");
      await look(one.visitor, name);
      for (let left = 3; left > 0; left--) {
        await cards.first().getByRole("button").last().click();
        await until(async () => (await cards.count()) === left - 1, "an answer");
      }
      const frame = await appFrame(one.visitor);
      assert.deepEqual(await frame.evaluate(() => request("ui/request-display-mode", { mode: "fullscreen" })), { mode: "fullscreen" });
      await one.page.locator(".app.filling").waitFor();
      await look(one.visitor, `${name}-filling`);
      await one.page.keyboard.press("Escape");
      await one.page.locator(".app:not(.filling)").waitFor();
    });
});

describe("the demo's dice", () => {
  test("are shown with their result, rolled again by their button, and follow theme and language", async () => {
    const own = await demo({ playground: true });
    after(() => own.stop());
    await using visitor = await visit(browser, own, { colorScheme: "dark" });
    await visitor.connect();
    await visitor.tool("roll_dice");
    await visitor.argument("roll_dice", "/dice").fill("6");
    await visitor.call();
    const frame = await appFrame(visitor);
    const dice = frame.getByRole("img", { name: /^Rolled( [1-6]){6}$/ });
    await dice.waitFor();
    assert.equal(await frame.evaluate(() => document.documentElement.style.colorScheme), "dark");
    const first = await dice.getAttribute("aria-label");
    assert.equal(first, (await visitor.page.locator(".use .result .text").first().innerText()).trim());
    const app = visitor.page.locator(".app");
    // The whole of it is seen, without a bar to scroll.
    await until(() => frame.evaluate(() => document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollHeight > innerHeight - 60), "the height of the dice");
    // Six dice come the same once in 46656 rolls.
    await frame.getByRole("button", { name: "Roll again" }).click();
    await app.getByText("The app wants to call roll_dice").waitFor();
    await app.getByRole("button", { name: "Allow calls" }).click();
    await until(async () => (await frame.getByRole("img").getAttribute("aria-label")) !== first, "another roll");
    const second = await frame.getByRole("img").getAttribute("aria-label");
    await frame.getByRole("button", { name: "Roll again" }).click();
    await until(async () => (await frame.getByRole("img").getAttribute("aria-label")) !== second, "a roll without a question");
    await visitor.page.emulateMedia({ colorScheme: "light" });
    await until(() => frame.evaluate(() => document.documentElement.style.colorScheme === "light"), "the theme");
    await visitor.button("中文").click();
    await frame.getByRole("button", { name: "再掷一次" }).waitFor();
    visitor.done();
  });
});
