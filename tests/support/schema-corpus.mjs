// Schemas that nobody would write: made by chance, the same in each run. Each is one of draft 2020-12.

const WORDS = ["a", "b", "name", "", "__proto__", "constructor", "a/b", "~", "ключ", "$ref", "x y"];
const TYPES = ["string", "number", "integer", "boolean", "null", "array", "object"];
const FORMATS = ["date", "date-time", "email", "uri", "uuid", "byte", "made-up"];
const PATTERNS = ["^a", "[0-9]+$", "", "(a|b)*", "\\p{L}"];

/** So many of them. */
export function schemas(count, seed = 7) {
  return Array.from({ length: count }, (_, at) => new Maker(seed * 1000 + at).root());
}

/** Values to try them with, as many for each seed. */
export function values(count, seed = 11) {
  const maker = new Maker(seed);
  return Array.from({ length: count }, () => maker.value(0));
}

class Maker {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  // Mulberry32.
  #below(limit) {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  #one(list) {
    return list[this.#below(list.length)];
  }

  #some(make, most = 3) {
    return Array.from({ length: this.#below(most + 1) }, make);
  }

  #atLeastOne(make, most = 3) {
    return Array.from({ length: 1 + this.#below(most) }, make);
  }

  // A member called __proto__ is one as any other.
  #members(make, most = 3) {
    const members = {};
    for (const name of new Set(this.#some(() => this.#one(WORDS), most))) Object.defineProperty(members, name, { value: make(), enumerable: true, configurable: true, writable: true });
    return members;
  }

  /** Schema that a tool may have: that of an object, whatever else it says. */
  root() {
    const schema = this.schema(0);
    const own = typeof schema === "boolean" ? {} : schema;
    return { ...own, type: "object", properties: { ...own.properties, ...this.#members(() => this.schema(1), 4) }, $defs: { a: this.schema(2), b: this.schema(2) } };
  }

  schema(depth) {
    if (depth > 4) return this.#one([true, {}, { type: this.#one(TYPES) }]);
    if (this.#below(20) === 0) return this.#below(3) > 0;
    const schema = {};
    for (let times = 1 + this.#below(3); times > 0; times--) Object.assign(schema, this.#keywords(depth + 1));
    return schema;
  }

  #keywords(depth) {
    const nested = () => this.schema(depth);
    const makers = [
      () => ({ type: this.#one(TYPES) }),
      () => ({ type: [...new Set(this.#atLeastOne(() => this.#one(TYPES)))] }),
      () => ({ type: "object", properties: this.#members(nested), required: [...new Set(this.#some(() => this.#one(WORDS)))] }),
      () => ({ type: "array", items: nested() }),
      () => ({ type: "array", prefixItems: this.#atLeastOne(nested), items: nested() }),
      () => ({ minItems: this.#below(3), maxItems: this.#below(4), uniqueItems: this.#below(2) === 0 }),
      () => ({ minLength: this.#below(3), maxLength: this.#below(200), pattern: this.#one(PATTERNS) }),
      () => ({ format: this.#one(FORMATS) }),
      () => ({ minimum: this.#below(10) - 5, exclusiveMaximum: this.#below(10), multipleOf: this.#one([1, 0.5, 0.1, 3]) }),
      () => ({ enum: this.#distinct(() => this.value(2)) }),
      () => ({ const: this.value(2) }),
      () => ({ default: this.value(2), examples: this.#some(() => this.value(2)) }),
      () => ({ title: this.#one(WORDS), description: this.#one(WORDS), deprecated: true, readOnly: this.#below(2) === 0 }),
      () => ({ [this.#one(["anyOf", "oneOf", "allOf"])]: this.#atLeastOne(nested) }),
      () => ({ anyOf: [nested(), { type: "null" }] }),
      () => ({ not: nested() }),
      () => ({ if: nested(), then: nested(), else: nested() }),
      () => ({ $ref: this.#one(this.#below(15) === 0 ? ["#/properties/a", "#/nowhere", "https://elsewhere.example/schema"] : ["#", "#/$defs/a", "#/$defs/b"]) }),
      () => ({ additionalProperties: nested(), minProperties: this.#below(2), propertyNames: { maxLength: 10 } }),
      () => ({ patternProperties: { [this.#one(PATTERNS)]: nested() } }),
      () => ({ dependentRequired: { [this.#one(WORDS)]: [this.#one(WORDS)] }, dependentSchemas: { [this.#one(WORDS)]: nested() } }),
      () => ({ contains: nested() }),
    ];
    return this.#one(makers)();
  }

  #distinct(make) {
    return [...new Map(this.#atLeastOne(make, 4).map((value) => [JSON.stringify(value), value])).values()];
  }

  value(depth) {
    const nested = () => this.value(depth + 1);
    const makers = [() => null, () => this.#below(2) === 0, () => this.#below(20) - 10, () => this.#below(100) / 10, () => this.#one(WORDS), () => "2026-02-28"];
    if (depth < 3) makers.push(() => this.#some(nested), () => this.#members(nested));
    return this.#one(makers)();
  }
}
