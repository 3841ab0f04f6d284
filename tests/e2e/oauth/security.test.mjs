// Attacks on the provider and in front of MCP. Sessions of others are in sessions.test.mjs, documents of clients in
// documents.test.mjs, registrations in registration.test.mjs.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { mine } from "../../behaviours/clients.mjs";
import { initialize, open, openSse, post, request, send } from "../../support/mcp.mjs";
import { REDIRECT, granted, newVerifier, ours, refused } from "../../support/oauth.mjs";
import { until } from "../../support/wait.mjs";

const target = await ours({ exchange: true });
const { server } = target;
after(() => target.stop());

const bearer = (token) => ({ authorization: `Bearer ${token}` });

describe("access tokens", () => {
  test("a token in the query, a cookie or the body is ignored", async () => {
    const { tokens } = await target.signIn();
    const token = tokens.access_token;
    const accept = { accept: "text/event-stream" };
    for (const answer of [
      await post(server, initialize(), { path: `/mcp?access_token=${token}` }),
      await post(server, { ...initialize(), access_token: token }),
      await post(server, initialize(), { headers: { cookie: `access_token=${token}; authorization=Bearer ${token}` } }),
      await post(server, initialize(), {
        headers: { "x-authorization": `Bearer ${token}`, "proxy-authorization": `Bearer ${token}` },
      }),
      await send(server, "GET", `/sse?access_token=${token}`, { headers: accept }),
      await send(server, "GET", `/sse?authorization=Bearer%20${token}`, { headers: accept }),
    ]) {
      assert.deepEqual([answer.status, answer.text], [401, ""], `${answer}`);
      assert.ok(!answer.headers["www-authenticate"].includes("error="));
    }
  });

  test("a token outside the syntax of RFC 6750 is refused at any length", async () => {
    const { tokens } = await target.signIn();
    const token = tokens.access_token;
    for (const authorization of [
      "Bearer",
      "Bearer ",
      `Bearer ${token} ${token}`,
      `Bearer ${token},`,
      `Bearer "${token}"`,
      `Bearer ${token}, Bearer ${token}`,
      `Basic ${Buffer.from(token).toString("base64")}`,
      `Token ${token}`,
      `Bearer${token}`,
      token,
      `Bearer ${"x".repeat(7000)}`,
      `Bearer ${token}${"A".repeat(7000)}`,
      `Bearer ${token.replaceAll(":", "%3A")}`,
    ]) {
      const answer = await post(server, initialize(), { headers: { authorization } });
      assert.ok([400, 401].includes(answer.status), `${authorization.slice(0, 40)} ${answer}`);
      assert.match(answer.headers["www-authenticate"], /^Bearer .*resource_metadata="/);
      assert.ok(!answer.text.includes(token), `${answer}`);
    }
  });

  test("a token assembled from parts of others is refused and wakes no user's object", async () => {
    await using traced = await ours({}, { trace: true });
    const client = await mine(traced);
    const [ann, bob] = [await traced.signIn({ client, user: "ann" }), await traced.signIn({ client, user: "bob" })];
    const parts = (token) => token.split(":");
    const spliced = (name) => {
      const [a, b] = [parts(ann.tokens[name]), parts(bob.tokens[name])];
      const handle = Buffer.alloc(16, 7).toString("base64url");
      return [
        [b[0], a[1], a[2]],
        [a[0], b[1], a[2]],
        [a[0], a[1], b[2]],
        [handle, a[1], a[2]],
      ].map((of) => of.join(":"));
    };
    const objects = traced.server.objects("GrantAuthority");
    const { objectRequests, kvReads } = await traced.server.cost(async () => {
      for (const token of spliced("access_token")) assert.equal(await traced.takes(token), false);
    });
    assert.deepEqual([objectRequests, kvReads], [0, 0]);
    const refreshing = await traced.server.cost(async () => {
      for (const token of spliced("refresh_token")) refused(await traced.refresh(client, token), "invalid_grant");
      for (const token of spliced("refresh_token")) assert.equal((await traced.revoke(client, token)).status, 200);
    });
    assert.equal(refreshing.objectRequests, 0);
    assert.equal(traced.server.objects("GrantAuthority"), objects);
    for (const { tokens } of [ann, bob]) granted(await traced.refresh(client, tokens.refresh_token));
  });

  test("a made-up legacy token is refused and wakes no user's object", async () => {
    const objects = server.objects("GrantAuthority");
    const client = await mine(target);
    const legacy = `victim:${"g".repeat(16)}:${"s".repeat(32)}`;
    assert.equal(await target.takes(legacy), false);
    refused(await target.refresh(client, legacy), "invalid_grant");
    assert.equal((await target.revoke(client, legacy)).status, 200);
    assert.equal(server.objects("GrantAuthority"), objects);
  });
});

describe("redirects", () => {
  const tricks = [
    `${REDIRECT}/`,
    `${REDIRECT}?`,
    `${REDIRECT}?next=https://evil.example`,
    `${REDIRECT}#`,
    `${REDIRECT}x`,
    `${REDIRECT}%00`,
    `${REDIRECT}/../callback`,
    `${REDIRECT}/..;/callback`,
    "https://client.example//callback",
    "https://client.example/Callback",
    "https://client.example/%63allback",
    "https://client.example:443/callback",
    "https://client.example:8443/callback",
    "https://client.example./callback",
    "https://client.example.evil.example/callback",
    "https://evilclient.example/callback",
    "https://client.example@evil.example/callback",
    "https://client.example%40evil.example/callback",
    "https://evil.example\\@client.example/callback",
    "https://evil.example#https://client.example/callback",
    "https://evil.example/?https://client.example/callback",
    "http://client.example/callback",
    "HTTPS://client.example/callback",
    "https://CLIENT.EXAMPLE/callback",
    "//client.example/callback",
    "/callback",
    " https://client.example/callback",
    "https://client.example/callback ",
    "https://client.example/callback\r\nLocation: https://evil.example",
    "javascript:alert(1)//https://client.example/callback",
    "https://[::1]/callback",
    "x",
  ];

  test("a redirect goes only to an exactly registered URI", async () => {
    const client = await mine(target);
    for (const redirect_uri of tricks) {
      const { answer, status } = await target.authorize({ client, redirect_uri });
      assert.deepEqual([status, answer.headers.location], [400, undefined], `${redirect_uri} ${answer}`);
      assert.ok(!answer.text.includes("evil.example"), `${answer}`);
    }
    assert.ok((await target.authorize({ client })).code);
  });

  test("a redirect of an error goes only to a registered URI", async () => {
    const client = await mine(target);
    for (const redirect_uri of tricks) {
      for (const wrong of [{ response_type: "token" }, { scope: 'a"b' }, { code_challenge: "x" }, { user: "nobody" }]) {
        const { answer, status } = await target.authorize({ client, redirect_uri, ...wrong });
        assert.deepEqual([status, answer.headers.location], [400, undefined], `${redirect_uri} ${answer}`);
      }
    }
  });

  test("a loopback redirect may differ only in the port", async () => {
    const client = await target.register({ client_name: "Native", redirect_uris: ["http://127.0.0.1:3000/callback"] });
    assert.ok((await target.authorize({ client, redirect_uri: "http://127.0.0.1:4000/callback" })).code);
    for (const redirect_uri of [
      "http://127.0.0.1:4000/callback/x",
      "http://127.0.0.1:4000/callback?x=1",
      "http://localhost:3000/callback",
      "http://127.0.0.2:3000/callback",
      "http://127.1:3000/callback",
      "https://127.0.0.1:3000/callback",
      "http://127.0.0.1.evil.example:3000/callback",
      "http://127.0.0.1:3000@evil.example/callback",
      "http://127.0.0.1:evil/callback",
      "http://127.0.0.1:99999/callback",
    ]) {
      const { answer, status } = await target.authorize({ client, redirect_uri });
      assert.deepEqual([status, answer.headers.location], [400, undefined], `${redirect_uri} ${answer}`);
    }
  });

  test("a redirect carries the state unchanged and nothing injected by it", async () => {
    const client = await mine(target);
    for (const state of [
      "&code=evil&iss=evil",
      "#code=evil",
      "\r\nSet-Cookie: a=b",
      'ü "<>',
      "%26code%3Devil",
      "a+b c",
    ]) {
      const { params, answer } = await target.authorize({ client, state });
      assert.deepEqual(params.getAll("state"), [state]);
      for (const name of ["code", "iss"]) assert.equal(params.getAll(name).length, 1, name);
      assert.equal(answer.headers["set-cookie"], undefined);
      assert.match(answer.headers["cache-control"], /no-store/);
    }
  });
});

describe("the authorization endpoint", () => {
  test("an error is shown on a page that cannot be framed and repeats no input", async () => {
    const client = await mine(target);
    const markup = "<script>alert(1)</script>";
    for (const asked of [
      { client: { ...client, client_id: markup } },
      { client, redirect_uri: markup },
      { client, [markup]: ["1", "2"] },
      { client: { ...client, client_id: `https://${markup}/x` } },
      { client: { ...client, client_id: null } },
    ]) {
      const { answer } = await target.authorize(asked);
      assert.equal(answer.status, 400, `${answer}`);
      assert.match(answer.headers["content-type"], /^text\/html/);
      assert.match(answer.headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/);
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
      assert.equal(answer.headers["referrer-policy"], "same-origin");
      assert.ok(!answer.text.includes("<script"), answer.text);
    }
  });

  test("parameters are read from the query alone", async () => {
    const client = await mine(target);
    for (const [name, error] of [
      ["request", "request_not_supported"],
      ["request_uri", "request_uri_not_supported"],
    ]) {
      const asked = await target.authorize({ client, [name]: "https://evil.example/request.jwt" });
      assert.deepEqual([asked.status, asked.code], [400, undefined]);
      assert.ok(asked.answer.text.includes(error), `${asked.answer}`);
    }
    const fragment = await target.authorize({ client, response_mode: "fragment" });
    assert.deepEqual([fragment.status, fragment.location], [400, undefined]);
    const query = new URLSearchParams({ client_id: client.client_id, redirect_uri: REDIRECT, response_type: "code" });
    assert.equal((await target.form("/authorize", `${query}`)).status, 405);
  });
});

describe("another site", () => {
  const origins = [
    "https://evil.example",
    "null",
    "https://127.0.0.1.evil.example",
    "file://",
    "chrome-extension://abc",
  ];

  test("a foreign page gets 403 from MCP even with a valid token", async () => {
    const { client, tokens } = await target.signIn();
    const session = await open(server, { headers: bearer(tokens.access_token) });
    const objects = server.objects("McpObject");
    for (const origin of origins) {
      const headers = { origin };
      for (const answer of [
        await session.post(request(1, "tools/call", { name: "increment", arguments: {} }), { headers }),
        await session.end({ headers }),
        await post(server, initialize(), { headers: { ...headers, ...bearer(tokens.access_token) } }),
      ]) {
        assert.equal(answer.status, 403, `${origin} ${answer}`);
        assert.equal(answer.headers["access-control-allow-credentials"], undefined);
      }
    }
    assert.equal(server.objects("McpObject"), objects);
    assert.equal(await session.callText("increment"), "1");
    granted(await target.refresh(client, tokens.refresh_token));
  });

  test("a foreign page may use the endpoints without cookies and read their responses", async () => {
    for (const origin of origins) {
      const headers = { origin };
      const { client, tokens } = await target.signIn();
      const fields = { grant_type: "refresh_token", refresh_token: tokens.refresh_token, client_id: client.client_id };
      for (const answer of [
        await target.get("/.well-known/oauth-authorization-server", { headers }),
        await target.form("/token", fields, { headers }),
        await target.form("/revoke", { token: tokens.access_token, client_id: client.client_id }, { headers }),
      ]) {
        assert.equal(answer.status, 200, `${origin} ${answer}`);
        assert.equal(answer.headers["access-control-allow-origin"], origin);
        assert.equal(answer.headers["access-control-allow-credentials"], undefined);
      }
    }
  });

  test("a foreign name that points here gets 403 and no metadata", async () => {
    const { tokens } = await target.signIn();
    for (const host of ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::ffff:1.2.3.4]"]) {
      for (const answer of [
        await post(server, initialize(), { headers: { host, ...bearer(tokens.access_token) } }),
        await target.get("/.well-known/oauth-authorization-server", { headers: { host } }),
        await target.get("/.well-known/oauth-protected-resource/mcp", { headers: { host } }),
      ]) {
        assert.equal(answer.status, 403, `${host} ${answer}`);
        assert.ok(!answer.text.includes("evil.example"));
      }
    }
  });

  test("proxy headers cannot change the name of the server", async () => {
    const headers = {
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "https",
      "x-original-url": "/admin",
      forwarded: "host=evil.example;proto=https",
    };
    const metadata = await target.get("/.well-known/oauth-authorization-server", { headers });
    assert.equal(metadata.json.issuer, target.url);
    assert.ok(!metadata.text.includes("evil.example"));
    const answer = await post(server, initialize(), { headers });
    assert.ok(answer.headers["www-authenticate"].includes(`${target.url}/.well-known/`));
  });
});

describe("the log", () => {
  test("each event of a grant is logged in order, by handle and never by name", async () => {
    await using own = await ours({ exchange: true });
    const events = () => own.server.logs.filter(({ json }) => json?.event && json.event !== "http" && !json.method);
    const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
    const client = await own.register({ grant_types: ["authorization_code", "refresh_token", EXCHANGE] });
    const { tokens, authorized } = await own.signIn({ client, user: "ann@example.com" });
    const next = granted(await own.refresh(client, tokens.refresh_token));
    granted(await own.refresh(client, tokens.refresh_token));
    granted(
      await own.token(client, {
        grant_type: EXCHANGE,
        subject_token: next.access_token,
        subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
      }),
    );
    refused(await own.exchange(authorized), "invalid_grant");
    const burnt = await own.authorized({ client, user: "ann@example.com" });
    for (let time = 0; time < 5; time++) await own.exchange(burnt, { code_verifier: newVerifier() });
    const { tokens: given } = await own.signIn({ client, user: "ann@example.com" });
    await own.revoke(client, given.refresh_token);
    const expected = [
      "registered",
      "issued",
      "refreshed",
      "repeated",
      "minted",
      "code_replayed",
      "code_burnt",
      "issued",
      "revoked",
    ];
    await until(
      () => events().length >= expected.length,
      () => `events, so far ${JSON.stringify(events())}`,
    );
    assert.deepEqual(
      events().map(({ json }) => json.event),
      expected,
    );
    const handles = new Set(
      events()
        .slice(1)
        .map(({ json }) => json.handle),
    );
    assert.equal(handles.size, 1, "one user");
    const grants = events()
      .slice(1)
      .map(({ json }) => json.grant);
    assert.equal(new Set(grants).size, 3);
    for (const { json } of events()) assert.equal(json.client, client.client_id);
  });

  test("no token, code, verifier, secret or name is logged in success or failure", async () => {
    await using own = await ours({ api_key: "an-api-key-0123456789" });
    const user = "secret-person@example.com";
    const client = await own.register({ token_endpoint_auth_method: "client_secret_post" });
    const { tokens, authorized } = await own.signIn({ client, user });
    const headers = bearer(tokens.access_token);
    const session = await open(own.server, { headers });
    await session.call("whoami_user");
    await session.post(request(1, "tools/call", { name: "admin_only", arguments: {} }));
    const legacy = await openSse(own.server, { headers });
    await legacy.call("whoami_user");
    legacy.close();
    const next = granted(await own.refresh(client, tokens.refresh_token));
    await own.takes(`${next.access_token}x`);
    await own.takes("an-api-key-0123456789");
    await own.refresh(client, next.access_token);
    await own.introspect(client, next.access_token);
    await own.exchange(authorized);
    await own.revoke(client, next.refresh_token);
    await own.token(
      { ...client, client_secret: "a-wrong-secret" },
      { grant_type: "refresh_token", refresh_token: "x" },
    );
    await post(own.server, initialize(), { path: `/mcp?access_token=${next.access_token}` });
    await own.get("/authorize");
    await until(
      () => own.server.logs.some(({ json }) => json?.method === "GET /authorize" && json.code === 400),
      "the last line",
    );
    const secrets = [
      ...[tokens, next].flatMap((pair) => [pair.access_token, pair.refresh_token]).map((token) => token.split(":")[2]),
      authorized.code.split(":")[2],
      authorized.verifier,
      client.client_secret,
      "a-wrong-secret",
      "an-api-key",
      "secret-person",
      "a secret of the upstream",
      session.id,
    ];
    for (const { text } of own.server.logs) {
      for (const secret of secrets) assert.ok(!text.includes(secret), text);
    }
  });
});
