// The fields of forms.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Json, parse, write } from "../../playground/src/exact.ts";
import { fieldOf, initial, switched, variantOf, withMember } from "../../playground/src/schema/field.ts";

const kind = (schema: Json, value?: Json) => fieldOf(schema, schema, value).kind;

describe("the kind of field", () => {
  for (const [schema, expected] of [
    [{ type: "string" }, "text"],
    [{ type: "number" }, "number"],
    [{ type: "integer" }, "number"],
    [{ type: "boolean" }, "boolean"],
    [{ type: "null" }, "null"],
    [{ enum: ["a", 1, null] }, "choice"],
    [{ oneOf: [{ const: "a", title: "A" }, { const: "b" }] }, "choice"],
    [{ anyOf: [{ const: 1 }, { const: 2 }] }, "choice"],
    [{ const: 7 }, "fixed"],
    [{ properties: { a: true } }, "object"],
    [{ items: { type: "string" } }, "list"],
    [{ prefixItems: [{ type: "string" }], items: false }, "list"],
    [{ oneOf: [{ type: "string" }, { type: "object" }] }, "variants"],
    [{ type: ["string", "integer"] }, "variants"],
    [{}, "json"],
    [true, "json"],
    [{ $ref: "https://evil.example/x" }, "json"],
    [{ $ref: "#/$defs/gone" }, "json"],
    [{ allOf: [{ type: "object", properties: { a: true } }, { properties: { b: true } }] }, "object"],
    [{ allOf: [{ pattern: "a", type: "string" }, { pattern: "b" }] }, "json"],
    [{ $ref: "#/$defs/s", $defs: { s: { type: "string" } } }, "text"],
  ] as [Json, string][])
    test(`of ${JSON.stringify(schema)} is ${expected}`, () => assert.equal(kind(schema), expected));
});

test("X or null is X, and null may be chosen", () => {
  for (const schema of [
    { anyOf: [{ type: "string" }, { type: "null" }] },
    { type: ["string", "null"] },
    { oneOf: [{ type: "null" }, { $ref: "#/$defs/s" }], $defs: { s: { type: "string" } } },
  ]) {
    const field = fieldOf(schema, schema);
    assert.deepEqual([field.kind, field.isNullable], ["text", true], JSON.stringify(schema));
  }
  const choice = { type: ["string", "null"], enum: ["a", null] };
  const field = fieldOf(choice, choice);
  assert.ok(field.kind === "choice" && field.isNullable && field.options.length === 1);
});

test("a title beside a reference counts", () => {
  const schema = { $ref: "#/$defs/s", title: "Mine", $defs: { s: { type: "string", title: "Its own", description: "d" } } };
  const { title, description } = fieldOf(schema, schema);
  assert.deepEqual([title, description], ["Mine", "d"]);
});

test("required members come first, else the order of the schema is kept", () => {
  const field = fieldOf({ type: "object", properties: { c: true, b: true, a: true }, required: ["a", "z"] }, {});
  assert.ok(field.kind === "object");
  assert.deepEqual(field.members.map(({ name }) => name), ["a", "z", "c", "b"]);
});

test("conditions follow the value", () => {
  const schema = {
    type: "object",
    properties: { kind: { enum: ["a", "b"] } },
    if: { properties: { kind: { const: "a" } }, required: ["kind"] },
    then: { properties: { extra: { type: "string" } }, required: ["extra"] },
    dependentRequired: { kind: ["why"] },
  };
  const members = (value: Json) => {
    const field = fieldOf(schema, schema, value);
    return field.kind === "object" ? field.members.filter(({ isRequired }) => isRequired).map(({ name }) => name) : [];
  };
  assert.deepEqual(members({ kind: "a" }), ["extra", "why"]);
  assert.deepEqual(members({ kind: "b" }), ["why"]);
  assert.deepEqual(members({}), []);
});

describe("the first value", () => {
  for (const [schema, expected] of [
    [{ type: "string" }, undefined],
    [{ type: "boolean" }, "false"],
    [{ type: "object", properties: { a: { type: "string" }, b: { type: "boolean" } }, required: ["a"] }, "{}"],
    [{ type: "object", properties: { a: { type: "object", properties: { k: { const: "x" } }, required: ["k"] } }, required: ["a"] }, '{"a":{"k":"x"}}'],
    [{ type: "object", properties: { a: { type: "array", items: {} } }, required: ["a"] }, '{"a":[]}'],
    [{ type: "object", properties: { n: { type: "integer", default: 7 } } }, "{}"],
  ] as [Json, string | undefined][])
    test(`of ${JSON.stringify(schema)} has nothing but what must be`, () => {
      const value = initial(schema, schema);
      assert.equal(value === undefined ? undefined : write(value), expected);
    });

  test("has the defaults if they are asked for", () => {
    const schema = { type: "object", properties: { n: { type: "integer", default: 7 }, s: { type: "string" } } };
    assert.equal(write(initial(schema, schema, true) ?? null), '{"n":7}');
  });

  test("of a schema that requires itself ends", () => {
    const schema = { type: "object", properties: { child: { $ref: "#" } }, required: ["child"] };
    assert.ok(write(initial(schema, schema) ?? null).length < 1000);
  });
});

describe("branches", () => {
  const schema = {
    oneOf: [
      { type: "object", properties: { kind: { const: "circle" }, radius: { type: "number" }, name: { type: "string" } }, required: ["kind", "radius"] },
      { type: "object", properties: { kind: { const: "square" }, side: { type: "number" }, name: { type: "string" } }, required: ["kind", "side"] },
    ],
  };
  const field = fieldOf(schema, schema);
  const variants = field.kind === "variants" ? field.variants : [];

  test("are named by what tells them apart", () => assert.deepEqual(variants.map(({ label }) => label), ["kind: circle", "kind: square"]));

  test("are picked by a value, a finished one or not", () => {
    assert.equal(variantOf(parse('{"kind":"square","side":1}'), variants, schema), 1);
    assert.equal(variantOf(parse('{"kind":"square"}'), variants, schema), 1);
  });

  test("keep members of the same name when they are switched", () => {
    const next = switched(parse('{"kind":"circle","radius":1,"name":"n"}'), variants[1]?.schema ?? true, schema);
    assert.equal(write(next ?? null), '{"kind":"square","name":"n"}');
  });
});

test("a member is set in its place and taken out without a trace", () => {
  const value = { a: 1, b: 2 };
  assert.equal(write(withMember(value, "a", 3)), '{"a":3,"b":2}');
  assert.equal(write(withMember(value, "a", undefined)), '{"b":2}');
  assert.equal(write(withMember({}, "__proto__", 1)), '{"__proto__":1}');
});
