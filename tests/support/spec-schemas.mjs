// The protocol's official JSON schemas, one a version. No npm package has them as files; the official conformance suite
// has them in its bundle as object literals, which are read from there without running the suite.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { packageFolder } from "./child.mjs";
import { CURRENT } from "./conformance.mjs";

/** `{ [version]: schema }`, oldest first. */
export function specSchemas() {
  const bundle = readFileSync(join(packageFolder(CURRENT), "dist/index.js"), "utf8");
  const names = /{"2025-03-26":(\w+),"2025-06-18":(\w+),"2025-11-25":(\w+),(?:"2026-07-28"|\[\w+\]):(\w+)}/;
  const table = names.exec(bundle);
  assert.ok(table, 'the conformance suite keeps its schemas otherwise now: look for "2025-03-26" in its bundle');
  const [march, june, november, july] = table.slice(1).map((name) => literal(bundle, name));
  // What tells each from its neighbours; the last one's version is a variable in the bundle.
  for (const [schema, has, lacks] of [
    [march, "JSONRPCBatchResponse", "ElicitRequest"],
    [june, "ElicitRequest", "CreateTaskResult"],
    [november, "CreateTaskResult", "DiscoverRequest"],
    [july, "DiscoverRequest", "InitializeRequest"],
  ]) {
    const all = definitions(schema);
    assert.ok(all[has] && !all[lacks], `a schema of the conformance suite is of another version: ${has}, ${lacks}`);
  }
  return {
    "2024-11-05": beforeAudio(march),
    "2025-03-26": march,
    "2025-06-18": anyNumber(june),
    "2025-11-25": anyNumber(november),
    "2026-07-28": july,
  };
}

/** The definitions of a schema: their name depends on its dialect. */
export const definitions = (schema) => schema.$defs ?? schema.definitions;

// The object that is assigned to `name`. Braces in strings do not count.
function literal(bundle, name) {
  const start = bundle.search(new RegExp(`\\b${name}=\\{\\$schema:`));
  assert.ok(start >= 0, `the conformance suite has no schema ${name}`);
  const tokens = /`(?:\\.|[^\\`])*`|"(?:\\.|[^\\"])*"|'(?:\\.|[^\\'])*'|[{}]/gs;
  tokens.lastIndex = start;
  let depth = 0;
  for (let token; (token = tokens.exec(bundle));) {
    depth += { "{": 1, "}": -1 }[token[0]] ?? 0;
    if (depth === 0) break;
  }
  const source = bundle.slice(start + name.length + 1, tokens.lastIndex);
  return JSON.parse(runInNewContext(`JSON.stringify(${source})`, {}, { timeout: 5000 }));
}

// The suite's copies are older than a correction of the published files, which it makes when it validates.
function anyNumber(schema) {
  const { properties } = definitions(schema).NumberSchema;
  for (const name of ["default", "minimum", "maximum"]) if (properties[name]) properties[name].type = "number";
  return schema;
}

// The first version is not there. Its schema is the second's without what that version added: audio, batches, and
// three members that it neither forbids nor describes.
function beforeAudio(later) {
  const schema = structuredClone(later);
  const all = schema.definitions;
  for (const name of ["AudioContent", "ToolAnnotations", "JSONRPCBatchRequest", "JSONRPCBatchResponse"]) {
    assert.ok(all[name], `2025-03-26 has no ${name}`);
    delete all[name];
  }
  delete all.Tool.properties.annotations;
  delete all.ServerCapabilities.properties.completions;
  delete all.ProgressNotification.properties.params.properties.message;
  all.JSONRPCMessage.anyOf = all.JSONRPCMessage.anyOf.filter(({ type }) => type !== "array");
  return JSON.parse(JSON.stringify(schema), (key, value) =>
    key === "anyOf" ? value.filter(({ $ref }) => $ref !== "#/definitions/AudioContent") : value,
  );
}
