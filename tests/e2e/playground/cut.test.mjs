// A call of the playground whose stream breaks off: resumed where that can be, and told at once where it cannot.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inBrowser } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { fixture } from "../../support/workerd.mjs";

const { connected } = await inBrowser(fixture({ playground: true }));

const tools = [{ name: "long", inputSchema: { type: "object" } }];
const event = (message, id) => `${id === undefined ? "" : `id: ${id}\n`}data: ${message === undefined ? "" : JSON.stringify(message)}\n\n`;
const log = (data) => ({ jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data } });

// A server that begins the stream of a call, and answers what comes by GET after it.
async function breaking(begin, resumed = () => false) {
  const gets = [];
  let call;
  const answer = (request, text, response) => {
    if (request.method === "POST" && text.includes('"tools/call"')) {
      call = JSON.parse(text).id;
      response.writeHead(200, { "content-type": "text/event-stream" });
      begin(response);
      return true;
    }
    const from = request.method === "GET" ? request.headers["last-event-id"] : undefined;
    if (from === undefined) return false;
    gets.push(from);
    return resumed(response, call);
  };
  const own = await scripted({ answer, capabilities: { tools: {}, logging: {} }, handlers: { "tools/list": () => ({ tools }) } });
  return Object.assign(own, { gets });
}

async function called(own, version) {
  const visitor = await connected({ url: own.url, allowed: [own.origin] }, version ? { version } : {});
  await visitor.tool("long");
  await visitor.call();
  return visitor;
}

// Cut once the page has had what was sent.
const cut = (response, text) => response.write(text, () => setTimeout(() => response.destroy(), 50));

describe("a call whose stream breaks off", () => {
  for (const version of ["2025-11-25", "2026-07-28"])
    test(`without an event by which it could be resumed fails at once, and says so, in ${version}`, async () => {
      const discover = { resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" }, ttlMs: 0, cacheScope: "private" };
      const list = { resultType: "complete", tools, ttlMs: 0, cacheScope: "private" };
      await using own = await breaking((response) => cut(response, event(log("halfway"))));
      const isModern = version === "2026-07-28";
      await using modern = isModern ? await scripted({ answer: (request, text, response) => text.includes('"tools/call"') && (response.writeHead(200, { "content-type": "text/event-stream" }), cut(response, ": begins\n\n"), true), handlers: { "server/discover": () => discover, "tools/list": () => list } }) : own;
      await using visitor = await called(modern, version);
      assert.match(await (await visitor.result()).innerText(), /broke off before the answer, and cannot be resumed[^]*may have run/);
      assert.ok((await visitor.trace()).some((title) => /tools\/call: The stream broke off/.test(title)));
      assert.deepEqual(modern.requests.filter(({ headers }) => headers["last-event-id"]), []);
      visitor.done();
    });

  test("after an event is resumed, also where that stream breaks off, too", async () => {
    await using own = await breaking(
      (response) => cut(response, "retry: 20\n" + event(undefined, "one")),
      (response, id) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        if (own.gets.length === 1) cut(response, event(log("on the way"), "two"));
        else response.end(event({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text: "whole after all" }] } }, "three"));
        return true;
      },
    );
    await using visitor = await called(own, "2025-11-25");
    assert.match(await (await visitor.result()).innerText(), /whole after all/);
    assert.deepEqual(own.gets, ["one", "two"]);
  });

  test("and is resumed by a stream that ends without more fails at once", async () => {
    await using own = await breaking(
      (response) => cut(response, "retry: 20\n" + event(undefined, "one")),
      (response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        return cut(response, ": nothing more\n\n"), true;
      },
    );
    await using visitor = await called(own, "2025-11-25");
    assert.match(await (await visitor.result()).innerText(), /broke off before the answer/);
    assert.deepEqual(own.gets, ["one"]);
  });

  test("and that its server does not resume fails at once", async () => {
    await using own = await breaking(
      (response) => cut(response, "retry: 20\n" + event(undefined, "one")),
      (response) => (response.writeHead(405).end(), true),
    );
    await using visitor = await called(own, "2025-11-25");
    assert.match(await (await visitor.result()).innerText(), /the server refuses to resume it/);
    assert.deepEqual(own.gets, ["one"]);
    visitor.done();
  });

  test("because the person cancelled it is no fault of the stream", async () => {
    let begun;
    const isBegun = new Promise((done) => (begun = done));
    await using own = await breaking((response) => (response.write(": begins\n\n"), begun()));
    await using visitor = await called(own, "2025-11-25");
    await isBegun;
    await visitor.button("Cancel").click();
    assert.match(await (await visitor.result()).innerText(), /Cancelled\./);
    assert.ok(!(await visitor.trace()).some((title) => /broke off/.test(title)));
    visitor.done();
  });
});
