// Saved servers as the `mcpServers` JSON that other clients have, and such JSON as servers to save.
import { isObject } from "../exact.ts";
import type { Target } from "../protocol.ts";
import { type SavedServer, targetFrom } from "./server-storage.ts";

export interface Imported {
  servers: Pick<SavedServer, "name" | "target">[];
  /** Names of those that start a program. */
  commands: string[];
  /** Names of those without an address that can be read. */
  unreadable: string[];
}

export function exportServers(saved: SavedServer[]): string {
  const servers = new Map<string, unknown>();
  for (const { name, target } of saved) {
    const { url, transport, version, scope, headers, offers, seconds, isExtended } = target;
    let key = name;
    for (let number = 2; servers.has(key); number++) key = `${name} ${number}`;
    // Settings that other clients do not know stand apart.
    const playground = { transport, version, scope, headers: headers.map(([header]) => header), offers, seconds, isExtended };
    servers.set(key, { type: transport === "sse" ? "sse" : "http", url, playground });
  }
  return JSON.stringify({ mcpServers: Object.fromEntries(servers) }, undefined, 2);
}

/** Reads it, or finds that it is none. */
export function importServers(text: string): Imported | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  const list = isObject(read) ? (read["mcpServers"] ?? read["servers"]) : undefined;
  if (!isObject(list)) return undefined;
  const imported: Imported = { servers: [], commands: [], unreadable: [] };
  for (const [name, entry] of Object.entries(list)) {
    const given = (isObject(entry) ? entry : {}) as Record<string, unknown>;
    const target = targetOfEntry(given);
    if (target) imported.servers.push({ name, target });
    else if (typeof given["command"] === "string") imported.commands.push(name);
    else imported.unreadable.push(name);
  }
  return imported;
}

// Clients name the address, and the transport, in different ways.
function targetOfEntry(given: Record<string, unknown>): Target | undefined {
  const own = isObject(given["playground"]) ? given["playground"] : {};
  const url = given["url"] ?? given["serverUrl"] ?? given["httpUrl"];
  const names = Array.isArray(own["headers"]) ? own["headers"] : isObject(given["headers"]) ? Object.keys(given["headers"]) : [];
  const headers = names.filter((name) => typeof name === "string" && name.toLowerCase() !== "authorization").map((name) => [name, ""]);
  return targetFrom({ transport: given["type"] === "sse" ? "sse" : "auto", ...own, url, headers });
}
