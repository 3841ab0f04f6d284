// Sign-ins of the playground over time: kept on the device, renewed, forgotten by the authorization server, moved to another one, and
// ended in every tab. Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { inBrowser, visit } from "../../support/playground.mjs";
import { authority, guarded } from "../../support/scripted-authority.mjs";
import { until } from "../../support/wait.mjs";
import { demo } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(demo({ playground: true }));

const handlers = {
  "tools/list": () => ({ tools: [{ name: "echo", inputSchema: { type: "object" } }] }),
  "tools/call": () => ({ content: [{ type: "text", text: "done" }] }),
};

const opened = async (of, servers) => visit(browser, server, { allowed: servers.map(({ origin }) => origin), ...of });

async function asked(page, url) {
  if (url) await page.getByLabel("Address").fill(url);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await card(page);
}

async function card(page) {
  await page.getByRole("heading", { name: "Sign-in needed" }).waitFor();
  await until(() => page.getByRole("button", { name: /^(Sign in|Try again)$/ }).isEnabled(), "what the server asks for");
}

async function signIn(page, { isKept = false } = {}) {
  await page.getByLabel("Keep on this device").setChecked(isKept);
  await page.getByRole("button", { name: /^(Sign in|Try again)$/ }).click();
  await page.getByRole("button", { name: "Disconnect" }).waitFor();
}

async function second(visitor, url) {
  const page = await visitor.context.newPage();
  await page.goto(`${server.url}/playground`);
  await page.getByLabel("Address").fill(url);
  return page;
}

const disconnected = (page) => page.getByRole("button", { name: "Connect", exact: true }).waitFor();
const connected = (page) => page.getByRole("button", { name: "Disconnect" }).waitFor();
const posts = ({ requests }, path, grant = "") => requests.filter(({ pathname, text }) => pathname === path && text.includes(grant)).length;
const everywhere = (page) => page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));

async function call(visitor) {
  await visitor.tool("echo");
  await visitor.call();
  return visitor.result();
}

// A visitor who has signed in at a server of an authorization server.
async function signedIn() {
  await using stack = new AsyncDisposableStack();
  const as = stack.use(await authority());
  const other = stack.use(await guarded(() => as, { handlers }));
  const visitor = stack.use(await opened({}, [as, other]));
  await asked(visitor.page, other.url);
  await signIn(visitor.page);
  const kept = stack.move();
  return { as, other, visitor, page: visitor.page, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

describe("a sign-in that is kept on this device", () => {
  test("is there for another tab, in no storage but IndexedDB, is listed, and can be removed", async () => {
    await using as = await authority();
    await using other = await guarded(() => as, { handlers });
    await using visitor = await opened({}, [as, other]);
    const { page } = visitor;
    await asked(page, other.url);
    await signIn(page, { isKept: true });
    assert.doesNotMatch(await everywhere(page), /access_token|-access-|-refresh-/);
    const tab = await second(visitor, other.url);
    await tab.getByRole("button", { name: "Connect", exact: true }).click();
    await connected(tab);
    await tab.getByText(/^Saved servers/).click();
    await tab.getByRole("heading", { name: "Sign-ins kept on this device" }).waitFor();
    assert.match(await tab.locator(".items").innerText(), new RegExp(`${other.url}[^]*${new URL(as.origin).host}`));
    await tab.getByRole("button", { name: `Sign out of ${other.url}` }).click();
    await tab.getByRole("heading", { name: "Sign-ins kept on this device" }).waitFor({ state: "detached" });
    await until(() => as.revoked.length > 0, "the revocation");
    for (const each of [page, tab]) {
      await each.getByText("You signed out of this server.").first().waitFor();
      await disconnected(each);
    }
    await asked(page);
    visitor.done();
  });

  test("is not there without the choice: another tab has none", async () => {
    await using one = await signedIn();
    const { other, visitor } = one;
    assert.deepEqual(await visitor.page.evaluate(async () => (await indexedDB.databases()).length), 0);
    await asked(await second(visitor, other.url));
  });
});

describe("tokens that expire", () => {
  test("are renewed before they do: the server never sees one that is about to", async () => {
    await using as = await authority({ expiresIn: 59 });
    await using other = await guarded(() => as, { handlers });
    await using visitor = await opened({}, [as, other]);
    await asked(visitor.page, other.url);
    const before = other.requests.length;
    await signIn(visitor.page);
    await call(visitor);
    const tokens = new Set(other.requests.slice(before).map(({ headers }) => headers.authorization).filter(Boolean));
    assert.equal(tokens.size, 1);
    assert.equal(posts(as, "/token", "refresh_token"), 1);
    visitor.done();
  });

  test("are renewed once for all tabs", async () => {
    await using as = await authority();
    await using other = await guarded(() => as, { handlers });
    await using visitor = await opened({}, [as, other]);
    const { page } = visitor;
    const tab = await second(visitor, other.url);
    await asked(tab);
    await asked(page, other.url);
    await signIn(page, { isKept: true });
    await tab.getByRole("button", { name: "Connect", exact: true }).click();
    await connected(tab);
    as.access.clear();
    for (const each of [page, tab]) await each.locator(".list li button").first().click();
    await Promise.all([page, tab].map((each) => each.getByRole("button", { name: "Call", exact: true }).click()));
    for (const each of [page, tab]) await each.locator(".use .result").waitFor();
    assert.equal(posts(as, "/token", "refresh_token"), 1);
    visitor.done();
  });

  test("early are renewed when the server refuses them, and the call is done", async () => {
    await using one = await signedIn();
    const { as, visitor } = one;
    as.access.clear();
    assert.match(await (await call(visitor)).innerText(), /done/);
    assert.equal(posts(as, "/token", "refresh_token"), 1);
    visitor.done();
  });

  test("and cannot be renewed (invalid_grant) lead to a card, not to a loop", async () => {
    await using one = await signedIn();
    const { as, visitor, page } = one;
    as.access.clear();
    as.refresh.clear();
    await call(visitor);
    await card(page);
    assert.deepEqual([posts(as, "/token", "refresh_token"), posts(as, "/authorize"), posts(as, "/register")], [1, 1, 1]);
    assert.equal(visitor.context.pages().length, 1, "nothing opens by itself");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await until(async () => (await page.locator(".use .result").count()) > 0, "the result of the second call");
    assert.equal(posts(as, "/register"), 1);
  });
});

describe("a registration that the authorization server forgot", () => {
  test("is made again when a token cannot be renewed for it, with one window", async () => {
    await using one = await signedIn();
    const { as, visitor, page } = one;
    as.clients.clear();
    as.access.clear();
    await call(visitor);
    await card(page);
    const windows = [];
    visitor.context.on("page", (popup) => windows.push(popup));
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await until(async () => (await page.locator(".use .result").count()) > 0, "the result of the second call");
    assert.deepEqual([windows.length, posts(as, "/register")], [1, 2]);
  });

  test("is made again when the person tries again after a window without an answer", async () => {
    await using one = await signedIn();
    const { as, visitor, page } = one;
    await page.getByRole("button", { name: "Disconnect" }).click();
    await disconnected(page);
    as.clients.clear();
    as.access.clear();
    as.refresh.clear();
    await page.evaluate(() => {
      for (const key of Object.keys(sessionStorage)) if (key.startsWith("playground sign-in")) sessionStorage.setItem(key, JSON.stringify({ ...JSON.parse(sessionStorage.getItem(key)), tokens: undefined }));
    });
    await page.reload();
    await asked(page);
    const [popup] = await Promise.all([visitor.context.waitForEvent("page"), page.getByRole("button", { name: "Sign in", exact: true }).click()]);
    await popup.getByText("This client is not known.").waitFor();
    await popup.close();
    await page.getByRole("button", { name: "Try again" }).click();
    await connected(page);
    assert.equal(posts(as, "/register"), 2);
  });
});

test("a server that moves to another authorization server: nothing of the old one is sent to it", async () => {
  await using old = await authority({ name: "planted" });
  await using next = await authority({ name: "next" });
  let issuer = old;
  await using other = await guarded(() => issuer, { handlers });
  await using visitor = await opened({}, [old, next, other]);
  const { page } = visitor;
  await asked(page, other.url);
  await signIn(page, { isKept: true });
  issuer = next;
  await call(visitor);
  await card(page);
  assert.match(await page.locator(".card").innerText(), new RegExp(new URL(next.origin).host));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await until(async () => (await page.locator(".use .result").count()) > 0, "the result of the second call");
  await page.getByRole("button", { name: "Sign out" }).first().click();
  await until(() => next.revoked.length > 0, "the revocation");
  assert.doesNotMatch(JSON.stringify(next.requests), /planted/);
});

describe("signing out", () => {
  test("ends the sign-in and the session in every tab, and not that of another server", async () => {
    await using as = await authority();
    await using one = await guarded(() => as, { handlers, session: "of-a-tab" });
    await using two = await guarded(() => as, { handlers });
    await using visitor = await opened({}, [as, one, two]);
    const { page } = visitor;
    await asked(page, one.url);
    await signIn(page);
    await visitor.button("Another server").click();
    await asked(page, two.url);
    await signIn(page);
    const tab = await second(visitor, one.url);
    await asked(tab);
    await signIn(tab);
    await tab.getByRole("button", { name: "Sign out" }).click();
    await page.locator(".switch button", { hasText: new URL(one.url).host }).getByText("not connected").waitFor();
    await until(() => as.revoked.length === 2, "both revocations");
    await until(() => one.requests.filter(({ method }) => method === "DELETE").length === 2, "the end of both sessions");
    await until(async () => !(await everywhere(page)).includes(`sign-in ${one.url}`), "an empty storage");
    assert.ok((await everywhere(page)).includes(`sign-in ${two.url}`));
    assert.equal(await visitor.button("Disconnect").count(), 1, "the other server is still connected");
    visitor.done();
  });
});

test("a token of the person's own is never replaced: that it was refused is told", async () => {
  await using as = await authority();
  await using other = await guarded(() => as, { handlers });
  await using visitor = await opened({}, [as, other]);
  const { page } = visitor;
  await visitor.identify({ token: "planted-token" });
  await page.getByLabel("Address").fill(other.url);
  await visitor.button("Connect").click();
  await page.getByText("The token was not accepted. Check it, or remove it to sign in.").waitFor();
  assert.equal(await page.getByRole("heading", { name: "Sign-in needed" }).count(), 0);
  assert.deepEqual(as.requests, []);
  await page.getByText("Options", { exact: true }).click();
  await page.getByLabel("Bearer token").fill("");
  await asked(page);
  visitor.done();
});
