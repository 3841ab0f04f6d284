// Servers and texts that the browser keeps for the playground, and links to servers. Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { named } from "../../support/named.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { until } from "../../support/wait.mjs";
import { demo } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(demo({ playground: true }));

// Storage of all tabs, and of this one.
const stored = (page) => page.evaluate(() => ({ local: JSON.stringify({ ...localStorage }), session: JSON.stringify({ ...sessionStorage }) }));

const savedNames = (page) => page.locator("ol.switch b").allInnerTexts();

const openSaved = (page) => page.getByText(/^Saved servers/).click();

describe("saved servers", () => {
  test("are kept for later visits, renamed, ordered and removed, without tokens and values of headers", async () => {
    await using one = await named("one");
    await using two = await named("two");
    await using visitor = await visit(browser, server, { allowed: [one.origin, two.origin] });
    const { page } = visitor;
    await visitor.identify({ token: "planted-token", header: ["X-Secret", "planted-value"] });
    await page.getByLabel("Address").fill(one.url);
    await page.getByLabel("Protocol version").selectOption("2025-06-18");
    await visitor.button("Connect").click();
    await visitor.button("Disconnect").waitFor();
    await openSaved(page);
    await visitor.page.getByRole("button", { name: /^Save one/ }).click();
    await visitor.button("Another server").click();
    await visitor.connect(two.url, { version: "2025-11-25" });
    await visitor.page.getByRole("button", { name: /^Save two/ }).click();
    await until(async () => (await savedNames(page)).join() === "one,two", "both");
    await visitor.button("Move two up").click();
    await until(async () => (await savedNames(page)).join() === "two,one", "the other order");
    await visitor.button("Rename one").click();
    await page.getByLabel("New name of one").fill("My <b>server</b>");
    await page.keyboard.press("Enter");
    await until(async () => (await savedNames(page)).join() === "two,My <b>server</b>", "the new name");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "AaRename My <b>server</b>");
    assert.doesNotMatch((await stored(page)).local, /planted/);

    const requests = one.requests.length;
    const other = await visitor.context.newPage();
    await other.goto(`${server.url}/playground`);
    await other.getByRole("button", { name: /^My <b>server/ }).click();
    assert.equal(await other.getByLabel("Address").inputValue(), one.url);
    await other.getByText("Options", { exact: true }).click();
    assert.equal(await other.getByLabel("Protocol version").inputValue(), "2025-06-18");
    assert.equal(await other.getByLabel("Header name").inputValue(), "X-Secret");
    assert.equal(await other.getByLabel("Header value").inputValue(), "");
    assert.equal(await other.getByLabel("Bearer token").inputValue(), "");
    assert.equal(one.requests.length, requests, "choosing one connects to nothing");
    await other.getByRole("button", { name: "Connect", exact: true }).click();
    await other.getByRole("button", { name: "Disconnect" }).waitFor();
    assert.equal(one.requests.at(-1).headers["x-secret"], undefined, "a header without a value is not sent");
    await other.getByRole("button", { name: "Remove two" }).click();
    await until(async () => (await savedNames(page)).join() === "My <b>server</b>", "the removal in the first tab");
    visitor.done();
  });

  test("of two tabs at once are none of them lost", async () => {
    await using visitor = await visit(browser, server);
    const pages = [visitor.page, await visitor.context.newPage()];
    await pages[1].goto(`${server.url}/playground`);
    for (const page of pages) await openSaved(page);
    const add = async (page, at) => {
      await page.getByText("Import", { exact: true }).click();
      for (let number = 1; number <= 3; number++) {
        await page.getByLabel("JSON with mcpServers").fill(JSON.stringify({ mcpServers: { [`${at} ${number}`]: { url: `https://${at}-${number}.example/mcp` } } }));
        await page.getByRole("button", { name: "Add servers" }).click();
      }
    };
    await Promise.all([add(pages[0], "a"), add(pages[1], "b")]);
    for (const page of pages) await until(async () => (await savedNames(page)).length === 6, "all six in both");
  });

  test("are exported, and imported with what a page cannot do named", async () => {
    await using visitor = await visit(browser, server);
    const { page } = visitor;
    await openSaved(page);
    await page.getByText("Import", { exact: true }).click();
    const file = { mcpServers: { remote: { url: "https://remote.example/mcp", headers: { Authorization: "Bearer planted" } }, local: { command: "npx" } } };
    await page.getByLabel("File").setInputFiles({ name: "mcp.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(file)) });
    await visitor.button("Add servers").click();
    await page.getByText("These start a program, which a page cannot do: local").waitFor();
    assert.deepEqual(await savedNames(page), ["remote"]);
    await page.getByLabel("JSON with mcpServers").fill("nonsense");
    await visitor.button("Add servers").click();
    await page.getByText("This is no JSON with mcpServers.").waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), visitor.button("Export").click()]);
    const { mcpServers } = JSON.parse(await text(await download.createReadStream()));
    assert.deepEqual([mcpServers.remote.type, mcpServers.remote.url], ["http", "https://remote.example/mcp"]);
    assert.doesNotMatch(JSON.stringify([mcpServers, await stored(page)]), /planted/);
    visitor.done();
  });

  test("are 500 at most: an import adds those that have room, and says how many have none", async () => {
    await using visitor = await visit(browser, server);
    const { page } = visitor;
    await openSaved(page);
    await page.getByText("Import", { exact: true }).click();
    const many = Array.from({ length: 502 }, (_, at) => [`server ${at}`, { url: `https://${at}.example/mcp` }]);
    await page.getByLabel("JSON with mcpServers").fill(JSON.stringify({ mcpServers: Object.fromEntries(many) }));
    await visitor.button("Add servers").click();
    await page.getByText("500 servers were added.").waitFor();
    await page.getByText("2 more have no room.").waitFor();
    await page.getByText("500 servers are saved, and no more can be.").waitFor();
    assert.equal(await page.getByRole("button", { name: /^Save / }).count(), 0);
    await page.reload();
    await page.getByText("Saved servers (500)").waitFor();
    assert.equal(await page.getByText("could not be read").count(), 0);
    visitor.done();
  });

  test("that are corrupt are reset, and nothing else is", async () => {
    await using visitor = await visit(browser, server);
    const { page } = visitor;
    const good = { id: "good", name: "Good one", target: { url: "https://good.example/mcp" } };
    for (const [text, names] of [
      ["{broken", []],
      ['{"an":"object"}', []],
      [JSON.stringify([null, 5, { id: 1 }, { id: "x", name: "x", target: { url: "javascript:alert(1)" } }, good]), ["Good one"]],
    ]) {
      await page.evaluate((text) => {
        localStorage.setItem("playground servers", text);
        localStorage.setItem("other", "kept");
      }, text);
      await page.reload();
      await page.getByText("Some saved servers could not be read, and are gone.").waitFor();
      if (names.length === 0) await openSaved(page);
      await until(async () => (await savedNames(page)).join() === names.join(), `what can be read of ${text}`);
      await page.reload();
      await visitor.button("Connect").waitFor();
      assert.equal(await page.getByText("could not be read").count(), 0, "it is said once");
      assert.equal(await page.evaluate(() => localStorage.getItem("other")), "kept");
    }
    visitor.done();
  });

  test("are not there where the browser denies storage; all else works, and that is said once", async () => {
    await using visitor = await visit(browser, server);
    const { page } = visitor;
    await visitor.context.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage", "indexedDB"])
        Object.defineProperty(window, name, {
          get() {
            throw new DOMException("denied", "SecurityError");
          },
        });
    });
    await page.reload();
    await visitor.connect();
    await visitor.tool("add");
    await visitor.json({ a: 2, b: 3 });
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /\b5\b/);
    await openSaved(page);
    await page.getByRole("button", { name: /^Save / }).click();
    assert.equal(await page.getByText("lets this page store nothing").count(), 1);
    visitor.done();
  });
});

test("Clear everything empties all that the browser stores for the page", async () => {
  await using visitor = await visit(browser, server);
  const { page } = visitor;
  await visitor.connect();
  await openSaved(page);
  await page.getByRole("button", { name: /^Save / }).click();
  await until(async () => (await savedNames(page)).length === 1, "the saved server");
  await visitor.button("中文").click();
  await page.getByRole("button", { name: "English" }).click();
  await page.evaluate(() => {
    sessionStorage.setItem("playground sign-in https://x.example/mcp", "{}");
    return new Promise((done) => (indexedDB.open("other").onsuccess = ({ target }) => done(target.result.close())));
  });
  await visitor.button("Clear everything").click();
  await visitor.button("Clear", { exact: true }).click();
  // The page loads itself anew, and writes its language alone.
  const left = () => page.evaluate(async () => JSON.stringify([Object.keys(localStorage), Object.keys(sessionStorage), (await indexedDB.databases()).length])).catch(() => "");
  await until(async () => (await left()) === '[["playground language"],[],0]', async () => `an empty storage: ${await left()}`);
  await visitor.button("Connect").waitFor();
  visitor.done();
});

describe("what was typed", () => {
  test("is there after a reload, secrets too, and in no other tab", async () => {
    await using other = await named("other");
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    const { page } = visitor;
    await visitor.identify({ token: "planted-token", header: ["X-Secret", "planted-value"] });
    await visitor.connect(other.url);
    await visitor.tool("other");
    await visitor.json('{"word": 12345678901234567890}');
    await visitor.button("Another server").click();
    await page.getByLabel("Address").fill("half.exa");
    const requests = other.requests.length;
    await page.reload();
    assert.equal(await page.getByLabel("Address").inputValue(), "half.exa");
    assert.equal(other.requests.filter(({ method }) => method === "POST").length, other.requests.slice(0, requests).filter(({ method }) => method === "POST").length, "nothing is connected by itself");
    await page.locator(".switch button").first().click();
    await visitor.connect();
    const { headers } = other.requests.at(-1);
    assert.deepEqual([headers.authorization, headers["x-secret"]], ["Bearer planted-token", "planted-value"]);
    await visitor.button("JSON").click();
    assert.match(await page.locator("textarea.json").first().inputValue(), /12345678901234567890/);
    const second = await visitor.context.newPage();
    await second.goto(`${server.url}/playground`);
    assert.equal(await second.getByLabel("Address").inputValue(), `${server.url}/mcp`);
    const { local } = await stored(page);
    assert.doesNotMatch(local, /planted/);
  });
});

describe("a link", () => {
  const query = (url, more = "") => `?server=${encodeURIComponent(url)}${more}`;

  test("to the page's own server connects by itself, and calls nothing", async () => {
    await using visitor = await visit(browser, server, { query: query(`${server.url}/mcp`, "&tool=add&args=%7B%22a%22%3A1%2C%22b%22%3A2%7D") });
    await visitor.button("Disconnect").waitFor();
    await visitor.argument("add", "/a").waitFor();
    assert.equal(await visitor.argument("add", "/a").inputValue(), "1");
    assert.equal(await visitor.page.locator(".use").count(), 0);
    visitor.done();
  });

  test("to a saved server connects by itself, and to another one waits", async () => {
    await using saved = await named("saved");
    await using other = await named("other");
    await using visitor = await visit(browser, server, { allowed: [saved.origin, other.origin] });
    const { page } = visitor;
    await openSaved(page);
    await page.getByText("Import", { exact: true }).click();
    await page.getByLabel("JSON with mcpServers").fill(JSON.stringify({ mcpServers: { saved: { url: saved.url } } }));
    await visitor.button("Add servers").click();
    await until(async () => (await savedNames(page)).length === 1, "the saved server");
    await page.goto(`${server.url}/playground${query(saved.url)}`);
    await visitor.button("Disconnect").waitFor();
    await page.goto(`${server.url}/playground${query(other.url)}`);
    await page.getByText(/Connect only if you trust/).waitFor();
    assert.deepEqual(other.requests, []);
    visitor.done();
  });
});
