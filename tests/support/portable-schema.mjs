// Rules of model providers and client libraries for a tool's schema, each with its source. A schema that breaks one costs
// every tool of the request, or of the server.

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const ONE = ["items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"];
const LIST = ["anyOf", "oneOf", "allOf", "prefixItems"];
const NAMED = ["properties", "$defs", "definitions", "patternProperties"];

/** Keywords one of which says what a value is. */
const TYPED = ["type", "enum", "anyOf"];

/**
 * Each rule looks at one schema of a tool's `inputSchema`; the root's `path` is empty. The sources were read in 2026.
 */
export const RULES = [
  {
    rule: "the root is of type object",
    source: "MCP 2025-11-25, Tools, `inputSchema`; OpenAI: 'schema must be a JSON Schema of type: \"object\"'",
    holds: (schema, path) => path !== "" || schema.type === "object",
  },
  {
    rule: "the root has no choice",
    source: "Anthropic: 'input_schema does not support oneOf, allOf, or anyOf at the top level' (anthropics/claude-code#27337)",
    holds: (schema, path) => path !== "" || !["oneOf", "anyOf", "allOf", "not", "enum"].some((word) => word in schema),
  },
  {
    rule: "an object has properties",
    source: "OpenAI: 'object schema missing properties' (github/github-mcp-server#1548); smolagents by mcpadapt reads them",
    holds: (schema) => schema.type !== "object" || typeof schema.properties === "object",
  },
  {
    rule: "an array has items",
    source: "OpenAI: 'array schema missing items' (modelcontextprotocol/modelcontextprotocol#410)",
    holds: (schema) => schema.type !== "array" || typeof schema.items === "object",
  },
  {
    rule: "additionalProperties is no boolean",
    source: "google-genai 3.6.1, _mcp_utils._filter_to_supported_schema, takes it for a schema; Gemini has no such field",
    holds: (schema) => typeof schema.additionalProperties !== "boolean",
  },
  {
    rule: "every schema is an object, not a boolean",
    source: "google-genai 3.6.1, as above; MCP Inspector's lint: 'bare boolean schema'",
    holds: (schema) => typeof schema === "object", // No other rule holds for a boolean either.
  },
  {
    rule: "every schema says a type",
    source: "OpenAI: 'schema must have a \'type\' key'; mcpadapt takes what has none for a string",
    holds: (schema) => TYPED.some((word) => word in schema),
  },
  {
    rule: "a type is one name",
    source: "Gemini: 'Proto field is not repeating, cannot start list' (taylorwilsdon/google_workspace_mcp#1099)",
    holds: (schema) => schema.type === undefined || typeof schema.type === "string",
  },
  {
    rule: "no const and no oneOf",
    source: "Gemini's Schema has no such fields (as above); OpenAI's Structured Outputs know anyOf alone",
    holds: (schema) => !("const" in schema) && !("oneOf" in schema),
  },
  {
    rule: "an enum is of one type, and says it",
    source: "Gemini's Schema: `enum` is of strings, with `type`",
    holds: ({ type, enum: values }) => values === undefined || (type && values.every((value) => typeof value === "string" || type !== "string")),
  },
  {
    rule: "a number has no format that JSON Schema does not define",
    source: "ajv, which SDK 1.x checks with, throws at unknown formats (modelcontextprotocol/inspector)",
    holds: ({ type, format }) => !["integer", "number"].includes(type) || format === undefined,
  },
  {
    rule: "nothing is referred to",
    source: "Anthropic: '$ref anywhere in a custom tool\'s input_schema' is rejected; google-genai 3.6.1 raises KeyError at '#'",
    holds: (schema) => !("$ref" in schema || "$defs" in schema),
  },
  {
    rule: "a property has a name that every provider takes",
    source: "Anthropic: letters, digits, underscores, dots and hyphens, 1 to 64",
    holds: (schema) => Object.keys(schema.properties ?? {}).every((name) => /^[a-zA-Z0-9_.-]{1,64}$/.test(name)),
  },
];

/** The rules for an `outputSchema`: no provider is given one, so what clients and their validators take counts. */
const OF_RESULTS = new Set([
  "an object has properties",
  "an array has items",
  "additionalProperties is no boolean",
  "every schema is an object, not a boolean",
  "a type is one name",
  "a number has no format that JSON Schema does not define",
]);

/** The parts of a schema that some provider would refuse, in sentences. */
export function refusals(schema, { isResult = false } = {}) {
  const rules = isResult ? RULES.filter(({ rule }) => OF_RESULTS.has(rule)) : RULES;
  return [...within(schema, "")].flatMap(([path, part]) =>
    rules.filter(({ holds }) => typeof part !== "object" || !holds(part, path)).map(({ rule }) => `${path || "the root"}: ${rule}: ${JSON.stringify(part)}`),
  );
}

function* within(schema, path) {
  yield [path, schema];
  if (typeof schema !== "object") return;
  for (const word of ONE) if (typeof schema[word] === "object") yield* within(schema[word], `${path}/${word}`);
  for (const word of LIST) for (const [at, part] of (schema[word] ?? []).entries()) yield* within(part, `${path}/${word}/${at}`);
  for (const word of NAMED) {
    for (const [name, part] of Object.entries(schema[word] ?? {})) yield* within(part, `${path}/${word}/${name}`);
  }
}
