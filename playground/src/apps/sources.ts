// Sources that an app may load from and send to, as its resource names them: checked here to tell the person, and by the server
// of the frame, which makes the policy.

/** The field of a resource's `csp`, and the name of it in the frame's query. */
const FIELDS = { connectDomains: "connect", resourceDomains: "resource", frameDomains: "frame", baseUriDomains: "base" } as const;

export type Field = keyof typeof FIELDS;

/** Sources that one directive can have. */
const MAX_SOURCES = 50;

const NAME = /^(?=.{1,253}$)(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/;
const LOCAL = /^(localhost|127(\.\d{1,3}){3})$/;

/** Whether a text, in lower case, is an origin, or all below a name. */
export function isSource(text: string, field: Field): boolean {
  const [, scheme, wildcard, name, port] = /^(https?|wss?):\/\/(\*\.)?([^/?#@:]+)(?::([1-9]\d{0,4}))?$/.exec(text) ?? [];
  if (scheme === undefined || name === undefined || !NAME.test(name)) return false;
  if (scheme.startsWith("ws") && field !== "connectDomains") return false;
  if (port !== undefined && Number(port) > 65535) return false;
  if (scheme === "http" || scheme === "ws") return LOCAL.test(name) && !wildcard;
  return name.includes(".") || LOCAL.test(name);
}

export interface Sources {
  /** Of each field, those that the app gets. */
  granted: Partial<Record<Field, string[]>>;
  /** Those that are no origin. */
  refused: string[];
}

/** Reads the `csp` of a resource. */
export function sourcesOf(csp: unknown): Sources {
  const sources: Sources = { granted: {}, refused: [] };
  if (typeof csp !== "object" || csp === null) return sources;
  for (const field of Object.keys(FIELDS) as Field[]) {
    const named = (csp as Record<string, unknown>)[field];
    if (!Array.isArray(named)) continue;
    const texts = [...new Set(named.map((source) => String(source).toLowerCase()))];
    const fit = texts.filter((text) => isSource(text, field)).slice(0, MAX_SOURCES);
    if (fit.length > 0) sources.granted[field] = fit;
    sources.refused.push(...texts.filter((text) => !fit.includes(text)));
  }
  return sources;
}

/** The address of the frame with its sources. Nothing of them needs an escape in a query. */
export function frameAddress(frame: string, { granted }: Sources): URL {
  const url = new URL(frame, location.href);
  const parts = (Object.keys(granted) as Field[]).map((field) => `${FIELDS[field]}=${granted[field]?.join(",")}`);
  if (url.origin !== location.origin) parts.push(`page=${location.origin}`);
  url.search = parts.join("&");
  return url;
}
