// The address of a server as a person types it.

export type AddressFault = "empty" | "unreadable" | "scheme" | "credentials" | "fragment";

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

export const isLoopback = (hostname: string): boolean => LOOPBACK.test(hostname);

/** Whether a host is on this machine or its network, as far as its name tells. */
export function isLocal(hostname: string): boolean {
  const name = hostname.replace(/\.$/, "");
  if (name.startsWith("[")) return /^\[(::|f[cde]|64:ff9b:)/.test(name);
  return /^(0|10|127)\.|^192\.168\.|^172\.(1[6-9]|2\d|3[01])\.|^169\.254\./.test(name) || /\.(localhost|local|lan|internal|home\.arpa)$/.test(name) || !name.includes(".");
}

/** The reason why an address that a server names is neither asked nor opened, if there is one. */
export function refusalOf(address: string, server: string): "web" | "https" | "local" | "name" | undefined {
  const url = URL.parse(address);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) return "web";
  if (url.username || url.password) return "name";
  if (isLocal(url.hostname) && !isLocal(new URL(server).hostname)) return "local";
  return url.protocol === "https:" || isLoopback(url.hostname) ? undefined : "https";
}

/** The URL that is meant, or why there is none. */
export function addressOf(typed: string): { url: string } | { fault: AddressFault } {
  const text = typed.trim();
  if (text === "") return { fault: "empty" };
  const url = URL.parse(withScheme(text));
  if (!url || url.hostname === "") return { fault: "unreadable" };
  if (url.protocol !== "https:" && url.protocol !== "http:") return { fault: "scheme" };
  if (url.username || url.password) return { fault: "credentials" };
  if (url.hash || text.includes("#")) return { fault: "fragment" };
  return { url: url.href };
}

function withScheme(text: string): string {
  // `localhost:8787` is a host with a port, and no scheme.
  if (/^[a-z][a-z0-9+.-]*:(?!\d+(\/|$|\?))/i.test(text)) return text;
  const host = /^(\[[^\]]*\]|[^:/?#]*)/.exec(text)?.[0] ?? "";
  return `${isLoopback(host) ? "http" : "https"}://${text}`;
}

const FORBIDDEN = new Set([
  "accept-charset", "accept-encoding", "access-control-request-headers", "access-control-request-method", "connection", "content-length",
  "cookie", "date", "dnt", "expect", "host", "keep-alive", "origin", "referer", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "via",
]);

/** Whether a page may set the header (Fetch standard, "forbidden request-header"), and its name and value are of one. */
export function isHeaderAllowed(name: string, value: string): boolean {
  if (FORBIDDEN.has(name.toLowerCase()) || /^(proxy|sec)-/i.test(name)) return false;
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && !/[\r\n\0]/.test(value) && /^[\u0000-\u00ff]*$/.test(value);
}

/** A text without its percent-encoding, or as it is where that is broken. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
