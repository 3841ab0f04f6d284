// The TypeScript SDK as it was when servers were their own authorization servers: it knows no metadata of protected
// resources and names no resource.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import { UnauthorizedError } from "sdk-2025-03-26/client/auth.js";
import { Client } from "sdk-2025-03-26/client/index.js";
import { SSEClientTransport } from "sdk-2025-03-26/client/sse.js";
import { StreamableHTTPClientTransport } from "sdk-2025-03-26/client/streamableHttp.js";
import { Account } from "../../support/account.mjs";
import { bearerProxy } from "../../support/bearer-proxy.mjs";
import { callback } from "../../support/callback.mjs";
import { checked } from "../../support/sdk.mjs";
import { WAIT_MS } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const METADATA = "/.well-known/oauth-authorization-server";

const endpoint = await callback();
const server = await fixture({ vars: { OAUTH: JSON.stringify({ scopes: ["read", "write", "admin"] }) } });
after(() => Promise.all([server.stop(), endpoint.stop()]));

const LIMIT = { timeout: WAIT_MS };

const clients = new Set();
afterEach(async () => {
  for (const client of clients) await client.close();
  clients.clear();
});

async function connect(transport) {
  const client = new Client({ name: "tests", version: "1.0.0" });
  clients.add(client);
  await client.connect(checked(transport), LIMIT);
  return client;
}

async function whoami(client) {
  const { content } = await client.callTool({ name: "whoami_user", arguments: {} }, undefined, LIMIT);
  return JSON.parse(content[0].text);
}

for (const [over, path, Transport] of [
  ["Streamable HTTP", "/mcp", StreamableHTTPClientTransport],
  ["HTTP+SSE", "/sse", SSEClientTransport],
]) {
  // Signs in, calls a tool, and does so again with another token; the proxy sees how.
  async function signsIn(proxy) {
    const account = new Account(endpoint);
    const transport = () => new Transport(new URL(path, proxy.url), { authProvider: account });
    const first = transport();
    await assert.rejects(connect(first), UnauthorizedError);
    await first.finishAuth(account.answer.get("code"));
    const client = await connect(transport());
    const { id, client: caller } = await whoami(client);
    assert.deepEqual([id, caller], ["test", account.clientInformation().client_id]);
    account.saveTokens({ ...account.tokens(), access_token: "no-longer-good" });
    assert.equal((await whoami(client)).id, "test");
    assert.equal(account.visits, 1);
  }

  describe(`the SDK of 2025-03-26 over ${over}`, () => {
    test("the SDK signs in with the metadata of the origin", async () => {
      await using proxy = await bearerProxy(server);
      await signsIn(proxy);
      const { seen } = proxy;
      assert.ok(seen.includes(`GET ${METADATA}`), seen.join("\n"));
      assert.ok(!seen.some((request) => request.includes("oauth-protected-resource")), seen.join("\n"));
    });

    test("the SDK signs in at the default paths without metadata", async () => {
      await using proxy = await bearerProxy(server, { hides: (path) => path.startsWith("/.well-known/") });
      await signsIn(proxy);
      const { seen } = proxy;
      for (const request of [`GET ${METADATA}`, "POST /register", "GET /authorize", "POST /token"]) {
        assert.ok(seen.includes(request), `${request} is not among ${seen.join("\n")}`);
      }
    });
  });
}
