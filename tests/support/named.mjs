// Scripted servers with one tool, which they are named after.
import { scripted } from "./scripted.mjs";

export const tool = (name) => ({ name, inputSchema: { type: "object", properties: { word: { type: "string" } } } });

/** Starts one; `handlers` and `more` are those of `scripted`. */
export const named = (name, { handlers = {}, ...more } = {}) =>
  scripted({ info: { name, version: "1" }, handlers: { "tools/list": () => ({ tools: [tool(name)] }), "tools/call": () => ({ content: [{ type: "text", text: `from ${name}` }] }), ...handlers }, ...more });
