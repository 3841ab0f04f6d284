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
function signingIn({ mock }: TestContext, answer: (url: string) => Promise<Response>, kept?: object) {
  mock.method(globalThis, "fetch", async (given: string | URL) => {
    const document = DOCUMENTS[String(given)];
    return document ? Response.json(document) : answer(String(given));
  });
  const fetcher = new Fetcher(new Trace(() => {}));
  const stored: (string | null)[] = [];
  const account = new Account(JSON.stringify(kept), { store: async (text) => void stored.push(text), stored: async () => undefined });
  return { fetcher, account, stored, signIn: new SignIn(MCP, "", fetcher, account) };
}

const SIGNED_IN = {
  clients: { [AS]: { client_id: "c" } },
  tokens: { access_token: "a", refresh_token: "r", token_type: "Bearer" },
  discovery: { authorizationServerUrl: AS },
};

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

for (const [name, answer] of Object.entries({
  "gives new tokens": () => Response.json({ access_token: "b", refresh_token: "s", token_type: "Bearer" }),
  "is refused": () => Response.json({ error: "invalid_grant" }, { status: 400 }),
}))
  test(`a renewal that ${name} once the person has signed out stores nothing`, async (context) => {
    const [asked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const held = async () => {
      asked.resolve();
      await released.promise;
      return answer();
    };
    const { account, stored, signIn } = signingIn(context, held, SIGNED_IN);
    const renewed = signIn.renew();
    await asked.promise;
    await account.forget();
    released.resolve();
    assert.equal(await renewed, false);
    assert.deepEqual([account.tokens(), stored], [undefined, [null]]);
  });

test("a sign-in that is read from the device while the person signs out is not taken", async () => {
  const read = Promise.withResolvers<string>();
  const account = new Account(undefined, { store: async () => {}, stored: () => read.promise });
  const adopted = account.adopt();
  await account.forget();
  read.resolve(JSON.stringify(SIGNED_IN));
  await adopted;
  assert.equal(account.tokens(), undefined);
});
