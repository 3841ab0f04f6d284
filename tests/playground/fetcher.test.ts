// Requests of the Web Worker, with answers in place of the network's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fetcher } from "../../playground/src/client/fetcher.ts";
import { Trace } from "../../playground/src/client/trace.ts";

const MCP = "https://server.example/mcp";
const TOKEN = "https://as.example/token";

test("a refused renewal leaves the server's challenge as it was", async ({ mock }) => {
  const challenges: Record<string, string> = { [MCP]: 'Bearer resource_metadata="https://server.example/meta", scope="read"', [TOKEN]: "Basic" };
  mock.method(globalThis, "fetch", async (url: string) => new Response("{}", { status: 401, headers: { "www-authenticate": challenges[url] ?? "" } }));
  const fetcher = new Fetcher(new Trace(() => {}));
  await fetcher.fetch(MCP, { method: "POST", body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' });
  await fetcher.fetch(TOKEN, { method: "POST", body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: "r" }) });
  assert.deepEqual(fetcher.challenge, { status: 401, header: challenges[MCP] });
});
