// Behaviours 66 to 69: clients whose id is the URL of a document about them
// (draft-ietf-oauth-client-id-metadata-document). `target.web` is the web as the provider reaches it: a `documentHost`.
import assert from "node:assert/strict";
import { challengeOf, encode, granted, newVerifier } from "../support/oauth.mjs";

let last = 0;

/** A URL that nobody has asked for yet, so that no provider has a copy of what is there. */
export const newUrl = (host = "client.example.com") => `https://${host}/clients/${(last += 1)}.json`;

const CALLBACK = "https://client.example.com/callback";

export const document = (url, more = {}) => ({
  client_id: url,
  client_name: "A client with a document",
  redirect_uris: [CALLBACK, "http://localhost/callback"],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: "none",
  ...more,
});

/** The client of a document, for `Target`. */
export const clientOf = (url, redirectUri = CALLBACK) => ({
  client_id: url,
  redirect_uris: [redirectUri],
  token_endpoint_auth_method: "none",
});

/** Asserts that nobody is known by that URL: a page, no redirect, and nothing of the document on it. */
export async function isRefused(target, url, { redirectUri = CALLBACK, secret = "nothing that is there", ms } = {}) {
  const query = encode({
    response_type: "code",
    client_id: url,
    redirect_uri: redirectUri,
    code_challenge: challengeOf(newVerifier()),
    code_challenge_method: "S256",
    state: "a state",
  });
  const answer = await target.get(`${target.metadata.authorization_endpoint}?${query}`, { ms });
  assert.ok(answer.status === 400 || answer.status === 503, `${url} ${answer}`);
  assert.equal(answer.headers.location, undefined);
  assert.ok(!answer.text.includes(secret), `the document shows: ${answer}`);
  return answer;
}

// The document that ChatGPT has at this address: much of it is for other servers.
const chatgpt = (url) => ({
  client_id: url,
  client_uri: "https://chatgpt.com/",
  client_name: "ChatGPT",
  logo_uri: "https://persistent.oaistatic.com/sonic/misc/openai-logo.png",
  redirect_uris: ["https://chatgpt.com/connector/oauth/IbUR3zxyNQ16"],
  grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
  response_types: ["code", "id_token"],
  token_endpoint_auth_method: "private_key_jwt",
  token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
  token_endpoint_auth_signing_alg: "RS256",
  jwks_uri: "https://chatgpt.com/oauth/jwks.json",
});

const PRIVATE_KEY = { kty: "EC", crv: "P-256", x: "x", y: "y", d: "a private key" };

const documented = [
  {
    number: 66,
    name: "a client with a document signs its user in without registering",
    async run(target) {
      assert.equal(target.metadata.client_id_metadata_document_supported, true);
      const url = newUrl();
      target.web.serve(url, document(url));
      const { tokens } = await target.signIn({ client: clientOf(url) });
      const caller = await target.me(tokens.access_token);
      assert.equal(caller.client, url);
      granted(await target.refresh(clientOf(url), tokens.refresh_token));
      const [request] = target.web.requests.filter((request) => request.url === url);
      assert.equal(request.method, "GET");
      for (const name of ["authorization", "cookie"]) assert.equal(request.headers[name], undefined);
    },
  },
  {
    number: 66,
    name: "so does ChatGPT, whose document asks for more than there is",
    async run(target) {
      const url = `https://chatgpt.com/oauth/${(last += 1)}/client.json`;
      target.web.serve(url, chatgpt(url));
      const client = clientOf(url, "https://chatgpt.com/connector/oauth/IbUR3zxyNQ16");
      const { tokens } = await target.signIn({ client });
      granted(await target.refresh(client, tokens.refresh_token));
    },
  },
  {
    number: 67,
    name: "a document that is not of that client, too long, or tells a secret is refused and not shown",
    async run(target) {
      const bytes = (url) => Buffer.from(JSON.stringify(document(url, { client_name: "name §" })), "latin1");
      for (const body of [
        (url) => document(`${url}?`),
        () => document("https://other.example.com/client.json"),
        (url) => document(url, { client_name: "x".repeat(6000) }),
        (url) => document(url, { jwks: { keys: [PRIVATE_KEY] } }),
        (url) => document(url, { client_secret: "a secret" }),
        (url) => document(url, { token_endpoint_auth_method: "client_secret_basic" }),
        (url) => document(url, { redirect_uris: [] }),
        (url) => [document(url)],
        (url) => `${JSON.stringify(document(url))}}`,
        (url) => bytes(url),
        () => "",
      ]) {
        const url = newUrl();
        target.web.serve(url, body(url));
        await isRefused(target, url, { secret: "A client with a document" });
        assert.equal(target.web.asked(url), 1, url);
      }
    },
  },
  {
    number: 67,
    name: "a redirect URI that the document does not have is refused",
    async run(target) {
      const url = newUrl();
      target.web.serve(url, document(url));
      for (const redirectUri of [`${CALLBACK}/`, "https://evil.example/callback", "http://localhost/other"]) {
        await isRefused(target, url, { redirectUri });
      }
    },
  },
  {
    number: 67,
    name: "a host that takes its time is not waited for",
    async run(target) {
      const [silent, dripping] = [newUrl(), newUrl()];
      target.web.serve(silent, () => {});
      target.web.serve(dripping, (response) => {
        const text = JSON.stringify(document(dripping));
        response.write(text.slice(0, 10));
        const drip = setInterval(() => response.write(" "), 500);
        response.on("close", () => clearInterval(drip));
      });
      const refusals = [silent, dripping].map((url) => isRefused(target, url, { ms: 20_000 }));
      await Promise.all(refusals);
    },
  },
  {
    number: 68,
    name: "a redirect, a part and a page are no document, and nobody is asked where the redirect leads",
    async run(target) {
      const inside = "https://169.254.169.254/latest/meta-data";
      const elsewhere = newUrl();
      target.web.serve(inside, "an inside secret");
      target.web.serve(elsewhere, document(elsewhere));
      for (const [status, headers] of [
        [302, { location: inside }],
        [301, { location: elsewhere }],
        [307, { location: elsewhere }],
        [206, {}],
        [404, {}],
        [500, {}],
        [200, { "content-type": "text/html" }],
        [200, { "content-type": "text/plain" }],
      ]) {
        const url = newUrl();
        target.web.serve(url, document(url), { status, headers });
        await isRefused(target, url, { secret: "inside secret" });
      }
      assert.deepEqual([target.web.asked(inside), target.web.asked(elsewhere)], [0, 0]);
    },
  },
  {
    number: 69,
    name: "when its host is down after the user agreed, a client can still refresh",
    async run(target) {
      const url = newUrl();
      target.web.serve(url, document(url));
      const { tokens } = await target.signIn({ client: clientOf(url) });
      target.web.cut(url);
      granted(await target.refresh(clientOf(url), tokens.refresh_token));
    },
  },
];

export const behaviours = documented.map((behaviour) => ({ setup: { documents: true }, web: true, ...behaviour }));
