// Every page that people see, audited by axe: in light and dark, wide and narrow, in both languages. Screenshots go to the
// folder that SCREENSHOTS names.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { launch } from "../../support/browser.mjs";
import { root } from "../../support/child.mjs";
import { open } from "../../support/mcp.mjs";
import { DEMO, client, landing } from "../../support/sign-in.mjs";
import { WAIT_MS, until } from "../../support/wait.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCREENSHOTS = process.env.SCREENSHOTS ?? join(root, "tests/e2e/screenshots");
mkdirSync(SCREENSHOTS, { recursive: true });

const SIZES = { narrow: { width: 360, height: 740 }, wide: { width: 1280, height: 800 } };
const LANGUAGES = { en: "en-GB", "zh-Hans": "zh-CN" };

const GITHUB = { IDENTITY_PROVIDER: "github", GITHUB_CLIENT_ID: "id", GITHUB_CLIENT_SECRET: "secret" };
const servers = {
  open: await demo(),
  demo: await fixture({ vars: DEMO }),
  github: await fixture({ vars: GITHUB }),
  broken: await fixture({ vars: { IDENTITY_PROVIDER: "github" } }),
};
const browser = await launch();
const landed = await landing();
after(async () => {
  await browser.close();
  await landed.stop();
  for (const server of Object.values(servers)) await server.stop();
});

// What axe finds on the page, or could not find out. It is run from outside, so the page's policy stays as it is. Ornaments
// go meanwhile: over one of them axe cannot tell the colour behind a text, and leaves the contrast open.
async function audit(page) {
  await page.evaluate(AXE);
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("*::before, *::after { content: none !important }");
    document.adoptedStyleSheets = [sheet];
  });
  const { violations, incomplete } = await page.evaluate(() => window.axe.run({ resultTypes: ["violations", "incomplete"] }));
  await page.evaluate(() => {
    document.adoptedStyleSheets = [];
  });
  const told = ({ id, nodes }) => nodes.map(({ html, any }) => `${id}: ${html.slice(0, 200)} ${any[0]?.message ?? ""}`);
  return [...violations, ...incomplete].flatMap(told);
}

class Visitor {
  audited = [];
  findings = [];

  constructor(page, label) {
    this.page = page;
    this.label = label;
  }

  async go(name, url) {
    await this.page.goto(url);
    await this.look(name);
  }

  // Audits the page and takes its picture.
  async look(name) {
    const { page } = this;
    this.audited.push(name);
    this.findings.push(...(await audit(page)).map((finding) => `${name}: ${finding}`));
    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${this.label}.png`), fullPage: true });
    const { scroll, width } = await page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      width: document.documentElement.clientWidth,
    }));
    if (scroll > width) this.findings.push(`${name}: it is ${scroll} px wide in a window of ${width}`);
  }

  press(value) {
    return this.page.locator(`button[value="${value}"]`).first().click();
  }

  async signIn(name) {
    await this.page.locator("#name").fill(name);
    await this.press("sign-in");
    await this.page.locator('button[value="sign-out"]').waitFor();
  }

  // Lets a client in, and gives its token.
  async letIn(of, name, more) {
    await this.page.goto(of.link(more));
    await this.page.locator("#name").fill(name);
    await this.press("approve");
    await this.page.waitForURL(`${landed.url}?**`);
    return (await of.redeem(new URL(this.page.url()).searchParams.get("code"))).access_token;
  }
}

async function homes(visitor) {
  await visitor.go("home-open", servers.open.url);
  for (const details of await visitor.page.locator("summary").all()) await details.click();
  await visitor.look("home-open-unfolded");
  await visitor.go("home-demo", servers.demo.url);
  await visitor.go("home-broken", servers.broken.url);
}

async function consents(visitor) {
  const server = servers.demo;
  const web = { client_name: "Paper Trail", client_uri: "https://client.example/about" };
  await visitor.go("consent-web", (await client(server, web)).link({ scope: "read write admin" }));
  await visitor.go("consent-device", (await client(server, { redirect: landed.url })).link({ scope: "read" }));
  const app = { client_name: "Editor", redirect: "cursor://anysphere.cursor-mcp/callback" };
  await visitor.go("consent-application", (await client(server, app)).link());
  const long = { client_name: "A name that goes on and on ".repeat(7), client_uri: `https://${"l".repeat(60)}.example/` };
  await visitor.go("consent-long", (await client(server, { ...long, redirect: landed.url })).link());
  await visitor.go("consent-nameless", (await client(servers.github, { client_name: "" })).link());
}

async function accounts(visitor) {
  const { page } = visitor;
  const [server, name] = [servers.demo, `Eva of ${visitor.label}`];
  const account = `${server.url}/account`;
  await visitor.go("account-github", `${servers.github.url}/account`);
  await visitor.go("account-signed-out", account);
  await visitor.signIn(name);
  await visitor.look("account-empty");
  const redirects = { client_name: "Paper Trail", redirect: landed.url };
  const [editor, trail] = [await client(server, { redirect: landed.url, client_name: "Editor" }), await client(server, redirects)];
  await visitor.letIn(trail, name, { scope: "read write" });
  await visitor.go("account-connected", account);
  const headers = { authorization: `Bearer ${await visitor.letIn(editor, name, { scope: "read" })}` };
  for (const client of [{ name: "Editor on the laptop", version: "2.1.0" }, { name: "x".repeat(80), version: "1" }, { name: "", version: "" }])
    await open(server, { headers, client });
  await until(async () => {
    await page.goto(account);
    return (await page.locator(".sessions li").count()) === 3;
  }, "three sessions on the page");
  await visitor.look("account-sessions");
  await visitor.press("end-session");
  await page.locator('[role="status"]').waitFor();
  await visitor.look("account-done");
  // A web application is remembered.
  await page.route("https://client.example/**", (route) => route.fulfill({ contentType: "text/html", body: "landed" }));
  await page.goto((await client(server, { client_name: "Notebook" })).link());
  await page.locator("#name").fill(name);
  const remember = page.locator('input[name="remember"]');
  assert.equal(await remember.isChecked(), false, "nobody is asked no more who did not say so");
  await remember.check();
  await visitor.press("approve");
  await page.waitForURL("https://client.example/**");
  await visitor.go("account-remembered", account);
}

async function problems(visitor) {
  const { page } = visitor;
  await visitor.go("problem-callback", `${servers.demo.url}/callback?state=unknown-unknown`);
  await visitor.go("problem-client", `${servers.demo.url}/authorize?client_id=nobody`);
  // GitHub has trouble, as far as the browser can tell.
  await page.route("https://github.com/**", (route) => {
    const back = new URL(new URL(route.request().url()).searchParams.get("redirect_uri"));
    back.searchParams.set("state", new URL(route.request().url()).searchParams.get("state"));
    back.searchParams.set("error", "server_error");
    return route.fulfill({ status: 302, headers: { location: `${back}` } });
  });
  await page.goto((await client(servers.github, { client_name: "Editor" })).link());
  await visitor.press("approve");
  await page.locator("a.button").first().waitFor();
  await visitor.look("problem-upstream");
  for (const path of ["/account", "/authorize"]) {
    const url = path === "/account" ? `${servers.broken.url}/account` : (await client(servers.broken)).link();
    await visitor.go(`problem-broken-${path.slice(1)}`, url);
  }
}

// Each two of a size, a colour scheme and a language come together once.
const LOOKS = [
  ["narrow", "light", "en"],
  ["wide", "dark", "en"],
  ["narrow", "dark", "zh-Hans"],
  ["wide", "light", "zh-Hans"],
];

describe("accessibility of the pages", () => {
  for (const [size, colorScheme, tag] of LOOKS)
    test(`axe finds nothing on any page, ${size}, ${colorScheme}, ${tag}`, async () => {
      const context = await browser.newContext({ viewport: SIZES[size], colorScheme, locale: LANGUAGES[tag] });
      try {
        const page = await context.newPage();
        page.setDefaultTimeout(WAIT_MS);
        const visitor = new Visitor(page, `${size}-${colorScheme}-${tag}`);
        for (const visit of [homes, consents, accounts, problems]) await visit(visitor);
        assert.equal(await page.locator("html").getAttribute("lang"), tag);
        assert.deepEqual(visitor.findings, []);
        assert.equal(new Set(visitor.audited).size, 21);
      } finally {
        await context.close();
      }
    });

  test("axe finds the faults of a faulty page", async () => {
    const page = await browser.newPage();
    try {
      await page.setContent("<html><title>x</title><main><h1>x</h1><img src='data:,'><p style='color:#ddd'>pale</p></main>");
      const findings = await audit(page);
      for (const id of ["image-alt", "html-has-lang", "color-contrast"]) assert.ok(findings.some((text) => text.startsWith(id)), id);
    } finally {
      await page.close();
    }
  });
});
