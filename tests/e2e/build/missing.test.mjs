// Messages of the npm package about missing tools: each names the tool, and the way to get it.
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, test } from "node:test";
import { run, temporaryFolder } from "../../support/child.mjs";
import { DURABLE_MCP } from "../../support/starter.mjs";

const folder = temporaryFolder("durable-mcp-missing");
const home = join(folder, "home");
const programs = join(folder, "programs");
for (const path of [home, programs, join(folder, "src")]) mkdirSync(path);
for (const name of ["sh", "env"]) symlinkSync(`/bin/${name}`, join(programs, name));
const manifest = '[package]\nname = "missing"\nversion = "1.0.0"\nedition = "2024"\n\n[workspace]\n';

/** Output of the command on a machine without anything but Node.js, or with more in its environment. */
async function told(args, { env = {}, node = [] } = {}) {
  const { code, stdout, stderr } = await run(process.execPath, [...node, DURABLE_MCP, ...args], {
    cwd: folder,
    env: { PATH: programs, HOME: home, CARGO_HOME: "", RUSTC: "", DURABLE_MCP_PROFILE: "", WORKERS_CI: "", ...env },
  });
  assert.equal(code, 1, stdout + stderr);
  assert.doesNotMatch(stderr, /^ +at /m);
  return stderr;
}

describe("errors of durable-mcp", () => {
  test("a Node.js that is too old is reported", async () => {
    const older = join(folder, "older.mjs");
    writeFileSync(older, 'Object.defineProperty(process.versions, "node", { value: "20.19.0" });\n');
    const text = await told(["build"], { node: ["--import", pathToFileURL(older).href] });
    assert.match(text, /Node\.js 22\.12 or newer is needed, and this is 20\.19\.0/);
    assert.match(text, /https:\/\/nodejs\.org/);
  });

  test("a missing command is answered with the usage", async () => assert.match(await told(["serve"]), /usage:[^]*durable-mcp dev/));

  test("a folder that is no crate is reported", async () => assert.match(await told(["build"]), /There is no Cargo\.toml in /));

  test("an unknown profile is reported", async () => {
    assert.match(await told(["build"], { env: { DURABLE_MCP_PROFILE: "fast" } }), /DURABLE_MCP_PROFILE is "fast": release or dev/);
  });

  test("a missing Rust is reported with how to install it", async () => {
    writeFileSync(join(folder, "Cargo.toml"), manifest);
    writeFileSync(join(folder, "src/lib.rs"), "");
    assert.match(await told(["build"]), /Rust is missing: there is no cargo\. Install it with `npx durable-mcp setup` or from https:\/\/rustup\.rs/);
  });

  test("a crate of the wrong type is reported with what it has to be", async () => {
    const { PATH, HOME, RUSTC } = process.env;
    assert.match(await told(["build"], { env: { PATH, HOME, RUSTC } }), /has no library for the Worker\. Add to it:\n\n\[lib\]\ncrate-type = \["cdylib"\]/);
  });

  test("a missing wrangler is reported with how to install it", async () => {
    // A package of its own, as npm installs it: the one in this repository finds the repository's wrangler.
    const { code, stderr } = await run(process.execPath, ["--input-type=module", "--eval", `
      import { cpSync } from "node:fs";
      cpSync(${JSON.stringify(dirname(dirname(DURABLE_MCP)))}, ${JSON.stringify(join(folder, "package"))}, { recursive: true, filter: (path) => !path.includes("node_modules") });
      const { wrangler } = await import(${JSON.stringify(pathToFileURL(join(folder, "package/lib/packages.mjs")).href)});
      try { wrangler(${JSON.stringify(folder)}); } catch (error) { console.error(error.message); }
    `]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /wrangler is missing\. Install it with `npm install --save-dev wrangler@latest` in /);
  });
});
