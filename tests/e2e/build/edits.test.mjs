// `durable-mcp dev`, as `npm start` runs it: edits of a server while clients use it.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Child, descendants, isRunning, removeFolder, run, temporaryFolder } from "../../support/child.mjs";
import { send } from "../../support/mcp.mjs";
import { DURABLE_MCP, starter } from "../../support/starter.mjs";
import { Stateless } from "../../support/stateless.mjs";
import { WAIT_MS, sleep, until } from "../../support/wait.mjs";
import { BUILD_MS } from "../../support/wrangler.mjs";

// Of a build after an edit, on a machine with other work.
const EDIT_MS = 180_000;
const EVERY_MS = 50;

// wrangler's own answer to a request that is under way in the very moment in which it replaces the server.
const RESTARTED = /Your worker restarted mid-request/;

describe("edits", () => {
  const { folder, env, write, edit } = starter("edits");
  const state = temporaryFolder("durable-mcp-edits");
  let child;
  let client;
  let server;
  let requests;

  before(async () => {
    child = dev();
    // The first build runs meanwhile.
    await until(() => existsSync(configuration()), () => `the configuration\n${child.output}`);
    configure("BEFORE");
    server = { url: await address(child) };
    client = new Stateless(server);
    requests = new Requests(client);
  });
  after(async () => {
    await requests?.stop();
    await child.stop({ grace: 10_000 });
    removeFolder(folder);
    removeFolder(state);
  });

  const dev = () => new Child(process.execPath, [DURABLE_MCP, "dev", "--port", "0", "--persist-to", state], { cwd: folder, env });
  const address = async (child) => /http:\/\/[^\s/]+/.exec((await child.line(/Ready on http:/, { ms: BUILD_MS })).text)[0];
  // wrangler's own file of configuration, and an edit of the server's.
  const configuration = () => join(folder, `.wrangler-dev-${child.process.pid}.json`);
  const configure = (name) => edit("wrangler.toml", "[vars]\n", `[vars]\n${name} = "1"\n`);
  const configured = (name) => until(() => readFileSync(configuration(), "utf8").includes(name), () => `${name}\n${child.output}`, { ms: EDIT_MS });
  const served = (text) => until(async () => requests.last?.includes(text), () => `${text}\n${child.output}`, { ms: EDIT_MS });
  const page = () => send(server, "GET", "/", { headers: { accept: "text/html" } });

  test("the first build is served, with a configuration that was edited meanwhile", async () => {
    await configured("BEFORE");
    assert.equal(await client.callText("say"), "source 1, library 1, text 1, 1.0.0");
    assert.equal((await page()).status, 200);
  });

  for (const [what, change, text] of [
    ["a source", () => edit("src/lib.rs", "source 1", "source 2"), "source 2"],
    ["a crate that the server depends on", () => edit("words/src/lib.rs", "library 1", "library 2"), "library 2"],
    ["a file that is included", () => edit("text/words.txt", "text 1", "text 2"), "text 2"],
    ["Cargo.toml", () => edit("Cargo.toml", 'version = "1.0.0"', 'version = "1.0.1"'), "1.0.1"],
  ]) {
    test(`edits of ${what} are served, and no request fails meanwhile`, async () => {
      requests.failed = [];
      change();
      await served(text);
      assert.deepEqual(requests.failed, []);
    });
  }

  test("edits of source and configuration at once, or during a build, are served", async () => {
    child.signal("SIGSTOP");
    configure("TOGETHER");
    edit("src/lib.rs", "source 2", "source 2a");
    child.signal("SIGCONT");
    await Promise.all([configured("TOGETHER"), served("source 2a")]);
    const { length } = child.lines;
    edit("src/lib.rs", "source 2a", "source 2b");
    await until(() => child.lines.slice(length).some(({ text }) => /Compiling starter/.test(text)), () => child.output, { ms: EDIT_MS, every: 5 });
    configure("DURING");
    edit("src/lib.rs", "source 2b", "source 2c");
    await Promise.all([configured("DURING"), served("source 2c")]);
  });

  test("edits that break the configuration are reported by their line alone", async () => {
    const { length } = child.lines;
    edit("wrangler.toml", /^/, "broken = nothing\n");
    const { text } = await child.line(/wrangler\.toml:1: /, { ms: EDIT_MS });
    assert.match(text, /wrangler\.toml:1: .*invalid value/);
    // Neither the whole file nor a stack. wrangler's own stacks are of Node.js.
    assert.ok(!child.lines.slice(length).some(({ text }) => /compatibility_date|\.m?js:\d+:\d+/.test(text)), child.output);
    edit("wrangler.toml", "broken = nothing\n", "");
    configure("MENDED");
    await configured("MENDED");
  });

  test("edits that another process has built are served", async () => {
    child.signal("SIGSTOP");
    edit("src/lib.rs", "source 2c", "source 2");
    const { code, stderr } = await run(process.execPath, [DURABLE_MCP, "build"], { cwd: folder, env: { ...env, DURABLE_MCP_PROFILE: "dev" }, ms: EDIT_MS });
    assert.equal(code, 0, stderr);
    child.signal("SIGCONT");
    await until(async () => /source 2,/.test(requests.last), () => `source 2\n${child.output}`, { ms: EDIT_MS });
  });

  test("edits that do not compile leave the server unchanged and show the error", async () => {
    requests.failed = [];
    edit("src/lib.rs", "async fn say() -> String {", "mod more;\n\nasync fn say() -> String {");
    await child.line(/the last build that worked is served/, { ms: EDIT_MS });
    assert.match(child.output, /error.*file not found for module `more`/);
    const { status, text } = await page();
    assert.equal(status, 500);
    assert.match(text, /The server does not compile/);
    assert.match(text, /file not found for module `more`/);
    assert.doesNotMatch(text, /Compiling|\x1b/);
    // Not for programs, and nowhere else.
    for (const [path, accept] of [["/", "*/*"], ["/mcp", "text/html"]]) {
      assert.doesNotMatch((await send(server, "GET", path, { headers: { accept } })).text, /does not compile/);
    }
    assert.match(await client.callText("say"), /source 2/);
    // A page of the web can have its name point to this machine, and pass for one on https.
    for (const more of [{}, { "x-forwarded-proto": "https" }]) {
      const answer = await send(server, "GET", "/", { headers: { accept: "text/html", host: "evil.example", ...more } });
      assert.doesNotMatch(answer.text, /does not compile|more/);
    }

    // The file that is missing is in no list of what was read.
    write("src/more/mod.rs", "// Nothing more.\n");
    await until(async () => (await page()).status === 200, () => `the page\n${child.output}`, { ms: EDIT_MS });
    edit("src/lib.rs", "source 2", "source 3");
    await served("source 3");
    assert.deepEqual(requests.failed, []);
  });

  test("the removal of a source is noticed", async () => {
    removeFolder(join(folder, "src/more"));
    edit("src/lib.rs", "mod more;\n\n", "");
    edit("src/lib.rs", "source 3", "source 4");
    await served("source 4");
  });

  test("the end of the server leaves nothing behind", async () => {
    await requests.stop();
    const started = descendants(child.process.pid);
    assert.ok(started.length > 1, `${started}`);
    await child.stop({ grace: 20_000 });
    await ended(started);
    assert.deepEqual(configurations(), []);
    assert.ok(!existsSync(join(folder, ".wrangler/durable-mcp", `${child.process.pid}`)));
  });

  const configurations = () => readdirSync(folder).filter((name) => name.startsWith(".wrangler-dev"));
  const ended = (pids) => until(() => !pids.some(isRunning), () => `the end of ${pids.filter(isRunning)}\n${child.output}`);
  // Of `durable-mcp dev`: wrangler, and what it started.
  const programs = () => descendants(child.process.pid);

  test("the program ends with wrangler when that is killed", async () => {
    child = dev();
    await address(child);
    const [wrangler, ...others] = programs();
    assert.ok(others.length > 0);
    process.kill(wrangler, "SIGKILL");
    await ended([wrangler, ...others, child.process.pid]);
  });

  test("a killed program ends its children, and the next one removes what it left", async () => {
    child = dev();
    await address(child);
    const [wrangler, ...others] = programs();
    for (const pid of [child.process.pid, wrangler]) process.kill(pid, "SIGKILL");
    assert.ok(others.some(isRunning));
    child = dev();
    await address(child);
    await ended(others);
    assert.match(child.output, /ended what another `durable-mcp dev` had left/);
    assert.equal(configurations().length, 1);

    const started = programs();
    process.kill(child.process.pid, "SIGKILL");
    await ended(started);
  });
});

/** Calls the tool again and again, as a client would. */
class Requests {
  /** The last answer. */
  last;
  failed = [];
  #stopped = false;
  #loop;

  constructor(client) {
    this.#loop = this.#run(client);
  }

  async #run(client) {
    while (!this.#stopped) {
      try {
        const { status, text } = await client.post(client.message(1, "tools/call", { name: "say", arguments: {} }), { ms: WAIT_MS });
        if (status === 200) this.last = text;
        else if (!RESTARTED.test(text)) this.failed.push(`${status} ${text}`);
      } catch (error) {
        if (!this.#stopped) this.failed.push(`${error}`);
      }
      await sleep(EVERY_MS);
    }
  }

  async stop() {
    this.#stopped = true;
    await this.#loop;
  }
}
