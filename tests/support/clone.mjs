// A copy of this repository as `git clone` would make it, of what is in the working tree.
import { createHash } from "node:crypto";
import { cpSync, existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { removeFolder, root, run } from "./child.mjs";

/**
 * Makes it: `{ folder, env }`, with what is to be in the environment of its scripts. What would be downloaded is that of
 * this tree, and so are compiled dependencies.
 *
 * The tools' lock comes with them, so that of all that is built with them only one is at a time. The folder has the same
 * name each time, and cargo therefore finds its compiled code again, and does not pile it up.
 */
export async function clone() {
  const folder = join(tmpdir(), `durable-mcp-clone-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`);
  removeFolder(folder);
  const { code, stdout, stderr } = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  if (code !== 0) throw new Error(`git ls-files: ${stderr}`);
  // What is listed and not there has been deleted.
  for (const file of stdout.split("\0").filter((file) => file && existsSync(join(root, file)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    if (lstatSync(join(root, file)).isSymbolicLink()) symlinkSync(readlinkSync(join(root, file)), join(folder, file));
    else cpSync(join(root, file), join(folder, file));
  }
  for (const name of [".tools", "node_modules"]) symlinkSync(join(root, name), join(folder, name));
  return { folder, env: { CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR ?? join(root, "target"), WORKERS_CI: "" } };
}
