// A client for the official conformance suite that speaks to the server through the local bridge: `node bridge-driver.mjs URL`.
// The suite names the scenario in MCP_CONFORMANCE_SCENARIO; DRIVER_ARGS are further arguments of the bridge, as a JSON array.
import { fileURLToPath } from "node:url";
import { startBridge } from "./bridge.mjs";

const url = process.argv.at(-1);
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? "";
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}");
const args = [...JSON.parse(process.env.DRIVER_ARGS ?? "[]"), ...argumentsOf(scenario)];
const BROWSER = `${process.execPath} ${fileURLToPath(new URL("bridge-browser.mjs", import.meta.url))}`;
const bridge = startBridge(url, { args, env: { BROWSER: scenario.startsWith("auth/") ? BROWSER : "true" } });

/** Arguments of the bridge for a scenario about sign-in. */
function argumentsOf(scenario) {
  const { client_id, client_secret } = context;
  const client = ["--static-oauth-client-info", JSON.stringify({ client_id, client_secret })];
  return {
    "auth/basic-cimd": ["--client-metadata-url", "https://conformance-test.local/client-metadata.json"],
    "auth/pre-registration": client,
    "auth/client-credentials-basic": ["--client-credentials", ...client],
  }[scenario] ?? [];
}

/** What a person would send who leaves each field as it is. */
function defaults({ requestedSchema }) {
  const fields = Object.entries(requestedSchema?.properties ?? {});
  return Object.fromEntries(fields.filter(([, { default: value }]) => value !== undefined).map(([name, { default: value }]) => [name, value]));
}

bridge.child.onLine = ((next) => (line) => {
  next(line);
  if (line.stream !== "stdout" || line.json?.method === undefined || line.json.id === undefined) return;
  const { id, method, params } = line.json;
  const answers = {
    ping: () => ({ result: {} }),
    "elicitation/create": () => ({ result: { action: "accept", content: defaults(params) } }),
  };
  bridge.send({ jsonrpc: "2.0", id, ...(answers[method]?.() ?? { error: { code: -32601, message: `There is no ${method}.` } }) });
})(bridge.child.onLine);

/** Arguments for the tools of the suite's servers. */
function argumentsFor(name, tools) {
  if (name === "add_numbers") return { a: 5, b: 3 };
  if (name === "json_schema_echo") return { schema: tools.find(({ name }) => name === "json_schema_2020_12_tool").inputSchema };
  return {};
}

const { toolCalls } = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}");

try {
  const { protocolVersion, capabilities } = await bridge.initialize({ capabilities: { elicitation: {} } });
  const { tools } = await bridge.result("tools/list");
  const calls = toolCalls ?? tools.map(({ name }) => ({ name, arguments: argumentsFor(name, tools) }));
  for (const call of calls) await bridge.request("tools/call", call);
  if (capabilities.resources) {
    const { resources } = await bridge.result("resources/list");
    for (const { uri } of resources) await bridge.request("resources/read", { uri });
  }
  if (capabilities.prompts) {
    const { prompts } = await bridge.result("prompts/list");
    for (const { name } of prompts) await bridge.request("prompts/get", { name });
  }
  console.log(`connected by ${protocolVersion} with ${tools.length} tools`);
  await bridge.end();
} finally {
  console.error(bridge.stderr);
  await bridge.stop();
}
// Ends with connections that the suite's server keeps open.
process.exit();
