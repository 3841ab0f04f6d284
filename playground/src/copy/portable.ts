// A request as it can be made elsewhere: secrets in it are variables.
import { decoded } from "../address.ts";

/** A text with variables in it. */
export type Portable = (string | { variable: string })[];

/** A request of HTTP, and how it is to be read. */
export interface PortableRequest {
  method: string;
  url: Portable;
  headers: [name: string, value: Portable][];
  body?: string;
}

/** A secret in an address, by the name of its parameter. */
export const SECRET_PARAMETER = /session|token|key|code|secret/i;

/** The name of the variable that stands for a header's or parameter's secret. */
export const variableOf = (name: string): string => (name.toLowerCase() === "authorization" ? "TOKEN" : name.toUpperCase().replace(/\W/g, "_").replace(/^(?=\d)/, "_"));

/** An address whose secrets are variables. */
export function portableUrl(url: string): Portable {
  const { origin, pathname, search } = new URL(url);
  const parts: Portable = [origin + pathname];
  for (const [at, pair] of search.slice(1).split("&").entries()) {
    if (pair === "") continue;
    const name = decoded(/^[^=]*/.exec(pair)?.[0] ?? "");
    const isSecret = SECRET_PARAMETER.test(name) && pair.includes("=");
    parts.push(at === 0 ? "?" : "&", ...(isSecret ? [pair.slice(0, pair.indexOf("=") + 1), { variable: variableOf(name) }] : [pair]));
  }
  return joined(parts);
}

/** A header's value, a variable if it is secret. */
export function portableHeader(name: string, value: string, isSecret: boolean): Portable {
  if (!isSecret) return [value];
  const scheme = name.toLowerCase() === "authorization" ? /^\w+ (?=.)/.exec(value)?.[0] : undefined;
  return joined([scheme ?? "", { variable: variableOf(name) }]);
}

function joined(parts: Portable): Portable {
  const made: Portable = [];
  for (const part of parts) {
    const last = made.at(-1);
    if (typeof part === "string" && typeof last === "string") made[made.length - 1] = last + part;
    else if (part !== "") made.push(part);
  }
  return made;
}
