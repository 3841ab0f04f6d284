// The local bridge beside npm mcp-remote, in turns on one machine with one server: start, memory, latency, throughput, sizes.
//
//   cargo build -p durable-mcp-remote --profile bridge --locked
//   node bench/bridge.mjs [part]...      all parts without one: start, memory, latency, throughput, sizes, binary
//
// Linux alone: memory and processor time are read from /proc. Goals are for a machine that has nothing else to do: the load is told.
import { fork, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const BRIDGE = process.env.BRIDGE ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "bridge/durable-mcp-remote");
const REFERENCE = join(root, "tests/node_modules/mcp-remote/dist/proxy.js");
const PROGRAMS = { bridge: [BRIDGE], reference: [process.execPath, REFERENCE] };

const STARTS = 11;
const CALLS = Number(process.env.CALLS ?? 1000);
const ROUNDS = 3;
const MiB = 2 ** 20;
// A call without an answer by then counts as failed.
const LONGEST_CALL_MS = 30_000;
// Ticks of /proc/PID/stat, a constant of Linux for programs.
const TICK_MS = 10;

async function main(wanted) {
  const parts = { start, memory, latency, throughput, sizes, binary };
  const unknown = wanted.find((name) => !(name in parts));
  if (unknown) throw new Error(`There is no part ${unknown}: ${Object.keys(parts).join(", ")}`);
  for (const name of wanted.length > 0 ? wanted : Object.keys(parts)) {
    const before = loadavg()[0].toFixed(1);
    const server = await serverProcess();
    const rows = await parts[name](server);
    server.process.kill("SIGKILL");
    console.log(`\n${name}, load ${before} to ${loadavg()[0].toFixed(1)}`);
    for (const [what, bridge, reference, goal = ""] of rows) console.log(`${what.padEnd(46)} ${`${bridge}`.padStart(14)} ${`${reference}`.padStart(14)}   ${goal}`);
  }
  process.exit();
}

/** Milliseconds from the start of the program to the first POST at the server. */
async function start(server) {
  const times = { bridge: [], reference: [] };
  for (let round = 0; round < STARTS; round++) {
    for (const name of Object.keys(PROGRAMS)) {
      const begun = now();
      const program = new Program(name, server.url);
      const first = server.next("initialize", begun);
      const initialized = program.initialize();
      times[name].push((await first) - begun);
      await initialized;
      program.kill();
    }
  }
  return [row("119 start to the first POST, median, ms", times, median, "goal: 20")];
}

/** Resident memory once all is quiet. */
async function memory(server) {
  const sizes = {};
  for (const name of Object.keys(PROGRAMS)) {
    const program = await connected(name, server);
    for (let call = 0; call < 20; call++) await program.echo("x");
    sizes[name] = status(program.pid, "VmRSS") / MiB;
    program.kill();
  }
  return [row("120 resident memory when idle, MiB", sizes, (size) => size, "goal: 12")];
}

/** Time of a call beside a direct request, by how many are in flight. */
async function latency(server) {
  const rows = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  for (const inFlight of [1, 16, 128]) {
    const direct = [];
    const times = { bridge: [], reference: [] };
    const cpu = {};
    for (let round = 0; round < ROUNDS; round++) {
      direct.push(...(await timed(() => post(server.url, agent), inFlight)));
      for (const name of Object.keys(PROGRAMS)) {
        const program = await connected(name, server);
        await timed(() => program.echo("x"), inFlight);
        const before = processorTime(program.pid);
        times[name].push(...(await timed(() => program.echo("x"), inFlight)));
        (cpu[name] ??= []).push((processorTime(program.pid) - before) / CALLS);
        program.kill();
      }
    }
    for (const [percent, goal] of [[50, 0.3], [99, 2]]) {
      const added = (all) => percentile(all, percent) - percentile(direct, percent);
      rows.push(row(`121 added to a call, ${inFlight} in flight, p${percent}, ms`, times, added, `goal: ${goal}; direct ${shown(percentile(direct, percent))}`));
    }
    rows.push(row(`    processor time of a call, ${inFlight} in flight, ms`, cpu, median));
  }
  return rows;
}

async function throughput(server) {
  const rows = [];
  for (const inFlight of [1, 16, 200]) {
    const rates = { bridge: [], reference: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of Object.keys(PROGRAMS)) {
        const program = await connected(name, server);
        await timed(() => program.echo("x"), inFlight);
        const begun = now();
        await timed(() => program.echo("x"), inFlight);
        rates[name].push((CALLS * 1000) / (now() - begun));
        program.kill();
      }
    }
    rows.push(row(`    calls a second, ${inFlight} in flight`, rates, median));
  }
  return rows;
}

/** Messages of megabytes: time, and the peak of memory as a multiple of their size. */
async function sizes(server) {
  const rows = [];
  for (const size of [10, 16]) {
    for (const way of ["result", "argument"]) {
      const times = {};
      const peaks = {};
      for (const name of Object.keys(PROGRAMS)) {
        const program = await connected(name, server);
        const begun = now();
        const { error } = await program.call(way === "result" ? { size: size * MiB } : { text: "x".repeat(size * MiB) });
        times[name] = error ? NaN : now() - begun;
        peaks[name] = error ? NaN : status(program.pid, "VmHWM") / MiB / size;
        program.kill();
      }
      rows.push(row(`122 ${way} of ${size} MiB, ms`, times, (time) => time, size === 16 ? "goal: 150" : ""));
      rows.push(row(`    peak of memory, times its size`, peaks, (peak) => peak, size === 16 ? "goal: 3" : ""));
    }
  }
  return rows;
}

function binary() {
  const dist = ["proxy.js", "chunk-KJCT2FXL.js"].map((file) => statSync(join(root, "tests/node_modules/mcp-remote/dist", file)).size);
  return [row("123 program, MiB (reference: scripts without Node)", { bridge: statSync(BRIDGE).size / MiB, reference: dist.reduce((sum, size) => sum + size) / MiB }, (size) => size, "goal: 6")];
}

/** A bridge, spoken to over stdio. */
class Program {
  #waiting = new Map();
  #id = 0;
  #rest = [];

  constructor(name, url) {
    const [command, ...first] = PROGRAMS[name];
    this.folder = mkdtempSync(join(tmpdir(), "bridge-bench-"));
    this.process = spawn(command, [...first, url, "--silent"], { env: { ...process.env, MCP_REMOTE_CONFIG_DIR: this.folder, BROWSER: "true" }, stdio: ["pipe", "pipe", "ignore"] });
    this.pid = this.process.pid;
    this.process.stdin.on("error", () => {});
    this.process.stdout.on("data", (data) => this.#read(data));
    this.process.on("exit", () => {
      for (const resolve of this.#waiting.values()) resolve({ error: "the program ended" });
    });
  }

  #read(data) {
    for (let end; (end = data.indexOf(10)) >= 0; data = data.subarray(end + 1)) {
      const line = Buffer.concat([...this.#rest, data.subarray(0, end)]);
      this.#rest = [];
      const message = JSON.parse(line);
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    }
    if (data.length > 0) this.#rest.push(data);
  }

  request(method, params) {
    const id = ++this.#id;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      setTimeout(() => resolve({ error: "no answer" }), LONGEST_CALL_MS).unref();
      this.process.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    });
  }

  async initialize() {
    await this.request("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } });
    this.process.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  }

  call(args) {
    return this.request("tools/call", { name: "echo", arguments: args });
  }

  echo(text) {
    return this.call({ text });
  }

  kill() {
    this.process.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function connected(name, server) {
  const program = new Program(name, server.url);
  await program.initialize();
  return program;
}

/** Times of `CALLS` calls, that many in flight. */
async function timed(call, inFlight) {
  const times = [];
  let left = CALLS;
  const worker = async () => {
    while (left-- > 0) {
      const begun = now();
      await call();
      times.push(now() - begun);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return times;
}

function post(url, agent) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "echo", arguments: { text: "x" } } });
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", agent, headers: { "content-type": "application/json" } }, (response) => response.resume().on("end", resolve));
    sent.on("error", reject).end(body);
  });
}

async function serverProcess() {
  const child = fork(fileURLToPath(import.meta.url), ["--server"]);
  const port = await new Promise((resolve) => child.once("message", resolve));
  // The time of the first request of that method after `since`; programs that were ended may have sent others.
  const next = (method, since) =>
    new Promise((resolve) => {
      const seen = (message) => {
        if (message.method !== method || message.at < since) return;
        child.off("message", seen);
        resolve(message.at);
      };
      child.on("message", seen);
    });
  return { process: child, url: `http://127.0.0.1:${port}/mcp`, next };
}

function serve() {
  const server = createServer(async (incoming, response) => {
    if (incoming.method !== "POST") return response.writeHead(405).end();
    const at = now();
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { id, method, params } = JSON.parse(Buffer.concat(chunks));
    if (method === "initialize") process.send({ method, at });
    if (id === undefined) return response.writeHead(202).end();
    const text = params?.arguments?.size ? "x".repeat(params.arguments.size) : "ok";
    const result =
      method === "initialize"
        ? { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "bench", version: "1" } }
        : { content: [{ type: "text", text }] };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  });
  server.listen(0, "127.0.0.1", () => process.send(server.address().port));
  process.on("disconnect", () => process.exit());
}

/** Milliseconds of a clock that all processes share. */
function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Bytes of a line of /proc/PID/status. */
function status(pid, name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
}

/** Milliseconds of processor time so far. */
function processorTime(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function row(what, values, of, goal) {
  return [what, shown(of(values.bridge)), shown(of(values.reference)), goal];
}

const shown = (value) => (Number.isNaN(value) ? "fails" : value.toFixed(value < 10 ? 2 : 0));
const median = (values) => percentile(values, 50);

function percentile(values, percent) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))];
}

if (process.argv[2] === "--server") serve();
else await main(process.argv.slice(2));
