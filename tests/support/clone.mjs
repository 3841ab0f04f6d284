// A copy of this repository as `git clone` would make it, of what is in the working tree.
import { createHash } from "node:crypto";
import { cpSync, existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { removeFolder, root, run } from "./child.mjs";

/** Folders that scripts/setup installs. */
export const INSTALLED = [".tools", "node_modules", "tests/node_modules", "playground/node_modules", "crates/durable-mcp-build/npm/node_modules"];

/**
 * Makes it: `{ folder, env }`, with what is to be in the environment of its scripts. What would be downloaded is that of
 * this tree, and so are compiled dependencies.
 *
 * The lock of compiled code comes with it, so that only one build is at a time. The folder is named after the test, so
 * it has the same name each time: cargo finds its compiled code again, and does not pile it up.
 */
export async function clone() {
  const test = basename(process.argv[1], ".test.mjs");
  const folder = join(tmpdir(), `durable-mcp-${test}-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`);
  removeFolder(folder);
  await copyTree(folder);
  for (const name of INSTALLED) if (existsSync(join(root, name))) symlinkSync(join(root, name), join(folder, name));
  return { folder, env: { CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR ?? join(root, "target"), WORKERS_CI: "" } };
}

/** Copies the files of the working tree that git has or would take, of the whole tree or of one folder in it. */
export async function copyTree(folder, from = root) {
  const { code, stdout, stderr } = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: from });
  if (code !== 0) throw new Error(`git ls-files: ${stderr}`);
  // What is listed and not there has been deleted.
  for (const file of stdout.split("\0").filter((file) => file && existsSync(join(from, file)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    if (lstatSync(join(from, file)).isSymbolicLink()) symlinkSync(readlinkSync(join(from, file)), join(folder, file));
    else cpSync(join(from, file), join(folder, file));
  }
}
