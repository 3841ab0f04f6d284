// Time from nothing to the first page, and from an edit to its being served, of a clone of this repository.
//
//   node bench/edit.mjs [edits]      10 without a number; `--warm` uses this tree's tools, packages and compiled dependencies
//
// Requests go on during each edit, ten a second; those that fail or are not answered within five seconds are counted.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../tests/support/child.mjs";
import { INSTALLED } from "../tests/support/clone.mjs";
import { freePorts } from "../tests/support/port.mjs";

const warm = process.argv.includes("--warm");
const edits = Number(process.argv.slice(2).find((argument) => /^\d+$/.test(argument)) ?? 10);
// More than a first build with every tool takes on a busy machine.
const BOUND_MS = 20 * 60_000;
const EVERY_MS = 100;
const TOOLS = "src/tools/calculator.rs";
const TEXT = "Add two numbers";

const folder = mkdtempSync(join(tmpdir(), "durable-mcp-edit-"));
const [port] = await freePorts(1);
const url = `http://localhost:${port}`;
let child;
try {
  execFileSync("git", ["clone", "--quiet", root, folder]);
  if (warm) for (const name of INSTALLED) if (existsSync(join(root, name))) symlinkSync(join(root, name), join(folder, name));
  const env = { ...process.env, ...(warm ? { CARGO_TARGET_DIR: join(root, "target") } : {}) };
  if (!warm) delete env.CARGO_TARGET_DIR;
  console.log(`load ${loadavg()[0].toFixed(1)}`);
  const begin = performance.now();
  child = spawn("npm", ["start", "--", "--port", `${port}`], { cwd: folder, env, detached: true, stdio: ["ignore", "inherit", "inherit"] });
  await until(async () => (await fetch(url, { signal: AbortSignal.timeout(5_000) })).ok);
  console.log(`first page after ${seconds(performance.now() - begin)} s`);

  const times = [];
  for (let edit = 1; edit <= edits; edit++) {
    const told = `${TEXT}, edit ${edit}`;
    const source = readFileSync(join(folder, TOOLS), "utf8");
    const since = performance.now();
    writeFileSync(join(folder, TOOLS), source.replace(/Add two numbers(, edit \d+)?/, told));
    const failed = await until(async () => (await listed()).includes(told));
    times.push(performance.now() - since);
    console.log(`edit ${edit}: served after ${seconds(times.at(-1))} s, ${failed} failed requests`);
  }
  console.log(`edits: median ${seconds(times.toSorted((a, b) => a - b)[times.length >> 1])} s`);
} finally {
  if (child) process.kill(-child.pid, "SIGTERM");
  await new Promise((done) => setTimeout(done, 1_000));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Waits until it holds, and gives the number of tries that threw. */
async function until(holds) {
  const end = performance.now() + BOUND_MS;
  for (let failed = 0; performance.now() < end; ) {
    try {
      if (await holds()) return failed;
    } catch {
      failed++;
    }
    await new Promise((done) => setTimeout(done, EVERY_MS));
  }
  throw new Error(`nothing after ${BOUND_MS} ms`);
}

async function listed() {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const answer = await fetch(`${url}/mcp`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/list",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta } }),
    signal: AbortSignal.timeout(5_000),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.text();
}

function seconds(ms) {
  return (ms / 1_000).toFixed(1);
}
