// The field of a form for a schema.
import { type Json, isNumber, isObject, isEqual } from "../exact.ts";
import { fits, itemsOf } from "./check.ts";
import { type Members, type Schema, asNumber, dereferenced, flattened, typeOf } from "./schema.ts";

/** A value that can be chosen, with its label. */
export interface Option {
  value: Json;
  label: string;
  description?: string;
}

/** A member of an object. */
export interface Member {
  name: string;
  schema: Schema;
  isRequired: boolean;
}

/** One of several schemas, with its label. */
export interface Variant {
  schema: Schema;
  label: string;
}

export type Shape =
  | { kind: "text"; isLong: boolean; format: string | undefined; suggestions: string[]; isSecret: boolean }
  | { kind: "number"; isInteger: boolean; suggestions: string[] }
  | { kind: "boolean" }
  | { kind: "choice"; options: Option[] }
  | { kind: "fixed"; value: Json }
  | { kind: "object"; members: Member[]; others: Schema | undefined }
  | { kind: "list"; first: Schema[]; rest: Schema | undefined; options: Option[] | undefined; min: number; max: number }
  | { kind: "variants"; variants: Variant[] }
  | { kind: "null" }
  | { kind: "json" };

export type Field = Shape & {
  title: string | undefined;
  description: string | undefined;
  fallback: Json | undefined;
  isNullable: boolean;
  isReadOnly: boolean;
  isDeprecated: boolean;
  /** The schema with references and conditions applied. */
  schema: Schema;
};

/** A text that may be longer than this has many lines. */
const LONG_CHARS = 120;

/** The field of a schema, with conditions decided by the value that it has now. */
export function fieldOf(schema: Schema, root: Schema, value?: Json): Field {
  const flat = flattened(schema, root, value);
  if (!isObject(flat)) return { ...words({}), ...{ kind: "json" }, schema: flat ?? true };
  const [bare, isNullable] = withoutNull(flat, root);
  const resolved = isNullable ? flattened(bare, root, value) : bare;
  const members = isObject(resolved) ? resolved : {};
  // The words of an optional value stand beside its schema.
  const told = { ...words(members), ...present(words(flat)) };
  return { ...told, ...shapeOf(members, root), isNullable, schema: members };
}

function words(schema: Members) {
  const { title, description, readOnly, deprecated } = schema;
  return {
    title: typeof title === "string" ? title : undefined,
    description: typeof description === "string" ? description : undefined,
    fallback: schema["default"],
    isReadOnly: readOnly === true,
    isDeprecated: deprecated === true,
    isNullable: false,
  };
}

const present = <T extends object>(from: T): Partial<T> =>
  Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined && value !== false)) as Partial<T>;

// `[X, null]` in any of its forms is X, and whether null is allowed.
function withoutNull(schema: Members, root: Schema): [Schema, boolean] {
  const { type } = schema;
  if (Array.isArray(type) && type.includes("null") && type.length > 1) {
    const rest = type.filter((name) => name !== "null");
    const values: Members = Array.isArray(schema["enum"]) ? { enum: schema["enum"].filter((value) => value !== null) } : {};
    return [{ ...schema, ...values, type: rest.length === 1 ? (rest[0] as Json) : rest }, true];
  }
  for (const keyword of ["anyOf", "oneOf"]) {
    const parts = schema[keyword];
    if (!Array.isArray(parts) || parts.length !== 2) continue;
    const other = parts.filter((part) => !isNull(part, root));
    if (other.length !== 1 || other[0] === undefined) continue;
    const { [keyword]: _, ...rest } = schema;
    return [Object.keys(rest).every((name) => WORDS.has(name)) ? other[0] : { ...rest, allOf: [other[0]] }, true];
  }
  return [schema, false];
}

const WORDS = new Set(["title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$schema", "$defs", "definitions", "$id"]);

function isNull(schema: Schema, root: Schema): boolean {
  const found = dereferenced(schema, root);
  return isObject(found) && (found["type"] === "null" || found["const"] === null);
}

function shapeOf(schema: Members, root: Schema): Shape {
  if (schema["const"] !== undefined) return { kind: "fixed", value: schema["const"] };
  const options = optionsOf(schema, root);
  if (options) return { kind: "choice", options };
  const variants = variantsOf(schema, root);
  if (variants) return variants;
  switch (typeNamed(schema)) {
    case "string":
      return textShape(schema);
    case "number":
      return { kind: "number", isInteger: false, suggestions: suggestions(schema) };
    case "integer":
      return { kind: "number", isInteger: true, suggestions: suggestions(schema) };
    case "boolean":
      return { kind: "boolean" };
    case "null":
      return { kind: "null" };
    case "array":
      return listShape(schema, root);
    case "object":
      return objectShape(schema);
    default:
      return { kind: "json" };
  }
}

// A schema without a type is of the type that its keywords are about.
function typeNamed(schema: Members): string | undefined {
  const { type } = schema;
  if (typeof type === "string") return type;
  if (type !== undefined) return undefined;
  if (isObject(schema["properties"]) || isObject(schema["patternProperties"])) return "object";
  if (schema["items"] !== undefined || schema["prefixItems"] !== undefined) return "array";
  if (["minLength", "maxLength", "pattern", "format"].some((name) => schema[name] !== undefined)) return "string";
  return ["minimum", "maximum", "multipleOf"].some((name) => schema[name] !== undefined) ? "number" : undefined;
}

function textShape(schema: Members): Shape {
  const { format, maxLength, writeOnly } = schema;
  const known = typeof format === "string" ? format : undefined;
  const isLong = known === undefined && isNumber(maxLength) && asNumber(maxLength) > LONG_CHARS;
  return { kind: "text", isLong, format: known, suggestions: suggestions(schema), isSecret: writeOnly === true || known === "password" };
}

function suggestions(schema: Members): string[] {
  const { examples } = schema;
  return Array.isArray(examples) ? examples.filter((example) => ["string", "number"].includes(typeof example)).map(String) : [];
}

function objectShape(schema: Members): Shape {
  const { properties, required, additionalProperties, patternProperties } = schema;
  const needed = new Set(Array.isArray(required) ? required : []);
  const members = Object.entries(isObject(properties) ? properties : {}).map(([name, schema]) => ({ name, schema, isRequired: needed.has(name) }));
  // A required property without a schema can have any value.
  for (const name of needed)
    if (typeof name === "string" && !members.some((member) => member.name === name)) members.push({ name, schema: true, isRequired: true });
  members.sort((one, other) => Number(other.isRequired) - Number(one.isRequired));
  const patterned = isObject(patternProperties) ? Object.values(patternProperties)[0] : undefined;
  // An object of which nothing is said can have any members.
  const isFree = members.length === 0 && properties === undefined ? true : undefined;
  const others = additionalProperties === false ? patterned : (additionalProperties ?? patterned ?? isFree);
  return { kind: "object", members, others };
}

function listShape(schema: Members, root: Schema): Shape {
  const { first, rest } = itemsOf(schema);
  const { minItems, maxItems, uniqueItems } = schema;
  const items = rest === undefined ? undefined : flattened(rest, root, undefined);
  const options = first.length === 0 && uniqueItems === true && isObject(items) ? optionsOf(items, root) : undefined;
  const fixed = first.length > 0 && rest === false ? first.length : Infinity;
  const max = isNumber(maxItems) ? asNumber(maxItems) : Infinity;
  return { kind: "list", first, rest: rest === false ? undefined : rest, options, min: isNumber(minItems) ? asNumber(minItems) : 0, max: Math.min(max, fixed) };
}

function optionsOf(schema: Members, root: Schema): Option[] | undefined {
  const { enum: values, enumNames } = schema;
  if (Array.isArray(values)) {
    const names = Array.isArray(enumNames) ? enumNames : [];
    return values.map((value, at) => ({ value, label: typeof names[at] === "string" ? (names[at] as string) : labelOf(value) }));
  }
  for (const keyword of ["oneOf", "anyOf"]) {
    const parts = schema[keyword];
    if (!Array.isArray(parts) || parts.length === 0) continue;
    const options = parts.map((part) => constOption(part, root));
    if (options.every((option) => option !== undefined)) return options.flat();
  }
  return undefined;
}

function constOption(schema: Schema, root: Schema): Option[] | undefined {
  const found = dereferenced(schema, root);
  if (!isObject(found)) return undefined;
  const { const: value, enum: values, title, description } = found;
  const told = typeof description === "string" ? { description } : {};
  if (value !== undefined) return [{ value, label: typeof title === "string" ? title : labelOf(value), ...told }];
  const onlyValues = Object.keys(found).every((name) => name === "enum" || name === "type" || WORDS.has(name));
  return Array.isArray(values) && onlyValues ? values.map((value) => ({ value, label: labelOf(value), ...told })) : undefined;
}

export const labelOf = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

function variantsOf(schema: Members, root: Schema): Shape | undefined {
  for (const keyword of ["oneOf", "anyOf"]) {
    const parts = schema[keyword];
    if (!Array.isArray(parts) || parts.length === 0) continue;
    const { [keyword]: _, title: __, description: ___, default: ____, ...base } = schema;
    const isBare = Object.keys(base).every((name) => WORDS.has(name));
    const variants = parts.map((part, at) => ({ schema: isBare ? part : { allOf: [part, base] }, label: variantLabel(part, root, at) }));
    return { kind: "variants", variants };
  }
  const { type } = schema;
  if (!Array.isArray(type)) return undefined;
  return { kind: "variants", variants: type.map((name) => ({ schema: { ...schema, type: name }, label: String(name) })) };
}

function variantLabel(schema: Schema, root: Schema, at: number): string {
  const found = dereferenced(schema, root);
  if (!isObject(found)) return `${at + 1}`;
  if (typeof found["title"] === "string") return found["title"];
  // A tag tells branches of one enum apart.
  for (const [name, member] of Object.entries(isObject(found["properties"]) ? found["properties"] : {}))
    if (isObject(member) && member["const"] !== undefined) return `${name}: ${labelOf(member["const"])}`;
  const required = found["required"];
  if (found["type"] === "object" && Array.isArray(required) && required.length === 1) return String(required[0]);
  return typeof found["type"] === "string" ? found["type"] : `${at + 1}`;
}

/** The branch that a value belongs to: one that it fits, else the first of its type, else the first. */
export function variantOf(value: Json | undefined, variants: Variant[], root: Schema): number {
  if (value === undefined) return 0;
  const fitting = variants.findIndex(({ schema }) => fits(value, schema, root));
  if (fitting >= 0) return fitting;
  const close = variants.findIndex(({ schema }) => {
    const found = flattened(schema, root, value);
    const type = isObject(found) ? typeNamed(found) : undefined;
    return type === typeOf(value) && constsAgree(found, value);
  });
  return Math.max(close, 0);
}

function constsAgree(schema: Schema | undefined, value: Json): boolean {
  if (!isObject(schema) || !isObject(schema["properties"]) || !isObject(value)) return true;
  return Object.entries(schema["properties"]).every(
    ([name, member]) => !isObject(member) || member["const"] === undefined || isEqual(value[name], member["const"]),
  );
}

/** Nested schemas that a first value is made of: a deeper one begins when the person opens it. */
const MAX_INITIAL_DEPTH = 8;

/** Parts of a first value. */
const MAX_INITIAL_PARTS = 1000;

/** The value that a form begins with: what is required and has only one value; with defaults, those too. */
export function initial(schema: Schema, root: Schema, defaults = false, depth = 0, parts = { left: MAX_INITIAL_PARTS }): Json | undefined {
  if (depth > MAX_INITIAL_DEPTH || parts.left-- <= 0) return undefined;
  const field = fieldOf(schema, root);
  if (defaults && field.fallback !== undefined) return field.fallback;
  switch (field.kind) {
    case "fixed":
      return field.value;
    case "null":
      return null;
    case "boolean":
      return field.isNullable ? undefined : false;
    case "list":
      return field.options || field.first.length === 0 ? [] : undefined;
    case "object":
      return initialObject(field.members, root, defaults, depth, parts);
    case "variants": {
      const [first] = field.variants;
      return first && initial(first.schema, root, defaults, depth + 1, parts);
    }
    default:
      return undefined;
  }
}

function initialObject(members: Member[], root: Schema, defaults: boolean, depth: number, parts: { left: number }): Members {
  const value: Members = {};
  for (const { name, schema, isRequired } of members) {
    const begun = isRequired ? initial(schema, root, defaults, depth + 1, parts) : defaults ? fieldOf(schema, root).fallback : undefined;
    if (begun !== undefined) set(value, name, begun);
  }
  return value;
}

// A member called `__proto__` is one as any other.
function set(object: Members, name: string, value: Json): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

/** The object with a member set, or without it. */
export function withMember(object: Members, name: string, value: Json | undefined): Members {
  const next: Members = {};
  for (const [known, kept] of Object.entries(object)) if (known !== name) set(next, known, kept);
    else if (value !== undefined) set(next, name, value);
  if (value !== undefined && !Object.hasOwn(object, name)) set(next, name, value);
  return next;
}

/** The value for another branch, with the members of the same name that fit there. */
export function switched(value: Json | undefined, to: Schema, root: Schema): Json | undefined {
  const begun = initial(to, root);
  const field = fieldOf(to, root, value);
  if (!isObject(value) || field.kind !== "object" || !isObject(begun)) return value !== undefined && fits(value, to, root) ? value : begun;
  let next: Members = begun;
  for (const { name, schema } of field.members)
    if (Object.hasOwn(value, name) && fits(value[name], schema, root)) next = withMember(next, name, value[name]);
  return next;
}
