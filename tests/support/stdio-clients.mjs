// MCP clients that others wrote, each of which starts a local program and speaks to it over stdio. `use` connects, lists the tools,
// makes the calls and leaves: `{ version, tools, results, progress }`. Its `calls` are `{ name, arguments, hasProgress }`; a form is
// filled in with `answer`.
import assert from "node:assert/strict";
import { join } from "node:path";
import { Client as Client2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { removeFolder, root, run, temporaryFolder } from "./child.mjs";
import { INSPECTOR } from "./inspector.mjs";
import { PYTHON, withoutFastMcp } from "./others.mjs";
import { RMCP_STDIO_CLIENT } from "./rmcp.mjs";
import { checked, record } from "./sdk.mjs";
import { WAIT_MS } from "./wait.mjs";

const INFO = { name: "tests", version: "1.0.0" };
const LIMIT = { timeout: WAIT_MS };

async function useClient(client, transport, calls) {
  await client.connect(checked(transport), LIMIT);
  try {
    const messages = record(transport);
    const { tools } = await client.listTools({}, LIMIT);
    const results = [];
    for (const { name, arguments: args, hasProgress } of calls) {
      const { content } = await callTool(client, { name, arguments: args }, { ...LIMIT, ...(hasProgress && { onprogress: () => {} }) });
      results.push(texts(content));
    }
    const progress = messages.filter(({ method }) => method === "notifications/progress").map(({ params }) => params.progress);
    return { tools: tools.map(({ name }) => name), results, progress };
  } finally {
    await client.close();
  }
}

const callTool = (client, params, options) =>
  client instanceof Client1 ? client.callTool(params, undefined, options) : client.callTool(params, options);
const texts = (content) => content.filter(({ type }) => type === "text").map(({ text }) => text);

async function sdk1({ answer, calls, ...program }) {
  const client = new Client1(INFO, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: "accept", content: answer }));
  const transport = new Stdio1({ ...program, stderr: "ignore" });
  let version;
  transport.setProtocolVersion = (settled) => (version = settled);
  const seen = await useClient(client, transport, calls);
  return { ...seen, version };
}

const sdk2 = (mode) =>
  async function sdk2({ answer, calls, ...program }) {
    const client = new Client2(INFO, { capabilities: { elicitation: {} }, versionNegotiation: { mode } });
    client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: answer }));
    let version;
    client.onclose = () => (version = client.getNegotiatedProtocolVersion());
    const transport = new Stdio2({ ...program, stderr: "ignore" });
    const seen = await useClient(client, transport, calls);
    return { ...seen, version };
  };

/** A program of its own: its last argument is the task as JSON, and it prints what it saw. */
const program = (command, args, mode) =>
  async function program(task) {
    const { code, stdout, stderr } = await run(command, [...args, JSON.stringify({ ...task, mode })]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };

const python = (mode) => program(PYTHON, [join(root, "tests/others/stdio_client.py")], mode);
const rmcp = (mode) => program(RMCP_STDIO_CLIENT, [], mode);

/** Each of its runs makes one request. */
const inspector = (era) =>
  async function inspector({ command, args, env, calls }) {
    const home = temporaryFolder("inspector");
    const ask = async (...method) => {
      // The Inspector refuses a variable without a value.
      const variables = Object.entries(env).filter(([, value]) => value !== "");
      const options = ["--protocol-era", era, "--format", "json", ...variables.flatMap(([name, value]) => ["-e", `${name}=${value}`])];
      const { code, stdout, stderr } = await run("node", [INSPECTOR, "--cli", ...options, "--method", ...method, "--", command, ...args], { env: { HOME: home } });
      assert.equal(code, 0, `${stdout}\n${stderr}`);
      return JSON.parse(stdout.split("\n").find((line) => line.startsWith('{"result"'))).result;
    };
    try {
      const { protocolVersion: version } = await ask("initialize");
      const { tools } = await ask("tools/list");
      const results = [];
      for (const { name, arguments: tool } of calls) {
        const { content } = await ask("tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(tool));
        results.push(texts(content));
      }
      return { version, tools: tools.map(({ name }) => name), results, progress: [] };
    } finally {
      removeFolder(home);
    }
  };

/** `buildRmcp` has to have built rmcp's. `generation` is of the newest version that it speaks; one that `isPlain` fills in no form and shows no progress. */
export const CLIENTS = [
  { name: "the TypeScript SDK 1", use: sdk1, generation: "legacy" },
  { name: "the TypeScript SDK 2 in 2025-11-25", use: sdk2("legacy"), generation: "legacy" },
  { name: "the TypeScript SDK 2", use: sdk2("auto"), generation: "modern" },
  { name: "the Python SDK in 2025-11-25", use: python("legacy"), generation: "legacy", skip: withoutFastMcp },
  { name: "the Python SDK", use: python("auto"), generation: "modern", skip: withoutFastMcp },
  { name: "rmcp in 2025-11-25", use: rmcp("legacy"), generation: "legacy" },
  { name: "rmcp", use: rmcp("auto"), generation: "modern" },
  { name: "the Inspector in 2025-11-25", use: inspector("legacy"), generation: "legacy", isPlain: true },
  { name: "the Inspector", use: inspector("auto"), generation: "modern", isPlain: true },
];
