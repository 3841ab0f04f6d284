// The schemas of every tool, as model providers and client libraries take them, and what the schemas say is enforced.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { NEWEST, open, post, request } from "../../support/mcp.mjs";
import { RULES, refusals } from "../../support/portable-schema.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const STATELESS = "2026-07-28";

/** Its schema was written by hand, and the conformance suite wants it word for word. */
const BY_HAND = "json_schema_2020_12_tool";

describe("each rule", () => {
  const fine = { type: "object", properties: { a: { type: "array", items: { type: "string" } } } };
  test("each rule has a source and accepts a plain schema", () => {
    assert.deepEqual(refusals(fine), []);
    for (const { source } of RULES) assert.ok(source);
  });

  for (const [rule, broken] of [
    [/the root is of type object/, { type: "array", items: fine }],
    [/the root has no choice/, { ...fine, anyOf: [fine] }],
    [/an object has properties/, { type: "object" }],
    [/an array has items/, { type: "object", properties: { a: { type: "array" } } }],
    [/additionalProperties is no boolean/, { ...fine, additionalProperties: false }],
    [/not a boolean/, { type: "object", properties: { a: true } }],
    [/says a type/, { type: "object", properties: { a: { description: "x" } } }],
    [/a type is one name/, { type: "object", properties: { a: { type: ["string", "null"] } } }],
    [/no const and no oneOf/, { type: "object", properties: { a: { type: "string", const: "x" } } }],
    [/an enum is of one type/, { type: "object", properties: { a: { enum: ["x"] } } }],
    [/a number has no format/, { type: "object", properties: { a: { type: "integer", format: "uint8" } } }],
    [/nothing is referred to/, { type: "object", properties: { a: { type: "object", properties: {}, $ref: "#" } } }],
    [/a name that every provider takes/, { type: "object", properties: { "a b": { type: "string" } } }],
  ]) {
    test(`a rule refuses a schema that breaks it: ${rule.source}`, () => assert.match(refusals(broken).join("\n"), rule));
  }
});

for (const [name, start] of Object.entries({ demo, fixture })) {
  describe(`the tools of the ${name}`, () => {
    let server;
    before(async () => (server = await start()));
    after(() => server.stop());

    const meta = { "io.modelcontextprotocol/protocolVersion": STATELESS, "io.modelcontextprotocol/clientCapabilities": {} };
    const headers = { "mcp-protocol-version": STATELESS };
    const ask = async (method, params) => {
      const named = params.name ? { "mcp-name": params.name } : {};
      const answer = await post(server, request(1, method, { ...params, _meta: meta }), {
        headers: { ...headers, "mcp-method": method, ...named },
      });
      return answer.json;
    };
    const tools = async (version) => {
      if (version === STATELESS) return (await ask("tools/list", {})).result.tools;
      return (await (await open(server, { version })).request("tools/list")).tools;
    };

    for (const version of ["2025-06-18", NEWEST, STATELESS]) {
      test(`all schemas are accepted by every provider, in ${version}`, async () => {
        const listed = await tools(version);
        assert.ok(listed.length > 5);
        for (const { name, inputSchema, outputSchema } of listed.filter((tool) => tool.name !== BY_HAND)) {
          assert.deepEqual(refusals(inputSchema), [], name);
          if (!outputSchema) continue;
          assert.deepEqual(refusals(outputSchema, { isResult: true }), [], name);
          if (version !== STATELESS) assert.equal(outputSchema.type, "object", name);
        }
      });
    }

    if (name === "demo") {
      test("all tools follow the rules of directories", async () => {
        for (const { name, title, annotations } of await tools(NEWEST)) {
          assert.ok(title && annotations.title === title, name);
          for (const hint of ["readOnlyHint", "destructiveHint", "openWorldHint"]) {
            assert.equal(typeof annotations[hint], "boolean", `${name}: ${hint}`);
          }
        }
      });
    } else {
      test("constraints are enforced with the runtime's regular expressions", async () => {
        const session = await open(server);
        const fine = { limit: 2, file: "a.txt", mail: "a@b.c", names: ["Ann", "Ärger"] };
        assert.deepEqual(JSON.parse(await session.callText("bounded", fine)), fine);
        for (const [wrong, told] of [
          [{ limit: 0 }, /`limit` must be at least 1/],
          [{ file: "../../etc/passwd" }, /`file` must match the pattern/],
          [{ mail: "nobody" }, /`mail` must be of the format email/],
          [{ names: ["Ann", "bob"] }, /`names\[1\]` must match/],
          [{ names: ["A", "B", "C"] }, /`names` must have at most 2/],
        ]) {
          const { isError, content } = await session.call("bounded", wrong);
          assert.ok(isError);
          assert.match(content[0].text, told);
        }
      });

      test("structured content is wrapped until clients accept any value", async () => {
        const session = await open(server);
        const inside = async (name) => (await session.call(name)).structuredContent;
        assert.deepEqual([await inside("structured_list"), await inside("structured_nothing")], [{ result: [1, 2, 3] }, { result: null }]);
        for (const [name, value] of [["structured_list", [1, 2, 3]], ["structured_nothing", null]]) {
          const { result } = await ask("tools/call", { name, arguments: {} });
          assert.deepEqual(result.structuredContent, value);
        }
      });
    }
  });
}
