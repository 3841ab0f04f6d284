// Requests to the hub: one call each from WebAssembly.

const hub = (env, jurisdiction) => {
  const namespace = jurisdiction === undefined ? env.MCP_HUB : env.MCP_HUB.jurisdiction(jurisdiction);
  return namespace.get(namespace.idFromName("hub"));
};

export async function send(env, jurisdiction, path, body) {
  const answer = await hub(env, jurisdiction).fetch(`https://hub${path}`, { method: "POST", body });
  if (!answer.ok) throw new Error(`the hub answers ${answer.status}`);
}

// The status alone is of interest.
export async function ask(env, jurisdiction, path, body) {
  return (await hub(env, jurisdiction).fetch(`https://hub${path}`, { method: "POST", body })).status;
}

export function sendLater(context, env, jurisdiction, path, body) {
  const sent = send(env, jurisdiction, path, body).catch((error) => console.error(`nobody is told: ${error.message}`));
  context?.waitUntil(sent);
}

export function listen(env, jurisdiction, listener) {
  const headers = { upgrade: "websocket", "x-durable-mcp-listener": listener };
  return hub(env, jurisdiction).fetch("https://hub/listen", { headers });
}

// The status alone is of interest.
export async function tell(env, object, header, word, body) {
  const stub = env.MCP_OBJECT.get(env.MCP_OBJECT.idFromString(object));
  const answer = await stub.fetch("https://session/", { method: "POST", headers: { [header]: word }, body });
  return answer.status;
}
