// The build tool as the npm package has it, compiled to WebAssembly, makes the same files as the one that is compiled for this
// machine, which builds the Workers of the other tests.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { before, test } from "node:test";
import { root, run, temporaryFolder } from "../../support/child.mjs";
import { BUILD_MS } from "../../support/wrangler.mjs";

const TARGET = "wasm32-unknown-unknown";
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const BINDGEN = pathToFileURL(join(root, "crates/durable-mcp-build/npm/lib/bindgen.mjs")).href;
const folder = temporaryFolder("durable-mcp-build-tool");
const tool = join(target, "tool", TARGET, "debug/durable_mcp_build.wasm");

before(async () => {
  const sysroot = (await run("rustc", ["--print", "sysroot"])).stdout.trim();
  const hasTarget = existsSync(join(sysroot, "lib/rustlib", TARGET, "lib"));
  const args = ["-p", "durable-mcp-build", "--lib", "--crate-type", "cdylib", "--target", TARGET];
  const { code, stdout, stderr } = await run("cargo", ["rustc", "--locked", ...args, ...(hasTarget ? [] : ["-Zbuild-std=std,panic_abort"])], {
    // Without any optimisation it runs for minutes.
    env: { CARGO_TARGET_DIR: join(target, "tool"), CARGO_PROFILE_DEV_DEBUG: "0", CARGO_PROFILE_DEV_OPT_LEVEL: "1", RUSTC_BOOTSTRAP: "1" },
    ms: BUILD_MS,
  });
  assert.equal(code, 0, stdout + stderr);
});

test("both tools make the same files of a server", async () => {
  const modules = ["release", "debug"].map((kind) => join(target, "worker", TARGET, kind, "durable_mcp_fixture.wasm")).filter(existsSync);
  const newest = modules.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  const [native, portable] = await Promise.all([made("native", newest), made("portable", newest, tool)]);
  assert.deepEqual(Object.keys(portable), Object.keys(native));
  assert.ok(portable["index_bg.wasm"].length > 100_000);
  for (const [name, contents] of Object.entries(native)) assert.ok(contents.equals(portable[name]), `${name} differs`);
});

test("a file that is no module is refused with words", async () => {
  const { code, stderr } = await bindgen("wrong", join(root, "package.json"), tool);
  assert.equal(code, 1);
  assert.match(stderr, /failed getting Wasm module/);
});

/** The files that a tool makes of a module; without its path, the tool of this machine. */
async function made(name, module, path) {
  const { code, stderr } = await bindgen(name, module, path);
  assert.equal(code, 0, stderr);
  const output = join(folder, name);
  const files = readdirSync(output, { recursive: true }).filter((file) => statSync(join(output, file)).isFile());
  return Object.fromEntries(files.sort().map((file) => [file, readFileSync(join(output, file))]));
}

function bindgen(name, module, path = process.env.DURABLE_MCP_BUILD_TOOL) {
  const script = `import { mkdirSync } from "node:fs";
    import { bindgen } from ${JSON.stringify(BINDGEN)};
    mkdirSync(${JSON.stringify(join(folder, name))});
    await bindgen(${JSON.stringify(module)}, ${JSON.stringify(join(folder, name))});`;
  return run(process.execPath, ["--input-type=module", "--eval", script], { env: { DURABLE_MCP_BUILD_TOOL: path }, ms: BUILD_MS });
}
