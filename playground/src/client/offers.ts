// Capabilities that the client offers to a server; and the answer to what was not offered.
import type { ClientCapabilities } from "@modelcontextprotocol/client";
import type { Offers } from "../protocol.ts";

const TASKS = "io.modelcontextprotocol/tasks";

/** MCP Apps, 2026-01-26. */
const APPS = { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } };

export function capabilitiesOf({ elicitationForm, elicitationUrl, sampling, roots, tasks, apps }: Offers): ClientCapabilities {
  return {
    ...(elicitationForm || elicitationUrl ? { elicitation: { ...(elicitationForm ? { form: {} } : {}), ...(elicitationUrl ? { url: {} } : {}) } } : {}),
    ...(sampling ? { sampling: { tools: {} } } : {}),
    ...(roots ? { roots: { listChanged: true } } : {}),
    ...(tasks || apps ? { extensions: { ...(tasks ? { [TASKS]: {} } : {}), ...(apps ? APPS : {}) } } : {}),
  };
}

/** The error for a request of the server that it was not offered, if so. */
export function refusal(method: string, params: unknown, offers: Offers): { code: number; message: string } | undefined {
  const unknown = { code: -32601, message: `${method} was not offered.` };
  if (method === "sampling/createMessage") return offers.sampling ? undefined : unknown;
  if (method === "roots/list") return offers.roots ? undefined : unknown;
  if (method !== "elicitation/create" || !(offers.elicitationForm || offers.elicitationUrl)) return unknown;
  const mode = (params as { mode?: unknown } | undefined)?.mode ?? "form";
  if (mode === "form" ? offers.elicitationForm : mode === "url" && offers.elicitationUrl) return undefined;
  return { code: -32602, message: `Elicitation of mode ${String(mode)} was not offered.` };
}
