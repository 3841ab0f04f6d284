// Copied, moved and dated back, with variables, configuration and build scripts: what is built is what cargo would build anew.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { removeFolder, root, run } from "../../support/child.mjs";
import { DURABLE_MCP } from "../../support/starter.mjs";
import { BUILD_MS } from "../../support/wrangler.mjs";

// The smallest crate that the build takes: what it builds is its text.
const MANIFEST = `[package]
name = "copied"
version = "1.0.0"
edition = "2024"

[workspace]

[lib]
crate-type = ["cdylib"]

[features]
loud = []

[dependencies]
part = { path = "part" }
wasm-bindgen = "=0.2.130"
`;
const PART = `[package]
name = "part"
version = "1.0.0"
edition = "2024"
`;
const part = (text) => `pub fn part() -> String {
    "part ${text}".to_owned()
}
`;
const source = (text) => `use wasm_bindgen::prelude::*;

#[wasm_bindgen]
pub fn fetch() -> String {
    concat!("built of ", include_str!("text.txt")).replace('x', "y") + &part::part()
}

#[wasm_bindgen]
pub fn volume() -> String {
    if cfg!(feature = "loud") { "volume: loud" } else { "volume: quiet" }.to_owned()
}

#[wasm_bindgen]
pub fn settings() -> String {
    [option_env!("GREETING"), option_env!("DATA")].map(|text| text.unwrap_or("unset")).join(" ")
}

#[wasm_bindgen]
pub fn text() -> String {
    "${text}".to_owned()
}
`;

const all = join(tmpdir(), `durable-mcp-copies-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`);
const env = { WORKERS_CI: "", DURABLE_MCP_PROFILE: "dev" };
const at = (name) => join(all, name);

before(async () => {
  removeFolder(all);
  for (const folder of ["src", "part/src"]) mkdirSync(at(`first/${folder}`), { recursive: true });
  writeFileSync(at("first/Cargo.toml"), MANIFEST);
  writeFileSync(at("first/part/Cargo.toml"), PART);
  writeFileSync(at("first/part/src/lib.rs"), part("one"));
  writeFileSync(at("first/src/lib.rs"), source("one"));
  writeFileSync(at("first/src/text.txt"), "text one");
  await builds("first", "one", "text one");
});
after(() => removeFolder(all));

test("an unchanged copy is not built again", async () => {
  await isCurrent("first");
});

test("a copy is current as it is, and built after an edit of its own sources", async () => {
  cpSync(at("first"), at("copy"), { recursive: true, preserveTimestamps: true });
  await isCurrent("copy");
  writeFileSync(at("copy/src/lib.rs"), source("two"));
  await builds("copy", "two", "text one");
  await isCurrent("first");
  isBuiltOf("first", "one", "text one");
});

test("an edit of the original does not affect the copy", async () => {
  writeFileSync(at("first/src/text.txt"), "text two");
  await isCurrent("copy");
  await builds("first", "one", "text two");
});

test("a moved folder is built after an edit where it is now", async () => {
  renameSync(at("copy"), at("moved"));
  await isCurrent("moved");
  writeFileSync(at("moved/src/text.txt"), "text three");
  await builds("moved", "two", "text three");
});

test("a file that is replaced by an older one is built, also that of another crate", async () => {
  const file = at("moved/part/src/lib.rs");
  writeFileSync(file, part("older"));
  utimesSync(file, 1, 1);
  assert.ok(statSync(file).mtimeMs < 2_000);
  await builds("moved", "two", "text three");
  assert.ok(module("moved").includes("part older"));
});

test("a build with other features, and then with the first ones again, has those that were asked for", async () => {
  for (const [features, volume] of [[["--features", "loud"], "loud"], [[], "quiet"], [["--features", "loud"], "loud"]]) {
    assert.match(await build("first", {}, features), /built/);
    assert.ok(module("first").includes(`volume: ${volume}`), volume);
  }
});

test("files copied over a build do not count as its own", async () => {
  cpSync(at("first/build/index_bg.wasm"), at("moved/build/index_bg.wasm"), { preserveTimestamps: true });
  await builds("moved", "two", "text three");
});

test("copies that share the folder of compiled code are built of their own sources", async () => {
  const shared = { CARGO_TARGET_DIR: at("shared") };
  for (const [name, text, included] of [["first", "five", "six"], ["moved", "seven", "eight"]]) {
    writeFileSync(at(`${name}/src/lib.rs`), source(text));
    writeFileSync(at(`${name}/src/text.txt`), included);
  }
  const said = await Promise.all([build("first", shared), build("moved", shared)]);
  assert.ok(said.every((text) => text.includes("built")), `${said}`);
  isBuiltOf("first", "five", "six");
  isBuiltOf("moved", "seven", "eight");
});

for (const [what, env, text] of [
  ["is set", { GREETING: "greeting one" }, "greeting one"],
  ["changes", { GREETING: "greeting two" }, "greeting two"],
]) {
  test(`a variable that the source reads and that ${what} is in the build`, async () => {
    assert.match(await build("first", env), /built/);
    assert.ok(module("first").includes(text));
    await isCurrent("first", env);
  });
}

test("added configuration of cargo is in the build", async () => {
  mkdirSync(at("first/.cargo"));
  writeFileSync(at("first/.cargo/config.toml"), '[env]\nGREETING = "greeting configured"\n');
  assert.match(await build("first"), /built/);
  assert.ok(module("first").includes("greeting configured"));
  rmSync(at("first/.cargo"), { recursive: true });
});

test("a build script that is added is run, and again after a change of the folder that it names", async () => {
  mkdirSync(at("first/data"));
  writeFileSync(at("first/data/text.txt"), "data one");
  writeFileSync(at("first/build.rs"), script('println!("cargo:rerun-if-changed=data");'));
  assert.match(await build("first"), /built/);
  assert.ok(module("first").includes("data one"));
  await isCurrent("first");
  writeFileSync(at("first/data/text.txt"), "data two");
  assert.match(await build("first"), /built/);
  assert.ok(module("first").includes("data two"));
});

test("a build script that names nothing is run again after a change of any file", async () => {
  writeFileSync(at("first/build.rs"), script(""));
  await build("first");
  writeFileSync(at("first/data/text.txt"), "data three");
  assert.match(await build("first"), /built/);
  assert.ok(module("first").includes("data three"));
});

test("a folder that is named by a symbolic link is built", async () => {
  symlinkSync(at("first"), at("link"));
  const { code, stdout, stderr } = await durableMcp("first", ["build", at("link")]);
  assert.equal(code, 0, stdout + stderr);
});

test("a malformed Cargo.toml is reported with cargo's reason and the line", async () => {
  writeFileSync(at("first/Cargo.toml"), MANIFEST.replace('edition = "2024"', "edition = 2024"));
  const { code, stderr } = await durableMcp("first", ["build"]);
  assert.equal(code, 1, stderr);
  assert.match(stderr, /invalid type: integer `2024`[^]*Cargo\.toml:4:11[^]*durable-mcp: Cargo\.toml cannot be read/);
});

const script = (line) => `fn main() {
    ${line}
    println!("cargo:rustc-env=DATA={}", std::fs::read_to_string("data/text.txt").unwrap());
}
`;

async function builds(name, text, included) {
  assert.match(await build(name), /built/);
  isBuiltOf(name, text, included);
}

async function isCurrent(name, more = {}) {
  assert.doesNotMatch(await build(name, more), /Compiling|built/);
}

/** Output of the build of a crate. */
async function build(name, more = {}, options = []) {
  const { code, stdout, stderr } = await durableMcp(name, ["build", "--", ...options], more);
  assert.equal(code, 0, stdout + stderr);
  return stderr;
}

function durableMcp(name, args, more = {}) {
  return run(process.execPath, [DURABLE_MCP, ...args], {
    cwd: at(name),
    // Each copy has its compiled code with it.
    env: { ...env, CARGO_TARGET_DIR: at(`${name}/target`), ...more },
    ms: BUILD_MS,
  });
}

function isBuiltOf(name, text, included) {
  const built = module(name);
  assert.ok(built.includes(`built of ${included}`) && built.includes(text), `${name} is not built of "${text}" and "${included}"`);
}

const module = (name) => readFileSync(at(`${name}/build/index_bg.wasm`), "latin1");
