// Sign-ins, which live as long as the tab.
import { attempt } from "./language.ts";

const PREFIX = "playground ";

export function storedSignIns(): [string, string][] {
  const names = attempt(() => Object.keys(sessionStorage)) ?? [];
  return names.filter((name) => name.startsWith(`${PREFIX}sign-in `)).map((name) => [name.slice(PREFIX.length), sessionStorage.getItem(name) ?? ""]);
}

export function storeInTab(key: string, value: string | null): void {
  attempt(() => (value === null ? sessionStorage.removeItem(PREFIX + key) : sessionStorage.setItem(PREFIX + key, value)));
}

/** Forgets all that this origin stored in this browser. */
export async function forgetAll(): Promise<void> {
  attempt(() => sessionStorage.clear());
  attempt(() => localStorage.clear());
  const databases = await Promise.resolve(attempt(() => indexedDB.databases()) ?? []).catch(() => []);
  for (const { name } of databases) if (name) await new Promise((done) => Object.assign(indexedDB.deleteDatabase(name), { onsuccess: done, onerror: done, onblocked: done }));
}
