// The local bridge between clients and servers that others wrote: each client with each server connects, lists the tools, calls some
// and leaves.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PROGRAM } from "../../support/bridge.mjs";
import { NO_BROWSER } from "../../support/callback.mjs";
import { isRunning, removeFolder, temporaryFolder } from "../../support/child.mjs";
import { everything, fastMcp, mcpAgent, rmcp, sdk1, sdk2, withoutFastMcp } from "../../support/others.mjs";
import { BUILD_MS, buildRmcp } from "../../support/rmcp.mjs";
import { CLIENTS } from "../../support/stdio-clients.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const add = { name: "add", arguments: { a: 40, b: 2 }, says: /^42(\.0)?$/ };
const greet = { name: "greet", arguments: {}, says: /^Hello Ada$/ };
const asked = { name: "test_elicitation", arguments: { message: "Who?" }, says: /Ada/ };
const counted = { name: "test_tool_with_progress", arguments: {}, says: /executed/, hasProgress: true };
const timed = { name: "trigger-long-running-operation", arguments: { duration: 0.1, steps: 2 }, says: /completed/, hasProgress: true };
const own = [{ name: "echo", arguments: { text: "bread" }, says: /^bread$/ }, counted, asked];

// With sessions, HTTP+SSE or neither: the bridge gives each client the newest version that it speaks.
const SERVERS = [
  { name: "our Worker", start: fixture, calls: own, paths: ["/mcp", "/sse"] },
  { name: "the TypeScript SDK 1", start: sdk1, calls: [add, greet], paths: ["/mcp", "/sse"] },
  { name: "the TypeScript SDK 2", start: sdk2, calls: [add], paths: ["/mcp"] },
  { name: "FastMCP", start: fastMcp, skip: withoutFastMcp, calls: [add], paths: ["/mcp"] },
  { name: "rmcp", start: rmcp, calls: [add], paths: ["/mcp"] },
  { name: "McpAgent", start: mcpAgent, calls: [add], paths: ["/mcp", "/sse"] },
  { name: "server-everything", start: everything, calls: [{ name: "echo", arguments: { message: "bread" }, says: /bread/ }, timed], paths: ["/mcp"] },
];

// Tells its process id, and is the bridge from then on.
const TELLING = 'echo $$ > "$1/$$.pid"; shift; exec "$@"';

before(buildRmcp, { timeout: BUILD_MS });

for (const { name, start, skip = false, calls, paths } of SERVERS) {
  describe(`a server of ${name}`, { skip }, () => {
    let server;
    before(async () => (server = await start()));
    after(() => server?.stop());

    for (const path of paths) {
      for (const client of CLIENTS) {
        test(`${client.name} uses it at ${path}`, { skip: client.skip ?? false }, async () => {
          const folder = temporaryFolder("durable-mcp-remote");
          const made = client.isPlain ? calls.slice(0, 1) : calls;
          try {
            const { version, tools, results, progress } = await client.use({
              command: "sh",
              args: ["-c", TELLING, "sh", folder, PROGRAM, `${server.url ?? server.origin}${path}`],
              env: { PATH: process.env.PATH, HOME: folder, MCP_REMOTE_CONFIG_DIR: join(folder, "files"), ...NO_BROWSER },
              calls: made.map(({ name, arguments: args, hasProgress = false }) => ({ name, arguments: args, hasProgress })),
              answer: { name: "Ada", username: "Ada", email: "ada@example.com" },
            });
            assert.equal(version, client.generation === "modern" ? "2026-07-28" : "2025-11-25");
            for (const [index, call] of made.entries()) {
              assert.ok(tools.includes(call.name), `${tools}`);
              assert.match(results[index].join("\n"), call.says);
            }
            if (made.some(({ hasProgress }) => hasProgress)) {
              assert.ok(progress.length > 1, `${progress}`);
              assert.deepEqual(progress, [...progress].sort((a, b) => a - b));
            }
            await until(() => pids(folder).every((pid) => !isRunning(pid)), () => `the end of ${pids(folder)}`);
          } finally {
            for (const pid of pids(folder)) if (isRunning(pid)) process.kill(pid, "SIGKILL");
            removeFolder(folder);
          }
        });
      }
    }
  });
}

function pids(folder) {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".pid"))
    .map((file) => Number(readFileSync(join(folder, file), "utf8")));
}
