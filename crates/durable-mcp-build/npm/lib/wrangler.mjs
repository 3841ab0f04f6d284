// `wrangler dev` without its own build: while that runs, it holds back every request.
import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { wrangler } from "./packages.mjs";
import { run } from "./process.mjs";
import { Failure } from "./say.mjs";

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
  #watched = [];

  /** `named` is the crate's own file, unless it is the usual one of the folder. */
  constructor({ crate, named, entry }) {
    this.#crate = crate;
    this.#named = named;
    this.#entry = entry;
  }

  /** Makes the file for wrangler, or brings it up to date, and gives its path. */
  async write() {
    const { path, raw } = await this.#read();
    if (!path) throw new Failure(`There is no wrangler.toml in ${this.#crate}.`);
    const folder = dirname(path);
    this.#watched = [path, ...[raw.build?.watch_dir ?? []].flat().map((name) => resolve(folder, name))];
    const { build: _, ...config } = raw;
    config.main = relative(folder, this.#entry);
    for (const of of Object.values(config.env ?? {})) for (const name of ["build", "main"]) delete of[name];
    this.#file = join(folder, `.wrangler-dev-${process.pid}.json`);
    writeFileSync(this.#file, JSON.stringify(config, undefined, 2));
    return this.#file;
  }

  /** The crate's own file, and the folders that wrangler's own build would watch. */
  get watched() {
    return this.#watched;
  }

  // As wrangler reads it, in a process of its own: it is large, and needed for a moment.
  async #read() {
    const script = `const { experimental_readRawConfig: read } = require(${JSON.stringify(program(this.#crate))});
      const { configPath: path, rawConfig: raw } = read({ config: ${JSON.stringify(this.#named)} });
      process.stdout.write(JSON.stringify({ path, raw }));`;
    const { code, stdout, stderr } = await run(process.execPath, ["--no-warnings", "--eval", script], { cwd: this.#crate });
    if (code !== 0) throw new Failure(`wrangler cannot read the configuration:\n${stderr.trim()}`);
    return JSON.parse(stdout);
  }

  remove() {
    if (this.#file) rmSync(this.#file, { force: true });
  }
}

/** `wrangler dev`, which has the terminal. */
export class WranglerDev {
  #child;

  constructor(crate, config, options) {
    const args = ["--no-warnings", program(crate), "dev", "--config", config, ...options];
    this.#child = spawn(process.execPath, args, { cwd: crate, stdio: "inherit" });
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
  }
}

// wrangler's program without the one that starts it, and would have to be ended besides.
function program(crate) {
  return createRequire(join(wrangler(crate), "package.json")).resolve("wrangler");
}
