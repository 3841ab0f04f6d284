// A client of 2025-11-25 for the official conformance suite that speaks to the server through the local bridge:
// `node bridge-driver.mjs URL`.
import { startBridge } from "./bridge.mjs";
import { BROWSER, bridgeArguments, callsOf, defaults, serverUrl } from "./bridge-scenarios.mjs";

const bridge = startBridge(serverUrl, { args: bridgeArguments, env: { BROWSER } });

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

try {
  const { protocolVersion, capabilities } = await bridge.initialize({ capabilities: { elicitation: {} } });
  const { tools } = await bridge.result("tools/list");
  for (const call of callsOf(tools)) await bridge.request("tools/call", call);
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
