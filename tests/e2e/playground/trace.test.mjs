// The playground's trace: what it has, what is found in it, what is masked, how much it holds, and how a sign-in shows in it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, describe, test } from "node:test";
import { launch } from "../../support/browser.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { DEMO } from "../../support/sign-in.mjs";
import { until } from "../../support/wait.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(demo({ playground: true }));

const OLD = { version: "2025-11-25" };

const tool = (name) => ({ name, inputSchema: { type: "object" } });

async function connected(other, options = {}) {
  const visitor = await visit(browser, server, { allowed: [other.origin], ...options });
  await visitor.connect(other.url, OLD);
  return visitor;
}

const entries = (visitor) => visitor.page.locator(".trace .scroller > ol > li[data-key]");

const show = (visitor, label) => visitor.page.getByLabel("Messages to show").selectOption({ label });

async function use(visitor, name, args) {
  await visitor.page.getByRole("tab", { name: /^Tools/ }).click();
  await visitor.tool(name);
  if (args) await visitor.json(args);
  await visitor.call();
  await visitor.result();
}

/** Opens an entry, and gives what stands in it. */
async function opened(visitor, title, at = 0) {
  const entry = entries(visitor).filter({ hasText: title }).nth(at);
  await entry.locator("summary").first().click();
  await entry.locator(".opened").waitFor();
  return entry;
}

describe("what is shown of the trace", () => {
  const calls = { good: { content: [{ type: "text", text: "a needle here" }] }, wrong: { error: { code: -32602, message: "Not so." } } };

  test("is chosen by direction, method, errors, and texts of bodies", async () => {
    await using other = await scripted({ handlers: { "tools/list": () => ({ tools: [tool("good"), tool("wrong")] }), "tools/call": ({ name }) => calls[name] } });
    await using visitor = await connected(other);
    await use(visitor, "good");
    await use(visitor, "wrong");
    const all = await visitor.trace();
    const counted = async (label) => {
      await show(visitor, label);
      return entries(visitor).count();
    };
    assert.equal((await counted("Sent")) + (await counted("Received")) + (await counted("Other requests")) + (await entriesOf(visitor, ".arrow.told")), all.length);
    await show(visitor, "Errors");
    await until(async () => (await visitor.page.locator(".trace .entry").allInnerTexts()).every((text) => /error|\b4\d\d\b/.test(text)), "only errors");
    await show(visitor, "Everything");
    await visitor.page.getByLabel("Method").selectOption("tools/call");
    assert.deepEqual(await visitor.page.locator(".trace .entry b").allInnerTexts(), ["tools/call", "tools/call", "tools/call", "tools/call"]);
    await visitor.page.getByLabel("Filter").fill("NEEDLE");
    await until(async () => (await entries(visitor).count()) === 1, "what the text is in");
    visitor.done();
  });

  const entriesOf = async (visitor, selector) => {
    await show(visitor, "Everything");
    return visitor.page.locator(`.trace ${selector}`).count();
  };

  test("names the answer of a request, its duration, the version, and the stream that it came in", async () => {
    const answer = (request, text, response) => {
      if (!text.includes('"tools/call"')) return false;
      const { id } = JSON.parse(text);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`: hello\nid: event-7\ndata: {"jsonrpc":"2.0",\ndata: "id":${id},"result":{"content":[]}}\n\n`);
      return true;
    };
    await using other = await scripted({ answer, handlers: { "tools/list": () => ({ tools: [tool("streamed")] }) } });
    await using visitor = await connected(other);
    await use(visitor, "streamed");
    await visitor.trace();
    await visitor.page.getByLabel("Method").selectOption("tools/call");
    const result = await opened(visitor, "tools/call", 0);
    assert.match(await result.innerText(), /\d+ ms[^]*2025-11-25[^]*with initialize[^]*event stream that answers entry \d+ Event id event-7/);
    await result.getByRole("button", { name: "Go to the request" }).click();
    const request = entries(visitor).filter({ has: visitor.page.locator(".arrow.out") });
    await request.locator(".opened").waitFor();
    assert.match(await request.innerText(), /POST [^]*Go to the answer/);
    visitor.done();
  });

  test("says of headers of another origin that they are hidden, and of the same that nothing is", async () => {
    await using other = await scripted({ session: "of-this-test" });
    await using visitor = await connected(other);
    await visitor.trace();
    const text = await (await opened(visitor, "initialize", 2)).innerText();
    assert.match(text, /mcp-session-id: of-this-test[^]*Hidden, if they were there: www-authenticate, retry-after/);
    await using own = await visit(browser, server);
    await own.connect();
    await own.trace();
    assert.ok(!/Hidden, if/.test(await (await opened(own, "tools/list", 1)).innerText()));
  });

  test("lists where a message deviates from the schema of its version", async () => {
    await using other = await scripted({ handlers: { "tools/list": () => ({ tools: [{ ...tool("odd"), description: 5, annotations: { readOnlyHint: "yes" } }] }) } });
    await using visitor = await connected(other);
    await visitor.trace();
    await show(visitor, "Deviations from the schema");
    const entry = await opened(visitor, "tools/list");
    assert.match(await entry.innerText(), /deviations: 2[^]*\/result\/tools\/0\/description It has to be of type string[^]*\/result\/tools\/0\/annotations\/readOnlyHint It has to be of type boolean/);
    assert.equal(await entries(visitor).count(), 1);
    visitor.done();
  });
});

describe("secrets in the trace", () => {
  const token = "planted-token-of-this-test";
  const handlers = {
    "tools/list": () => ({ tools: [tool("login")] }),
    "tools/call": () => ({ content: [{ type: "text", text: `you are ${token}` }] }),
  };

  async function withSecrets(other) {
    const visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.page.getByText("Options", { exact: true }).click();
    await visitor.page.getByLabel("Bearer token").fill(token);
    await visitor.connect(other.url);
    await visitor.tool("login");
    await visitor.json({ password: "planted-password", user: "ann" });
    await visitor.call();
    await visitor.result();
    await visitor.trace();
    return visitor;
  }

  test("are masked by header, by field, and by value wherever it stands; only in place the masks are taken off", async () => {
    await using other = await scripted({ handlers });
    await using visitor = await withSecrets(other);
    await visitor.openTrace();
    const trace = visitor.page.locator(".trace");
    assert.match(await trace.innerText(), /you are ••••[^]*"password": "••••"[^]*"user": "ann"/);
    assert.ok(!/planted/.test(await trace.innerHTML()));
    const call = entries(visitor).filter({ hasText: '"password"' });
    await call.getByRole("button", { name: "Show secrets" }).click();
    await call.getByText("planted-password").waitFor();
    assert.match(await call.innerText(), new RegExp(`authorization: Bearer ${token}`));
    assert.equal(await entries(visitor).filter({ hasText: token }).count(), 1);
    await call.locator("summary").first().click();
    await until(async () => !/planted/.test(await trace.innerHTML()), "masks again");
  });

  test("are in no file; a file is shown, marked where it differs, and nothing of it is sent", async () => {
    await using other = await scripted({ handlers });
    await using visitor = await withSecrets(other);
    const { page } = visitor;
    const [download] = await Promise.all([page.waitForEvent("download"), visitor.button("Export").click()]);
    const text = readFileSync(await download.path(), "utf8");
    assert.ok(!/planted/.test(text) && text.includes("••••"));
    const file = JSON.parse(text);
    const call = file.entries.find(({ title, direction }) => title === "tools/call" && direction === "out");
    call.http.requestHeaders = [["mcp-method", "tools/list"], ["mcp-name", "login"], ["mcp-param-region", "eu"]];
    file.entries.push({ number: 1000, title: 5, direction: "sideways", http: { url: "javascript:alert(1)" }, body: ["x"] });
    const sent = other.requests.length;
    const take = (content) => page.locator(".trace input[type=file]").setInputFiles({ name: "trace.json", mimeType: "application/json", buffer: Buffer.from(content) });
    await take("{}");
    await page.getByRole("alert").filter({ hasText: "no trace of a playground" }).waitFor();
    await take(JSON.stringify(file));
    await page.getByText("These messages are from trace.json").waitFor();
    assert.equal(await entries(visitor).count(), file.entries.length);
    const entry = await opened(visitor, "tools/call", 1);
    assert.match(await entry.innerText(), /mcp-method: tools\/list says something else than the body \(tools\/call\)[^]*mcp-param-region: eu says something else/);
    assert.ok(!/mcp-name: login says/.test(await entry.innerText()));
    assert.equal(other.requests.length, sent);
    await visitor.button("Back to this connection").click();
    await entries(visitor).filter({ hasText: "tools/list" }).first().waitFor();
    visitor.done();
  });

  test("are variables in a request that is copied", async () => {
    await using other = await scripted({ handlers });
    await using visitor = await withSecrets(other);
    const call = await opened(visitor, "tools/call", 1);
    await call.getByText("Copy this request").click();
    assert.match(await call.locator(".copy pre").innerText(), /"authorization: Bearer \$TOKEN"/);
  });
});

describe("50,000 messages", () => {
  const COUNT = 50_000;

  // Resident memory of the processes of pages, without what they share.
  async function memory(visitor) {
    const session = await visitor.context.browser().newBrowserCDPSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    await session.detach();
    return processInfo.filter(({ type }) => type === "renderer").reduce((sum, { id }) => sum + Number(/RssAnon:\s*(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, "utf8"))[1]) * 1024, 0);
  }

  // Collects garbage of the page and of its Web Worker.
  async function collected(page) {
    for (const one of [page, ...page.workers()]) await one.evaluate(() => globalThis.gc());
    const session = await page.context().newCDPSession(page);
    await session.send("Memory.simulatePressureNotification", { level: "critical" });
    await session.detach();
  }

  test("take less than 150 MB, scroll with few rows drawn, and are paused, pinned and cleared", async () => {
    const answer = (_, text, response) => {
      if (!text.includes('"tools/call"')) return false;
      response.writeHead(200, { "content-type": "text/event-stream" });
      const filler = "x".repeat(150);
      for (let at = 0; at < COUNT; at += 1000) response.write(Array.from({ length: 1000 }, (_, next) => `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"${at + next} ${filler}"}}\n\n`).join(""));
      response.end(`data: {"jsonrpc":"2.0","id":${JSON.parse(text).id},"result":{"content":[]}}\n\n`);
      return true;
    };
    await using other = await scripted({ answer, handlers: { "tools/list": () => ({ tools: [tool("many")] }) } });
    const lone = await launch("--js-flags=--expose-gc");
    try {
      await using visitor = await visit(lone, server, { allowed: [other.origin] });
      await visitor.connect(other.url, OLD);
      const { page } = visitor;
      await visitor.trace();
      await visitor.button("Pause").click();
      const before = await memory(visitor);
      await use(visitor, "many");
      await page.getByRole("tab", { name: /^Messages/ }).click();
      await page.getByText(/^\d{5} more since/).or(page.getByRole("tab", { name: `Messages ${COUNT}` })).first().waitFor();
      let taken;
      const isSmall = async () => {
        await collected(page);
        taken = (await memory(visitor)) - before;
        return taken < 150_000_000;
      };
      await until(isSmall, () => `less than ${taken} bytes`, { every: 500 });
      await page.getByText("Pause", { exact: true }).waitFor();
      if ((await visitor.button("Pause").getAttribute("aria-pressed")) === "true") await visitor.button("Pause").click();
      const scroller = page.locator(".scroller");
      await scroller.waitFor();
      await until(() => scroller.evaluate((box) => box.scrollHeight > 1_000_000), "all rows");
      const drawn = await scroller.evaluate(async (box) => {
        const counts = [];
        for (const part of [0.1, 0.5, 0.9, 1]) {
          box.scrollTop = box.scrollHeight * part;
          await new Promise((frame) => requestAnimationFrame(() => requestAnimationFrame(frame)));
          const at = box.getBoundingClientRect();
          const row = document.elementFromPoint(at.left + 40, at.top + at.height / 2).closest("li[data-key]");
          counts.push([box.querySelectorAll("li[data-key]").length, row !== null]);
        }
        return counts;
      });
      for (const [count, isThere] of drawn) assert.ok(count < 150 && isThere, JSON.stringify(drawn));
      await page.getByLabel("Method").selectOption("tools/call");
      const call = await opened(visitor, "tools/call", 0);
      await call.getByRole("button", { name: "Pin" }).click();
      await page.getByLabel("Method").selectOption({ label: "All methods" });
      await visitor.button("Clear").click();
      await until(async () => (await entries(visitor).count()) === 1, "what was pinned");
      assert.match(await entries(visitor).innerText(), /tools\/call[^]*pinned/);
    } finally {
      await lone.close();
    }
  });
});

test("a sign-in is shown step by step, each request with its answer, and no secret in it", async () => {
  const closed = await fixture({ vars: DEMO, playground: true });
  try {
    await using visitor = await visit(browser, closed);
    const { page } = visitor;
    await visitor.button("Connect").click();
    await until(() => visitor.button("Sign in").isEnabled().catch(() => false), "what the server asks for");
    const [popup] = await Promise.all([visitor.context.waitForEvent("page"), visitor.button("Sign in").click()]);
    await popup.getByLabel("Your name").fill("Ann");
    await Promise.all([popup.waitForEvent("close"), popup.getByRole("button", { name: "Approve" }).click()]);
    await visitor.button("Disconnect").waitFor();
    await visitor.trace();
    await show(visitor, "Sign-in, step by step");
    const steps = page.locator(".steps > li");
    await steps.first().waitFor();
    const texts = await steps.allInnerTexts();
    for (const [at, expected] of [/Challenge[^]*401/, /Protected resource metadata[^]*oauth-protected-resource[^]*200/, /Authorization server metadata[^]*200/, /Client registration[^]*POST[^]*201/, /Authorization[^]*\/authorize/, /Authorization response[^]*\/playground\/callback/, /Token[^]*POST[^]*200/].entries()) assert.match(texts[at], expected);
    await visitor.openTrace();
    const trace = await page.locator(".trace").innerText();
    assert.match(trace, /code_challenge_method=S256[^]*state=••••/);
    assert.match(trace, /grant_type=authorization_code/);
    assert.match(trace, /"access_token": "••••"/);
    const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage }));
    for (const secret of kept.match(/(?<="(access_token|refresh_token|verifier)\\*":\\*")[\w.~-]{20,}/g)) assert.ok(!trace.includes(secret), secret);
    visitor.done();
  } finally {
    await closed.stop();
  }
});
