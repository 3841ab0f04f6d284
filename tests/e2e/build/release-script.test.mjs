// scripts/release from the arguments to what is published, with a cargo and an npm that only note what they are asked for.
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CRATES } from "../../../scripts/published.mjs";
import { removeFolder, root, run, temporaryFolder } from "../../support/child.mjs";
import { copyTree } from "../../support/clone.mjs";

const STAND_IN = fileURLToPath(new URL("../../support/registries.mjs", import.meta.url));
const CHECKS = ["cargo publish --workspace --locked --dry-run", "npm publish --dry-run", "npm pack --dry-run"];
const packages = (crates) => crates.map((name) => `--package=${name}`).join(" ");
const AUTHOR = { GIT_AUTHOR_NAME: "A", GIT_AUTHOR_EMAIL: "a@example.com", GIT_COMMITTER_NAME: "A", GIT_COMMITTER_EMAIL: "a@example.com" };

const folder = temporaryFolder("release-script");
const tree = join(folder, "tree");
const programs = join(folder, "programs");
const calls = join(folder, "calls");
const published = join(folder, "published");
const env = { ...AUTHOR, CALLS: calls, PUBLISHED: published, INSTALLED: root, TMPDIR: folder, PATH: [programs, dirname(process.execPath), process.env.PATH].join(delimiter) };
after(() => removeFolder(folder));

mkdirSync(programs);
for (const name of ["cargo", "npm", "rustc"]) {
  writeFileSync(join(programs, name), `#!/bin/sh\nexec "${process.execPath}" "${STAND_IN}" ${name} "$@"\n`);
  chmodSync(join(programs, name), 0o755);
}
await copyTree(tree);
await git("init", "--quiet", "--initial-branch=main");
// Objects are compared and compressed for nobody.
await git("config", "core.compression", "0");
await git("config", "pack.window", "0");
await git("add", "--all");
await git("commit", "--quiet", "--message=The tree");
// One file of objects, which each copy has a link to, in place of thousands.
await git("repack", "--quiet", "-a", "-d");
const first = await git("rev-parse", "HEAD");

test("arguments that are no release are refused with what is wrong", async () => {
  for (const [args, wrong] of [
    [[], "the owner is missing"],
    [["--commit"], "the owner is missing"],
    [["a_b"], '"a_b" is no name of a user or an organisation on GitHub'],
    [["acme", "v0.2.0"], '"v0.2.0" is no version such as 0.2.0'],
    [["acme", "0.2.0", "now"], '"now" is an argument too many'],
    [["acme", "0.2.0", "--comit"], "Unknown option '--comit'"],
  ]) {
    const { code, stderr } = await release(...args);
    assert.equal(code, 1);
    assert.equal(stderr.split("\n").length, 1, stderr);
    assert.ok(stderr.startsWith(`release: ${wrong}`), stderr);
  }
});

test("without an option a release is checked, and the tree stays as it is", async () => {
  const { code, stderr } = await release("acme", "0.2.0");
  assert.equal(code, 0, stderr);
  assert.match(stderr, /acme and 0\.2\.0 are set in \d+ files:\n {2}CHANGELOG\.md\n/);
  assert.match(stderr, /nothing was published/);
  assert.deepEqual(asked(), CHECKS);
  assert.deepEqual([await git("rev-parse", "HEAD"), await git("tag"), await git("status", "--porcelain")], [first, "", ""]);
});

test("a release candidate is published under the npm tag next", async () => {
  const { code, stderr } = await release("acme", "0.2.0-rc.1");
  assert.equal(code, 0, stderr);
  assert.ok(asked().includes("npm publish --dry-run --tag=next"));
});

test("a check that fails leaves the tree as it is, and so does a tree that changed meanwhile", async () => {
  const failed = await release({ FAILS: "npm pack" }, "acme", "0.2.0", "--commit");
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /npm failed\. See its message above\. Nothing was taken over into this tree\.$/);
  const changed = await release({ COMMITS: tree }, "acme", "0.2.0", "--commit");
  assert.equal(changed.code, 1);
  assert.match(changed.stderr, /this tree changed meanwhile, .* Start again\.$/);
  assert.deepEqual([await git("log", "--format=%s"), await git("tag")], ["Meanwhile\nThe tree", ""]);
  await git("reset", "--quiet", "--hard", first);
});

test("a release with --commit leaves one commit with its tag and a clean tree, and is refused again", async () => {
  const { code, stderr } = await release("acme", "0.2.0", "--commit");
  assert.equal(code, 0, stderr);
  assert.equal(await git("log", "--format=%s"), "Release 0.2.0\nThe tree");
  assert.equal(await git("rev-parse", "v0.2.0^{commit}"), await git("rev-parse", "HEAD"));
  assert.equal(await git("cat-file", "-t", "v0.2.0"), "tag");
  assert.equal(await git("status", "--porcelain"), "");
  assert.match(read("CHANGELOG.md"), /\n## \[Unreleased\]\n\n## \[0\.2\.0\] - \d{4}-\d\d-\d\d\n/);
  const again = await release("acme", "0.2.0", "--commit");
  assert.equal(again.code, 1);
  assert.match(again.stderr, /^release: there is a tag v0\.2\.0 already\. --publish publishes it\..*another version, or delete the tag\.$/);
});

test("a release whose tag was deleted is tagged again, without another commit", async () => {
  await git("tag", "--delete", "v0.2.0");
  const { code, stderr } = await release("acme", "0.2.0", "--commit");
  assert.equal(code, 0, stderr);
  assert.equal(await git("log", "--format=%s"), "Release 0.2.0\nThe tree");
  assert.equal(await git("rev-parse", "v0.2.0^{commit}"), await git("rev-parse", "HEAD"));
});

test("a tagged release is published, and after a failure what is left of it", async () => {
  const other = await release("other", "0.2.0", "--publish");
  assert.equal(other.code, 1);
  assert.match(other.stderr, /v0\.2\.0 is 0\.2\.0 of acme, not 0\.2\.0 of other$/);
  asked();

  const failed = await release({ FAILS: "durable-mcp-build" }, "acme", "0.2.0", "--publish");
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /cargo failed\..* v0\.2\.0 is committed and tagged in this tree\. The same command publishes what is left\.$/);
  assert.deepEqual(asked().filter(isPublishing), [`cargo publish --locked ${packages(CRATES)}`]);

  const { code, stderr } = await release("acme", "0.2.0", "--publish");
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Now: git push --follow-tags$/);
  assert.deepEqual(asked().filter(isPublishing), [`cargo publish --locked ${packages(CRATES.slice(CRATES.indexOf("durable-mcp-build")))}`, "npm publish"]);
  assert.deepEqual(readFileSync(published, "utf8").trim().split("\n").sort(), [...CRATES.map((name) => `${name}@0.2.0`), "npm durable-mcp@0.2.0"].sort());
  assert.equal(await git("status", "--porcelain"), "");
});

test("npm publish --dry-run makes all that the npm package has, in a fresh clone", async () => {
  const npm = join(tree, "crates/durable-mcp-build/npm");
  const target = join(folder, "target");
  const { code, stderr } = await run(process.execPath, ["prepack.mjs"], {
    cwd: npm,
    env: { ...env, npm_config_dry_run: "true", RUSTC: join(programs, "rustc"), CARGO_TARGET_DIR: target },
  });
  assert.equal(code, 0, stderr);
  for (const file of ["vendor/durable-mcp-build.wasm", "vendor/wasm-opt", "vendor/LICENSE-MIT", "playground/playground.html"]) {
    assert.ok(existsSync(join(npm, file)), `${file} is missing`);
  }
});

test("no text says that a release is still to come", async () => {
  const files = (await git("ls-files", "README.md", "docs/*.md", "examples", "playground/src", "templates", "crates/*/npm/*.md")).split("\n");
  const found = files.filter((file) => /not published|(?:before|once) .{0,20}\bis published/i.test(read(file)));
  assert.deepEqual(found, []);
});

async function release(...args) {
  const more = typeof args[0] === "object" ? args.shift() : {};
  return run(process.execPath, ["scripts/release.mjs", ...args], { cwd: tree, env: { ...env, ...more } });
}

/** Commands of cargo and npm since the last time. */
function asked() {
  const lines = existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [];
  rmSync(calls, { force: true });
  return lines;
}

function isPublishing(call) {
  return / publish\b/.test(call);
}

function read(file) {
  return readFileSync(join(tree, file), "utf8");
}

async function git(...args) {
  const { code, stdout, stderr } = await run("git", args, { cwd: tree, env });
  assert.equal(code, 0, stderr);
  return stdout;
}
