// Masks in place of secrets: by the name of a header, field or parameter, and by values that were seen to be secret.
import { decoded } from "../address.ts";
import { SECRET_PARAMETER } from "../copy/portable.ts";
import { type Json, isObject, parse, write } from "../exact.ts";

export const MASK = "••••";

const SECRET_HEADERS = new Set(["authorization", "cookie", "proxy-authorization", "x-api-key"]);

/** Fields of sign-in (OAuth 2.1, RFC 7591). */
const OF_SIGN_IN = new Set(["access_token", "refresh_token", "id_token", "client_secret", "code", "code_verifier", "registration_access_token", "token", "assertion", "client_assertion", "state"]);

/** Fields of messages. */
const OF_MESSAGES = /^(pass(word|wd|phrase)|secret|pin|authorization|credentials?|.*(_secret|Secret)|private[-_]?key|api[-_]?key|(access|refresh|id|auth|bearer)?[-_]?token)$/i;

/** A value shorter than this stands by chance in other texts. */
const MIN_VALUE_CHARS = 8;

export class Masks {
  /** Headers that the person typed, in lower case. */
  headers = new Set<string>();
  #values = new Set<string>();

  /** Hides a value wherever it stands from now on. */
  add(value: string): void {
    if (value.length < MIN_VALUE_CHARS || value.includes(MASK)) return;
    for (const form of [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]) this.#values.add(form);
  }

  isSecretHeader(name: string): boolean {
    return SECRET_HEADERS.has(name.toLowerCase()) || this.headers.has(name.toLowerCase());
  }

  /** Learns what is secret in headers that are sent. */
  learnHeaders(headers: [string, string][]): void {
    for (const [name, value] of headers) if (this.isSecretHeader(name)) this.add(value.replace(/^(Bearer|Basic) /i, ""));
  }

  /** Learns what is secret in a request or answer of sign-in. */
  learn(text: string): void {
    for (const [name, value] of fieldsOf(text)) if (OF_SIGN_IN.has(name)) this.add(value);
  }

  header([name, value]: [string, string]): [string, string] {
    if (this.isSecretHeader(name)) return [name, /^Bearer /i.test(value) ? `Bearer ${MASK}` : MASK];
    return [name, this.#known(name === "location" || name === "referer" ? this.url(value) : value)];
  }

  url(url: string): string {
    const parsed = URL.parse(url);
    if (!parsed) return this.#known(url);
    for (const name of new Set(parsed.searchParams.keys())) if ((SECRET_PARAMETER.test(name) && !name.startsWith("code_challenge")) || name === "state") parsed.searchParams.set(name, MASK);
    return this.#known(parsed.href.replaceAll(encodeURIComponent(MASK), MASK));
  }

  /** The body of a message. */
  message(text: string): string {
    return this.#known(/"[\w-]+"\s*:\s*"/.test(text) ? maskedFields(text, (name) => OF_MESSAGES.test(name)) : text);
  }

  /** The body of a request of sign-in, or of its answer. */
  signIn(text: string): string {
    return this.#known(maskedFields(text, (name) => OF_SIGN_IN.has(name)));
  }

  #known(text: string): string {
    let masked = text;
    for (const value of this.#values) if (masked.includes(value)) masked = masked.replaceAll(value, MASK);
    return masked;
  }
}

function maskedFields(text: string, isSecret: (name: string) => boolean): string {
  let isFound = false;
  const visit = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(visit);
    if (!isObject(value)) return value;
    const hide = (name: string, inner: Json) => typeof inner === "string" && inner !== "" && isSecret(name);
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => (hide(name, inner) ? ((isFound = true), [name, MASK]) : [name, visit(inner)])));
  };
  try {
    const masked = visit(parse(text));
    return isFound ? write(masked) : text;
  } catch {
    if (!/^[\w.~%+*-]+=/.test(text)) return text;
    return text
      .split("&")
      .map((pair) => (isSecret(decoded(pair.split("=", 1)[0] ?? "")) ? `${pair.split("=", 1)[0]}=${MASK}` : pair))
      .join("&");
  }
}

function fieldsOf(text: string): [string, string][] {
  const found: [string, string][] = [];
  try {
    JSON.parse(text, (name, value: unknown) => (typeof value === "string" && found.push([name, value]), value));
    return found;
  } catch {
    return /^[\w.~%+*-]+=/.test(text) ? [...new URLSearchParams(text)] : [];
  }
}
