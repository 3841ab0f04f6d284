// Checks of every request before MCP: callers, what a page of another origin may do and read, and paths.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, test } from "node:test";
import { initialize, notification, open, openSse, post, request, send } from "../../support/mcp.mjs";
import { refuses } from "../../support/refusal.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const PAGE = "http://localhost:6274";
const OPERATOR = "https://console.example";
const LAN = "box.lan:8787";
const MAX_BODY_BYTES = 4 * 1024 * 1024;

const [server, allowing, open_to_all, pages] = await Promise.all([
  fixture({ trace: true }),
  fixture({ vars: { ALLOWED_ORIGINS: `${OPERATOR}, https://Other.example/`, ALLOWED_HOSTS: LAN } }),
  fixture({ vars: { ALLOWED_ORIGINS: "*" } }),
  demo(),
]);
after(() => Promise.all([server, allowing, open_to_all, pages].map((one) => one.stop())));

const EVENTS = { accept: "text/event-stream" };
const JSON_TYPE = { "content-type": "application/json" };
const PATHS = ["/mcp", "/sse", "/sse/message", "/", "/style.css", "/nowhere"];
const own = new URL(server.url);

// A page that is let in reads any answer, and what the answer is about.
function readable(answer, origin = PAGE) {
  const { headers } = answer;
  assert.equal(headers["access-control-allow-origin"], origin ?? "*", `${answer}`);
  assert.equal(headers["access-control-allow-credentials"], undefined);
  assert.match(headers.vary ?? "", /\borigin\b/i);
  const exposed = headers["access-control-expose-headers"].toLowerCase().split(/,\s*/);
  for (const name of ["mcp-session-id", "www-authenticate"]) assert.ok(exposed.includes(name), name);
}

// A head as it comes, its stream closed unread.
async function opened(stream) {
  const { status, headers } = await stream.opened;
  stream.close();
  return { status, headers, toString: () => `HTTP ${status}` };
}

describe("preflight requests", () => {
  const ask = (path, headers) =>
    send(server, "OPTIONS", path, {
      headers: { origin: PAGE, "access-control-request-method": "POST", ...headers },
    });

  test("a preflight of any path allows each header that clients send", async () => {
    for (const path of PATHS) {
      const answer = await ask(path, { "access-control-request-headers": "content-type, authorization" });
      assert.equal(answer.status, 204, `${path}: ${answer}`);
      assert.equal(answer.text, "");
      readable(answer);
      const list = (name) => answer.headers[`access-control-allow-${name}`].split(/,\s*/);
      for (const method of ["GET", "POST", "DELETE"]) assert.ok(list("methods").includes(method), method);
      const allowed = list("headers").map((name) => name.toLowerCase());
      for (const name of [
        "accept",
        "authorization",
        "content-type",
        "last-event-id",
        "mcp-method",
        "mcp-name",
        "mcp-protocol-version",
        "mcp-session-id",
      ])
        assert.ok(allowed.includes(name), name);
      // It would not cover `authorization`.
      assert.ok(!allowed.includes("*"));
      assert.ok(Number(answer.headers["access-control-max-age"]) >= 600);
    }
  });

  test("a preflight allows headers of tool arguments and no other requested ones", async () => {
    const { headers } = await ask("/mcp", {
      "access-control-request-headers": "Mcp-Param-Region, mcp-param-a_b.c-1, x-secret, mcp-param-, mcp-param-a:b",
    });
    const allowed = headers["access-control-allow-headers"].split(/,\s*/);
    for (const name of ["Mcp-Param-Region", "mcp-param-a_b.c-1"]) assert.ok(allowed.includes(name), name);
    for (const name of ["x-secret", "mcp-param-", "mcp-param-a:b"]) assert.ok(!allowed.includes(name), name);
  });

  test("a preflight from a foreign page or to a foreign host is refused", async () => {
    refuses(await ask("/mcp", { origin: "https://evil.example" }), 403, -32000);
    refuses(await ask("/mcp", { host: "evil.example" }), 403, -32000);
  });
});

describe("every answer can be read by a page that may call", async () => {
  const headers = { origin: PAGE };
  const session = await open(server, { headers });
  const ended = await open(server, { headers });
  assert.equal((await ended.end()).status, 204);
  const to = (path, body, extra) => post(server, body, { path, headers: { ...headers, ...extra } });
  const long = [JSON.stringify(request(1, "ping", { filler: "x".repeat(MAX_BODY_BYTES) }))];
  // It is refused before its body comes.
  const declared = { "content-length": `${MAX_BODY_BYTES + 1}` };
  const sse = () => openSse(server, { headers, initialize: false });

  for (const [what, status, ask] of [
    ["a new session", 200, () => to("/mcp", initialize())],
    ["a result", 200, () => session.post(request(1, "ping"))],
    ["a result as events", 200, () => session.post(request(1, "tools/call", { name: "test_tool_with_logging" }))],
    ["a session's stream", 200, () => opened(session.stream())],
    ["the page", 200, () => send(server, "GET", "/", { headers })],
    ["the style sheet", 200, () => send(server, "GET", "/style.css", { headers })],
    ["a notification that the Worker takes", 202, () => session.post(notification("notifications/initialized"))],
    ["a notification that the object takes", 202, () => session.post(notification("notifications/roots/list_changed"))],
    ["a session's end", 204, async () => (await open(server, { headers })).end()],
    ["no JSON", 400, () => to("/mcp", "{")],
    ["no JSON on a session", 400, () => session.post(`{ "a": ${" ".repeat(100)}`)],
    ["no session", 400, () => to("/mcp", request(1, "ping"))],
    ["a version that is not served", 400, () => to("/mcp", request(1, "ping"), { "mcp-protocol-version": "1" })],
    ["an event of nobody", 400, async () => opened(session.stream({ lastEventId: "x" }))],
    ["a made-up session", 404, () => to("/mcp", request(1, "ping"), { "mcp-session-id": "x" })],
    ["an ended session", 404, () => ended.post(request(1, "ping"))],
    ["an ended session's stream", 404, () => opened(ended.stream())],
    ["a made-up session of HTTP+SSE", 404, () => to("/sse/message?sessionId=x", request(1, "ping"))],
    ["nothing", 404, () => send(server, "GET", "/nowhere", { headers })],
    ["another method", 405, () => send(server, "PUT", "/mcp", { headers })],
    ["another method of HTTP+SSE", 405, () => send(server, "POST", "/sse", { headers })],
    ["an answer that is not accepted", 406, () => to("/mcp", initialize(), { accept: "text/html" })],
    ["a stream that is not accepted", 406, () => opened(session.stream({ headers: { accept: "text/html" } }))],
    ["a declared long body", 413, () => to("/mcp", [], declared)],
    ["a long body in chunks", 413, () => to("/mcp", long)],
    ["a declared long body on a session", 413, () => session.post([], { headers: declared })],
    ["a long body on a session in chunks", 413, () => session.post(long)],
    ["another type", 415, () => to("/mcp", initialize(), { "content-type": "text/plain" })],
    ["an opened stream of HTTP+SSE", 200, async () => opened((await sse()).events)],
    ["a message of HTTP+SSE", 202, async () => (await sse()).post(request(1, "ping"))],
    ["no message of HTTP+SSE", 400, async () => (await sse()).post("{")],
  ])
    test(`${status}: ${what}`, async () => {
      const answer = await ask();
      assert.equal(answer.status, status, `${answer}`);
      readable(answer);
    });

  test("429: a busy session, which says when to come back and goes on", async () => {
    const busy = await open(server, { version: "2025-03-26", headers });
    const slow = (from, count) =>
      Array.from({ length: count }, (_, n) =>
        request(from + n, "tools/call", { name: "slow", arguments: { ms: 30_000 } }),
      );
    const running = [slow(0, 100), slow(100, 28)].map((batch) => busy.postStream(JSON.stringify(batch)));
    const answer = await (async () => {
      // Until both batches have arrived, there is room.
      for (;;) {
        const answer = await busy.post(request("one more", "ping"));
        if (answer.status !== 200) return answer;
      }
    })();
    refuses(answer, 429, -32000, "one more");
    readable(answer);
    assert.equal(answer.headers["retry-after"], "1");
    for (let id = 0; id < 128; id += 64) {
      const batch = Array.from({ length: 64 }, (_, n) =>
        notification("notifications/cancelled", { requestId: id + n }),
      );
      assert.equal((await busy.post(JSON.stringify(batch))).status, 202);
    }
    assert.equal((await busy.post(request("at last", "ping"))).status, 200);
    for (const stream of running) {
      assert.equal((await stream.opened).status, 202);
      stream.close();
    }
  });

  test("a 403 can be read by no page, since it names no origin", async () => {
    const answer = await post(server, initialize(), { headers: { origin: "https://evil.example" } });
    refuses(answer, 403, -32000);
    assert.match(answer.json.error.message, /ALLOWED_ORIGINS/);
    readable(answer, "https://evil.example");
  });

  test("a client that is no page gets the same headers for any origin", async () => {
    readable(await post(server, initialize()), null);
    readable(await send(server, "GET", "/nowhere"), null);
  });
});

describe("origins", () => {
  const FOREIGN = [
    "null",
    "https://evil.example",
    `https://${own.host}.evil.example`,
    `http://evil.example:${own.port}`,
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "file://",
    "localhost",
    "x",
    "http://",
    "://",
    "https://localhost:6274/path",
    "http://user@localhost:6274",
    "http://localhost:6274, https://evil.example",
    "http://[::1",
    "chrome-extension://abcdef",
  ];

  test("a foreign, null or malformed origin is refused before anything is done", async () => {
    const session = await open(server);
    const { objectRequests, operations } = await server.cost(async () => {
      for (const origin of FOREIGN) {
        const headers = { origin };
        refuses(await post(server, initialize(), { headers }), 403, -32000);
        refuses(await session.post(request(1, "tools/call", { name: "increment" }), { headers }), 403, -32000);
        refuses(
          await send(server, "GET", "/mcp", { headers: { ...session.headers, ...EVENTS, ...headers } }),
          403,
          -32000,
        );
        refuses(await session.end({ headers }), 403, -32000);
        refuses(await send(server, "GET", "/sse", { headers: { ...EVENTS, ...headers } }), 403, -32000);
        refuses(await post(server, request(1, "ping"), { path: "/sse/message?sessionId=x", headers }), 403, -32000);
        refuses(await send(server, "GET", "/", { headers }), 403, -32000);
        refuses(await send(server, "GET", "/nowhere", { headers }), 403, -32000);
      }
    });
    assert.equal(objectRequests, 0, JSON.stringify(operations));
    assert.equal(await session.callText("increment"), "1");
  });

  test("an own, local or absent origin is accepted", async () => {
    for (const origin of [null, own.origin, own.origin.toUpperCase(), PAGE, "http://127.0.0.1", "http://[::1]:3000"]) {
      const answer = await post(server, initialize(), { headers: { origin } });
      assert.equal(answer.status, 200, `${origin}: ${answer}`);
      readable(answer, origin);
    }
  });

  test("origins of ALLOWED_ORIGINS are accepted, or all of them", async () => {
    for (const origin of [OPERATOR, "https://other.example", PAGE]) {
      const answer = await post(allowing, initialize(), { headers: { origin } });
      assert.equal(answer.status, 200, `${origin}: ${answer}`);
      readable(answer, origin);
    }
    for (const origin of ["https://evil.example", `${OPERATOR}:8443`, "http://console.example", "null"])
      refuses(await post(allowing, initialize(), { headers: { origin } }), 403, -32000);
    for (const origin of ["https://evil.example", "null"]) {
      const session = await open(open_to_all, { headers: { origin } });
      readable(await session.post(request(1, "ping")), origin);
    }
  });
});

describe("hosts", () => {
  test("a foreign name of this machine is refused, since a page could rebind it", async () => {
    for (const host of ["evil.example", `evil.example:${own.port}`, "localhost.evil.example", "192.168.1.9", LAN]) {
      for (const headers of [{ host }, { host, origin: `http://${host}` }]) {
        const answer = await post(server, initialize(), { headers });
        refuses(answer, 403, -32000);
        assert.match(answer.json.error.message, /ALLOWED_HOSTS/);
      }
      refuses(await send(server, "GET", "/", { headers: { host } }), 403, -32000);
      refuses(await send(server, "GET", "/sse", { headers: { ...EVENTS, host } }), 403, -32000);
    }
  });

  test("a name or address of this machine is accepted in every notation", async () => {
    for (const host of [own.host, `localhost:${own.port}`, "localhost", "LOCALHOST:1", "[::1]:8787", "127.1.2.3"]) {
      const answer = await post(server, initialize(), { headers: { host } });
      assert.equal(answer.status, 200, `${host}: ${answer}`);
    }
  });

  test("hosts of ALLOWED_HOSTS are accepted, and their pages may call", async () => {
    const headers = { host: LAN, origin: `http://${LAN}` };
    const answer = await post(allowing, initialize(), { headers });
    assert.equal(answer.status, 200, `${answer}`);
    readable(answer, `http://${LAN}`);
    // A page on this machine is foreign to another one.
    refuses(await post(allowing, initialize(), { headers: { host: LAN, origin: PAGE } }), 403, -32000);
    refuses(await post(allowing, initialize(), { headers: { host: "box.lan" } }), 403, -32000);
  });
});

describe("paths", () => {
  test("an unknown path is not found, and the answer names the known ones", async () => {
    for (const path of ["/nowhere", "/mcp//", "/MCP", "/mcp/x", "/sse//", "/sse/x", "/%6dcp", "/index.html"])
      for (const method of ["GET", "POST"]) {
        const answer = await send(server, method, path, {
          headers: JSON_TYPE,
          body: method === "POST" ? initialize() : undefined,
        });
        refuses(answer, 404, -32000);
        assert.match(answer.json.error.message, /\/mcp/);
      }
  });

  test("no credential is taken from the query", async () => {
    const answer = await post(server, initialize(), { path: "/mcp?access_token=x&sessionId=y" });
    assert.equal(answer.status, 200, `${answer}`);
    const id = answer.headers["mcp-session-id"];
    refuses(
      await post(server, request(1, "ping"), { path: `/mcp?mcp-session-id=${id}&sessionId=${id}` }),
      400,
      -32000,
      1,
    );
  });

  test("an MCP endpoint refuses other methods and names the allowed ones", async () => {
    for (const [path, allowed] of [
      ["/mcp", "GET, POST, DELETE, OPTIONS"],
      ["/sse", "GET, OPTIONS"],
      ["/sse/message", "POST, OPTIONS"],
    ])
      for (const method of ["PUT", "PATCH", "HEAD"]) {
        const answer = await send(server, method, path);
        assert.equal(answer.status, 405, `${method} ${path}: ${answer}`);
        assert.equal(answer.headers.allow, allowed);
        if (method !== "HEAD") refuses(answer, 405, -32000);
        readable(answer, null);
      }
  });

  test("a page answers GET, and HEAD with the same head and no body", async () => {
    for (const path of ["/", "/style.css"]) {
      const get = await send(pages, "GET", path);
      const head = await send(pages, "HEAD", path);
      assert.deepEqual([get.status, head.status, head.text], [200, 200, ""]);
      assert.ok(get.text.length > 100);
      const kept = ({
        date,
        connection,
        "keep-alive": alive,
        "transfer-encoding": how,
        "content-length": long,
        ...headers
      }) => headers;
      assert.deepEqual(kept(head.headers), kept(get.headers));
      for (const method of ["POST", "PUT", "DELETE"]) {
        const answer = await send(pages, method, path);
        refuses(answer, 405, -32000);
        assert.equal(answer.headers.allow, "GET, HEAD, OPTIONS");
      }
    }
  });

  test("the home page loads only its style sheet and one script, and cannot be framed", async () => {
    const { headers, text } = await send(pages, "GET", "/");
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "no-referrer");
    const policy = Object.fromEntries(
      headers["content-security-policy"].split(/;\s*/).map((part) => part.split(/\s+(.*)/s).slice(0, 2)),
    );
    assert.equal(policy["default-src"], "'none'");
    assert.equal(policy["style-src"], "'self'");
    assert.equal(policy["frame-ancestors"], "'none'");
    assert.equal(policy["base-uri"], "'none'");
    const scripts = [...text.matchAll(/<script[^>]*>([^]*?)<\/script>/gi)];
    const hashes = scripts.map(([, script]) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
    assert.equal(policy["script-src"], hashes.join(" "));
    assert.equal(hashes.length, 1, "one script, which copies texts");
    assert.doesNotMatch(text, /<script[^>]+src|\sstyle=|\son\w+=/i);
    const [, sheet] = /<link rel="stylesheet" href="([^"]+)"/.exec(text);
    const style = await send(pages, "GET", sheet);
    assert.equal(style.status, 200);
    assert.equal(style.headers["content-type"], "text/css; charset=utf-8");
    assert.match(style.headers["cache-control"], /immutable/);
  });
});
