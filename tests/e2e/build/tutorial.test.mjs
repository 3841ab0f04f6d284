// docs/start.md, step by step: its files and commands as they stand there, in a clone.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { withoutHiddenLines } from "../../../docs/.vitepress/markdown.mjs";
import { Child, removeFolder, root, run, temporaryFolder } from "../../support/child.mjs";
import { clone } from "../../support/clone.mjs";
import { open, send } from "../../support/mcp.mjs";
import { BUILD_MS, npmStart } from "../../support/wrangler.mjs";

const PAGE = readFileSync(join(root, "docs/start.md"), "utf8");
const { folder, env } = await clone();
after(() => removeFolder(folder));

describe("the tutorial in a copy of the repository", () => {
  let server;
  before(async () => {
    const tests = snippet("At the end of `src/tools/notes.rs`", "rust");
    writeFileSync(join(folder, "src/tools/notes.rs"), `${snippet("Create `src/tools/notes.rs`", "rust")}\n${tests}`);
    const tools = join(folder, "src/tools.rs");
    const lines = snippet("In `src/tools.rs`, add `mod notes;`", "rust");
    const edited = readFileSync(tools, "utf8").replace(/^mod \w+;/m, "mod notes;\n$&").replace(/^ +\.with\(/m, `${lines}$&`);
    writeFileSync(tools, edited);
    server = await npmStart({ cwd: folder, env });
  });
  after(() => server?.stop());

  test("the page lists the new tools", async () => {
    const { status, text } = await send(server, "GET", "/");
    assert.equal(status, 200, text);
    assert.match(text, /Remember a note/);
    assert.match(text, /Recall all notes/);
  });

  test("the command calls the tool, each time in a session of its own", async () => {
    const command = snippet("with the [MCP Inspector]", "sh").replace("http://localhost:8787", server.url).trim();
    for (let time = 0; time < 2; time++) {
      // npx finds the Inspector installed in this folder.
      const options = { cwd: join(root, "tests"), env: { npm_config_offline: "true" } };
      const { code, stdout, stderr } = await run("sh", ["-c", `${command} </dev/null`], options);
      assert.equal(code, 0, stderr);
      assert.equal(JSON.parse(stdout).content[0].text, "Remembered. Notes so far: 1");
    }
  });

  test("one session keeps its notes", async () => {
    const session = await open(server);
    for (const text of ["Milk", "Bread"]) await session.callText("remember", { text });
    assert.equal(await session.callText("recall"), "Milk\nBread");
  });
});

test("the command runs the test of the tool", async () => {
  const command = snippet("At the end of `src/tools/notes.rs`", "sh").trim().split(" ");
  const { code, stdout, stderr } = await run(command[0], command.slice(1), { cwd: folder, env, ms: BUILD_MS });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /notes_are_kept_from_call_to_call \.\.\. ok/);
});

test("a crate of one's own is built and served beside the clone", async () => {
  const beside = temporaryFolder("durable-mcp-tutorial");
  symlinkSync(folder, join(beside, "durable-mcp"));
  const crate = join(beside, "notes");
  const section = "## In a crate of your own";
  write(join(crate, "Cargo.toml"), snippet("1. `Cargo.toml`:", "toml", section));
  write(join(crate, "src/lib.rs"), snippet("2. `src/lib.rs`:", "rust", section));
  cpSync(join(folder, "Cargo.lock"), join(crate, "Cargo.lock"));
  const build = snippet("and change `name` and `[build]`", "toml", section);
  const settings = readFileSync(join(folder, "wrangler.toml"), "utf8")
    .replace(/^name = .*/m, 'name = "notes"')
    .replace(/^assets = .*\n/m, "")
    .replace(/^\[build\]\n(.+\n)+/m, `${build}\n`);
  write(join(crate, "wrangler.toml"), settings);
  const server = new Child("wrangler", ["dev", "--port", "0", "--persist-to", temporaryFolder("durable-mcp-wrangler")], {
    cwd: crate,
    env: { ...env, DURABLE_MCP_PROFILE: "dev" },
    group: true,
  });
  try {
    const ready = await server.line(/Ready on http:/, { ms: BUILD_MS });
    const session = await open({ url: /http:\/\/[^\s/]+/.exec(ready.text)[0] });
    assert.equal(await session.callText("remember"), "Remembered.");
    assert.ok(existsSync(join(crate, "build/index.js")));
  } catch (error) {
    error.message += `\nwrangler said:\n${server.output}`;
    throw error;
  } finally {
    await server.stop({ grace: 10_000 });
  }
});

/** The first snippet of a language behind that text, as the site shows it. */
function snippet(text, language, section = "") {
  const from = PAGE.indexOf(text, PAGE.indexOf(section));
  assert.ok(from >= 0, `docs/start.md lacks "${text}"`);
  const [, indent, code] = new RegExp(`^( *)\`\`\`${language}\\n([^]*?)^\\1\`\`\``, "m").exec(PAGE.slice(from));
  return withoutHiddenLines(code.replaceAll(new RegExp(`^${indent}`, "gm"), ""));
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
