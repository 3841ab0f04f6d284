// Whole flows in Chromium: a client starts, the person approves, signs in with an identity provider, and the client calls.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import { launch, launchProfile } from "../../support/browser.mjs";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";
import { client, landing } from "../../support/sign-in.mjs";
import { TOKEN as GITHUB_TOKEN, gitHub } from "../../support/upstream/github.mjs";
import { TOKEN as OPENID_TOKEN, openId } from "../../support/upstream/openid.mjs";
import { whoami } from "../../support/upstream/person.mjs";
import { thirdParty } from "../../support/third-party.mjs";
import { WAIT_MS } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";


const browser = await launch();
const landed = await landing();
after(async () => {
  await browser.close();
  await landed.stop();
});

const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

for (const { name, start, token, who } of [
  { name: "GitHub", start: gitHub, token: GITHUB_TOKEN, who: "github:583231" },
  { name: "OpenID Connect", start: openId, token: OPENID_TOKEN, who: "u-1" },
]) {
  describe(`with ${name}, in a browser`, async () => {
    const provider = await start();
    // As in life: a site of its own.
    provider.host = "localhost";
    const server = await fixture({ vars: provider.vars, outbound: provider.outbound });
    provider.knows(server);
    after(() => Promise.all([server.stop(), provider.stop()]));
    afterEach(() => provider.heal());

    const here = () => client(server, { redirect: landed.url });

    // A window, and everything that its browser complains of.
    const visit = async (options) => window(await browser.newContext(options));

    async function window(context) {
      context.setDefaultTimeout(WAIT_MS);
      const complaints = [];
      context.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(message.text());
      });
      context.on("request", (request) => {
        const known = [server.url, provider.url, landed.url, "data:"].some((start) => request.url().startsWith(start));
        if (!known) complaints.push(`elsewhere: ${request.url()}`);
      });
      return { context, page: await context.newPage(), complaints, [Symbol.asyncDispose]: () => context.close() };
    }

    // Approves, and goes on at the provider unless that knows who is there.
    async function goesOn(page) {
      await press(page, "Approve");
      await page.waitForURL((url) => [provider.url, landed.url].some((start) => url.href.startsWith(start)));
      if (page.url().startsWith(provider.url)) await press(page, "Authorize");
    }

    async function leaves(page, of) {
      await page.goto(of.link());
      await press(page, "Approve");
      await page.waitForURL(`${provider.url}/**`);
    }

    // Who came back to the client can be called for.
    async function arrived(page, of) {
      await page.waitForURL(`${landed.url}?**`);
      const answer = new URL(page.url()).searchParams;
      assert.ok(answer.get("code"), page.url());
      assert.equal(answer.get("state"), "of the client");
      const { id } = await whoami(server, await of.redeem(answer.get("code")));
      assert.ok(id.endsWith(who), id);
    }

    // The link that the provider sends the browser to, which does not follow it.
    async function sent(context, page) {
      const { action } = await page.locator("form").evaluate(({ action }) => ({ action }));
      const hidden = page.locator("input[type=hidden]");
      const fields = await hidden.evaluateAll((inputs) => inputs.map(({ name, value }) => [name, value]));
      const form = { ...Object.fromEntries(fields), decision: "Authorize" };
      let answer = await context.request.post(action, { form, maxRedirects: 0 });
      for (;;) {
        const { location } = answer.headers();
        if (location.startsWith(server.url)) return location;
        answer = await context.request.get(location, { maxRedirects: 0 });
      }
    }

    async function problem(page, text) {
      await page.getByRole("heading", { name: "This did not work" }).waitFor();
      assert.match(await page.locator("main").innerText(), text);
    }

    for (const [how, options] of [
      ["", {}],
      [" without JavaScript", { javaScriptEnabled: false }],
      [" on a phone", { viewport: { width: 360, height: 740 }, hasTouch: true }],
    ]) {
      test(`a person approves, signs in and is called for${how}`, async () => {
        await using window = await visit(options);
        const [{ page }, of] = [window, await here()];
        await leaves(page, of);
        await press(page, "Authorize");
        await arrived(page, of);
        assert.deepEqual(window.complaints, []);
        // What the sign-in needed is gone, and nothing is remembered of a client on this machine.
        assert.deepEqual(await window.context.cookies(server.url), []);
      });
    }

    for (const thirdPartyCookies of [false, true]) {
      test(`a person signs in with cookies of third parties ${thirdPartyCookies ? "allowed" : "blocked"}`, async () => {
        const folder = temporaryFolder("durable-mcp-profile");
        const profile = await launchProfile(folder, { thirdPartyCookies });
        try {
          const [{ page }, of] = [await window(profile), await here()];
          assert.equal(await thirdParty(page), thirdPartyCookies, "the browser does as it is told");
          await leaves(page, of);
          await press(page, "Authorize");
          await arrived(page, of);
        } finally {
          await profile.close();
          removeFolder(folder);
        }
      });
    }

    test("a cancelled sign-in at the provider is reported to the client", async () => {
      await using window = await visit();
      const [{ page }, of] = [window, await here()];
      await leaves(page, of);
      await press(page, "Cancel");
      await page.waitForURL(`${landed.url}?error=access_denied&**`);
      assert.deepEqual(window.complaints, []);
    });

    test("a denied consent never reaches the provider", async () => {
      await using window = await visit();
      const [{ page }, of] = [window, await here()];
      const before = provider.requests.filter(({ headers }) => headers["sec-fetch-mode"]).length;
      await page.goto(of.link());
      await press(page, "Deny");
      await page.waitForURL(`${landed.url}?error=access_denied&**`);
      assert.equal(provider.requests.filter(({ headers }) => headers["sec-fetch-mode"]).length, before);
    });

    test("two tabs do not disturb each other, whichever comes back first", async () => {
      await using window = await visit();
      const { context, page: one } = window;
      const two = await context.newPage();
      const [first, second] = [await here(), await here()];
      await leaves(one, first);
      await leaves(two, second);
      await press(two, "Authorize");
      await arrived(two, second);
      await press(one, "Authorize");
      await arrived(one, first);
      assert.deepEqual(window.complaints, []);
    });

    test("a user who goes back to the consent page can approve again", async () => {
      await using window = await visit();
      const [{ page }, of] = [window, await here()];
      await leaves(page, of);
      await press(page, "Authorize");
      await arrived(page, of);
      const redeemed = provider.asked(token).length;
      // The provider's page lies between.
      for (let steps = 0; steps < 4 && !page.url().startsWith(`${server.url}/authorize`); steps++) await page.goBack();
      assert.equal(provider.asked(token).length, redeemed);
      await goesOn(page);
      await arrived(page, of);
    });

    // oidc-provider's own page can be sent once only.
    if (name === "GitHub") {
      test("a provider page that is sent again leads to a page to start again", async () => {
        await using window = await visit();
        const [{ page }, of] = [window, await here()];
        await leaves(page, of);
        await press(page, "Authorize");
        await arrived(page, of);
        await page.goBack();
        assert.ok(page.url().startsWith(provider.url));
        await press(page, "Authorize");
        await problem(page, /used already, or it belongs to another browser\. Go back to your application and start again/);
        await page.goto(of.link());
        await goesOn(page);
        await arrived(page, of);
      });
    }

    test("a callback is refused in another browser and accepted once in its own", async () => {
      await using window = await visit();
      await using other = await visit();
      const [{ page, context }, of] = [window, await here()];
      await leaves(page, of);
      const link = await sent(context, page);
      await other.page.goto(link);
      await problem(other.page, /belongs to another browser/);
      await page.goto(link);
      await arrived(page, of);
      await page.goto(link);
      await problem(page, /used already, or it belongs to another browser\. Go back to your application and start again/);
    });

    test("an unavailable provider allows a retry", async () => {
      await using window = await visit();
      const [{ page }, of] = [window, await here()];
      await leaves(page, of);
      provider.fail(token, 500);
      await press(page, "Authorize");
      await problem(page, /cannot be reached, or has trouble\. Try again in a moment/);
      provider.heal();
      await page.getByRole("link", { name: "Try again" }).click();
      await goesOn(page);
      await arrived(page, of);
    });

    test("an unavailable provider offers a return to the client", async () => {
      await using window = await visit();
      const [{ page }, of] = [window, await here()];
      await leaves(page, of);
      provider.fail(token, "cut");
      await press(page, "Authorize");
      await problem(page, /cannot be reached/);
      provider.heal();
      await page.getByRole("link", { name: "Back to the application" }).click();
      await page.waitForURL(`${landed.url}?error=temporarily_unavailable&**`);
    });

    test("a user sees their grants on /account after signing in there", async () => {
      await using window = await visit();
      const [{ page }, of] = [window, await here()];
      await leaves(page, of);
      await press(page, "Authorize");
      await arrived(page, of);
      await page.goto(`${server.url}/account`);
      await page.getByRole("button", { name: /^Sign in with/ }).click();
      await page.getByRole("button", { name: /Authorize|Disconnect/ }).first().waitFor();
      if (page.url().startsWith(provider.url)) await press(page, "Authorize");
      await page.getByRole("button", { name: "Disconnect", exact: true }).first().waitFor();
      assert.match(await page.locator("main").innerText(), /Client of the tests/);
      assert.deepEqual(window.complaints, []);
    });
  });
}
