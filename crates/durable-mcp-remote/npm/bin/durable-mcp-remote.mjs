#!/usr/bin/env node
// Starts the program of this platform, which comes as an optional dependency, with the streams, signals and end of this process.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";

const SIGNALS = process.platform === "win32" ? ["SIGINT", "SIGBREAK", "SIGTERM"] : ["SIGHUP", "SIGINT", "SIGTERM"];

const program = find();
if (program) run(program);

function find() {
  if (process.env.DURABLE_MCP_REMOTE_BINARY) return process.env.DURABLE_MCP_REMOTE_BINARY;
  const name = `durable-mcp-remote-${process.platform}-${process.arch}`;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    return join(folder, process.platform === "win32" ? "durable-mcp-remote.exe" : "durable-mcp-remote");
  } catch {
    fail(
      `the package ${name} is not installed. Install again without --omit=optional; where there is no such package, ` +
        "`cargo install durable-mcp-remote --locked` builds the program.",
    );
  }
}

function run(program) {
  const child = spawn(program, process.argv.slice(2), { stdio: "inherit", windowsHide: true });
  // Signals end this process only by way of the program, which ends its session first.
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`${program} does not start: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function fail(reason) {
  console.error(`durable-mcp-remote: ${reason}`);
  process.exitCode = 1;
}
