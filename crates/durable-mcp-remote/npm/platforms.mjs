// Makes the npm packages of a release: one for each platform, with its program, and the one that people install, which starts it.
//
//   node platforms.mjs PROGRAMS OUT
//
// PROGRAMS has a folder for each Rust target, with the program in it. The folders of the packages are printed in the order in which
// they are to be published.
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Rust targets by the names of npm. Programs for Linux are static, so that they run with any C library. */
export const PLATFORMS = {
  "darwin-arm64": "aarch64-apple-darwin",
  "darwin-x64": "x86_64-apple-darwin",
  "linux-arm64": "aarch64-unknown-linux-musl",
  "linux-x64": "x86_64-unknown-linux-musl",
  "win32-arm64": "aarch64-pc-windows-msvc",
  "win32-x64": "x86_64-pc-windows-msvc",
};

/** File name of the program on a platform. */
export const program = (platform) => (platform.startsWith("win32") ? "durable-mcp-remote.exe" : "durable-mcp-remote");

/** Texts of the licences by their names in a package. npm follows no links to those in the root. */
export const LICENSES = Object.fromEntries(
  ["LICENSE-APACHE", "LICENSE-MIT"].map((name) => [name, fileURLToPath(new URL(`../../../${name}`, import.meta.url))]),
);

const here = fileURLToPath(new URL(".", import.meta.url));
const main = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));

/** Writes the package of each platform whose program is there; gives their absolute paths: npm takes `a/b` for a repository on GitHub. */
export function write(programs, out) {
  const folders = [];
  for (const [platform, target] of Object.entries(PLATFORMS)) {
    const source = join(programs, target, program(platform));
    if (!existsSync(source)) continue;
    const folder = resolve(out, `${main.name}-${platform}`);
    mkdirSync(folder, { recursive: true });
    const [os, cpu] = platform.split("-");
    const { version, license, repository } = main;
    const manifest = { name: `${main.name}-${platform}`, version, description: `${main.name} for ${platform}.`, license, repository, os: [os], cpu: [cpu], files: [program(platform)] };
    writePackage(folder, manifest);
    copyFileSync(source, join(folder, program(platform)));
    chmodSync(join(folder, program(platform)), 0o755);
    folders.push(folder);
  }
  return folders;
}

/** Writes the package that starts the program; gives its absolute path. */
export function writeMain(out) {
  const folder = resolve(out, main.name);
  mkdirSync(folder, { recursive: true });
  for (const name of ["README.md", ...main.files]) cpSync(join(here, name), join(folder, name), { recursive: true });
  writePackage(folder, main);
  return folder;
}

function writePackage(folder, manifest) {
  const files = [...manifest.files, ...Object.keys(LICENSES)];
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ ...manifest, files }, undefined, 2)}\n`);
  for (const [name, source] of Object.entries(LICENSES)) copyFileSync(source, join(folder, name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [programs, out] = process.argv.slice(2);
  if (!out) {
    console.error("usage: node platforms.mjs PROGRAMS OUT");
    process.exit(1);
  }
  const folders = write(programs, out);
  const missing = Object.keys(PLATFORMS).length - folders.length;
  if (missing > 0) {
    console.error(`platforms: ${missing} programs are missing in ${programs}; build all targets first`);
    process.exit(1);
  }
  console.log([...folders, writeMain(out)].join("\n"));
}
