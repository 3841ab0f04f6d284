// Sessions and tools behind a sign-in: whose a session is, what a caller may see and do in it, over both transports.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { mine, other } from "../../behaviours/clients.mjs";
import { initialize, notification, open, openSse, post, request, send } from "../../support/mcp.mjs";
import { granted, ours } from "../../support/oauth.mjs";
import { refuses } from "../../support/refusal.mjs";
import { fixture } from "../../support/workerd.mjs";

const target = await ours({ hook: "count" });
const { server } = target;
after(() => target.stop());

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const call = (id, name, args = {}) => request(id, "tools/call", { name, arguments: args });

/** A user with a client: tokens, and the headers that carry them. */
async function signedIn(user, { client = mine(target), at = target, ...asked } = {}) {
  const { tokens } = await at.signIn({ user, client: await client, scope: "read", ...asked });
  return { user, client: await client, tokens, headers: bearer(tokens.access_token) };
}

const whoami = async (session) => (await session.call("whoami_user")).structuredContent;

/** The challenge of an answer, as an object. */
function challengeOf({ headers }) {
  const text = headers["www-authenticate"];
  assert.match(text ?? "", /^Bearer /);
  return Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
}

const metadataOf = (path) => `${target.url}/.well-known/oauth-protected-resource${path}`;

// Every way into MCP: `[method, path, body?]`.
const DOORS = [
  ["POST", "/mcp", initialize()],
  ["GET", "/mcp"],
  ["DELETE", "/mcp"],
  ["GET", "/sse"],
  ["POST", "/sse/message", request(1, "ping")],
];
const HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const knock = ([method, path, body], headers = {}, query = "") =>
  send(server, method, path + query, { headers: { ...HEADERS, ...headers }, body });
const resourceOf = ([, path]) => path.replace("/message", "");

describe("every endpoint", () => {
  test("a request without a token is sent to the metadata of that resource", async () => {
    const before = server.objects("McpObject");
    for (const door of DOORS) {
      const answer = await knock(door);
      assert.deepEqual([answer.status, answer.text], [401, ""], `${door} ${answer}`);
      const { resource_metadata: url, error, scope } = challengeOf(answer);
      assert.equal(url, metadataOf(resourceOf(door)));
      assert.deepEqual([error, scope], [undefined, "read write admin"]);
      const metadata = await send(server, "GET", url);
      assert.equal(metadata.status, 200);
      assert.equal(metadata.json.resource, target.url + resourceOf(door));
      assert.deepEqual(metadata.json.authorization_servers, [target.issuer]);
    }
    assert.equal(server.objects("McpObject"), before);
  });

  test("a token of another resource and an invalid one are refused", async () => {
    const at = {
      "/mcp": await signedIn("ann", { resource: target.mcp }),
      "/sse": await signedIn("ann", { resource: target.sse }),
    };
    for (const door of DOORS) {
      const foreign = at[resourceOf(door) === "/mcp" ? "/sse" : "/mcp"];
      for (const headers of [foreign.headers, bearer("x"), bearer(foreign.tokens.refresh_token)]) {
        const answer = await knock(door, headers);
        assert.equal(answer.status, 401, `${door} ${answer}`);
        assert.equal(answer.json.error, "invalid_token");
        const { error, resource_metadata: url } = challengeOf(answer);
        assert.deepEqual([error, url], ["invalid_token", metadataOf(resourceOf(door))]);
      }
    }
  });

  test("the token is checked before the session id, and no object is made", async () => {
    const ann = await signedIn("ann");
    const session = await open(server, { headers: ann.headers });
    const legacy = await openSse(server, { headers: ann.headers });
    await session.call("increment");
    const before = server.objects("McpObject");
    for (const id of [session.id, "made-up"]) {
      for (const door of DOORS.slice(0, 3)) {
        const answer = await knock(door, { "mcp-session-id": id, "last-event-id": "1-1-1" });
        assert.deepEqual([answer.status, answer.text], [401, ""], `${door} ${answer}`);
      }
    }
    for (const id of [legacy.id, "made-up"]) {
      const answer = await knock(DOORS[4], {}, `?sessionId=${id}`);
      assert.deepEqual([answer.status, answer.text], [401, ""], `${answer}`);
    }
    assert.equal(server.objects("McpObject"), before);
    assert.equal(await session.callText("increment"), "2");
    legacy.close();
  });

  test("missing scopes are named with the granted ones by 403 at /mcp", async () => {
    const session = await open(server, { headers: (await signedIn("ann")).headers });
    for (const [tool, scope] of [
      ["write_all", "read write"],
      ["admin_only", "read admin"],
    ]) {
      const answer = await session.post(call(1, tool));
      assert.equal(answer.status, 403, `${answer}`);
      const { error, scope: needed, resource_metadata: url } = challengeOf(answer);
      assert.deepEqual([error, needed, url], ["insufficient_scope", scope, metadataOf("/mcp")]);
      assert.deepEqual([answer.json.id, answer.json.error.code], [1, -32000]);
      for (const name of Object.keys(answer.headers)) assert.ok(!name.startsWith("x-durable"), name);
    }
    const able = await open(server, { headers: (await signedIn("ann", { scope: "read write" })).headers });
    assert.equal(await able.callText("write_all"), "done");
  });

  test("missing scopes are named in the stream of /sse", async () => {
    const legacy = await openSse(server, { headers: (await signedIn("ann")).headers });
    await assert.rejects(
      legacy.call("write_all"),
      ({ code, message }) => code === -32000 && /read write/.test(message),
    );
    await assert.rejects(legacy.call("admin_only"), ({ code, message }) => code === -32000 && /admin/.test(message));
    assert.equal((await whoami(legacy)).name, "ann");
    legacy.close();
  });

  test("a batch reports missing scopes call by call", async () => {
    const session = await open(server, { version: "2025-03-26", headers: (await signedIn("ann")).headers });
    const { status, messages } = await session.post(JSON.stringify([call(1, "nothing"), call(2, "admin_only")]));
    assert.equal(status, 200);
    const byId = Object.fromEntries(messages.map((message) => [message.id, message]));
    assert.ok(byId[1].result);
    assert.equal(byId[2].error.code, -32000);
  });
});

describe("the owner of a session", () => {
  // Whose the session is not: another user of the same client, and the same user with another client.
  const strangers = [
    ["another user", () => signedIn("bob")],
    ["the same user by another client", () => signedIn("ann", { client: other(target) })],
  ];
  const attempts = [
    ["POST of a call", (session, headers) => session.post(call(9, "increment", { by: 100 }), { headers })],
    [
      "POST of the first notification",
      (session, headers) => session.post(notification("notifications/initialized"), { headers }),
    ],
    [
      "POST of a cancellation",
      (session, headers) => session.post(notification("notifications/cancelled", { requestId: 1 }), { headers }),
    ],
    ["POST of an answer", (session, headers) => session.post({ jsonrpc: "2.0", id: 1, result: {} }, { headers })],
    [
      "GET",
      (session, headers) =>
        send(server, "GET", "/mcp", { headers: { ...session.headers, accept: "text/event-stream", ...headers } }),
    ],
    ["DELETE", (session, headers) => session.end({ headers })],
  ];

  for (const [who, strangerOf] of strangers) {
    test(`${who} gets 404 for POST, GET, DELETE and Last-Event-ID, and the session continues`, async () => {
      const ann = await signedIn("ann");
      const session = await open(server, { headers: ann.headers, capabilities: { elicitation: {} } });
      await session.call("increment");
      using asking = session.postStream(call(1, "ask", { message: "a question for Ann" }));
      const { id: eventId, json: question } = await asking.find(({ data }) => data);
      const { headers } = await strangerOf();
      const before = server.objects("McpObject");
      const resume = [
        "GET with Last-Event-ID",
        (session, headers) => attempts[4][1](session, { ...headers, "last-event-id": eventId }),
      ];
      for (const [name, attempt] of [...attempts, resume]) {
        const answer = await attempt(session, headers);
        refuses(answer, 404, -32001);
        assert.ok(!/ann|question/i.test(answer.text), `${name}: ${answer}`);
      }
      assert.equal(server.objects("McpObject"), before);
      const result = { action: "accept", content: { answer: "Ann's" } };
      assert.equal((await session.post({ jsonrpc: "2.0", id: question.id, result })).status, 202);
      const { json } = await asking.find(({ data }) => data);
      assert.match(json.result.content[0].text, /Ann's/);
      assert.equal(await session.callText("increment"), "2");
    });

    test(`${who} gets 404 at /sse/message, and the session continues`, async () => {
      const ann = await signedIn("ann");
      const session = await openSse(server, { headers: ann.headers });
      const { headers } = await strangerOf();
      const before = server.objects("McpObject");
      const messages = session.messages.length;
      for (const body of [call(9, "increment"), notification("notifications/initialized"), request(9, "ping")]) {
        refuses(await session.post(body, { headers }), 404, -32001);
      }
      refuses(
        await post(server, call(9, "increment"), { headers: { ...headers, "mcp-session-id": session.id } }),
        404,
        -32001,
      );
      assert.equal(server.objects("McpObject"), before);
      assert.equal(await session.callText("increment"), "1");
      assert.equal(session.messages.length, messages + 1);
      session.close();
    });
  }

  test("an event id of one user's stream is useless in another user's session", async () => {
    const session = await open(server, { headers: (await signedIn("ann")).headers, capabilities: { elicitation: {} } });
    using asking = session.postStream(call(1, "ask", { message: "a question for Ann" }));
    const { id } = await asking.find(({ data }) => data);
    const bob = await open(server, { headers: (await signedIn("bob")).headers });
    await bob.call("increment");
    using stolen = bob.stream({ lastEventId: id });
    const { status } = await stolen.opened;
    assert.ok([400, 404].includes(status), `${status}`);
    assert.ok(!(await stolen.text()).includes("Ann"));
    assert.equal((await session.end()).status, 204);
  });

  test("a session continues after a new sign-in by the same user and client", async () => {
    const session = await open(server, { headers: (await signedIn("ann")).headers });
    await session.call("increment");
    const again = await signedIn("ann");
    assert.equal(await session.callText("increment", {}, { headers: again.headers }), "2");
    assert.equal((await session.end({ headers: again.headers })).status, 204);
  });

  test("a session ends with its grant in every way the grant can end", async () => {
    const ann = await signedIn("ann");
    const session = await open(server, { headers: ann.headers });
    await target.revoke(ann.client, ann.tokens.refresh_token);
    assert.equal((await session.post(call(1, "increment"))).status, 401);
    const again = await signedIn("ann");
    refuses(await session.post(call(1, "increment"), { headers: again.headers }), 404, -32001);
  });

  test("a session from before sign-in was configured is refused", async () => {
    const started = await fixture({ vars: { SESSION_KEY: "0123456789abcdef0123456789abcdef" } });
    const session = await open(started).finally(() => started.stop());
    const same = await ours({}, { vars: { SESSION_KEY: "0123456789abcdef0123456789abcdef" } });
    try {
      const { headers } = await signedIn("ann", { at: same, client: mine(same) });
      refuses(
        await post(same.server, request(1, "ping"), { headers: { ...session.headers, ...headers } }),
        404,
        -32001,
      );
    } finally {
      await same.stop();
    }
  });
});

describe("props of a refreshed token", () => {
  for (const [transport, opened] of [
    ["/mcp", (headers) => open(server, { headers })],
    ["/sse", (headers) => openSse(server, { headers })],
  ]) {
    test(`the next call of the same session sees the new props, over ${transport}`, async () => {
      const ann = await signedIn("ann");
      const session = await opened(ann.headers);
      const { exchanges, grant } = await whoami(session);
      const next = granted(await target.refresh(ann.client, ann.tokens.refresh_token));
      const { structuredContent: seen } = await session.call("whoami_user", {}, { headers: bearer(next.access_token) });
      assert.deepEqual([seen.exchanges, seen.grant, seen.id], [exchanges + 1, grant, "ann"]);
      // The older token is good until it ends, with the props that it was given.
      assert.equal((await whoami(session)).exchanges, exchanges);
      session.close?.();
    });
  }
});

describe("tools by caller", () => {
  const names = async (session, options) =>
    (await session.request("tools/list", {}, options)).tools.map(({ name }) => name);

  for (const [transport, opened] of [
    ["/mcp", (headers) => open(server, { headers })],
    ["/sse", (headers) => openSse(server, { headers })],
  ]) {
    test(`a hidden tool is absent from lists and calls, over ${transport}`, async () => {
      const [ann, bob] = [await opened((await signedIn("ann")).headers), await opened((await signedIn("bob")).headers)];
      assert.ok((await names(ann)).includes("ann_only"));
      assert.equal(await ann.callText("ann_only"), "done");
      assert.ok(!(await names(bob)).includes("ann_only"));
      const unknown = await bob.call("no_such_tool").catch((error) => error);
      const hidden = await bob.call("ann_only").catch((error) => error);
      assert.deepEqual(
        [hidden.code, hidden.message],
        [unknown.code, unknown.message.replace("no_such_tool", "ann_only")],
      );
      for (const session of [ann, bob]) session.close?.();
    });

    test(`a withdrawn permission ends in the same session, over ${transport}`, async () => {
      const ann = await signedIn("ann", { scope: "read write" });
      const session = await opened(ann.headers);
      assert.ok((await names(session)).includes("write_all"));
      assert.equal(await session.callText("write_all"), "done");
      const less = granted(await target.refresh(ann.client, ann.tokens.refresh_token, { scope: "read" }));
      const headers = bearer(less.access_token);
      assert.ok(!(await names(session, { headers })).includes("write_all"));
      await assert.rejects(session.call("write_all", {}, { headers }), ({ code }) => code === -32000);
      assert.equal((await session.call("whoami_user", {}, { headers })).structuredContent.id, "ann");
      session.close?.();
    });

    test(`a tool that needs scopes is listed only to callers who have them all, over ${transport}`, async () => {
      for (const [scope, scoped] of [
        ["read", []],
        ["write", []],
        ["read write", ["write_all"]],
        ["admin", ["admin_only"]],
        ["read write admin", ["admin_only", "write_all"]],
      ]) {
        const session = await opened((await signedIn("bob", { scope })).headers);
        const shown = (await names(session)).filter((name) => ["admin_only", "write_all"].includes(name));
        assert.deepEqual(shown, scoped, scope);
        session.close?.();
      }
    });
  }
});

test("tokens and owners are checked where one path serves both transports", async () => {
  await using shared = await ours({}, { vars: { SAME_PATH: "true" } });
  const at = { at: shared, client: mine(shared) };
  const [ann, bob] = [await signedIn("ann", at), await signedIn("bob", at)];
  for (const [method, path] of [
    ["POST", "/mcp"],
    ["GET", "/mcp"],
    ["DELETE", "/mcp"],
    ["POST", "/mcp/message"],
  ]) {
    const answer = await send(shared.server, method, path, {
      headers: HEADERS,
      ...(method === "POST" && { body: initialize() }),
    });
    assert.deepEqual([answer.status, answer.text], [401, ""], `${method} ${path} ${answer}`);
    assert.equal(challengeOf(answer).resource_metadata, `${shared.url}/.well-known/oauth-protected-resource/mcp`);
  }
  const legacy = await openSse(shared.server, { path: "/mcp", headers: ann.headers });
  refuses(await legacy.post(request(9, "ping"), { headers: bob.headers }), 404, -32001);
  assert.equal((await whoami(legacy)).name, "ann");
  legacy.close();
  const session = await open(shared.server, { headers: ann.headers });
  refuses(await session.post(request(9, "ping"), { headers: bob.headers }), 404, -32001);
});

describe("the caller in a tool", () => {
  test("a tool sees its caller and no identity that headers make up", async () => {
    const ann = await signedIn("ann", { scope: "read write", resource: target.mcp });
    const forged = Buffer.from(JSON.stringify({ subject: "bob", scopes: ["admin"], props: { name: "bob" } }));
    const spoofed = { "x-durable-mcp-caller": forged.toString("base64url"), "x-durable-mcp-needed-scopes": "admin" };
    const session = await open(server, { headers: { ...ann.headers, ...spoofed } });
    const { grant, expires, exchanges, ...seen } = await whoami(session);
    assert.deepEqual(seen, {
      id: "ann",
      name: "ann",
      client: ann.client.client_id,
      resource: target.mcp,
      scopes: ["read", "write"],
    });
    assert.match(grant, /^[\w-]{16}$/);
    assert.ok(Math.abs(expires - Date.now() / 1000 - ann.tokens.expires_in) < 60);
    assert.ok(exchanges > 0);
    assert.equal((await session.post(call(1, "admin_only"))).status, 403);
  });
});
