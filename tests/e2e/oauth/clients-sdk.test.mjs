// Both generations of the TypeScript SDK sign in with what they bring along for it, over both transports and without sessions.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import * as v2 from "@modelcontextprotocol/client";
import { UnauthorizedError, auth } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Account } from "../../support/account.mjs";
import { callback } from "../../support/callback.mjs";
import { DOCUMENT, siteOfClient } from "../../support/client-document.mjs";
import { checked } from "../../support/sdk.mjs";
import { WAIT_MS, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const endpoint = await callback();
const site = await siteOfClient(endpoint.url);
const server = await fixture({
  vars: { OAUTH: JSON.stringify({ scopes: ["read", "write", "admin"] }) },
  outbound: site.outbound,
});
after(() => Promise.all([server.stop(), site.stop(), endpoint.stop()]));

const LIMIT = { timeout: WAIT_MS };

const V1 = {
  name: "SDK v1",
  sdk: { Client, SSEClientTransport, StreamableHTTPClientTransport, UnauthorizedError, auth },
  // With a refresh token it would rather refresh than ask for more scopes, and give up.
  grantTypes: ["authorization_code"],
  // It wants the code alone.
  redeem: (transport, answer) => transport.finishAuth(answer.get("code")),
  call: (client, name) => client.callTool({ name, arguments: {} }, undefined, LIMIT),
};
const V2 = {
  name: "SDK v2",
  sdk: v2,
  redeem: (transport, answer) => transport.finishAuth(answer),
  call: (client, name) => client.callTool({ name, arguments: {} }, LIMIT),
};
const STATELESS = {
  ...V2,
  name: "SDK v2 without sessions",
  options: { versionNegotiation: { mode: "auto" } },
};

const open = new Set();
afterEach(async () => {
  for (const client of open) await client.close();
  open.clear();
});

for (const { name, sdk, options, grantTypes, redeem, call } of [V1, V2, STATELESS]) {
  async function connect(transport) {
    const client = new sdk.Client({ name: "tests", version: "1.0.0" }, options);
    open.add(client);
    await client.connect(checked(transport), LIMIT);
    return client;
  }

  // As the SDKs' documentation has it: try, send the user to sign in, hand over what came back, try again.
  async function signedIn(account, transport) {
    const first = transport(account);
    await assert.rejects(connect(first), sdk.UnauthorizedError);
    await redeem(first, account.answer);
    return connect(transport(account));
  }

  const whoami = async (client) => {
    const { content, isError } = await call(client, "whoami_user");
    assert.ok(!isError, content[0].text);
    return JSON.parse(content[0].text);
  };

  for (const [over, path, Transport] of [
    ["Streamable HTTP", "/mcp", sdk.StreamableHTTPClientTransport],
    ["HTTP+SSE", "/sse", sdk.SSEClientTransport],
  ]) {
    const url = new URL(path, server.url);
    const transport = (authProvider) => new Transport(url, { authProvider });

    describe(`${name} over ${over}`, () => {
      test("the SDK discovers from a 401, registers, signs in and calls a tool", async () => {
        const account = new Account(endpoint);
        const client = await signedIn(account, transport);
        const { id, client: caller, resource, scopes } = await whoami(client);
        assert.deepEqual([id, resource, scopes], ["test", url.href, ["read", "write", "admin"]]);
        assert.equal(caller, account.clientInformation().client_id);
        assert.equal(account.visits, 1);
      });

      test("a client metadata document makes registration unnecessary", async () => {
        const account = new Account(endpoint, { document: DOCUMENT });
        const client = await signedIn(account, transport);
        assert.equal((await whoami(client)).client, DOCUMENT);
        assert.ok(site.asked(DOCUMENT) > 0);
      });

      test("an access token is refreshed in the middle of a session", async () => {
        const account = new Account(endpoint);
        const client = await signedIn(account, transport);
        const before = account.tokens();
        account.saveTokens({ ...before, access_token: "no-longer-good" });
        assert.equal((await whoami(client)).id, "test");
        assert.equal(account.visits, 1);
        assert.notEqual(account.tokens().access_token, before.access_token);
        assert.notEqual(account.tokens().refresh_token, before.refresh_token);
      });

      test("an invalid refresh token leads to a new sign-in", async () => {
        const account = new Account(endpoint);
        const lost = { access_token: "no-longer-good", refresh_token: "nor-this", token_type: "Bearer" };
        await (await signedIn(account, transport)).close();
        account.saveTokens({ ...account.tokens(), ...lost });
        const client = await signedIn(account, transport);
        assert.equal((await whoami(client)).id, "test");
        assert.equal(account.visits, 2);
      });
    });
  }

  test(`${name} asks its user for the scopes that a tool needs, and goes on with them`, async () => {
    const account = new Account(endpoint, { grantTypes });
    const url = new URL("/mcp", server.url);
    const transport = new sdk.StreamableHTTPClientTransport(url, { authProvider: account });
    assert.equal(await sdk.auth(account, { serverUrl: url, scope: "read" }), "REDIRECT");
    await redeem(transport, account.answer);
    const client = await connect(transport);
    assert.deepEqual((await whoami(client)).scopes, ["read"]);
    await assert.rejects(call(client, "admin_only"), sdk.UnauthorizedError);
    await redeem(transport, account.answer);
    assert.equal((await call(client, "admin_only")).content[0].text, "done");
    assert.deepEqual([account.visits, (await whoami(client)).scopes], [2, ["read", "admin"]]);
  });
}

test("SDK v2 without sessions goes on with its user's state, which needs no name", async () => {
  const account = new Account(endpoint);
  const url = new URL("/mcp", server.url);
  await v2.auth(account, { serverUrl: url });
  await v2.auth(account, {
    serverUrl: url,
    authorizationCode: account.answer.get("code"),
    iss: account.answer.get("iss"),
  });
  const connect = async (options) => {
    const client = new v2.Client({ name: "tests", version: "1.0.0" }, options);
    open.add(client);
    await client.connect(checked(new v2.StreamableHTTPClientTransport(url, { authProvider: account })), LIMIT);
    return client;
  };
  const [one, other] = [await connect(STATELESS.options), await connect(STATELESS.options)];
  const { tools } = await one.listTools(undefined, LIMIT);
  const { properties } = tools.find(({ name }) => name === "increment").inputSchema;
  assert.deepEqual(Object.keys(properties), ["by"]);
  const updated = [];
  const uri = "mcp://resource/counter";
  one.setNotificationHandler("notifications/resources/updated", ({ params }) => updated.push(params.uri));
  const subscription = await one.listen({ resourceSubscriptions: [uri] }, LIMIT);
  for (const [client, total] of [
    [one, "1"],
    [other, "2"],
  ]) {
    const { content } = await V2.call(client, "increment");
    assert.deepEqual(content, [{ type: "text", text: total }]);
  }
  assert.equal((await one.readResource({ uri }, LIMIT)).contents[0].text, "2");
  await until(() => updated.length === 2, "both updates");
  assert.deepEqual(updated, [uri, uri]);
  await subscription.close();
  // A session's state is its own.
  assert.equal((await V2.call(await connect(), "increment")).content[0].text, "1");
});
