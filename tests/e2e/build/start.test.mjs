// The README's first command, as a user runs it.
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { descendants, isRunning, root, run, temporaryFolder } from "../../support/child.mjs";
import { open, openSse, send } from "../../support/mcp.mjs";
import { until } from "../../support/wait.mjs";
import { npmStart } from "../../support/wrangler.mjs";

test("npm start serves the page and both transports, and ends with all that it started", async () => {
  const server = await start();
  try {
    const home = await send(server, "GET", "/");
    assert.equal(home.status, 200, `${home}`);
    assert.match(home.text, /<html/i);
    const session = await open(server);
    assert.equal(await session.callText("add", { a: 40, b: 2 }), "42");
    const legacy = await openSse(server);
    assert.equal(await legacy.callText("add", { a: 40, b: 2 }), "42");
    legacy.close();
    // npm alone is ended, as by whatever started it, and hands this on to nobody.
    const started = descendants(server.pid);
    assert.ok(started.length > 2, `${started}`);
    process.kill(server.pid, "SIGTERM");
    await until(() => !started.some(isRunning), () => `the end of ${started.filter(isRunning)}`);
  } catch (error) {
    error.message += `\nnpm start said:\n${server.output}`;
    throw error;
  } finally {
    await server.stop();
  }
});

test("npm start ends when npm is killed, also where a shell between stays", async () => {
  const shell = join(temporaryFolder("durable-mcp-shell"), "shell");
  writeFileSync(shell, '#!/bin/sh\nsh "$@"\nexit $?\n');
  chmodSync(shell, 0o755);
  const server = await start({ npm_config_script_shell: shell });
  try {
    const started = descendants(server.pid);
    process.kill(server.pid, "SIGKILL");
    await until(() => !started.some(isRunning), () => `the end of ${started.filter(isRunning)}`);
  } finally {
    await server.stop();
  }
});

test("npm run wrangler runs the wrangler that serves", async () => {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/wrangler/package.json"), "utf8"));
  const { code, stdout, stderr } = await run("npm", ["run", "--silent", "wrangler", "--", "--version"]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trim(), version);
});

/** The server with the module of the other tests, which is there already. */
const start = (env = {}) => npmStart({ env: { DURABLE_MCP_PROFILE: "release", ...env } });
