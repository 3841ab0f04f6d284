// JSON Schemas as servers send them: of draft-07 or 2020-12, and with anything in them.
import { type Json, digits, isNumber, isObject, isRaw, isEqual } from "../exact.ts";

export type Schema = Json;
export type Members = { [name: string]: Json };

/** Steps of references from one schema to the next: more is a circle. */
const MAX_REFERENCES = 64;

/** Parts that become one schema, and schemas that are visited to decide its conditions. */
const MAX_PARTS = 1000;
const MAX_VISITS = 50_000;

/** State that all parts of one schema share: the number of parts that are left, and the references that are being resolved. */
interface Flattening {
  left: number;
  open: Set<Schema>;
  visits: { left: number; open: Map<object, Set<Json>> };
}

/** The schema that a local reference names. None is ever fetched. */
export function dereferenced(schema: Schema, root: Schema): Schema | undefined {
  let found: Schema | undefined = schema;
  let siblings: Members = {};
  for (let step = 0; step < MAX_REFERENCES; step++) {
    if (!isObject(found)) break;
    const reference: Json | undefined = found["$ref"] ?? found["$dynamicRef"];
    if (typeof reference !== "string") break;
    const { $ref: _, $dynamicRef: __, ...rest } = found;
    siblings = { ...rest, ...siblings };
    found = target(reference, root);
    if (found === undefined) return undefined;
  }
  if (isObject(found) && (found["$ref"] !== undefined || found["$dynamicRef"] !== undefined)) return undefined;
  if (Object.keys(siblings).length === 0 || !isObject(found)) return found;
  // Keywords beside a reference hold, too; the words of the nearer one count.
  const words = ["title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"];
  const told: Members = Object.fromEntries(Object.entries(siblings).filter(([name]) => words.includes(name)));
  const demanded: Members = Object.fromEntries(Object.entries(siblings).filter(([name]) => !words.includes(name)));
  const merged = Object.keys(demanded).length === 0 ? found : merge(found, demanded);
  return isObject(merged) ? { ...merged, ...told } : merged;
}

function target(reference: string, root: Schema): Schema | undefined {
  if (reference === "#") return root;
  if (reference.startsWith("#/")) return pointed(root, reference.slice(2).split("/").map(unescaped));
  if (reference.startsWith("#")) return anchored(root, reference.slice(1));
  return undefined;
}

function unescaped(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return step;
  }
}

function pointed(root: Schema, steps: string[]): Schema | undefined {
  let at: Json | undefined = root;
  for (const step of steps) {
    if (Array.isArray(at)) at = at[Number(step)];
    else if (isObject(at) && Object.hasOwn(at, step)) at = at[step];
    else return undefined;
  }
  return at;
}

/** The schemas of a root that have names of their own. A document with a name for each part may refer to all of them. */
const anchors = new WeakMap<object, Map<string, Schema>>();

function anchored(root: Schema, name: string): Schema | undefined {
  if (!isObject(root) && !Array.isArray(root)) return undefined;
  let named = anchors.get(root);
  if (!named) anchors.set(root, (named = anchorsOf(root)));
  return named.get(name);
}

// The first of a name counts.
function anchorsOf(root: Schema): Map<string, Schema> {
  const named = new Map<string, Schema>();
  const left: Schema[] = [root];
  for (let schema = left.pop(); schema !== undefined; schema = left.pop()) {
    if (isObject(schema))
      for (const name of [schema["$anchor"], schema["$dynamicAnchor"]]) if (typeof name === "string" && !named.has(name)) named.set(name, schema);
    if (isObject(schema) || Array.isArray(schema)) for (const part of Object.values(schema).reverse()) left.push(part);
  }
  return named;
}

/** The schema with its references, `allOf` and conditions applied; nothing if that is not one schema. */
export function flattened(schema: Schema, root: Schema, value: Json | undefined, of: Flattening = { left: MAX_PARTS, open: new Set(), visits: { left: MAX_VISITS, open: new Map() } }): Schema | undefined {
  const found = dereferenced(schema, root);
  if (!isObject(found)) return found;
  // A schema that is a part of itself adds nothing.
  if (of.open.has(schema)) return true;
  if (of.left-- <= 0) return undefined;
  of.open.add(schema);
  const merged = mergedParts(found, root, value, of);
  of.open.delete(schema);
  return merged;
}

function mergedParts(found: Members, root: Schema, value: Json | undefined, of: Flattening): Schema | undefined {
  const { allOf, if: condition, then, else: otherwise, dependentRequired, dependentSchemas, ...rest } = found;
  const parts: Schema[] = [];
  if (Array.isArray(allOf)) parts.push(...allOf);
  if (condition !== undefined) {
    const branch = fits(value, condition, root, of.visits) ? then : otherwise;
    if (branch !== undefined) parts.push(branch);
  }
  if (isObject(dependentRequired) && isObject(value))
    for (const [name, required] of Object.entries(dependentRequired))
      if (Object.hasOwn(value, name) && Array.isArray(required)) parts.push({ required });
  if (isObject(dependentSchemas) && isObject(value))
    for (const [name, schema] of Object.entries(dependentSchemas)) if (Object.hasOwn(value, name)) parts.push(schema);
  let merged: Schema | undefined = rest;
  for (const part of parts) {
    const flat = flattened(part, root, value, of);
    merged = flat === undefined || merged === undefined ? undefined : merge(merged, flat);
  }
  return merged;
}

// How two demands of one keyword become one.
const MERGES: { [keyword: string]: (one: Json, other: Json) => Json | undefined } = {
  properties: (one, other) => (isObject(one) && isObject(other) ? bothOf(one, other) : undefined),
  patternProperties: (one, other) => (isObject(one) && isObject(other) ? bothOf(one, other) : undefined),
  $defs: (one, other) => (isObject(one) && isObject(other) ? { ...one, ...other } : undefined),
  definitions: (one, other) => (isObject(one) && isObject(other) ? { ...one, ...other } : undefined),
  required: (one, other) => (Array.isArray(one) && Array.isArray(other) ? [...new Set([...one, ...other])] : undefined),
  type: (one, other) => narrowed(one, other),
  enum: (one, other) => (Array.isArray(one) && Array.isArray(other) ? one.filter((item) => other.some((kept) => isEqual(item, kept))) : undefined),
  minimum: greatest,
  exclusiveMinimum: greatest,
  minLength: greatest,
  minItems: greatest,
  minProperties: greatest,
  maximum: least,
  exclusiveMaximum: least,
  maxLength: least,
  maxItems: least,
  maxProperties: least,
  uniqueItems: (one, other) => one === true || other === true,
  title: (one) => one,
  description: (one) => one,
  default: (one) => one,
  $schema: (one) => one,
  $id: (one) => one,
  additionalProperties: (one, other) => (one === false || other === false ? false : (merge(one, other) ?? undefined)),
  items: (one, other) => merge(one, other),
};

/** One schema in place of two that both hold; nothing if this form has no such schema. */
export function merge(one: Schema, other: Schema): Schema | undefined {
  if (one === false || other === false) return false;
  if (!isObject(one)) return other;
  if (!isObject(other)) return one;
  const merged: Members = { ...one };
  for (const [keyword, value] of Object.entries(other)) {
    const mine = merged[keyword];
    if (mine === undefined || isEqual(mine, value)) {
      merged[keyword] = value;
      continue;
    }
    const both = MERGES[keyword]?.(mine, value);
    if (both === undefined) return undefined;
    merged[keyword] = both;
  }
  return merged;
}

function bothOf(one: Members, other: Members): Members {
  const merged: Members = { ...one };
  for (const [name, schema] of Object.entries(other))
    merged[name] = Object.hasOwn(merged, name) && merged[name] !== undefined ? { allOf: [merged[name], schema] } : schema;
  return merged;
}

function narrowed(one: Json, other: Json): Json | undefined {
  const [mine, theirs] = [one, other].map((type) => (Array.isArray(type) ? type : [type]));
  const kept = (mine ?? []).flatMap((type) => {
    if (theirs?.some((kept) => kept === type)) return [type];
    if (type === "number" && theirs?.includes("integer")) return ["integer"];
    return type === "integer" && theirs?.includes("number") ? [type] : [];
  });
  if (kept.length === 0) return undefined;
  return kept.length === 1 ? kept[0] : kept;
}

function greatest(one: Json, other: Json): Json | undefined {
  return isNumber(one) && isNumber(other) ? (asNumber(one) >= asNumber(other) ? one : other) : undefined;
}

function least(one: Json, other: Json): Json | undefined {
  return isNumber(one) && isNumber(other) ? (asNumber(one) <= asNumber(other) ? one : other) : undefined;
}

export const asNumber = (value: Json): number => (isRaw(value) ? Number(digits(value)) : (value as number));

// Set by check.ts, which needs this file: conditions and branches are decided by the same checks.
let fits: (value: Json | undefined, schema: Schema, root: Schema, of: Flattening["visits"]) => boolean = () => true;

export function decideBy(check: typeof fits): void {
  fits = check;
}

/** The type of a value, as schemas name it. */
export function typeOf(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (isNumber(value)) return "number";
  return typeof value;
}

/** Whether a number has no fraction. */
export const isWhole = (value: Json): boolean => isNumber(value) && (isRaw(value) ? /^-?\d+$/.test(value.rawJSON) : Number.isInteger(value));
