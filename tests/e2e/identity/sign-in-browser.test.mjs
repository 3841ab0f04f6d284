// Sign-in by the demo provider in Chromium. Screenshots go to the folder that SCREENSHOTS names.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { launch } from "../../support/browser.mjs";
import { root } from "../../support/child.mjs";
import { DEMO, client, landing, takes } from "../../support/sign-in.mjs";
import { WAIT_MS } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture({ vars: DEMO });
const browser = await launch();
const landed = await landing();
after(async () => {
  await browser.close();
  await landed.stop();
  await server.stop();
});

const SCREENSHOTS = process.env.SCREENSHOTS ?? join(root, "tests/e2e/screenshots");
mkdirSync(SCREENSHOTS, { recursive: true });

const SIZES = { narrow: { width: 360, height: 740 }, wide: { width: 1280, height: 800 } };

const approve = (page) => page.getByRole("button", { name: "Approve" }).click();
const here = () => client(server, { redirect: landed.url });

// A window, and everything that its browser complains of.
async function visit({ javaScript = true, ...options } = {}) {
  const context = await browser.newContext({ javaScriptEnabled: javaScript, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const complaints = [];
  const watch = (page) => {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("request", (request) => {
      const own = [server.url, landed.url, "data:"].some((start) => request.url().startsWith(start));
      if (!own) complaints.push(`elsewhere: ${request.url()}`);
    });
  };
  watch(page);
  return { context, page, complaints, watch, [Symbol.asyncDispose]: () => context.close() };
}

// Who came back with a code, and what it is good for.
async function arrived(page, of) {
  await page.waitForURL(`${landed.url}?**`);
  const code = new URL(page.url()).searchParams.get("code");
  return (await of.redeem(code))?.access_token;
}

describe("the sign-in in a browser", () => {
  for (const javaScript of [true, false]) {
    test(`a person approves, ${javaScript ? "with" : "without"} JavaScript`, async () => {
      await using window = await visit({ javaScript });
      const [{ page }, of] = [window, await here()];
      await page.goto(of.link({ scope: "read" }));
      await page.getByLabel("Your name").fill("Ann");
      await approve(page);
      assert.ok(await takes(server, await arrived(page, of)));
      assert.deepEqual(window.complaints, []);
    });
  }

  test("a user denies the consent", async () => {
    await using window = await visit();
    const [{ page }, of] = [window, await here()];
    await page.goto(of.link());
    await page.getByRole("button", { name: "Deny" }).click();
    await page.waitForURL(`${landed.url}?error=access_denied&**`);
    assert.deepEqual(window.complaints, []);
  });

  test("two tabs do not disturb each other", async () => {
    await using window = await visit();
    const { context, page: one } = window;
    const two = await context.newPage();
    const of = await here();
    await one.goto(of.link());
    await two.goto(of.link());
    for (const page of [one, two]) {
      await approve(page);
      assert.ok(await arrived(page, of));
    }
  });

  test("a user who goes back can approve again", async () => {
    await using window = await visit();
    const [{ page }, of] = [window, await here()];
    for (let time = 0; time < 2; time++) {
      if (time === 0) await page.goto(of.link());
      else await page.goBack();
      await approve(page);
      assert.ok(await arrived(page, of), `time ${time}`);
    }
  });

  test("a page whose sign-in has expired says so", async () => {
    await using window = await visit();
    const [{ page }, of] = [window, await here()];
    await page.goto(of.link());
    await window.context.clearCookies();
    await approve(page);
    await page.getByRole("heading", { name: "This did not work" }).waitFor();
    assert.match(await page.locator("main").innerText(), /start again/);
  });

  test("the pages can be used by keyboard", async () => {
    await using window = await visit();
    const [{ page }, of] = [window, await here()];
    await page.goto(of.link());
    const name = page.getByLabel("Your name");
    for (let presses = 0; presses < 10 && !(await name.evaluate((field) => field === document.activeElement)); presses++)
      await page.keyboard.press("Tab");
    await page.keyboard.type("Keyboard");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Approve");
    await page.keyboard.press("Enter");
    assert.ok(await arrived(page, of));
  });

  test("another site can neither frame the page nor send its form", async () => {
    await using window = await visit();
    const [{ page }, of] = [window, await here()];
    await page.goto(landed.url);
    const blocked = page.waitForEvent("console", (message) => /frame/i.test(message.text()));
    await page.evaluate((link) => {
      const frame = document.createElement("iframe");
      frame.src = link;
      document.body.append(frame);
    }, of.link());
    await blocked;
    assert.equal(await page.frames().at(-1).getByRole("button", { name: "Approve" }).count(), 0);
    const evil = "http://evil.example/";
    await page.route(evil, (route) => route.fulfill({ contentType: "text/html", body: "<title>Win a prize</title>" }));
    for (const [path, fields] of [
      ["/authorize", { decision: "approve", flow: "x", csrf: "x" }],
      ["/account", { do: "end-all" }],
      ["/account", { do: "sign-in", name: "Mallory" }],
    ]) {
      await page.goto(evil);
      const answer = page.waitForResponse((response) => response.url() === server.url + path);
      await page.evaluate(
        ([action, fields]) => {
          const form = Object.assign(document.createElement("form"), { method: "post", action });
          for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement("input"), { name, value }));
          document.body.append(form);
          form.submit();
        },
        [server.url + path, fields],
      );
      assert.equal((await answer).status(), 403, path);
      await page.getByRole("heading", { name: "This did not work" }).waitFor();
    }
  });

  test("a user disconnects a client", async () => {
    await using window = await visit();
    const [{ page }, of] = [window, await here()];
    await page.goto(of.link());
    await page.getByLabel("Your name").fill("Cleo");
    await approve(page);
    const token = await arrived(page, of);
    await page.goto(`${server.url}/account`);
    await page.getByLabel("Your name").fill("Cleo");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("button", { name: "Disconnect" }).click();
    await page.getByRole("status").waitFor();
    assert.equal(await takes(server, token), false);
    assert.deepEqual(window.complaints, []);
  });
});

describe("the pages", () => {
  const web = () => client(server, { client_name: "Paper Trail", client_uri: "https://client.example/about" });
  const native = () => client(server, { client_name: "Editor", redirect: "cursor://anysphere.cursor-mcp/callback" });
  const many = async () => client(server, { client_name: `${"A name that goes on and on ".repeat(7)}`, redirect: landed.url });

  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      test(`the pages fit the window, ${size} and ${colorScheme}`, async () => {
        await using window = await visit({ viewport, colorScheme });
        const { page } = window;
        const shoot = async (name, url) => {
          if (url) await page.goto(url);
          await page.screenshot({ path: join(SCREENSHOTS, `${name}-${size}-${colorScheme}.png`), fullPage: true });
          const { scroll, width } = await page.evaluate(() => ({
            scroll: document.documentElement.scrollWidth,
            width: document.documentElement.clientWidth,
          }));
          assert.ok(scroll <= width, `${name} is ${scroll} px wide in a window of ${width}`);
          assert.equal(await page.locator("h1").count(), 1, name);
          assert.notEqual(await page.locator("html").getAttribute("lang"), null, name);
        };
        await shoot("consent-web", (await web()).link());
        await shoot("consent-device", (await here()).link({ scope: "read write" }));
        await shoot("consent-app", (await native()).link());
        await shoot("consent-long", (await many()).link());
        const of = await here();
        await page.goto(of.link());
        await page.getByLabel("Your name").fill("Dora");
        await approve(page);
        await arrived(page, of);
        await shoot("sign-in", `${server.url}/account`);
        await page.getByLabel("Your name").fill("Dora");
        await page.getByRole("button", { name: "Sign in" }).click();
        await page.getByRole("button", { name: "Disconnect" }).first().waitFor();
        await shoot("account");
        assert.deepEqual(window.complaints, []);
        await shoot("problem", `${server.url}/callback?state=unknown-unknown`);
      });
    }
  }

  test("the pages are in Chinese for browsers that prefer it", async () => {
    await using window = await visit({ locale: "zh-CN", viewport: SIZES.wide });
    await window.page.goto((await here()).link());
    assert.equal(await window.page.locator("html").getAttribute("lang"), "zh-Hans");
    await window.page.screenshot({ path: join(SCREENSHOTS, "consent-chinese.png"), fullPage: true });
    await window.page.getByRole("button", { name: "批准" }).click();
    await window.page.waitForURL(`${landed.url}?code=**`);
  });
});
