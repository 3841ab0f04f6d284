// Whether a value fits its schema, and where it does not. Keywords of draft-07 and 2020-12 that can be decided here.
import { type Json, digits, isNumber, isObject, same } from "../exact.ts";
import { isFormat } from "./format.ts";
import { type Members, type Schema, asNumber, decideBy, dereferenced, isWhole, typeOf } from "./schema.ts";

/** A place in a value that does not fit, and the demand that it misses. */
export interface Misfit {
  /** A JSON pointer (RFC 6901). */
  pointer: string;
  keyword: string;
  /** The demand, as text: a bound, a pattern, a list of values. */
  demand: string;
}

/** Misfits told of one value: nobody mends more at a time. */
const MAX_MISFITS = 50;

/** Depth of a value and of its schema: a deeper one is not checked further. */
const MAX_DEPTH = 200;

/** Schemas that are visited for one value: each may refer to the next one twice. */
const MAX_VISITS = 1_000_000;

/** What all checkers of one value share. */
export interface Course {
  /** Visits that are left: beyond them nothing is checked. */
  left: number;
  /** Schemas that are being visited, each with its values: one that refers to itself demands nothing more. */
  open: Map<object, Set<Json>>;
}

export const course = (visits = MAX_VISITS): Course => ({ left: visits, open: new Map() });

/** A text longer than this is not matched against a pattern, which a server chooses: matching may take forever. */
const MAX_MATCHED_CHARS = 10_000;

/** The misfits of a value, none if it fits. */
export function check(value: Json | undefined, schema: Schema, root: Schema = schema): Misfit[] {
  const found: Misfit[] = [];
  if (value !== undefined) new Checker(root, found, course()).visit(value, schema, "", 0);
  return found;
}

export function fits(value: Json | undefined, schema: Schema, root: Schema = schema, of = course()): boolean {
  return value !== undefined && new Checker(root, [], of).fits(value, schema, 0);
}

decideBy(fits);

export const pointerTo = (pointer: string, name: string | number): string =>
  `${pointer}/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;

class Checker {
  root: Schema;
  found: Misfit[];
  #course: Course;

  constructor(root: Schema, found: Misfit[], of: Course) {
    this.root = root;
    this.found = found;
    this.#course = of;
  }

  /** Whether a part fits that only decides something, as deep as where it stands. */
  fits(value: Json, part: Schema, depth: number): boolean {
    return this.#misfits(value, part, depth).length === 0;
  }

  #misfits(value: Json, part: Schema, depth: number): Misfit[] {
    const found: Misfit[] = [];
    new Checker(this.root, found, this.#course).visit(value, part, "", depth + 1);
    return found;
  }

  visit(value: Json, schema: Schema, pointer: string, depth: number): void {
    if (depth > MAX_DEPTH || this.found.length >= MAX_MISFITS || this.#course.left-- <= 0) return;
    if (!isObject(schema)) {
      if (schema === false) this.found.push({ pointer, keyword: "false", demand: "" });
      return;
    }
    const { open } = this.#course;
    const values = open.get(schema) ?? new Set();
    if (values.has(value)) return;
    open.set(schema, values.add(value));
    this.#visit(value, schema, pointer, depth);
    values.delete(value);
  }

  #visit(value: Json, schema: Members, pointer: string, depth: number): void {
    const miss = (keyword: string, demand: unknown) => this.found.push({ pointer, keyword, demand: told(demand) });
    const reference = schema["$ref"];
    if (typeof reference === "string") {
      const found = dereferenced({ $ref: reference }, this.root);
      if (found !== undefined) this.visit(value, found, pointer, depth + 1);
    }
    this.#general(value, schema, miss);
    if (typeof value === "string") this.#text(value, schema, miss);
    if (isNumber(value)) this.#number(value, schema, miss);
    if (Array.isArray(value)) this.#list(value, schema, pointer, depth, miss);
    if (isObject(value)) this.#object(value, schema, pointer, depth, miss);
    this.#combined(value, schema, pointer, depth, miss);
  }

  #general(value: Json, schema: Members, miss: Miss): void {
    const types = schema["type"];
    if (types !== undefined) {
      const allowed = Array.isArray(types) ? types : [types];
      const type = typeOf(value);
      if (!allowed.some((name) => name === type || (name === "integer" && isWhole(value)))) miss("type", allowed.join(" / "));
    }
    const { enum: values } = schema;
    if (Array.isArray(values) && !values.some((item) => same(item, value))) miss("enum", values);
    if (schema["const"] !== undefined && !same(schema["const"], value)) miss("const", schema["const"]);
  }

  #text(value: string, schema: Members, miss: Miss): void {
    const { minLength, maxLength, pattern, format } = schema;
    const length = [...value].length;
    if (isNumber(minLength) && length < asNumber(minLength)) miss("minLength", minLength);
    if (isNumber(maxLength) && length > asNumber(maxLength)) miss("maxLength", maxLength);
    if (typeof pattern === "string" && value.length <= MAX_MATCHED_CHARS && expression(pattern)?.test(value) === false) miss("pattern", pattern);
    if (typeof format === "string" && !isFormat(format, value)) miss("format", format);
  }

  #number(value: Json, schema: Members, miss: Miss): void {
    const number = asNumber(value);
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
    if (isNumber(minimum) && number < asNumber(minimum)) miss("minimum", minimum);
    if (isNumber(maximum) && number > asNumber(maximum)) miss("maximum", maximum);
    if (isNumber(exclusiveMinimum) && number <= asNumber(exclusiveMinimum)) miss("exclusiveMinimum", exclusiveMinimum);
    if (isNumber(exclusiveMaximum) && number >= asNumber(exclusiveMaximum)) miss("exclusiveMaximum", exclusiveMaximum);
    if (isNumber(multipleOf) && asNumber(multipleOf) > 0 && !isMultiple(number, asNumber(multipleOf))) miss("multipleOf", multipleOf);
  }

  #list(value: Json[], schema: Members, pointer: string, depth: number, miss: Miss): void {
    const { minItems, maxItems, uniqueItems, contains } = schema;
    if (isNumber(minItems) && value.length < asNumber(minItems)) miss("minItems", minItems);
    if (isNumber(maxItems) && value.length > asNumber(maxItems)) miss("maxItems", maxItems);
    if (uniqueItems === true && value.some((item, at) => value.slice(0, at).some((other) => same(item, other)))) miss("uniqueItems", "");
    if (contains !== undefined && !value.some((item) => this.fits(item, contains, depth))) miss("contains", "");
    const { first, rest } = itemsOf(schema);
    value.forEach((item, at) => {
      const demanded = first[at] ?? rest;
      if (demanded !== undefined) this.visit(item, demanded, pointerTo(pointer, at), depth + 1);
    });
  }

  #object(value: Members, schema: Members, pointer: string, depth: number, miss: Miss): void {
    const { required, properties, patternProperties, additionalProperties, propertyNames, minProperties, maxProperties } = schema;
    const names = Object.keys(value);
    for (const name of Array.isArray(required) ? required : [])
      if (typeof name === "string" && !Object.hasOwn(value, name))
        this.found.push({ pointer: pointerTo(pointer, name), keyword: "required", demand: name });
    if (isNumber(minProperties) && names.length < asNumber(minProperties)) miss("minProperties", minProperties);
    if (isNumber(maxProperties) && names.length > asNumber(maxProperties)) miss("maxProperties", maxProperties);
    const patterns = isObject(patternProperties) ? Object.entries(patternProperties) : [];
    for (const name of names) {
      const [at, member] = [pointerTo(pointer, name), value[name] as Json];
      const own = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
      const matching = patterns.filter(([pattern]) => expression(pattern)?.test(name));
      for (const demanded of [own, ...matching.map(([, demanded]) => demanded)])
        if (demanded !== undefined) this.visit(member, demanded, at, depth + 1);
      if (own === undefined && matching.length === 0 && additionalProperties !== undefined) {
        if (additionalProperties === false) this.found.push({ pointer: at, keyword: "additionalProperties", demand: name });
        else this.visit(member, additionalProperties, at, depth + 1);
      }
      if (propertyNames !== undefined) this.visit(name, propertyNames, at, depth + 1);
    }
    this.#dependent(value, schema, pointer, depth);
  }

  #dependent(value: Members, schema: Members, pointer: string, depth: number): void {
    const { dependentRequired, dependentSchemas, dependencies } = schema;
    for (const dependent of [dependentRequired, dependentSchemas, dependencies]) {
      if (!isObject(dependent)) continue;
      for (const [name, demanded] of Object.entries(dependent)) {
        if (!Object.hasOwn(value, name)) continue;
        this.visit(value, Array.isArray(demanded) ? { required: demanded } : demanded, pointer, depth + 1);
      }
    }
  }

  #combined(value: Json, schema: Members, pointer: string, depth: number, miss: Miss): void {
    const { allOf, anyOf, oneOf, not, if: condition, then, else: otherwise } = schema;
    for (const part of Array.isArray(allOf) ? allOf : []) this.visit(value, part, pointer, depth + 1);
    if (Array.isArray(anyOf) && !anyOf.some((part) => this.fits(value, part, depth))) this.#nearest(value, anyOf, pointer, depth, miss, "anyOf");
    if (Array.isArray(oneOf)) {
      const fitting = oneOf.filter((part) => this.fits(value, part, depth)).length;
      if (fitting === 0) this.#nearest(value, oneOf, pointer, depth, miss, "oneOf");
      if (fitting > 1) miss("oneOf", "");
    }
    if (not !== undefined && this.fits(value, not, depth)) miss("not", "");
    if (condition === undefined) return;
    const branch = this.fits(value, condition, depth) ? then : otherwise;
    if (branch !== undefined) this.visit(value, branch, pointer, depth + 1);
  }

  // Of several branches the misfits of the only one with that type help more than "none fits".
  #nearest(value: Json, parts: Schema[], pointer: string, depth: number, miss: Miss, keyword: string): void {
    const near = parts.filter((part) => !this.#misfits(value, part, depth).some(({ pointer, keyword }) => pointer === "" && ["type", "const"].includes(keyword)));
    if (near.length === 1 && near[0] !== undefined) this.visit(value, near[0], pointer, depth + 1);
    else miss(keyword, "");
  }
}

type Miss = (keyword: string, demand: unknown) => unknown;

/** The schemas of an array's items: of the first ones, and of all others. */
export function itemsOf(schema: Members): { first: Schema[]; rest: Schema | undefined } {
  const { prefixItems, items, additionalItems } = schema;
  if (Array.isArray(prefixItems)) return { first: prefixItems, rest: items };
  // draft-07 has the list in `items`.
  if (Array.isArray(items)) return { first: items, rest: additionalItems };
  return { first: [], rest: items };
}

const expressions = new Map<string, RegExp | undefined>();

function expression(pattern: string): RegExp | undefined {
  if (!expressions.has(pattern)) expressions.set(pattern, compiled(pattern, "u") ?? compiled(pattern, ""));
  return expressions.get(pattern);
}

function compiled(pattern: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
}

// 0.3 is three times 0.1, whatever its binary form.
function isMultiple(number: number, of: number): boolean {
  const times = number / of;
  return Math.abs(times - Math.round(times)) <= Math.abs(times) * Number.EPSILON * 4;
}

function told(demand: unknown): string {
  if (isNumber(demand)) return digits(demand);
  if (Array.isArray(demand)) return demand.map((item) => told(item)).join(", ");
  return typeof demand === "string" ? demand : (JSON.stringify(demand) ?? "");
}
