// Signs a user in with workers-oauth-provider over a map instead of KV, and prints what the client got and what was kept.
//
//   npm install --prefix /tmp/legacy @cloudflare/workers-oauth-provider@1.2.3
//   node generate.mjs /tmp/legacy/node_modules > 1.2.3.json
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { register } from "node:module";
import { pathToFileURL } from "node:url";

const stub = "data:text/javascript,export class WorkerEntrypoint {}";
register(`data:text/javascript,${encodeURIComponent(`
  export const resolve = (name, context, next) =>
    name === "cloudflare:workers" ? { url: ${JSON.stringify(stub)}, shortCircuit: true } : next(name, context);
`)}`);

const folder = `${process.argv[2]}/@cloudflare/workers-oauth-provider`;
const { version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
const { OAuthProvider } = await import(pathToFileURL(`${folder}/dist/oauth-provider.js`));

const origin = "https://mcp.example.com";
const redirectUri = "https://client.example.com/cb";
const verifier = "a".repeat(50);
const props = { name: "Ada \u{1f680}", upstream: { token: "t".repeat(40) }, numbers: [1, 2.5, null] };

const kept = new Map();
const kv = {
  get: async (key, as) => {
    const value = kept.get(key) ?? null;
    return value && (as === "json" || as?.type === "json") ? JSON.parse(value) : value;
  },
  put: async (key, value) => void kept.set(key, value),
  delete: async (key) => void kept.delete(key),
  list: async ({ prefix }) => ({ keys: [...kept.keys()].filter((name) => name.startsWith(prefix)).map((name) => ({ name })), list_complete: true }),
};
const env = { OAUTH_KV: kv };
const context = { waitUntil() {}, passThroughOnException() {}, props: {} };
const provider = new OAuthProvider({
  apiRoute: `${origin}/mcp`,
  apiHandler: { fetch: async () => new Response("api") },
  defaultHandler: {
    async fetch(request, { OAUTH_PROVIDER: helpers }) {
      if (new URL(request.url).pathname === "/client") {
        const client = { redirectUris: [redirectUri], clientName: "Client", tokenEndpointAuthMethod: "none" };
        return Response.json(await helpers.createClient(client));
      }
      const authorization = await helpers.parseAuthRequest(request);
      const { redirectTo } = await helpers.completeAuthorization({
        request: authorization, userId: "ada@example.com", scope: authorization.scope, metadata: { label: "x" }, props,
      });
      return Response.redirect(redirectTo, 302);
    },
  },
  authorizeEndpoint: `${origin}/authorize`,
  tokenEndpoint: `${origin}/token`,
  scopesSupported: ["read", "write"],
  // The older version leaves the audience out where nobody names a resource.
  ...(version.startsWith("0.") ? {} : { resourceMetadata: { resource: `${origin}/mcp` } }),
});

const send = (path, init) => provider.fetch(new Request(`${origin}${path}`, init), env, context);
const token = async (body) => {
  const answer = await send("/token", { method: "POST", body: new URLSearchParams(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
};

const { clientId } = await (await send("/client")).json();
const challenge = createHash("sha256").update(verifier).digest("base64url");
const query = new URLSearchParams({
  response_type: "code", client_id: clientId, redirect_uri: redirectUri, scope: "read write", state: "s",
  code_challenge: challenge, code_challenge_method: "S256",
  ...(version.startsWith("0.") ? {} : { resource: `${origin}/mcp` }),
});
const code = new URL((await send(`/authorize?${query}`)).headers.get("location")).searchParams.get("code");
const first = await token({ grant_type: "authorization_code", code, client_id: clientId, redirect_uri: redirectUri, code_verifier: verifier });
const once = Object.fromEntries([...kept].filter(([key]) => key.startsWith("grant:")));
const second = await token({ grant_type: "refresh_token", refresh_token: first.refresh_token, client_id: clientId, scope: "read" });

console.log(JSON.stringify({
  version, props, client_id: clientId,
  first: { access_token: first.access_token, refresh_token: first.refresh_token, grants: once },
  second: { access_token: second.access_token, refresh_token: second.refresh_token },
  kept: Object.fromEntries(kept),
}, null, 1));
