// The servers that a person has on the playground: several at once, kept for later, signed in to and lost. Numbers are those of the
// table in tests/README.md.
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { after, describe, test } from "node:test";
import { inBrowser, visit } from "../support/playground.mjs";
import { scripted } from "../support/scripted.mjs";
import { until } from "../support/wait.mjs";
import { demo } from "../support/workerd.mjs";

const { server, browser } = await inBrowser(demo({ playground: true }));

const tool = (name) => ({ name, inputSchema: { type: "object", properties: { word: { type: "string" } } } });

// A scripted server with one tool, which it is named after.
const named = (name, { handlers = {}, ...more } = {}) =>
  scripted({ info: { name, version: "1" }, handlers: { "tools/list": () => ({ tools: [tool(name)] }), "tools/call": () => ({ content: [{ type: "text", text: `from ${name}` }] }), ...handlers }, ...more });

// Passes bytes to a server, and cuts all that it passes.
async function relay(url) {
  const sockets = new Set();
  const passing = createServer((socket) => {
    const onward = connect(Number(new URL(url).port), "127.0.0.1");
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.on("error", () => {});
    }
    socket.pipe(onward).pipe(socket);
    socket.on("close", () => onward.destroy());
  });
  await new Promise((done) => passing.listen(0, "127.0.0.1", done));
  const cut = () => sockets.forEach((socket) => socket.destroy());
  return {
    url: `http://127.0.0.1:${passing.address().port}`,
    cut,
    [Symbol.asyncDispose]: () => {
      cut();
      return new Promise((done) => passing.close(done));
    },
  };
}

// A server whose stream is the connection (HTTP+SSE). `take` gets each message, with the streams by session, and tells whether it has answered.
function streamed(take) {
  const streams = new Map();
  const results = {
    initialize: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "streamed", version: "1" } },
    "tools/list": { tools: [tool("one")] },
    "tools/call": { content: [{ type: "text", text: "from streamed" }] },
    ping: {},
  };
  const answer = (request, text, response) => {
    if (request.method === "GET") {
      streams.set(`${streams.size + 1}`, response);
      response.writeHead(200, { "content-type": "text/event-stream" });
      return response.write(`event: endpoint\ndata: /mcp?session=${streams.size}\n\n`);
    }
    const session = new URL(request.url, "http://localhost").searchParams.get("session");
    const { id, method } = JSON.parse(text);
    if (take({ method, session, streams, response })) return true;
    response.writeHead(202).end();
    if (id !== undefined) streams.get(session).write(`data: ${JSON.stringify({ jsonrpc: "2.0", id, result: results[method] })}\n\n`);
    return true;
  };
  return scripted({ answer });
}

async function servesAnew(visitor) {
  await visitor.page.getByText(/There is a new one/).first().waitFor();
  await visitor.tool("one");
  await visitor.call();
  await visitor.page.locator(".use").getByText("from streamed").first().waitFor();
}

const switched = (visitor, name) => visitor.page.locator(".switch").getByRole("button", { name: new RegExp(`^${name}`) });

describe("several servers", () => {
  test("are connected at once, each with its own tools, arguments, results and messages", async () => {
    await using one = await named("one");
    await using two = await named("two");
    await using visitor = await visit(browser, server, { allowed: [one.origin, two.origin] });
    const { page } = visitor;
    await visitor.connect(one.url, { version: "2025-11-25" });
    await visitor.tool("one");
    await visitor.argument("one", "/word").fill("first");
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /from one/);
    await visitor.trace();
    await page.getByLabel("Filter").fill("tools/call");

    await visitor.button("Another server").click();
    await visitor.connect(two.url, { version: "2025-11-25" });
    await visitor.tool("two");
    assert.equal(await visitor.argument("two", "/word").inputValue(), "");
    assert.equal(await page.locator(".use").count(), 0);
    await visitor.trace();
    assert.equal(await page.getByLabel("Filter").inputValue(), "");

    await switched(visitor, "one").click();
    assert.equal(await page.getByLabel("Filter").inputValue(), "tools/call");
    await page.getByRole("tab", { name: /^Tools/ }).click();
    assert.equal(await visitor.argument("one", "/word").inputValue(), "first");
    assert.match(await (await visitor.result()).innerText(), /from one/);
    await visitor.call();
    await until(async () => (await page.locator(".use .result").count()) === 2, "the second result");
    const called = ({ requests }) => requests.filter(({ text }) => text.includes('"tools/call"')).length;
    assert.deepEqual([called(one), called(two)], [2, 0]);
    await page.getByRole("button", { name: "Close two" }).click();
    await page.locator(".switch").waitFor({ state: "detached" });
    visitor.done();
  });

  test("end their sessions when the page is left, all of them", async () => {
    await using one = await named("one", { session: "first" });
    await using two = await named("two", { session: "second" });
    await using visitor = await visit(browser, server, { allowed: [one.origin, two.origin] });
    await visitor.connect(one.url, { version: "2025-11-25" });
    await visitor.button("Another server").click();
    await visitor.connect(two.url, { version: "2025-11-25" });
    await visitor.page.reload();
    for (const [other, session] of [[one, "first"], [two, "second"]])
      await until(() => other.requests.some(({ method, headers }) => method === "DELETE" && headers["mcp-session-id"] === session), `the end of the ${session} session`);
  });

  test("get their results while another is shown", async () => {
    let answer;
    const asked = new Promise((done) => (answer = done));
    await using one = await named("one", { handlers: { "tools/call": () => asked } });
    await using two = await named("two");
    await using visitor = await visit(browser, server, { allowed: [one.origin, two.origin] });
    await visitor.connect(one.url, { version: "2025-11-25" });
    await visitor.tool("one");
    await visitor.call();
    await visitor.button("Another server").click();
    await visitor.connect(two.url, { version: "2025-11-25" });
    answer({ content: [{ type: "text", text: "late, and for one" }] });
    await switched(visitor, "one").click();
    assert.match(await (await visitor.result()).innerText(), /late, and for one/);
  });
});

describe("a step that takes long can be stopped", () => {
  const never = new Promise(() => {});

  test("connecting", async () => {
    await using other = await named("slow", { handlers: { initialize: () => never, "server/discover": () => never } });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.page.getByLabel("Address").fill(other.url);
    await visitor.button("Connect").click();
    await until(() => other.requests.length > 0, "the first request");
    await visitor.button("Stop").click();
    await visitor.button("Connect").click();
    await visitor.button("Stop").click();
    await visitor.connect(`${server.url}/mcp`);
    assert.equal(await visitor.page.getByRole("alert").count(), 0);
    assert.ok(other.requests.every(({ method, text }) => method === "OPTIONS" || text.includes("server/discover")), "no other way is tried after the stop");
  });

  test("listing", async () => {
    await using other = await named("slow", { handlers: { "tools/list": () => never } });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.connect(other.url, { version: "2025-11-25" });
    await visitor.button("Disconnect").click();
    await visitor.button("Connect").waitFor();
    assert.equal(await visitor.page.getByRole("alert").count(), 0);
  });

  for (const [what, capability, list, entry, method, button] of [
    ["reading a resource", "resources", "resources/list", { resources: [{ uri: "a:b", name: "r" }] }, "resources/read", "Read"],
    ["getting a prompt", "prompts", "prompts/list", { prompts: [{ name: "p" }] }, "prompts/get", "Get prompt"],
  ])
    test(what, async () => {
      await using other = await named("slow", { capabilities: { [capability]: {} }, handlers: { [list]: () => entry, [method]: () => never } });
      await using visitor = await visit(browser, server, { allowed: [other.origin] });
      await visitor.connect(other.url, { version: "2025-11-25" });
      await visitor.page.locator(".list li button").first().click();
      await visitor.button(button).click();
      await visitor.button("Cancel").click();
      await visitor.page.locator(".use .problem").getByText("Cancelled.").waitFor();
    });
});

describe("a session that its server has ended", () => {
  // Sessions of a server, each known until it is ended.
  function sessions() {
    const known = new Set();
    return {
      known,
      session: () => {
        const id = `session-${known.size + 1}-${Math.random()}`;
        known.add(id);
        return id;
      },
      answer: ({ headers, method }, text, response) => {
        const id = headers["mcp-session-id"];
        return method === "POST" && !text.includes('"initialize"') && !known.has(id) && Boolean(response.writeHead(404).end("no such session"));
      },
    };
  }

  test("is replaced by a new one: the lists are fetched again, the call is not repeated, and it is said once", async () => {
    const { known, ...more } = sessions();
    let name = "before";
    await using other = await named("other", { ...more, handlers: { "tools/list": () => ({ tools: [tool(name)] }) } });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    const { page } = visitor;
    await visitor.connect(other.url, { version: "2025-11-25" });
    await visitor.tool("before");
    name = "after";
    known.clear();
    await visitor.call();
    await page.locator(".use .problem").getByText(/ended the session, so this was not done/).waitFor();
    await page.locator(".list").getByText("after", { exact: true }).waitFor();
    await page.getByText(/There is a new one, and the lists were fetched anew/).first().waitFor();
    const posted = (method) => other.requests.filter(({ text }) => text.includes(`"${method}"`)).length;
    assert.deepEqual([posted("tools/call"), posted("initialize")], [1, 2]);
    await visitor.tool("after");
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /from other/);
    assert.equal(await page.locator("p.note").getByText(/ended the session/).count(), 1);
  });
});

describe("a server that is gone for a while", () => {
  test("is tried again ever more seldom, at once when the network is back, and a call in flight is not repeated", async () => {
    const answer = ({ socket }, text) => text.includes('"tools/call"') && Boolean(socket.destroy());
    const other = await named("other", { answer });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    const { page } = visitor;
    await visitor.connect(other.url, { version: "2025-11-25" });
    await visitor.tool("other");
    await other.stop();
    await visitor.call();
    const seconds = async () => Number(/next try is in (\d+) s/.exec(await page.getByRole("alert").filter({ hasText: "next try" }).innerText())?.[1]);
    for (const expected of [1, 2, 4, 8]) await until(async () => (await seconds()) === expected, `a wait of ${expected} s`);
    const began = performance.now();
    await using back = await named("other", { port: Number(new URL(other.url).port) });
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await page.getByText(/is there again/).first().waitFor();
    assert.ok(performance.now() - began < 8000, "the try came at once");
    assert.equal(await page.getByText(/next try/).count(), 0);
    assert.equal(back.requests.filter(({ text }) => text.includes('"tools/call"')).length, 0);
    assert.ok(back.requests.some(({ text }) => text.includes('"tools/list"')));
  });

  test("is not given up while it is there, whatever became of one request", async () => {
    const answer = ({ socket }, text) => text.includes('"tools/call"') && Boolean(socket.destroy());
    await using other = await named("other", { answer });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.connect(other.url, { version: "2025-11-25" });
    await visitor.tool("other");
    await visitor.call();
    await visitor.page.locator(".use .problem").waitFor();
    await until(() => other.requests.some(({ text }) => text.includes('"ping"')), "a sign of life");
    assert.equal(await visitor.page.getByText(/next try|is there again/).count(), 0);
    assert.equal(other.requests.filter(({ text }) => text.includes('"tools/call"')).length, 1);
  });

  test("is connected anew where its stream is the connection (HTTP+SSE)", async () => {
    await using through = await relay(server.url);
    await using visitor = await visit(browser, server, { allowed: [through.url] });
    const { page } = visitor;
    await visitor.connect(`${through.url}/sse`, { transport: "sse" });
    through.cut();
    await page.getByText(/There is a new one/).first().waitFor();
    await visitor.tool("add");
    await visitor.json({ a: 2, b: 3 });
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /\b5\b/);
  });

  test("is connected anew where the old session takes a ping and then its stream ends (HTTP+SSE)", async () => {
    // The call is cut while its stream goes on. The ping is never answered.
    await using other = await streamed(({ method, session, streams, response }) => {
      if (session !== "1" || !["tools/call", "ping"].includes(method)) return false;
      if (method === "tools/call") return response.destroy();
      response.writeHead(202).end(() => streams.get(session).destroy());
      return true;
    });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.connect(other.url, { transport: "sse" });
    await visitor.tool("one");
    await visitor.call();
    await visitor.page.getByText(/the connection broke before the answer came/).first().waitFor();
    await servesAnew(visitor);
  });

  test("is connected anew where its stream ends while it connects (HTTP+SSE)", async () => {
    await using other = await streamed(({ method, session, streams, response }) => {
      if (session !== "1" || method !== "notifications/initialized") return false;
      streams.get(session).on("close", () => response.writeHead(202).end()).destroy();
      return true;
    });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.connect(other.url, { transport: "sse" });
    await servesAnew(visitor);
  });

  test("is connected anew where its stream ends while the first lists are fetched (HTTP+SSE)", async () => {
    await using other = await streamed(({ method, session, streams, response }) => {
      if (session !== "1" || method !== "tools/list") return false;
      streams.get(session).destroy();
      return response.destroy();
    });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.connect(other.url, { transport: "sse" });
    await servesAnew(visitor);
  });
});

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
    await page.getByText("Options", { exact: true }).click();
    await page.getByLabel("Bearer token").fill("planted-token");
    await visitor.button("Add header").click();
    await page.getByLabel("Header name").fill("X-Secret");
    await page.getByLabel("Header value").fill("planted-value");
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
    await page.getByText("Options", { exact: true }).click();
    await page.getByLabel("Bearer token").fill("planted-token");
    await visitor.button("Add header").click();
    await page.getByLabel("Header name").fill("X-Secret");
    await page.getByLabel("Header value").fill("planted-value");
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
