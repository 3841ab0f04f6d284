// The state of the page as a link, without secrets.
import { type Json, isObject, write } from "../exact.ts";
import type { State } from "./state.ts";

/** The link that fills the page in as it is now. Tokens, headers, and arguments that the schema has for writing only are no part of it. */
export function linkTo(state: State): string {
  const { target, chosen, tab, drafts, tools } = state;
  const link = new URL("/playground", location.href);
  const { searchParams } = link;
  searchParams.set("server", target.url);
  if (target.transport !== "auto") searchParams.set("transport", target.transport);
  if (target.version !== "auto") searchParams.set("version", target.version);
  if (tab === "prompts" && chosen.prompts) searchParams.set("prompt", chosen.prompts);
  if (tab === "resources" && chosen.resources) searchParams.set("uri", chosen.resources);
  if (chosen.tools && !["prompts", "resources"].includes(tab)) {
    searchParams.set("tool", chosen.tools);
    const draft = drafts[chosen.tools];
    const schema = tools.find(({ name }) => name === chosen.tools)?.inputSchema as Json | undefined;
    if (draft !== undefined) searchParams.set("args", write(readable(draft, schema)));
  }
  return link.href;
}

function readable(value: Json, schema: Json | undefined): Json {
  const properties = isObject(schema) ? schema["properties"] : undefined;
  if (!isObject(value) || !isObject(properties)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !isWriteOnly(properties[name])).map(([name, inner]) => [name, readable(inner, properties[name])]));
}

const isWriteOnly = (schema: Json | undefined): boolean => isObject(schema) && (schema["writeOnly"] === true || schema["format"] === "password");
