// The MCP Inspector, as it is installed.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Child, packageFolder } from "./child.mjs";
import { freePorts } from "./port.mjs";

/** The program that starts the Inspector. */
export const INSPECTOR = join(packageFolder("@modelcontextprotocol/inspector"), "clients/launcher/build/index.js");

/** Puts servers into its list, `{ [name]: { type, url, protocolEra, ... } }`, as it keeps them in a home folder. */
export function writeCatalog(home, servers) {
  const folder = join(home, ".mcp-inspector");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "mcp.json"), JSON.stringify({ mcpServers: servers }));
}

/** Starts its web page: `{ url, token, stop() }`. Its backend takes fixed ports only; both are retried if someone was faster. */
export async function startWeb(home, attempts = 3) {
  const token = "tests";
  const [client, sandbox] = await freePorts(2);
  const child = new Child("node", [INSPECTOR, "--web"], {
    group: true,
    env: {
      HOME: home,
      HOST: "127.0.0.1",
      CLIENT_PORT: `${client}`,
      MCP_SANDBOX_PORT: `${sandbox}`,
      MCP_INSPECTOR_API_TOKEN: token,
      MCP_INSPECTOR_SECRET_STORE: "memory",
      MCP_AUTO_OPEN_ENABLED: "false",
    },
  });
  try {
    await child.line(/up and running/);
  } catch (error) {
    await child.kill();
    if (attempts > 1 && /EADDRINUSE|in use/i.test(child.output)) return startWeb(home, attempts - 1);
    throw error;
  }
  return { token, url: `http://127.0.0.1:${client}`, stop: () => child.stop() };
}
