// The authorization endpoint: RFC 6749 section 3.1 and 4.1, RFC 7636, RFC 8707, RFC 9207, OAuth 2.1.
import assert from "node:assert/strict";
import { REDIRECT, granted } from "../support/oauth.mjs";

/** The person at the browser hears of it, and nobody else. */
function refusedHere({ status, location, answer }, what) {
  assert.equal(status, 400, `${what}: ${answer} ${location}`);
  assert.equal(location, undefined, what);
}

/** The client hears of it: an error, the state and the issuer, no code. */
function refusedThere(target, { status, params, location, answer }, error, what = error) {
  assert.equal(status, 302, `${what}: ${answer}`);
  assert.equal(`${location}`.split("?")[0], REDIRECT);
  assert.deepEqual([params.get("error"), params.get("code")], [error, null], `${what}: ${location}`);
  assert.deepEqual([params.get("state"), params.get("iss")], ["a state", target.issuer], `${what}: ${location}`);
}

/** Checks that the person is shown the error, on a page, or the client is told. */
function refusedSomewhere(target, asked, error, what = error) {
  if (asked.location !== undefined) return refusedThere(target, asked, error, what);
  refusedHere(asked, what);
  assert.ok(asked.answer.text.includes(error), `${what}: ${asked.answer}`);
}

const isSent = ({ status, code }) => status === 302 && Boolean(code);

async function acceptsRedirect(target, registered, requested) {
  const client = await target.register({ redirect_uris: [registered], application_type: "native" });
  return target.authorize({ client, redirect_uri: requested });
}

async function loopbackPortsAreFree(target, host) {
  const registered = `http://${host}:1234/callback`;
  const other = await acceptsRedirect(target, registered, `http://${host}:4321/callback`);
  assert.ok(isSent(other), `another port of ${host}: ${other.answer}`);
  assert.equal(other.location.host, `${host}:4321`);
  for (const wrong of [
    `http://${host}:1234/other`,
    `http://${host}:1234/callback/`,
    `https://${host}:1234/callback`,
    `http://${host}.example:1234/callback`,
    "http://10.0.0.1:1234/callback",
    `http://user@${host}:1234/callback`,
    `http://${host}:1234/callback?x=y`,
  ]) {
    refusedHere(await acceptsRedirect(target, registered, wrong), wrong);
  }
}

export const behaviours = [
  {
    number: 11,
    name: "an unknown client is told to the person, not to any redirect URI",
    async run(target) {
      const client = { client_id: "unknown", redirect_uris: [REDIRECT] };
      refusedHere(await target.authorize({ client }), "unknown");
      refusedHere(await target.authorize({ client, client_id: null }), "none");
    },
  },
  {
    number: 12,
    name: "a redirect URI that is not the client's gets nothing",
    async run(target) {
      const client = await target.register();
      for (const wrong of ["https://evil.example/callback", "//evil.example", "/callback", "javascript:alert(1)"]) {
        refusedHere(await target.authorize({ client, redirect_uri: wrong }), wrong);
      }
      // Errors, too, go only where the client is known to be.
      refusedHere(await target.authorize({ client, redirect_uri: "https://evil.example/", verifier: null }), "no PKCE");
    },
  },
  {
    number: 13,
    name: "a request that is agreed to is answered with one code, the state and the issuer",
    async run(target) {
      const state = "a/b+c d%20é&=?#";
      const sent = await target.authorized({ state });
      assert.equal(sent.status, 302);
      for (const [name, value] of [
        ["code", sent.code],
        ["state", state],
        ["iss", target.issuer],
      ]) {
        assert.deepEqual(sent.params.getAll(name), [value], `${sent.location}`);
      }
      assert.equal(sent.error, undefined);
      assert.equal(sent.location.hash, "");
      assert.equal(`${sent.location}`.split("?")[0], REDIRECT);
    },
  },
  {
    number: 14,
    name: "a request that is denied is answered with access_denied, the state and the issuer",
    async run(target) {
      const client = await target.register();
      refusedThere(target, await target.authorize({ client, user: "nobody" }), "access_denied");
    },
  },
  {
    number: 14,
    name: "an error before anybody was asked is shown to the person, where anybody could have registered the client",
    note: "RFC 9700 section 4.11.2: a link to this server must not lead on to wherever a stranger registered.",
    async run(target) {
      const client = await target.register();
      for (const wrong of [
        { response_type: "token" },
        { response_type: null },
        { verifier: null },
        { code_challenge_method: "plain" },
        { resource: "https://other.example/mcp" },
        { scope: 'read "write"' },
      ]) {
        refusedHere(await target.authorize({ client, ...wrong }), JSON.stringify(wrong));
      }
    },
  },
  {
    number: 15,
    name: "a public client has to use PKCE",
    async run(target) {
      const client = await target.register();
      refusedSomewhere(target, await target.authorize({ client, verifier: null }), "invalid_request");
    },
  },
  {
    number: 15,
    name: "a client with a secret that registered itself has to use PKCE, too",
    note: "OAuth 2.1 section 4.1.1: a secret does not show whose browser a code came by.",
    async run(target) {
      const client = await target.registerConfidential();
      const asked = await target.authorize({ client, verifier: null });
      refusedSomewhere(target, asked, "invalid_request");
    },
  },
  {
    number: 16,
    name: "the challenge's method is S256 and is said",
    async run(target) {
      const client = await target.register();
      for (const method of ["plain", null, "S512", "s256", ""]) {
        const asked = await target.authorize({ client, code_challenge_method: method });
        refusedSomewhere(target, asked, "invalid_request", `method ${method}`);
      }
    },
  },
  {
    number: 17,
    name: "a challenge that no SHA-256 has is refused",
    note: "The reference refuses the verifier later: nothing of SHA-256 is one character.",
    async run(target) {
      const client = await target.register();
      for (const challenge of ["a", "a".repeat(42), "a".repeat(44), "=".repeat(43), `${"a".repeat(42)}+`]) {
        const asked = await target.authorize({ client, code_challenge: challenge });
        refusedSomewhere(target, asked, "invalid_request", challenge);
      }
    },
  },
  {
    number: 18,
    name: "a parameter that is there twice is told to the person",
    note: "RFC 6749 section 3.1: no parameter may be there more than once.",
    async run(target) {
      const client = await target.register({ redirect_uris: [REDIRECT, `${REDIRECT}2`] });
      const id = client.client_id;
      for (const twice of [
        { redirect_uri: [REDIRECT, REDIRECT] },
        { redirect_uri: [REDIRECT, `${REDIRECT}2`] },
        { redirect_uri: ["https://evil.example/", REDIRECT] },
        { client_id: [id, id] },
        { client_id: [id, "another"] },
      ]) {
        refusedHere(await target.authorize({ client, ...twice }), JSON.stringify(twice));
      }
    },
  },
  {
    number: 19,
    name: "a resource that this server does not protect is refused",
    async run(target) {
      const client = await target.register();
      const { url, mcp } = target;
      for (const resource of [
        `${mcp}#part`,
        "/mcp",
        "mcp",
        "https://other.example/mcp",
        `${mcp}x`,
        `${mcp}//`,
        `${mcp}/../x`,
        `${url}/other`,
        mcp.replace("http:", "https:"),
        url.replace(/:\d+$/, ":1/mcp"),
        [mcp, "https://other.example/mcp"],
      ]) {
        refusedSomewhere(target, await target.authorize({ client, resource }), "invalid_target", `${resource}`);
      }
    },
  },
  {
    number: 19,
    name: "a resource's URL with a query of the client's own counts as the resource",
    async run(target) {
      const client = await target.register();
      assert.ok(isSent(await target.authorize({ client, resource: `${target.mcp}?mode=direct` })));
    },
  },
  {
    number: 20,
    name: "a request without a resource is for the canonical one",
    async run(target) {
      const { tokens } = await target.signIn();
      assert.equal(tokens.resource, target.canonical);
      assert.ok(await target.takes(tokens.access_token, "/mcp"));
    },
  },
  {
    number: 21,
    name: "a canonical resource without a path may be named with a slash or without",
    setup: { canonical: "root" },
    async run(target) {
      for (const resource of [target.url, `${target.url}/`]) {
        const authorized = await target.authorized({ resource });
        for (const again of [target.url, `${target.url}/`]) {
          const sent = await target.authorized({ client: authorized.client, resource });
          const tokens = granted(await target.exchange(sent, { resource: again }));
          assert.ok(await target.takes(tokens.access_token, "/mcp"), `${resource} ${again}`);
        }
      }
    },
  },
  {
    number: 22,
    name: "the only response_type is code, and it is said",
    async run(target) {
      const client = await target.register();
      const ask = (response_type) => target.authorize({ client, response_type });
      refusedSomewhere(target, await ask(null), "invalid_request", "none");
      for (const type of ["token", "code token", "id_token", "CODE"]) {
        refusedSomewhere(target, await ask(type), "unsupported_response_type", type);
      }
    },
  },
  {
    number: 23,
    name: "a program on the user's machine may listen on another port than it registered, and nothing else differs",
    async run(target) {
      for (const host of ["127.0.0.1", "[::1]"]) await loopbackPortsAreFree(target, host);
    },
  },
  {
    number: 23,
    name: "the same for localhost, which many programs register",
    run: (target) => loopbackPortsAreFree(target, "localhost"),
  },
  {
    number: 24,
    name: "any other redirect URI is compared character by character",
    async run(target) {
      const registered = "https://a.example/cb";
      assert.ok(isSent(await acceptsRedirect(target, registered, registered)));
      for (const wrong of [
        "https://a.example/cb/",
        "HTTPS://A.example/cb",
        "https://A.EXAMPLE/cb",
        "https://a.example/cb?x=y",
        "https://a.example/cb#",
        "https://a.example:443/cb",
        "https://a.example/c%62",
        "https://a.example/./cb",
        "https://a.example/cb%00",
        "https://a.example.evil.example/cb",
        "https://a.example@evil.example/cb",
        "https://a.example",
      ]) {
        refusedHere(await acceptsRedirect(target, registered, wrong), wrong);
      }
    },
  },
  {
    number: 25,
    name: "scopes that the server does not know are ignored, when they are asked for and when a code or token is exchanged",
    note: "RFC 6749 section 3.3. Clients ask for openid or offline_access wherever they are.",
    async run(target) {
      for (const [scope, exchanged, given] of [
        ["read openid email profile offline_access", "read openid offline_access", "read"],
        ["read unknown", "offline_access", "read"],
        ["openid email profile", "openid offline_access", "read write admin"],
      ]) {
        const authorized = await target.authorize({ client: await target.register(), scope });
        assert.ok(isSent(authorized), `${scope}: ${authorized.answer} ${authorized.location}`);
        const tokens = granted(await target.exchange(authorized, { scope: exchanged }));
        const known = (text) => (text ?? "").split(" ").filter((word) => word !== "offline_access").join(" ");
        assert.equal(known(tokens.scope), given, scope);
        const again = await target.refresh(authorized.client, tokens.refresh_token, { scope: exchanged });
        assert.equal(known(granted(again).scope), given, scope);
      }
    },
  },
  {
    number: 25,
    name: "a scope that cannot be one is refused",
    async run(target) {
      const client = await target.register();
      for (const scope of ['read "write"', "read\\", "réad", "read\nwrite", "read\u0000"]) {
        refusedSomewhere(target, await target.authorize({ client, scope }), "invalid_scope", JSON.stringify(scope));
      }
    },
  },
];
