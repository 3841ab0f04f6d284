// Signing in from the playground, and that no script of its origin can consent in a person's place.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { inBrowser, visit } from "../../support/playground.mjs";
import { DEMO, client, landing, takes } from "../../support/sign-in.mjs";
import { WAIT_MS, bounded, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(fixture({ vars: DEMO, playground: true }));
const landed = await landing();
after(() => landed.stop());

// The card, once the server has asked for a sign-in.
async function asked(visitor) {
  await visitor.button("Connect").click();
  await visitor.page.getByRole("heading", { name: "Sign-in needed" }).waitFor();
  await until(() => visitor.button("Sign in").isEnabled(), "what the server asks for");
}

// The window of the authorization server, opened by a click on the card.
async function opened(visitor) {
  const [popup] = await Promise.all([visitor.context.waitForEvent("page"), visitor.page.getByRole("button", { name: /^(Sign in|Try again)$/ }).click()]);
  await popup.getByRole("button", { name: "Approve" }).waitFor();
  return popup;
}

async function approve(page, name = "Ann") {
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Approve" }).click();
}

async function signedIn(visitor, name) {
  await asked(visitor);
  const popup = await opened(visitor);
  const closed = popup.waitForEvent("close");
  await approve(popup, name);
  await closed;
  await visitor.button("Disconnect").waitFor();
}

const storedTokens = (visitor) => visitor.page.evaluate(() => Object.values({ ...sessionStorage }).flatMap((text) => /"access_token":"([^"]+)"/.exec(text)?.[1] ?? []));

describe("signing in", () => {
  test("begins with a card that names who asks and for what, and opens nothing", async () => {
    await using visitor = await visit(browser, server);
    await asked(visitor);
    const card = visitor.page.locator(".card");
    assert.match(await card.innerText(), new RegExp(`${new URL(server.url).host}[^]*Permissions asked for`));
    assert.equal(visitor.context.pages().length, 1);
    visitor.done();
  });

  test("goes through a window, whose answer arrives, and a call is that person's", async () => {
    await using visitor = await visit(browser, server);
    await signedIn(visitor, "Ann of the window");
    await visitor.tool("whoami_user");
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /Ann of the window/);
    visitor.done();
  });

  test("goes through the same tab where a window is blocked, and comes back without a code in the address", async () => {
    await using visitor = await visit(browser, server);
    const { page } = visitor;
    await page.evaluate(() => {
      window.open = () => null;
    });
    await asked(visitor);
    await visitor.button("Sign in").click();
    await approve(page);
    await page.waitForURL(`${server.url}/playground`);
    await visitor.button("Disconnect").waitFor();
    visitor.done();
  });

  test("that is denied says so, and can be tried again", async () => {
    await using visitor = await visit(browser, server);
    await asked(visitor);
    const popup = await opened(visitor);
    await popup.getByRole("button", { name: "Deny" }).click();
    await visitor.page.getByText(/access_denied/).waitFor();
    const again = await opened(visitor);
    await approve(again);
    await visitor.button("Disconnect").waitFor();
    visitor.done();
  });

  test("in a window that was closed can be cancelled, and tried again", async () => {
    await using visitor = await visit(browser, server);
    await asked(visitor);
    await (await opened(visitor)).close();
    await approve(await opened(visitor));
    await visitor.button("Disconnect").waitFor();
  });

  test("that is cancelled while the page registers has opened one window, and closes it", async () => {
    await using visitor = await visit(browser, server);
    const { page, context } = visitor;
    const [reached, released] = [Promise.withResolvers(), Promise.withResolvers()];
    await context.route("**/register", async (route) => {
      reached.resolve();
      await released.promise;
      await route.continue();
    });
    await asked(visitor);
    await page.evaluate(() => {
      const { open } = window;
      window.windows = 0;
      window.open = (...given) => (window.windows++, open.apply(window, given));
    });
    const [popup] = await Promise.all([context.waitForEvent("page"), visitor.button("Sign in").click()]);
    await bounded(reached.promise, WAIT_MS, "the registration");
    await visitor.button("Try again").click();
    assert.equal(await page.evaluate(() => window.windows), 1);
    await Promise.all([popup.waitForEvent("close"), visitor.button("Cancel").click()]);
    released.resolve();
    await asked(visitor);
    await approve(await opened(visitor));
    await visitor.button("Disconnect").waitFor();
    visitor.done();
  });

  test("takes no answer to another question", async () => {
    await using visitor = await visit(browser, server);
    await asked(visitor);
    const popup = await opened(visitor);
    const stranger = await visitor.context.newPage();
    await stranger.goto(`${server.url}/playground/callback?state=made-up&code=stolen`);
    await stranger.evaluate(() => {
      const channel = new BroadcastChannel("playground sign-in");
      channel.postMessage({ parameters: [["state", "other"], ["code", "x"]] });
      channel.postMessage({ parameters: "nonsense" });
      channel.postMessage(null);
    });
    assert.ok(!stranger.url().includes("stolen"), "a code does not stay in the address");
    await stranger.close();
    await approve(popup);
    await visitor.button("Disconnect").waitFor();
    visitor.done();
  });

  test("asks once more for what a tool needs besides, and then calls it", async () => {
    await using visitor = await visit(browser, server);
    await visitor.page.getByText("Options", { exact: true }).click();
    await visitor.page.getByLabel("Permissions to ask for").fill("read");
    // This server lists no tool that the token is not enough for; others do.
    await visitor.context.route(`${server.url}/mcp`, async (route) => {
      const response = await route.fetch();
      const text = await response.text();
      const isList = route.request().postData()?.includes('"tools/list"') && !text.includes('"admin_only"');
      const more = JSON.stringify({ name: "admin_only", inputSchema: { type: "object" } });
      await route.fulfill({ response, body: isList ? text.replace('"tools":[', `"tools":[${more},`) : text });
    });
    await signedIn(visitor, "Eve");
    await visitor.tool("admin_only");
    await visitor.call();
    await visitor.page.getByText(/needs more permissions/).waitFor();
    await until(() => visitor.button("Sign in").isEnabled(), "the scopes");
    assert.match(await visitor.page.locator(".card").innerText(), /admin/);
    await approve(await opened(visitor), "Eve");
    await until(async () => (await visitor.page.locator(".use .result").count()) > 0, "the result of the second call");
    visitor.done();
  });
});

describe("tokens", () => {
  test("stay with the tab: a reload keeps them, another tab has none", async () => {
    await using visitor = await visit(browser, server);
    await signedIn(visitor);
    await visitor.page.reload();
    await visitor.button("Connect").click();
    await visitor.button("Disconnect").waitFor();
    const other = await visitor.context.newPage();
    await other.goto(`${server.url}/playground`);
    await other.getByRole("button", { name: "Connect" }).click();
    await other.getByRole("heading", { name: "Sign-in needed" }).waitFor();
    assert.deepEqual(await other.evaluate(() => Object.values({ ...localStorage }).filter((text) => text.includes("token"))), []);
  });

  test("are in no text of the page, its addresses, storage, console, trace and copies, and neither are codes and verifiers", async () => {
    await using visitor = await visit(browser, server);
    await signedIn(visitor);
    await visitor.tool("whoami_user");
    await visitor.call();
    await visitor.result();
    await visitor.secrets.check(visitor.page);
    const known = new Set(visitor.secrets.names.map((name) => name.split(" ")[0]));
    for (const name of ["access_token", "refresh_token", "code", "code_verifier"]) assert.ok(known.has(name), `${name} of ${[...known]}`);
    assert.match(await visitor.page.content(), /\/token/);
  });

  const LEFT = {
    "the page": (secret) => (document.querySelector("main").dataset.left = secret),
    localStorage: (secret) => localStorage.setItem("left", secret),
    sessionStorage: (secret) => sessionStorage.setItem("left", secret),
    "the console": (secret) => console.info(secret),
    "the history": (secret) => history.pushState(null, "", `?left=${encodeURIComponent(secret)}`),
  };
  for (const [where, leave] of Object.entries(LEFT))
    test(`that are left in ${where} are found at the end of a visit`, async () => {
      const visitor = await visit(browser, server);
      try {
        await signedIn(visitor);
        const [token] = await storedTokens(visitor);
        await visitor.page.evaluate(leave, token);
        await assert.rejects(visitor.secrets.check(visitor.page), new RegExp(`access_token.* is in ${where}`));
      } finally {
        await visitor.context.close();
      }
    });

  test("are revoked and forgotten when the person signs out", async () => {
    await using visitor = await visit(browser, server);
    await signedIn(visitor);
    const [token] = await storedTokens(visitor);
    assert.ok(await takes(server, token));
    await visitor.button("Sign out").click();
    await until(async () => (await storedTokens(visitor)).length === 0, "an empty storage");
    await until(async () => !(await takes(server, token)), "the token's end");
  });
});

describe("a script of the page cannot consent", () => {
  // As an attacker's script would have it: the page's own powers, after a click of the person on it.
  async function attacker() {
    const visitor = await visit(browser, server);
    const of = await client(server, { redirect: landed.url, client_name: "Attacker" });
    await visitor.page.mouse.click(5, 5);
    return { visitor, page: visitor.page, link: of.link(), before: landed.answers.length };
  }

  const nothingCame = ({ before }) => assert.equal(landed.answers.length, before);

  test("by fetch, which the answer tells", async () => {
    const attack = await attacker();
    await using _ = attack.visitor;
    const answer = await attack.page.evaluate(async (link) => {
      const html = await (await fetch(link)).text();
      const field = (name) => new RegExp(`name="${name}" value="([^"]+)"`).exec(html)[1];
      const body = new URLSearchParams({ flow: field("flow"), csrf: field("csrf"), decision: "approve", name: "Mallory" });
      const response = await fetch("/authorize", { method: "POST", body, redirect: "manual" });
      return { status: response.status, text: await response.text() };
    }, attack.link);
    assert.equal(answer.status, 403);
    assert.match(answer.text, /not sent by a click/);
    nothingCame(attack);
  });

  test("by a form or a frame of the page", async () => {
    const attack = await attacker();
    await using _ = attack.visitor;
    const reports = await attack.page.evaluateHandle(() => {
      const reports = [];
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => reports.push(effectiveDirective));
      return reports;
    });
    const isReached = await attack.page.evaluate(async (link) => {
      const form = document.createElement("form");
      form.method = "post";
      form.action = "/authorize";
      document.body.append(form);
      form.submit();
      const frame = document.createElement("iframe");
      frame.src = link;
      document.body.append(frame);
      await new Promise((done) => frame.addEventListener("load", done));
      // Of the page's own origin, what is shown in the frame could be reached.
      return frame.contentDocument !== null;
    }, attack.link);
    assert.equal(isReached, false);
    await until(async () => (await reports.jsonValue()).length > 0, "a report of the form");
    assert.deepEqual(await reports.jsonValue(), ["form-action"]);
    nothingCame(attack);
  });

  for (const how of ["click()", "requestSubmit()", "an event of its own"])
    test(`by ${how} in a window that it opened`, async () => {
      const attack = await attacker();
      await using _ = attack.visitor;
      const press = async ([link, how]) => {
        const opened = window.open(link);
        const approve = () => opened.document.querySelector("button[value=approve]");
        while (!approve()) await new Promise((done) => setTimeout(done, 20));
        opened.document.querySelector("#name").value = "Mallory";
        if (how === "click()") approve().click();
        else if (how === "requestSubmit()") approve().form.requestSubmit(approve());
        else approve().dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
      };
      const [popup] = await Promise.all([attack.visitor.context.waitForEvent("page"), attack.page.evaluate(press, [attack.link, how])]);
      await popup.getByText(/not sent by a click/).waitFor();
      nothingCame(attack);
    });

  test("nor do anything on the account page", async () => {
    const attack = await attacker();
    await using _ = attack.visitor;
    const statuses = await attack.page.evaluate(async () => {
      const post = async (fields) => (await fetch("/account", { method: "POST", body: new URLSearchParams(fields), redirect: "manual" })).status;
      return [await post({ do: "sign-in", name: "Mallory" }), await post({ do: "end-all" })];
    });
    assert.deepEqual(statuses, [403, 403]);
  });

  test("while a person's click does", async () => {
    const page = await browser.newPage();
    const of = await client(server, { redirect: landed.url });
    await page.goto(of.link());
    await approve(page, "A person");
    await page.waitForURL(`${landed.url}?**`);
    await page.close();
  });
});
