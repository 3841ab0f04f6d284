// Makes the npm packages of the platforms, each with one program:
//
//   node platforms.mjs PROGRAMS OUT
//
// PROGRAMS has a folder for each Rust target, with the program in it.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

const main = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

/** Writes the package of each platform whose program is there; gives their folders. */
export function write(programs, out) {
  const folders = [];
  for (const [platform, target] of Object.entries(PLATFORMS)) {
    const source = join(programs, target, program(platform));
    if (!existsSync(source)) continue;
    const folder = join(out, `${main.name}-${platform}`);
    mkdirSync(folder, { recursive: true });
    const [os, cpu] = platform.split("-");
    const { version, license, repository } = main;
    const manifest = { name: `${main.name}-${platform}`, version, description: `${main.name} for ${platform}.`, license, repository, os: [os], cpu: [cpu], files: [program(platform)] };
    writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
    copyFileSync(source, join(folder, program(platform)));
    chmodSync(join(folder, program(platform)), 0o755);
    folders.push(folder);
  }
  return folders;
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
  console.log(folders.join("\n"));
}
