// Lists of what a server offers, page by page.
import type { HeaderFault, Listed, ListName } from "../protocol.ts";

/** Entries of one list: a server that never stops is stopped. */
const MAX_ENTRIES = 10_000;

const METHODS = { tools: "tools/list", resources: "resources/list", templates: "resources/templates/list", prompts: "prompts/list" } as const;

/** Every page of a list; it is valid for as long as the page that is so the shortest. */
export async function listed(send: (method: (typeof METHODS)[ListName], params: { cursor?: string }) => Promise<unknown>, what: ListName): Promise<Listed> {
  const entries: unknown[] = [];
  let ttlMs: number | undefined;
  let cursor: string | undefined;
  do {
    const params = cursor === undefined ? {} : { cursor };
    const page = (await send(METHODS[what], params)) as Record<string, unknown>;
    const more = page[what === "templates" ? "resourceTemplates" : what];
    if (Array.isArray(more)) entries.push(...more);
    if (typeof page["ttlMs"] === "number" && page["ttlMs"] >= 0) ttlMs = Math.min(ttlMs ?? Infinity, page["ttlMs"]);
    cursor = typeof page["nextCursor"] === "string" && page["nextCursor"] !== cursor ? page["nextCursor"] : undefined;
  } while (cursor !== undefined && entries.length < MAX_ENTRIES);
  const faults = what === "tools" ? await faultsOf(entries) : {};
  return { faults, entries: entries.slice(0, MAX_ENTRIES), ...(ttlMs === undefined ? {} : { ttlMs }) };
}

// Few tools have such headers.
async function faultsOf(tools: unknown[]): Promise<Record<string, HeaderFault>> {
  const faults: Record<string, HeaderFault> = {};
  for (const tool of tools) {
    const { name, inputSchema } = (tool ?? {}) as { name?: unknown; inputSchema?: unknown };
    if (typeof name !== "string" || !JSON.stringify(inputSchema ?? {}).includes('"x-mcp-header"')) continue;
    const { headerFault } = await import("../schema/header.ts");
    const fault = headerFault(inputSchema);
    if (fault) faults[name] = fault;
  }
  return faults;
}
