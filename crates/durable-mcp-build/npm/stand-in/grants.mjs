// What a stand-in has given out: codes and tokens, each good for as long as it would be at the provider itself.
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

  /** Whose access token that is; undefined if it is none that is good. */
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

  /** What a code was given for, once, and to who has the verifier (RFC 7636). */
  redeem({ code, code_verifier: verifier = "" }) {
    const grant = take(this.#codes, code);
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    return grant?.code_challenge === challenge ? grant : undefined;
  }

  /** What a refresh token was given for, once. The access token beside it ends. */
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

  /** Who asks, and what for: `{ user, has }`; undefined without a token that is good. */
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
