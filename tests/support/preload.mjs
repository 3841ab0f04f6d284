// Functions of the C library that a test replaces in programs: sources of tests/support, compiled and preloaded.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { PROGRAM, isReference } from "./bridge.mjs";
import { removeFolder, root, run, temporaryFolder } from "./child.mjs";

/** The reason for which nothing can be preloaded. */
export const withoutPreload = reason();

function reason() {
  if (process.platform !== "linux") return "functions are replaced on Linux alone";
  try {
    execFileSync("cc", ["--version"], { stdio: "ignore" });
  } catch {
    return "there is no C compiler";
  }
  try {
    const libraries = `${execFileSync("ldd", [isReference ? process.execPath : PROGRAM], { stdio: ["ignore", "pipe", "ignore"] })}`;
    return libraries.includes("libc.so") ? false : "the program has its own C library";
  } catch {
    return "the program has its own C library";
  }
}

/** Compiles a source: `{ library, folder }`, in which the test may have further files. */
export async function preloaded(source) {
  const folder = temporaryFolder("preloaded");
  const library = join(folder, "preloaded.so");
  const { code, stderr } = await run("cc", ["-shared", "-fPIC", "-O1", "-o", library, join(root, "tests/support", source), "-ldl"]);
  assert.equal(code, 0, stderr);
  return { library, folder, [Symbol.dispose]: () => removeFolder(folder) };
}
