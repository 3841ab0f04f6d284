// The servers that the page begins with: those that the tab had, and that of the link.
import { addressOf } from "../address.ts";
import { type Json, isObject, parse, write } from "../exact.ts";
import { VERSIONS, targetOf } from "../protocol.ts";
import { attempt } from "./language.ts";
import { type SavedServer, targetFrom } from "./server-storage.ts";
import { type ServerState, type Tab, newServer } from "./state.ts";

const KEY = "playground tab";

// On an origin of its own, the page gets the server's address from the Worker in `data-server`.
const { server: named } = document.documentElement.dataset;

/** The address of this deployment's server. */
export const OWN_SERVER = named ?? `${location.origin}/mcp`;

/** Settings of this deployment. The Worker learns from the address whether the page came from it. */
export const SETTINGS = `/playground/config.json${named ? "?worker" : ""}`;

export interface InitialServers {
  servers: ServerState[];
  shown: number;
  /** A link named the shown one, and may connect by itself. */
  isAtOnce: boolean;
}

export function initialServers(saved: SavedServer[]): InitialServers {
  const { servers, shown } = keptTab();
  const query = new URLSearchParams(location.search);
  const isReload = performance.getEntriesByType("navigation").some((entry) => (entry as PerformanceNavigationTiming).type !== "navigate");
  if (servers.length > 0 && (query.size === 0 || isReload)) return { servers, shown, isAtOnce: false };
  const address = addressOf(query.get("server") ?? "");
  const url = "url" in address ? address.url : OWN_SERVER;
  const known = saved.find(({ target }) => target.url === url);
  const isTrusted = url === OWN_SERVER || known !== undefined;
  const linked = linkedServer(query, url, known);
  const others = servers.filter(({ target }) => target.url !== url);
  return { servers: [...others, { ...linked, isLinked: !isTrusted }], shown: others.length, isAtOnce: query.has("server") && isTrusted };
}

function linkedServer(query: URLSearchParams, url: string, known: SavedServer | undefined): ServerState {
  const transport = query.get("transport");
  const version = VERSIONS.find((version) => version === query.get("version"));
  const tool = query.get("tool") ?? undefined;
  const draft = attempt(() => parse(query.get("args") ?? "")) as Json | undefined;
  const target = known?.target ?? targetOf(url);
  return {
    ...newServer({ ...target, ...(transport === "sse" || transport === "streamable" ? { transport } : {}), ...(version ? { version } : {}) }),
    saved: known?.id,
    tab: query.has("prompt") ? "prompts" : query.has("uri") ? "resources" : "tools",
    chosen: { tools: tool, resources: query.get("uri") ?? undefined, prompts: query.get("prompt") ?? undefined },
    drafts: tool && isObject(draft) ? { [tool]: draft } : {},
  };
}

// Typed text is stored, so that a reload loses none of it. Secrets of it live as long as the tab, as tokens do.
export function keepTab(servers: ServerState[], shown: number): void {
  const kept = servers.map(({ id, target, typed, saved, isLinked, tab, chosen, search, drafts }) => ({ id, target, typed, saved, isLinked, tab, chosen, search, drafts }));
  attempt(() => sessionStorage.setItem(KEY, write({ servers: kept, shown } as unknown as Json)));
}

function keptTab(): Pick<InitialServers, "servers" | "shown"> {
  const kept = attempt(() => parse(sessionStorage.getItem(KEY) ?? "null")) as { servers?: unknown; shown?: unknown } | null | undefined;
  const servers = Array.isArray(kept?.servers) ? kept.servers.flatMap((server) => serverFrom(server) ?? []) : [];
  const shown = typeof kept?.shown === "number" && servers[kept.shown] ? kept.shown : 0;
  return { servers, shown };
}

function serverFrom(value: unknown): ServerState | undefined {
  if (!isObject(value)) return undefined;
  const target = targetFrom(value["target"]) ?? (isObject(value["target"]) && value["target"]["url"] === "" ? targetOf("") : undefined);
  if (!target) return undefined;
  const text = (field: unknown) => (typeof field === "string" ? field : undefined);
  const record = <T>(field: unknown) => (isObject(field) ? field : {}) as T;
  const server = newServer(target);
  return {
    ...server,
    id: text(value["id"]) ?? server.id,
    typed: text(value["typed"]),
    saved: text(value["saved"]),
    isLinked: value["isLinked"] === true,
    tab: (text(value["tab"]) ?? "tools") as Tab,
    chosen: record(value["chosen"]),
    search: record(value["search"]),
    drafts: record(value["drafts"]),
  };
}
