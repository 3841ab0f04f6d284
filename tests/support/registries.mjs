// Stand-in of cargo, npm and rustc for tests of scripts/release: notes each call, and publishes into a file.
//
//   CALLS      file that gets a line for each call
//   PUBLISHED  file with what was published
//   FAILS      the call that fails: the beginning of its line, or the crate that is not published
//   COMMITS    tree that gets a commit while npm packs
//   INSTALLED  tree whose npm packages are taken for downloaded ones
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

const [program, ...args] = process.argv.slice(2);
const { CALLS, PUBLISHED, FAILS, COMMITS, INSTALLED, CARGO_TARGET_DIR } = process.env;
const call = `${program} ${args.join(" ")}`;
const isDryRun = args.includes("--dry-run");

appendFileSync(CALLS, `${call}\n`);
if (FAILS && call.startsWith(FAILS)) process.exit(1);
if (program === "rustc") console.log("/nowhere");
else if (args[0] === "info") tell(args.at(-1));
else if (args[0] === "view") tell(`npm ${args[1]}`);
else if (args[0] === "rustc") compile();
else if (args[0] === "ci" || args[0] === "install") install();
else if (args[0] === "pack" && COMMITS) commit();
else if (args[0] === "publish" && !isDryRun) publish();

function tell(wanted) {
  const all = existsSync(PUBLISHED) ? readFileSync(PUBLISHED, "utf8").split("\n") : [];
  if (!all.includes(wanted)) process.exit(1);
  console.log(wanted);
}

function publish() {
  if (program === "npm") {
    const { name, version } = JSON.parse(readFileSync("package.json", "utf8"));
    appendFileSync(PUBLISHED, `npm ${name}@${version}\n`);
    return;
  }
  const [, version] = /^\[workspace\.package\]\nversion = "(.+)"$/m.exec(readFileSync("Cargo.toml", "utf8"));
  for (const arg of args.filter((arg) => arg.startsWith("--package="))) {
    const name = arg.slice("--package=".length);
    if (name === FAILS) process.exit(101);
    appendFileSync(PUBLISHED, `${name}@${version}\n`);
  }
}

function compile() {
  const folder = join(CARGO_TARGET_DIR, "wasm32-unknown-unknown/release");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "durable_mcp_build.wasm"), "");
}

// As npm does, which installs nothing where it is told so by the environment.
function install() {
  if (process.env.npm_config_dry_run) return;
  if (args[0] === "ci") {
    mkdirSync("node_modules/binaryen/bin", { recursive: true });
    for (const file of ["bin/wasm-opt", "LICENSE"]) writeFileSync(join("node_modules/binaryen", file), "");
    return;
  }
  const tree = execFileSync("git", ["rev-parse", "--show-toplevel"], { encoding: "utf8" }).trim();
  const from = join(INSTALLED, relative(tree, process.cwd()), "node_modules");
  mkdirSync("node_modules");
  for (const name of readdirSync(from)) if (name !== ".installed") symlinkSync(join(from, name), join("node_modules", name));
}

function commit() {
  execFileSync("git", ["commit", "--quiet", "--allow-empty", "--message=Meanwhile"], { cwd: COMMITS });
}
