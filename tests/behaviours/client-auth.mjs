// Authentication of clients, and requests that the token endpoint accepts: RFC 6749 section 2.3 and 3.2.
import assert from "node:assert/strict";
import { credentials, granted, refused } from "../support/oauth.mjs";

const METHODS = ["none", "client_secret_basic", "client_secret_post"];
// Without a secret of its own a client sends one that is made up.
const presented = ({ client_id, client_secret = "made-up" }) => ({ client_id, client_secret });

/** A request that, from whoever may make it, is refused for its refresh token. */
const probe = (target, headers, fields) =>
  target.form(
    target.metadata.token_endpoint,
    { grant_type: "refresh_token", refresh_token: "unknown", ...fields },
    { headers },
  );

function hasBasicChallenge({ headers }, wanted, what) {
  assert.equal(/^basic\b/i.test(headers["www-authenticate"] ?? ""), wanted, `${what}: ${headers["www-authenticate"]}`);
}

const encodeAll = (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const basicOf = (text) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });

export const behaviours = [
  {
    number: 41,
    name: "a client proves itself in the way that it registered, and in no other",
    async run(target) {
      for (const registered of METHODS) {
        const client = await target.register({ token_endpoint_auth_method: registered });
        assert.equal(client.token_endpoint_auth_method, registered);
        const { tokens } = await target.signIn({ client });
        granted(await target.refresh(client, tokens.refresh_token));
        for (const method of METHODS.filter((method) => method !== registered)) {
          const what = `${method} where ${registered} was registered`;
          const { headers, fields } = credentials(presented(client), method);
          const answer = await probe(target, headers, fields);
          refused(answer, "invalid_client", 401);
          hasBasicChallenge(answer, method === "client_secret_basic", what);
        }
      }
    },
  },
  {
    number: 41,
    name: "a wrong secret proves nothing",
    async run(target) {
      for (const method of METHODS.slice(1)) {
        const client = await target.registerConfidential(method);
        for (const client_secret of ["", "wrong", `${client.client_secret}x`, client.client_secret.slice(1)]) {
          const { headers, fields } = credentials({ ...client, client_secret }, method);
          const answer = await probe(target, headers, fields);
          refused(answer, "invalid_client", 401);
          hasBasicChallenge(answer, method === "client_secret_basic", method);
        }
      }
    },
  },
  {
    number: 41,
    name: "a client may prove itself by a signed assertion, private_key_jwt",
    setup: { documents: true },
    differs: "Not offered: clients have a secret, or PKCE alone.",
    async run(target) {
      assert.ok(target.metadata.token_endpoint_auth_methods_supported.includes("private_key_jwt"));
    },
  },
  {
    number: 42,
    name: "id and secret are form-encoded inside Basic",
    async run(target) {
      const client = await target.registerConfidential();
      const { client_id: id, client_secret: secret } = client;
      const authorized = await target.authorized({ client });
      const headers = basicOf(`${encodeAll(id)}:${encodeAll(secret)}`);
      granted(await target.exchange(authorized, { auth: "none", client_id: null, headers }));
    },
  },
  {
    number: 42,
    name: "a Basic header that cannot be read is refused with a challenge",
    async run(target) {
      const { client_id: id, client_secret: secret } = await target.registerConfidential();
      for (const headers of [
        { authorization: "Basic ?" },
        { authorization: "Basic" },
        basicOf(id),
        basicOf(`${id}:%zz`),
        basicOf(`:${secret}`),
        basicOf(Buffer.from([0xff, 0x3a, 0xff])),
      ]) {
        const answer = await probe(target, headers, {});
        refused(answer, "invalid_client", 401);
        hasBasicChallenge(answer, true, headers.authorization);
      }
    },
  },
  {
    number: 43,
    name: "a client that sends Basic may repeat its id",
    note: "RFC 6749 section 2.3 forbids two methods in one request; the id alone is none.",
    async run(target) {
      const client = await target.registerConfidential();
      const authorized = await target.authorized({ client });
      granted(await target.exchange(authorized, { client_id: client.client_id }));
    },
  },
  {
    number: 43,
    name: "another id or a second secret beside Basic is refused",
    async run(target) {
      const client = await target.registerConfidential();
      const other = await target.register();
      const authorized = await target.authorized({ client });
      refused(await target.exchange(authorized, { client_id: other.client_id }), "invalid_request");
      const { client_id, client_secret } = client;
      refused(await target.exchange(authorized, { client_id, client_secret }), "invalid_request");
      granted(await target.exchange(authorized));
    },
  },
  {
    number: 44,
    name: "a parameter that is there twice is refused",
    async run(target) {
      const authorized = await target.authorized();
      const { code, client } = authorized;
      for (const twice of [
        { code: [code, code] },
        { grant_type: ["authorization_code", "refresh_token"] },
        { client_id: [client.client_id, client.client_id] },
        { code_verifier: [authorized.verifier, authorized.verifier] },
        { unheard_of: ["a", "b"] },
      ]) {
        refused(await target.exchange(authorized, twice), "invalid_request");
      }
      granted(await target.exchange(authorized));
    },
  },
  {
    number: 44,
    name: "what is no form is refused, and is no failure of the server's",
    async run(target) {
      const fields = { grant_type: "refresh_token" };
      for (const [type, body] of [
        ["application/json", JSON.stringify(fields)],
        ["text/plain", "grant_type=refresh_token"],
        ["multipart/form-data", "grant_type=refresh_token"],
        ["application/x-www-form-urlencodedx", "grant_type=refresh_token"],
        [null, "grant_type=refresh_token"],
      ]) {
        const answer = await target.send("POST", target.metadata.token_endpoint, {
          headers: { "content-type": type },
          body,
        });
        refused(answer, "invalid_request");
      }
    },
  },
  {
    number: 45,
    name: "GET is answered with the method that there is",
    async run(target) {
      for (const method of ["GET", "PUT", "DELETE"]) {
        const answer = await target.send(method, target.metadata.token_endpoint);
        assert.equal(answer.status, 405, `${answer}`);
        assert.match(answer.headers.allow ?? "", /\bPOST\b/);
      }
    },
  },
  {
    number: 46,
    name: "a request without grant_type is an invalid_request",
    async run(target) {
      const client = await target.register();
      refused(await target.token(client, { code: "x" }), "invalid_request");
      refused(await target.token(client, { grant_type: "" }), "invalid_request");
    },
  },
  {
    number: 46,
    name: "a grant_type that is not served is unsupported",
    async run(target) {
      const client = await target.register();
      for (const grant_type of ["password", "implicit", "AUTHORIZATION_CODE"]) {
        refused(await target.token(client, { grant_type }), "unsupported_grant_type");
      }
    },
  },
];
