// The rules of x-mcp-header.
import assert from "node:assert/strict";
import { test } from "node:test";
import { headerFault } from "../../playground/src/schema/header.ts";

const of = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });
const named = (name: unknown, type: unknown = "string") => ({ type, "x-mcp-header": name });

test("headers of properties at any depth, of each type that is allowed, are right", () => {
  assert.equal(headerFault(of({ a: named("A"), b: named("B", "integer"), c: named("C", "boolean"), d: of({ e: named("E") }) })), undefined);
  assert.equal(headerFault(of({ a: { type: "string", default: named("not a schema"), enum: [named(1)] } })), undefined);
  for (const schema of [undefined, null, true, "x", [], {}, of({})]) assert.equal(headerFault(schema), undefined);
});

for (const [what, schema, fault] of [
  ["the root", { type: "string", "x-mcp-header": "A" }, { rule: "place", of: "" }],
  ["items", of({ a: { type: "array", items: named("A") } }), { rule: "place", of: "a.items" }],
  ["a branch", of({}, { anyOf: [of({ a: named("A") })] }), { rule: "place", of: "anyOf.0.a" }],
  ["a definition", of({}, { $defs: { d: named("A") } }), { rule: "place", of: "d" }],
  ["additional properties", of({}, { additionalProperties: named("A") }), { rule: "place", of: "additionalProperties" }],
  ["a name with a space", of({ a: named("A B") }), { rule: "name", of: "A B" }],
  ["an empty name", of({ a: named("") }), { rule: "name", of: "" }],
  ["a name that is no text", of({ a: named(7) }), { rule: "name", of: "7" }],
  ["a number", of({ a: named("A", "number") }), { rule: "type", of: "a" }],
  ["an object", of({ a: { ...of({}), "x-mcp-header": "A" } }), { rule: "type", of: "a" }],
  ["two types", of({ a: named("A", ["string", "null"]) }), { rule: "type", of: "a" }],
  ["a name that is there twice", of({ a: named("A"), b: of({ c: named("a") }) }), { rule: "twice", of: "a" }],
] as const)
  test(`a header of ${what} is wrong`, () => assert.deepEqual(headerFault(schema), fault));
