// Runs a built Worker in workerd itself, bound as wrangler.toml says, with everything it stores on disk.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { Child, eachLine, removeFolder, root, temporaryFolder } from "./child.mjs";
import { KvFaults } from "./faulty-kv.mjs";
import { Trace } from "./trace.mjs";
import { WAIT_MS, bounded, sleep } from "./wait.mjs";
import { configFile } from "./workerd-config.mjs";

const binary = createRequire(import.meta.url)("workerd").default;

/** The Worker that users deploy. */
export const demo = (options) => startWorker({ build: "build", ...options });

/** The same library with the official conformance suite's tools, resources and prompts. */
export const fixture = (options) => startWorker({ build: "tests/fixture/build", ...options });

/**
 * Starts a Worker and returns once it listens on a free loopback port.
 *
 * - `build`: folder with index.js and the modules it imports
 * - `storage`: folder for objects and KV; a temporary one otherwise
 * - `port`: a port on loopback; a free one otherwise
 * - `vars`: variables and secrets, over those of wrangler.toml
 * - `flags`: compatibility flags besides those of wrangler.toml
 * - `withoutFlags`: those of wrangler.toml that this Worker is to lack
 * - `v8Flags`: flags of the JavaScript engine
 * - `ai`: the code of a Worker that is asked in place of Workers AI; otherwise there is no binding `AI`
 * - `outbound`: `host:port` that gets every request the Worker itself sends; otherwise there is no network
 * - `secondSocket`: `server.second` is the same Worker in another isolate, with the same objects and KV
 * - `playground`: files of the page at /playground come before the Worker; or, with `"worker first"`, are asked for by it
 * - `timer`: makes `server.ring()` work
 * - `trace`: makes `server.cost(..)` work
 * - `faultyKv`: makes `server.kv` fail when told to
 */
export async function startWorker(options) {
  const server = new Server(options);
  await server.start();
  return server;
}

class Server {
  #options;
  #folder;
  #child;
  #ports = {};
  #trace;

  constructor(options) {
    const build = resolve(root, options.build);
    if (!existsSync(join(build, "index.js"))) {
      throw new Error(`There is no ${options.build}/index.js: build the Worker first (npm run build).`);
    }
    this.#options = { ...options, build };
    this.#folder = temporaryFolder("durable-mcp");
    if (options.port) this.#ports.http = options.port;
    this.storage = options.storage ?? join(this.#folder, "storage");
  }

  /** `http://127.0.0.1:<port>`, the same after a restart. */
  get url() {
    return `http://127.0.0.1:${this.#ports.http}`;
  }

  /** The process id of workerd. */
  get pid() {
    return this.#child.process.pid;
  }

  get second() {
    if (!this.#ports.second) throw new Error("start the Worker with { secondSocket: true }");
    return { url: `http://127.0.0.1:${this.#ports.second}` };
  }

  /** Faults of the KV service, see faulty-kv.mjs. */
  get kv() {
    if (!this.#ports.faults) throw new Error("start the Worker with { faultyKv: true }");
    return new KvFaults(`http://127.0.0.1:${this.#ports.faults}`);
  }

  /** The time of the cron trigger has come; gives the outcome, `ok` or `exception`. */
  async ring() {
    if (!this.#ports.timer) throw new Error("start the Worker with { timer: true }");
    const answer = await fetch(`http://127.0.0.1:${this.#ports.timer}`, { signal: AbortSignal.timeout(WAIT_MS) });
    return answer.text();
  }

  /** Output of the Worker and of workerd since the last start: `{ stream, text, json? }`. */
  get logs() {
    return this.#child.lines;
  }

  /** The first log line that matches, past or future. */
  log(match, options) {
    return this.#child.line(match, options);
  }

  async start() {
    for (const name of ["objects", "kv"]) mkdirSync(join(this.storage, name), { recursive: true });
    const config = join(this.#folder, "config.capnp");
    writeFileSync(config, configFile(this.#options, this.storage, this.#ports));
    const traceFile = join(this.#folder, "trace.jsonl");
    const args = ["serve", "--experimental", "--control-fd=3", `--import-path=${this.#options.build}`];
    if (this.#options.trace) args.push(`--async-trace=${traceFile}`);
    this.#child = new Child(binary, [...args, config], { pipes: 1 });
    try {
      await this.#listening();
    } catch (error) {
      await this.#child.kill();
      throw error;
    }
    if (this.#options.trace) this.#trace = new Trace(traceFile, `http://127.0.0.1:${this.#ports.marker}`);
  }

  async #listening() {
    const child = this.#child;
    const { secondSocket, trace, faultyKv, timer, playground } = this.#options;
    const wanted = 1 + [secondSocket, trace, faultyKv, timer, playground === true].filter(Boolean).length;
    const ports = {};
    const listening = new Promise((done) => {
      eachLine(child.process.stdio[3], (text) => {
        const { event, socket, port } = JSON.parse(text);
        if (event === "listen") ports[socket] = port;
        if (Object.keys(ports).length === wanted) done();
      });
    });
    const ended = child.ended.then((code) => {
      throw new Error(`workerd ended (${code}) instead of listening\n${child.output}`);
    });
    await bounded(Promise.race([listening, ended]), WAIT_MS, () => `workerd to listen\n${child.output}`);
    this.#ports = ports;
  }

  /** Cost of `operation`, until the Worker was quiet again; see trace.mjs. */
  cost(operation) {
    if (!this.#trace) throw new Error("start the Worker with { trace: true }");
    return this.#trace.cost(operation);
  }

  /** Number of objects of a class that have a database on disk. */
  objects(className) {
    const folder = join(this.storage, "objects", className);
    if (!existsSync(folder)) return 0;
    return readdirSync(folder).filter((file) => file.endsWith(".sqlite") && file !== "metadata.sqlite").length;
  }

  /** Ends workerd and, unless it was given, deletes the storage folder. */
  async stop() {
    await this.#child.kill();
    removeFolder(this.#folder);
  }

  /** A crash: nothing is closed, nothing is flushed. The storage stays. */
  async kill() {
    await this.#child.kill();
  }

  /** A crash, then a start on the same storage and the same port; `meanwhile` runs between the two. */
  async restart(meanwhile) {
    await this.kill();
    meanwhile?.();
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.start();
      } catch (error) {
        // A connection of somebody else can hold the port for a moment.
        if (attempt === 10 || !/address already in use/i.test(error.message)) throw error;
        await sleep(200);
      }
    }
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }
}
