// Codes and tokens that a stand-in has given out, each good for as long as it would be at the provider itself.
import { createHash } from "node:crypto";
import { StandIn } from "./server.mjs";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** An identity provider that gives out codes and tokens, to the one of its people who the page is told. */
export class Granting extends StandIn {
  #codes = new Map();
  #tokens = new Map();
  #refreshTokens = new Map();

  /** No code that was given out is any good, as after some minutes. */
  expireCodes() {
    this.#codes.clear();
  }

  /** The person takes the application away: nothing that it has is good any longer. */
  revoke() {
    this.#tokens.clear();
    this.#refreshTokens.clear();
  }

  /** Returns the user of an access token; undefined if the token is not valid. */
  owner(token) {
    return this.#tokens.get(token)?.user;
  }

  /** Whether it sends people back there: it is for servers of this machine alone. */
  leadsTo(address) {
    const url = URL.parse(address);
    return url?.protocol === "http:" && LOOPBACK.includes(url.hostname);
  }

  /** The buttons of its page: one for each of its people. `nameOf` gives what to call one. */
  buttons(nameOf) {
    const one = this.people.length === 1;
    return this.people.map((user) => ({ user, name: one ? "Authorize" : `Authorize as ${nameOf(user)}` }));
  }

  /** A code for a user and what was asked: `{ scope, redirect_uri, code_challenge }`. */
  code(prefix, user, { scope = "", redirect_uri, code_challenge }) {
    const code = this.secret(prefix);
    this.#codes.set(code, { user, scope, redirect_uri, code_challenge });
    return code;
  }

  /** Redeems a code once, for the client that has the verifier (RFC 7636): returns the grant that it was issued for. */
  redeem({ code, code_verifier: verifier = "" }) {
    const grant = take(this.#codes, code);
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    return grant?.code_challenge === challenge ? grant : undefined;
  }

  /** Redeems a refresh token once: returns its grant. The access token that was issued with it ends. */
  renew({ refresh_token: refreshToken }) {
    const grant = take(this.#refreshTokens, refreshToken);
    this.#tokens.delete(grant?.token);
    return grant;
  }

  token(prefix, { user, scope }) {
    const token = this.secret(prefix);
    this.#tokens.set(token, { user, scope });
    return token;
  }

  refreshToken(prefix, { user, scope }, token) {
    const refreshToken = this.secret(prefix);
    this.#refreshTokens.set(refreshToken, { user, scope, token });
    return refreshToken;
  }

  /** Returns the caller and a check of its scopes, `{ user, has }`; undefined without a valid token. */
  bearer({ authorization }) {
    const grant = this.#tokens.get(/^Bearer (.*)$/.exec(authorization)?.[1]);
    return grant && { user: grant.user, has: (name) => grant.scope.split(" ").includes(name) };
  }
}

function take(map, key) {
  const value = map.get(key);
  map.delete(key);
  return value;
}
