// A Worker on release 0.10 of @cloudflare/workers-oauth-provider, as worker.mjs is on the newest: what it leaves in KV is
// what most deployments have.
import { OAuthProvider } from "workers-oauth-provider-0.10";
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";

// wrangler.toml binds them; there is nothing in them.
export class McpObject extends DurableObject {}
export class KeyRing extends DurableObject {}
export class GrantAuthority extends DurableObject {}

class Whoami extends WorkerEntrypoint {
  fetch() {
    return Response.json({ user: this.ctx.props.name });
  }
}

const page = {
  async fetch(request, env) {
    const asked = await env.OAUTH_PROVIDER.parseAuthRequest(request);
    const userId = new URL(request.url).searchParams.get("login_hint");
    const props = { name: userId };
    const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization({
      request: asked,
      userId,
      metadata: {},
      scope: asked.scope,
      props,
    });
    return new Response(null, { status: 302, headers: { location: redirectTo } });
  },
};

export default new OAuthProvider({
  apiRoute: "/mcp",
  apiHandler: Whoami,
  defaultHandler: page,
  authorizeEndpoint: "/authorize",
  tokenEndpoint: "/token",
  clientRegistrationEndpoint: "/register",
  scopesSupported: ["read", "write", "admin"],
});
