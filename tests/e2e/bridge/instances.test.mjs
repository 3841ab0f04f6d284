// Several local bridges on one machine, of this program and of npm mcp-remote: one sign-in, one refresh, one store. Numbers are those
// of the table in tests/README.md.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { isReference, startBridge } from "../../support/bridge.mjs";
import { bridgeAuthority, guardedServer, guardedStore, linkOf, linksOf, signIn, storedJson } from "../../support/bridge-authority.mjs";
import { visit } from "../../support/callback.mjs";
import { freePorts } from "../../support/port.mjs";
import { until } from "../../support/wait.mjs";

const linksOfAll = (bridges) => bridges.flatMap(linksOf);
const initializeAll = (bridges) => Promise.all(bridges.map((bridge) => bridge.initialize()));

// A server, its authority, and the store that the instances share; `start` starts one of them.
async function shared(options) {
  const own = await guardedStore(options);
  const start = (more) => startBridge(own.server.url, { config: own.config.path, ...more });
  return Object.assign(own, { start });
}

// An instance that has signed in.
async function signedIn(start, options) {
  await using stack = new AsyncDisposableStack();
  const bridge = stack.use(start(options));
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  stack.move();
  return bridge;
}

test("93: ten instances sign in with one link", async () => {
  await using own = await shared();
  const { authority, start } = own;
  await using stack = new AsyncDisposableStack();
  const bridges = Array.from({ length: 10 }, () => stack.use(start()));
  const ready = initializeAll(bridges);
  await visit(await until(() => linksOfAll(bridges)[0], "a link"));
  await ready;
  assert.equal(linksOfAll(bridges).length, 1);
  assert.equal(authority.asked("/register").length, 1);
  assert.equal(authority.grants("authorization_code").length, 1);
});

test("89: a refresh outlives the message that began it", { skip: isReference }, async () => {
  await using own = await shared();
  const { config, authority, start } = own;
  await (await signedIn(start)).stop();
  authority.spoil();
  const release = Promise.withResolvers();
  authority.on["/token"] = () => release.promise;
  await using bridge = start({ args: ["--initialize-deadline", "1"] });
  const answer = bridge.request("initialize", INITIALIZE);
  await authority.received("/token", { count: 2 });
  await answer;
  const issued = authority.issue();
  release.resolve([200, issued]);
  await until(() => storedJson(config.path, "_tokens.json").access_token === issued.access_token, "the tokens of the refresh");
  assert.equal(authority.grants("refresh_token").length, 1);
});

test("89: metadata is asked for before the lock of the refresh is taken", { skip: isReference }, async () => {
  await using own = await shared();
  const { config, authority, start } = own;
  await using bridge = await signedIn(start);
  authority.spoil();
  const metadata = "/.well-known/oauth-authorization-server";
  const before = authority.asked(metadata).length;
  const release = Promise.withResolvers();
  const hasLease = () => config.files().some((name) => name.endsWith("_refresh_in_progress.json"));
  const leases = [];
  authority.on[metadata] = () => release.promise;
  authority.on["/token"] = () => void leases.push(hasLease());
  const answer = bridge.request("tools/list");
  await authority.received(metadata, { count: before + 1 });
  leases.push(hasLease());
  release.resolve(undefined);
  assert.ok((await answer).result);
  assert.deepEqual(leases, [false, true]);
  assert.ok(!hasLease());
});

test("89: the end waits for a refresh", { skip: isReference }, async () => {
  await using own = await shared();
  const { config, authority, start } = own;
  await (await signedIn(start)).stop();
  storedJson(config.path, "_tokens.json", (tokens) => ({ ...tokens, expires_at: Date.now() + 50_000 }));
  const release = Promise.withResolvers();
  authority.on["/token"] = () => release.promise;
  await using bridge = start();
  await bridge.initialize();
  await authority.received("/token", { count: 2 });
  const issued = authority.issue();
  const ended = bridge.end();
  release.resolve([200, issued]);
  assert.equal(await ended, 0);
  assert.equal(storedJson(config.path, "_tokens.json").access_token, issued.access_token);
});

for (const [what, meanwhile] of [
  ["a sign-in", (authority) => ({ ...authority.issue(), issuer: authority.issuer })],
  ["a logout", () => ({})],
]) {
  test(`89: ${what} during a refresh stays`, { skip: isReference }, async () => {
    await using own = await shared();
    const { config, authority, start } = own;
    await using bridge = await signedIn(start);
    authority.spoil();
    const release = Promise.withResolvers();
    authority.on["/token"] = ({ form }) => (form.grant_type === "refresh_token" ? release.promise : undefined);
    const answer = bridge.request("tools/list");
    await authority.received("/token", { count: 2 });
    const newer = meanwhile(authority);
    storedJson(config.path, "_tokens.json", () => newer);
    release.resolve([200, authority.issue()]);
    if (!newer.access_token) await signIn(bridge, { count: 2 });
    assert.ok((await answer).result);
    if (newer.access_token) assert.equal(storedJson(config.path, "_tokens.json").access_token, newer.access_token);
  });
}

test("93: the instance that opened the window is killed; the open tab still finishes at another", async () => {
  await using own = await shared();
  const { authority, start } = own;
  await using owner = start();
  owner.send({ jsonrpc: "2.0", id: 1, method: "initialize", params: INITIALIZE });
  const link = await linkOf(owner);
  await using sibling = start();
  const ready = sibling.initialize();
  if (!isReference) await sibling.child.line(/another instance/);
  else await sibling.child.line(/Another instance/);
  await owner.child.kill();
  await sibling.child.line(isReference ? /taking it over/ : /^http/);
  await visit(link);
  await ready;
  if (!isReference) assert.deepEqual(linksOf(sibling), [link]);
  assert.equal(authority.asked("/authorize").length, 1);
});

for (const [killed, left] of [
  ["reference", "ours"],
  ["ours", "reference"],
]) {
  test(`102: a window that ${killed} opened finishes at ${left} after the other is killed`, { skip: isReference }, async () => {
    await using own = await shared();
    const { authority, start } = own;
    await using owner = start({ program: killed });
    owner.send({ jsonrpc: "2.0", id: 1, method: "initialize", params: INITIALIZE });
    const link = await linkOf(owner);
    await using sibling = start({ program: left });
    const ready = sibling.initialize();
    await sibling.child.line(/another instance|Another instance/);
    await owner.child.kill();
    await linkOf(sibling);
    await visit(link);
    await ready;
    assert.equal(authority.grants("authorization_code").length, 1);
    assert.equal(authority.asked("/register").length, 1);
  });
}

test("93: a stranger on the port is passed by; on a port that is given it is an error", async () => {
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  let usual;
  {
    await using bridge = startBridge(server.url);
    await Promise.all([bridge.initialize(), signIn(bridge)]);
    usual = Number(new URL(authority.asked("/authorize")[0].query.redirect_uri).port);
  }
  const stranger = createServer((_, response) => response.end("a stranger"));
  await new Promise((resolve) => stranger.listen(usual, "127.0.0.1", resolve));
  try {
    {
      await using bridge = startBridge(server.url);
      await Promise.all([bridge.initialize(), signIn(bridge)]);
      assert.notEqual(Number(new URL(authority.asked("/authorize").at(-1).query.redirect_uri).port), usual);
    }
    if (isReference) return;
    await using bridge = startBridge(server.url, { args: [`${usual}`] });
    const { error } = await bridge.request("initialize", INITIALIZE);
    assert.ok(error.message.includes(`port ${usual}`), error.message);
  } finally {
    stranger.closeAllConnections();
    await new Promise((resolve) => stranger.close(resolve));
  }
});

test("87: ten instances with a token that has ended make one token request", async () => {
  await using own = await shared();
  const { config, authority, start } = own;
  await (await signedIn(start)).stop();
  storedJson(config.path, "_tokens.json", (tokens) => ({ ...tokens, expires_at: Date.now() - 1000 }));
  authority.spoil();
  await using stack = new AsyncDisposableStack();
  const bridges = Array.from({ length: 10 }, () => stack.use(start()));
  await initializeAll(bridges);
  assert.equal(authority.grants("refresh_token").length, 1);
  assert.deepEqual(linksOfAll(bridges), []);
});

test("87: twenty calls of one instance that are refused make one token request", async () => {
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  await using bridge = startBridge(server.url);
  await Promise.all([bridge.initialize(), signIn(bridge)]);
  authority.spoil();
  await Promise.all(Array.from({ length: 20 }, () => bridge.result("tools/list")));
  assert.equal(authority.grants("refresh_token").length, 1);
});

test("87: a token is refreshed at half of a short life, and no call waits for it", { skip: isReference && "a minute before" }, async () => {
  await using own = await shared({ authority: { expiresIn: 40 } });
  const { config, authority, start } = own;
  await using bridge = await signedIn(start);
  assert.equal(authority.grants("refresh_token").length, 0);
  storedJson(config.path, "_tokens.json", (tokens) => ({ ...tokens, expires_at: Date.now() + 19_000 }));
  let answer;
  authority.on["/token"] = () => new Promise((resolve) => (answer = resolve));
  await bridge.result("tools/list");
  await authority.received("/token", { count: 2 });
  await bridge.result("tools/list");
  answer([200, authority.issue()]);
  assert.equal(authority.grants("refresh_token").length, 1);
});

test("88: of two instances the loser of a refresh uses what the winner stored", async () => {
  await using own = await shared();
  const { authority, server, start } = own;
  await using one = await signedIn(start);
  await using two = start();
  await two.initialize();
  await server.received("notifications/initialized", { count: 2 });
  authority.spoil();
  let first = true;
  authority.on["/token"] = async () => {
    if (!first) return undefined;
    first = false;
    // The other is refused, too, before this one has its answer.
    await until(() => server.requests.filter(({ message, headers }) => message?.method === "tools/list" && !authority.access.has(headers.authorization?.slice(7))).length >= 2, "two refusals");
    return undefined;
  };
  await Promise.all([one.result("tools/list"), two.result("tools/list")]);
  assert.equal(authority.grants("refresh_token").length, 1);
});

for (const [from, to] of [
  ["reference", "ours"],
  ["ours", "reference"],
]) {
  test(`103: what ${from === "ours" ? "this program" : "mcp-remote"} signed in, ${to === "ours" ? "this program" : "mcp-remote"} goes on with, without a browser`, { skip: isReference }, async () => {
    await using own = await shared({ server: { resource: { scopes_supported: ["read", "write"] } } });
    const { authority, server, start } = own;
    await (await signedIn(start, { program: from })).stop();
    for (const program of [to, from, to]) {
      await using bridge = start({ program });
      await bridge.initialize();
      await bridge.result("tools/list");
      // The last request of a start is that for the session's own stream. mcp-remote gives up a call whose token it refreshed for both.
      const isOver = () => server.requests.slice(server.log.lastIndexOf("POST notifications/initialized")).some(({ method, url }) => method === "GET" && url === "/mcp");
      await until(isOver, "the end of the start");
      authority.spoil();
      assert.ok((await bridge.result("tools/list")).tools);
      assert.deepEqual(linksOf(bridge), [], `${program}:\n${bridge.stderr}`);
    }
    assert.equal(authority.asked("/register").length, 1);
    assert.equal(authority.grants("authorization_code").length, 1);
    assert.equal(authority.grants("refresh_token").length, 3);
  });
}

for (const order of [
  ["ours", "reference", "ours", "reference"],
  ["reference", "ours", "reference", "ours"],
]) {
  test(`102: two instances of each sign in once, ${order[0]} first`, { skip: isReference }, async () => {
    await using own = await shared();
    const { authority, start } = own;
    await using stack = new AsyncDisposableStack();
    const first = stack.use(start({ program: order[0] }));
    const ready = [first.initialize()];
    const link = await linkOf(first);
    const rest = order.slice(1).map((program) => stack.use(start({ program })));
    ready.push(...rest.map((bridge) => bridge.initialize()));
    await Promise.all(rest.map((bridge) => bridge.child.line(/another instance|Another instance/)));
    await visit(link);
    await Promise.all(ready);
    assert.equal(linksOfAll([first, ...rest]).length, 1);
    assert.equal(authority.grants("authorization_code").length, 1);
  });
}

test("102: a refresh of mcp-remote that is under way is waited for", { skip: isReference }, async () => {
  await using own = await shared();
  const { config, authority, start } = own;
  await (await signedIn(start)).stop();
  authority.spoil();
  storedJson(config.path, "_tokens.json", (tokens) => ({ ...tokens, expires_at: Date.now() - 1000 }));
  let answer;
  const asked = new Promise((resolve) => (answer = resolve));
  authority.on["/token"] = async () => void (await asked);
  await using reference = start({ program: "reference" });
  const theirs = reference.initialize();
  await authority.received("/token", { count: 2 });
  await using bridge = start();
  const ours = bridge.initialize();
  await until(() => config.files().some((name) => name.endsWith("refresh.lock")), "the lock of ours");
  answer();
  await Promise.all([theirs, ours]);
  assert.equal(authority.grants("refresh_token").length, 1);
  assert.deepEqual(linksOfAll([reference, bridge]), []);
});

test("104: a wrong or missing state is refused, and the wait goes on; a state counts once", async () => {
  await using authority = await bridgeAuthority();
  await using server = await guardedServer(authority);
  const [port] = await freePorts(1);
  await using bridge = startBridge(server.url, { args: [`${port}`] });
  const ready = bridge.initialize();
  const link = await linkOf(bridge);
  const at = (path, options) => fetch(`http://127.0.0.1:${port}${path}`, options);
  const { state } = Object.fromEntries(new URL(link).searchParams);
  if (!isReference) {
    for (const query of ["?code=x&state=y", "?code=x", "?error=access_denied", "?error=access_denied&state=..%2Fx"]) {
      assert.equal((await at(`/oauth/callback${query}`)).status, 400, query);
    }
    assert.equal((await at(`/oauth/callback?code=x&state=${state}`, { method: "POST" })).status, 405);
    assert.equal(await statusWithHost(port, "evil.example", `/oauth/callback?code=x&state=${state}`), 421);
    assert.equal((await at("/elsewhere")).status, 404);
  }
  assert.deepEqual(await (await at("/.mcp-remote/id")).json().then(({ mcpRemote }) => mcpRemote), true);
  assert.equal((await at("/wait-for-auth?poll=false")).status, 202);
  await visit(link);
  await ready;
  await until(() => at(`/oauth/callback?code=x&state=${state}`).then(() => false, () => true), "the end of the port after the sign-in");
});

function statusWithHost(port, host, path) {
  return new Promise((resolve, reject) => {
    import("node:http").then(({ get }) => get({ port, host: "127.0.0.1", path, headers: { host } }, (response) => resolve(response.resume().statusCode)).once("error", reject));
  });
}

const INITIALIZE = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "tests", version: "1.0.0" } };
