// The official Rust SDK signs in with its own authorization client. Its tests are in tests/rmcp, a crate of its own.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DOCUMENT, siteOfClient } from "../../support/client-document.mjs";
import { BUILD_MS, buildRmcpTests, runRmcpTests } from "../../support/rmcp.mjs";
import { fixture } from "../../support/workerd.mjs";

// Nothing listens there: the Rust tests read where the browser would go.
const REDIRECT = "http://127.0.0.1:7777/callback";

const site = await siteOfClient(REDIRECT);
const server = await fixture({
  vars: { OAUTH: JSON.stringify({ scopes: ["read", "write", "admin"] }) },
  outbound: site.outbound,
});
after(() => Promise.all([server.stop(), site.stop()]));

before(buildRmcpTests, { timeout: BUILD_MS });

test("rmcp registers or names its document, signs in, refreshes and asks for more scopes", async () => {
  const env = { OAUTH_URL: `${server.url}/mcp`, DOCUMENT_URL: DOCUMENT, DOCUMENT_REDIRECT: REDIRECT };
  assert.equal(await runRmcpTests(server, ["sign_in::"], env), 6);
  assert.equal(site.asked(DOCUMENT), 1);
});
