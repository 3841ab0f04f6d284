// Owner and version, which a release sets wherever they stand.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { dateChanges, deviations, release, released } from "../../../scripts/published.mjs";
import { removeFolder, root } from "../../support/child.mjs";
import { clone } from "../../support/clone.mjs";

// The npm package of the bridge, and the bundle for desktop clients.
const BRIDGE = "crates/durable-mcp-remote/npm/package.json";
const BUNDLE = "crates/durable-mcp-remote/mcpb/manifest.json";

const { folder } = await clone();
execFileSync("git", ["init", "--quiet"], { cwd: folder });
after(() => removeFolder(folder));

const read = (file) => readFileSync(join(folder, file), "utf8");

test("every file of this tree names one owner and one version", () => {
  assert.deepEqual(deviations(root), []);
});

test("a release sets owner and version everywhere, and a second one does the same", () => {
  const before = released(folder);
  for (const to of [{ owner: "acme", version: "1.20.3-rc.1" }, { owner: "octo-cat", version: "2.0.0" }]) {
    const changed = release(folder, to);
    assert.deepEqual(released(folder), to);
    assert.deepEqual(deviations(folder), []);
    for (const file of ["README.md", "Cargo.lock", "fuzz/Cargo.lock", "examples/minimal/README.md", "examples/minimal/package.json", BRIDGE, BUNDLE]) {
      assert.ok(changed.includes(file), `${file} did not change`);
    }
    assert.match(read("examples/minimal/Cargo.toml"), new RegExp(`^durable-mcp = "${to.version}"$`, "m"));
    assert.match(read("examples/github/package.json"), new RegExp(`"durable-mcp": "${to.version}"`));
    const bridge = JSON.parse(read(BRIDGE));
    assert.deepEqual([...new Set([bridge.version, ...Object.values(bridge.optionalDependencies)])], [to.version]);
    assert.equal(JSON.parse(read(BUNDLE)).version, to.version);
    assert.match(read("Cargo.lock"), new RegExp(`name = "durable-mcp-remote"\nversion = "${to.version}"`));
    assert.match(read("docs/building.md"), new RegExp(`/durable-mcp-${to.version}\\.tgz`));
    assert.match(read("README.md"), new RegExp(`https://github\\.com/${to.owner}/durable-mcp`));
    assert.doesNotMatch(read("README.md"), new RegExp(`\\b${before.owner}/durable-mcp`));
  }
});

test("a differing owner or version is reported with its file", () => {
  const { owner, version } = released(folder);
  const add = (file, text) => writeFileSync(join(folder, file), read(file) + text);
  add("docs/start.md", `\nhttps://github.com/${"somebody"}/durable-mcp\n`);
  add("examples/company/Cargo.toml", '\n[dev-dependencies]\ndurable-mcp = "9.9.9"\n');
  assert.deepEqual(deviations(folder), [
    `docs/start.md: the owner is somebody, not ${owner}`,
    `examples/company/Cargo.toml: the version is 9.9.9, not ${version}`,
  ]);
});

test("a release moves unreleased changes under its version once", () => {
  const release = { version: "2.0.0", date: "2026-12-01" };
  for (let time = 0; time < 2; time++) dateChanges(folder, release);
  assert.match(read("CHANGELOG.md"), /\n## \[Unreleased\]\n\n## \[2\.0\.0\] - 2026-12-01\n\n### Added\n/);
  assert.equal(read("CHANGELOG.md").split("## [2.0.0]").length, 2);
});
