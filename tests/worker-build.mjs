// A server that `worker-build --release` built, in place of this repository's build: it is served, and its tools can be called.
// Run by scripts/worker-build, since worker-build has to be compiled first.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Child, removeFolder, run, temporaryFolder } from "./support/child.mjs";
import { open } from "./support/mcp.mjs";
import { starter } from "./support/starter.mjs";
import { Stateless } from "./support/stateless.mjs";
import { BUILD_MS } from "./support/wrangler.mjs";

const { folder, env, edit } = starter("worker-build");
const state = temporaryFolder("durable-mcp-worker-build");
let server;
try {
  edit("Cargo.toml", "[dependencies]", '[profile.release]\nopt-level = "s"\nlto = true\ncodegen-units = 1\n\n[dependencies]');
  const begin = performance.now();
  const built = await run("worker-build", ["--release"], { cwd: folder, env, ms: BUILD_MS });
  assert.equal(built.code, 0, built.stdout + built.stderr);
  console.log(`worker-build --release: ${((performance.now() - begin) / 1_000).toFixed(1)} s`);

  const main = ["build/worker/shim.mjs", "build/index.js"].find((path) => existsSync(join(folder, path)));
  edit("wrangler.toml", 'main = "build/index.js"', `main = "${main}"`);
  edit("wrangler.toml", 'command = "npx durable-mcp build"', 'command = "true"');
  server = new Child("wrangler", ["dev", "--port", "0", "--persist-to", state], { cwd: folder, env, group: true });
  const ready = await server.line(/Ready on http:/);
  const at = { url: /http:\/\/[^\s/]+/.exec(ready.text)[0] };
  const expected = "source 1, library 1, text 1, 1.0.0";
  assert.equal(await new Stateless(at).callText("say"), expected);
  const session = await open(at);
  assert.equal(await session.callText("say"), expected);
  console.log(`served from ${main}: stateless and with a session`);
} catch (error) {
  error.message += `\n${server?.output ?? ""}`;
  throw error;
} finally {
  await server?.stop({ grace: 10_000 });
  removeFolder(folder);
  removeFolder(state);
}
