// Messages beside the official schemas of each version: what those refuse deviates, and what they accept does not.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { deviationsOf } from "../../playground/src/client/deviations.ts";
import type { Json } from "../../playground/src/exact.ts";
// @ts-expect-error has no types
import { definitions, specSchemas } from "../support/spec-schemas.mjs";

const require = createRequire(new URL("../package.json", import.meta.url));
const Draft7 = require("ajv").default as new (options: object) => Ajv;
const Draft2020 = require("ajv/dist/2020").default as typeof Draft7;

interface Ajv {
  addSchema(schema: object, name: string): Ajv;
  compile(schema: object): (value: unknown) => boolean;
}

type Value = { [name: string]: unknown };

const schemas = specSchemas() as { [version: string]: { $schema: string } };
const VERSIONS = Object.keys(schemas);

// With every member that a version knows; those of others are no fault anywhere.
const annotations = { audience: ["user"], priority: 0.5, lastModified: "2026-01-01T00:00:00Z" };
const icons = [{ src: "https://a.example/i.png", mimeType: "image/png", sizes: ["48x48"], theme: "dark" }];
const content = [
  { type: "text", text: "x", annotations },
  { type: "image", data: "AAAA", mimeType: "image/png", annotations },
  { type: "resource", resource: { uri: "a:b", text: "x", mimeType: "text/plain" }, annotations },
  { type: "resource", resource: { uri: "a:b", blob: "AAAA" } },
];
const tool = { name: "x", description: "x", title: "x", inputSchema: { type: "object", properties: { a: {} }, required: ["a"] }, outputSchema: { type: "object" }, annotations: { title: "x", readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }, icons };
const capabilities = { roots: { listChanged: true }, sampling: {}, elicitation: { form: {}, url: {} }, experimental: { x: {} } };
const info = { name: "x", version: "1", title: "x", websiteUrl: "https://a.example/", icons };
const sample = { messages: [{ role: "user", content: { type: "text", text: "x" } }], maxTokens: 10, systemPrompt: "x", includeContext: "none", temperature: 1, stopSequences: ["x"], metadata: {}, modelPreferences: { hints: [{ name: "x" }], costPriority: 0.1, speedPriority: 0.2, intelligencePriority: 0.3 } };
const ask = { message: "x", requestedSchema: { type: "object", properties: { s: { type: "string", title: "x", description: "x", minLength: 1, maxLength: 2, format: "email" }, n: { type: "integer", minimum: 1, maximum: 2 }, b: { type: "boolean", default: true }, e: { type: "string", enum: ["x"], enumNames: ["X"] } }, required: ["s"] } };
const MORE: { [version: string]: Value } = {
  "2025-11-25": {
    messages: [{ role: "assistant", content: [{ type: "tool_use", id: "1", name: "x", input: {} }] }, { role: "user", content: { type: "tool_result", toolUseId: "1", content: [{ type: "text", text: "x" }], isError: false } }],
    tools: [tool],
    toolChoice: { mode: "auto" },
  },
};
const task = { taskId: "1", status: "working", createdAt: "2026-01-01T00:00:00Z", lastUpdatedAt: "2026-01-01T00:00:00Z", ttl: null, pollInterval: 5, statusMessage: "x" };
const log = { level: "info", data: { a: 1 }, logger: "x" };

// Direction of the request, method, its definition, parameters, the definition of its result, and that.
const METHODS: [direction: "in" | "out", method: string, request: string, params: Value | undefined, result?: string, value?: Value][] = [
  ["out", "initialize", "InitializeRequest", { protocolVersion: "x", capabilities, clientInfo: info }, "InitializeResult", { protocolVersion: "x", capabilities: { logging: {}, completions: {}, prompts: { listChanged: true }, resources: { subscribe: true, listChanged: true }, tools: { listChanged: false }, experimental: { x: {} } }, serverInfo: info, instructions: "x" }],
  ["out", "server/discover", "DiscoverRequest", {}, "DiscoverResult", { supportedVersions: ["x"], capabilities: { tools: {}, extensions: { x: {} } }, instructions: "x" }],
  ["in", "ping", "PingRequest", undefined, "EmptyResult", {}],
  ["out", "tools/list", "ListToolsRequest", { cursor: "x" }, "ListToolsResult", { tools: [tool], nextCursor: "x" }],
  ["out", "tools/call", "CallToolRequest", { name: "x", arguments: { a: 1 } }, "CallToolResult", { content, isError: false, structuredContent: { a: 1 } }],
  ["out", "resources/list", "ListResourcesRequest", { cursor: "x" }, "ListResourcesResult", { resources: [{ uri: "a:b", name: "x", description: "x", mimeType: "x", title: "x", annotations, size: 5, icons }], nextCursor: "x" }],
  ["out", "resources/templates/list", "ListResourceTemplatesRequest", {}, "ListResourceTemplatesResult", { resourceTemplates: [{ uriTemplate: "a:{b}", name: "x", description: "x", mimeType: "x", annotations }] }],
  ["out", "resources/read", "ReadResourceRequest", { uri: "a:b" }, "ReadResourceResult", { contents: [{ uri: "a:b", text: "x", mimeType: "x" }, { uri: "a:b", blob: "AAAA" }] }],
  ["out", "resources/subscribe", "SubscribeRequest", { uri: "a:b" }],
  ["out", "prompts/list", "ListPromptsRequest", {}, "ListPromptsResult", { prompts: [{ name: "x", description: "x", arguments: [{ name: "x", description: "x", required: true }] }] }],
  ["out", "prompts/get", "GetPromptRequest", { name: "x", arguments: { a: "x" } }, "GetPromptResult", { description: "x", messages: [{ role: "user", content: { type: "text", text: "x" } }] }],
  ["out", "completion/complete", "CompleteRequest", { ref: { type: "ref/prompt", name: "x" }, argument: { name: "x", value: "y" }, context: { arguments: { a: "x" } } }, "CompleteResult", { completion: { values: ["x"], total: 1, hasMore: false } }],
  ["out", "logging/setLevel", "SetLevelRequest", { level: "info" }],
  ["out", "subscriptions/listen", "SubscriptionsListenRequest", { notifications: { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, resourceSubscriptions: ["a:b"] } }],
  ["out", "tasks/get", "GetTaskRequest", { taskId: "1" }, "GetTaskResult", task],
  ["out", "tasks/list", "ListTasksRequest", {}, "ListTasksResult", { tasks: [task] }],
  ["in", "sampling/createMessage", "CreateMessageRequest", sample, "CreateMessageResult", { role: "assistant", content: { type: "text", text: "x" }, model: "x", stopReason: "x" }],
  ["in", "elicitation/create", "ElicitRequest", ask, "ElicitResult", { action: "accept", content: { s: "x", n: 1, b: true } }],
  ["in", "elicitation/create", "ElicitRequest", { mode: "url", message: "x", url: "https://a.example/", elicitationId: "1", requestedSchema: { type: "object", properties: {} } }],
  ["in", "roots/list", "ListRootsRequest", undefined, "ListRootsResult", { roots: [{ uri: "file:///x", name: "x" }] }],
  ["out", "notifications/initialized", "InitializedNotification", undefined],
  ["in", "notifications/progress", "ProgressNotification", { progressToken: 1, progress: 0.5, total: 1, message: "x" }],
  ["in", "notifications/message", "LoggingMessageNotification", log],
  ["in", "notifications/resources/updated", "ResourceUpdatedNotification", { uri: "a:b" }],
  ["in", "notifications/tools/list_changed", "ToolListChangedNotification", undefined],
  ["out", "notifications/cancelled", "CancelledNotification", { requestId: 1, reason: "x" }],
];

const META = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}, "io.modelcontextprotocol/clientInfo": info };

/** A value without a member, or with another in its place, at every place of it. */
function* mutations(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) for (const other of [...mutations(item), ...replacements(item)]) yield value.with(at, other);
  } else if (typeof value === "object" && value !== null)
    for (const [name, inner] of Object.entries(value)) {
      const { [name]: _, ...rest } = value as Value;
      yield rest;
      for (const other of [...mutations(inner), ...replacements(inner)]) yield { ...rest, [name]: other };
    }
}

const replacements = (value: unknown): unknown[] => [7.5, "else", null, true, [], {}, -1].filter((other) => JSON.stringify(other) !== JSON.stringify(value));

// Members of JSON schemas are not covered, and formats are no part of the comparison.
const isCovered = (value: unknown): boolean => !/"(properties|inputSchema|outputSchema)":(\{"\w+":)?(7.5|"else"|null|true|\[\]|-1)/.test(JSON.stringify(value) ?? "");

for (const version of VERSIONS) {
  const schema = schemas[version] as { $schema: string };
  const all = definitions(schema) as { [name: string]: object };
  const key = "$defs" in schema ? "$defs" : "definitions";
  const ajv = new (schema.$schema.includes("2020") ? Draft2020 : Draft7)({ strict: false, validateFormats: false }).addSchema(schema, "spec");
  const against = (name: string) => ajv.compile({ $ref: `spec#/${key}/${name}` });
  const isModern = version === "2026-07-28";

  describe(version, () => {
    for (const [direction, method, definition, given, result, value] of METHODS) {
      if (!all[definition] || (isModern && direction === "in" && !method.startsWith("notifications/"))) continue;
      test(`${method} ${result ?? ""}: deviations are found where the official schema finds them`, () => {
        const isRequest = !method.startsWith("notifications/");
        const extra = method === "sampling/createMessage" ? MORE[version] : undefined;
        const params = given === undefined && isModern && isRequest ? {} : given;
        const request: Value = { jsonrpc: "2.0", ...(isRequest ? { id: 1 } : {}), method, ...(params ? { params: { ...params, ...extra, ...(isModern && isRequest ? { _meta: META } : {}) } } : {}) };
        let compared = 0;
        const compare = (message: Value, way: "in" | "out", isRight: boolean) => {
          if (!isCovered(message)) return;
          compared++;
          const found = deviationsOf(message as Json, way, method, version)?.filter(({ keyword }) => keyword !== "format");
          assert.equal(found?.length === 0, isRight, `${isRight ? "right" : "wrong"}: ${JSON.stringify(message)} ${JSON.stringify(found)}`);
        };
        const isRequestRight = against(definition);
        const paramsOf = (message: Value) => ({ ...message, method, jsonrpc: "2.0" });
        for (const message of [request, ...mutations(request)] as Value[]) if (message["method"] === method && message["jsonrpc"] === "2.0" && ["number", "undefined"].includes(typeof message["id"]) && Number.isInteger(message["id"] ?? 0) && (message["id"] !== undefined) === isRequest) compare(message, direction, isRequestRight(paramsOf(message)));
        if (result && value) {
          const whole: Value = isModern ? { ...value, resultType: "complete", ...(/List.*Result|DiscoverResult|ReadResourceResult/.test(result) ? { ttlMs: 5, cacheScope: "public" } : {}) } : value;
          const isResultRight = against(result);
          for (const one of [whole, ...mutations(whole)] as Value[]) {
            if (isModern && one["resultType"] !== "complete" && typeof one["resultType"] === "string") continue;
            compare({ jsonrpc: "2.0", id: 1, result: one }, direction === "in" ? "out" : "in", isResultRight(one));
          }
        }
        assert.ok(compared > 0);
      });
    }
  });
}

test("a deviation names its place and what is demanded there", () => {
  const message = { jsonrpc: "2.0", id: 1, result: { tools: [{ name: 5, inputSchema: { type: "object" } }, { name: "x", inputSchema: { type: "array" } }], nextCursor: null } };
  assert.deepEqual(deviationsOf(message, "in", "tools/list", "2025-06-18"), [
    { pointer: "/result/nextCursor", keyword: "type", demand: "string" },
    { pointer: "/result/tools/0/name", keyword: "type", demand: "string" },
    { pointer: "/result/tools/1/inputSchema/type", keyword: "enum", demand: '"object"' },
  ]);
});

test("a method of another version deviates, one of an extension is not known", () => {
  assert.equal(deviationsOf({ jsonrpc: "2.0", id: 1, method: "ping" }, "out", "ping", "2026-07-28")?.length, 1);
  assert.deepEqual(deviationsOf({ jsonrpc: "2.0", id: 1, method: "x/y" }, "out", "x/y", "2026-07-28"), []);
  assert.equal(deviationsOf({ jsonrpc: "2.0", id: 1, method: "ping" }, "out", "ping", undefined), undefined);
});
