// Discovery, from a resource to tokens: RFC 9728, RFC 8414, RFC 6750.
import assert from "node:assert/strict";

const SERVER = "/.well-known/oauth-authorization-server";
const OPENID = "/.well-known/openid-configuration";
const RESOURCE = "/.well-known/oauth-protected-resource";
// The Inspector's page: both providers let it call.
const ORIGIN = "http://localhost:6274";

function isJson(answer) {
  assert.equal(answer.status, 200, `${answer}`);
  assert.match(answer.headers["content-type"], /^application\/json/);
  return answer.json;
}

const tenant = { issuerPath: "/tenant" };

/** Reads the challenge of RFC 6750 section 3: `{ scheme, error, resource_metadata, .. }`. */
export function readChallenge(header) {
  const [, scheme, rest] = /^(\S+)\s*(.*)$/s.exec(header ?? "") ?? [];
  const pairs = [...(rest ?? "").matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)];
  return { scheme, ...Object.fromEntries(pairs.map(([, name, value]) => [name, value])) };
}

export const behaviours = [
  {
    number: 1,
    name: "the authorization server describes itself: issuer, codes, S256 alone, iss in answers",
    async run(target) {
      const metadata = isJson(await target.get(SERVER));
      assert.equal(metadata.issuer, target.url);
      assert.deepEqual(metadata.response_types_supported, ["code"]);
      assert.deepEqual(metadata.code_challenge_methods_supported, ["S256"]);
      assert.equal(metadata.authorization_response_iss_parameter_supported, true);
      for (const name of ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"]) {
        assert.equal(new URL(metadata[name]).origin, target.url, name);
      }
    },
  },
  {
    number: 2,
    name: "an issuer with a path is described where RFC 8414 puts it",
    setup: tenant,
    async run(target) {
      const { issuer } = isJson(await target.get(`${SERVER}/tenant`));
      assert.match(issuer, /^https?:\/\/[^/]+\/tenant$/);
      const { authorization_servers: servers } = isJson(await target.get(`${RESOURCE}/mcp`));
      assert.deepEqual(servers, [issuer]);
    },
  },
  {
    number: 2,
    name: "OpenID Connect's names for the metadata are aliases",
    note: "Clients of MCP look there last; RFC 8414 asks for its own name alone.",
    setup: tenant,
    async run(target) {
      const metadata = isJson(await target.get(`${SERVER}/tenant`));
      for (const path of [`${OPENID}/tenant`, `/tenant${OPENID}`]) {
        assert.deepEqual(isJson(await target.get(path)), metadata, path);
      }
    },
  },
  {
    number: 2,
    name: "under an issuer without a path no other issuer is described",
    async run(target) {
      for (const path of [`${SERVER}/mcp`, `${OPENID}/mcp`, `/mcp${OPENID}`]) {
        const answer = await target.get(path);
        if (answer.status === 200) assert.equal(answer.json.issuer, target.url, path);
        else assert.ok([401, 404].includes(answer.status), `${path}: ${answer}`);
      }
    },
  },
  {
    number: 3,
    name: "a resource describes itself: its URL, the issuer, tokens in headers alone",
    async run(target) {
      for (const path of ["/mcp", "/sse"]) {
        const metadata = isJson(await target.get(RESOURCE + path));
        assert.equal(metadata.resource, target.url + path);
        assert.deepEqual(metadata.authorization_servers, [target.issuer]);
        assert.deepEqual(metadata.bearer_methods_supported, ["header"]);
      }
    },
  },
  {
    number: 4,
    name: "what is no resource is not described",
    async run(target) {
      for (const path of ["/other", "/mcpx", "/mcp//", "/MCP"]) {
        const answer = await target.get(RESOURCE + path);
        assert.equal(answer.status, 404, `${path}: ${answer}`);
      }
    },
  },
  {
    number: 5,
    name: "without a token: 401, nothing in it, a link to the resource's metadata and no error",
    async run(target) {
      for (const [method, path] of [
        ["GET", "/mcp"],
        ["POST", "/mcp"],
        ["DELETE", "/mcp"],
        ["GET", "/sse"],
      ]) {
        const answer = await target.send(method, path, { body: method === "POST" ? "{}" : undefined });
        assert.equal(answer.status, 401, `${method} ${path}: ${answer}`);
        assert.equal(answer.text, "");
        const { scheme, error, resource_metadata: link } = readChallenge(answer.headers["www-authenticate"]);
        assert.equal(scheme, "Bearer");
        assert.equal(error, undefined);
        assert.equal(isJson(await target.get(link)).resource, target.url + path);
      }
    },
  },
  {
    number: 6,
    name: "a token that is none: 401 with the error invalid_token",
    async run(target) {
      for (const token of ["garbage", "a:b:c", `${"a".repeat(22)}:${"b".repeat(16)}:${"c".repeat(48)}`]) {
        const { status, challenge, answer } = await target.knock(token);
        assert.equal(status, 401, `${answer}`);
        assert.equal(readChallenge(challenge).error, "invalid_token");
        assert.equal(readChallenge(challenge).resource_metadata, `${target.url}${RESOURCE}/mcp`);
      }
    },
  },
  {
    number: 7,
    name: "the scheme's name may be in lower case",
    async run(target) {
      const { tokens } = await target.signIn();
      for (const scheme of ["bearer", "BEARER", "Bearer"]) {
        const authorization = `${scheme} ${tokens.access_token}`;
        assert.equal((await target.knock(undefined, "/mcp", { headers: { authorization } })).status, 200, scheme);
      }
    },
  },
  {
    number: 8,
    name: "a browser's page can read every answer, and caches keep origins apart",
    async run(target) {
      const headers = { origin: ORIGIN };
      const { tokens } = await target.signIn();
      for (const [what, answer] of [
        ["no token", await target.knock(undefined, "/mcp", { headers })],
        ["a bad token", await target.knock("garbage", "/mcp", { headers })],
        ["a good token", await target.knock(tokens.access_token, "/mcp", { headers })],
        ["server metadata", await target.get(SERVER, { headers })],
        ["resource metadata", await target.get(`${RESOURCE}/mcp`, { headers })],
        ["an error of the token endpoint", await target.form(target.metadata.token_endpoint, {}, { headers })],
      ]) {
        const allowed = answer.headers["access-control-allow-origin"];
        assert.ok([ORIGIN, "*"].includes(allowed), `${what}: ${allowed}`);
        // RFC 9110 section 12.5.5: what depends on the origin says so.
        const varies = (answer.headers.vary ?? "").toLowerCase().split(/\s*,\s*/);
        if (allowed === ORIGIN) assert.ok(varies.includes("origin"), `${what}: Vary is ${answer.headers.vary}`);
        if (answer.headers["www-authenticate"] === undefined) continue;
        assert.match(answer.headers["access-control-expose-headers"] ?? "", /www-authenticate|\*/i, what);
      }
    },
  },
  {
    number: 8,
    name: "pages of any site can use the authorization server",
    async run(target) {
      for (const path of [SERVER, `${RESOURCE}/mcp`]) {
        const answer = await target.get(path, { headers: { origin: "https://app.example" } });
        assert.equal(isJson(answer) && answer.headers["access-control-allow-origin"], "https://app.example");
      }
    },
  },
  {
    number: 9,
    name: "a preflight is answered at every endpoint that pages call",
    async run(target) {
      for (const [path, method] of [
        [target.metadata.token_endpoint, "POST"],
        [target.metadata.registration_endpoint, "POST"],
        [`${RESOURCE}/mcp`, "GET"],
        [SERVER, "GET"],
        ["/mcp", "POST"],
        ["/mcp", "DELETE"],
      ]) {
        const headers = {
          origin: ORIGIN,
          "access-control-request-method": method,
          "access-control-request-headers": "authorization, content-type, mcp-protocol-version",
        };
        const answer = await target.send("OPTIONS", path, { headers });
        assert.ok([200, 204].includes(answer.status), `${path}: ${answer}`);
        const listed = (name) => (answer.headers[`access-control-allow-${name}`] ?? "").toLowerCase().split(/\s*,\s*/);
        assert.ok([ORIGIN, "*"].includes(listed("origin")[0]), `${path}: ${listed("origin")}`);
        // A plain GET or POST needs no leave (Fetch, "CORS-safelisted method").
        const methods = listed("methods");
        assert.ok(method !== "DELETE" || ["delete", "*"].some((name) => methods.includes(name)), `${path}: ${methods}`);
        // `*` covers everything but Authorization.
        const names = listed("headers");
        assert.ok(names.includes("authorization"), `${path}: ${names}`);
        for (const name of ["content-type", "mcp-protocol-version"]) {
          assert.ok(names.includes(name) || names.includes("*"), `${path}: ${name}`);
        }
      }
    },
  },
  {
    number: 10,
    name: "offline_access is a scope of the authorization server, not of a resource",
    setup: { scopes: ["read", "write", "admin", "offline_access"] },
    async run(target) {
      const all = (scopes) => [...scopes].sort().join(" ");
      assert.equal(all(isJson(await target.get(SERVER)).scopes_supported), "admin offline_access read write");
      assert.equal(all(isJson(await target.get(`${RESOURCE}/mcp`)).scopes_supported), "admin read write");
      assert.equal(all(readChallenge((await target.knock(undefined)).challenge).scope.split(" ")), "admin read write");
    },
  },
];
