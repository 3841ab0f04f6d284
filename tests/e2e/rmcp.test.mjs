// The official Rust SDK as the client. Its tests are in tests/rmcp, a crate of its own.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BUILD_MS, buildRmcpTests, runRmcpTests } from "../support/rmcp.mjs";
import { demo } from "../support/workerd.mjs";

const server = await demo();
after(() => server.stop());

before(buildRmcpTests, { timeout: BUILD_MS });

test("rmcp lists, calls, is asked, subscribes and falls back; each session ends when its client does", async () => {
  const passed = await runRmcpTests(server, ["--skip", "sign_in::"], { DEMO_URL: `${server.url}/mcp` });
  const lines = server.logs.flatMap(({ json }) => (json ? [json] : []));
  assert.ok(passed >= 7, `${passed} passed`);
  // One test has two clients.
  const ended = lines.filter(({ method, code }) => method === "DELETE /mcp" && code === 204);
  assert.equal(ended.length, passed + 1);
  assert.deepEqual(
    lines.filter(({ outcome }) => outcome === "panic"),
    [],
  );
});
