// The official conformance suite against the local bridge, with no failure expected and no warning accepted: a driver plays the
// client on stdio.
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../support/child.mjs";
import { conforms } from "../../support/conformance.mjs";

const DRIVER = join(root, "tests/support/bridge-driver.mjs");
const MODERN_DRIVER = join(root, "tests/support/bridge-driver-modern.mjs");

// The driver stays a client of 2025-11-25: what passes here is the translation. Most of these servers answer `initialize` too, and are to
// be spoken to by the new version all the same.
for (const [scenario, checks] of [
  ["request-metadata", 6],
  ["http-standard-headers", 9],
  ["http-custom-headers", 18],
  ["http-invalid-tool-headers", 12],
  ["sep-2322-client-request-state", 5],
  ["tools_call", 2],
  ["json-schema-2020-12-preservation", 9],
  ["json-schema-ref-no-deref", 1],
]) {
  test(`${scenario} passes before a server of 2026-07-28`, () =>
    conforms(["client", "--command", `node ${DRIVER}`, "--scenario", scenario, "--spec-version", "2026-07-28"], checks, {
      env: { DRIVER_ARGS: JSON.stringify(["--protocol", "auto"]) },
    }));
}

for (const [scenario, checks] of [
  ["initialize", 1],
  ["tools_call", 2],
  ["elicitation-sep1034-client-defaults", 5],
  ["json-schema-2020-12-preservation", 9],
  ["sse-retry", 3],
]) {
  for (const [driver, whose] of [[DRIVER, ""], [MODERN_DRIVER, " with a client of 2026-07-28"]]) {
    test(`${scenario} passes through the bridge${whose}`, () =>
      conforms(["client", "--command", `node ${driver}`, "--scenario", scenario, "--spec-version", "2025-11-25"], checks));
  }
}
