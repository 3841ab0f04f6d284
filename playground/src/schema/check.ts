// Whether a value fits its schema, and where it does not. Keywords of draft-07 and 2020-12 that can be decided here.
import { type Json, digits, isNumber, isObject, isEqual } from "../exact.ts";
import { isFormat } from "./format.ts";
import { verdicts } from "./patterns.ts";
import { type Members, type Schema, asNumber, decideBy, dereferenced, isWhole, typeOf } from "./schema.ts";

/** A place in a value that does not fit, and the demand that it misses. */
export interface SchemaError {
  /** A JSON pointer (RFC 6901). */
  pointer: string;
  keyword: string;
  /** The demand, as text: a bound, a pattern, a list of values. */
  demand: string;
}

/** Misfits told of one value: nobody mends more at a time. */
const MAX_ERRORS = 50;

/** Depth of a value and of its schema: a deeper one is not checked further. */
const MAX_DEPTH = 200;

/** Schemas that are visited for one value: each may refer to the next one twice. */
const MAX_VISITS = 1_000_000;

/** Characters of a text, and values that are compared, that count as a visit. */
const CHARS_OF_VISIT = 100;
const VALUES_OF_VISIT = 10;

/** Times that one value is checked: verdicts of patterns decide which other patterns count. */
const MAX_ROUNDS = 10;

/** Milliseconds for a whole check, however many patterns it waits for. What has no verdict by then is not checked. */
const CHECK_MS = 10_000;

/** State that all checkers of one value share. */
export interface ValidationState {
  /** Visits that are left: beyond them nothing is checked. */
  left: number;
  /** Schemas that are being visited, each with its values: one that refers to itself demands nothing more. */
  open: Map<object, Set<Json>>;
  /** Demands that were not checked. */
  skipped?: number;
  /** Whether the value is one that is being typed. */
  isTyped?: boolean;
}

export const newState = (visits = MAX_VISITS): ValidationState => ({ left: visits, open: new Map() });

/** The errors of a value, and whether all of it was checked. */
export interface Validation {
  errors: SchemaError[];
  isWhole: boolean;
  /** Whether patterns were not checked since what matches them cannot be loaded. */
  isUnmatched?: true;
}

/** Result that is known at once. Patterns without a verdict are not checked. */
export function validate(value: Json | undefined, schema: Schema, root: Schema = schema): Validation {
  const [errors, of] = [[] as SchemaError[], newState()];
  if (value !== undefined) new Checker(root, errors, of).visit(value, schema, "", 0);
  return { errors, isWhole: (of.skipped ?? 0) === 0 };
}

/** The same, as soon as patterns have verdicts. For what a person does, or is shown once: drawing uses `validate`. */
export async function validateWhole(value: Json | undefined, schema: Schema, root: Schema = schema): Promise<Validation> {
  verdicts.retry();
  verdicts.makeRoom();
  const timeout = timeoutAfter(CHECK_MS);
  try {
    for (let round = 1; ; round++) {
      const validation = validate(value, schema, root);
      if (validation.isWhole) return validation;
      if (round === MAX_ROUNDS || !verdicts.isWaiting || timeout.isOver) return verdicts.isAway ? { ...validation, isUnmatched: true } : validation;
      await Promise.race([verdicts.answered(), timeout.over]);
    }
  } finally {
    timeout.clear();
  }
}

function timeoutAfter(ms: number) {
  const timeout = { isOver: false, over: Promise.resolve(), clear: () => {} };
  timeout.over = new Promise<void>((done) => {
    const timer = setTimeout(() => {
      timeout.isOver = true;
      done();
    }, ms);
    timeout.clear = () => clearTimeout(timer);
  });
  return timeout;
}

/** The errors of a value that are known at once, none if it fits. */
export const check = (value: Json | undefined, schema: Schema, root: Schema = schema): SchemaError[] => validate(value, schema, root).errors;

/** Whether a value that is being typed fits, as far as that is known. */
export function fits(value: Json | undefined, schema: Schema, root: Schema = schema, of = newState()): boolean {
  of.isTyped = true;
  return value !== undefined && new Checker(root, [], of).fits(value, schema, 0) !== false;
}

decideBy(fits);

export const pointerTo = (pointer: string, name: string | number): string =>
  `${pointer}/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;

class Checker {
  root: Schema;
  validate: SchemaError[];
  #newState: ValidationState;

  constructor(root: Schema, validate: SchemaError[], of: ValidationState) {
    this.root = root;
    this.validate = validate;
    this.#newState = of;
  }

  /** Whether a part fits that only decides something, as deep as where it stands; undefined if that is not known. */
  fits(value: Json, part: Schema, depth: number): boolean | undefined {
    const { skipped } = this.#newState;
    if (this.#errors(value, part, depth).length > 0) return false;
    return this.#newState.skipped === skipped ? true : undefined;
  }

  /** Whether so many visits more are left: otherwise a demand is not checked. */
  #affords(visits: number): boolean {
    if (this.#newState.left < visits) return this.#skip();
    this.#newState.left -= visits;
    return true;
  }

  #skip(): false {
    this.#newState.skipped = (this.#newState.skipped ?? 0) + 1;
    return false;
  }

  #matches(pattern: string, text: string): boolean | undefined {
    // A verdict that is known takes reading both, too.
    if (!this.#affords((pattern.length + text.length) / CHARS_OF_VISIT)) return undefined;
    const verdict = this.#newState.isTyped === true ? verdicts.ofTyped(pattern, text) : verdicts.of(pattern, text);
    if (verdict === undefined) this.#skip();
    return verdict;
  }

  #errors(value: Json, part: Schema, depth: number): SchemaError[] {
    const validate: SchemaError[] = [];
    new Checker(this.root, validate, this.#newState).visit(value, part, "", depth + 1);
    return validate;
  }

  visit(value: Json, schema: Schema, pointer: string, depth: number): void {
    if (this.validate.length >= MAX_ERRORS) return;
    if (depth > MAX_DEPTH) return void this.#skip();
    if (!this.#affords(1)) return;
    if (!isObject(schema)) {
      if (schema === false) this.validate.push({ pointer, keyword: "false", demand: "" });
      return;
    }
    const { open } = this.#newState;
    const values = open.get(schema) ?? new Set();
    if (values.has(value)) return;
    open.set(schema, values.add(value));
    this.#visit(value, schema, pointer, depth);
    values.delete(value);
  }

  #visit(value: Json, schema: Members, pointer: string, depth: number): void {
    const miss = (keyword: string, demand: unknown) => this.validate.push({ pointer, keyword, demand: told(demand) });
    const reference = schema["$ref"];
    if (typeof reference === "string") {
      const validate = dereferenced({ $ref: reference }, this.root);
      if (validate !== undefined) this.visit(value, validate, pointer, depth + 1);
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
    if (Array.isArray(values) && this.#affords(sizeOf(values) / VALUES_OF_VISIT) && !values.some((item) => isEqual(item, value))) miss("enum", values);
    if (schema["const"] !== undefined && this.#affords(sizeOf(schema["const"]) / VALUES_OF_VISIT) && !isEqual(schema["const"], value)) miss("const", schema["const"]);
  }

  #text(value: string, schema: Members, miss: Miss): void {
    const { minLength, maxLength, pattern, format } = schema;
    if (typeof pattern === "string" && this.#matches(pattern, value) === false) miss("pattern", pattern);
    if (![minLength, maxLength].some(isNumber) && typeof format !== "string") return;
    if (!this.#affords(value.length / CHARS_OF_VISIT)) return;
    const length = [...value].length;
    if (isNumber(minLength) && length < asNumber(minLength)) miss("minLength", minLength);
    if (isNumber(maxLength) && length > asNumber(maxLength)) miss("maxLength", maxLength);
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
    if (uniqueItems === true && this.#affords(sizeOf(value) / VALUES_OF_VISIT) && new Set(value.map(canonical)).size < value.length) miss("uniqueItems", "");
    if (contains !== undefined && none(value, (item) => this.fits(item, contains, depth))) miss("contains", "");
    const { first, rest } = itemsOf(schema);
    value.forEach((item, at) => {
      const demanded = first[at] ?? rest;
      if (demanded !== undefined) this.visit(item, demanded, pointerTo(pointer, at), depth + 1);
    });
  }

  #object(value: Members, schema: Members, pointer: string, depth: number, miss: Miss): void {
    const { required, properties, patternProperties, additionalProperties, propertyNames, minProperties, maxProperties } = schema;
    const names = Object.keys(value);
    for (const name of Array.isArray(required) && this.#affords(required.length) ? required : [])
      if (typeof name === "string" && !Object.hasOwn(value, name))
        this.validate.push({ pointer: pointerTo(pointer, name), keyword: "required", demand: name });
    if (isNumber(minProperties) && names.length < asNumber(minProperties)) miss("minProperties", minProperties);
    if (isNumber(maxProperties) && names.length > asNumber(maxProperties)) miss("maxProperties", maxProperties);
    const patterns = isObject(patternProperties) ? Object.entries(patternProperties) : [];
    if (!this.#affords(names.length * patterns.length)) return;
    for (const name of names) {
      const [at, member] = [pointerTo(pointer, name), value[name] as Json];
      const own = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
      const matches = patterns.map(([pattern, demanded]) => ({ demanded, isMatch: this.#matches(pattern, name) }));
      for (const demanded of [own, ...matches.filter(({ isMatch }) => isMatch).map(({ demanded }) => demanded)])
        if (demanded !== undefined) this.visit(member, demanded, at, depth + 1);
      if (own === undefined && matches.every(({ isMatch }) => isMatch === false) && additionalProperties !== undefined) {
        if (additionalProperties === false) this.validate.push({ pointer: at, keyword: "additionalProperties", demand: name });
        else this.visit(member, additionalProperties, at, depth + 1);
      }
      if (propertyNames !== undefined) this.visit(name, propertyNames, at, depth + 1);
    }
    this.#dependent(value, schema, pointer, depth);
  }

  #dependent(value: Members, schema: Members, pointer: string, depth: number): void {
    const { dependentRequired, dependentSchemas, dependencies } = schema;
    for (const dependent of [dependentRequired, dependentSchemas, dependencies]) {
      if (!isObject(dependent) || !this.#affords(Object.keys(dependent).length)) continue;
      for (const [name, demanded] of Object.entries(dependent)) {
        if (!Object.hasOwn(value, name)) continue;
        this.visit(value, Array.isArray(demanded) ? { required: demanded } : demanded, pointer, depth + 1);
      }
    }
  }

  #combined(value: Json, schema: Members, pointer: string, depth: number, miss: Miss): void {
    const { allOf, anyOf, oneOf, not, if: condition, then, else: otherwise } = schema;
    for (const part of Array.isArray(allOf) ? allOf : []) this.visit(value, part, pointer, depth + 1);
    if (Array.isArray(anyOf) && none(anyOf, (part) => this.fits(value, part, depth))) this.#nearest(value, anyOf, pointer, depth, miss, "anyOf");
    if (Array.isArray(oneOf)) {
      const decided = oneOf.map((part) => this.fits(value, part, depth));
      if (decided.every((fits) => fits === false)) this.#nearest(value, oneOf, pointer, depth, miss, "oneOf");
      if (decided.filter((fits) => fits === true).length > 1) miss("oneOf", "");
    }
    if (not !== undefined && this.fits(value, not, depth) === true) miss("not", "");
    if (condition === undefined) return;
    const isMet = this.fits(value, condition, depth);
    const branch = isMet === undefined ? undefined : isMet ? then : otherwise;
    if (branch !== undefined) this.visit(value, branch, pointer, depth + 1);
  }

  // Of several branches the errors of the only one with that type help more than "none fits".
  #nearest(value: Json, parts: Schema[], pointer: string, depth: number, miss: Miss, keyword: string): void {
    const near = parts.filter((part) => !this.#errors(value, part, depth).some(({ pointer, keyword }) => pointer === "" && ["type", "const"].includes(keyword)));
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

// False if any item is not known to be a misfit.
function none<T>(items: T[], fits: (item: T) => boolean | undefined): boolean {
  return items.every((item) => fits(item) === false);
}

const sizes = new WeakMap<object, number>();

/** The number of values in a value, itself included; without end for one that is too deep to compare. */
function sizeOf(value: Json, depth = 0): number {
  if (depth > MAX_DEPTH) return Infinity;
  if (typeof value !== "object" || value === null || isNumber(value)) return 1;
  let size = sizes.get(value);
  if (size === undefined) sizes.set(value, (size = Object.values(value).reduce<number>((sum, item) => sum + sizeOf(item, depth + 1), 1)));
  return size;
}

/** A text that only values which are the same JSON have. */
function canonical(value: Json): string {
  if (isNumber(value)) return digits(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name] as Json)}`).join()}}`;
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
