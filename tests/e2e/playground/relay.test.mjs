// The playground's relay as a person uses it: where a server's CORS lets no page in, and only after their yes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, beforeEach, describe, test } from "node:test";
import { launch } from "../../support/browser.mjs";
import { visit } from "../../support/playground.mjs";
import { SERVER, TOKEN, reachable, withoutCors } from "../../support/relayed.mjs";
import { DEMO } from "../../support/sign-in.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const OFFER = "Use the relay of this deployment";
const YES = "Yes, reach server.example through it";

const web = await withoutCors();
const vars = { PLAYGROUND_RELAY: "on" };
const server = await fixture({ playground: true, vars, outbound: web.outbound });
const browser = await launch();

after(async () => {
  await browser.close();
  await server.stop();
  await web.stop();
});

beforeEach(() => {
  web.requests.length = 0;
  Object.assign(web, { isPrivate: false, away: false });
});

// Connections that came through a relay. What ends an earlier one may come late.
const begun = () => web.requests.filter(({ text }) => /"method":"(initialize|server\/discover)"/.test(text)).length;

// A visitor in front of servers that answer no page.
async function visiting(at = server, options = {}) {
  const visitor = await visit(browser, at, { allowed: ["https://server.example", "https://as.example", "https://other.example"], ...options });
  return Object.assign(visitor, { direct: await reachable(visitor.context) });
}

async function attempt(visitor, url = SERVER) {
  await visitor.page.getByLabel("Address", { exact: true }).fill(url);
  await visitor.button("Connect").click();
}

async function accept(visitor) {
  await visitor.button(OFFER).click();
  await visitor.button(YES).click();
}

async function connected(at, options) {
  const visitor = await visiting(at, options);
  await attempt(visitor);
  await accept(visitor);
  await visitor.button("Disconnect").waitFor();
  return visitor;
}

// The browser tells of each answer that its CORS rules hide.
const withoutCorsNotes = ({ complaints }) => complaints.filter((text) => !/CORS policy/.test(text));

describe("the relay in the page", () => {
  test("is used after the person's yes alone, which says that tokens pass through this deployment", async () => {
    await using visitor = await visiting();
    await attempt(visitor);
    await visitor.button(OFFER).waitFor();
    assert.match(await visitor.page.getByRole("alert").innerText(), /Access-Control-Allow-Origin/);
    assert.equal(begun(), 0);
    await visitor.button(OFFER).click();
    const card = visitor.page.getByRole("region", { name: "Reach server.example through this deployment?" });
    const { host } = new URL(server.url);
    assert.match(await card.innerText(), new RegExp(`requests to server\\.example[^]*through ${host}[^]*Tokens and answers pass through that Worker, so its operator could read them`));
    assert.equal(await card.getByRole("heading").evaluate((heading) => heading === document.activeElement), true);
    await visitor.button("No").click();
    await card.waitFor({ state: "detached" });
    assert.equal(begun(), 0);
    const before = visitor.direct.length;
    await accept(visitor);
    await visitor.button("Disconnect").waitFor();
    await visitor.page.getByText(`Requests to server.example go through ${host}, tokens among them.`).waitFor();
    await visitor.tool("echo");
    await visitor.argument("echo", "/text").fill("hello");
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /echo: hello/);
    assert.deepEqual(visitor.direct.slice(before), [], "nothing went there directly");
    assert.ok(web.requests.every(({ host, url }) => host === "server.example" && url === "/mcp"));
    const { headers } = web.requests.at(-1);
    assert.equal(headers["mcp-session-id"], "the-session-of-the-server");
    assert.deepEqual([headers.origin, headers.cookie, headers["x-target-url"]], [undefined, undefined, undefined]);
    assert.deepEqual(withoutCorsNotes(visitor), []);
  });

  test("is not offered where it is off", async () => {
    await using off = await fixture({ playground: true, outbound: web.outbound });
    await using visitor = await visiting(off);
    await attempt(visitor);
    await visitor.page.getByRole("alert").getByText("Access-Control-Allow-Origin: ").waitFor();
    assert.equal(await visitor.button(OFFER).count(), 0);
    assert.equal(begun(), 0);
  });

  test("is for the one server that the person said yes to, until they end it, leave or save it", async () => {
    await using visitor = await connected();
    const { page } = visitor;
    await visitor.button("Disconnect").click();
    await attempt(visitor, "https://other.example/mcp");
    await visitor.button(OFFER).waitFor();
    assert.ok(!web.requests.some(({ host }) => host === "other.example"));
    await attempt(visitor);
    await visitor.button("Disconnect").waitFor();
    await visitor.button("Stop using the relay").click();
    await visitor.button("Connect").waitFor();
    web.requests.length = 0;
    await visitor.button("Connect").click();
    await visitor.button(OFFER).waitFor();
    assert.equal(begun(), 0);
    await accept(visitor);
    await visitor.button("Disconnect").waitFor();
    assert.ok(!/playground\/relay/.test(await page.evaluate(() => JSON.stringify({ ...localStorage }))));
    await page.reload();
    web.requests.length = 0;
    await visitor.button("Connect").click();
    await visitor.button(OFFER).waitFor();
    assert.equal(begun(), 0);
  });

  test("is not that of a server whose connection was given up while the relay's part of the page was loading", async () => {
    await using visitor = await visiting();
    const { page, context } = visitor;
    await attempt(visitor);
    await visitor.button(OFFER).click();
    const held = [];
    await context.route(/\/playground\/part-.*\.js$/, (route) => void held.push(route));
    await visitor.button(YES).click();
    await until(() => held.length > 0, "the part");
    await visitor.button("Stop").click();
    await page.getByLabel("Address", { exact: true }).fill(`${server.url}/mcp`);
    await visitor.button("Connect").click();
    // With whatever the second connection loads, all parts come.
    await context.unroute(/\/playground\/part-.*\.js$/);
    await Promise.all(held.map((route) => route.continue()));
    await visitor.button("Disconnect").waitFor();
    const relayed = [];
    page.on("request", (request) => request.url().endsWith("/playground/relay") && relayed.push(request.url()));
    await visitor.tool("echo");
    await visitor.json({ text: "of this server" });
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /of this server/);
    assert.deepEqual(relayed, []);
    assert.equal(begun(), 0);
  });

  test("ends the session when the person disconnects, and when they leave the page", async () => {
    await using visitor = await connected();
    const ended = () => web.requests.filter(({ method, headers }) => method === "DELETE" && headers["mcp-session-id"] === "the-session-of-the-server").length;
    await visitor.button("Disconnect").click();
    await until(() => ended() === 1, "the end of the first session");
    await visitor.button("Connect").click();
    await visitor.button("Disconnect").waitFor();
    await visitor.tool("echo");
    await visitor.page.goto("about:blank");
    await until(() => ended() === 2, "the end of the second session");
  });

  test("passes a stream on as it comes, with what cancels its call, and ends it at the server with the connection", async () => {
    await using visitor = await connected();
    const closed = web.closed;
    await visitor.tool("slow");
    await visitor.call();
    await visitor.page.getByText("It has begun").waitFor();
    await visitor.page.locator(".use").first().getByRole("button", { name: "Cancel" }).click();
    await until(() => web.requests.some(({ text }) => /notifications\/cancelled/.test(text)), "the cancellation");
    await visitor.button("Disconnect").click();
    await until(() => web.closed > closed, "the end of the stream");
  });

  test("takes the requests of a sign-in the same way, and shows no token", async () => {
    web.isPrivate = true;
    await using visitor = await visiting();
    await attempt(visitor);
    await accept(visitor);
    const card = visitor.page.getByRole("region", { name: "Sign-in needed" });
    await card.getByText("as.example").first().waitFor();
    const before = visitor.direct.length;
    await card.getByRole("button", { name: "Sign in" }).click();
    await visitor.button("Disconnect").waitFor();
    const steps = web.requests.filter(({ host }) => host === "as.example").map(({ method, url }) => `${method} ${url}`);
    assert.deepEqual(steps.slice(-2), ["POST /register", "POST /token"]);
    assert.ok(web.requests.some(({ url, headers }) => url === "/mcp" && headers.authorization === `Bearer ${TOKEN}`));
    assert.deepEqual(visitor.direct.slice(before), []);
    assert.ok(!(await visitor.page.content()).includes(TOKEN));
    assert.ok(!server.logs.some(({ text }) => text.includes(TOKEN) || text.includes("the-code-of-the-authority")));
  });

  test("says what the relay refuses, apart from what the server says", async () => {
    await using listed = await fixture({ playground: true, vars: { ...vars, PLAYGROUND_RELAY_HOSTS: "only.example" }, outbound: web.outbound });
    await using refused = await visiting(listed);
    await attempt(refused);
    await accept(refused);
    await refused.page.getByText("The relay does not send to server.example.").waitFor();
    assert.equal(begun(), 0);
    web.away = true;
    await using visitor = await visiting();
    await attempt(visitor);
    await accept(visitor);
    await visitor.page.getByText("The relay cannot reach server.example either.").waitFor();
    assert.deepEqual(withoutCorsNotes(visitor), []);
  });

  for (const [name, options, offer] of [
    ["light", { colorScheme: "light" }, OFFER],
    ["dark, on a phone, in Chinese", { viewport: { width: 320, height: 640 }, colorScheme: "dark", locale: "zh-CN" }, "使用此部署的中继"],
  ])
    test(`is found to be accessible by axe, ${name}`, async () => {
      await using visitor = await visiting(server, options);
      const { page } = visitor;
      await page.locator("#address").fill(SERVER);
      await page.locator("form .button").first().press("Enter");
      await visitor.button(offer).press("Enter");
      const look = async (what) => {
        await page.evaluate(AXE);
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        assert.deepEqual(violations.map(({ id, nodes }) => `${what}: ${id}: ${nodes[0].html.slice(0, 200)}`), []);
        const { scroll, width } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: document.documentElement.clientWidth }));
        assert.ok(scroll <= width, `${what}: ${scroll} px wide in ${width}`);
      };
      const card = page.locator("section.card");
      await card.waitFor();
      await look("the question");
      await card.locator(".button").first().press("Enter");
      await page.locator(".facts .tag").first().waitFor();
      await look("the note");
    });
});

describe("a deployment with sign-in", () => {
  async function signedIn(visitor, name) {
    const card = visitor.page.getByRole("region", { name: "Sign-in needed" });
    await card.getByText("relay", { exact: true }).waitFor();
    const [popup] = await Promise.all([visitor.context.waitForEvent("page"), card.getByRole("button", { name: /Sign in|Try again/ }).click()]);
    assert.match(await popup.locator("main").innerText(), /Reach other servers through this one/);
    await popup.getByLabel("Your name").fill(name);
    const closed = popup.waitForEvent("close");
    await popup.getByRole("button", { name: "Approve" }).click();
    await closed;
    await visitor.button("Disconnect").waitFor();
  }

  const tokensOf = (page) => page.evaluate(() => Object.values({ ...sessionStorage }).flatMap((text) => /"access_token":"([^"]+)"/.exec(text)?.[1] ?? []));

  test("has the person sign in to the relay first, whose token goes to the relay alone", async () => {
    await using at = await fixture({ playground: true, vars: { ...DEMO, ...vars }, outbound: web.outbound });
    await using visitor = await visiting(at);
    await attempt(visitor);
    await accept(visitor);
    await visitor.page.getByText("Sign in to this deployment to use its relay.").waitFor();
    assert.equal(begun(), 0);
    await signedIn(visitor, "Ann of the relay");
    const [token] = await tokensOf(visitor.page);
    assert.ok(token && !JSON.stringify(web.requests).includes(token));
    assert.ok(!(await visitor.page.content()).includes(token));
    const { json: line } = await at.log(({ json }) => json?.event === "relay" && json.host === "server.example" && json.code === 200);
    assert.ok(line.handle && !/Ann/.test(JSON.stringify(line)));
    assert.equal((await fetch(`${at.url}/mcp`, { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: "{}" })).status, 401);

    // Disconnected on the account page, the relay asks for a sign-in anew.
    const account = await visitor.context.newPage();
    await account.goto(`${at.url}/account`);
    await account.getByLabel("Your name").fill("Ann of the relay");
    await account.getByRole("button", { name: /Sign in/ }).click();
    await account.getByRole("button", { name: "Disconnect", exact: true }).click();
    await account.getByText("The application is disconnected.").waitFor();
    await visitor.button("Disconnect").click();
    await visitor.button("Connect").waitFor();
    // A token that has ended is known for a second in an isolate.
    await until(async () => {
      if (await visitor.button("Disconnect").count()) await visitor.button("Disconnect").click();
      await visitor.button("Connect").click();
      await visitor.button("Disconnect").or(visitor.page.getByText("The relay does not accept your sign-in")).first().waitFor();
      return (await visitor.page.getByText("The relay does not accept your sign-in").count()) > 0;
    }, "the end of the access");
    await signedIn(visitor, "Ann of the relay");
  });

  test("adds the relay to a sign-in for the chat", async () => {
    const chat = { PLAYGROUND_CHAT: "openai", PLAYGROUND_CHAT_URL: "https://models.example/v1", PLAYGROUND_MODELS: "tiny" };
    await using at = await fixture({ playground: true, vars: { ...DEMO, ...vars, ...chat }, outbound: web.outbound });
    await using visitor = await visiting(at);
    await visitor.button("Chat").click();
    const card = visitor.page.getByRole("region", { name: "Sign-in needed" });
    await card.getByText("chat", { exact: true }).waitFor();
    assert.equal(await card.getByText("relay", { exact: true }).count(), 0);
    const [popup] = await Promise.all([visitor.context.waitForEvent("page"), card.getByRole("button", { name: "Sign in" }).click()]);
    await popup.getByLabel("Your name").fill("Bea");
    await popup.getByRole("button", { name: "Approve" }).click();
    await visitor.button("Sign out of the chat").waitFor();
    await attempt(visitor);
    await accept(visitor);
    await signedIn(visitor, "Bea");
    await visitor.button("Sign out of the chat").waitFor();
  });
});
