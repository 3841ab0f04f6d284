// The official Rust SDK as the client. Its tests are in tests/rmcp, a crate of its own; the first run builds it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root, run } from "../support/child.mjs";
import { demo } from "../support/workerd.mjs";

const BUILD_MS = 900_000;
const LIMIT_MS = 120_000;

const server = await demo();
after(() => server.stop());

// With the compiler that everything else is built with, and a target directory of its own, so that no build waits for it.
const cargo = (args, { ms, env }) =>
  run("bash", ["-c", '. scripts/environment && exec cargo "$@"', "cargo", ...args], {
    ms,
    env: { CARGO_TARGET_DIR: join(root, "target/rmcp"), ...env },
  });
const TEST = ["test", "--quiet", "--locked", "--manifest-path", "tests/rmcp/Cargo.toml"];

before(
  async () => {
    const { code, stdout, stderr } = await cargo([...TEST, "--no-run"], { ms: BUILD_MS });
    assert.equal(code, 0, `${stdout}\n${stderr}`);
  },
  { timeout: BUILD_MS },
);

test("rmcp lists, calls, is asked, subscribes and falls back; each session ends when its client does", async () => {
  const { code, stdout, stderr } = await cargo(TEST, { ms: LIMIT_MS, env: { DEMO_URL: `${server.url}/mcp` } });
  assert.equal(code, 0, `${stdout}\n${stderr}\n${server.logs.map(({ text }) => text).join("\n")}`);
  const [, passed] = /test result: ok\. (\d+) passed/.exec(stdout);
  const lines = server.logs.flatMap(({ json }) => (json ? [json] : []));
  assert.ok(Number(passed) >= 7, stdout);
  // One test has two clients.
  const ended = lines.filter(({ method, code }) => method === "DELETE /mcp" && code === 204);
  assert.equal(ended.length, Number(passed) + 1);
  assert.deepEqual(
    lines.filter(({ outcome }) => outcome === "panic"),
    [],
  );
});
