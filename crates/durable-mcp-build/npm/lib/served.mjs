// The files that `wrangler dev` serves: a copy of each finished build, and an entry point that names the newest. The entry
// point is replaced in one step, so that no half of a build is ever loaded.
import { constants, copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning } from "./lock.mjs";
import { OUTPUTS, edition } from "./stamp.mjs";

// wrangler may still read the one before.
const KEPT = 3;
const AGAIN_MS = 100;

/** The copies of one `durable-mcp dev`. */
export class Served {
  #folder;
  #report;
  #number = 0;

  /** `report` is the address of the page for failures. */
  constructor(crate, report) {
    const all = join(crate, ".wrangler/durable-mcp");
    this.#folder = join(all, `${process.pid}`);
    this.#report = report;
    mkdirSync(all, { recursive: true });
    for (const name of readdirSync(all)) if (!isRunning(Number(name))) rmSync(join(all, name), { recursive: true, force: true });
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#folder);
  }

  get entry() {
    return join(this.#folder, "entry.js");
  }

  /** Serves what is in the folder of a build. */
  async publish(build) {
    const name = `${++this.#number}`;
    const copy = join(this.#folder, name);
    mkdirSync(copy);
    // Another process can build the same crate meanwhile.
    for (;;) {
      const before = edition(build);
      if (before) for (const file of OUTPUTS) copyFileSync(join(build, file), join(copy, file), constants.COPYFILE_FICLONE);
      if (before && before === edition(build)) break;
      await sleep(AGAIN_MS);
    }
    const next = join(this.#folder, "next.js");
    writeFileSync(next, entry(`./${name}/index.js`, this.#report));
    renameSync(next, this.entry);
    rmSync(join(this.#folder, `${this.#number - KEPT}`), { recursive: true, force: true });
  }

  remove() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

// The server itself, but for its page where there is a failure to show.
function entry(server, report) {
  return `import server from ${JSON.stringify(server)};
export * from ${JSON.stringify(server)};

const failure = async (request) => {
  const isPage = request.method === "GET" && new URL(request.url).pathname === "/";
  if (!isPage || !request.headers.get("accept")?.includes("text/html")) return undefined;
  const told = await fetch(${JSON.stringify(report)}).catch(() => undefined);
  if (told?.status !== 200) return undefined;
  const headers = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
  return new Response(told.body, { status: 500, headers });
};

export default {
  ...server,
  async fetch(request, env, context) {
    return (await failure(request)) ?? server.fetch(request, env, context);
  },
};
`;
}
