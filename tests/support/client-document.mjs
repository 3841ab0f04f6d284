// A client that names itself by a document of its own (draft-ietf-oauth-client-id-metadata-document).
import { documentHost } from "./document-host.mjs";

/** URL of the document, which is the client's id. */
export const DOCUMENT = "https://client.example/oauth/client.json";

/** A site with the document, for the `outbound` of a Worker. */
export async function siteOfClient(redirectUri) {
  const site = await documentHost();
  site.serve(DOCUMENT, {
    client_id: DOCUMENT,
    client_name: "Client with a document",
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  });
  return site;
}
