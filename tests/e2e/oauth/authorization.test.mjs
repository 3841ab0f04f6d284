// The authorization endpoint: behaviours 11 to 25, and what else ours does there.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { behaviours } from "../../behaviours/authorization.mjs";
import { testOurs } from "../../support/oauth-behaviours.mjs";
import { REDIRECT, granted, ours } from "../../support/oauth.mjs";

testOurs(behaviours);

const target = await ours();
after(() => target.stop());

describe("redirects", () => {
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

  test("a request without a redirect URI uses the only registered one and fails with two", async () => {
    const one = await target.register();
    assert.ok((await target.authorize({ client: one, redirect_uri: null })).code);
    const two = await target.register({ redirect_uris: [REDIRECT, `${REDIRECT}2`] });
    const { status, location } = await target.authorize({ client: two, redirect_uri: null });
    assert.deepEqual([status, location], [400, undefined]);
  });

  test("a redirect is not cached", async () => {
    const { answer } = await target.authorized();
    assert.equal(answer.headers["cache-control"], "no-store");
  });

  test("a redirect has only the state that the client sent, as text", async () => {
    const client = await target.register();
    const without = await target.authorize({ client, state: null });
    assert.deepEqual([without.params.has("state"), Boolean(without.code)], [false, true]);
    const nasty = '"><script>alert(1)</script>\r\nSet-Cookie: a=b';
    const { params, answer } = await target.authorize({ client, state: nasty });
    assert.equal(params.get("state"), nasty);
    assert.equal(answer.headers["set-cookie"], undefined);
  });
});

describe("error pages", () => {
  test("an error page runs no script, cannot be framed and repeats no input", async () => {
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

describe("authorization requests", () => {
  const errorOf = async (params) => {
    const client = await target.register();
    const { error, answer } = await target.authorize({ client, ...params });
    return error ?? /\(([a-z_]+)\)/.exec(answer.text)?.[1];
  };

  test("parameters are accepted in the query alone", async () => {
    assert.equal(await errorOf({ request: "eyJhbGciOiJub25lIn0.e30." }), "request_not_supported");
    assert.equal(await errorOf({ request_uri: "urn:a" }), "request_uri_not_supported");
  });

  test("only the response mode `query` is supported", async () => {
    assert.equal(await errorOf({ response_mode: "fragment" }), "invalid_request");
    assert.equal(await errorOf({ response_mode: "form_post" }), "invalid_request");
    assert.equal(await errorOf({ response_mode: "query" }), undefined);
  });

  test("unknown scopes are ignored", async () => {
    assert.equal(await errorOf({ scope: "root" }), undefined);
    const { tokens } = await target.signIn({ scope: "read root offline_access" });
    assert.equal(tokens.scope, "read");
  });

  test("a state of any length that fits a URL is returned, and a longer one refused", async () => {
    assert.equal(await errorOf({ state: "s".repeat(4000) }), undefined);
    assert.equal(await errorOf({ state: "s".repeat(5000) }), "invalid_request");
  });

  test("a request for two resources gets a token for both", async () => {
    const { tokens } = await target.signIn({ resource: [target.mcp, target.sse] });
    assert.deepEqual([...tokens.resource].sort(), [target.mcp, target.sse].sort());
    assert.ok(await target.takes(tokens.access_token, "/mcp"));
    assert.ok(await target.takes(tokens.access_token, "/sse"));
  });
});
