// MCP servers that others wrote, each on a free port of loopback: tests/others has them, `scripts/setup others` their packages. That of
// rmcp is in tests/rmcp.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Child, root } from "./child.mjs";
import { freePorts } from "./port.mjs";
import { RMCP_SERVER } from "./rmcp.mjs";

const folder = join(root, "tests/others");
export const PYTHON = join(root, ".tools/fastmcp/bin/python");

/** The reason for which FastMCP is not here. */
export const withoutFastMcp = existsSync(PYTHON) ? false : "python3 with venv is not installed, so FastMCP is not";

// wrangler bundles the Worker first, on a machine with other work.
const START_MS = 180_000;

export const sdk1 = () => start(process.execPath, ["sdk-1.mjs"]);
export const sdk2 = () => start(process.execPath, ["sdk-2.mjs"]);
export const fastMcp = () => start(PYTHON, ["fastmcp_server.py"]);
/** Needs `buildRmcp`. */
export const rmcp = () => start(RMCP_SERVER, []);

export async function everything() {
  const [port] = await freePorts(1);
  const program = join(folder, "node_modules/@modelcontextprotocol/server-everything/dist/index.js");
  return start(process.execPath, [program, "streamableHttp"], { env: { PORT: `${port}` }, match: /listening on port (\d+)/, host: "localhost" });
}

export function mcpAgent() {
  const args = ["dev", "--config", join(folder, "agent/wrangler.toml"), "--port", "0", "--ip", "127.0.0.1", "--inspector-port", "0", "--show-interactive-dev-session=false"];
  return start("wrangler", args, { env: { WRANGLER_SEND_METRICS: "false" }, match: /Ready on http:\/\/127\.0\.0\.1:(\d+)/ });
}

/** Starts one: `{ origin, output, stop() }` once it tells its port. */
async function start(command, args, { env = {}, match = /^port (\d+)$/, host = "127.0.0.1" } = {}) {
  const child = new Child(command, args, { group: true, cwd: folder, env });
  try {
    const [, port] = match.exec((await child.line(match, { ms: START_MS })).text);
    return {
      origin: `http://${host}:${port}`,
      stop: () => child.stop(),
      get output() {
        return child.output;
      },
      [Symbol.asyncDispose]: () => child.stop(),
    };
  } catch (error) {
    await child.kill();
    throw error;
  }
}
