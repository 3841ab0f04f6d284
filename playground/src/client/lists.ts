// Lists of what a server offers, page by page.
import type { HeaderFault, ListPage, ListName } from "../protocol.ts";

/** Entries of one list: a server that never stops is stopped. */
const MAX_ENTRIES = 10_000;

const METHODS = { tools: "tools/list", resources: "resources/list", templates: "resources/templates/list", prompts: "prompts/list" } as const;

/** Entries that go to the page at once. */
const MAX_PIECE = 50;

type Send = (method: (typeof METHODS)[ListName], params: { cursor?: string }) => Promise<unknown>;

/** Lists that are being fetched: the page asks for one piece after the other, so that none keeps it busy for long. */
export class Lists {
  #under = new Map<number, AsyncGenerator<ListPage, ListPage>>();
  #last = 0;

  /** The first piece of a list, with the number by which `more` gives the next one. */
  begin(send: Send, what: ListName): Promise<ListPage> {
    const number = ++this.#last;
    this.#under.set(number, listed(send, what));
    return this.more(number);
  }

  async more(number: number): Promise<ListPage> {
    const pieces = this.#under.get(number);
    if (!pieces) throw new Error("This list is not being fetched.");
    const { value, done } = await pieces.next().catch((error: unknown) => {
      this.#under.delete(number);
      throw error;
    });
    if (done) this.#under.delete(number);
    return done ? value : { ...value, next: number };
  }
}

// All pages of a list.
async function* listed(send: Send, what: ListName): AsyncGenerator<ListPage, ListPage> {
  let count = 0;
  let cursor: string | undefined;
  for (;;) {
    const page = (await send(METHODS[what], cursor === undefined ? {} : { cursor })) as Record<string, unknown>;
    const given = page[what === "templates" ? "resourceTemplates" : what];
    const entries = (Array.isArray(given) ? given : []).slice(0, MAX_ENTRIES - count);
    count += entries.length;
    cursor = typeof page["nextCursor"] === "string" && page["nextCursor"] !== cursor ? page["nextCursor"] : undefined;
    const isLast = cursor === undefined || count >= MAX_ENTRIES;
    const ttl = typeof page["ttlMs"] === "number" && page["ttlMs"] >= 0 ? { ttlMs: page["ttlMs"] } : {};
    for (let from = 0; from === 0 || from < entries.length; from += MAX_PIECE) {
      const some = entries.slice(from, from + MAX_PIECE);
      const piece = { entries: some, faults: what === "tools" ? await faultsOf(some) : {}, ...ttl };
      if (isLast && from + MAX_PIECE >= entries.length) return piece;
      yield piece;
    }
  }
}

// Few tools have such headers.
async function faultsOf(tools: unknown[]): Promise<Record<string, HeaderFault>> {
  const faults: Record<string, HeaderFault> = {};
  for (const tool of tools) {
    const { name, inputSchema } = (tool ?? {}) as { name?: unknown; inputSchema?: unknown };
    if (typeof name !== "string" || !JSON.stringify(inputSchema ?? {}).includes('"x-mcp-header"')) continue;
    const { headerFault } = await import("../schema/header.ts");
    const fault = headerFault(inputSchema);
    if (fault) faults[name] = fault;
  }
  return faults;
}
