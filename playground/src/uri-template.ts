// URI templates (RFC 6570): their variables, and the URI that values make of one.

/** A text, a list of texts, or an associative array of them. */
export type Value = string | string[] | { pairs: [name: string, value: string][] };

export interface Variable {
  name: string;
  /** Each value of a list becomes a part of its own: `{name*}`. */
  isExploded: boolean;
  /** Characters of the value that are taken: `{name:3}`. */
  prefix: number | undefined;
}

type Part = string | { operator: string; variables: Variable[] };

interface Rule {
  first: string;
  between: string;
  /** Whether values stand behind their names. */
  isNamed: boolean;
  /** Behind the name of an empty value. */
  ifEmpty: string;
  keepsReserved: boolean;
}

const SIMPLE: Rule = { first: "", between: ",", isNamed: false, ifEmpty: "", keepsReserved: false };

const RULES: Record<string, Rule> = {
  "": SIMPLE,
  "+": { ...SIMPLE, keepsReserved: true },
  "#": { ...SIMPLE, first: "#", keepsReserved: true },
  ".": { ...SIMPLE, first: ".", between: "." },
  "/": { ...SIMPLE, first: "/", between: "/" },
  ";": { ...SIMPLE, first: ";", between: ";", isNamed: true },
  "?": { ...SIMPLE, first: "?", between: "&", isNamed: true, ifEmpty: "=" },
  "&": { ...SIMPLE, first: "&", between: "&", isNamed: true, ifEmpty: "=" },
};

const EXPRESSION = /^([+#./;?&]?)(.*)$/s;
const VARIABLE = /^((?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})(?:\.?(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2}))*)(\*|:([1-9]\d{0,3}))?$/;

/** The variables in the order of the template, each once; nothing if it is no template. */
export function variablesOf(template: string): Variable[] | undefined {
  const parts = partsOf(template);
  const found = new Map<string, Variable>();
  for (const part of parts ?? []) if (typeof part !== "string") for (const variable of part.variables) if (!found.get(variable.name)?.isExploded) found.set(variable.name, variable);
  return parts && [...found.values()];
}

/** The URI for these values; one that is absent is left out. A text that is no template stays as it is. */
export function expand(template: string, values: Record<string, Value>): string {
  const parts = partsOf(template);
  if (!parts) return template;
  return parts.map((part) => (typeof part === "string" ? encoded(part, true) : expression(part.operator, part.variables, values))).join("");
}

function partsOf(template: string): Part[] | undefined {
  const parts: Part[] = [];
  for (const text of template.split(/(\{[^{}]*\})/)) {
    if (!text.startsWith("{")) {
      if (/[{}]/.test(text)) return undefined;
      parts.push(text);
      continue;
    }
    const [, operator = "", list = ""] = EXPRESSION.exec(text.slice(1, -1)) ?? [];
    const variables = list.split(",").map(variableOf);
    if (!variables.every((variable) => variable !== undefined)) return undefined;
    parts.push({ operator, variables });
  }
  return parts;
}

function variableOf(text: string): Variable | undefined {
  const match = VARIABLE.exec(text);
  if (!match?.[1]) return undefined;
  return { name: match[1], isExploded: match[2] === "*", prefix: match[3] === undefined ? undefined : Number(match[3]) };
}

function expression(operator: string, variables: Variable[], values: Record<string, Value>): string {
  const rule = RULES[operator] ?? SIMPLE;
  const texts = variables.flatMap((variable) => {
    const value = Object.hasOwn(values, variable.name) ? values[variable.name] : undefined;
    return value === undefined || (typeof value !== "string" && listOf(value).length === 0) ? [] : [expanded(variable, value, rule)];
  });
  return texts.length === 0 ? "" : rule.first + texts.join(rule.between);
}

const listOf = (value: Exclude<Value, string>): readonly unknown[] => (Array.isArray(value) ? value : value.pairs);

function expanded({ name, isExploded, prefix }: Variable, value: Value, rule: Rule): string {
  const written = (text: string) => encoded(prefix === undefined ? text : [...text].slice(0, prefix).join(""), rule.keepsReserved);
  const under = (name: string, text: string) => (text === "" ? name + rule.ifEmpty : `${name}=${text}`);
  const named = (text: string) => (rule.isNamed ? under(name, text) : text);
  if (typeof value === "string") return named(written(value));
  if (!Array.isArray(value)) {
    const pairs = value.pairs.map((pair) => pair.map(written) as [string, string]);
    // An exploded pair has its own name in the place of the variable's.
    if (isExploded) return pairs.map(([key, text]) => (rule.isNamed ? under(key, text) : `${key}=${text}`)).join(rule.between);
    return named(pairs.flat().join(","));
  }
  return isExploded ? value.map((item) => named(written(item))).join(rule.between) : named(value.map(written).join(","));
}

const encoded = (text: string, keepsReserved: boolean): string =>
  text.replace(keepsReserved ? /%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]/gu : /[^A-Za-z0-9\-._~]/gu, (found) => (found.length === 3 && found.startsWith("%") ? found : percent(found)));

const percent = (character: string): string => [...new TextEncoder().encode(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
