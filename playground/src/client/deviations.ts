// Whether a message is as the schema of its version says. Covered are the envelope, and the parameters and results of every method
// of the five versions, down to the members of tools, resources, prompts, content and questions. Not covered are extensions, the
// members of JSON schemas, and formats other than addresses.
import { type Json, digits, isNumber, isObject } from "../exact.ts";
import type { Deviation } from "../protocol.ts";

const VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/** Deviations told of one message. */
const MAX_DEVIATIONS = 50;

/**
 * Types: `s` string, `u` address, `n` number, `r` number from 0 to 1, `i` integer, `c` integer from 0, `b` boolean, `o` object, `*`
 * anything, `k` string or integer, `"x"` that string, `[T]` list, `<T>` object of T, `T|U` either. Members are known `@from-to`
 * versions, by their place above from 1; of alternatives the same; `?` members may be missing, `?5` may be from there on only,
 * `?-4` up to there only.
 */
const TYPES = `
Role = "user"|"assistant"
Annotations = {audience?: [Role], priority?: r, lastModified?@3: s}
Text = {type: "text", text: s, annotations?: Annotations, _meta?@3: o}
Image = {type: "image", data: s, mimeType: s, annotations?: Annotations, _meta?@3: o}
Audio = {type: "audio", data: s, mimeType: s, annotations?: Annotations, _meta?@3: o}
Link = {type: "resource_link", uri: u, name: s, title?: s, description?: s, mimeType?: s, size?: i, annotations?: Annotations, icons?@4: [Icon], _meta?: o}
Embedded = {type: "resource", resource: TextContents|BlobContents, annotations?: Annotations, _meta?@3: o}
TextContents = {uri: u, text: s, mimeType?: s, _meta?@3: o}
BlobContents = {uri: u, blob: s, mimeType?: s, _meta?@3: o}
Block = Text|Image|Audio@2|Link@3|Embedded
ToolUse = {type: "tool_use", id: s, name: s, input: o, _meta?: o}
ToolResult = {type: "tool_result", toolUseId: s, content: [Block], isError?: b, structuredContent?@4-4: o, _meta?: o}
Sampled = Text|Image|Audio@2|ToolUse@4|ToolResult@4
SampledAll = Text|Image|Audio@2|ToolUse@4|ToolResult@4|[Sampled]@4
Icon = {src: u, mimeType?: s, sizes?: [s], theme?: "light"|"dark"}
Info = {name: s, version: s, title?@3: s, description?@4: s, websiteUrl?@4: u, icons?@4: [Icon]}
Schema = {type: "object", properties?@1-4: <o>, required?@1-4: [s], $schema?@4: s}
OutSchema = {type@1-4: "object", properties?@1-4: <o>, required?@1-4: [s], $schema?@4: s}
Hints = {title?: s, readOnlyHint?: b, destructiveHint?: b, idempotentHint?: b, openWorldHint?: b}
Execution = {taskSupport?: "forbidden"|"optional"|"required"}
Tool = {name: s, inputSchema: Schema, description?: s, title?@3: s, annotations?@2: Hints, outputSchema?@3: OutSchema, execution?@4-4: Execution, icons?@4: [Icon], _meta?@3: o}
Resource = {uri: u, name: s, description?: s, mimeType?: s, title?@3: s, size?: i, annotations?: Annotations, icons?@4: [Icon], _meta?@3: o}
Template = {uriTemplate: s, name: s, description?: s, mimeType?: s, title?@3: s, annotations?: Annotations, icons?@4: [Icon], _meta?@3: o}
Argument = {name: s, description?: s, required?: b, title?@3: s}
Prompt = {name: s, description?: s, arguments?: [Argument], title?@3: s, icons?@4: [Icon], _meta?@3: o}
PromptMessage = {role: Role, content: Block}
Level = "debug"|"info"|"notice"|"warning"|"error"|"critical"|"alert"|"emergency"
Changes = {listChanged?: b}
RequestTasks = {elicitation?: o, sampling?: o, tools?: o}
Tasks = {list?: o, cancel?: o, requests?: RequestTasks}
ClientCan = {experimental?: <o>, roots?@1-4: Changes, roots?@5: o, sampling?: SamplingCan, elicitation?@3: ElicitationCan, tasks?@4-4: Tasks, extensions?@5: <o>}
SamplingCan = {context?@4: o, tools?@4: o}
ElicitationCan = {form?@4: o, url?@4: o}
ResourcesCan = {subscribe?: b, listChanged?: b}
ServerCan = {experimental?: <o>, logging?: o, completions?@2: o, prompts?: Changes, resources?: ResourcesCan, tools?: Changes, tasks?@4-4: Tasks, extensions?@5: <o>}
Hint = {name?: s}
Preferences = {hints?: [Hint], costPriority?: r, speedPriority?: r, intelligencePriority?: r}
SampledMessage = {role: Role, content: SampledAll, _meta?@4: o}
Choice = {mode?: "auto"|"required"|"none"}
Root = {uri: u, name?: s, _meta?@3: o}
Task = {taskId: s, status: "working"|"input_required"|"completed"|"failed"|"cancelled", createdAt: s, lastUpdatedAt: s, ttl: i|null, statusMessage?: s, pollInterval?: i}
TaskMeta = {ttl?: i}
Const = {const: s, title: s}
AnyOfConst = {anyOf: [Const]}
Enums = {type: "string", enum: [s]}
TextField = {type: "string", title?: s, description?: s, minLength?: i, maxLength?: i, format?: "email"|"uri"|"date"|"date-time", default?@4: s}
NumberField = {type: "number"|"integer", title?: s, description?: s, minimum?: n, maximum?: n, default?@4: n}
BooleanField = {type: "boolean", title?: s, description?: s, default?: b}
EnumField = {type: "string", enum: [s], enumNames?: [s], title?: s, description?: s, default?@4: s}
OneOfField = {type: "string", oneOf: [Const], title?: s, description?: s, default?: s}
ManyField = {type: "array", items: Enums|AnyOfConst, minItems?: i, maxItems?: i, title?: s, description?: s, default?: [s]}
Field = TextField|NumberField|BooleanField|EnumField|OneOfField@4|ManyField@4
Form = {type: "object", properties: <Field>, required?: [s], $schema?@4: s}
AskForm = {message: s, requestedSchema: Form, mode?@4: "form", task?@4-4: TaskMeta}
AskUrl = {message: s, mode: "url", url: u, elicitationId@4-4: s, task?@4-4: TaskMeta}
Ask = AskForm|AskUrl@4
Answered = {action: "accept"|"decline"|"cancel", content?: <s|i|b|[s]@4>}
Sampling = {messages: [SampledMessage], maxTokens: i, systemPrompt?: s, includeContext?: "none"|"thisServer"|"allServers", temperature?: n, stopSequences?: [s], metadata?: o, modelPreferences?: Preferences, tools?@4: [Tool], toolChoice?@4: Choice, task?@4-4: TaskMeta}
SamplingDone = {role: Role, content: SampledAll, model: s, stopReason?: s}
RootsDone = {roots: [Root]}
InputAsk = {method: "elicitation/create", params: Ask}
InputSample = {method: "sampling/createMessage", params: Sampling}
InputRoots = {method: "roots/list", params?: o}
InputDone = Answered|SamplingDone|RootsDone
Meta = {io.modelcontextprotocol/protocolVersion: s, io.modelcontextprotocol/clientCapabilities: ClientCan, io.modelcontextprotocol/clientInfo?: Info, io.modelcontextprotocol/logLevel?: Level, progressToken?: k}
OldMeta = {progressToken?: k}
Params = {_meta?@1-4: OldMeta, _meta@5: Meta}
Page = {cursor?: s}
Retry = {inputResponses?@5: <InputDone>, requestState?@5: s}
Cached = {ttlMs@5: c, cacheScope@5: "public"|"private"}
Listed = {nextCursor?: s}
Done = {_meta?: o, resultType@5: s}
Filter = {toolsListChanged?: b, promptsListChanged?: b, resourcesListChanged?: b, resourceSubscriptions?: [s]}
PromptRef = {type: "ref/prompt", name: s, title?@3: s}
ResourceRef = {type: "ref/resource", uri: s}
CompleteContext = {arguments?: <s>}
CompleteArgument = {name: s, value: s}
Completion = {values: [s], total?: i, hasMore?: b}
Named = {name: s, arguments?: o, task?@4-4: TaskMeta}
PromptNamed = {name: s, arguments?: <s>}
Uri = {uri: u}
TaskId = {taskId: s}
Initialize = {protocolVersion: s, capabilities: ClientCan, clientInfo: Info}
Initialized = {protocolVersion: s, capabilities: ServerCan, serverInfo: Info, instructions?: s}
Discovered = {supportedVersions: [s], capabilities: ServerCan, instructions?: s}
ToolDone = {content: [Block], isError?: b, structuredContent?@3-4: o}
ToolTask = {task: Task}
Needs = {inputRequests?: <InputAsk|InputSample|InputRoots>, requestState?: s}
ToolsPage = {tools: [Tool]}
ResourcesPage = {resources: [Resource]}
TemplatesPage = {resourceTemplates: [Template]}
PromptsPage = {prompts: [Prompt]}
TasksPage = {tasks: [Task]}
Contents = {contents: [TextContents|BlobContents]}
PromptDone = {messages: [PromptMessage], description?: s}
CompleteAsk = {ref: PromptRef|ResourceRef, argument: CompleteArgument, context?@3: CompleteContext}
CompleteDone = {completion: Completion}
LevelAsk = {level: Level}
ListenAsk = {notifications: Filter}
Cancelled = {requestId@1-3: k, requestId?@4-4: k, requestId@5: k, reason?: s}
Progress = {progressToken: k, progress: n, total?: n, message?@2: s}
Log = {level: Level, data: *, logger?: s}
AskId = {elicitationId: s}
Error = {code: i, message: s}
`;

// Direction, method, versions, the types of its parameters and of its result. Members of several types stand together.
const METHODS = `
> initialize 1-4 Params&Initialize Done&Initialized
> server/discover 5 Params Done&Cached&Discovered
> ping 1-4 Params? Done
< ping 1-4 Params? Done
> tools/list 1-4 Params&Page? Done&Listed&ToolsPage
> tools/list 5 Params&Page Done&Cached&Listed&ToolsPage
> tools/call 1-5 Params&Named&Retry Done&ToolDone
> resources/list 1-4 Params&Page? Done&Listed&ResourcesPage
> resources/list 5 Params&Page Done&Cached&Listed&ResourcesPage
> resources/templates/list 1-4 Params&Page? Done&Listed&TemplatesPage
> resources/templates/list 5 Params&Page Done&Cached&Listed&TemplatesPage
> resources/read 1-5 Params&Uri&Retry Done&Cached&Contents
> resources/subscribe 1-4 Params&Uri Done
> resources/unsubscribe 1-4 Params&Uri Done
> prompts/list 1-4 Params&Page? Done&Listed&PromptsPage
> prompts/list 5 Params&Page Done&Cached&Listed&PromptsPage
> prompts/get 1-5 Params&PromptNamed&Retry Done&PromptDone
> completion/complete 1-5 Params&CompleteAsk Done&CompleteDone
> logging/setLevel 1-4 Params&LevelAsk Done
> subscriptions/listen 5 Params&ListenAsk Done
> tasks/get 4 Params&TaskId Done&Task
> tasks/cancel 4 Params&TaskId Done&Task
> tasks/result 4 Params&TaskId Done
> tasks/list 4 Params&Page? Done&Listed&TasksPage
< tasks/get 4 Params&TaskId Done&Task
< tasks/cancel 4 Params&TaskId Done&Task
< tasks/result 4 Params&TaskId Done
< tasks/list 4 Params&Page? Done&Listed&TasksPage
< sampling/createMessage 1-4 Params&Sampling Done&SamplingDone
< elicitation/create 3-4 Params&Ask Done&Answered
< roots/list 1-4 Params? Done&RootsDone
> notifications/initialized 1-4 o?
> notifications/cancelled 1-5 Cancelled
< notifications/cancelled 1-5 Cancelled
> notifications/progress 1-4 Progress
< notifications/progress 1-5 Progress
> notifications/roots/list_changed 1-4 o?
< notifications/message 1-5 Log
< notifications/resources/updated 1-5 Uri
< notifications/resources/list_changed 1-5 o?
< notifications/tools/list_changed 1-5 o?
< notifications/prompts/list_changed 1-5 o?
< notifications/tasks/status 4 Task
> notifications/tasks/status 4 Task
< notifications/elicitation/complete 4 AskId
< notifications/subscriptions/acknowledged 5 ListenAsk
`;

interface Span {
  from: number;
  to: number;
}

interface Member extends Span {
  name: string;
  isOptional: boolean;
  type: string;
}

interface Method extends Span {
  direction: string;
  name: string;
  params: string;
  isOptional: boolean;
  result: string | undefined;
}

const spanOf = (text: string | undefined): Span => {
  const [from = "1", to] = (text ?? "1-5").split("-");
  return { from: Number(from), to: Number(to ?? (text?.includes("-") ? from : 5)) };
};

const types = new Map(TYPES.trim().split("\n").map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf("=") + 2)] as const));
const members = new Map<string, Member[]>();

const methods: Method[] = METHODS.trim().split("\n").map((line) => {
  const [direction = "", name = "", span = "", params = "", result] = line.split(" ");
  return { direction, name, ...spanOf(span.includes("-") ? span : `${span}-${span}`), params: params.replace("?", ""), isOptional: params.endsWith("?"), result };
});

/** Parts of a text between separators that are in no bracket. */
function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let [depth, from] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    if ("[{<".includes(text[at] as string)) depth++;
    if ("]}>".includes(text[at] as string)) depth--;
    if (depth === 0 && text[at] === separator) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)];
}

function membersOf(type: string): Member[] {
  let found = members.get(type);
  if (!found) {
    found = split(type.slice(1, -1), ",").map((part) => {
      const colon = part.indexOf(": ");
      const [, name = "", optional, span] = /^ ?([^?@]+)(\?)?(?:@([\d-]+))?$/.exec(part.slice(0, colon)) ?? [];
      return { name, isOptional: optional !== undefined, ...spanOf(span), type: part.slice(colon + 2) };
    });
    members.set(type, found);
  }
  return found;
}

/** The deviations of a message; nothing where its version or method is not known. */
export function deviationsOf(message: Json, direction: "in" | "out", method: string, version: string | undefined): Deviation[] | undefined {
  const number = VERSIONS.indexOf(version ?? "") + 1;
  if (number === 0 || !isObject(message)) return undefined;
  const checker = new Checker(number);
  checker.message(message, direction, method);
  return checker.found.slice(0, MAX_DEVIATIONS);
}

class Checker {
  found: Deviation[] = [];
  #version: number;

  constructor(version: number) {
    this.#version = version;
  }

  message(message: { [name: string]: Json }, direction: "in" | "out", method: string): void {
    this.#visit(message["jsonrpc"], '"2.0"', "/jsonrpc");
    const isRequest = message["method"] !== undefined;
    if (message["id"] !== undefined) this.#visit(message["id"], "k", "/id");
    else if (!isRequest && !(message["error"] !== undefined && this.#version >= 4)) this.#miss("/id", "required", "id");
    const way = isRequest === (direction === "out") ? ">" : "<";
    const known = methods.filter((one) => one.name === method && one.direction === way);
    const now = known.find((one) => this.#knows(one));
    // A method of another version, or of the other side.
    if (!now && isRequest && methods.some((one) => one.name === method)) this.#miss("/method", "enum", methods.filter((one) => one.direction === way && this.#knows(one)).map(({ name }) => name).join(", "));
    if (isRequest) {
      if (!now) return;
      if (message["params"] === undefined) {
        if (!now.isOptional) this.#miss("/params", "required", "params");
      } else this.#all(message["params"], now.params, "/params");
    } else if (message["error"] !== undefined) this.#error(message["error"]);
    else if (!isObject(message["result"])) this.#miss("/result", message["result"] === undefined ? "required" : "type", message["result"] === undefined ? "result" : "object");
    else if (now?.result) this.#result(message["result"], now);
  }

  #result(result: { [name: string]: Json }, { name, result: type = "" }: Method): void {
    const kind = this.#version === 5 ? result["resultType"] : undefined;
    if (kind === "input_required" && ["tools/call", "prompts/get", "resources/read"].includes(name)) return this.#all(result, "Done&Needs", "/result");
    // Results of extensions have members of their own.
    if (typeof kind === "string" && kind !== "complete") return this.#all(result, "Done", "/result");
    const isTask = this.#version === 4 && result["task"] !== undefined && result["content"] === undefined;
    this.#all(result, isTask ? "Done&ToolTask" : type.replace("Cached&", this.#version === 5 ? "Cached&" : ""), "/result");
  }

  #error(error: Json): void {
    this.#visit(error, "Error", "/error");
    if (!isObject(error)) return;
    const data = { "-32021": "{requiredCapabilities: ClientCan}", "-32022": "{supported: [s], requested: s}", "-32042": "{elicitations: [AskUrl]}" }[String(error["code"])];
    const isKnown = error["code"] === -32042 ? this.#version === 4 : this.#version === 5;
    if (data && isKnown) this.#visit(error["data"], data, "/error/data");
  }

  #all(value: Json, parts: string, pointer: string): void {
    if (!isObject(value)) return this.#miss(pointer, "type", "object");
    for (const type of parts.split("&")) this.#visit(value, type, pointer);
  }

  #knows({ from, to }: Span): boolean {
    return from <= this.#version && this.#version <= to;
  }

  #miss(pointer: string, keyword: string, demand: string): void {
    this.found.push({ pointer, keyword, demand });
  }

  #visit(value: Json | undefined, type: string, pointer: string): void {
    if (this.found.length >= MAX_DEVIATIONS) return;
    if (value === undefined) return this.#miss(pointer, "required", pointer.slice(pointer.lastIndexOf("/") + 1));
    const alternatives = split(type, "|").map((one) => /^(.*?)(?:@([\d-]+))?$/.exec(one) ?? []).filter(([, , span]) => this.#knows(spanOf(span))).map(([, one = ""]) => one);
    if (alternatives.length !== 1) return this.#either(value, alternatives, pointer);
    const [only = ""] = alternatives;
    const named = types.get(only);
    if (named !== undefined) return this.#visit(value, named, pointer);
    if (only.startsWith("[")) {
      if (!Array.isArray(value)) return this.#miss(pointer, "type", "array");
      return value.forEach((item, at) => this.#visit(item, only.slice(1, -1), pointerTo(pointer, at)));
    }
    if (only.startsWith("<")) {
      if (!isObject(value)) return this.#miss(pointer, "type", "object");
      return Object.entries(value).forEach(([name, item]) => this.#visit(item, only.slice(1, -1), pointerTo(pointer, name)));
    }
    if (only.startsWith("{")) return this.#members(value, only, pointer);
    const fault = faultOf(value, only);
    if (fault) this.#miss(pointer, ...fault);
  }

  #members(value: Json, type: string, pointer: string): void {
    if (!isObject(value)) return this.#miss(pointer, "type", "object");
    for (const { name, isOptional, type: inner, ...span } of membersOf(type)) {
      if (!this.#knows(span)) continue;
      if (Object.hasOwn(value, name)) this.#visit(value[name], inner, pointerTo(pointer, name));
      else if (!isOptional) this.#miss(pointerTo(pointer, name), "required", name);
    }
  }

  // Of several, the one that is meant is the one with the fewest deviations; where the value names its type, of that type.
  #either(value: Json, alternatives: string[], pointer: string): void {
    let best: Deviation[] | undefined;
    for (const type of alternatives) {
      const checker = new Checker(this.#version);
      checker.#visit(value, type, pointer);
      if (checker.found.length === 0) return;
      const isOther = checker.found.some(({ pointer: at, keyword }) => keyword === "enum" && [`${pointer}/type`, `${pointer}/method`, `${pointer}/mode`].includes(at));
      if (isOther || checker.found.some(({ pointer: at, keyword }) => at === pointer && keyword !== "required")) continue;
      if (!best || checker.found.length < best.length) best = checker.found;
    }
    if (best) this.found.push(...best);
    else this.#miss(pointer, "enum", alternatives.map((type) => SCALARS[type] ?? type).join(", "));
  }
}

const SCALARS: { [type: string]: string } = { s: "string", u: "uri", n: "number", r: "number", i: "integer", c: "integer", b: "boolean", o: "object", k: "string, integer", null: "null" };

// Of its own, for a part that has nothing of the schemas of arguments.
const pointerTo = (pointer: string, name: string | number): string => `${pointer}/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;

const isWhole = (value: Json): boolean => isNumber(value) && (typeof value === "number" ? Number.isInteger(value) : /^-?\d+$/.test(digits(value)));

const asNumber = (value: Json): number => (isNumber(value) ? Number(digits(value)) : NaN);

/** The demand that a value without members misses. */
function faultOf(value: Json, type: string): [keyword: string, demand: string] | undefined {
  if (type === "*") return undefined;
  if (type.startsWith('"')) return value === JSON.parse(type) ? undefined : ["enum", type];
  const fitting = {
    s: () => typeof value === "string",
    u: () => typeof value === "string",
    n: () => isNumber(value),
    r: () => isNumber(value),
    i: () => isWhole(value),
    c: () => isWhole(value),
    b: () => typeof value === "boolean",
    o: () => isObject(value),
    k: () => typeof value === "string" || isWhole(value),
    null: () => value === null,
  }[type];
  if (!fitting?.()) return ["type", SCALARS[type] ?? type];
  if (type === "u" && !/^[a-z][a-z0-9+.-]*:/i.test(String(value))) return ["format", "uri"];
  if ((type === "r" || type === "c") && asNumber(value) < 0) return ["minimum", "0"];
  if (type === "r" && asNumber(value) > 1) return ["maximum", "1"];
  return undefined;
}
