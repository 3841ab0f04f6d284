// The compiler: what is missing is installed where that changes nothing of the user's, and asked for otherwise.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { run } from "./process.mjs";
import { Failure, say } from "./say.mjs";

const RUSTUP = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --no-modify-path --profile minimal --default-toolchain none";

/**
 * Makes cargo runnable for a crate, with the source of the standard library, which is compiled together with the server.
 *
 * `installs` has Rust itself installed by rustup if there is none, as on the machines of Workers Builds.
 */
export async function prepareRust({ crate, installs }) {
  // The folder of rustup's programs: a shell that was opened before the installation does not have it.
  const programs = join(process.env.CARGO_HOME || join(homedir(), ".cargo"), "bin");
  process.env.PATH = [process.env.PATH, programs].join(delimiter);
  if ((await run("cargo", ["--version"], { cwd: homedir() })).code === undefined) {
    if (!installs) throw new Failure(`Rust is missing: there is no cargo. Install it with \`npx durable-mcp setup\` or from https://rustup.rs.`);
    say("installing rustup");
    const { code } = await run("sh", ["-c", RUSTUP], { show: true });
    if (code !== 0) throw new Failure("rustup could not be installed. Install it from https://rustup.rs, then try again.");
  }
  await installToolchain(crate);
  await installSource(crate);
}

// The toolchain that rust-toolchain.toml of the crate names, or else the user's own. cargo of rustup is there without any.
async function installToolchain(crate) {
  const { code, stderr } = await run("cargo", ["--version"], { cwd: crate });
  if (code === 0) return;
  const names = existsSync(join(crate, "rust-toolchain.toml"));
  // Without a name, rustup installs what the folder's file says.
  const args = ["toolchain", "install", ...(names ? [] : ["stable", "--profile", "minimal"]), "--no-self-update"];
  say(`installing Rust: rustup ${args.join(" ")}`);
  if ((await run("rustup", args, { cwd: crate, show: true })).code === 0) return;
  throw new Failure(`cargo does not run: ${stderr.trim()}\nInstall a toolchain with \`rustup ${args.join(" ")}\`, then try again.`);
}

async function installSource(crate) {
  const { code, stdout, stderr } = await run(process.env.RUSTC || "rustc", ["--print", "sysroot"], { cwd: crate });
  if (code !== 0) throw new Failure(`rustc does not run: ${stderr.trim() || "there is none"}`);
  if (existsSync(join(stdout.trim(), "lib/rustlib/src/rust/library/std"))) return;
  const args = ["component", "add", "rust-src"];
  say("installing the source of Rust's standard library: rustup component add rust-src");
  if ((await run("rustup", args, { cwd: crate, show: true })).code === 0) return;
  throw new Failure(
    `The source of Rust's standard library is missing in ${stdout.trim()}. Install it with \`rustup component add rust-src\`, ` +
      "or, where Rust comes from a distribution, its package (Debian: rust-src), then try again.",
  );
}
