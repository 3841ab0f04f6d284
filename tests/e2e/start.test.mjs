// The README's first command, as a user runs it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { descendants, isRunning } from "../support/child.mjs";
import { open, openSse, send } from "../support/mcp.mjs";
import { until } from "../support/wait.mjs";
import { npmStart } from "../support/wrangler.mjs";

test("npm start serves the page and both transports, and ends with all that it started", async () => {
  // The module of the other tests, which is there already.
  const server = await npmStart({ env: { DURABLE_MCP_PROFILE: "release" } });
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
