// Source of an icon's picture: its own address, or the server that names it, and nowhere else.
import { isLoopback } from "../address.ts";
import { toBase64 } from "../base64.ts";
import { BoundedMap } from "../bounded.ts";

/** Bytes of an icon: a larger one is not shown. */
const MAX_BYTES = 200_000;

const FETCH_MS = 10_000;

const TYPES = "image/(?:png|jpeg|gif|webp|avif|svg\\+xml|x-icon|vnd\\.microsoft\\.icon)";
const TYPE = new RegExp(`^${TYPES}(?:;|$)`, "i");
const DATA = new RegExp(`^data:${TYPES}[;,]`, "i");

/** Pictures that are kept: more than rows are in sight, and a part of what a server can name. */
const MAX_KEPT = 200;

/** Icons are many, and their pictures few. */
const fetched = new BoundedMap<string, Promise<string>>(MAX_KEPT);

/** A `data:` address of the first icon that can be shown; nothing if there is none. */
export async function iconSource(icons: unknown, server: string): Promise<string | undefined> {
  for (const icon of Array.isArray(icons) ? icons : []) {
    const { src } = (icon ?? {}) as { src?: unknown };
    if (typeof src !== "string" || src.length > MAX_BYTES * 2) continue;
    if (DATA.test(src)) return src;
    if (!isOfServer(src, server)) continue;
    const picture = fetched.get(src) ?? picturedBy(src);
    fetched.set(src, picture);
    const data = await picture.catch(() => undefined);
    if (data) return data;
  }
  return undefined;
}

function isOfServer(src: string, server: string): boolean {
  const [icon, own] = [URL.parse(src), URL.parse(server)];
  return icon !== null && icon.origin === own?.origin && (icon.protocol === "https:" || (icon.protocol === "http:" && isLoopback(icon.hostname)));
}

// Without cookies and redirects. As `data:` it is no document of this origin, wherever it is opened.
async function picturedBy(src: string): Promise<string> {
  const response = await fetch(src, { credentials: "omit", redirect: "error", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(FETCH_MS) });
  const type = response.headers.get("content-type") ?? "";
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (!response.ok || !TYPE.test(type) || bytes.length > MAX_BYTES) throw new Error("This is no icon.");
  return `data:${type.split(";")[0]};base64,${toBase64(bytes)}`;
}
