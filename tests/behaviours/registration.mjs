// Behaviours 61 to 65: clients that make themselves known (RFC 7591).
import assert from "node:assert/strict";
import { REDIRECT, parallel, refused } from "../support/oauth.mjs";

/** Redirect URIs that run a script or hide characters. */
export const ACTIVE = [
  "javascript:alert(1)",
  "JavaScript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:msgbox(1)",
  "https://client.example/call\u0000back",
  "https://client.example/\u0001",
  "https://client.example/a\r\nLocation: https://evil.example",
];

/** Redirect URIs that send a code in the clear, or elsewhere than it seems. */
export const UNSAFE = [
  "http://client.example/callback",
  "http://localhost.evil.example/callback",
  "http://127.0.0.1.evil.example/callback",
  "http://10.0.0.1/callback",
  "https://client.example/callback#part",
  "https://client.example/callback#",
  "https://user@client.example/callback",
  "https://user:password@client.example/callback",
  "https://client.example\\@evil.example/callback",
  "//client.example/callback",
  "/callback",
  "callback",
  "",
];

/** Redirect URIs that open a program of the person's machine that is no client. */
export const PROGRAMS = [
  "ms-msdt:/id",
  "search-ms:query=x",
  "ms-officecmd:x",
  "intent://x",
  "file:///etc/passwd",
  "x-apple.systempreferences:x",
  "steam://run/1",
  "unknown-application://callback",
];

const isUnstored = (answer) => {
  assert.equal(answer.status, 201, `${answer}`);
  assert.match(answer.headers["content-type"], /^application\/json/);
  assert.match(answer.headers["cache-control"] ?? "", /no-store/);
  return answer.json;
};

/** Each of them is refused, alone and beside one that is fine. */
async function refuseRedirects(target, uris) {
  for (const uri of uris) {
    for (const uris of [[uri], [REDIRECT, uri]]) {
      const answer = await target.registering({ redirect_uris: uris });
      assert.equal(answer.status, 400, `${JSON.stringify(uri)} ${answer}`);
      assert.equal(answer.json.client_id, undefined);
    }
  }
}

export const behaviours = [
  {
    number: 61,
    name: "a public client has no secret, another one has one and is told how long, and nobody may store either",
    async run(target) {
      const open = isUnstored(await target.registering());
      assert.ok(open.client_id);
      assert.equal(open.client_secret, undefined);
      assert.equal(open.token_endpoint_auth_method, "none");
      assert.deepEqual(open.redirect_uris, [REDIRECT]);
      const closed = isUnstored(await target.registering({ token_endpoint_auth_method: "client_secret_post" }));
      assert.ok(closed.client_secret.length >= 32);
      assert.equal(typeof closed.client_secret_expires_at, "number");
      assert.ok(closed.client_id_issued_at <= Date.now() / 1000);
      assert.notEqual(closed.client_id, open.client_id);
    },
  },
  {
    number: 61,
    name: "what a client leaves out is as RFC 7591 says: Basic, codes alone, response type code",
    async run(target) {
      const bare = { token_endpoint_auth_method: undefined, grant_types: undefined };
      const client = isUnstored(await target.registering(bare));
      assert.equal(client.token_endpoint_auth_method, "client_secret_basic");
      assert.ok(client.client_secret);
      assert.ok(client.grant_types.includes("authorization_code"));
      assert.deepEqual(client.response_types, ["code"]);
    },
  },
  {
    number: 62,
    name: "redirect URIs that run something or hide something are refused",
    run: (target) => refuseRedirects(target, ACTIVE),
  },
  {
    number: 62,
    name: "redirect URIs that open a program of the machine that is no client are refused",
    note: "RFC 8252 section 7.1: a private-use scheme is a domain name in reverse order. Those of known clients are fine too.",
    async run(target) {
      await refuseRedirects(target, PROGRAMS);
      const uris = ["com.example.app:/callback", "cursor://anysphere.cursor-mcp/oauth/callback"];
      assert.equal((await target.registering({ redirect_uris: uris })).status, 201);
    },
  },
  {
    number: 62,
    name: "a redirect URI of the authorization server's own is refused",
    run: (target) => refuseRedirects(target, [`${target.url}/callback`]),
  },
  {
    number: 63,
    name: "redirect URIs in the clear, with a fragment, a user or no scheme are refused",
    run: (target) => refuseRedirects(target, UNSAFE),
  },
  {
    number: 64,
    name: "pages and pictures of a client are of the web: others are left out, or the client is refused",
    async run(target) {
      for (const name of ["logo_uri", "tos_uri", "policy_uri", "client_uri", "jwks_uri"]) {
        for (const uri of ["javascript:alert(1)", "data:image/svg+xml,<svg onload=alert(1)>", "not a url"]) {
          const answer = await target.registering({ [name]: uri });
          if (answer.status !== 201) refused(answer, "invalid_client_metadata");
          assert.equal(answer.json[name], undefined, `it is kept: ${answer}`);
          assert.ok(!answer.text.includes("alert"), `it is repeated: ${answer}`);
        }
      }
    },
  },
  {
    number: 64,
    name: "types that are not served, or do not fit each other, are refused",
    async run(target) {
      for (const metadata of [
        { grant_types: ["password"] },
        { grant_types: ["client_credentials"] },
        { grant_types: ["authorization_code"], response_types: ["token"] },
        { grant_types: ["implicit"], response_types: ["token"] },
        { grant_types: ["refresh_token"] },
        { grant_types: ["authorization_code"], response_types: [] },
        { token_endpoint_auth_method: "private_key_jwt" },
        { token_endpoint_auth_method: "client_secret_jwt" },
      ]) {
        const answer = await target.registering(metadata);
        assert.equal(answer.status, 400, `${JSON.stringify(metadata)} ${answer}`);
        refused(answer, "invalid_client_metadata");
      }
    },
  },
  {
    number: 64,
    name: "what is only for show refuses no client",
    note: "RFC 7591 section 2: a server may replace or leave out what it does not understand.",
    async run(target) {
      for (const metadata of [
        { client_name: "n".repeat(500) },
        { client_name: "Bank\u202eknaB" },
        { client_name: "Bank\u0000" },
        { logo_uri: "https://client.example/ü.png" },
        { application_type: "robot" },
        { application_type: "web", redirect_uris: ["cursor://anysphere.cursor-mcp/oauth/callback"] },
        { contacts: Array(50).fill("a@client.example") },
        { grant_types: ["authorization_code", "implicit"], response_types: ["code", "token"] },
        { scope: "openid email profile offline_access" },
      ]) {
        const answer = await target.registering(metadata);
        assert.equal(answer.status, 201, `${JSON.stringify(metadata)} ${answer}`);
        assert.ok((answer.json.client_name ?? "").length <= 200 && !/[\u202e\0]/.test(answer.json.client_name ?? ""));
      }
    },
  },
  {
    number: 65,
    name: "a hundred identical public registrations are one client, or are held back",
    async run(target) {
      const answers = await parallel(100, () => target.registering({ client_name: "Again and again" }));
      for (const answer of answers) assert.ok([201, 429].includes(answer.status), `${answer}`);
      const ids = new Set(answers.filter(({ status }) => status === 201).map(({ json }) => json.client_id));
      assert.ok(ids.size > 0 && ids.size <= 20, `${ids.size} clients`);
    },
  },
];
