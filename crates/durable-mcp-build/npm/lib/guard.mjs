// Loaded into the process of `wrangler dev` before wrangler itself: notes the programs that it starts, and ends it after
// `durable-mcp` was killed, which then cannot do so.
import { ChildProcess } from "node:child_process";
import { isMainThread } from "node:worker_threads";
import { Programs } from "./programs.mjs";

const LOOK_MS = 500;
const GRACE_MS = 5_000;

const { DURABLE_MCP_PARENT: parent, DURABLE_MCP_PROGRAMS: file } = process.env;
// These variables are not for programs that wrangler starts.
delete process.env.DURABLE_MCP_PARENT;
delete process.env.DURABLE_MCP_PROGRAMS;

// A thread or a copy of wrangler has neither.
if (isMainThread && parent && file) {
  const programs = new Programs(file);
  noteChildren(programs);
  endWith(Number(parent), programs);
}

function noteChildren(programs) {
  const { spawn } = ChildProcess.prototype;
  ChildProcess.prototype.spawn = function (...args) {
    const result = spawn.apply(this, args);
    if (this.pid) programs.note(this.pid);
    return result;
  };
}

function endWith(parent, programs) {
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => programs.kill(), GRACE_MS).unref();
  }, LOOK_MS);
  timer.unref();
}
