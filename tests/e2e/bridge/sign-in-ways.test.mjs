// Ways to sign in with the local bridge: windows that are closed or refused, machines without a browser, device codes, clients that
// sign in as themselves. Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { PROGRAM, isReference, startBridge } from "../../support/bridge.mjs";
import { guardedStore, linkOf, linksOf, signIn, storedJson } from "../../support/bridge-authority.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { visit } from "../../support/callback.mjs";
import { Child, removeFolder, temporaryFolder } from "../../support/child.mjs";
import { freePorts } from "../../support/port.mjs";
import { until } from "../../support/wait.mjs";

const INITIALIZE = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "tests", version: "1.0.0" } };
const own = { skip: isReference && "this program alone" };

/** An authorization server, a server that accepts its tokens, and a folder for files. */
async function setUp(ofAuthority, ofServer) {
  const store = await guardedStore({ authority: ofAuthority, server: ofServer });
  const { authority: as, server: mcp, config } = store;
  return { as, mcp, config: config.path, files: config.files, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

test("94: messages that wait for a window that was closed fail with the link, which stays good", own, async () => {
  await using set = await setUp();
  await using bridge = startBridge(set.mcp.url, { config: set.config, args: ["--auth-timeout", "1"] });
  const { error } = await bridge.request("initialize", INITIALIZE);
  const link = await linkOf(bridge);
  assert.ok(error.message.includes(link), error.message);
  await visit(link);
  await bridge.child.line(/signed in/);
  await bridge.initialize();
  assert.deepEqual(linksOf(bridge), [link]);
});

test("43: a call that is cancelled while it waits for a token is not sent again", own, async () => {
  const issued = Promise.withResolvers();
  let isSlow = false;
  await using set = await setUp({ on: { "/token": async () => void (isSlow && (await issued.promise)) } });
  await using bridge = startBridge(set.mcp.url, { config: set.config });
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  // The last of the requests that follow initialize: the call waits for them, and has to be the first that finds its token spoiled.
  await set.mcp.received(({ method, url }) => method === "GET" && url === "/mcp");
  isSlow = true;
  set.as.spoil();
  bridge.send({ jsonrpc: "2.0", id: "gone", method: "tools/call", params: { name: "echo" } });
  await until(() => set.as.grants("refresh_token").length === 1, "a refresh");
  bridge.notify("notifications/cancelled", { requestId: "gone" });
  bridge.send("no JSON");
  await bridge.message(({ id }) => id === null);
  issued.resolve();
  for (let times = 0; times < 3; times++) assert.ok((await bridge.result("tools/list")).tools);
  assert.equal(set.mcp.log.filter((entry) => entry === "POST tools/call").length, 1);
});

test("23: the session's own stream opens again after a sign-in for it failed", own, async () => {
  let isRefused = true;
  const get = async (exchange) => (exchange.events(), exchange.event({ jsonrpc: "2.0", method: "notifications/tools/list_changed" }));
  await using set = await setUp({}, { get, refuses: ({ method }) => method === "GET" && isRefused });
  {
    await using first = startBridge(set.mcp.url, { config: set.config, args: ["--transport", "http-only"] });
    await Promise.all([first.initialize(), signIn(first)]);
  }
  await using bridge = startBridge(set.mcp.url, { config: set.config, args: ["--auth-timeout", "1"] });
  await bridge.initialize();
  await linkOf(bridge);
  isRefused = false;
  await bridge.message(({ method }) => method === "notifications/tools/list_changed");
  assert.equal(linksOf(bridge).length, 1);
});

test("51, 98: initialize is answered by its deadline with the link, and later needs no browser", own, async () => {
  await using set = await setUp();
  await using bridge = startBridge(set.mcp.url, { config: set.config, args: ["--initialize-deadline", "1", "--no-browser"] });
  const { error } = await bridge.request("initialize", INITIALIZE);
  const link = await linkOf(bridge);
  assert.ok(error.message.includes(link), error.message);
  await visit(link);
  await until(() => set.files().some((name) => name.endsWith("_tokens.json")), "tokens");
  await using next = startBridge(set.mcp.url, { config: set.config });
  await next.initialize();
  assert.deepEqual(linksOf(next), []);
});

test("50, 51: a start from memory asks the person once, and goes on after the sign-in", own, async () => {
  await using set = await setUp();
  {
    await using first = startBridge(set.mcp.url, { config: set.config });
    await Promise.all([first.initialize(), signIn(first)]);
    assert.ok((await first.result("tools/list")).tools);
  }
  for (const name of set.files().filter((name) => name.endsWith("_tokens.json"))) rmSync(join(set.config, "mcp-remote-v1", name));
  await using bridge = startBridge(set.mcp.url, { config: set.config, args: ["--initialize-deadline", "1", "--no-browser"] });
  await bridge.initialize();
  const { error } = await bridge.request("tools/call", { name: "echo" });
  const [link] = linksOf(bridge);
  assert.ok(error.message.includes(link), error.message);
  await visit(link);
  await until(async () => (await bridge.request("tools/call", { name: "echo" })).result, "an answer of the server");
  assert.deepEqual(linksOf(bridge), [link]);
});

test("95: a refusal is shown and sent on, and no second window opens by itself", own, async () => {
  await using set = await setUp({
    on: {
      "/authorize": ({ query }) => {
        const back = new URL(query.redirect_uri);
        back.search = new URLSearchParams({ error: "access_denied", error_description: "Not <today>", state: query.state });
        return [302, "", { location: back.href }];
      },
    },
  });
  await using bridge = startBridge(set.mcp.url, { config: set.config });
  const answer = bridge.request("initialize", INITIALIZE);
  const page = await fetch(await linkOf(bridge));
  const text = await page.text();
  assert.equal(page.status, 400);
  assert.ok(text.includes("access_denied: Not &lt;today&gt;"), text);
  assert.match((await answer).error.message, /access_denied: Not <today>/);
  const { error } = await bridge.request("initialize", INITIALIZE);
  assert.match(error.message, /access_denied/);
  assert.equal(linksOf(bridge).length, 1);
});

for (const [language, words] of [
  ["en-US,en;q=0.9,zh;q=0.8", "Connected to 127.0.0.1"],
  ["zh-CN,zh;q=0.9,en;q=0.8", "已连接到 127.0.0.1"],
]) {
  test(`97: the page says "${words}", without scripts or remote content`, own, async () => {
    await using set = await setUp();
    await using bridge = startBridge(set.mcp.url, { config: set.config });
    const ready = bridge.initialize();
    const page = await fetch(await linkOf(bridge), { headers: { "accept-language": language } });
    await ready;
    const text = await page.text();
    assert.ok(text.includes(words), text);
    assert.doesNotMatch(text, /<script|src=|href=|@import|url\(/i);
    assert.match(text, /color-scheme:light dark/);
    assert.match(page.headers.get("content-security-policy"), /default-src 'none'/);
    assert.equal(page.headers.get("referrer-policy"), "no-referrer");
    assert.equal(page.headers.get("cache-control"), "no-store");
  });
}

test("97: --auth-success-url is where the browser ends", async () => {
  await using set = await setUp();
  await using bridge = startBridge(set.mcp.url, { config: set.config, args: ["--auth-success-url", `${set.mcp.origin}/done`] });
  const ready = bridge.initialize();
  const page = await fetch(await linkOf(bridge));
  await ready;
  assert.equal(page.url, `${set.mcp.origin}/done`);
});

for (const waits of [false, true]) test(`98: login --paste reads the redirect on the terminal${waits ? ", also for a bridge that waits" : ""}`, own, async () => {
  await using set = await setUp();
  await using waiting = waits ? startBridge(set.mcp.url, { config: set.config, args: ["--no-browser"] }) : undefined;
  const ready = waiting?.initialize();
  if (waits) await linkOf(waiting);
  const child = new Child(PROGRAM, ["login", set.mcp.url, "--paste", "--no-browser"], { input: true, env: { MCP_REMOTE_CONFIG_DIR: set.config } });
  try {
    const { text: link } = await child.line(/^http/);
    const redirect = await fetch(link, { redirect: "manual" });
    child.process.stdin.write("nonsense\n");
    await child.line(/no address of the redirect/);
    child.process.stdin.write(`${redirect.headers.get("location")}\n`);
    assert.equal(await child.ended, 0, child.output);
  } finally {
    await child.kill();
  }
  await ready;
  await using bridge = startBridge(set.mcp.url, { config: set.config });
  await bridge.initialize();
  assert.deepEqual(linksOf(bridge), []);
});

test("100: a device code is shown, and is asked about until it is used", async () => {
  const answers = [[400, { error: "authorization_pending" }], [503, {}], [400, { error: "authorization_pending" }]];
  await using set = await setUp({
    on: {
      "/device": () => [200, { device_code: "d-1", user_code: "WDJB-MJHT", verification_uri: "https://as.example/device", expires_in: 600, interval: 0 }],
      "/token": ({ form }) => (form.device_code === "d-1" ? (answers.shift() ?? [200, set.as.issue()]) : undefined),
    },
  });
  await using bridge = startBridge(set.mcp.url, { config: set.config, args: ["--device-code"] });
  if (isReference) answers.splice(1, 1);
  await bridge.initialize();
  await bridge.child.line(/WDJB-MJHT/);
  await bridge.child.line(/https:\/\/as\.example\/device/);
  const [{ json }] = set.as.asked("/register");
  assert.ok(json.grant_types.includes("urn:ietf:params:oauth:grant-type:device_code"));
  const grants = set.as.grants("urn:ietf:params:oauth:grant-type:device_code");
  assert.equal(grants[0].form.resource, set.mcp.url);
});

test("100: a device code that is refused is an error", own, async () => {
  await using set = await setUp({
    on: {
      "/device": () => [200, { device_code: "d-1", user_code: "WDJB-MJHT", verification_uri: "https://as.example/device", interval: 0 }],
      "/token": () => [400, { error: "access_denied" }],
    },
  });
  await using bridge = startBridge(set.mcp.url, { config: set.config, args: ["--device-code"] });
  const { error } = await bridge.request("initialize", INITIALIZE);
  assert.match(error.message, /access_denied/);
});

test("100: client credentials need no port and no browser, and are renewed before they end", async () => {
  await using set = await setUp({ expiresIn: 3600, metadata: { token_endpoint_auth_methods_supported: ["client_secret_post"] } });
  const client = { client_id: "robot", client_secret: "robot-secret-1" };
  set.as.clients.set("robot", client);
  const args = ["--client-credentials", "--static-oauth-client-info", JSON.stringify(client)];
  await using bridge = startBridge(set.mcp.url, { config: set.config, args });
  await bridge.initialize();
  const grants = () => set.as.grants("client_credentials");
  assert.deepEqual([grants()[0].form.client_secret, grants()[0].form.resource], ["robot-secret-1", set.mcp.url]);
  if (!isReference) {
    storedJson(set.config, "_tokens.json", (tokens) => ({ ...tokens, expires_at: Date.now() + 10_000 }));
    await bridge.result("tools/list");
    await until(() => grants().length === 2, "a renewal");
  }
  assert.deepEqual(linksOf(bridge), []);
  assert.ok(!set.files().some((name) => name.endsWith("_client_info.json")), "a client of the command line is not stored");
});

for (const [algorithm, pem] of [
  ["ES256", () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "sec1", format: "pem" })],
  ["ES384", () => generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey.export({ type: "pkcs8", format: "pem" })],
  ["RS256", () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs1", format: "pem" })],
  ["EdDSA", () => generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })],
]) {
  test(`100: --client-key signs assertions by ${algorithm}, without a person and with one`, own, async () => {
    const key = pem();
    const seen = [];
    const verified = ({ form }) => {
      const [head, body, signature] = form.client_assertion.split(".");
      const options = { key: createPublicKey(key), dsaEncoding: "ieee-p1363" };
      const digest = { ES384: "sha384", EdDSA: null }[algorithm];
      const isGood = verify(digest === undefined ? "sha256" : digest, Buffer.from(`${head}.${body}`), options, Buffer.from(signature, "base64url"));
      if (!isGood || form.client_secret) return [401, { error: "invalid_client" }];
      const parsed = [head, body].map((part) => JSON.parse(Buffer.from(part, "base64url")));
      seen.push({ header: parsed[0], claims: parsed[1], type: form.client_assertion_type });
      return form.grant_type === "client_credentials" ? [200, set.as.issue()] : undefined;
    };
    await using set = await setUp({ on: { "/token": verified }, metadata: { token_endpoint_auth_methods_supported: ["private_key_jwt"] } });
    const client = { client_id: "robot", kid: "k1" };
    set.as.clients.set("robot", client);
    const file = join(set.config, "key.pem");
    writeFileSync(file, key, { mode: 0o600 });
    const args = ["--static-oauth-client-info", JSON.stringify(client), "--client-key", file];
    {
      await using bridge = startBridge(set.mcp.url, { config: set.config, args: ["--client-credentials", ...args] });
      await bridge.initialize();
      // Each request has an assertion of its own.
      set.as.spoil();
      await bridge.result("tools/list");
    }
    rmSync(join(set.config, "mcp-remote-v1"), { recursive: true });
    await using bridge = startBridge(set.mcp.url, { config: set.config, args });
    const ready = bridge.initialize();
    await signIn(bridge);
    await ready;
    assert.deepEqual(seen.map(({ header }) => header), Array(3).fill({ alg: algorithm, typ: "JWT", kid: "k1" }));
    for (const { claims, type } of seen) {
      assert.deepEqual([type, claims.iss, claims.sub, claims.aud], ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "robot", "robot", set.as.issuer]);
      assert.ok(claims.exp > Date.now() / 1000 && claims.exp - claims.iat <= 300);
    }
    assert.equal(new Set(seen.map(({ claims }) => claims.jti)).size, 3);
  });
}

test("100: --client-key signs for no client that was registered without it", own, async () => {
  const refused = ({ form }) => form.client_assertion && [401, { error: "invalid_client" }];
  await using set = await setUp({ on: { "/token": refused } });
  const file = join(set.config, "key.pem");
  writeFileSync(file, generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  const [port] = await freePorts(1);
  // The authorization server takes no documents of clients.
  const args = [`${port}`, "--client-metadata-url", "https://client.example/client.json", "--client-key", file];
  {
    await using bridge = startBridge(set.mcp.url, { config: set.config, args });
    await Promise.all([bridge.initialize(), signIn(bridge)]);
    set.as.spoil();
    assert.ok((await bridge.result("tools/list")).tools);
  }
  assert.equal(set.as.grants("refresh_token").length, 1);
  set.as.spoil();
  set.as.refresh.clear();
  await using bridge = startBridge(set.mcp.url, { config: set.config, args: [...args, "--client-credentials"] });
  const { error } = await bridge.request("initialize", INITIALIZE);
  assert.match(error.message, /needs a client with a secret or a key/);
});

test("101: --use-id-token sends the ID token, and its own end counts", own, async () => {
  const jwt = (exp) => `h.${Buffer.from(JSON.stringify({ exp, nonce: Math.random() })).toString("base64url")}.s`;
  const issue = (exp) => {
    const tokens = { ...set.as.issue(), id_token: jwt(exp) };
    set.as.access.delete(tokens.access_token);
    set.as.access.set(tokens.id_token);
    return [200, tokens];
  };
  const soon = () => Math.floor(Date.now() / 1000) + 30;
  await using set = await setUp({ on: { "/token": ({ form }) => issue(form.grant_type === "refresh_token" ? soon() + 3600 : soon()) } });
  await using bridge = startBridge(set.mcp.url, { config: set.config, args: ["--use-id-token"] });
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  await until(() => set.as.grants("refresh_token").length === 1, "a refresh a minute before the ID token ends");
  await bridge.result("tools/list");
});

test("106: links that are no pages of the web start nothing", own, async () => {
  const folder = temporaryFolder("browser");
  const [browser, opened] = [join(folder, "browser"), join(folder, "opened")];
  writeFileSync(browser, `#!/bin/sh\nprintf '%s\\n' "$@" >> ${opened}\n`, { mode: 0o755 });
  try {
    for (const endpoint of ["file:///etc/passwd", "javascript:alert(1)", "https://-flag", "ms-msdt:/id", "http://as.example/authorize"]) {
      await using set = await setUp({ metadata: { authorization_endpoint: endpoint } });
      await using bridge = startBridge(set.mcp.url, { config: set.config, env: { BROWSER: browser } });
      const { error } = await bridge.request("initialize", INITIALIZE);
      assert.ok(error, endpoint);
      assert.ok(!existsSync(opened), endpoint);
    }
    const marker = join(folder, "marker");
    await using set = await setUp();
    set.as.more = { authorization_endpoint: `${set.as.origin}/authorize?x=$(touch%20${marker});\`touch%20${marker}\`&'` };
    await using bridge = startBridge(set.mcp.url, { config: set.config, env: { BROWSER: browser } });
    await Promise.all([bridge.initialize(), signIn(bridge)]);
    await until(() => existsSync(opened) && readFileSync(opened, "utf8").endsWith("\n"), "the browser");
    assert.deepEqual(readFileSync(opened, "utf8").trim().split("\n"), linksOf(bridge));
    assert.ok(!existsSync(marker));
  } finally {
    removeFolder(folder);
  }
});

test("107: no token, code, verifier or secret is in what the bridge writes", async () => {
  const debug = isReference ? ["--debug"] : ["--debug=bodies"];
  await using set = await setUp({ metadata: { token_endpoint_auth_methods_supported: ["client_secret_basic"] } });
  const written = [];
  for (const args of [[], debug]) {
    await using bridge = startBridge(set.mcp.url, { config: set.config, args });
    await Promise.all([bridge.initialize(), args.length === 0 ? signIn(bridge) : undefined]);
    set.as.spoil();
    await bridge.result("tools/list");
    written.push(bridge.stderr, JSON.stringify(bridge.messages), `${readFileSync(`/proc/${bridge.child.process.pid}/cmdline`)}`);
  }
  written.push(...set.files().filter((name) => name.endsWith("debug.log")).map((name) => readFileSync(join(set.config, "mcp-remote-v1", name), "utf8")));
  const secrets = [...set.as.requests.flatMap(({ form }) => [form.code, form.code_verifier, form.refresh_token, form.client_secret]), ...set.as.access.keys(), ...set.as.refresh.keys(), ...[...set.as.clients.values()].map((client) => client.client_secret)];
  const planted = secrets.filter(Boolean);
  assert.ok(planted.length >= 6);
  for (const secret of planted) for (const text of written) assert.ok(!text.includes(secret), `${secret} in ${text}`);
});

test("107: secrets that servers repeat are in no error and on no page", own, async () => {
  const secret = "repeated-secret";
  await using set = await setUp({ on: { "/token": ({ form }) => [400, { error: "invalid_request", error_description: `code ${form.code}` }] } });
  await using bridge = startBridge(set.mcp.url, { config: set.config });
  const answer = bridge.request("initialize", INITIALIZE);
  const page = await (await fetch(await linkOf(bridge))).text();
  const [{ form }] = set.as.grants("authorization_code");
  const { error } = await answer;
  for (const text of [page, error.message]) assert.ok(text.includes("invalid_request: code ***") && !text.includes(form.code), text);
  await using server = await bridgeServer({
    on: {
      "tools/list": (exchange) => exchange.status(400, `no ${exchange.headers["x-key"]}`),
      "tools/call": (exchange) => exchange.status(400, JSON.stringify({ jsonrpc: "2.0", id: exchange.id, error: { code: 7, message: "no", data: [exchange.headers["x-key"]] } })),
    },
  });
  await using other = startBridge(server.url, { args: ["--header", `X-Key: ${secret}`] });
  await other.initialize();
  assert.match((await other.request("tools/list")).error.message, /no \*\*\*$/);
  assert.deepEqual((await other.request("tools/call", { name: "echo", arguments: {} })).error, { code: 7, message: "no", data: ["***"] });
});

test("83: a refused registration is tried without a scope and with 127.0.0.1, then told in the server's words", own, async () => {
  await using set = await setUp({
    on: {
      "/register": ({ json }) => {
        if (json.scope) return [400, { error: "invalid_client_metadata", error_description: "no scope" }];
        if (json.redirect_uris[0].includes("localhost")) return [400, { error: "invalid_redirect_uri", error_description: "no names" }];
        return undefined;
      },
    },
  }, { challenge: { scope: "read" } });
  await using bridge = startBridge(set.mcp.url, { config: set.config });
  const [, link] = await Promise.all([bridge.initialize(), signIn(bridge)]);
  assert.match(new URL(link).searchParams.get("redirect_uri"), /^http:\/\/127\.0\.0\.1:/);
  assert.equal(set.as.asked("/register").length, 3);
  set.as.on["/register"] = () => [403, { error: "access_denied", error_description: "ask the operator" }];
  await using other = startBridge(set.mcp.url);
  const { error } = await other.request("initialize", INITIALIZE);
  assert.match(error.message, /ask the operator.*--static-oauth-client-info/);
});

test("96: a server that refuses what was just issued is told about, without a loop", own, async () => {
  await using set = await setUp({ on: { "/token": () => [200, { access_token: "never-accepted", token_type: "Bearer" }] } });
  await using bridge = startBridge(set.mcp.url, { config: set.config });
  const [{ error }] = await Promise.all([bridge.request("initialize", INITIALIZE), signIn(bridge)]);
  assert.match(error.message, /refuses the token/);
  assert.equal(linksOf(bridge).length, 1);
});

test("110, 111: a store that others can write to is refused; a broken file is moved aside", own, async () => {
  await using set = await setUp();
  const folder = join(set.config, "mcp-remote-v1");
  mkdirSync(folder, { mode: 0o777 });
  chmodSync(folder, 0o777);
  {
    await using bridge = startBridge(set.mcp.url, { config: set.config });
    assert.match((await bridge.request("initialize", INITIALIZE)).error.message, /chmod 700/);
    await using open = await bridgeServer();
    await using other = startBridge(open.url, { config: set.config });
    await other.initialize();
  }
  chmodSync(folder, 0o700);
  {
    await using bridge = startBridge(set.mcp.url, { config: set.config });
    await Promise.all([bridge.initialize(), signIn(bridge)]);
  }
  const name = set.files().find((name) => name.endsWith("_tokens.json"));
  writeFileSync(join(folder, name), '{"access_token":');
  await until(() => Date.now() - statSync(join(folder, name)).mtimeMs > 1000, "the file to be old enough");
  await using bridge = startBridge(set.mcp.url, { config: set.config });
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  assert.ok(set.files().includes(`${name}.broken`));
  await bridge.child.line(/is not JSON/);
  assert.equal(bridge.stderr.match(/is not JSON/g).length, 1);
});

test("109: a public server must not lead into a private network", own, async () => {
  // A proxy stands for the public server, so that its address can be one.
  const asked = [];
  const metadata = [];
  const proxy = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(401, { "www-authenticate": `Bearer resource_metadata="${metadata[0]}"` }).end();
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    for (const target of ["http://10.0.0.1/meta", "http://169.254.169.254/latest", "http://[::ffff:127.0.0.1]/meta", `http://127.0.0.1:${proxy.address().port}/meta`]) {
      metadata[0] = target;
      asked.length = 0;
      const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.address().port}`, http_proxy: "", NO_PROXY: "", no_proxy: "" };
      await using bridge = startBridge("http://93.184.215.14/mcp", { args: ["--allow-http"], env });
      const { error } = await bridge.request("initialize", INITIALIZE);
      assert.match(error.message, /private network/, target);
      assert.deepEqual(asked, ["http://93.184.215.14/mcp"]);
    }
  } finally {
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
  }
});
