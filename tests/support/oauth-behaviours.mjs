// Runs behaviours: as tests of ours, or against any provider for the table.
//
// A behaviour is `{ number, name, setup?, options?, web?, note?, differs?, run: async (target) => {} }`:
//
// - `run` throws where the target does something else, or `NotOffered` where it has no such thing
// - `setup` and `options` are those of `ours` and `reference`; all that have the same share a server, so each registers
//   clients of its own
// - `web` gives the target `web`, a `documentHost` that is all of the web to it
// - `note` is for the table
// - `differs` says why ours does something else on purpose
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { documentHost } from "./document-host.mjs";
import { NotOffered, ours } from "./oauth.mjs";

/** One test for each behaviour, against ours. Call it at the top of a test file. */
export function testOurs(behaviours) {
  const targets = new Targets(ours);
  after(() => targets.stop());
  for (const behaviour of behaviours) {
    const { number, name, differs } = behaviour;
    test(`${number} ${differs ? "not so here: " : ""}${name}`, async () => {
      const running = behaviour.run(await targets.for(behaviour));
      // The table says that ours is different, which has to stay true.
      return differs ? assert.rejects(running) : running;
    });
  }
}

/** Runs behaviours against a provider: `{ number, name, note, result: "pass" | "fail" | "not offered", why }` each. */
export async function results(start, behaviours) {
  const targets = new Targets(start);
  const all = [];
  try {
    for (const behaviour of behaviours) all.push({ ...behaviour, ...(await result(targets, behaviour)) });
  } finally {
    await targets.stop();
  }
  return all;
}

async function result(targets, behaviour) {
  try {
    await behaviour.run(await targets.for(behaviour));
    return { result: "pass" };
  } catch (error) {
    return { result: error instanceof NotOffered ? "not offered" : "fail", why: error.message };
  }
}

/** One server for each setup, started when the first behaviour needs it. */
class Targets {
  #started = new Map();

  constructor(start) {
    this.start = start;
  }

  for({ setup = {}, options = {}, web = false }) {
    const key = JSON.stringify([setup, options, web]);
    if (!this.#started.has(key)) {
      this.#started.set(key, web ? this.#withWeb(setup, options) : this.start(setup, options));
    }
    return this.#started.get(key);
  }

  async #withWeb(setup, options) {
    const web = await documentHost();
    return Object.assign(await this.start(setup, { ...options, outbound: web.outbound }), { web });
  }

  async stop() {
    for (const starting of this.#started.values()) {
      const target = await starting.catch(() => undefined);
      await target?.stop();
      await target?.web?.stop();
    }
    this.#started.clear();
  }
}
