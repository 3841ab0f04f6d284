// A protected MCP server of the TypeScript SDK 1 on loopback: its bearer check and its metadata, with tokens that an authorization server
// vouches for (RFC 7662).
import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter } from "@modelcontextprotocol/sdk/server/auth/router.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

/** Starts it: `{ url, stop() }`. `client` is `{ client_id, client_secret }` that it asks `issuer` about tokens with. */
export async function guardedSdk1({ issuer, client, requiredScopes = ["mcp:read"], scopesSupported }) {
  const app = createMcpExpressApp();
  const server = await new Promise((resolve) => {
    const listening = app.listen(0, "127.0.0.1", () => resolve(listening));
  });
  server.unref();
  const url = new URL(`http://127.0.0.1:${server.address().port}/mcp`);
  const oauthMetadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  const verifier = { verifyAccessToken: (token) => introspect(oauthMetadata.introspection_endpoint, client, token) };
  const isAllowed = requireBearerAuth({
    verifier,
    requiredScopes,
    resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(url),
    expectedResource: url,
  });
  app.use(mcpAuthMetadataRouter({ oauthMetadata, resourceServerUrl: url, scopesSupported }));
  // Without sessions: an instance of the server for each request.
  app.post("/mcp", isAllowed, async (request, response) => {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    await mcpServer().connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
  app.all("/mcp", isAllowed, (_, response) => response.writeHead(405).end());
  return {
    url: url.href,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
    [Symbol.asyncDispose]() {
      return this.stop();
    },
  };
}

function mcpServer() {
  const server = new McpServer({ name: "guarded", version: "1.0.0" });
  server.registerTool("whoami", { description: "Tell whose token it is" }, ({ authInfo }) => ({
    content: [{ type: "text", text: JSON.stringify({ ...authInfo.extra, client: authInfo.clientId, scopes: authInfo.scopes }) }],
  }));
  return server;
}

async function introspect(endpoint, { client_id, client_secret }, token) {
  const authorization = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString("base64")}`;
  const answer = await (await fetch(endpoint, { method: "POST", headers: { authorization }, body: new URLSearchParams({ token }) })).json();
  if (!answer.active) throw new InvalidTokenError("The token is not active");
  const { client_id: clientId, scope = "", exp: expiresAt, aud, sub } = answer;
  return { token, clientId, scopes: scope.split(" "), expiresAt, resource: new URL(aud), extra: { sub } };
}
