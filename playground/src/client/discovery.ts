// Discovery of a sign-in: the server's metadata, then that of its authorization server, each checked before anything is opened.
import { IssuerMismatchError, buildDiscoveryUrls, checkResourceAllowed, discoverAuthorizationServerMetadata, discoverOAuthProtectedResourceMetadata, type OAuthServerInfo, resourceUrlFromServerUrl } from "@modelcontextprotocol/client";
import { refusalOf } from "../address.ts";
import type { SignInStep } from "../protocol.ts";
import type { Fetcher } from "./fetcher.ts";
import { SignInFailed, causes } from "./problem.ts";

/** The proof that goes with a code (RFC 7636). */
const PKCE_METHOD = "S256";

const REFUSALS = {
  web: "which is no web address",
  https: "which is not https",
  local: "which is on this machine or its network, and {host} is not",
  name: "which has a name or password before its host",
};

/** Finds out who signs people in for a server. `named` is the address of its metadata in the challenge. */
export async function discover(server: string, named: URL | undefined, fetcher: Fetcher): Promise<OAuthServerInfo> {
  const check = (step: SignInStep, isRight: boolean, right: string, wrong: string) => {
    fetcher.trace.check(step, isRight ? right : wrong, !isRight);
    if (!isRight) throw new SignInFailed(wrong);
  };
  const reach = (step: SignInStep, address: string, what: string) => {
    const wrong = refusalOf(address, server);
    if (wrong) check(step, false, "", `${what} is at ${address}, ${REFUSALS[wrong].replace("{host}", new URL(server).host)}.`);
  };

  if (named) reach("resource", named.href, "The server says that its metadata");
  const resourceMetadata = await ofResource(server, named, fetcher);
  if (resourceMetadata) {
    const { resource } = resourceMetadata;
    const isCovered = checkResourceAllowed({ requestedResource: resourceUrlFromServerUrl(server), configuredResource: resource });
    check("resource", isCovered, `The metadata is for ${resource}, which covers ${server}.`, `The metadata is for ${resource}, which does not cover ${server}.`);
  } else fetcher.trace.check("resource", "There is no metadata of the server. As in 2025-03-26, its own origin signs people in.", false);

  const authorizationServerUrl = resourceMetadata?.authorization_servers?.[0] ?? new URL("/", server).href;
  reach("server", authorizationServerUrl, "The authorization server");
  const metadata = await discoverAuthorizationServerMetadata(authorizationServerUrl, { fetchFn: fetcher.fetch }).catch((error: unknown) => {
    if (error instanceof IssuerMismatchError) check("server", false, "", `The metadata of ${error.expected} says that its issuer is ${error.received}.`);
    throw error;
  });
  if (!metadata) fetcher.trace.check("server", `There is no metadata of ${authorizationServerUrl} (${buildDiscoveryUrls(authorizationServerUrl).length} addresses were tried). Its endpoints are guessed.`, false);
  else {
    check("server", true, `The issuer is ${metadata.issuer}, which was asked for.`, "");
    for (const endpoint of [metadata.authorization_endpoint, metadata.token_endpoint, metadata.registration_endpoint, (metadata as { revocation_endpoint?: unknown }).revocation_endpoint]) if (typeof endpoint === "string") reach("server", endpoint, "An endpoint of the authorization server");
    const methods = metadata.code_challenge_methods_supported;
    check("server", methods?.includes(PKCE_METHOD) === true, `It takes the proof ${PKCE_METHOD} (PKCE).`, `${metadata.issuer} does not say that it takes the proof ${PKCE_METHOD} (PKCE): its code_challenge_methods_supported ${methods ? `is ${JSON.stringify(methods)}` : "is missing"}.`);
  }
  return { authorizationServerUrl, ...(metadata ? { authorizationServerMetadata: metadata } : {}), ...(resourceMetadata ? { resourceMetadata } : {}) };
}

// None, where the server has none. One that cannot be read, or a server that fails, is no reason to ask somebody else.
async function ofResource(server: string, named: URL | undefined, fetcher: Fetcher) {
  try {
    return await discoverOAuthProtectedResourceMetadata(server, { ...(named ? { resourceMetadataUrl: named } : {}) }, fetcher.fetch);
  } catch (error) {
    const isUnreadable = causes(error).some((one) => one instanceof Error && ["SyntaxError", "ZodError", "$ZodError"].includes(one.name));
    const isFailing = (fetcher.status ?? 0) >= 500;
    if (!isUnreadable && !isFailing) return undefined;
    const wrong = isUnreadable ? "The metadata of the server cannot be read." : `The server's metadata is answered with ${fetcher.status}.`;
    fetcher.trace.check("resource", wrong, true);
    throw new SignInFailed(wrong);
  }
}
