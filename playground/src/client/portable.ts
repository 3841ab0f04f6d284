// Calls as they can be made elsewhere, after the last request of the connection.
import { toBase64 } from "../base64.ts";
import { type Json, isObject, parse } from "../exact.ts";
import { portableHeader, portableUrl } from "../copy/portable.ts";
import type { PortableCall, ServerInfo, Tool } from "../protocol.ts";
import type { SentRequest } from "./fetcher.ts";

interface Given {
  tool: Tool;
  /** The arguments, as JSON. */
  json: string;
  isSecret: (header: string) => boolean;
  /** Headers that the person typed. */
  own: [name: string, value: string][];
  url: string;
  sent: SentRequest | undefined;
  info: ServerInfo;
}

/** Headers that belong to one request, or that a program sets by itself. */
const OF_ONE_REQUEST = /^(mcp-(method|name|param-.*)|last-event-id)$/;

/** The call in all forms. */
export function portableCall({ tool, json, isSecret, own, url, sent, info }: Given): PortableCall {
  const authorization = sent?.headers.filter(([name]) => name === "authorization") ?? [];
  const kept = own.filter(([name]) => name !== "" && name.toLowerCase() !== "authorization");
  const headers = [...authorization, ...kept].map(([name, value]): [string, ReturnType<typeof portableHeader>] => [name, portableHeader(name, value, isSecret(name.toLowerCase()))]);
  const declared = headersOf(tool.inputSchema as Json, parse(json));
  const { transport, era } = info;
  const call = { url: portableUrl(url), headers, transport, era, tool: tool.name, json, needsList: era === "modern" && declared.length > 0 };
  if (!sent || transport === "sse") return { request: undefined, call };
  const last = JSON.parse(sent.body) as { params?: { _meta?: Record<string, unknown> } };
  const { progressToken: _, ...meta } = last.params?._meta ?? {};
  const more = Object.keys(meta).length > 0 ? `,"_meta":${JSON.stringify(meta)}` : "";
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${JSON.stringify(tool.name)},"arguments":${json}${more}}}`;
  const same = sent.headers.filter(([name]) => !OF_ONE_REQUEST.test(name)).map(([name, value]): [string, ReturnType<typeof portableHeader>] => [name, portableHeader(name, value, isSecret(name))]);
  const modern: [string, string][] = era === "modern" ? [["mcp-method", "tools/call"], ["mcp-name", encoded(tool.name)], ...declared] : [];
  return { request: { method: "POST", url: portableUrl(sent.url), headers: [...same, ...modern.map(([name, value]): [string, string[]] => [name, [value]])], body }, call };
}

/** Arguments that are headers too, by `x-mcp-header` in the schema. */
function headersOf(schema: Json | undefined, value: Json | undefined): [string, string][] {
  if (!isObject(schema)) return [];
  const { properties } = schema;
  const header = schema["x-mcp-header"];
  const isScalar = typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
  const own: [string, string][] = typeof header === "string" && isScalar ? [[`mcp-param-${header}`, encoded(String(value))]] : [];
  if (!isObject(properties) || !isObject(value)) return own;
  return [...own, ...Object.entries(properties).flatMap(([name, inner]) => (Object.hasOwn(value, name) ? headersOf(inner, value[name]) : []))];
}

// Values that a header cannot hold are base64 (2026-07-28, "Value Encoding").
function encoded(value: string): string {
  const isPlain = value !== "" && value === value.trim() && /^[\t\x20-\x7e]*$/.test(value) && !/^=\?base64\?.*\?=$/.test(value);
  return isPlain ? value : `=?base64?${toBase64(new TextEncoder().encode(value))}?=`;
}
