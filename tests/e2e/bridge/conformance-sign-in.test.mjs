// The official conformance suite's scenarios about sign-in against the local bridge, with no failure expected and no warning accepted:
// a driver plays the client on stdio, and a browser that follows where a link leads.
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../support/child.mjs";
import { conforms } from "../../support/conformance.mjs";

const DRIVER = join(root, "tests/support/bridge-driver.mjs");

for (const [scenario, checks] of [
  ["metadata-default", 18],
  ["metadata-var1", 18],
  ["metadata-var2", 18],
  ["metadata-var3", 18],
  ["basic-cimd", 13],
  ["scope-from-www-authenticate", 14],
  ["scope-from-scopes-supported", 14],
  ["scope-omitted-when-undefined", 14],
  ["scope-step-up", 25],
  ["scope-retry-limit", 21],
  ["token-endpoint-auth-basic", 19],
  ["token-endpoint-auth-post", 19],
  ["token-endpoint-auth-none", 19],
  ["pre-registration", 13],
  ["resource-mismatch", 2],
  ["offline-access-scope", 16],
  ["offline-access-not-supported", 15],
  ["authorization-server-migration", 27],
  ["iss-supported", 15],
  ["iss-not-advertised", 15],
  ["iss-supported-missing", 8],
  ["iss-wrong-issuer", 8],
  ["iss-unexpected", 8],
  ["iss-normalized", 8],
  ["metadata-issuer-mismatch", 3],
  ["2025-03-26-oauth-metadata-backcompat", 12],
  ["2025-03-26-oauth-endpoint-fallback", 7],
  ["client-credentials-basic", 8],
  ["client-credentials-jwt", 8],
]) {
  test(`auth/${scenario} passes`, () => conforms(["client", "--command", `node ${DRIVER}`, "--scenario", `auth/${scenario}`], checks));
}
