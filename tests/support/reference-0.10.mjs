// Release 0.10 of the provider that ours is compared with, to switch over from.
import { join } from "node:path";
import { buildSync } from "esbuild";
import { root, temporaryFolder } from "./child.mjs";
import { Target } from "./oauth.mjs";
import { startWorker } from "./workerd.mjs";

/** Starts it; options of `startWorker`. */
export async function reference010(options) {
  const build = temporaryFolder("oauth-reference-0.10");
  buildSync({
    entryPoints: [join(root, "tests/support/reference/worker-0.10.mjs")],
    outfile: join(build, "index.js"),
    bundle: true,
    format: "esm",
    external: ["cloudflare:workers"],
    logLevel: "error",
  });
  return Target.of("reference", await startWorker({ build, ...options }), { canonical: "" });
}
