// The authorization endpoint: behaviours 11 to 25, and what else ours does there.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { behaviours } from "../../behaviours/authorization.mjs";
import { testOurs } from "../../support/oauth-behaviours.mjs";
import { REDIRECT, granted, ours } from "../../support/oauth.mjs";

testOurs(behaviours);

const target = await ours();
after(() => target.stop());

describe("a redirect", () => {
  for (const [name, uri, start] of [
    ["keeps the query that was registered", `${REDIRECT}?x=y`, `${REDIRECT}?x=y&code=`],
    ["leads to a program of the machine", "cursor://anysphere/callback", "cursor://anysphere/callback?code="],
    ["leads to a program without a host", "com.example.app:/callback", "com.example.app:/callback?code="],
  ]) {
    test(name, async () => {
      const authorized = await target.authorized({ client: await target.register({ redirect_uris: [uri] }) });
      assert.ok(authorized.answer.headers.location.startsWith(start), authorized.answer.headers.location);
      granted(await target.exchange(authorized));
    });
  }

  test("goes to the only registered URI when none is named, and nowhere when there are two", async () => {
    const one = await target.register();
    assert.ok((await target.authorize({ client: one, redirect_uri: null })).code);
    const two = await target.register({ redirect_uris: [REDIRECT, `${REDIRECT}2`] });
    const { status, location } = await target.authorize({ client: two, redirect_uri: null });
    assert.deepEqual([status, location], [400, undefined]);
  });

  test("is kept by nobody on the way", async () => {
    const { answer } = await target.authorized();
    assert.equal(answer.headers["cache-control"], "no-store");
  });

  test("has no state where the client sent none, and what the client sent is not run", async () => {
    const client = await target.register();
    const without = await target.authorize({ client, state: null });
    assert.deepEqual([without.params.has("state"), Boolean(without.code)], [false, true]);
    const nasty = '"><script>alert(1)</script>\r\nSet-Cookie: a=b';
    const { params, answer } = await target.authorize({ client, state: nasty });
    assert.equal(params.get("state"), nasty);
    assert.equal(answer.headers["set-cookie"], undefined);
  });
});

describe("a page that refuses", () => {
  test("runs nothing, is in no frame, and does not repeat what a stranger wrote", async () => {
    const nasty = '<script>alert("x")</script>';
    const client = await target.register();
    const asked = [
      await target.authorize({ client: { client_id: nasty, redirect_uris: [REDIRECT] } }),
      await target.authorize({ client, redirect_uri: `https://evil.example/${nasty}` }),
      await target.authorize({ client, [nasty]: ["a", "b"] }),
    ];
    for (const { answer } of asked) {
      assert.equal(answer.status, 400, `${answer}`);
      assert.match(answer.headers["content-type"], /^text\/html/);
      assert.ok(!answer.text.includes("<script>alert"), answer.text);
      assert.match(answer.headers["content-security-policy"], /frame-ancestors 'none'/);
      assert.match(answer.headers["content-security-policy"], /default-src 'none'/);
      assert.ok(!answer.text.includes("evil.example"), answer.text);
    }
  });
});

describe("a request", () => {
  const errorOf = async (params) => {
    const client = await target.register();
    const { error, answer } = await target.authorize({ client, ...params });
    return error ?? /\(([a-z_]+)\)/.exec(answer.text)?.[1];
  };

  test("has its parameters in the query, not in an object or elsewhere", async () => {
    assert.equal(await errorOf({ request: "eyJhbGciOiJub25lIn0.e30." }), "request_not_supported");
    assert.equal(await errorOf({ request_uri: "urn:a" }), "request_uri_not_supported");
  });

  test("is answered in the query alone", async () => {
    assert.equal(await errorOf({ response_mode: "fragment" }), "invalid_request");
    assert.equal(await errorOf({ response_mode: "form_post" }), "invalid_request");
    assert.equal(await errorOf({ response_mode: "query" }), undefined);
  });

  test("for scopes that there are not gets those that there are", async () => {
    assert.equal(await errorOf({ scope: "root" }), undefined);
    const { tokens } = await target.signIn({ scope: "read root offline_access" });
    assert.equal(tokens.scope, "read");
  });

  test("with a state of any length that a URL has room for is answered, and a longer one is refused", async () => {
    assert.equal(await errorOf({ state: "s".repeat(4000) }), undefined);
    assert.equal(await errorOf({ state: "s".repeat(5000) }), "invalid_request");
  });

  test("for two resources gets a token for both", async () => {
    const { tokens } = await target.signIn({ resource: [target.mcp, target.sse] });
    assert.deepEqual([...tokens.resource].sort(), [target.mcp, target.sse].sort());
    assert.ok(await target.takes(tokens.access_token, "/mcp"));
    assert.ok(await target.takes(tokens.access_token, "/sse"));
  });
});
