// The official Rust SDK as the client. Its tests are in tests/rmcp, a crate of its own.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BUILD_MS, buildRmcpTests, runRmcpTests } from "../../support/rmcp.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const server = await demo({ vars: { LOG_REQUESTS: "all" } });
const fixtures = await fixture();
after(() => Promise.all([server.stop(), fixtures.stop()]));

before(buildRmcpTests, { timeout: BUILD_MS });

const env = { DEMO_URL: `${server.url}/mcp`, FIXTURE_URL: `${fixtures.url}/mcp` };
const lines = () => server.logs.flatMap(({ json }) => (json ? [json] : []));

test("rmcp lists, calls, is asked and subscribes; each session ends when its client does", async () => {
  const passed = await runRmcpTests(server, ["sessions::"], env);
  assert.equal(passed, 6);
  // One test has two clients.
  const ended = lines().filter(({ method, code }) => method === "DELETE /mcp" && code === 204);
  assert.equal(ended.length, passed + 1);
});

test("rmcp lists, calls, is asked, subscribes and runs tasks without sessions", async () => {
  const before = lines().length;
  assert.equal(await runRmcpTests(server, ["stateless::"], env), 12);
  const requests = lines().slice(before);
  assert.deepEqual([...new Set(requests.map(({ era }) => era).filter(Boolean))], ["2026-07-28"]);
  // The cancelled call alone.
  const cancelled = requests.filter(({ outcome }) => outcome === "cancelled").map(({ name }) => name);
  assert.deepEqual(cancelled, ["countdown"]);
});

test("no call of rmcp made the server panic", () => {
  assert.deepEqual(
    [...server.logs, ...fixtures.logs].filter(({ json }) => json?.outcome === "panic"),
    [],
  );
});
