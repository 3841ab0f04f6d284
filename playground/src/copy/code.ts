// A request as a command or code, to be run elsewhere.
import { type Json, parse, write } from "../exact.ts";
import type { Portable, PortableRequest } from "./portable.ts";

/** A call as code of the SDK. */
export interface CallOf {
  url: Portable;
  headers: [name: string, value: Portable][];
  transport: "streamable" | "sse";
  era: "modern" | "legacy";
  tool: string;
  /** The arguments, as JSON. */
  json: string;
  /** Whether arguments are sent as headers too: the client has to know the tool for that. */
  needsList: boolean;
}

/** The request for curl in bash and other POSIX shells. */
export function curl(request: PortableRequest): string {
  return command(request, "curl", " \\\n  ", bashWord, (body) => `--data-raw ${bashWord([body])}`);
}

/**
 * The request for curl in PowerShell. Its older versions lose quotes in what they pass to programs, and characters beyond ASCII in
 * what they pipe: the body is piped, in ASCII.
 */
export function powershell(request: PortableRequest): string {
  const { body, ...rest } = request;
  const piped = body === undefined ? "" : `${powershellWord([ascii(body)])} | `;
  return piped + command({ ...rest, ...(body === undefined ? {} : { body: "@-" }) }, "curl.exe", " `\n  ", powershellWord, () => "--data-binary '@-'");
}

function command(request: PortableRequest, name: string, joint: string, word: (text: Portable) => string, data: (body: string) => string): string {
  const { method, url, headers, body } = request;
  const usual = body === undefined ? "GET" : "POST";
  return [
    `${name} -sS --no-buffer --globoff ${method === usual ? "" : `-X ${method} `}${word(url)}`,
    ...headers.map(([header, value]) => `-H ${word([`${header}: `, ...value])}`),
    ...(body === undefined ? [] : [data(body)]),
  ].join(joint);
}

/** One word of a POSIX shell's command line. */
function bashWord(text: Portable): string {
  const isPlain = text.every((part) => typeof part !== "string" || /^[^"$`\\!]*$/.test(part));
  const quoted = (part: string) => `'${part.replaceAll("'", "'\\''")}'`;
  if (text.every((part) => typeof part === "string")) return quoted(text.join(""));
  if (!isPlain) return text.map((part) => (typeof part === "string" ? quoted(part) : `"$${part.variable}"`)).join("");
  const variable = (name: string, next: Portable[number] | undefined) => (typeof next === "string" && /^\w/.test(next) ? `\${${name}}` : `$${name}`);
  return `"${text.map((part, at) => (typeof part === "string" ? part : variable(part.variable, text[at + 1]))).join("")}"`;
}

/** One word of a command line in PowerShell. */
function powershellWord(text: Portable): string {
  if (text.every((part) => typeof part === "string")) return `'${text.join("").replace(/['‘’‚‛]/g, "$&$&")}'`;
  return `"${text.map((part) => (typeof part === "string" ? part.replace(/[`$"“”„]/g, "`$&") : `$($${part.variable})`)).join("")}"`;
}

const ascii = (json: string): string => json.replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** The request as JavaScript. */
export function fetchCode({ method, url, headers, body }: PortableRequest): string {
  const lines = headers.map(([name, value]) => `    ${JSON.stringify(name)}: ${literal(value)},`);
  return [
    `const response = await fetch(${literal(url)}, {`,
    `  method: ${JSON.stringify(method)},`,
    "  headers: {",
    ...lines,
    "  },",
    ...(body === undefined ? [] : [`  body: ${bodyCode(body)},`]),
    "});",
    "console.log(await response.text());",
  ].join("\n");
}

/** The call as JavaScript that uses the official SDK. */
export function sdkCode({ url, headers, transport, era, tool, json, needsList }: CallOf): string {
  const name = transport === "sse" ? "SSEClientTransport" : "StreamableHTTPClientTransport";
  const sent = headers.map(([header, value]) => `${JSON.stringify(header)}: ${literal(value)}`);
  const options = sent.length > 0 ? `, {\n  requestInit: { headers: { ${sent.join(", ")} } },\n}` : "";
  return [
    `import { Client, ${name} } from "@modelcontextprotocol/client";`,
    "",
    `const client = new Client({ name: "example", version: "1" }${era === "modern" ? ', { versionNegotiation: { mode: "auto" } }' : ""});`,
    `await client.connect(new ${name}(new URL(${literal(url)})${options}));`,
    ...(needsList ? ["// Arguments that are headers too are known from the list.", "await client.listTools();"] : []),
    `const result = await client.callTool({ name: ${JSON.stringify(tool)}, arguments: ${argumentsCode(json)} });`,
    "console.log(JSON.stringify(result));",
    "await client.close();",
  ].join("\n");
}

function literal(text: Portable): string {
  if (text.every((part) => typeof part === "string")) return JSON.stringify(text.join(""));
  if (text.length === 1 && typeof text[0] === "object") return `process.env.${text[0].variable}`;
  return `\`${text.map((part) => (typeof part === "string" ? part.replace(/[`\\]|\$(?=\{)/g, "\\$&") : `\${process.env.${part.variable}}`)).join("")}\``;
}

// A number that JavaScript would round stays a text.
const isExact = (json: string): boolean => write(parse(json)) === JSON.stringify(JSON.parse(json));

function bodyCode(body: string): string {
  if (!isJson(body) || !isExact(body)) return JSON.stringify(body);
  return `JSON.stringify(${objectCode(parse(body)).replaceAll("\n", "\n  ")})`;
}

const argumentsCode = (json: string): string => (isExact(json) ? objectCode(parse(json)) : `JSON.parse(${JSON.stringify(json)})`);

// `__proto__` in a literal is not a member of that name.
const objectCode = (value: Json): string => write(value, 2).replaceAll('"__proto__":', '["__proto__"]:');

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
