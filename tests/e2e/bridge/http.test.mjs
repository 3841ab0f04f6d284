// The local bridge's HTTP requests: headers, cookies, redirects, proxies, certificates. Numbers are those of the table in
// tests/README.md.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, createGzip, constants } from "node:zlib";
import { startBridge } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { certificates } from "../../support/certificates.mjs";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";
import { httpProxy, tlsGateway } from "../../support/gateways.mjs";
import { WAIT_MS, bounded } from "../../support/wait.mjs";

// The variables of this machine must not decide.
const NO_PROXIES = Object.fromEntries(
  ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"].map((name) => [name, ""]),
);
const start = (url, { args = [], env = {} } = {}) => startBridge(url, { args, env: { ...NO_PROXIES, ...env } });

// The sentence with which `initialize` fails.
async function failure(bridge) {
  const { error } = await bridge.request("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } });
  assert.ok(error, "initialize succeeded");
  return error.message;
}

// The error of a server that will refuse each time: one attempt, and no hint that the request may have run.
async function refusal(bridge) {
  const message = await failure(bridge);
  assert.doesNotMatch(message, /may have run/);
  // An attempt that another one follows is told on stderr.
  assert.doesNotMatch(bridge.stderr, /cannot be reached/);
  return message;
}

const ONCE = ["--initialize-deadline", "1"];

test("16: a gzip answer is decoded, and an event of a gzip stream comes at once", async () => {
  await using server = await bridgeServer({
    on: {
      "tools/list": (exchange) => {
        const body = gzipSync(JSON.stringify({ jsonrpc: "2.0", id: exchange.id, result: { tools: [] } }));
        exchange.response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
        exchange.response.end(body);
      },
      "tools/call": async (exchange) => {
        exchange.response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" });
        const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
        gzip.pipe(exchange.response);
        gzip.write(`data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: "early" } })}\n\n`);
        await exchange.closed;
      },
    },
  });
  await using bridge = start(server.url);
  await bridge.initialize();
  assert.deepEqual(await bridge.result("tools/list"), { tools: [] });
  bridge.send({ jsonrpc: "2.0", id: 50, method: "tools/call", params: { name: "x" } });
  await bridge.message(({ params }) => params?.data === "early");
  assert.match((await server.received("tools/list")).headers["accept-encoding"], /gzip/);
});

test("16: the limit of a message counts decoded bytes", async () => {
  await using server = await bridgeServer({
    on: {
      "tools/call": (exchange) => {
        const text = "x".repeat(4 << 20);
        const body = gzipSync(JSON.stringify({ jsonrpc: "2.0", id: exchange.id, result: { content: [{ type: "text", text }] } }));
        assert.ok(body.length < 100_000);
        exchange.response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
        exchange.response.end(body);
      },
    },
  });
  await using bridge = start(server.url, { args: ["--max-message", "1000000"] });
  await bridge.initialize();
  const { error } = await bridge.request("tools/call", { name: "x" });
  assert.match(error.message, /1000000/);
  assert.ok(await bridge.result("ping"));
});

for (const status of [307, 308]) {
  test(`24: a ${status} within the origin is followed with its body`, async () => {
    await using server = await bridgeServer({
      http: (exchange) => exchange.url === "/mcp" && (exchange.status(status, "", { location: "/v2/mcp" }), true),
    });
    await using bridge = start(server.url);
    await bridge.initialize();
    assert.ok((await bridge.result("tools/list")).tools);
    const [first, second] = server.requests;
    assert.deepEqual([first.url, second.url], ["/mcp", "/v2/mcp"]);
    assert.equal(second.text, first.text);
  });
}

test("24: a redirect to another origin is refused, and no credential is sent there", async () => {
  await using other = await bridgeServer();
  await using server = await bridgeServer({ http: (exchange) => (exchange.status(307, "", { location: `${other.url}?secret=1` }), true) });
  await using bridge = start(server.url, { args: ["--header", "Authorization: Bearer planted-secret"] });
  const message = await refusal(bridge);
  assert.match(message, new RegExp(`${other.url}`));
  assert.doesNotMatch(message, /secret/);
  assert.deepEqual(other.requests, []);
});

test("24: a redirect that loses the body is refused with the new URL", async () => {
  await using server = await bridgeServer({ http: (exchange) => (exchange.status(302, "", { location: "/moved" }), true) });
  await using bridge = start(server.url);
  assert.match(await refusal(bridge), new RegExp(`${server.origin}/moved`));
});

test("24: a redirect without an end is refused", async () => {
  await using server = await bridgeServer({ http: (exchange) => (exchange.status(307, "", { location: "/mcp" }), true) });
  await using bridge = start(server.url);
  assert.match(await refusal(bridge), /redirects more than/);
});

const withCookies = () =>
  bridgeServer({
    sessions: true,
    http: ({ message, response }) => {
      if (message?.method === "initialize") response.setHeader("set-cookie", ["node=one; Path=/", "elsewhere=x; Path=/other", "folder=f"]);
      if (message?.method === "tools/list") response.setHeader("set-cookie", ["node=two; Path=/", "folder=; Max-Age=0"]);
    },
  });

test("25: cookies are sent back to their origin and path on POST, GET and DELETE", async () => {
  await using server = await withCookies();
  await using bridge = start(server.url);
  await bridge.initialize();
  await bridge.result("tools/list");
  await bridge.result("ping");
  const got = await server.received("GET");
  assert.equal(await bridge.end(), 0);
  const cookies = (method) => server.requests.filter((exchange) => exchange.message?.method === method || exchange.method === method).map(({ headers }) => headers.cookie);
  assert.deepEqual(cookies("initialize"), [undefined]);
  assert.deepEqual(cookies("tools/list"), ["node=one; folder=f"]);
  assert.deepEqual(cookies("ping"), ["node=two"]);
  assert.match(got.headers.cookie, /^node=/);
  assert.deepEqual(cookies("DELETE"), ["node=two"]);
});

test("25: a cookie of the command line wins, and --disable-cookies sends none", async () => {
  await using server = await withCookies();
  for (const [args, expected] of [
    [["--header", "Cookie: mine=1"], "mine=1"],
    [["--disable-cookies"], undefined],
  ]) {
    server.requests.length = 0;
    await using bridge = start(server.url, { args });
    await bridge.initialize();
    await bridge.result("ping");
    const [{ headers }] = server.requests.filter(({ message }) => message?.method === "ping");
    assert.equal(headers.cookie, expected);
  }
});

test("26: headers are sent on each request, with variables from the environment", async () => {
  await using server = await bridgeServer({ sessions: true });
  const args = ["--header", "Authorization:Bearer ${TOKEN}", "--header", "X-Team: blue", "--header-env", "X-Key=KEY"];
  await using bridge = start(server.url, { args, env: { TOKEN: "planted-token", KEY: "planted-key" } });
  await bridge.initialize();
  await bridge.result("ping");
  await server.received("GET");
  assert.equal(await bridge.end(), 0);
  assert.deepEqual([...new Set(server.requests.map(({ method }) => method))].sort(), ["DELETE", "GET", "POST"]);
  for (const { headers } of server.requests) {
    assert.equal(headers.authorization, "Bearer planted-token");
    assert.equal(headers["x-team"], "blue");
    assert.equal(headers["x-key"], "planted-key");
  }
  assert.doesNotMatch(bridge.stderr, /planted/);
});

for (const line of ["no header", "Host: other.example", "Transfer-Encoding: chunked", "Content-Length: 5", "bad name: x"]) {
  test(`26, 27: --header "${line}" is an error at start`, async () => {
    await using server = await bridgeServer();
    await using bridge = start(server.url, { args: ["--header", line] });
    assert.equal(await bounded(bridge.ended, WAIT_MS, "the end"), 1);
    assert.match(bridge.stderr, /^durable-mcp-remote: .*header/m);
    assert.deepEqual(server.requests, []);
  });
}

test("26: a 401 with a header Authorization gives a hint and opens no browser", async () => {
  await using server = await bridgeServer({ http: (exchange) => (exchange.status(401), true) });
  await using bridge = start(server.url, { args: [...ONCE, "--header", "Authorization: Bearer planted"] });
  assert.match(await failure(bridge), /--header/);
  assert.ok(server.requests.every(({ url }) => url === "/mcp"));
});

test("27: Accept and Mcp-* of the command line are ignored with a warning", async () => {
  await using server = await bridgeServer();
  await using bridge = start(server.url, { args: ["--header", "Accept: text/html", "--header", "Mcp-Session-Id: mine"] });
  await bridge.initialize();
  await bridge.result("ping");
  for (const { headers } of server.requests) {
    assert.doesNotMatch(headers.accept ?? "", /html/);
    assert.equal(headers["mcp-session-id"], undefined);
  }
  assert.match(bridge.stderr, /Accept is ignored/);
  assert.match(bridge.stderr, /Mcp-Session-Id is ignored/);
});

// A certificate for localhost and mcp.test, whose authority this machine does not know.
async function withTls(use) {
  const folder = temporaryFolder("bridge-tls");
  try {
    await use(await certificates(folder, { hosts: ["localhost", "mcp.test"] }), folder);
  } finally {
    removeFolder(folder);
  }
}

test("28: HTTP/2 carries all requests on one connection, and a GOAWAY while idle goes unnoticed", () =>
  withTls(async (tls) => {
    await using server = await bridgeServer({ sessions: true, get: ({ response }) => response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders() });
    await using gateway = await tlsGateway(server.origin, tls);
    await using bridge = start(`${gateway.origin}/mcp`, { args: ["--ca", tls.ca] });
    await bridge.initialize();
    await server.received("GET");
    await Promise.all(Array.from({ length: 20 }, () => bridge.result("ping")));
    assert.equal(gateway.sessions.length, 1);
    assert.deepEqual([...new Set(gateway.versions)], ["2.0"]);
    gateway.sessions[0].goaway(0);
    assert.deepEqual(await bridge.result("ping"), {});
    assert.ok(gateway.sessions.length >= 2);
  }));

test("28: HTTP/1.1 is spoken where TLS offers nothing else", () =>
  withTls(async (tls) => {
    await using server = await bridgeServer();
    await using gateway = await tlsGateway(server.origin, { ...tls, http2: false });
    await using bridge = start(`${gateway.origin}/mcp`, { args: ["--ca", tls.ca] });
    await bridge.initialize();
    assert.deepEqual(await bridge.result("ping"), {});
    assert.deepEqual([...new Set(gateway.versions)], ["1.1"]);
  }));

test("29: requests go through the proxies of the environment, with their credentials", () =>
  withTls(async (tls) => {
    await using server = await bridgeServer();
    await using gateway = await tlsGateway(server.origin, tls);
    await using proxy = await httpProxy({ upstreams: { "mcp.test": server.origin, "mcp.test:443": gateway.origin }, credentials: "user:p@ss" });
    const address = `http://user:p%40ss@127.0.0.1:${proxy.port}`;
    for (const [url, variable, args] of [
      ["http://mcp.test/mcp", "HTTP_PROXY", ["--allow-http"]],
      ["https://mcp.test/mcp", "HTTPS_PROXY", []],
    ]) {
      await using bridge = start(url, { args: [...args, "--enable-proxy", "--ca", tls.ca], env: { [variable]: address } });
      await bridge.initialize();
      assert.deepEqual(await bridge.result("ping"), {});
      assert.doesNotMatch(bridge.stderr, /p@ss|p%40ss/);
    }
    assert.ok(proxy.seen.some(({ url }) => url === "http://mcp.test/mcp"));
    assert.ok(proxy.seen.some(({ method, url }) => method === "CONNECT" && url === "mcp.test:443"));
  }));

test("29: NO_PROXY and --no-proxy leave a proxy out", async () => {
  await using proxy = await httpProxy();
  const HTTP_PROXY = `http://127.0.0.1:${proxy.port}`;
  for (const { args = [], env } of [{ env: { HTTP_PROXY, NO_PROXY: ".invalid" } }, { args: ["--no-proxy"], env: { HTTP_PROXY } }]) {
    await using bridge = start("http://mcp.invalid/mcp", { args: [...ONCE, "--allow-http", ...args], env });
    assert.match(await failure(bridge), /no address is known for mcp\.invalid/);
  }
  assert.deepEqual(proxy.seen, []);
});

test("29: this machine is never reached by a proxy", async () => {
  await using server = await bridgeServer();
  await using proxy = await httpProxy();
  const address = `http://127.0.0.1:${proxy.port}`;
  for (const host of ["127.0.0.1", "localhost"]) {
    await using bridge = start(server.url.replace("127.0.0.1", host), { args: ["--enable-proxy"], env: { HTTP_PROXY: address, ALL_PROXY: address } });
    await bridge.initialize();
    assert.deepEqual(await bridge.result("ping"), {});
  }
  assert.deepEqual(proxy.seen, []);
});

test("29: a proxy that asks for credentials is named as the cause", async () => {
  await using proxy = await httpProxy({ credentials: "user:password" });
  const address = `http://127.0.0.1:${proxy.port}`;
  for (const [url, env] of [
    ["http://mcp.test/mcp", { HTTP_PROXY: address }],
    ["https://mcp.test/mcp", { HTTPS_PROXY: address }],
  ]) {
    await using bridge = start(url, { args: [...ONCE, "--allow-http"], env });
    assert.match(await failure(bridge), /the proxy asks for credentials.*HTTPS_PROXY/);
  }
});

test("30: an unknown issuer is named with the ways to trust it, each of which works", () =>
  withTls(async (tls, folder) => {
    await using server = await bridgeServer();
    await using gateway = await tlsGateway(server.origin, tls);
    const url = `${gateway.origin}/mcp`;
    {
      await using bridge = start(url);
      assert.match(await refusal(bridge), /"Acme Test Root".*--ca FILE.*NODE_EXTRA_CA_CERTS/);
    }
    for (const options of [{ args: ["--ca", tls.ca] }, { env: { NODE_EXTRA_CA_CERTS: tls.ca } }, { env: { SSL_CERT_FILE: tls.ca } }]) {
      await using bridge = start(url, options);
      await bridge.initialize();
      assert.deepEqual(await bridge.result("ping"), {});
    }
    const empty = join(folder, "empty.pem");
    writeFileSync(empty, "");
    for (const file of [empty, join(folder, "missing.pem")]) {
      await using bridge = start(url, { args: ["--ca", file] });
      assert.equal(await bounded(bridge.ended, WAIT_MS, "the end"), 1);
      assert.match(bridge.stderr, /--ca: .*PEM/);
    }
  }));

test("30: a certificate for another name is told apart", () =>
  withTls(async (tls) => {
    await using server = await bridgeServer();
    await using gateway = await tlsGateway(server.origin, tls);
    await using bridge = start(`https://127.0.0.1:${gateway.port}/mcp`, { args: ["--ca", tls.ca] });
    assert.match(await refusal(bridge), /for another name/);
  }));

test("30: a server without TLS is told apart", async () => {
  await using server = await bridgeServer();
  await using bridge = start(server.url.replace("http:", "https:"), { args: ONCE });
  assert.match(await failure(bridge), /TLS with 127\.0\.0\.1 fails/);
});

test("31: --ipv4 connects to the IPv4 address alone", async (t) => {
  await using server = await bridgeServer();
  const port = new URL(server.url).port;
  const six = createServer((_, response) => response.writeHead(500).end("IPv6"));
  const failed = await new Promise((resolve) => six.once("error", resolve).listen({ port, host: "::1", ipv6Only: true }, () => resolve()));
  if (failed) return t.skip("this machine has no IPv6");
  six.unref();
  try {
    await using bridge = start(`http://localhost:${port}/mcp`, { args: ["--ipv4"] });
    await bridge.initialize();
    assert.deepEqual(await bridge.result("ping"), {});
  } finally {
    six.closeAllConnections();
    six.close();
  }
});

test("108: http to another machine needs --allow-http", async () => {
  await using bridge = start("http://mcp.test/mcp");
  assert.equal(await bounded(bridge.ended, WAIT_MS, "the end"), 1);
  assert.match(bridge.stderr, /--allow-http/);
});
