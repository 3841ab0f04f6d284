// The servers that a person has on the playground: several at once, ended sessions and lost connections. Numbers are those of the
// table in tests/README.md.
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { describe, test } from "node:test";
import { named, tool } from "../../support/named.mjs";
import { inBrowser, visit } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { demo } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(demo({ playground: true }));

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

// A server whose stream is the connection (HTTP+SSE). `take` gets each message, with the streams by session, and tells whether it
// has answered.
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
