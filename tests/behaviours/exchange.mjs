// Behaviours 70 to 72: where a token is good, and access tokens for access tokens (RFC 8707, RFC 8693).
import assert from "node:assert/strict";
import { granted } from "../support/oauth.mjs";
import { clientNamed, mine } from "./clients.mjs";

export const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
export const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

const EXCHANGING = { grant_types: ["authorization_code", "refresh_token", EXCHANGE] };

/** A client that may exchange tokens. */
export const exchanging = (target, name = "An exchanging client") => clientNamed(target, name, EXCHANGING);

/** Asks for another token in exchange for an access token: an answer. */
export const exchangeToken = (target, client, token, fields = {}) =>
  target.token(client, {
    grant_type: EXCHANGE,
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
    ...fields,
  });

/** Asserts a refusal, whatever it is called, that gives no token. */
export function refusedExchange(answer, errors) {
  assert.equal(answer.status, 400, `${answer}`);
  assert.ok(errors.includes(answer.json.error), `${answer}`);
  assert.equal(answer.json.access_token, undefined);
}

export const behaviours = [
  {
    number: 70,
    name: "a token is refused at every resource but its own, however near",
    async run(target) {
      const client = await mine(target);
      const { tokens } = await target.signIn({ client, resource: target.mcp });
      const token = tokens.access_token;
      assert.ok(await target.takes(token, "/mcp"));
      const { status, challenge } = await target.knock(token, "/sse");
      assert.equal(status, 401);
      assert.match(challenge, /error="invalid_token"/);
      assert.ok(challenge.includes(`${target.url}/.well-known/oauth-protected-resource/sse`), challenge);
      const { port } = new URL(target.url);
      for (const host of [`localhost:${port}`, "127.0.0.1", `127.0.0.1:${Number(port) ^ 1}`]) {
        const elsewhere = await target.knock(token, "/mcp", { headers: { host } });
        assert.notEqual(elsewhere.status, 200, `as ${host}: ${elsewhere.answer}`);
      }
      for (const path of ["/mcpx", "/mcp%2f", "/MCP", `${target.url}//mcp`, "/sse/..%2fmcp"]) {
        const answer = await target.send("POST", path, { headers: { authorization: `Bearer ${token}` }, body: "{}" });
        assert.ok([401, 404].includes(answer.status), `at ${path}: ${answer}`);
      }
      const { tokens: other } = await target.signIn({ client, resource: target.sse });
      assert.ok(await target.takes(other.access_token, "/sse"));
      assert.equal(await target.takes(other.access_token, "/mcp"), false);
    },
  },
  {
    number: 71,
    name: "a token can be exchanged for one of fewer scopes and a shorter life, never for more",
    setup: { exchange: true },
    async run(target) {
      const client = await exchanging(target);
      const { tokens } = await target.signIn({ client, scope: "read write" });
      const narrow = granted(
        await exchangeToken(target, client, tokens.access_token, { scope: "read", expires_in: "60" }),
      );
      assert.equal(narrow.issued_token_type, ACCESS_TOKEN);
      assert.equal(narrow.scope, "read");
      assert.equal(narrow.refresh_token, undefined);
      assert.ok(await target.takes(narrow.access_token));
      assert.deepEqual((await target.me(narrow.access_token)).scopes, ["read"]);
      for (const scope of ["read write admin", "admin"]) {
        const answer = await exchangeToken(target, client, narrow.access_token, { scope });
        if (answer.status !== 200) continue;
        assert.deepEqual((await target.me(answer.json.access_token)).scopes, ["read"], scope);
      }
      const longer = await exchangeToken(target, client, narrow.access_token, { expires_in: "999999" });
      assert.ok(granted(longer).expires_in <= narrow.expires_in);
    },
  },
  {
    number: 71,
    name: "a token asked to live for a minute does",
    setup: { exchange: true },
    async run(target) {
      const client = await exchanging(target);
      const { tokens } = await target.signIn({ client });
      const short = granted(await exchangeToken(target, client, tokens.access_token, { expires_in: "60" }));
      assert.ok(short.expires_in > 0 && short.expires_in <= 60, `${short.expires_in}`);
    },
  },
  {
    number: 72,
    name: "an exchange reaches no resource that the exchanged token does not",
    setup: { exchange: true },
    async run(target) {
      const client = await exchanging(target);
      const { tokens } = await target.signIn({ client, exchange: { resource: target.mcp } });
      assert.equal(await target.takes(tokens.access_token, "/sse"), false);
      for (const resource of [target.sse, [target.mcp, target.sse], "https://elsewhere.example/"]) {
        const answer = await exchangeToken(target, client, tokens.access_token, { resource });
        refusedExchange(answer, ["invalid_target"]);
      }
      granted(await exchangeToken(target, client, tokens.access_token, { resource: target.mcp }));
    },
  },
  {
    number: 72,
    name: "another client's token is not exchanged",
    setup: { exchange: true },
    async run(target) {
      const { tokens } = await target.signIn({ client: await exchanging(target) });
      const stranger = await exchanging(target, "Another exchanging client");
      const answer = await exchangeToken(target, stranger, tokens.access_token);
      refusedExchange(answer, ["invalid_request", "invalid_grant"]);
      assert.ok(await target.takes(tokens.access_token));
    },
  },
];
