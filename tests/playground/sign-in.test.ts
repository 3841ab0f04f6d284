// Sign-ins of the Web Worker, with answers in place of the network's.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Account } from "../../playground/src/client/account.ts";
import { Fetcher } from "../../playground/src/client/fetcher.ts";
import { SignIn } from "../../playground/src/client/sign-in.ts";
import { Trace } from "../../playground/src/client/trace.ts";

const MCP = "https://server.example/mcp";
const AS = "https://as.example";

const DOCUMENTS: Record<string, object> = {
  "https://server.example/.well-known/oauth-protected-resource/mcp": { resource: MCP, authorization_servers: [AS] },
  [`${AS}/.well-known/oauth-authorization-server`]: {
    issuer: AS,
    authorization_endpoint: `${AS}/authorize`,
    token_endpoint: `${AS}/token`,
    response_types_supported: ["code"],
    code_challenge_methods_supported: ["S256"],
  },
};

/** A sign-in to a server; `answer` gives what is no metadata. */
function signingIn({ mock }: TestContext, answer: (url: string) => Promise<Response>) {
  mock.method(globalThis, "fetch", async (given: string | URL) => {
    const document = DOCUMENTS[String(given)];
    return document ? Response.json(document) : answer(String(given));
  });
  const fetcher = new Fetcher(new Trace(() => {}));
  const account = new Account(undefined, { store: async () => {}, stored: async () => undefined });
  return { fetcher, account, signIn: new SignIn(MCP, "", fetcher, account) };
}

test("what is found out about who signs people in is told of this attempt alone", async (context) => {
  const { fetcher, signIn } = signingIn(context, async () => {
    throw new TypeError("Failed to fetch");
  });
  await fetcher.fetch(`${AS}/token`, { method: "POST", body: "grant_type=refresh_token" }).catch(() => {});
  assert.equal(fetcher.failures.length, 1);
  for (const _ of [1, 2]) {
    await signIn.offer();
    assert.deepEqual([fetcher.failures.length, fetcher.readable.map(({ step }) => step)], [0, ["resource", "server"]]);
  }
});
