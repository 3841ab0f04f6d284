// Makes a release, see scripts/release.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CRATES, dateChanges, deviations, release, released } from "./published.mjs";

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
  const { owner, version, chosen } = readArguments();
  const tag = `v${version}`;
  const isTagged = git(root, "tag", "--list", tag) !== "";
  if (isTagged && !chosen.publish) {
    fail(`there is a tag ${tag} already. --publish publishes it. For another release, choose another version, or delete the tag.`);
  }
  if (git(root, "status", "--porcelain")) fail("there are changes that are not committed. Commit them, or put them aside.");

  const copy = mkdtempSync(join(tmpdir(), "durable-mcp-release-"));
  try {
    if (isTagged) {
      checkOut(copy, { owner, version, tag });
    } else {
      git(root, "clone", "--quiet", "--no-tags", root, copy);
      prepare(copy, { owner, version, tag });
      check(copy, version);
      if (chosen.commit || chosen.publish) take(copy, tag);
    }
    if (chosen.publish) publish(copy, { version, tag });
    else say(`nothing was published. ${chosen.commit ? `${tag} is committed and tagged.` : "--commit takes it over, --publish publishes it."}`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function readArguments() {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: { commit: { type: "boolean" }, publish: { type: "boolean" } },
    });
  } catch (error) {
    fail(`${error.message.split(". ")[0]}. See scripts/release --help.`);
  }
  const [owner, version = released(root).version, ...more] = parsed.positionals;
  if (owner === undefined) fail("the owner is missing. See scripts/release --help.");
  if (!OWNER.test(owner)) fail(`"${owner}" is no name of a user or an organisation on GitHub`);
  if (!VERSION.test(version)) fail(`"${version}" is no version such as 0.2.0`);
  if (more.length > 0) fail(`"${more[0]}" is an argument too many. See scripts/release --help.`);
  return { owner, version, chosen: parsed.values };
}

// A release that was made before, to publish it.
function checkOut(copy, { owner, version, tag }) {
  git(root, "-c", "advice.detachedHead=false", "clone", "--quiet", "--branch", tag, root, copy);
  const made = released(copy);
  if (made.owner !== owner || made.version !== version) fail(`${tag} is ${made.version} of ${made.owner}, not ${version} of ${owner}`);
}

function prepare(copy, { owner, version, tag }) {
  release(copy, { owner, version });
  dateChanges(copy, { version, date: new Date().toISOString().slice(0, 10) });
  const other = deviations(copy);
  if (other.length > 0) fail(`the tree is not of one release:\n${other.join("\n")}`);
  const changed = git(copy, "diff", "--name-only").split("\n").filter(Boolean);
  say(`${owner} and ${version} are set in ${changed.length} files:\n${changed.map((file) => `  ${file}\n`).join("")}`);
  // The copy has no settings of this tree's own; what git lacks it tells at the commit.
  for (const key of ["user.name", "user.email"]) {
    const value = git(root, "config", "--default", "", "--get", key);
    if (value) git(copy, "config", key, value);
  }
  // The last commit is the release already where only its tag was deleted.
  if (changed.length > 0) git(copy, "commit", "--quiet", "--all", `--message=Release ${version}`);
  git(copy, "tag", "--annotate", `--message=${version}`, tag);
}

// Only committed files are published: cargo refuses others, and npm packs those of a list.
function check(copy, version) {
  const otherwise = "Nothing was taken over into this tree.";
  run(copy, otherwise, "cargo", "publish", "--workspace", "--locked", "--dry-run");
  run(join(copy, NPM_PACKAGE), otherwise, "npm", "publish", "--dry-run", ...npmTag(version));
  run(join(copy, NPM_BRIDGE), otherwise, "npm", "pack", "--dry-run");
}

// The tag comes last: where the commit cannot be taken over, there is none.
function take(copy, tag) {
  git(root, "fetch", "--quiet", "--no-tags", copy, `refs/tags/${tag}`);
  try {
    git(root, "merge", "--quiet", "--ff-only", "FETCH_HEAD");
  } catch {
    fail("this tree changed meanwhile, see git's message above. Nothing was taken over. Start again.");
  }
  git(root, "fetch", "--quiet", copy, `refs/tags/${tag}:refs/tags/${tag}`);
}

// A version cannot be published twice, so what an earlier run published is left out.
function publish(copy, { version, tag }) {
  const otherwise = `${tag} is committed and tagged in this tree. The same command publishes what is left.`;
  const crates = CRATES.filter((name) => !succeeds("cargo", "info", "--quiet", "--registry=crates-io", `${name}@${version}`));
  if (crates.length > 0) run(copy, otherwise, "cargo", "publish", "--locked", ...crates.map((name) => `--package=${name}`));
  const { name } = JSON.parse(readFileSync(join(copy, NPM_PACKAGE, "package.json"), "utf8"));
  if (!succeeds("npm", "view", `${name}@${version}`, "version")) run(join(copy, NPM_PACKAGE), otherwise, "npm", "publish", ...npmTag(version));
  say("published, but for the programs of the bridge: a workflow of GitHub builds them at the tag. Now: git push --follow-tags");
}

// npm takes no version before a release as the latest one.
function npmTag(version) {
  return version.includes("-") ? ["--tag=next"] : [];
}

function git(cwd, ...args) {
  try {
    return `${execFileSync("git", args, { cwd, encoding: "utf8" })}`.trim();
  } catch {
    fail(`git ${args[0]} failed. See its message above.`);
  }
}

function run(cwd, otherwise, program, ...args) {
  say(`${program} ${args.join(" ")}`);
  try {
    execFileSync(program, args, { cwd, stdio: "inherit" });
  } catch {
    fail(`${program} failed. See its message above. ${otherwise}`);
  }
}

// Outside of the workspace, whose crates have the same names.
function succeeds(program, ...args) {
  try {
    return `${execFileSync(program, args, { cwd: tmpdir(), stdio: ["ignore", "pipe", "ignore"] })}`.trim() !== "";
  } catch {
    return false;
  }
}

function say(text) {
  console.error(`release: ${text}`);
}

function fail(text) {
  throw new Failure(text);
}
