// Makes a release, see scripts/release.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { dateChanges, deviations, release, released } from "./published.mjs";

const root = resolve(fileURLToPath(new URL("..", import.meta.url)));
const NPM_PACKAGE = "crates/durable-mcp-build/npm";
// Published by .github/workflows/release.yml once it has built the programs that this package starts.
const NPM_BRIDGE = "crates/durable-mcp-remote/npm";
// As GitHub has names, and Semantic Versioning versions.
const OWNER = /^[a-z\d](?:[a-z\d]|-(?=[a-z\d])){0,38}$/i;
const VERSION = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;

class Failure extends Error {}

try {
  main();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  say(error.message);
  process.exitCode = 1;
}

function main() {
  const { values: chosen, positionals } = parseArgs({
    allowPositionals: true,
    options: { commit: { type: "boolean" }, publish: { type: "boolean" } },
  });
  const [owner, version = released(root).version] = positionals;
  if (!OWNER.test(owner)) fail(`"${owner}" is no name of a user or an organisation on GitHub`);
  if (!VERSION.test(version)) fail(`"${version}" is no version such as 0.2.0`);
  const tag = `v${version}`;
  if (git(root, "tag", "--list", tag)) fail(`there is a tag ${tag} already. Choose another version, or delete the tag.`);
  if (git(root, "status", "--porcelain")) fail("there are changes that are not committed. Commit them, or put them aside.");

  const copy = mkdtempSync(join(tmpdir(), "durable-mcp-release-"));
  try {
    git(root, "clone", "--quiet", "--no-tags", root, copy);
    prepare(copy, { owner, version, tag });
    check(copy);
    if (chosen.commit || chosen.publish) take(copy, tag);
    if (chosen.publish) publish(copy);
    else say(`nothing was published. ${chosen.commit ? `${tag} is committed and tagged.` : "--commit takes it over, --publish publishes it."}`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function prepare(copy, { owner, version, tag }) {
  const changed = release(copy, { owner, version });
  dateChanges(copy, { version, date: new Date().toISOString().slice(0, 10) });
  const other = deviations(copy);
  if (other.length > 0) fail(`the tree is not of one release:\n${other.join("\n")}`);
  say(`${owner} and ${version} are set in ${changed.length} files:\n${changed.map((file) => `  ${file}\n`).join("")}`);
  // The copy has no settings of this tree's own; what git lacks it tells at the commit.
  for (const key of ["user.name", "user.email"]) {
    const value = git(root, "config", "--default", "", "--get", key);
    if (value) git(copy, "config", key, value);
  }
  git(copy, "commit", "--quiet", "--all", `--message=Release ${version}`);
  git(copy, "tag", "--annotate", `--message=${version}`, tag);
}

// Only committed files are published: cargo refuses others, and npm packs those of a list.
function check(copy) {
  run(copy, "cargo", "publish", "--workspace", "--locked", "--dry-run");
  run(join(copy, NPM_PACKAGE), "npm", "publish", "--dry-run");
  run(join(copy, NPM_BRIDGE), "npm", "pack", "--dry-run");
}

function take(copy, tag) {
  git(root, "fetch", "--quiet", copy, `refs/tags/${tag}:refs/tags/${tag}`);
  git(root, "merge", "--quiet", "--ff-only", tag);
}

function publish(copy) {
  run(copy, "cargo", "publish", "--workspace", "--locked");
  run(join(copy, NPM_PACKAGE), "npm", "publish");
  say("published, but for the programs of the bridge: a workflow of GitHub builds them at the tag. Now: git push --follow-tags");
}

function git(cwd, ...args) {
  return `${execFileSync("git", args, { cwd, encoding: "utf8" })}`.trim();
}

function run(cwd, program, ...args) {
  say(`${program} ${args.join(" ")}`);
  try {
    execFileSync(program, args, { cwd, stdio: "inherit" });
  } catch {
    fail(`${program} failed. See its message above. Nothing was taken over into this tree.`);
  }
}

function say(text) {
  console.error(`release: ${text}`);
}

function fail(text) {
  throw new Failure(text);
}
