// The npm package, packed as it would be published.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, run, temporaryFolder } from "../child.mjs";
import { BUILD_MS } from "../wrangler.mjs";

const SOURCE = join(root, "crates/durable-mcp-build/npm");

/** Packs it: `{ manifest, tarball }`. The build tool in it is compiled to WebAssembly, unless cargo has that already. */
export async function packed() {
  const folder = temporaryFolder("npm-package");
  const { code, stdout, stderr } = await run("npm", ["pack", "--pack-destination", folder], { cwd: SOURCE, ms: BUILD_MS });
  if (code !== 0) throw new Error(`npm pack failed:\n${stdout}${stderr}`);
  const manifest = JSON.parse(readFileSync(join(SOURCE, "package.json"), "utf8"));
  return { manifest, tarball: join(folder, stdout.trim().split("\n").at(-1)) };
}
