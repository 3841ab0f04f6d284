// Programs that the build starts. Each has a process group of its own, so that its end is the end of what it started.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { Failure } from "./say.mjs";

const running = new Set();

/**
 * Runs a program to its end: `{ code, stdout, stderr }`, where `code` is undefined for a program that is not there. `show`
 * has its messages written to the terminal while it runs.
 */
export function run(program, args, { cwd, env = process.env, show = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    const parts = { stdout: [], stderr: [] };
    for (const name of ["stdout", "stderr"]) child[name].on("data", (part) => parts[name].push(part));
    if (show) child.stderr.on("data", (part) => process.stderr.write(part));
    const text = (name) => Buffer.concat(parts[name]).toString();
    child.once("error", (error) => {
      running.delete(child);
      if (error.code === "ENOENT") resolve({ code: undefined, stdout: "", stderr: "" });
      else reject(new Failure(`${program} cannot be started: ${error.message}`));
    });
    child.once("close", (code) => {
      running.delete(child);
      resolve({ code: code ?? -1, stdout: text("stdout"), stderr: text("stderr") });
    });
  });
}

/** Ends all programs that run. */
export function stopPrograms() {
  for (const child of running) {
    try {
      process.kill(-child.pid, "SIGTERM");
    } catch {
      // The program has ended already.
    }
  }
}

/** Ends all programs that run, and then this process as the signal would. */
export function endProcesses(signal) {
  stopPrograms();
  process.exit(exitCode(signal));
}

/** The exit code of a process that a signal ended, as shells have it. */
export const exitCode = (signal) => 128 + constants.signals[signal];
