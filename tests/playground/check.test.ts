// The check of a value beside ajv's, which a server may use.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { parse } from "../../playground/src/exact.ts";
import { check, fits } from "../../playground/src/schema/check.ts";

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
    test(`decides as ajv does: ${JSON.stringify(schema)}`, () => {
      const ajv = new Ajv({ strict: false });
      addFormats(ajv);
      const theirs = ajv.compile(schema);
      for (const text of VALUES) assert.equal(fits(parse(text), schema), theirs(JSON.parse(text)), text);
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
