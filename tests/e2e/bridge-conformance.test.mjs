// The official conformance suite against the local bridge, with no failure expected and no warning accepted: a driver plays the
// client on stdio.
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../support/child.mjs";
import { conforms } from "../support/conformance.mjs";

const DRIVER = join(root, "tests/support/bridge-driver.mjs");

for (const [scenario, checks] of [
  ["initialize", 1],
  ["tools_call", 2],
  ["elicitation-sep1034-client-defaults", 5],
  ["json-schema-2020-12-preservation", 9],
  ["sse-retry", 3],
]) {
  test(`${scenario} passes through the bridge`, () =>
    conforms(["client", "--command", `node ${DRIVER}`, "--scenario", scenario, "--spec-version", "2025-11-25"], checks));
}
