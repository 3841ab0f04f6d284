// `wrangler dev` without its own build: while that runs, it holds back every request.
import { spawn } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { wrangler } from "./packages.mjs";
import { run } from "./process.mjs";
import { Failure } from "./say.mjs";
import { Started } from "./started.mjs";

// Configuration files of processes, by their ids.
const OWN = /^\.wrangler-dev-(\d+)\.json$/;

// In the process of wrangler, which starts others.
const GUARD = new URL("guard.mjs", import.meta.url).href;

// Until then, a program that was asked to end has ended by itself.
const GRACE_MS = 5_000;

/** The configuration file of a crate, and the options of wrangler without its name. */
export function configuration(options) {
  const rest = [...options];
  const at = rest.findIndex((option) => /^(-c|--config)(=|$)/.test(option));
  let named;
  if (at >= 0) {
    const [option, value] = rest[at].split(/=(.*)/);
    named = value ?? rest[at + 1];
    rest.splice(at, value === undefined ? 2 : 1);
    if (!named) throw new Failure(`${option} needs the name of a configuration file`);
  }
  return { named: named && resolve(named), rest };
}

/** A configuration file for `wrangler dev`, beside the crate's own since its paths are relative to the folder. */
export class Configuration {
  #crate;
  #named;
  #entry;
  #file;
  #path;
  #contents;
  #watched = [];

  /** `named` is the crate's own file, unless it is the usual one of the folder. */
  constructor({ crate, named, entry }) {
    this.#crate = crate;
    this.#named = named;
    this.#entry = entry;
  }

  /** Brings the file for wrangler up to date if the crate's own has changed. */
  async update() {
    if (this.#contents !== contentsOf(this.#path)) await this.write();
  }

  /** Makes the file for wrangler, and gives its path. */
  async write() {
    this.#contents = contentsOf(this.#path);
    const { path, raw, contents } = await this.#read();
    if (!path) throw new Failure(`There is no wrangler.toml in ${this.#crate}.`);
    if (path !== this.#path) this.#contents = contents;
    this.#path = path;
    const folder = dirname(path);
    this.#watched = [path, ...[raw.build?.watch_dir ?? []].flat().map((name) => resolve(folder, name))];
    const { build: _, ...config } = raw;
    config.main = relative(folder, this.#entry);
    for (const of of Object.values(config.env ?? {})) for (const name of ["build", "main"]) delete of[name];
    for (const name of readdirSync(folder)) {
      const [, pid] = OWN.exec(name) ?? [];
      if (pid && !Started.parse(pid).isRunning) rmSync(join(folder, name), { force: true });
    }
    this.#file = join(folder, `.wrangler-dev-${process.pid}.json`);
    writeFileSync(this.#file, JSON.stringify(config, undefined, 2));
    return this.#file;
  }

  /** The crate's own file, and the folders that wrangler's own build would watch. */
  get watched() {
    return this.#watched;
  }

  // As wrangler reads it, in a process of its own: it is large, and needed for a moment. The contents are at most as new as what was
  // read of them, so that no change is lost.
  async #read() {
    const script = `const { experimental_readRawConfig: read } = require(${JSON.stringify(program(this.#crate))});
      const args = { config: ${JSON.stringify(this.#named)} };
      const found = () => {
        try {
          const { configPath: path } = read(args);
          const contents = path && require("node:fs").readFileSync(path, "utf8");
          return { path, raw: read(args).rawConfig, contents };
        } catch ({ message, text = message, location: { file, line, lineText } = {}, notes = [] }) {
          return { problem: { reasons: [text, ...notes.map(({ text }) => text)], file, line, lineText } };
        }
      };
      process.stdout.write(JSON.stringify(found()));`;
    const { code, stdout, stderr } = await run(process.execPath, ["--no-warnings", "--eval", script], { cwd: this.#crate });
    if (code !== 0) throw new Failure(`wrangler cannot read the configuration:\n${stderr.trim()}`);
    const { problem, ...configuration } = JSON.parse(stdout);
    if (problem) throw new Failure(told(problem, this.#crate));
    return configuration;
  }

  remove() {
    if (this.#file) rmSync(this.#file, { force: true });
  }
}

function contentsOf(path) {
  try {
    return path && readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

// With the line of the error alone: other lines can have what is not for every eye.
function told({ reasons, file, line, lineText }, crate) {
  const reason = reasons.join(": ");
  if (!file) return `The configuration cannot be read: ${reason}`;
  return [`${relative(crate, file)}:${line}: ${reason}`, lineText?.trim()].filter(Boolean).join("\n    ");
}

/** `wrangler dev`, which has the terminal. */
export class WranglerDev {
  #child;
  #programs;

  /** `programs` has what runs. */
  constructor(crate, config, options, programs) {
    const args = ["--no-warnings", "--import", GUARD, program(crate), "dev", "--config", config, ...options];
    const env = { ...process.env, DURABLE_MCP_PARENT: `${process.pid}`, DURABLE_MCP_PROGRAMS: programs.file };
    this.#child = spawn(process.execPath, args, { cwd: crate, env, stdio: "inherit" });
    this.#programs = programs;
    if (this.#child.pid) programs.note(this.#child.pid);
    /** Resolves with its exit code. */
    this.ended = new Promise((done, failed) => {
      this.#child.once("error", failed);
      this.#child.once("exit", (code) => done(code ?? 1));
    });
  }

  async stop() {
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), GRACE_MS);
    await this.ended;
    clearTimeout(late);
    // Those of a wrangler that was killed.
    this.#programs.kill();
  }
}

// wrangler's program without the one that starts it, and would have to be ended besides.
function program(crate) {
  return createRequire(join(wrangler(crate), "package.json")).resolve("wrangler");
}
