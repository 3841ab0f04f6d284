// The local bridge's subcommands about a server: doctor, login, logout, list. Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { PROGRAM, startBridge } from "../../support/bridge.mjs";
import { bridgeAuthority, guardedServer, linkOf, linksOf, signIn } from "../../support/bridge-authority.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { NO_BROWSER, visit } from "../../support/callback.mjs";
import { certificates } from "../../support/certificates.mjs";
import { Child, removeFolder, run, temporaryFolder } from "../../support/child.mjs";
import { httpProxy, tlsGateway } from "../../support/gateways.mjs";
import { freePorts } from "../../support/port.mjs";
import { WAIT_MS, bounded } from "../../support/wait.mjs";

const NO_PROXIES = Object.fromEntries(["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"].map((name) => [name, ""]));

function folder() {
  const path = temporaryFolder("bridge-doctor");
  return { path, [Symbol.dispose]: () => removeFolder(path) };
}

// Runs a subcommand; without `config`, with files of its own.
async function command(name, args, { config, env = {} } = {}) {
  using own = folder();
  return await run(PROGRAM, [name, ...args], { env: { ...NO_BROWSER, ...NO_PROXIES, MCP_REMOTE_CONFIG_DIR: config ?? own.path, ...env } });
}

// The report of doctor: exit code, and checks by name.
async function doctor(url, { args = [], ...options } = {}) {
  const { code, stdout, stderr } = await command("doctor", [`${url}`, "--json", ...args], options);
  assert.ok(stdout.startsWith("{"), stderr);
  const report = JSON.parse(stdout);
  assert.equal(report.ok, code === 0);
  return { code, report, checks: Object.groupBy(report.checks, ({ name }) => name), failed: report.checks.filter(({ status }) => status === "fail") };
}

// One failure, of that name and with these words; the advice is not empty.
function assertCause({ code, failed }, name, words, exit) {
  assert.deepEqual(failed.map((check) => check.name), [name], JSON.stringify(failed));
  assert.match(`${failed[0].detail} | ${failed[0].advice}`, words);
  assert.ok(failed[0].advice);
  assert.equal(code, exit);
}

test("115: a server without sign-in passes each check, and its session is ended", async () => {
  await using server = await bridgeServer({ sessions: true });
  const { code, checks } = await doctor(server.url);
  assert.equal(code, 0, JSON.stringify(checks));
  assert.deepEqual(
    Object.entries(checks).map(([name, [{ status }]]) => [name, status]),
    ["store", "callback port", "proxy", "address", "token", "connection", "clock", "endpoint", "transport", "version", "session", "tools"].map((name) => [name, "ok"]),
  );
  assert.match(checks.transport[0].detail, /Streamable HTTP/);
  assert.match(checks.version[0].detail, /2025-11-25/);
  assert.equal(checks.tools[0].detail, "1");
  assert.equal(server.sessions.size, 0, server.log.join(", "));
});

test("115: without --json there is a line for each check, with what to do below it", async () => {
  await using server = await bridgeServer({ http: (exchange) => (exchange.status(404), true) });
  const { code, stdout } = await command("doctor", [server.url]);
  assert.equal(code, 5);
  assert.match(stdout, /^ok {4}store .*$/m);
  assert.match(stdout, /^fail {2}endpoint .*\n +-> check the URL's path/m);
  assert.match(stdout, /\d+ ok, 0 to look at, 1 failed$/);
});

test("115: a server of 2026-07-28 alone is told apart", async () => {
  const version = "2026-07-28";
  const result = (value) => ({ resultType: "complete", ...value });
  await using server = await bridgeServer({
    on: {
      initialize: (exchange) => exchange.status(400, JSON.stringify({ jsonrpc: "2.0", id: exchange.id, error: { code: -32022, message: "unsupported", data: { supported: [version] } } })),
      "server/discover": () => result({ supportedVersions: [version], capabilities: {} }),
      "tools/list": ({ headers }) => (headers["mcp-protocol-version"] === version && headers["mcp-method"] === "tools/list" ? result({ tools: [] }) : undefined),
    },
  });
  const { code, checks } = await doctor(server.url);
  assert.equal(code, 0, JSON.stringify(checks));
  assert.match(checks.version[0].detail, /2026-07-28 by server\/discover, initialize is refused/);
  assert.equal(checks.tools[0].detail, "0");
});

test("115: a server of HTTP+SSE is told apart", async () => {
  await using server = await bridgeServer({
    http: (exchange) => {
      if (exchange.method === "GET") exchange.events().raw("event: endpoint\ndata: /messages\n\n");
      else exchange.status(405);
      return true;
    },
  });
  const { code, checks } = await doctor(server.url);
  assert.equal(code, 0, JSON.stringify(checks));
  assert.match(checks.transport[0].detail, /HTTP\+SSE/);
});

test("115: challenge, each metadata URL, issuer, registration and scopes of a sign-in are told", async () => {
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority, { challenge: { scope: "read" } });
  const { code, checks } = await doctor(server.url);
  assert.equal(code, 0, JSON.stringify(checks));
  assert.match(checks.endpoint[0].detail, /asks for a sign-in/);
  assert.match(checks.challenge[0].detail, /resource_metadata="http/);
  assert.deepEqual(checks.metadata.map(({ detail }) => detail), [
    `${server.origin}/.well-known/oauth-protected-resource/mcp: 200`,
    `${server.origin}/.well-known/oauth-protected-resource: 404`,
    `${authority.origin}/.well-known/oauth-authorization-server: 200`,
    `${authority.origin}/.well-known/openid-configuration: 404`,
  ]);
  assert.equal(checks.issuer[0].detail, authority.issuer);
  assert.match(checks.registration[0].detail, /registered by itself/);
  assert.equal(checks.scopes[0].detail, "read");
  assert.deepEqual(authority.asked("/register"), []);
  assert.deepEqual(authority.asked("/authorize"), []);
});

test("108: http to another machine is a warning", async () => {
  await using server = await bridgeServer();
  await using proxy = await httpProxy({ upstreams: { "mcp.test": server.origin } });
  const { code, checks } = await doctor("http://mcp.test/mcp", { args: ["--allow-http"], env: { HTTP_PROXY: `http://user:planted@127.0.0.1:${proxy.port}` } });
  assert.equal(code, 0, JSON.stringify(checks));
  assert.equal(checks.encryption[0].status, "warn");
  assert.match(checks.proxy[0].detail, new RegExp(`^127\\.0\\.0\\.1:${proxy.port} of HTTP_PROXY`));
});

test("116: doctor names an unknown name as the one cause, with what to do", async () => {
  assertCause(await doctor("http://mcp.invalid/mcp", { args: ["--allow-http"] }), "address", /mcp\.invalid.*DNS/, 4);
});

test("116: doctor names that nothing listens as the one cause, with what to do", async () => {
  const [port] = await freePorts(1);
  assertCause(await doctor(`http://127.0.0.1:${port}/mcp`), "connection", /refuses connections.*server runs/, 4);
});

test("116: doctor names a certificate that is not trusted as the one cause, with what to do", async () => {
  using files = folder();
  await using server = await bridgeServer();
  await using gateway = await tlsGateway(server.origin, await certificates(files.path));
  assertCause(await doctor(`${gateway.origin}/mcp`), "certificate", /Acme Test Root.*--ca/, 4);
});

test("116: doctor names a proxy that wants credentials as the one cause, with what to do", async () => {
  await using proxy = await httpProxy({ credentials: "a:b" });
  const HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
  assertCause(await doctor("https://mcp.test/mcp", { env: { HTTPS_PROXY } }), "proxy", /asks for credentials.*HTTPS_PROXY/, 4);
});

test("116: doctor names a firewall's page as the one cause, with what to do", async () => {
  await using server = await bridgeServer({ http: (exchange) => (exchange.status(403, "<html>Blocked", { "content-type": "text/html" }), true) });
  assertCause(await doctor(server.url), "endpoint", /403.*firewall/, 5);
});

test("116: doctor names a web page where JSON was expected as the one cause, with what to do", async () => {
  await using server = await bridgeServer({ http: (exchange) => (exchange.status(200, "<!doctype html><title>Log in", { "content-type": "text/html" }), true) });
  assertCause(await doctor(server.url), "endpoint", /web page.*JSON.*path/, 5);
});

test("116: doctor names a wrong path as the one cause, with what to do", async () => {
  await using server = await bridgeServer({ http: (exchange) => exchange.url !== "/mcp" && (exchange.status(404, "Not found"), true) });
  assertCause(await doctor(`${server.origin}/mpc`), "endpoint", /no MCP server at this path \(404\).*\/mcp or \/sse/, 5);
});

test("116: doctor names metadata of another resource as the one cause, with what to do", async () => {
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority, { resource: { resource: "https://other.example/mcp" } });
  assertCause(await doctor(server.url), "metadata", /other\.example.*127\.0\.0\.1.*--resource/, 3);
});

test("116: doctor names an authorization server without S256 as the one cause, with what to do", async () => {
  await using authority = await bridgeAuthority({ metadata: { code_challenge_methods_supported: ["plain"] } });
  await using server = await guardedServer(authority);
  assertCause(await doctor(server.url), "metadata", /S256/, 3);
});

test("116: doctor names a fixed port that is taken as the one cause, with what to do", async () => {
  await using server = await bridgeServer();
  const [port] = await freePorts(1);
  const other = createServer();
  await new Promise((resolve) => other.listen(port, "127.0.0.1", resolve));
  try {
    assertCause(await doctor(server.url, { args: [`${port}`] }), "callback port", new RegExp(`${port} is taken`), 1);
  } finally {
    other.close();
  }
});

test("116: doctor names a clock that is off as the one cause, with what to do", async () => {
  await using server = await bridgeServer({ http: ({ response }) => void response.setHeader("date", new Date(Date.now() + 3_600_000).toUTCString()) });
  assertCause(await doctor(server.url), "clock", /3[56]\d\d s.*clock/, 1);
});

test("115: doctor names a store that others can write to as the one cause, with what to do", { skip: process.platform === "win32" }, async () => {
  using config = folder();
  await using server = await bridgeServer();
  mkdirSync(join(config.path, "mcp-remote-v1"));
  chmodSync(config.path, 0o777);
  assertCause(await doctor(server.url, { config: config.path }), "store", /is not used/, 1);
});

const login = (url, args, config) => {
  const child = new Child(PROGRAM, ["login", `${url}`, ...args], { input: true, env: { ...NO_BROWSER, ...NO_PROXIES, MCP_REMOTE_CONFIG_DIR: config } });
  return {
    child,
    get stderr() {
      return child.text("stderr");
    },
    async code() {
      return bounded(child.ended, WAIT_MS, () => `the end of login\n${child.output}`);
    },
    [Symbol.asyncDispose]: () => child.kill(),
  };
};

test("login signs in, list names the sign-in, doctor and the bridge use it, logout removes it", async () => {
  using config = folder();
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority, { sessions: true });
  {
    await using signingIn = login(server.url, [], config.path);
    await signIn(signingIn);
    assert.equal(await signingIn.code(), 0);
    assert.match(signingIn.child.text("stdout"), /127\.0\.0\.1 lets this machine in/);
    assert.equal(server.sessions.size, 0, server.log.join(", "));
  }
  const [entry] = JSON.parse((await command("list", ["--json"], { config: config.path })).stdout);
  assert.deepEqual([entry.url, entry.issuer, entry.state], [server.url, authority.issuer, "signed in"]);
  const { code, checks } = await doctor(server.url, { config: config.path });
  assert.equal(code, 0, JSON.stringify(checks));
  assert.match(checks.token[0].detail, /has not expired/);
  assert.equal(checks.tools[0].detail, "1");
  {
    await using bridge = startBridge(server.url, { config: config.path });
    await bridge.initialize();
    assert.deepEqual(linksOf(bridge), []);
  }
  assert.match((await command("logout", [server.url], { config: config.path })).stdout, /removed/);
  assert.match((await command("logout", [server.url], { config: config.path })).stdout, /Nothing is stored/);
  assert.deepEqual(JSON.parse((await command("list", ["--json"], { config: config.path })).stdout), []);
});

test("logout --all removes all sign-ins", async () => {
  using config = folder();
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  await using signingIn = login(server.url, [], config.path);
  await signIn(signingIn);
  assert.equal(await signingIn.code(), 0);
  assert.match((await command("logout", ["--all"], { config: config.path })).stdout, /^1 removed/);
  assert.match((await command("list", [], { config: config.path })).stdout, /nothing is stored/);
});

test("98: login --paste finishes with the redirect URL from the terminal", async () => {
  using config = folder();
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  await using signingIn = login(server.url, ["--paste", "--no-browser"], config.path);
  const link = await linkOf(signingIn);
  const redirect = (await fetch(link, { redirect: "manual" })).headers.get("location");
  signingIn.child.process.stdin.write("https://evil.example/?code=x&state=y\n");
  await signingIn.child.line(/no address of the redirect/);
  signingIn.child.process.stdin.write(`${redirect}\n`);
  assert.equal(await signingIn.code(), 0);
});

test("9: login ends with 4 where nothing listens, 5 where the server refuses, 3 where no sign-in is possible", async () => {
  const [port] = await freePorts(1);
  await using refusing = await bridgeServer({ http: (exchange) => (exchange.status(403, "no"), true) });
  await using authority = await bridgeAuthority({ metadata: { code_challenge_methods_supported: [] } });
  await using guarded = await guardedServer(authority);
  for (const [url, code] of [
    [`http://127.0.0.1:${port}/mcp`, 4],
    [refusing.url, 5],
    [guarded.url, 3],
  ]) {
    const ended = await command("login", [url]);
    assert.equal(ended.code, code, ended.stderr);
    assert.match(ended.stderr, /^durable-mcp-remote: \S/);
  }
});

test("doctor --login signs in before it looks", async () => {
  using config = folder();
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  const child = new Child(PROGRAM, ["doctor", server.url, "--login", "--json"], { env: { ...NO_BROWSER, ...NO_PROXIES, MCP_REMOTE_CONFIG_DIR: config.path } });
  try {
    const shown = { child, get stderr() { return child.text("stderr"); } };
    await visit(await linkOf(shown));
    assert.equal(await bounded(child.ended, WAIT_MS, "the end"), 0);
    const { checks } = JSON.parse(child.text("stdout"));
    assert.match(checks.find(({ name }) => name === "token").detail, /has not expired/);
  } finally {
    await child.kill();
  }
});
