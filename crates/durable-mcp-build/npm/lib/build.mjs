// Builds the Worker of a crate: cargo, the build tool, wasm-opt for a release, and a bundler.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { bindgen } from "./bindgen.mjs";
import { locked } from "./lock.mjs";
import { esbuild, tool, wasmOpt } from "./packages.mjs";
import { run } from "./process.mjs";
import { prepareRust } from "./rust.mjs";
import { BuildFailure, Failure, say } from "./say.mjs";
import { forget, isCurrent, note } from "./stamp.mjs";

const TARGET = "wasm32-unknown-unknown";

// In cargo's folder. What is compiled for the machine itself, build scripts and macros, would be compiled anew each time that the
// build and the user's own cargo take turns, since the build has cargo compare contents and not times.
const FOLDER = "worker";

/** The folder of a crate that its Worker is built into. */
export const folderOf = (crate) => join(crate, "build");

/**
 * Builds into the folder `build` of the crate. `profile` is release or dev, `cargo` has further options of cargo.
 *
 * cargo decides whether anything has to be compiled: it alone knows of all variables, configuration and build scripts. What comes
 * after it is left out where that was done for the same module.
 */
export async function build({ crate: path, profile, cargo = [] }) {
  if (!existsSync(join(path, "Cargo.toml"))) throw new Failure(`There is no Cargo.toml in ${path}.`);
  // As cargo names it.
  const crate = realpathSync(path);
  await prepareRust({ crate, installs: Boolean(process.env.WORKERS_CI) });
  const { name, target, hasScript } = await library(crate);
  await locked(target, () => make({ crate, name, target, profile, cargo, hasScript }));
}

async function make({ crate, name, target, profile, cargo, hasScript }) {
  const steps = new Steps();
  const folder = folderOf(crate);
  await compile({ crate, target, profile, cargo });
  steps.end("cargo");

  const output = join(target, TARGET, profile === "release" ? "release" : "debug");
  const module = join(output, `${name}.wasm`);
  const files = listed(crate, join(output, `${name}.d`), target, hasScript);
  const origin = { profile, tool: toolSum(), module: sumOf(module) };
  if (isCurrent(folder, origin)) {
    note(crate, folder, origin, files);
    return;
  }
  const parts = join(folder, ".parts");
  rmSync(parts, { recursive: true, force: true });
  mkdirSync(parts, { recursive: true });
  await bindgen(module, parts);
  steps.end("wasm-bindgen");
  if (profile === "release") {
    await optimise(join(parts, "index_bg.wasm"));
    steps.end("wasm-opt");
  }
  await bundle(crate, parts);
  forget(folder);
  renameSync(join(parts, "index_bg.wasm"), join(folder, "index_bg.wasm"));
  renameSync(join(parts, "bundle.js"), join(folder, "index.js"));
  rmSync(parts, { recursive: true, force: true });
  note(crate, folder, origin, files);
  steps.end("esbuild");
  say(`built ${relative(process.cwd(), folder) || "."}: ${steps}`);
}

// The name of the crate's library, the folder for compiled code, and whether the crate has a build script.
async function library(crate) {
  const { code, stdout, stderr } = await run("cargo", ["metadata", "--no-deps", "--format-version", "1"], { cwd: crate });
  if (code !== 0) {
    process.stderr.write(stderr);
    throw new BuildFailure("Cargo.toml cannot be read", shown(stderr, true));
  }
  const { packages, target_directory: target } = JSON.parse(stdout);
  const manifest = join(crate, "Cargo.toml");
  const targets = packages.find(({ manifest_path: path }) => realpathSync(path) === manifest)?.targets ?? [];
  const found = targets.find(({ crate_types: types }) => types.includes("cdylib"));
  if (!found) throw new Failure(`${manifest} has no library for the Worker. Add to it:\n\n[lib]\ncrate-type = ["cdylib"]\n`);
  const hasScript = targets.some(({ kind }) => kind.includes("custom-build"));
  return { name: found.name.replaceAll("-", "_"), target: join(target, FOLDER), hasScript };
}

async function compile({ crate, target, profile, cargo }) {
  const profiles = profile === "release" ? ["--release"] : [];
  const args = ["build", "--lib", ...profiles, "--target", TARGET, "--target-dir", target, "-Zbuild-std=std,panic_unwind", ...cargo];
  const { code, stderr } = await run("cargo", args, { cwd: crate, show: true, env: { ...process.env, ...cargoEnvironment(process.env) } });
  if (code !== 0) throw new BuildFailure("the server did not compile", shown(stderr));
}

/** Cargo's environment, besides that of the user. */
export function cargoEnvironment(env) {
  return {
    // A panic is one call's error: it unwinds, and so the standard library is compiled with it. No stable compiler has that
    // without its being told to take what is unstable.
    RUSTC_BOOTSTRAP: "1",
    RUSTFLAGS: [env.RUSTFLAGS, "-Cpanic=unwind"].filter(Boolean).join(" "),
    // std is compiled anyway: without the printing of backtraces, which wasm has none of, and not for the least size, which
    // has it search texts byte by byte.
    CARGO_UNSTABLE_BUILD_STD_FEATURES: "panic-unwind",
    // Panic messages name source files: the same ones whatever the directories of this machine are called.
    CARGO_UNSTABLE_TRIM_PATHS: "true",
    CARGO_PROFILE_RELEASE_TRIM_PATHS: "object",
    // A file that was replaced by an older one has changed, too.
    CARGO_UNSTABLE_CHECKSUM_FRESHNESS: "true",
    // A crate would write its module under one name, whatever its features and settings are, and cargo would not notice that
    // another one has replaced it. Any value has it write each under a name of its own, as it does for other libraries.
    __CARGO_DEFAULT_LIB_METADATA: "durable-mcp",
    // Debug information is most of what an unoptimised build writes, and nothing here reads it.
    CARGO_PROFILE_DEV_DEBUG: "0",
    // Read by wasm-bindgen's macros: promises are those of js-sys.
    WASM_BINDGEN_USE_JS_SYS: "1",
    ...(process.stderr.isTTY && !env.CARGO_TERM_COLOR && !env.NO_COLOR ? { CARGO_TERM_COLOR: "always" } : {}),
  };
}

async function optimise(file) {
  say("optimising the module");
  // The features that the compiler uses, and exceptions for panics; with all of binaryen's, the module could be ahead of the
  // runtime. The names of functions are a third of the module, and only traces show them.
  const features = ["mutable-globals", "sign-ext", "nontrapping-float-to-int", "bulk-memory", "multivalue", "reference-types", "exception-handling"];
  const args = [wasmOpt(), "-Oz", "--strip-debug", ...features.map((name) => `--enable-${name}`), file, "-o", file];
  const { code } = await run(process.execPath, args, { show: true });
  if (code !== 0) throw new Failure("wasm-opt failed. See its message above.");
}

async function bundle(crate, parts) {
  const options = {
    entryPoints: [join(parts, "worker.js")],
    outfile: join(parts, "bundle.js"),
    bundle: true,
    minify: true,
    format: "esm",
    external: ["./index_bg.wasm", "cloudflare:*"],
    logLevel: "warning",
  };
  await esbuild(crate)
    .build(options)
    .catch((error) => {
      throw new BuildFailure("the server's JavaScript cannot be bundled", error.message);
    });
}

// Files and folders whose changes can change the module, for those who watch them: the compiler's own list of what it read, with
// templates, included files and what build scripts name, and what cargo reads or would read besides.
function listed(crate, list, target, hasScript) {
  const sources = readFileSync(list, "utf8")
    .replace(/^.*?: /, "")
    .trim()
    .split(/(?<!\\) /)
    .map((path) => resolve(crate, path.replaceAll("\\ ", " ")))
    // Files that build scripts make follow from those that they read.
    .filter((path) => !path.startsWith(target + sep));
  const folders = new Set([crate]);
  for (const source of sources) for (let folder = dirname(source); folder !== dirname(folder); folder = dirname(folder)) folders.add(folder);
  const settings = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "rust-toolchain", ".cargo/config.toml", ".cargo/config"];
  const read = [...folders].flatMap((folder) => settings.map((name) => join(folder, name)));
  // A build script that names nothing is run again after a change of any file.
  return [...new Set([...sources, ...read, ...(hasScript ? [crate] : [])])].sort();
}

const sumOf = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

// Another version of the build makes another Worker.
function toolSum() {
  const own = fileURLToPath(new URL(".", import.meta.url));
  const hash = createHash("sha256").update(readFileSync(tool()));
  for (const name of readdirSync(own).sort()) hash.update(readFileSync(join(own, name)));
  return hash.digest("hex");
}

// The output of cargo without colours and progress.
function shown(text, whole = false) {
  // eslint-disable-next-line no-control-regex
  const plain = text.replace(/\x1b\[[\d;]*m/g, "");
  if (whole) return plain;
  return plain
    .split("\n")
    .filter((line) => !/^ *(Compiling|Downloaded|Downloading|Updating|Locking|Adding|Blocking|Building|Finished) /.test(line))
    .join("\n")
    .trim();
}

/** Times of the steps of a build. */
class Steps {
  #begin = performance.now();
  #told = [];

  end(name) {
    const now = performance.now();
    this.#told.push(`${name} ${((now - this.#begin) / 1_000).toFixed(1)} s`);
    this.#begin = now;
  }

  toString() {
    return this.#told.join(", ");
  }
}
