// Tools that the person allowed for the rest of a chat.
import type { ChatTool } from "./tool-names.ts";

export class AllowedTools {
  #known = new Map<string, string>();

  async add(offered: ChatTool): Promise<void> {
    this.#known.set(key(offered), await digest(offered));
  }

  /** Whether it is allowed, and still what it was. A tool that has changed is allowed no longer. */
  async has(offered: ChatTool): Promise<boolean> {
    const known = this.#known.get(key(offered));
    if (known === undefined) return false;
    if (known === (await digest(offered))) return true;
    this.#known.delete(key(offered));
    return false;
  }
}

export const key = ({ server, tool }: ChatTool): string => JSON.stringify([server.id, server.url, tool.name]);

async function digest({ tool }: ChatTool): Promise<string> {
  const { title, description, inputSchema, annotations } = tool;
  const bytes = new TextEncoder().encode(JSON.stringify([title, description, inputSchema, annotations]));
  return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].join();
}
