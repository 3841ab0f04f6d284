// The official conformance suite's scenarios of 2026-07-28, and those of sign-in before it, against the local bridge, with no failure
// expected and no warning accepted: the TypeScript SDK's client of 2026-07-28 speaks to the bridge over stdio.
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../support/child.mjs";
import { conforms } from "../../support/conformance.mjs";

const DRIVER = join(root, "tests/support/bridge-driver-modern.mjs");

// Extensions are of no version, and run with one by force.
for (const [scenario, checks, version = "2026-07-28", ...force] of [
  ["tools_call", 2],
  ["request-metadata", 6],
  ["http-standard-headers", 9],
  ["http-custom-headers", 18],
  ["http-invalid-tool-headers", 12],
  ["sep-2322-client-request-state", 5],
  ["json-schema-2020-12-preservation", 9],
  ["json-schema-ref-no-deref", 1],
  ["auth/metadata-default", 18],
  ["auth/metadata-var1", 18],
  ["auth/metadata-var2", 18],
  ["auth/metadata-var3", 18],
  ["auth/basic-cimd", 12],
  ["auth/scope-from-www-authenticate", 14],
  ["auth/scope-from-scopes-supported", 14],
  ["auth/scope-omitted-when-undefined", 14],
  ["auth/scope-step-up", 28],
  ["auth/scope-retry-limit", 22],
  ["auth/token-endpoint-auth-basic", 19],
  ["auth/token-endpoint-auth-post", 19],
  ["auth/token-endpoint-auth-none", 19],
  ["auth/pre-registration", 12],
  ["auth/resource-mismatch", 2],
  ["auth/offline-access-scope", 15],
  ["auth/offline-access-not-supported", 14],
  ["auth/authorization-server-migration", 27],
  ["auth/iss-supported", 14],
  ["auth/iss-not-advertised", 14],
  ["auth/iss-supported-missing", 8],
  ["auth/iss-wrong-issuer", 8],
  ["auth/iss-unexpected", 8],
  ["auth/iss-normalized", 8],
  ["auth/metadata-issuer-mismatch", 3],
  ["auth/client-credentials-basic", 7, "2026-07-28", "--force"],
  ["auth/client-credentials-jwt", 7, "2026-07-28", "--force"],
  ["auth/2025-03-26-oauth-metadata-backcompat", 13, "2025-03-26"],
  ["auth/2025-03-26-oauth-endpoint-fallback", 8, "2025-03-26"],
]) {
  test(`${scenario} passes with a client of 2026-07-28`, () =>
    conforms(["client", "--command", `node ${DRIVER}`, "--scenario", scenario, "--spec-version", version, ...force], checks));
}
