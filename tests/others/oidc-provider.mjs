// oidc-provider (node-oidc-provider) as an authorization server on loopback, with pages of its own where a person signs in and consents.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

export const RESOURCE_SERVER = { client_id: "resource-server", client_secret: "secret-of-the-resource-server" };
export const MACHINE = { client_id: "machine", client_secret: "secret-of-the-machine" };

/**
 * Starts it: `{ issuer, requests, provider, stop() }`. `scopes` are those of every protected resource. `documents` are client metadata
 * documents by URL. `loses` tells of requests that are served, but whose connection is cut in place of an answer.
 */
export async function oidcProvider({ scopes = "mcp:read mcp:write", documents = {}, loses = () => false } = {}) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = quietly(() => new Provider(issuer, configuration(scopes, documents)));
  const requests = [];
  provider.use(async (context, next) => {
    await next();
    const { method, path, query, status, oidc } = context;
    const seen = { method, path, query: { ...query }, form: { ...oidc?.body }, status };
    requests.push(seen);
    if (!loses(seen)) return;
    context.respond = false;
    context.res.destroy();
  });
  server.on("request", provider.callback());
  return {
    issuer,
    provider,
    /** Requests that have been served: `{ method, path, query, form, status }`. */
    requests,
    /** Requests to the token endpoint with a grant type. */
    grants: (type) => requests.filter(({ path, form }) => path === "/token" && form.grant_type === type),
    asked: (path) => requests.filter((request) => request.path === path),
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
    [Symbol.asyncDispose]() {
      return this.stop();
    },
  };
}

// Its own pages for the code of a device write to the console about themselves.
const codePages = {
  userCodeInputSource: (context, form) => (context.body = `<p>Enter the code</p>${form}`),
  userCodeConfirmSource: (context, form) => (context.body = `<p>Confirm the code</p>${form}`),
  successSource: (context) => (context.body = "<p>Success</p>"),
};

const HOUR_S = 3600;
const LIVING = ["AccessToken", "ClientCredentials", "DeviceCode", "Grant", "Interaction", "RefreshToken", "Session"];

const configuration = (scopes, documents) => ({
  clients: [
    { ...RESOURCE_SERVER, redirect_uris: [], response_types: [], grant_types: [] },
    { ...MACHINE, redirect_uris: [], response_types: [], grant_types: ["client_credentials"] },
  ],
  scopes: ["openid", "offline_access"],
  ttl: Object.fromEntries(LIVING.map((name) => [name, HOUR_S])),
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  cookies: { keys: ["a key of the tests"] },
  pkce: { required: () => true },
  fetch: async (url) => (documents[url] ? Response.json(documents[url]) : new Response("", { status: 404 })),
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true, ...codePages },
    clientCredentials: { enabled: true },
    registration: { enabled: true },
    revocation: { enabled: true, allowedPolicy: (_, client, token) => client.clientId === token.clientId },
    introspection: { enabled: true, allowedPolicy: (_, client) => client.clientId === RESOURCE_SERVER.client_id },
    clientIdMetadataDocument: { enabled: true, ack: "draft-02", allowFetch: (_, url) => url in documents },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, audience) => ({ audience, scope: scopes, accessTokenFormat: "opaque", accessTokenTTL: HOUR_S }),
    },
  },
});

// It writes to the console about every default that suits development alone.
function quietly(act) {
  const { info, warn } = console;
  console.info = console.warn = () => {};
  try {
    return act();
  } finally {
    Object.assign(console, { info, warn });
  }
}
