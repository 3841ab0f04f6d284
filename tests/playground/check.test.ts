// The check of a value beside ajv's, which a server may use.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { type Json, parse } from "../../playground/src/exact.ts";
import { check, newState, fits, validate, validateWhole } from "../../playground/src/schema/check.ts";
import type { Schema } from "../../playground/src/schema/schema.ts";
import "../support/patterns.mjs";

const require = createRequire(import.meta.url);
const { default: Ajv } = require("ajv/dist/2020.js");
const { default: addFormats } = require("ajv-formats");

const VALUES = [
  "null", "true", "0", "1", "-1", "1.5", "10", '""', '"a"', '"abc"', '"2026-02-30"', '"2026-02-28"', '"not a uri"', '"https://a.example/x"',
  '"2026-02-28T10:00:00Z"', '"a@b.example"', "[]", "[1]", "[1,1]", "[1,2,3]", '["a",1]', "{}", '{"a":1}', '{"a":"x"}', '{"a":1,"b":2}', '{"x1":1}', '{"kind":"one","a":1}', '{"kind":"two"}',
];

const SCHEMAS = [
  true, false, {}, { type: "integer" }, { type: ["string", "null"] }, { enum: [1, "a", null, [1]] }, { const: { a: 1 } },
  { type: "string", minLength: 1, maxLength: 2 }, { pattern: "^a" }, { type: "number", minimum: 0, exclusiveMaximum: 10, multipleOf: 0.1 },
  { format: "date" }, { format: "uri" }, { format: "date-time" }, { format: "email" },
  { type: "array", minItems: 1, maxItems: 2, uniqueItems: true }, { prefixItems: [{ type: "string" }], items: { type: "integer" } }, { contains: { const: 2 } },
  { type: "object", required: ["a"], properties: { a: { type: "integer" } }, additionalProperties: false },
  { patternProperties: { "^x": { type: "integer" } }, additionalProperties: { type: "string" } }, { propertyNames: { maxLength: 1 } }, { minProperties: 1, maxProperties: 1 },
  { allOf: [{ required: ["a"] }, { properties: { a: { type: "integer" } } }] }, { anyOf: [{ type: "integer" }, { minLength: 2 }] }, { oneOf: [{ type: "number" }, { type: "integer" }] },
  { not: { type: "object" } }, { if: { properties: { kind: { const: "one" } }, required: ["kind"] }, then: { required: ["a"] }, else: { maxProperties: 1 } },
  { dependentRequired: { a: ["b"] } }, { dependentSchemas: { a: { required: ["b"] } } }, { $defs: { n: { type: "integer" } }, items: { $ref: "#/$defs/n" } },
  { type: "object", properties: { a: { $ref: "#" } } }, { $ref: "#/$defs/x~1y", $defs: { "x/y": { type: "null" } } }, { $defs: { t: { $anchor: "t", type: "string" } }, $ref: "#t" },
];

describe("every keyword", () => {
  for (const schema of SCHEMAS)
    test(`decides as ajv does: ${JSON.stringify(schema)}`, async () => {
      const ajv = new Ajv({ strict: false });
      addFormats(ajv);
      const theirs = ajv.compile(schema);
      for (const text of VALUES) assert.equal((await validateWhole(parse(text), schema)).errors.length === 0, theirs(JSON.parse(text)), text);
    });
});

test("a decimal multiple is one, whatever its binary form", () => {
  assert.ok(fits(0.3, { multipleOf: 0.1 }) && !fits(0.35, { multipleOf: 0.1 }));
});

test("a misfit names the place and the demand", () => {
  const schema = { properties: { people: { items: { required: ["name"], properties: { age: { minimum: 0 } } } } } };
  assert.deepEqual(check(parse('{"people":[{"name":"a","age":-1},{}]}'), schema), [
    { pointer: "/people/0/age", keyword: "minimum", demand: "0" },
    { pointer: "/people/1/name", keyword: "required", demand: "name" },
  ]);
});

test("a branch that is meant is named instead of none", () => {
  const schema = { oneOf: [{ type: "string" }, { type: "object", required: ["a"], properties: { a: { type: "integer" } } }] };
  assert.deepEqual(check(parse('{"a":"x"}'), schema), [{ pointer: "/a", keyword: "type", demand: "integer" }]);
});

test("circles of references end", () => {
  for (const schema of [{ $ref: "#" }, { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } }, { allOf: [{ $ref: "#" }] }])
    check(parse('{"a":[1]}'), schema);
});

test("a reference to another document is no demand", () => {
  assert.ok(fits(1, { $ref: "https://evil.example/schema.json" }));
});

describe("a demand that was not checked", () => {
  const long = "a".repeat(10_001);
  const unchecked = { type: "string", pattern: "^b" };

  test("is no misfit, and is told", () => {
    assert.deepEqual(validate(long, unchecked), { errors: [], isWhole: false });
    assert.deepEqual(validate("b", { type: "string" }), { errors: [], isWhole: true });
  });

  test("decides no condition, no branch and no other properties", async () => {
    const schemas: Schema[] = [
      { not: unchecked }, { if: unchecked, then: false, else: false }, { anyOf: [unchecked, false] }, { oneOf: [unchecked, { type: "string" }] }, { allOf: [unchecked] },
    ];
    for (const schema of schemas) assert.deepEqual(await validateWhole(long, schema), { errors: [], isWhole: false }, JSON.stringify(schema));
    assert.deepEqual(await validateWhole({ [long]: 1 }, { patternProperties: { "^b": false }, additionalProperties: false }), { errors: [], isWhole: false });
    assert.deepEqual(await validateWhole([long], { contains: unchecked }), { errors: [], isWhole: false });
  });

  test("hides no misfit beside it", async () => {
    const { errors } = await validateWhole(long, { anyOf: [{ allOf: [unchecked, { type: "integer" }] }, { maxLength: 1 }] });
    assert.equal(errors.length, 1);
  });
});

test("items that are the same JSON are found among many, in any order of their members", async () => {
  const items = Array.from({ length: 50_000 }, (_, at) => ({ at, text: `${at}` }));
  const schema = { uniqueItems: true };
  assert.deepEqual(await validateWhole(items, schema), { errors: [], isWhole: true });
  assert.equal(check([...items, { text: "7", at: 7 }], schema)[0]?.keyword, "uniqueItems");
  assert.deepEqual(check(parse('[1, "1", [1], ["1"], true, "true", null, {"1": 1}]'), schema), []);
});

test("values of long lists that a schema allows count as what is checked", () => {
  const values = Array.from({ length: 100_000 }, (_, at) => `value ${at}`);
  const { isWhole } = validate(Array.from({ length: 100_000 }, () => "value 99999"), { items: { enum: values } });
  assert.equal(isWhole, false);
  const of = newState(20);
  assert.ok(fits("value 99999", { enum: values }, true, of) && of.skipped === 1);
});

test("a value that is too deep to be compared is not checked, and ends", () => {
  const deep = () => Array.from({ length: 50_000 }).reduce<Json>((inner) => [inner], []);
  assert.deepEqual(validate(deep(), { const: deep() }), { errors: [], isWhole: false });
});

test("many references to names of schemas read the document once", () => {
  const names = Array.from({ length: 3000 }, (_, at) => `n${at}`);
  let reads = 0;
  const named = new Proxy({ $anchor: "n2999", type: "integer" }, { ownKeys: (target) => (reads++, Reflect.ownKeys(target)) });
  const $defs: Record<string, Schema> = { ...Object.fromEntries(names.slice(0, -1).map((name) => [name, { $anchor: name, type: "integer" }])), n2999: named };
  const schema: Schema = { $defs, properties: Object.fromEntries(names.map((name) => [name, { $ref: `#${name}` }])) };
  const value = Object.fromEntries(names.map((name) => [name, 1]));
  assert.deepEqual(check(value, schema), []);
  assert.ok(reads < 10, `${reads}`);
  assert.equal(check({ n7: "x" }, schema).length, 1);
});
