// The frame that the playground gives to apps of servers: its policy, what it reaches, and the origin that it may have.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { appFrame, appServer, withMessages } from "../../support/apps.mjs";
import { launchProfile } from "../../support/browser.mjs";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { freePorts } from "../../support/port.mjs";
import { asked, showing } from "../../support/shown-app.mjs";
import { WAIT_MS, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(fixture({ playground: true }));
const shown = showing({ server, browser });

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
    const answered = one.page.waitForResponse((response) => response.url().includes("connect="), { timeout: WAIT_MS });
    await frame.evaluate((elsewhere) => void (location.href = `${location.pathname}${location.search}&connect=${elsewhere}`), other.origin);
    assert.equal((await answered).status(), 403);
    // Chromium shows an error page of its own, or the answer's empty document.
    const isEmpty = async (at) => at.url().startsWith("chrome-error") || (await at.locator("body *").count()) === 0;
    await until(async () => (await Promise.all(one.page.frames().filter((at) => at.url().includes("connect=")).map(isEmpty))).every(Boolean), "no app with another policy");
  });

  test("that cannot be read, or is the page's own, shows no app", async () => {
    await using same = await twoOrigins((port) => `http://localhost:${port}`);
    assert.equal((await fetch(`${same.at.url}/playground`)).status, 404);
    await using none = await twoOrigins(() => "apps.example.com");
    await using one = await shown(withMessages(""), { at: none.worker });
    await one.app.getByText("This deployment shows no apps here.").waitFor();
    assert.equal(await one.app.locator("iframe").count(), 0);
  });

  test("that is the page's own is refused by the page, too, which reads and shows no app then", async () => {
    for (const frame of [`${server.url}/playground/app`, `${server.url}/mcp`]) {
      await using one = await shown(withMessages(""), { frame });
      await one.app.getByText("The origin for apps is this page's own, so no app is shown.").waitFor();
      assert.equal(await one.app.locator("iframe").count(), 0);
      assert.deepEqual(one.other.requests.filter(({ text }) => text.includes("resources/read")), []);
    }
  });

  test("that the page's policy lacks, as where files come before the Worker, is told as a frame that did not load", async () => {
    await using own = await twoOrigins(undefined, { playground: true });
    await using one = await shown(withMessages(""), { at: own.at, allowed: [own.apps] });
    await one.app.getByText("The app's frame did not load.").waitFor();
    assert.equal(await one.app.locator("iframe").count(), 0);
  });
});
