// `durable-mcp dev`: `wrangler dev` beside a watcher that builds. The old server answers while a build runs or fails.
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build, folderOf } from "./build.mjs";
import { exitCode, stopPrograms } from "./process.mjs";
import { launchers } from "./started.mjs";
import { Report } from "./report.mjs";
import { BuildFailure, Failure, say } from "./say.mjs";
import { Served } from "./served.mjs";
import { filesRead } from "./stamp.mjs";
import { Watched, around } from "./watch.mjs";
import { Configuration, WranglerDev, configuration } from "./wrangler.mjs";
import { standInOf, startStandIn } from "../stand-in/option.mjs";

const LOOK_MS = 500;

/** Serves the crate of this folder until it is ended, and gives the exit code. */
export async function dev({ options, profile, cargo }) {
  const session = new Session({ options, profile, cargo });
  const signalled = new Promise((done) => {
    for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) process.on(signal, () => done(exitCode(signal)));
  });
  try {
    return await Promise.race([session.run(), signalled, abandoned()]);
  } finally {
    await session.stop();
  }
}

// npm does not hand on every signal that ends it, and the shell between does not notice its end.
async function abandoned() {
  const parent = process.ppid;
  const above = process.env.npm_command ? launchers() : [];
  const isLeft = () => process.env.npm_command && (process.ppid !== parent || above.some((launcher) => !launcher.isRunning));
  while (!isLeft()) await sleep(LOOK_MS, undefined, { ref: false });
  return exitCode("SIGTERM");
}

class Session {
  #crate = resolve(".");
  #report = new Report();
  #build;
  #options;
  #named;
  #served;
  #configuration;
  #watched;
  #wrangler;
  // The name of a provider's stand-in, if one is asked for, and then what runs of it.
  #standIn;
  #provider;
  #stopped = false;
  // Of the last build: one that failed notes nothing.
  #read = [];

  constructor({ options, profile, cargo }) {
    const { name, rest: others } = standInOf(options);
    const { named, rest } = configuration(others);
    this.#standIn = name;
    this.#options = rest;
    this.#named = named;
    this.#build = { crate: this.#crate, profile, cargo };
  }

  async run() {
    await this.#report.start();
    this.#served = new Served(this.#crate, this.#report.url);
    this.#configuration = new Configuration({ crate: this.#crate, named: this.#named, entry: this.#served.entry });
    const [config] = await Promise.all([this.#configuration.write(), this.#firstBuild()]);
    if (this.#standIn) this.#provider = await startStandIn(this.#standIn);
    await this.#configured();
    const options = [...this.#options, ...(this.#provider?.options ?? [])];
    this.#wrangler = new WranglerDev(this.#crate, config, options, this.#served.programs);
    return Promise.race([this.#wrangler.ended, this.#follow()]);
  }

  async stop() {
    this.#stopped = true;
    stopPrograms();
    await this.#wrangler?.stop();
    await this.#provider?.stop();
    this.#configuration?.remove();
    this.#served?.remove();
  }

  // Until something was built there is nothing to serve.
  async #firstBuild() {
    this.#watched = new Watched(this.#paths());
    while (!(await this.#built()) && !this.#stopped) {
      say("waiting for a change");
      this.#watched.watch(this.#paths());
      await this.#watched.change();
    }
    await this.#served.publish(folderOf(this.#crate));
  }

  async #follow() {
    for (;;) {
      this.#watched.watch(this.#paths());
      // A change during the build, too.
      await this.#configured();
      await this.#watched.change();
      await this.#configured();
      // Another process may have built what is there.
      if (await this.#built()) await this.#served.publish(folderOf(this.#crate));
    }
  }

  /** Whether a build succeeded. */
  async #built() {
    try {
      await build(this.#build);
      if (this.#report.failure !== undefined) say("mended");
      this.#report.failure = undefined;
      return true;
    } catch (error) {
      if (this.#stopped) return false;
      // An edit does not install a tool that is missing.
      if (!(error instanceof BuildFailure || (error instanceof Failure && this.#wrangler))) throw error;
      say(`${error.message}${this.#wrangler ? ": the last build that worked is served" : ""}`);
      this.#report.failure = error.text ?? error.message;
      return false;
    }
  }

  // wrangler notices that its file has changed.
  async #configured() {
    try {
      await this.#configuration.update();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      say(error.message);
    }
  }

  #paths() {
    const usual = ["Cargo.toml", "Cargo.lock", "build.rs", "src"].map((name) => resolve(this.#crate, name));
    this.#read = filesRead(this.#crate, folderOf(this.#crate)) ?? this.#read;
    return [...new Set([...usual, ...around(this.#read, this.#crate), ...this.#configuration.watched])];
  }
}
