// Names under which a model knows the tools of all servers.
import type { Answer, Tool } from "../protocol.ts";

/** A server whose tools a model may use. */
export interface ChatServer {
  /** Unique in the page. */
  id: number;
  name: string;
  url: string;
  host: string;
  tools: Tool[];
  instructions: string | undefined;
  /** Calls a tool with the JSON text of its arguments; `call` is a number of the page's. */
  call(call: number, tool: Tool, json: string): Promise<Answer>;
  cancel(call: number): void;
  nextCall(): number;
}

/** A tool, and its name for the model. */
export interface ChatTool {
  server: ChatServer;
  tool: Tool;
  name: string;
}

/** OpenAI and Workers AI take no longer ones. */
const MAX_NAME_CHARS = 64;

const MAX_PREFIX_CHARS = 20;

const plain = (text: string): string => text.replace(/[^A-Za-z0-9_-]+/g, "_").replace(/^_+|_+$/g, "") || "tool";

/** Tools with names that models take: with the server's in front where there are several, and each only once. */
export function withModelNames(servers: ChatServer[]): ChatTool[] {
  const taken = new Set<string>();
  const prefixes = new Set<string>();
  return servers.flatMap((server) => {
    const prefix = servers.length > 1 ? `${unique(plain(server.name).slice(0, MAX_PREFIX_CHARS).toLowerCase(), prefixes)}__` : "";
    return server.tools.map((tool) => ({ server, tool, name: unique(`${prefix}${plain(tool.name)}`, taken) }));
  });
}

function unique(name: string, taken: Set<string>): string {
  let made = name.slice(0, MAX_NAME_CHARS);
  for (let number = 2; taken.has(made); number++) made = `${name.slice(0, MAX_NAME_CHARS - `_${number}`.length)}_${number}`;
  taken.add(made);
  return made;
}
