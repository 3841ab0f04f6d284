// The TypeScript SDK's client of 2026-07-28 for the official conformance suite, which speaks to the server through the local bridge:
// `node bridge-driver-modern.mjs URL`.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { PROGRAM } from "./bridge.mjs";
import { BROWSER, bridgeArguments, callsOf, defaults, serverUrl } from "./bridge-scenarios.mjs";
import { NO_BROWSER } from "./callback.mjs";
import { temporaryFolder } from "./child.mjs";

const client = new Client(
  { name: "tests", version: "1.0.0" },
  { capabilities: { elicitation: {} }, versionNegotiation: { mode: { pin: "2026-07-28" } } },
);
client.setRequestHandler("elicitation/create", ({ params }) => ({ action: "accept", content: defaults(params) }));
// The base class would look at the server's version in a process of its own.
class OneProcess extends StdioClientTransport {}

const transport = new OneProcess({
  command: PROGRAM,
  args: [serverUrl, ...bridgeArguments],
  env: { ...process.env, ...NO_BROWSER, BROWSER, MCP_REMOTE_CONFIG_DIR: temporaryFolder("durable-mcp-remote") },
});

// What a server refuses is its scenario's business.
const tried = (answer) => answer.catch((error) => console.error(`${error}`));

await client.connect(transport);
try {
  const { tools } = await client.listTools();
  for (const call of callsOf(tools)) await tried(client.callTool(call));
  const { resources, prompts } = client.getServerCapabilities();
  if (resources) for (const { uri } of (await client.listResources()).resources) await tried(client.readResource({ uri }));
  if (prompts) for (const { name } of (await client.listPrompts()).prompts) await tried(client.getPrompt({ name }));
  console.log(`connected by ${client.getNegotiatedProtocolVersion()} with ${tools.length} tools`);
} finally {
  await client.close();
}
process.exit();
