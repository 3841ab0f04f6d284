// The files that `wrangler dev` serves: a copy of each finished build, and an entry point that names the newest. The entry
// point is replaced in one step, so that no half of a build is ever loaded.
import { constants, copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Programs } from "./programs.mjs";
import { say } from "./say.mjs";
import { OUTPUTS, edition } from "./stamp.mjs";
import { Started } from "./started.mjs";

// wrangler may still read the one before.
const KEPT = 3;
const AGAIN_MS = 100;

/** The copies of one `durable-mcp dev`. */
export class Served {
  #folder;
  #report;
  #number = 0;
  #edition;

  /** `report` is the address of the page for failures. */
  constructor(crate, report) {
    const all = join(crate, ".wrangler/durable-mcp");
    this.#folder = join(all, `${process.pid}`);
    this.#report = report;
    mkdirSync(all, { recursive: true });
    for (const name of readdirSync(all)) removeLeft(join(all, name), name);
    mkdirSync(this.#folder);
    /** Processes beside this one. */
    this.programs = new Programs(programsOf(this.#folder));
    this.programs.note(process.pid);
  }

  get entry() {
    return join(this.#folder, "entry.js");
  }

  /** Serves what is in the folder of a build, unless that is served already. */
  async publish(build) {
    if (this.#edition !== undefined && this.#edition === edition(build)) return;
    const name = `${++this.#number}`;
    const copy = join(this.#folder, name);
    mkdirSync(copy);
    // Another process can build the same crate meanwhile.
    for (;;) {
      const before = edition(build);
      if (before) for (const file of OUTPUTS) copyFileSync(join(build, file), join(copy, file), constants.COPYFILE_FICLONE);
      if (before && before === (this.#edition = edition(build))) break;
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

const programsOf = (folder) => join(folder, "programs");

// Removes the folder of a `durable-mcp dev` that was killed, whose programs would keep the port.
function removeLeft(folder, name) {
  const programs = new Programs(programsOf(folder));
  const owner = programs.owner ?? Started.parse(name);
  // A process of the same id was before this one.
  if (owner?.isRunning && owner.pid !== process.pid) return;
  const ended = programs.kill();
  if (ended.length > 0) say(`ended what another \`durable-mcp dev\` had left (process ${ended.join(", ")})`);
  rmSync(folder, { recursive: true, force: true });
}

// The server itself, but for its page where there is a failure to show. That has lines of the source: names other than those of this
// machine, which a page of the web can have point here, see it only where the server itself answers them. On https it does so by
// any name, and a page can pass for one on https (`X-Forwarded-Proto`).
function entry(server, report) {
  return `import server from ${JSON.stringify(server)};
export * from ${JSON.stringify(server)};

const LOOPBACK = /^(localhost|127\\.\\d+\\.\\d+\\.\\d+|\\[::1\\])$/;

const isAllowed = async (request, env, context) => {
  const url = new URL(request.url);
  const names = [url.hostname, URL.parse(\`http://\${request.headers.get("host")}\`)?.hostname ?? ""];
  if (names.every((name) => LOOPBACK.test(name))) return true;
  return url.protocol === "http:" && (await server.fetch(request.clone(), env, context)).ok;
};

const failure = async (request, env, context) => {
  const isPage = request.method === "GET" && new URL(request.url).pathname === "/";
  if (!isPage || !request.headers.get("accept")?.includes("text/html")) return undefined;
  const told = await fetch(${JSON.stringify(report)}).catch(() => undefined);
  if (told?.status !== 200 || !(await isAllowed(request, env, context))) return undefined;
  const headers = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
  return new Response(told.body, { status: 500, headers });
};

export default {
  ...server,
  async fetch(request, env, context) {
    return (await failure(request, env, context)) ?? server.fetch(request, env, context);
  },
};
`;
}
