// The build of a deployment, as Cloudflare's Workers Builds runs it: on a machine with Node.js and a C compiler, without Rust, with
// two cores, an empty home and an empty environment. Says how long each step takes. A build of more than eight minutes fails, by
// the time of the processor, so that other work on this machine makes no difference.
//
//   node tests/workers-builds.mjs [root | folder of a starter]...      root without any
//
// A starter gets the library and the npm package of this tree in place of the published ones.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { eachLine, root } from "./support/child.mjs";
import { copyTree } from "./support/clone.mjs";

// The bound for a build, of the twenty minutes that Workers Builds allows for all.
const BOUND_MS = 8 * 60_000;
const CORES = 2;

// How this machine gets to the network, which that one does in its own way.
const PROXIES = ["http_proxy", "https_proxy", "no_proxy"].flatMap((name) => [name, name.toUpperCase()]);
const NETWORK = [...PROXIES, "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "CARGO_HTTP_CAINFO"];

const all = mkdtempSync(join(tmpdir(), "durable-mcp-workers-builds-"));
process.on("exit", () => rmSync(all, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const hasRustup = spawnSync("curl", ["-sSf", "--head", "--max-time", "20", "https://sh.rustup.rs"]).status === 0;
// Programs before the machine's own: no package of the system is installed for a test.
const programs = join(all, "programs");
mkdirSync(programs);
writeFileSync(join(programs, "apt-get"), "#!/bin/sh\necho 'not for a test' >&2\nexit 1\n", { mode: 0o755 });
if (!hasRustup) {
  console.log("rustup's servers cannot be reached: a copy of this machine's toolchain takes the place of the download");
  cpSync(join(root, "tests/support/rust/curl"), join(programs, "curl"));
}

// The npm package, once it is needed.
let packed;
const named = process.argv.slice(2);
for (const name of named.length > 0 ? named : ["root"]) await deployed(name);

async function deployed(name) {
  const home = join(all, `${basename(name)}-home`);
  const folder = join(all, basename(resolve(name)));
  mkdirSync(home);
  if (name === "root") await copyTree(folder);
  else await copyStarter(resolve(name), folder);
  const env = {
    HOME: home,
    // The machine's own programs, and the Node.js that runs this.
    PATH: [programs, dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter),
    WORKERS_CI: "1",
    CI: "true",
    LANG: "C.UTF-8",
    ...(hasRustup ? {} : { RUST_COPY: sysroot(), RUSTUP_STUB: join(root, "tests/support/rust/rustup") }),
    ...Object.fromEntries(NETWORK.filter((name) => process.env[name]).map((name) => [name, process.env[name]])),
  };
  const cargo = env.PATH.split(delimiter).map((part) => join(part, "cargo")).find(existsSync);
  if (cargo) throw new Error(`this machine has Rust for everybody, ${cargo}: nothing would be shown`);
  console.log(`${name}: ${CORES} cores, load ${loadavg()[0].toFixed(1)}`);
  await step("npm clean-install", { folder, env });
  const { spent } = await step("npm run build", { folder, env });
  if (spent > BOUND_MS) throw new Error(`the build took ${seconds(spent)}, more than ${seconds(BOUND_MS)}`);
  const { told } = await step("npx wrangler deploy --dry-run", { folder, env });
  if (/Compiling|WARNING/.test(told)) throw new Error("the deployment built once more, or warned");
  const module = readFileSync(join(folder, "build/index_bg.wasm"));
  console.log(`  upload: ${module.length} bytes, ${gzipSync(module).length} compressed`);
}

// Runs a command with its lines and their times shown, and gives the time that it took of the processor and what it said.
async function step(command, { folder, env }) {
  const begin = performance.now();
  const [program, ...args] = pinned(["bash", "-c", `TIMEFORMAT='processor %U %S'; time ${command}`]);
  const child = spawn(program, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) {
    eachLine(stream, (line) => {
      lines.push(line);
      if (/^(setup|build|durable-mcp|info|error|warning)\b/.test(line)) console.log(`  ${seconds(performance.now() - begin)} ${line}`);
    });
  }
  const code = await new Promise((done) => child.once("close", done));
  if (code !== 0) throw new Error(`${command} failed (${code}):\n${lines.join("\n")}`);
  const told = lines.join("\n");
  const [user, system] = /^processor (\S+) (\S+)$/m.exec(told).slice(1).map(Number);
  const spent = (user + system) * 1_000;
  console.log(`  ${command}: ${seconds(performance.now() - begin)}, ${seconds(spent)} of the processor`);
  return { spent, told };
}

function pinned(command) {
  return existsSync("/usr/bin/taskset") ? ["taskset", "--cpu-list", `0-${CORES - 1}`, ...command] : command;
}

// The folder of a starter stands alone: with the packed npm package, and the library beside it.
async function copyStarter(from, folder) {
  await copyTree(folder, from);
  const library = join(all, "library");
  if (!existsSync(library)) await copyTree(library);
  const manifest = readFileSync(join(folder, "Cargo.toml"), "utf8");
  const path = JSON.stringify(join(library, "crates/durable-mcp"));
  writeFileSync(join(folder, "Cargo.toml"), manifest.replace(/^durable-mcp = (?:\{[^}]*?(, features[^}]*)?\}|".*")/m, (_, rest = "") => `durable-mcp = { path = ${path}${rest} }`));
  const file = join(folder, "package.json");
  const manifestOfNpm = JSON.parse(readFileSync(file, "utf8"));
  manifestOfNpm.devDependencies["durable-mcp"] = `file:${tarball()}`;
  writeFileSync(file, JSON.stringify(manifestOfNpm, undefined, 2));
  // The lock names the published package.
  execFileSync("npm", ["install", "--package-lock-only", "--loglevel=error"], { cwd: folder, stdio: "inherit" });
}

function tarball() {
  if (packed) return packed;
  console.log("packing the npm package");
  execFileSync("npm", ["pack", "--pack-destination", all, "--loglevel=error"], {
    cwd: join(root, "crates/durable-mcp-build/npm"),
    stdio: ["ignore", "ignore", "inherit"],
  });
  packed = join(all, readdirSync(all).find((name) => name.endsWith(".tgz")));
  console.log(`  ${statSync(packed).size} bytes`);
  return packed;
}

function sysroot() {
  return `${execFileSync("rustc", ["--print", "sysroot"])}`.trim();
}

function seconds(ms) {
  return `${(ms / 1_000).toFixed(1)} s`;
}
