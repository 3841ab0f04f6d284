// Makes what the package has besides its sources. In vendor/: the build tool, compiled to WebAssembly, and wasm-opt, one program of
// the npm package binaryen, all of which would be ten times as large. In playground/: the page at /playground. No binary is in
// the repository.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../../..");
const vendor = join(here, "vendor");
const TARGET = "wasm32-unknown-unknown";
// `npm publish --dry-run` hands its option on, and an npm with it would install nothing.
const { npm_config_dry_run: _, ...env } = process.env;

rmSync(vendor, { recursive: true, force: true });
mkdirSync(vendor);

const sysroot = `${execFileSync(process.env.RUSTC || "rustc", ["--print", "sysroot"], { cwd: root })}`.trim();
// Without the installed target, the standard library is compiled, too.
const hasTarget = existsSync(join(sysroot, "lib/rustlib", TARGET, "lib"));
const target = process.env.CARGO_TARGET_DIR || join(root, "target");
execFileSync(
  "cargo",
  [
    "rustc",
    ...["--locked", "-p", "durable-mcp-build", "--lib", "--crate-type", "cdylib", "--release", "--target", TARGET],
    // The tool's own speed matters, and not its size as that of a server does.
    ...["--config", "profile.release.opt-level=3", "--config", "profile.release.panic='abort'", "--config", "profile.release.strip=true"],
    ...(hasTarget ? [] : ["-Zbuild-std=std,panic_abort"]),
  ],
  { cwd: root, stdio: "inherit", env: { ...env, CARGO_TARGET_DIR: join(target, "npm"), ...(hasTarget ? {} : { RUSTC_BOOTSTRAP: "1" }) } },
);
copyFileSync(join(target, "npm", TARGET, "release/durable_mcp_build.wasm"), join(vendor, "durable-mcp-build.wasm"));

const binaryen = join(here, "node_modules/binaryen");
if (!existsSync(binaryen)) execFileSync("npm", ["ci", "--loglevel=error"], { cwd: here, env, stdio: "inherit" });
copyFileSync(join(binaryen, "bin/wasm-opt"), join(vendor, "wasm-opt"));
chmodSync(join(vendor, "wasm-opt"), 0o755);
copyFileSync(join(binaryen, "LICENSE"), join(vendor, "LICENSE-binaryen"));
// wasm-opt is CommonJS, and this package is not.
writeFileSync(join(vendor, "package.json"), '{ "type": "commonjs" }\n');
for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) copyFileSync(join(root, name), join(vendor, name));

// A server names this folder as its assets.
const playground = join(here, "playground");
execFileSync(join(root, "scripts/playground"), { cwd: root, env, stdio: "inherit" });
rmSync(playground, { recursive: true, force: true });
cpSync(join(root, "playground/dist"), playground, { recursive: true, filter: (path) => basename(path) !== ".built" });
