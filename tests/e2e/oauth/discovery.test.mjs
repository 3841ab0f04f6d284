// Discovery of the provider: behaviours 1 to 10, and what else ours says of itself.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { behaviours, readChallenge } from "../../behaviours/discovery.mjs";
import { testOurs } from "../../support/oauth-behaviours.mjs";
import { ours } from "../../support/oauth.mjs";
import { open } from "../../support/mcp.mjs";

testOurs(behaviours);

const target = await ours();
after(() => target.stop());

const SERVER = "/.well-known/oauth-authorization-server";
const RESOURCE = "/.well-known/oauth-protected-resource";

describe("metadata", () => {
  test("resource metadata exist for the origin as a whole", async () => {
    const { status, json } = await target.get(RESOURCE);
    assert.equal(status, 200);
    assert.equal(json.resource, target.url);
  });

  test("metadata are cacheable and answer GET and HEAD alone", async () => {
    for (const path of [SERVER, `${RESOURCE}/mcp`]) {
      const answer = await target.get(path);
      assert.match(answer.headers["cache-control"], /^public, max-age=\d+$/);
      const head = await target.send("HEAD", path);
      assert.deepEqual([head.status, head.text], [200, ""]);
      const posted = await target.send("POST", path, { body: "" });
      assert.equal(posted.status, 405);
      assert.match(posted.headers.allow, /\bGET\b/);
    }
  });

  test("metadata are the same with a protocol version header", async () => {
    for (const version of ["2025-06-18", "2025-11-25", "1999-01-01"]) {
      const { status } = await target.get(`${RESOURCE}/mcp`, { headers: { "mcp-protocol-version": version } });
      assert.equal(status, 200, version);
    }
  });

  test("the endpoints are at the default paths of 2025-03-26", async () => {
    const { json } = await target.get(SERVER);
    assert.equal(json.authorization_endpoint, `${target.url}/authorize`);
    assert.equal(json.token_endpoint, `${target.url}/token`);
    assert.equal(json.registration_endpoint, `${target.url}/register`);
  });

  test("metadata advertise public clients and client metadata documents", async () => {
    const { json } = await target.get(SERVER);
    assert.ok(json.token_endpoint_auth_methods_supported.includes("none"));
    assert.equal(json.client_id_metadata_document_supported, true);
    assert.deepEqual(json.grant_types_supported, ["authorization_code", "refresh_token"]);
  });
});

describe("access tokens", () => {
  test("an invalid token is refused with advice in the body", async () => {
    const { answer, status } = await target.knock("garbage");
    assert.equal(status, 401);
    assert.equal(answer.json.error, "invalid_token");
    assert.ok(answer.json.error_description.length > 10);
    assert.match(answer.headers["cache-control"], /no-store/);
  });

  test("a token is accepted in the Authorization header alone", async () => {
    const { tokens } = await target.signIn();
    const token = tokens.access_token;
    const inQuery = await target.send("POST", `/mcp?access_token=${token}`, { body: "{}" });
    const inForm = await target.form(target.mcp, { access_token: token });
    const inCookie = await target.send("POST", "/mcp", { headers: { cookie: `access_token=${token}` }, body: "{}" });
    for (const answer of [inQuery, inForm, inCookie]) {
      assert.equal(answer.status, 401, `${answer}`);
      assert.equal(readChallenge(answer.headers["www-authenticate"]).error, undefined);
    }
  });

  test("two tokens in a request are refused", async () => {
    const { tokens } = await target.signIn();
    for (const second of [`Bearer ${tokens.access_token}`, "Bearer other", "Basic YTpi"]) {
      const authorization = [`Bearer ${tokens.access_token}`, second];
      const { status } = await target.knock(undefined, "/mcp", { headers: { authorization } });
      assert.ok([400, 401].includes(status), `${status} with ${second}`);
    }
  });

  test("the token is checked before anything else, session ids included", async () => {
    const { tokens } = await target.signIn();
    const { id } = await open(target.server, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    for (const [method, path, session] of [
      ["POST", "/mcp", id],
      ["GET", "/mcp", id],
      ["DELETE", "/mcp", id],
      ["POST", "/mcp", "none-such"],
      ["PUT", "/mcp", id],
      ["GET", "/sse", null],
      ["POST", "/sse/message?sessionId=none-such", null],
    ]) {
      const headers = { "mcp-session-id": session };
      const answer = await target.send(method, path, { headers, body: method === "POST" ? "not JSON" : undefined });
      assert.equal(answer.status, 401, `${method} ${path}: ${answer}`);
      assert.equal(answer.text, "");
      assert.equal(readChallenge(answer.headers["www-authenticate"]).scheme, "Bearer");
    }
  });
});
