// The playground on an origin of its own, PLAYGROUND_ORIGIN: it does all that it does on the server's, and no script of it reaches
// the pages where people consent.
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { after, describe, test } from "node:test";
import { appFrame, appServer, withMessages } from "../../support/apps.mjs";
import { launch, launchProfile } from "../../support/browser.mjs";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";
import { calls, openAi, says } from "../../support/model.mjs";
import { visit } from "../../support/playground.mjs";
import { freePorts } from "../../support/port.mjs";
import { scripted } from "../../support/scripted.mjs";
import { DEMO, client, landing, takes } from "../../support/sign-in.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const model = await openAi();
const CHAT = { PLAYGROUND_CHAT: "openai", PLAYGROUND_CHAT_URL: model.url, PLAYGROUND_MODELS: "tiny" };

const browser = await launch();
const landed = await landing();
after(async () => {
  await browser.close();
  await landed.stop();
  await model.stop();
});

// Another address of this machine that leads to a port.
async function alias(address, port) {
  const sockets = new Set();
  const server = createServer((from) => {
    const to = connect(port, "127.0.0.1");
    for (const [one, other] of [[from, to], [to, from]]) {
      sockets.add(one);
      one.on("error", () => other.destroy()).on("close", () => sockets.delete(one)).pipe(other);
    }
  });
  await new Promise((done, failed) => server.on("error", failed).listen(0, address, done));
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  };
  return { port: server.address().port, [Symbol.asyncDispose]: stop };
}

// A server at localhost whose page is at 127.0.0.1, which is another site, or at another port, which is the same one.
async function apart({ isSameSite = false, hasApps = false, vars, ...options } = {}) {
  await using stack = new AsyncDisposableStack();
  const [port] = await freePorts(1);
  const url = `http://localhost:${port}`;
  const page = isSameSite ? `http://localhost:${stack.use(await alias("127.0.0.1", port)).port}` : `http://127.0.0.1:${port}`;
  const apps = hasApps ? `http://127.0.0.2:${stack.use(await alias("127.0.0.2", port)).port}` : "";
  const origins = { PLAYGROUND_ORIGIN: page, PLAYGROUND_SERVER_ORIGIN: url, PLAYGROUND_APPS_ORIGIN: apps };
  const worker = await fixture({ playground: "worker first", port, vars: { ...DEMO, ...origins, ...vars }, ...options });
  stack.defer(() => worker.stop());
  const all = stack.move();
  return { worker, url, page: { url: page }, apps, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const open = (own, { allowed = [], by = browser, ...options } = {}) => visit(by, own.page, { allowed: [own.url, ...allowed], ...options });

async function popupOf(visitor, click) {
  const [popup] = await Promise.all([visitor.context.waitForEvent("page"), click()]);
  await popup.getByRole("button", { name: "Approve" }).waitFor();
  return popup;
}

async function approved(popup, name) {
  const closed = popup.waitForEvent("close");
  await popup.getByLabel("Your name").fill(name);
  await popup.getByRole("button", { name: "Approve" }).click();
  await closed;
}

async function signedIn(visitor, name, { isKept = false } = {}) {
  await visitor.button("Connect").click();
  await visitor.page.getByRole("heading", { name: "Sign-in needed" }).waitFor();
  await until(() => visitor.button("Sign in").isEnabled(), "what the server asks for");
  await visitor.page.getByLabel("Keep on this device").setChecked(isKept);
  await approved(await popupOf(visitor, () => visitor.button("Sign in").click()), name);
  await visitor.button("Disconnect").waitFor();
}

const tokens = (visitor) => visitor.page.evaluate(() => Object.values({ ...sessionStorage }).flatMap((text) => /"access_token":"([^"]+)"/.exec(text)?.[1] ?? []));

for (const [where, isSameSite] of [["another site", false], ["the same site", true]])
  describe(`a page on ${where}`, () => {
    test("connects at first to its own server, and calls", async () => {
      await using own = await apart({ isSameSite, vars: { IDENTITY_PROVIDER: "none" } });
      await using visitor = await open(own);
      assert.equal(await visitor.page.getByLabel("Address").inputValue(), `${own.url}/mcp`);
      assert.equal(await visitor.page.getByRole("link", { name: "About this server" }).getAttribute("href"), `${own.url}/`);
      await visitor.connect();
      await visitor.tool("test_simple_text");
      await visitor.call();
      assert.match(await (await visitor.result()).innerText(), /simple text/);
      visitor.done();
    });

    test("speaks the other transports and versions with it", async () => {
      await using own = await apart({ isSameSite, vars: { IDENTITY_PROVIDER: "none" } });
      for (const [url, how] of [[`${own.url}/mcp`, { version: "2025-11-25" }], [`${own.url}/sse`, { transport: "sse" }]]) {
        await using visitor = await open(own);
        await visitor.connect(url, how);
        await visitor.tool("test_simple_text");
        await visitor.call();
        assert.match(await (await visitor.result()).innerText(), /simple text/);
        await visitor.button("Disconnect").click();
        await visitor.button("Connect").waitFor();
        visitor.done();
      }
    });

    test("signs in to it, and signs out", async () => {
      await using own = await apart({ isSameSite });
      await using visitor = await open(own);
      await signedIn(visitor, "Ann of the page");
      await visitor.tool("whoami_user");
      await visitor.call();
      assert.match(await (await visitor.result()).innerText(), /Ann of the page/);
      const [token] = await tokens(visitor);
      assert.ok(await takes(own, token));
      await visitor.page.reload();
      await visitor.connect();
      await visitor.button("Sign out").click();
      await until(async () => !(await takes(own, token)), "the token's end");
      visitor.done();
    });

    test("keeps a sign-in on the device, for its other tabs", async () => {
      await using own = await apart({ isSameSite });
      await using visitor = await open(own);
      await signedIn(visitor, "Ann", { isKept: true });
      const other = await visitor.context.newPage();
      await other.goto(`${own.page.url}/playground`);
      await other.getByRole("button", { name: "Connect", exact: true }).click();
      await other.getByRole("button", { name: "Disconnect" }).waitFor();
      visitor.done();
    });

    test("comes back from a sign-in in the same tab where a window is blocked", async () => {
      await using own = await apart({ isSameSite });
      await using visitor = await open(own);
      const { page } = visitor;
      await page.evaluate(() => {
        window.open = () => null;
      });
      await visitor.button("Connect").click();
      await until(() => visitor.button("Sign in").isEnabled(), "what the server asks for");
      await visitor.button("Sign in").click();
      await page.getByLabel("Your name").fill("Ann");
      await page.getByRole("button", { name: "Approve" }).click();
      await page.waitForURL(`${own.page.url}/playground`);
      await visitor.button("Disconnect").waitFor();
      visitor.done();
    });

    test("signs in to the chat, with a token for the page of the server", async () => {
      await using own = await apart({ isSameSite, vars: CHAT, outbound: model.outbound });
      await using tools = await scripted({ handlers: { "tools/list": () => ({ tools: [{ name: "add", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } }] }), "tools/call": () => ({ content: [{ type: "text", text: "3" }] }) } });
      model.answers.splice(0, Infinity, calls(["add", {}]), says("It is three."));
      await using visitor = await open(own, { allowed: [tools.origin] });
      const asked = [];
      visitor.context.on("request", (request) => new URL(request.url()).pathname === "/authorize" && asked.push(new URL(request.url()).searchParams.get("resource")));
      await visitor.connect(tools.url);
      await visitor.button("Chat").click();
      await visitor.page.getByRole("heading", { name: "Sign-in needed" }).waitFor();
      const card = visitor.page.getByRole("region", { name: "Sign-in needed" });
      await until(() => card.getByRole("button", { name: "Sign in" }).isEnabled(), "what the chat asks for");
      const popup = await popupOf(visitor, () => card.getByRole("button", { name: "Sign in" }).click());
      assert.match(await popup.locator("main").innerText(), /Chat with this server/);
      await approved(popup, "Ann of the chat");
      await visitor.button("Sign out of the chat").waitFor();
      assert.deepEqual([...new Set(asked.filter(Boolean))], [`${own.url}/playground`]);
      await visitor.page.getByLabel("Message").fill("Add");
      await visitor.button("Send").click();
      await visitor.page.getByRole("group", { name: "Call of add" }).getByRole("button", { name: "Allow once" }).click();
      await visitor.page.getByRole("log").getByText("It is three.").waitFor();
      visitor.done();
    });

    test("shows an app, of an opaque origin", async () => {
      await using own = await apart({ isSameSite });
      await using other = await appServer(withMessages(""));
      await using visitor = await open(own, { allowed: [other.origin] });
      await visitor.connect(other.url);
      await visitor.tool("show");
      await visitor.call();
      const frame = await appFrame(visitor);
      assert.equal(await frame.evaluate(() => started.then(() => origin)), "null");
      assert.ok(frame.url().startsWith(`${own.page.url}/playground/app`));
      visitor.done();
    });

    test("shows an app on an origin that is for apps alone", async () => {
      const folder = temporaryFolder("profile");
      await using own = await apart({ isSameSite, hasApps: true });
      await using other = await appServer(withMessages(""));
      const context = await launchProfile(folder, { thirdPartyCookies: true });
      context.on("close", () => removeFolder(folder));
      await using visitor = await open(own, { allowed: [other.origin, own.apps], by: { newContext: () => context } });
      await visitor.connect(other.url);
      await visitor.tool("show");
      await visitor.call();
      const frame = await appFrame(visitor);
      const reached = await frame.evaluate(async (server) => {
        await started;
        localStorage.setItem("kept", "yes");
        const isRefused = await Promise.resolve().then(() => parent.document.body).then(() => false, () => true);
        return { origin, kept: localStorage.getItem("kept"), isRefused, server: await fetch(`${server}/`).then(() => true, () => false) };
      }, own.url);
      assert.deepEqual(reached, { origin: own.apps, kept: "yes", isRefused: true, server: false });
    });

    describe("has no power over a consent", () => {
      // As a script of the page has it, after a click of the person.
      async function attacker(own) {
        const visitor = await open(own, { allowed: [landed.url] });
        const of = await client(own, { redirect: landed.url, client_name: "Attacker" });
        await visitor.page.mouse.click(5, 5);
        return { visitor, link: of.link(), before: landed.answers.length };
      }

      test("in a window that it opened: the document is out of its reach, whatever the person clicks there", async () => {
        await using own = await apart({ isSameSite });
        const { visitor, link, before } = await attacker(own);
        await using _ = visitor;
        const popup = await popupOf(visitor, () => visitor.page.evaluate((link) => void (globalThis.opened = open(link)), link));
        const reached = await visitor.page.evaluate(() => {
          const tries = {
            document: () => opened.document,
            location: () => opened.location.href,
            frames: () => opened.eval,
            listener: () => opened.addEventListener("click", () => {}),
            domain: () => ((document.domain = location.hostname), opened.document),
          };
          return Object.entries(tries).map(([name, reach]) => {
            try {
              return [name, String(reach())];
            } catch (error) {
              return [name, error.name];
            }
          });
        });
        assert.deepEqual(reached, ["document", "location", "frames", "listener", "domain"].map((name) => [name, "SecurityError"]));
        await popup.getByRole("heading").first().click();
        await popup.getByLabel("Your name").fill("Ann");
        assert.equal(await popup.getByRole("button", { name: "Approve" }).isVisible(), true);
        assert.equal(landed.answers.length, before);
      });

      test("by requests with the person's cookies", async () => {
        await using own = await apart({ isSameSite });
        const { visitor, link, before } = await attacker(own);
        await using _ = visitor;
        const failed = await visitor.page.evaluate(async ([link, account]) => {
          const fails = (url, options) => fetch(url, { credentials: "include", ...options }).then(() => false, () => true);
          const body = new URLSearchParams({ do: "end-all", decision: "approve", name: "Mallory", flow: "x", csrf: "x" });
          await fetch(link, { method: "POST", body, credentials: "include", mode: "no-cors" });
          return [await fails(link), await fails(account), await fails(account, { method: "POST", body })];
        }, [link, `${own.url}/account`]);
        assert.deepEqual(failed, [true, true, true]);
        assert.equal(landed.answers.length, before);
      });
    });
  });

// The reason for the origin: what a click in the window is meant for, no header tells.
test("a script of a page on the server's own origin makes any click in the window an approval", async () => {
  const shared = await fixture({ vars: DEMO, playground: true });
  try {
    await using visitor = await visit(browser, shared, { allowed: [landed.url] });
    const of = await client(shared, { redirect: landed.url, client_name: "Attacker" });
    await visitor.page.mouse.click(5, 5);
    const press = async (link) => {
      const opened = open(link);
      const approve = () => opened.document.querySelector("button[value=approve]");
      while (!approve()) await new Promise((done) => setTimeout(done, 20));
      opened.document.querySelector("#name").value = "Mallory";
      opened.document.addEventListener("click", () => approve().form.requestSubmit(approve()));
      opened.document.body.dataset.ready = "yes";
    };
    const [popup] = await Promise.all([visitor.context.waitForEvent("page"), visitor.page.evaluate(press, of.link())]);
    await popup.locator("[data-ready]").waitFor();
    await popup.getByRole("heading").first().click();
    await popup.waitForURL(`${landed.url}?**`);
  } finally {
    await shared.stop();
  }
});

describe("hosts", () => {
  test("each serve their own part: the server's leads to the page, and the page's has nothing of the server", async () => {
    await using own = await apart();
    await using visitor = await open(own);
    const { page } = visitor;
    await page.goto(`${own.url}/playground?tool=whoami_user&args=%7B%7D`);
    assert.equal(page.url(), `${own.page.url}/playground?tool=whoami_user&args=%7B%7D`);
    await visitor.button("Connect").waitFor();
    await page.goto(own.url);
    await page.getByRole("link", { name: "Try it here" }).click();
    await page.waitForURL(`${own.page.url}/playground`);
    await visitor.button("Connect").waitFor();
    const [shell] = await page.evaluate(() => [...document.scripts].map(({ src }) => new URL(src).pathname));
    assert.equal((await fetch(own.page.url + shell)).status, 200);
    for (const path of [shell, "/playground/config.json", "/playground/client.json", "/playground/callback", "/playground/app"]) assert.equal((await fetch(own.url + path, { redirect: "manual" })).status, 404, path);
    for (const path of ["/", "/mcp", "/sse", "/authorize", "/account", "/token", "/.well-known/oauth-authorization-server", "/style.css"]) assert.equal((await fetch(own.page.url + path)).status, 404, path);
    visitor.done();
  });

  test("that serve the page's files before the Worker have the remedy in the log and at /", async () => {
    await using own = await apart({ playground: true });
    await using visitor = await open(own);
    const told = /add run_worker_first = \["\/playground\*"\]/;
    await own.worker.log(({ text }) => told.test(text));
    await visitor.page.goto(own.url);
    await visitor.page.locator(".problem", { hasText: told }).waitFor();
  });

  test("that serve the page's files after the Worker have no such warning", async () => {
    await using own = await apart({ vars: { IDENTITY_PROVIDER: "none" } });
    await using visitor = await open(own);
    await visitor.connect();
    await visitor.page.goto(own.url);
    await visitor.page.getByRole("link", { name: "Try it here" }).waitFor();
    assert.equal(await visitor.page.getByText("run_worker_first").count(), 0);
  });

  test("have no playground while PLAYGROUND_SERVER_ORIGIN cannot be read, and the reason is at /", async () => {
    await using own = await apart({ vars: { PLAYGROUND_SERVER_ORIGIN: "" } });
    for (const origin of [own.url, own.page.url]) assert.equal((await fetch(`${origin}/playground`)).status, 404);
    await using visitor = await visit(browser, { url: own.url });
    await visitor.page.goto(own.url);
    await visitor.page.locator(".problem", { hasText: "PLAYGROUND_SERVER_ORIGIN is not" }).waitFor();
    assert.equal(await visitor.page.getByRole("link", { name: "Try it here" }).count(), 0);
  });
});
