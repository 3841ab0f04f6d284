// Parts of a client for the official conformance suite that speaks through the local bridge. The suite names the scenario in
// MCP_CONFORMANCE_SCENARIO; DRIVER_ARGS are further arguments of the bridge, as a JSON array.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { removeFolder, temporaryFolder } from "./child.mjs";
import { freePorts } from "./port.mjs";

export const serverUrl = process.argv.at(-1);
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? "";
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}");

// The port of a client that is known beforehand is fixed, and that which the bridge derives may be in use.
const [port] = await freePorts(1);

/** Further arguments of the bridge. */
export const bridgeArguments = [...JSON.parse(process.env.DRIVER_ARGS ?? "[]"), ...argumentsOf(scenario)];

const browser = `${process.execPath} ${fileURLToPath(new URL("bridge-browser.mjs", import.meta.url))}`;
/** A browser where the scenario is about sign-in. */
export const BROWSER = scenario.startsWith("auth/") ? browser : "true";

function argumentsOf(scenario) {
  const { client_id, client_secret, private_key_pem } = context;
  const client = ["--static-oauth-client-info", JSON.stringify({ client_id, client_secret })];
  return {
    "auth/basic-cimd": [`${port}`, "--client-metadata-url", "https://conformance-test.local/client-metadata.json"],
    "auth/pre-registration": [`${port}`, ...client],
    "auth/client-credentials-basic": ["--client-credentials", ...client],
    "auth/client-credentials-jwt": ["--client-credentials", ...client, "--client-key", fileWith(private_key_pem)],
  }[scenario] ?? [];
}

// A file of this process, which ends with it.
function fileWith(text = "") {
  const folder = temporaryFolder("bridge-key");
  process.on("exit", () => removeFolder(folder));
  const file = join(folder, "key.pem");
  writeFileSync(file, text);
  return file;
}

/** Content of a form of someone who leaves each field as it is. */
export function defaults({ requestedSchema }) {
  const fields = Object.entries(requestedSchema?.properties ?? {});
  return Object.fromEntries(fields.filter(([, { default: value }]) => value !== undefined).map(([name, { default: value }]) => [name, value]));
}

/** Calls to make of a server with these tools: those that the suite names, else each with arguments that it takes. */
export const callsOf = (tools) => context.toolCalls ?? tools.map(({ name }) => ({ name, arguments: argumentsFor(name, tools) }));

function argumentsFor(name, tools) {
  if (name === "add_numbers") return { a: 5, b: 3 };
  if (name === "json_schema_echo") return { schema: tools.find(({ name }) => name === "json_schema_2020_12_tool").inputSchema };
  return {};
}
