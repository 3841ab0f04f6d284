// A Worker on @cloudflare/workers-oauth-provider that does what the fixture does, so that one list of behaviours runs
// against both: it approves at once whoever `login_hint` names and denies `nobody`; `/mcp` and `/sse` are resources
// that say who is calling. It is set up as the library's documentation recommends.
import {
  AuthorizationError,
  CimdFetchError,
  OAuthAuthorizationServer,
  OAuthError,
  OAuthResourceServer,
  authorizationErrorRedirect,
} from "@cloudflare/workers-oauth-provider";
import { DurableObject } from "cloudflare:workers";

// wrangler.toml binds them; there is nothing in them.
export class McpObject extends DurableObject {}
export class KeyRing extends DurableObject {}
export class GrantAuthority extends DurableObject {}

// A resource without a path has all others under it.
const OF_THE_SERVER = /^\/(token|register|\.well-known\/(oauth-authorization-server|openid-configuration))\b/;

// An origin is known when a request comes, and the library wants it before.
const sites = new Map();

export default {
  fetch(request, env, context) {
    const { origin } = new URL(request.url);
    if (!sites.has(origin)) sites.set(origin, site(origin, JSON.parse(env.REFERENCE ?? "{}")));
    return sites.get(origin)(request, env, context);
  },
};

function site(origin, setup) {
  const issuer = origin + (setup.issuerPath ?? "");
  const scopes = setup.scopes ?? [];
  const paths = setup.canonical === "root" ? [""] : ["/mcp", "/sse"];
  const server = new OAuthAuthorizationServer({
    issuer,
    resources: paths.map((path) => origin + path),
    defaultResource: origin + paths[0],
    authorizeEndpoint: `${origin}/authorize`,
    tokenEndpoint: `${origin}/token`,
    clientRegistrationEndpoint: `${origin}/register`,
    clientIdMetadataDocumentEnabled: Boolean(setup.documents),
    allowTokenExchangeGrant: Boolean(setup.exchange),
    allowPrivateUseRedirectUris: true,
    scopesSupported: scopes,
    ...(setup.access && { accessTokenTTL: setup.access }),
    ...(setup.refresh && { refreshTokenTTL: setup.refresh, refreshTokenIdleTTL: setup.refresh }),
    ...(setup.hook && { tokenExchangeCallback: hook(setup.hook) }),
  });
  const resources = paths.map((path) => resource(origin + path, issuer, scopes, server));
  return (request, env, context) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/authorize") return authorize(request, server.getOAuthApi(env), scopes);
    const place = pathname.replace(/^\/\.well-known\/oauth-protected-resource/, "");
    const at = paths.findIndex((path) => place === path || place.startsWith(`${path}/`));
    return (at >= 0 && !OF_THE_SERVER.test(pathname) ? resources[at] : server).fetch(request, env, context);
  };
}

const resource = (url, issuer, scopes, server) =>
  new OAuthResourceServer({
    resourceMetadata: { resource: url, authorization_servers: [issuer] },
    requiredScopes: scopes,
    validateToken: (env) => (resource, token) => server.validateToken(resource, token, env),
    handler: {
      fetch(request, env, { auth, props }) {
        const { userId: user, clientId: client, scope: scopes, audience: resource } = auth;
        return Response.json({ user, client, scopes, resource, props });
      },
    },
  });

async function authorize(request, api, scopes) {
  let asked;
  try {
    asked = await api.parseAuthRequest(request);
  } catch (error) {
    if (error instanceof CimdFetchError) return new Response("There is no such client.", { status: 400 });
    if (!(error instanceof AuthorizationError)) throw error;
    return error.redirectTo ? redirect(error.redirectTo) : new Response(error.description, { status: 400 });
  }
  const userId = new URL(request.url).searchParams.get("login_hint") ?? "test";
  if (userId === "nobody") return redirect(authorizationErrorRedirect(asked, "access_denied"));
  const { redirectTo } = await api.completeAuthorization({
    request: asked,
    userId,
    metadata: {},
    scope: asked.scope.filter((scope) => scopes.includes(scope)),
    props: { name: userId },
    revokeExistingGrants: false,
  });
  return redirect(redirectTo);
}

const redirect = (location) => new Response(null, { status: 302, headers: { location } });

// What it answers, and how often it has run, as the fixture's.
function hook(kind) {
  let exchanges = 0;
  return ({ props, grantType }) => {
    exchanges += 1;
    if (kind !== "count" && grantType === "refresh_token") throw FAILURES[kind];
    return { newProps: { ...props, exchanges } };
  };
}

const FAILURES = {
  ended: new OAuthError("invalid_grant", { description: "the upstream says no" }),
  transient: new OAuthError("temporarily_unavailable", {
    description: "the upstream is away",
    statusCode: 503,
    headers: { "Retry-After": "5" },
  }),
};
