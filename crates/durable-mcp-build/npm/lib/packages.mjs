// Packages of npm that the build needs.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure } from "./say.mjs";

const own = fileURLToPath(new URL("../", import.meta.url));

/** The folder of the wrangler that a crate's own package has, or one above it. */
export function wrangler(crate) {
  for (const from of [crate, own]) {
    try {
      return dirname(createRequire(join(from, "package.json")).resolve("wrangler/package.json"));
    } catch {
      // Not there.
    }
  }
  throw new Failure(`wrangler is missing. Install it with \`npm install --save-dev wrangler@latest\` in ${crate}.`);
}

/** wrangler's own bundler, hence the same as that of a Worker in JavaScript. */
export function esbuild(crate) {
  return createRequire(join(wrangler(crate), "package.json"))("esbuild");
}

/** wasm-opt, a program in JavaScript: packed with this package, and in its repository that of binaryen. */
export function wasmOpt() {
  const found = ["vendor/wasm-opt", "node_modules/binaryen/bin/wasm-opt"].map((path) => join(own, path)).find(existsSync);
  if (!found) throw new Failure(`wasm-opt is missing. Install it with \`npm install --prefix ${own}\`.`);
  return found;
}

/** The build tool, compiled to WebAssembly. */
export function tool() {
  const found = process.env.DURABLE_MCP_BUILD_TOOL || join(own, "vendor/durable-mcp-build.wasm");
  if (!existsSync(found)) throw new Failure(`The build tool is missing, ${found}. Install the npm package \`durable-mcp\` anew.`);
  return found;
}
