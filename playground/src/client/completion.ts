// Suggestions for the arguments of prompts and the variables of templates (`completion/complete`).
import type { RequestOptions } from "@modelcontextprotocol/client";
import type { CompletionRequest, Suggestions } from "../protocol.ts";

/** Suggestions that an answer may have (MCP, "Completion"): those beyond are counted only. */
const MAX_SUGGESTIONS = 100;

const REQUEST_MS = 30_000;

/** Asks for the suggestions of one connection's fields: of each, one request at a time. */
export class Completer {
  #running = new Map<string, AbortController>();

  async complete(send: (params: object, options: RequestOptions) => Promise<unknown>, { field, ref, name, value, context }: CompletionRequest): Promise<Suggestions> {
    this.#running.get(field)?.abort();
    const stop = new AbortController();
    this.#running.set(field, stop);
    const params = { ref, argument: { name, value }, ...(Object.keys(context).length > 0 ? { context: { arguments: context } } : {}) };
    try {
      return suggestionsOf(await send(params, { signal: stop.signal, timeout: REQUEST_MS }));
    } finally {
      if (this.#running.get(field) === stop) this.#running.delete(field);
    }
  }
}

function suggestionsOf(result: unknown): Suggestions {
  const { values, total, hasMore } = ((result as { completion?: unknown } | undefined)?.completion ?? {}) as { values?: unknown; total?: unknown; hasMore?: unknown };
  const texts = Array.isArray(values) ? values.filter((value): value is string => typeof value === "string") : [];
  const all = Math.max(texts.length, typeof total === "number" ? total : 0);
  return { values: texts.slice(0, MAX_SUGGESTIONS), total: all, hasMore: hasMore === true || all > MAX_SUGGESTIONS };
}
