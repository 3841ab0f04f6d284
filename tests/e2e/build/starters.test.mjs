// The starters, as their users have them: created by create-cloudflare, with the library and the npm package by version.
// `minimal` is served, edited and called; the others are tested and built.
//
//   node tests/e2e/build/starters.test.mjs --all      the others are served, too, and all are built as for a deployment
import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { removeFolder, root, run } from "../../support/child.mjs";
import { send } from "../../support/mcp.mjs";
import { create, folderForServers, startPublished } from "../../support/starters/create.mjs";
import { packed } from "../../support/starters/packed.mjs";
import { parse } from "../../support/toml.mjs";
import { WAIT_MS, until } from "../../support/wait.mjs";
import { BUILD_MS, npmStart } from "../../support/wrangler.mjs";

const ALL = process.argv.includes("--all");
const LIMIT = { timeout: WAIT_MS };

// Of an edit until it is served, on a machine with other work.
const EDIT_MS = 180_000;

// The text on the page of each starter whose secrets are not set.
const OTHERS = {
  github: /GITHUB_CLIENT_ID is not set/,
  cloudflare: /CLOUDFLARE_CLIENT_ID is not set/,
  company: /OIDC_CLIENT_ID is not set/,
};

const servers = folderForServers();
const env = {
  CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR ?? join(root, "target"),
  DURABLE_MCP_BUILD_TOOL: "",
  DURABLE_MCP_PROFILE: "",
  WORKERS_CI: "",
};
let published;

before(async () => {
  published = await startPublished(await packed());
});
after(async () => {
  await published?.[Symbol.asyncDispose]();
  removeFolder(servers);
});

describe("minimal", () => {
  let cwd;
  let server;
  let client;
  before(async () => {
    cwd = await created("minimal", "my-server");
  });
  after(async () => {
    await client?.close();
    await server?.stop();
  });

  test("a server of it has its own name, and nothing else is changed that it needs", () => {
    assert.equal(JSON.parse(readFileSync(join(cwd, "package.json"))).name, "my-server");
    const { name, ...settings } = parse(readFileSync(join(cwd, "wrangler.toml"), "utf8"));
    assert.equal(name, "my-server");
    assertKept(settings, "minimal");
  });

  test("its test passes", () => npm(cwd, "test"));

  test("npm start serves it, and a client calls its tools", async () => {
    server = await npmStart({ cwd, env });
    const { status, text } = await send(server, "GET", "/");
    assert.equal(status, 200, text);
    assert.match(text, /href="\/playground"/);
    assert.match((await send(server, "GET", "/playground")).text, /src="\/playground\/shell-\w+\.js"/);
    client = await connect(server);
    assert.equal(await call(client, "add", { a: 40, b: 2 }), "42");
    assert.equal(await call(client, "remember", { text: "milk" }), "Remembered note 1.");
  });

  test("the tool that its README adds is served", async () => {
    const [, code] = /```rust\n([^]*?)```/.exec(readFileSync(join(cwd, "README.md"), "utf8"));
    const [tool, line] = code.trim().split(/\n\n/);
    edit(cwd, "fn server()", `${tool.trim()}\n\nfn server()`);
    edit(cwd, /(\n +\.tool\("remember".*)/, `$1\n${line}`);
    await until(async () => (await names(client)).includes("shout"), () => `the new tool\n${server.output}`, { ms: EDIT_MS });
    assert.equal(await call(client, "shout", { text: "milk" }), "MILK");
  });

  test("a panic of a tool is an error of that call, and the session goes on", async () => {
    edit(cwd, "text.to_uppercase()", 'panic!("too loud: {text}")');
    const shout = () => client.callTool({ name: "shout", arguments: { text: "milk" } }, undefined, LIMIT);
    // Until then the old server answers.
    await until(async () => (await shout()).isError, () => `an error\n${server.output}`, { ms: EDIT_MS });
    await server.said(/too loud: milk/);
    assert.equal(await call(client, "remember", { text: "bread" }), "Remembered note 2.");
  });

  test("wrangler deploy has nothing to warn of", () => deploys(cwd));
});

for (const [starter, missing] of Object.entries(OTHERS)) {
  describe(starter, () => {
    let cwd;
    before(async () => {
      cwd = await created(starter, `my-${starter}`);
    });

    test("a server of it keeps all that it needs", () => {
      assertKept(parse(readFileSync(join(cwd, "wrangler.toml"), "utf8")), starter);
      assert.ok(existsSync(join(cwd, ".dev.vars.example")));
    });

    test("its test passes", () => npm(cwd, "test"));

    test("wrangler deploy has nothing to warn of", () => deploys(cwd));

    test("npm start lets nobody in without the secrets, and says which", { skip: !ALL && "only with --all: it compiles each starter for a Worker" }, async () => {
      const server = await npmStart({ cwd, env });
      try {
        assert.match((await send(server, "GET", "/")).text, missing);
        assert.equal((await send(server, "POST", "/mcp", { body: "{}" })).status, 401);
      } finally {
        await server.stop();
      }
    });
  });
}

async function created(starter, name) {
  const { path, output } = await create(starter, { name, folder: servers, env: published.env });
  assert.doesNotMatch(output, /\bERROR\b/i);
  // The versions that are compiled already.
  cpSync(join(root, "Cargo.lock"), join(path, "Cargo.lock"));
  return path;
}

// create-cloudflare writes wrangler.toml anew.
function assertKept(settings, starter) {
  const { name: _, ...own } = parse(readFileSync(join(root, "examples", starter, "wrangler.toml"), "utf8"));
  for (const [key, value] of Object.entries(own)) assert.deepEqual(settings[key], value, key);
}

async function npm(cwd, script, { profile = "", args = [] } = {}) {
  const options = { cwd, env: { ...env, DURABLE_MCP_PROFILE: profile }, ms: BUILD_MS };
  const { code, stdout, stderr } = await run("npm", ["run", script, "--", ...args], options);
  const said = stdout + stderr;
  assert.equal(code, 0, said);
  return said;
}

async function deploys(cwd) {
  const profile = ALL ? "release" : "dev";
  // cargo compiles the standard library by itself, and has no use there for the library in place of the published one.
  const withoutPatch = (text) => text.replaceAll(/.*patch `durable-mcp .* was not used.*/g, "");
  assert.doesNotMatch(withoutPatch(await npm(cwd, "build", { profile })), /\bwarning\b/);
  const said = await npm(cwd, "deploy", { profile, args: ["--dry-run"] });
  assert.match(said, /--dry-run: exiting now/);
  assert.doesNotMatch(said, /Compiling/);
  // The build was looked at above, and wrangler passes its lines on in pieces.
  assert.doesNotMatch(said.replaceAll(/^\[custom build\].*/gm, ""), /\bwarn/i);
  const module = readFileSync(join(cwd, "build/index_bg.wasm"));
  if (ALL) console.log(`${cwd}: ${module.length} bytes, ${gzipSync(module).length} compressed`);
}

function edit(cwd, from, to) {
  const file = join(cwd, "src/lib.rs");
  const text = readFileSync(file, "utf8");
  const edited = text.replace(from, to);
  assert.notEqual(edited, text, `${file} has no ${from}`);
  writeFileSync(file, edited);
}

async function connect({ url }) {
  const client = new Client({ name: "tests", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", url)), LIMIT);
  return client;
}

async function names(client) {
  const { tools } = await client.listTools(undefined, LIMIT);
  return tools.map(({ name }) => name);
}

async function call(client, name, args) {
  const { content, isError } = await client.callTool({ name, arguments: args }, undefined, LIMIT);
  assert.ok(!isError, content[0].text);
  return content[0].text;
}
