// Made-up schemas: a form is made of each, and values are checked as ajv checks them, without a fault or an end.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { type Json, isObject, parse } from "../../playground/src/exact.ts";
import { check, validateWhole } from "../../playground/src/schema/check.ts";
import { fieldOf, initial, switched, variantOf } from "../../playground/src/schema/field.ts";
import type { Schema } from "../../playground/src/schema/schema.ts";
import "../support/patterns.mjs";
// @ts-expect-error It has no types.
import { schemas, values } from "../support/schema-corpus.mjs";

const require = createRequire(import.meta.url);
const { default: Ajv } = require("ajv/dist/2020.js");
const { default: addFormats } = require("ajv-formats");

const COUNT = 1000;

const copied = (value: unknown): Json => parse(JSON.stringify(value));
const CORPUS = (schemas(COUNT) as unknown[]).map(copied);
const VALUES = (values(60) as unknown[]).map(copied);

// Fields to some depth: a recursive schema has no end.
function fields(schema: Schema, root: Schema, value: Json | undefined, depth = 0): number {
  if (depth > 3) return 1;
  const field = fieldOf(schema, root, value);
  const of = (next: Schema | undefined, member?: Json) => (next === undefined ? 0 : fields(next, root, member, depth + 1));
  switch (field.kind) {
    case "object":
      return field.members.reduce((sum, { name, schema }) => sum + of(schema, isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined), of(field.others));
    case "list":
      return field.first.reduce<number>((sum, schema) => sum + of(schema), of(field.rest));
    case "variants": {
      const at = variantOf(value, field.variants, root);
      switched(value, field.variants[at]?.schema ?? true, root);
      return field.variants.reduce((sum, { schema }) => sum + of(schema), 0);
    }
    default:
      return 1;
  }
}

test(`${COUNT} made-up schemas each have a form, a first value, and an end`, () => {
  for (const schema of CORPUS) {
    for (const value of [undefined, {}, ...VALUES.slice(0, 5)]) fields(schema, schema, value as Json | undefined);
    for (const defaults of [false, true]) initial(schema, schema, defaults);
  }
});

test("schemas that refer to themselves twice come to an end", () => {
  const own = { $ref: "#" };
  const endless: Json[] = [{ allOf: [own, own] }, { anyOf: [own, own] }, { not: own }, { if: own, then: own, else: own }, { oneOf: [own, { not: own }] }, { type: "object", properties: Object.fromEntries([..."abcdefghij"].map((name) => [name, own])), required: [..."abcdefghij"] }, { type: "array", items: { allOf: [own, own] } }];
  for (const schema of endless) {
    for (const value of [{}, [[]], { a: { a: {} } }] as Json[]) {
      fields(schema, schema, value);
      check(value, schema);
    }
    initial(schema, schema, true);
  }
});

test("values fit them as ajv has it, wherever it takes the schema", async () => {
  let compared = 0;
  for (const schema of CORPUS.slice(0, 400)) {
    // ajv leaves the member `__proto__` out.
    const theirs = JSON.stringify(schema).includes("__proto__") ? undefined : compiled(schema);
    if (!theirs) continue;
    for (const value of VALUES) {
      // ajv follows references without an end.
      let expected: boolean;
      try {
        expected = theirs(value);
      } catch {
        continue;
      }
      compared++;
      const { errors } = await validateWhole(value, schema);
      assert.equal(errors.length === 0, expected, `${JSON.stringify(value)} in ${JSON.stringify(schema)}: ${JSON.stringify(check(value, schema))} ${JSON.stringify((theirs as unknown as { errors: unknown }).errors)}`);
    }
  }
  assert.ok(compared > 4000, `${compared}`);
});

function compiled(schema: Json): ((value: Json) => boolean) | undefined {
  const ajv = new Ajv({ strict: false, logger: false, ownProperties: true });
  addFormats(ajv);
  try {
    return ajv.compile(schema);
  } catch {
    return undefined;
  }
}
