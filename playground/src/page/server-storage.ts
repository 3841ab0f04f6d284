// The servers that a person saved in this browser. Tokens and values of headers are no part of them.
import { addressOf } from "../address.ts";
import { ALL_OFFERS, MAX_SECONDS, OFFERS, type Offers, type Target, VERSIONS, targetOf } from "../protocol.ts";
import { attempt } from "./language.ts";

const KEY = "playground servers";

/** Servers that can be saved: a list that is longer is of no person's making. */
export const MAX_SAVED = 500;

export interface SavedServer {
  id: string;
  name: string;
  target: Target;
}

/** Saved servers, and whether something of them could not be read. */
export interface StoredServers {
  servers: SavedServer[];
  fault?: "denied" | "corrupt";
}

export function readSaved(): StoredServers {
  let text: string | null;
  try {
    text = localStorage.getItem(KEY);
  } catch {
    return { servers: [], fault: "denied" };
  }
  const list = attempt(() => JSON.parse(text ?? "[]") as unknown);
  if (!Array.isArray(list)) return { servers: [], fault: "corrupt" };
  const servers = list.slice(0, MAX_SAVED).flatMap((value) => savedOf(value) ?? []);
  return servers.length === list.length ? { servers } : { servers, fault: "corrupt" };
}

/** Changes what is saved by now, also by other tabs, and keeps the first of what it gives; whether the browser let it. */
export function changeSaved(change: (servers: SavedServer[]) => SavedServer[]): Promise<boolean> {
  return navigator.locks.request(KEY, () => {
    const servers = change(readSaved().servers)
      .slice(0, MAX_SAVED)
      .map(({ id, name, target }) => ({ id, name, target: withoutSecrets(target) }));
    return attempt(() => (localStorage.setItem(KEY, JSON.stringify(servers)), true)) ?? false;
  });
}

/** Calls back once another tab has changed them. */
export function onSavedElsewhere(listener: () => void): void {
  window.addEventListener("storage", ({ key }) => {
    if (key === KEY || key === null) listener();
  });
}

export const withoutSecrets = (target: Target): Target => ({ ...target, relay: undefined, token: "", headers: target.headers.map(([name]) => [name, ""]) });

function savedOf(value: unknown): SavedServer | undefined {
  const { id, name, target } = (value ?? {}) as Record<string, unknown>;
  const read = targetFrom(target);
  if (typeof id !== "string" || typeof name !== "string" || !read) return undefined;
  return { id, name, target: read };
}

/** The target that was stored or imported, if it is one. */
export function targetFrom(value: unknown): Target | undefined {
  const given = (value ?? {}) as Partial<Record<keyof Target, unknown>>;
  const address = addressOf(String(given.url ?? ""));
  if (!("url" in address)) return undefined;
  const base = targetOf(address.url);
  const text = (field: unknown) => (typeof field === "string" ? field : "");
  const offers = (given.offers ?? {}) as Partial<Record<keyof Offers, unknown>>;
  const headers = Array.isArray(given.headers) ? given.headers.filter((header) => Array.isArray(header)) : [];
  return {
    ...base,
    transport: given.transport === "sse" || given.transport === "streamable" ? given.transport : "auto",
    version: VERSIONS.find((version) => version === given.version) ?? "auto",
    token: text(given.token),
    scope: text(given.scope),
    headers: headers.map(([name, content]) => [text(name), text(content)]),
    offers: Object.fromEntries(OFFERS.map((offer) => [offer, offers[offer] !== false])) as typeof ALL_OFFERS,
    seconds: typeof given.seconds === "number" && given.seconds >= 1 ? Math.min(given.seconds, MAX_SECONDS) : base.seconds,
    isExtended: given.isExtended !== false,
  };
}
