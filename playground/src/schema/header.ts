// Arguments that are repeated in headers (`x-mcp-header`, 2026-07-28, "Custom Headers"), and schemas that are against its rules.
import { isObject } from "../exact.ts";
import type { HeaderFault } from "../protocol.ts";

const KEY = "x-mcp-header";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const TYPES = ["string", "integer", "boolean"];

/** Depth of a schema: a deeper one is not looked at further. */
const MAX_DEPTH = 100;

/** The first rule that a tool's schema breaks. */
export function headerFault(schema: unknown): HeaderFault | undefined {
  const names = new Set<string>();

  // A header's value is found by the names of properties alone.
  function visit(at: unknown, path: string[], isProperty: boolean, isReached: boolean): HeaderFault | undefined {
    if (path.length > MAX_DEPTH || typeof at !== "object" || at === null) return undefined;
    if (Array.isArray(at)) return firstOf(at.map((item, index) => () => visit(item, [...path, String(index)], false, false)));
    const schema = at as Record<string, unknown>;
    const fault = Object.hasOwn(schema, KEY) ? check(schema, path.join("."), isProperty && isReached) : undefined;
    const inside = Object.entries(schema).filter(([keyword]) => keyword !== KEY && !VALUES.has(keyword));
    return fault ?? firstOf(inside.map(([keyword, sub]) => () => (NAMED.has(keyword) && isObject(sub) ? members(sub, path, isReached && keyword === "properties") : visit(sub, [...path, keyword], false, false))));
  }

  const members = (of: object, path: string[], isReached: boolean) => firstOf(Object.entries(of).map(([name, sub]) => () => visit(sub, [...path, name], true, isReached)));

  function check(schema: Record<string, unknown>, path: string, isReached: boolean): HeaderFault | undefined {
    const name = schema[KEY];
    if (!isReached) return { rule: "place", of: path };
    if (typeof name !== "string" || !TOKEN.test(name)) return { rule: "name", of: String(name) };
    if (!TYPES.includes(schema["type"] as string)) return { rule: "type", of: path };
    if (names.has(name.toLowerCase())) return { rule: "twice", of: name };
    names.add(name.toLowerCase());
    return undefined;
  }

  return visit(schema, [], false, true);
}

/** Keywords whose members are schemas by name, and those that hold values. */
const NAMED = new Set(["properties", "patternProperties", "dependentSchemas", "$defs", "definitions"]);
const VALUES = new Set(["default", "const", "enum", "examples"]);

function firstOf(looks: (() => HeaderFault | undefined)[]): HeaderFault | undefined {
  for (const look of looks) {
    const fault = look();
    if (fault) return fault;
  }
  return undefined;
}
