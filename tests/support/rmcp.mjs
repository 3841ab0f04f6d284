// The crate in tests/rmcp: tests that use the official Rust SDK as the client, and a server of it. The first run builds it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { root, run } from "./child.mjs";

export const BUILD_MS = 900_000;
const LIMIT_MS = 120_000;
const CRATE = ["--quiet", "--locked", "--manifest-path", "tests/rmcp/Cargo.toml"];
const TEST = ["test", ...CRATE];
const target = join(root, "target/rmcp");

/** The server, and the client that starts a local program, once `buildRmcp` has built them. */
export const RMCP_SERVER = join(target, "debug/rmcp-server");
export const RMCP_STDIO_CLIENT = join(target, "debug/rmcp-stdio-client");

// With the compiler that everything else is built with, and a target directory of its own, so that no build waits.
const cargo = (args, { ms, env }) =>
  run("bash", ["-c", '. scripts/environment && exec cargo "$@"', "cargo", ...args], { ms, env: { CARGO_TARGET_DIR: target, ...env } });

export async function buildRmcp() {
  const { code, stdout, stderr } = await cargo(["build", ...CRATE], { ms: BUILD_MS });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
}

export async function buildRmcpTests() {
  const { code, stdout, stderr } = await cargo([...TEST, "--no-run"], { ms: BUILD_MS });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
}

/** Runs the tests that `filter` leaves, arguments of the test program, and returns how many passed: all of them. */
export async function runRmcpTests(server, filter, env) {
  const { code, stdout, stderr } = await cargo([...TEST, "--", ...filter], { ms: LIMIT_MS, env });
  assert.equal(code, 0, `${stdout}\n${stderr}\n${server.logs.map(({ text }) => text).join("\n")}`);
  return Number(/test result: ok\. (\d+) passed/.exec(stdout)[1]);
}
