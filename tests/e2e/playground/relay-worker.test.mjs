// The Worker behind the playground's relay, in workerd: what goes to a server, what comes back, and when it ends.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { after, beforeEach, describe, test } from "node:test";
import { internet } from "../../support/internet.mjs";
import { tokenOf } from "../../support/page-token.mjs";
import { DEMO } from "../../support/sign-in.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const SERVER = "https://server.example/mcp?key=secret-query";
const PING = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "secret-method" });
const MEGABYTE = 1024 * 1024;

const json = (status, body, headers = {}) => (_, __, response) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));

const web = await internet();
const server = await fixture({ playground: true, vars: { PLAYGROUND_RELAY: "on" }, outbound: web.outbound });

after(async () => {
  await server.stop();
  await web.stop();
});

beforeEach(() => {
  web.requests.length = 0;
  web.answer = json(200, { jsonrpc: "2.0", id: 1, result: {} });
});

/** Headers of a request as the page has them; those that are `undefined` are left out. */
function headersOf({ url = SERVER, method = "POST", headers = {}, more = {}, at = server } = {}) {
  const all = {
    "content-type": "application/json",
    "x-playground": "1",
    origin: at.url,
    "sec-fetch-site": "same-origin",
    "x-target-url": url,
    "x-target-method": method,
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [`x-target-header-${name}`, value])),
    ...more,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function relay({ body, signal, ...asked } = {}) {
  const { method = "POST", at = server } = asked;
  return fetch(`${at.url}/playground/relay`, { method: "POST", headers: headersOf(asked), body: body ?? (method === "POST" ? PING : undefined), ...(signal ? { signal } : {}) });
}

// A request whose page may leave.
function leaving({ at = server, ...asked } = {}) {
  const sent = request(`${at.url}/playground/relay`, { method: "POST", agent: false, headers: headersOf({ at, ...asked }) });
  sent.on("error", () => {});
  sent.on("response", (answer) => answer.on("error", () => {}));
  sent.end(PING);
  // workerd notices a client that leaves while it sends nothing by a reset of the connection alone.
  return Object.assign(sent, { leave: () => sent.socket.resetAndDestroy() });
}

const codeOf = async (answer) => (await answer.json()).error.code;

describe("the relay in workerd", () => {
  test("is not there unless it is on", async () => {
    await using off = await fixture({ playground: true, outbound: web.outbound });
    assert.equal((await relay({ at: off })).status, 404);
    assert.equal((await (await fetch(`${off.url}/playground/config.json`)).json()).relay, undefined);
    assert.deepEqual((await (await fetch(`${server.url}/playground/config.json`)).json()).relay, { signIn: false });
    assert.equal(web.requests.length, 0);
  });

  test("stays off without the flag that keeps fetches in front of the zone's guards", async () => {
    await using bare = await fixture({ playground: true, vars: { PLAYGROUND_RELAY: "on" }, withoutFlags: ["global_fetch_strictly_public"], outbound: web.outbound });
    assert.equal((await relay({ at: bare })).status, 404);
    await bare.log(({ text }) => /PLAYGROUND_RELAY is on, and there is no relay/.test(text));
  });

  test("sends what the page gave for the server, and nothing else", async () => {
    const answer = await relay({
      headers: { accept: "application/json, text/event-stream", authorization: "Bearer of-the-server", "mcp-protocol-version": "2025-11-25", "x-typed": "yes" },
      more: { cookie: "of=here", "x-forwarded-for": "203.0.113.9", "user-agent": "Browser" },
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { jsonrpc: "2.0", id: 1, result: {} });
    const [{ host, method, url, headers, text }] = web.requests;
    assert.deepEqual([host, method, url, text], ["server.example", "POST", "/mcp?key=secret-query", PING]);
    assert.equal(headers["x-forwarded-proto"], "https");
    assert.deepEqual([headers.authorization, headers["mcp-protocol-version"], headers["x-typed"]], ["Bearer of-the-server", "2025-11-25", "yes"]);
    for (const name of ["cookie", "origin", "referer", "x-playground", "x-forwarded-for", "x-target-url"]) assert.equal(headers[name], undefined, name);
    assert.notEqual(headers["user-agent"], "Browser");
  });

  test("marks the server's status, and keeps its cookies and other headers", async () => {
    web.answer = json(401, { error: "no" }, { "www-authenticate": 'Bearer scope="a"', "set-cookie": "a=b", "x-powered-by": "x", "mcp-session-id": "s", "content-security-policy": "script-src *" });
    const answer = await relay();
    assert.deepEqual([answer.status, answer.headers.get("x-target-status")], [200, "401"]);
    assert.deepEqual([answer.headers.get("x-target-header-www-authenticate"), answer.headers.get("x-target-header-mcp-session-id")], ['Bearer scope="a"', "s"]);
    assert.deepEqual(answer.headers.getSetCookie(), []);
    assert.equal(answer.headers.get("x-powered-by"), null);
    assert.deepEqual([answer.headers.get("x-content-type-options"), answer.headers.get("content-security-policy")], ["nosniff", "default-src 'none'; frame-ancestors 'none'; sandbox"]);
    assert.deepEqual(await answer.json(), { error: "no" });
  });

  test("tells a redirect, and does not follow it", async () => {
    web.answer = (_, __, response) => response.writeHead(302, { location: "https://other.example/", "content-type": "application/json" }).end("{}");
    const answer = await relay({ method: "GET" });
    assert.deepEqual([answer.status, answer.headers.get("x-target-status"), await answer.text()], [200, "302", ""]);
    assert.equal(answer.headers.get("location"), null);
    assert.deepEqual(web.requests.map(({ host }) => host), ["server.example"]);
  });

  test("passes JSON and event streams on, and of all else the status alone", async () => {
    for (const [type, isPassed] of [
      ["application/json; charset=utf-8", true],
      ["application/problem+json", true],
      ["text/event-stream", true],
      ["text/html", false],
      ["text/plain", false],
      ["image/svg+xml", false],
      ["application/javascript", false],
      ["application/octet-stream", false],
      ["", false],
    ]) {
      web.answer = (_, __, response) => response.writeHead(200, type ? { "content-type": type } : {}).end("<script>1</script>");
      const answer = await relay();
      const of = type.split(";")[0];
      assert.deepEqual([answer.headers.get("x-target-status"), answer.headers.get("x-target-header-content-type")], ["200", of || null], type);
      assert.equal(await answer.text(), isPassed ? "<script>1</script>" : "", type);
      assert.match(answer.headers.get("content-type"), of === "text/event-stream" ? /^text\/event-stream/ : /^application\/json/);
    }
  });

  test("sends nothing to addresses and names that are not public, in any notation", async () => {
    web.names["rebound.example"] = ["93.184.215.14", "10.0.0.1"];
    web.names["six.example"] = ["::ffff:127.0.0.1"];
    const hosts = ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]", "localhost", "a.localhost", "printer.local", "metadata.google.internal", "intranet", "a@server.example", "server.example:22", "server.example:80", "server.example.", "rebound.example", "six.example"];
    for (const host of hosts) {
      const answer = await relay({ url: `https://${host}/mcp` });
      assert.deepEqual([answer.status, await codeOf(answer)], [403, "target"], host);
    }
    for (const url of ["http://server.example/", `${server.url}/mcp`, server.url.replace("http:", "https:")]) assert.equal((await relay({ url })).status, 403, url);
    web.names["nobody.example"] = [];
    assert.equal(await codeOf(await relay({ url: "https://nobody.example/" })), "name");
    assert.equal(web.requests.length, 0);
  });

  test("answers nobody but the page of its own origin", async () => {
    for (const more of [{ "x-playground": undefined }, { origin: undefined }, { origin: "https://evil.example" }, { origin: "http://localhost:3000" }, { "sec-fetch-site": undefined }, { "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "none" }]) {
      assert.equal((await relay({ more })).status, 403, JSON.stringify(more));
    }
    assert.equal((await fetch(`${server.url}/playground/relay`)).status, 405);
    assert.equal(await codeOf(await relay({ more: { "x-playground-relay": "1" } })), "loop");
    assert.equal(web.requests.length, 0);
  });

  test("takes messages and forms of tokens alone, up to a megabyte", async () => {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    for (const [body, more, status] of [
      [JSON.stringify({ redirect_uris: ["https://a.example/"] }), {}, 200],
      ["grant_type=authorization_code&code=c", form, 200],
      ["a=b", form, 400],
      ["{}", {}, 400],
      ["<xml/>", {}, 400],
      [PING, { "content-type": "text/plain" }, 400],
      [JSON.stringify({ jsonrpc: "2.0", method: "x", params: { a: "x".repeat(MEGABYTE) } }), {}, 413],
    ]) {
      assert.equal((await relay({ body, more })).status, status, body.slice(0, 80));
    }
    assert.equal(web.requests.length, 2);
  });

  test("passes each event on when it comes", async () => {
    const events = [];
    web.answer = (_, __, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      events.push((text) => response.write(`data: ${text}\n\n`), () => response.end());
    };
    const answer = await relay();
    assert.equal(answer.headers.get("cache-control"), "no-cache, no-transform");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    await until(() => events.length > 0, "the stream");
    // The next event is sent once the one before has arrived, so none is held back.
    for (const text of ["one", "two", "three"]) {
      events[0](text);
      assert.equal((await reader.read()).value, `data: ${text}\n\n`);
    }
    events[1]();
    assert.equal((await reader.read()).done, true);
  });

  test("ends the request to the server when the page leaves, before an answer and in a stream", async () => {
    const closed = web.closed;
    web.answer = () => {};
    const before = leaving();
    await until(() => web.requests.length === 1, "the request");
    before.leave();
    await until(() => web.closed === closed + 1, "the end of the first");
    web.answer = (_, __, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: one\n\n");
    };
    const during = leaving();
    const [answer] = await once(during, "response");
    await once(answer, "data");
    during.leave();
    await until(() => web.closed === closed + 2, "the end of the second");
  });

  test("breaks an answer off that is too long", async () => {
    web.answer = (_, __, response) => response.writeHead(200, { "content-type": "application/json", "content-length": String(21 * MEGABYTE) }).end("x".repeat(21 * MEGABYTE));
    assert.deepEqual(await relay().then(async (answer) => [answer.status, await codeOf(answer)]), [502, "unreachable"]);
    const closed = web.closed;
    web.answer = (_, __, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const endless = function* () {
        for (;;) yield `data: ${"x".repeat(MEGABYTE)}\n\n`;
      };
      return pipeline(Readable.from(endless()), response).catch(() => {});
    };
    const answer = await relay();
    let bytes = 0;
    await assert.rejects(async () => {
      for await (const chunk of answer.body) bytes += chunk.length;
    });
    assert.ok(bytes <= 20 * MEGABYTE, String(bytes));
    await until(() => web.closed > closed, "the end of the request");
  });

  test("tells of a server that cannot be reached, and logs host, status and bytes alone", async () => {
    web.answer = (request) => request.socket.destroy();
    const answer = await relay({ url: "https://away.example/secret-path" });
    assert.deepEqual([answer.status, await codeOf(answer)], [502, "unreachable"]);
    const { json: away } = await server.log(({ json }) => json?.host === "away.example");
    assert.deepEqual([away.event, away.outcome, away.code], ["relay", "unreachable", undefined]);
    web.answer = json(200, { secret: "secret-answer" });
    await (await relay({ url: "https://logged.example:8443/secret-path?secret-query", headers: { authorization: "Bearer secret-token" } })).text();
    const { json: line } = await server.log(({ json }) => json?.host === "logged.example:8443");
    assert.deepEqual([line.event, line.method, line.code, line.outcome, line.bytes], ["relay", "POST", 200, "ok", JSON.stringify({ secret: "secret-answer" }).length]);
    assert.ok(!server.logs.some(({ text }) => /secret-/.test(text)));
  });
});

describe("a person's requests that are under way", () => {
  const trickle = (_, __, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write("{");
  };

  test("are eight at most, before an answer as in its body; no other is sent until one is over", async () => {
    await using at = await fixture({ playground: true, vars: { ...DEMO, PLAYGROUND_RELAY: "on" }, outbound: web.outbound });
    const more = { authorization: `Bearer ${await tokenOf(at, "Ann", "relay")}` };
    web.answer = (...asked) => (web.requests.length % 2 ? undefined : trickle(...asked));
    const running = Array.from({ length: 8 }, () => leaving({ at, more }));
    await until(() => web.requests.length === 8, "the requests");
    const over = await relay({ at, more });
    assert.deepEqual([over.status, await codeOf(over), over.headers.get("retry-after")], [429, "busy", "5"]);
    assert.equal(web.requests.length, 8);
    // Another person has slots of their own.
    web.answer = json(200, {});
    assert.equal((await relay({ at, more: { authorization: `Bearer ${await tokenOf(at, "Bob", "relay")}` } })).status, 200);
    running[0].leave();
    await until(async () => (await relay({ at, more })).status === 200, "a slot of the one whose page left");
    for (const one of running.slice(1)) one.leave();
  });

  test("count after a crash, too, for as long as their slots are held", async () => {
    await using at = await fixture({ playground: true, vars: { ...DEMO, PLAYGROUND_RELAY: "on" }, outbound: web.outbound });
    const more = { authorization: `Bearer ${await tokenOf(at, "Ann", "relay")}` };
    web.answer = () => {};
    const began = performance.now();
    for (let sent = 0; sent < 8; sent++) leaving({ at, more });
    await until(() => web.requests.length === 8, "the requests");
    await at.restart();
    const { status } = await relay({ at, more });
    // On a slow machine the minute may be over.
    if (performance.now() - began < 60_000) assert.equal(status, 429);
  });
});
