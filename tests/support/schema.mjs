// Whether what a server sent is what its protocol version says, by the official schemas.
import * as tasks from "@modelcontextprotocol/ext-tasks/core/v2";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { definitions, specSchemas } from "./spec-schemas.mjs";

const MOST_COMPLAINTS = 8;

/** A message that its protocol version does not allow. */
export class InvalidMessage extends Error {
  constructor(version, complaints, message, where) {
    const shown = complaints.slice(0, MOST_COMPLAINTS).map((complaint) => `\n  ${complaint}`);
    const more = complaints.length > MOST_COMPLAINTS ? `\n  and ${complaints.length - MOST_COMPLAINTS} more` : "";
    super(`not a message of ${version}${where}:${shown.join("")}${more}\n${shortened(message)}`);
    this.name = "InvalidMessage";
  }
}

const shortened = (message) => `${JSON.stringify(message)}`.slice(0, 2000);

/**
 * What is wrong with a message that a server sent, in sentences; none if it is right. `request` is the one that it
 * answers, if that is known.
 */
export function complaints(version, message, request) {
  return schemaOf(version).complaints(message, request);
}

const schemas = new Map();
let sources;

// Read and compiled when the first message asks for it: not every test file speaks every version.
function schemaOf(version) {
  sources ??= specSchemas();
  if (!sources[version]) return { complaints: () => [`there is no protocol version ${version}`] };
  if (!schemas.has(version)) schemas.set(version, new Schema(version, sources[version]));
  return schemas.get(version);
}

class Schema {
  #ajv;
  #root;
  #definitions;
  #compiled = new Map();
  #requests = new Map();
  #notifications;
  #questions;
  #errors = new Map();

  constructor(version, schema) {
    this.version = version;
    this.#definitions = definitions(schema);
    const options = { strict: false, allErrors: true };
    this.#ajv = "$defs" in schema ? new Ajv2020(options) : new Ajv(options);
    addFormats.default(this.#ajv);
    // The package's pattern overflows the stack on an image of some megabytes.
    this.#ajv.addFormat("byte", (text) => Buffer.from(text, "base64").toString("base64") === text);
    this.#root = `mcp:${version}#/${"$defs" in schema ? "$defs" : "definitions"}`;
    this.#ajv.addSchema(schema, `mcp:${version}`);
    for (const name of this.#members("ClientRequest")) this.#requests.set(this.#method(name), name);
    this.#notifications = this.#byMethod("ServerNotification");
    this.#questions = this.#byMethod("ServerRequest");
    for (const [name, { properties }] of Object.entries(this.#definitions)) {
      const code = properties?.error?.allOf?.find(({ properties }) => properties?.code)?.properties.code.const;
      if (code !== undefined) this.#errors.set(code, name);
    }
  }

  complaints(message, request) {
    if (Array.isArray(message)) return this.#batch(message);
    if (message === null || typeof message !== "object") return ["it is no object"];
    if ("method" in message) return this.#message(message);
    if ("error" in message) return this.#error(message);
    return this.#response(message, request);
  }

  #batch(messages) {
    if (!("JSONRPCBatchResponse" in this.#definitions)) return ["this version has no batches"];
    return messages.length === 0 ? ["a batch is not empty"] : [];
  }

  #message(message) {
    const isRequest = "id" in message;
    if (!isRequest && this.#extended && message.method === "notifications/tasks") {
      return [
        ...this.#valid("JSONRPCNotification", message),
        ...parsed("TaskStatusNotification", message),
        ...this.#task(message.params),
      ];
    }
    const name = (isRequest ? this.#questions : this.#notifications).get(message.method);
    if (!name) return [`a server sends no ${isRequest ? "request" : "notification"} ${message.method}`];
    const envelope = isRequest ? "JSONRPCRequest" : "JSONRPCNotification";
    return [...this.#valid(envelope, message), ...this.#valid(name, message)];
  }

  #error(message) {
    const name = this.#errors.get(message.error?.code) ?? this.#either("JSONRPCErrorResponse", "JSONRPCError");
    // Before 2026-07-28, where a request has no id that could be read, JSON-RPC 2.0 has its answer say `null` (section
    // 5), which is what everybody sends and what the schemas forgot. From then on there is no `id`.
    const unread = message.id === null && !this.#extended;
    return this.#valid(name, unread ? { ...message, id: 0 } : message);
  }

  #response(message, request) {
    const found = this.#valid(this.#either("JSONRPCResultResponse", "JSONRPCResponse"), message);
    if (found.length > 0 || request === undefined) return found;
    return this.#extended
      ? this.#typedResult(message.result, request)
      : this.#result(message.result, request.method);
  }

  // Results say of what kind they are.
  #typedResult(result, { method }) {
    const operation = TASK_RESULTS[method];
    switch (result.resultType) {
      case "input_required":
        return this.#mayAsk(method)
          ? [...this.#valid("InputRequiredResult", result), ...askedFor(result)]
          : [`${method} asks for no input`];
      case "task":
        return method === "tools/call"
          ? [...this.#valid("Result", result), ...parsed("CreateTaskResult", result)]
          : [`${method} makes no task`];
      case "complete":
        if (!operation) return this.#result(result, method);
        return [
          ...this.#valid("Result", result),
          ...parsed(operation, result),
          ...(method === "tasks/get" ? this.#task(result) : []),
        ];
      default:
        return [`there is no resultType ${JSON.stringify(result.resultType)}`];
    }
  }

  // What of a task is described by the protocol and not by the extension: only calls of tools become tasks.
  #task(task) {
    if (task?.status === "completed") return this.#valid("CallToolResult", task.result);
    if (task?.status === "input_required") return this.#valid("InputRequests", task.inputRequests);
    return [];
  }

  #result(result, method) {
    const request = this.#requests.get(method);
    // A method of an extension, whose name begins with a domain.
    if (!request && /^[^/]+\.[^/]+\//.test(method)) return this.#valid("Result", result);
    if (!request) return [`this version has no request ${method}, so it has no result`];
    // 2025-11-25 has tasks of its own.
    if ("task" in result && "CreateTaskResult" in this.#definitions) return this.#valid("CreateTaskResult", result);
    return this.#valid(this.#either(request.replace(/Request$/, "Result"), "EmptyResult"), result);
  }

  // The versions from 2026-07-28 on: typed results, no requests of the server, the extension for tasks.
  get #extended() {
    return "InputRequiredResult" in this.#definitions;
  }

  #mayAsk(method) {
    const response = this.#definitions[this.#requests.get(method)?.replace(/Request$/, "ResultResponse")];
    return JSON.stringify(response ?? null).includes('/InputRequiredResult"');
  }

  #valid(name, value) {
    if (!this.#compiled.has(name)) this.#compiled.set(name, this.#ajv.compile({ $ref: `${this.#root}/${name}` }));
    const validate = this.#compiled.get(name);
    if (validate(value)) return [];
    return relevant(validate.errors).map(({ instancePath, message, params }) => {
      const allowed = params.allowedValue ?? params.allowedValues;
      return `${name}${instancePath} ${message}${allowed === undefined ? "" : ` (${JSON.stringify(allowed)})`}`;
    });
  }

  #either(...names) {
    return names.find((name) => name in this.#definitions);
  }

  #method(name) {
    return this.#definitions[name].properties.method.const;
  }

  #byMethod(union) {
    return new Map(this.#members(union).map((name) => [this.#method(name), name]));
  }

  // The names in a union. One that the version does not have has none.
  #members(union) {
    const { anyOf, $ref } = this.#definitions[union] ?? {};
    return (anyOf ?? [{ $ref }]).filter((member) => member.$ref).map((member) => member.$ref.split("/").at(-1));
  }
}

// Of a union, what is said of members that are of another `type` is noise.
function relevant(errors) {
  const others = errors.filter(({ schemaPath }) => schemaPath.endsWith("/properties/type/const"));
  const belongs = (error, { schemaPath, instancePath }) =>
    error.schemaPath.startsWith(schemaPath.slice(0, -"properties/type/const".length)) &&
    error.instancePath.startsWith(instancePath.slice(0, -"/type".length));
  const left = errors.filter((error) => !others.some((other) => belongs(error, other)));
  return left.length > 0 ? left : errors;
}

// The schema does not say so, but its description does.
const askedFor = ({ inputRequests, requestState }) =>
  inputRequests === undefined && requestState === undefined ? ["neither inputRequests nor requestState is there"] : [];

// The extension's package has its schemas as code: its schema.json describes objects that cannot be, with `_meta` as
// with `taskId`.
const TASK_RESULTS = {
  "tasks/get": "GetTaskResult",
  "tasks/update": "UpdateTaskResult",
  "tasks/cancel": "CancelTaskResult",
};

function parsed(name, value) {
  const { error } = tasks[`${name}V2Schema`].safeParse(value);
  return (error?.issues ?? []).map(({ path, message }) => `${[name, ...path].join("/")} ${message}`);
}
