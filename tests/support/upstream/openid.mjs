// A real OpenID provider on loopback, npm's oidc-provider, with a page of sign-in of its own. What it would never do, a
// test has it do: its tokens and answers can be replaced on their way out.
import Provider from "oidc-provider";
import { claimsOf, newKey, signed } from "./id-token.mjs";
import { StandIn, page } from "./stand-in.mjs";
import { store } from "./store.mjs";

export const CONFIGURATION = "/.well-known/openid-configuration";
export const AUTHORIZE = "/auth";
export const TOKEN = "/token";
export const KEYS = "/jwks";
export const USERINFO = "/me";

export const ANN = { sub: "u-1", name: "Ann Example", email: "ann@example.com", email_verified: true };
export const BOB = { sub: "u-2", name: "Bob Example", email: "bob@example.org", email_verified: true };

/**
 * Starts it. `issuer`: its name, if it is another than its address; `expires`: how long its access tokens live, in
 * seconds; `algorithm` of its id_tokens; `auth`: how its client proves itself; `inToken` has claims of the person in the
 * id_token, and not at userinfo alone; `offline` gives refresh tokens as the library does by itself, for the scope
 * offline_access to who was asked in this very sign-in (Core 1.0 section 11), and not to everybody.
 */
export const openId = (options) => new OpenId(options).start();

class OpenId extends StandIn {
  id = "the-client";
  clientSecret = this.secret("openid-client-secret-");
  signedIn = ANN;
  /** Gets `{ claims, token, sign }` of an id_token, and gives the one to send; `undefined` sends none. */
  forge = ({ token }) => token;
  #options;
  #people = new Map();
  #callbacks = [];
  #grants = new Set();
  #store = store();
  #provider;
  #keys;

  constructor({ issuer, expires = 3600 * 8, algorithm = "RS256", auth = "client_secret_basic", inToken = false, offline = false } = {}) {
    super();
    this.#options = { issuer, expires, algorithm, auth, inToken, offline };
    this.#keys = [newKey("first", algorithm)];
  }

  get issuer() {
    return this.#options.issuer ?? this.url;
  }

  get vars() {
    return {
      IDENTITY_PROVIDER: "oidc",
      OIDC_ISSUER: this.issuer,
      OIDC_CLIENT_ID: this.id,
      ...(this.#options.auth === "none" ? {} : { OIDC_CLIENT_SECRET: this.clientSecret }),
    };
  }

  /** The key that it signs with. */
  get key() {
    return this.#keys[0];
  }

  /** Registers the callback of a Worker, as whoever runs that does. */
  knows(server) {
    this.#callbacks.push(`${server.url}/callback`);
    this.#build();
  }

  /** From now on it signs with a new key; `keep` has it show the old one, too. */
  rotate(kid, { keep = false } = {}) {
    this.#keys = [newKey(kid, this.#options.algorithm), ...(keep ? this.#keys : [])];
    this.#build();
  }

  /** Owner of an access token; undefined if the token is not valid. */
  async owner(token) {
    return (await this.#provider.AccessToken.find(token))?.accountId;
  }

  /** The person takes the application away: nothing that it has is good any longer. */
  async revoke() {
    for (const grant of this.#grants) {
      await this.#provider.AccessToken.revokeByGrantId(grant);
      await this.#provider.RefreshToken.revokeByGrantId(grant);
    }
  }

  /** No code that was given out is any good, as after a minute. */
  async expireCodes() {
    for (const grant of this.#grants) await this.#provider.AuthorizationCode.revokeByGrantId(grant);
  }

  /** Number of uses of refresh tokens. */
  get renewals() {
    return this.asked(TOKEN).filter(({ form }) => form.grant_type === "refresh_token").length;
  }

  has(url) {
    return super.has(url) || new URL(url).origin === new URL(this.issuer).origin;
  }

  async handle(asked, { request, response }) {
    const [, uid] = /^\/interaction\/([\w-]+)$/.exec(asked.path) ?? [];
    if (uid && asked.method === "POST") return this.#decided(asked.form, request, response);
    if (uid) {
      const { body, headers } = page(`Sign in as ${this.signedIn.name}`, {}, ["Cancel", "Authorize"], { action: asked.path });
      return response.writeHead(200, headers).end(body);
    }
    // Its own reader finds the body read.
    request.body = asked.form;
    return this.#provider.callback()(request, response);
  }

  async #decided({ decision }, request, response) {
    this.#people.set(this.signedIn.sub, this.signedIn);
    const result =
      decision === "Authorize"
        ? { login: { accountId: this.signedIn.sub }, consent: {} }
        : { error: "access_denied", error_description: "End-User aborted interaction" };
    await this.#provider.interactionFinished(request, response, result);
  }

  #build() {
    const { algorithm, auth, expires, inToken, offline } = this.#options;
    this.#provider = new Provider(this.issuer, {
      adapter: this.#store,
      clients: [
        {
          client_id: this.id,
          ...(auth === "none" ? {} : { client_secret: this.clientSecret }),
          redirect_uris: this.#callbacks,
          grant_types: ["authorization_code", "refresh_token"],
          response_types: ["code"],
          token_endpoint_auth_method: auth,
          id_token_signed_response_alg: algorithm,
        },
      ],
      clientAuthMethods: [auth],
      jwks: { keys: this.#keys },
      cookies: { keys: ["of the tests"] },
      claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified", "hd"] },
      conformIdTokenClaims: !inToken,
      findAccount: (_, sub) => ({ accountId: sub, claims: () => this.#people.get(sub) }),
      loadExistingGrant: (ctx) => this.#agreed(ctx),
      ...(offline ? {} : { issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token") }),
      rotateRefreshToken: true,
      interactions: { url: (_, { uid }) => `/interaction/${uid}` },
      features: { devInteractions: { enabled: false } },
      pkce: { required: () => true },
      ttl: { AccessToken: expires, IdToken: 3600, RefreshToken: 86_400, Grant: 86_400, Session: 3600, Interaction: 600 },
    });
    this.#provider.proxy = true;
    this.#provider.use(async (ctx, next) => {
      await next();
      if (ctx.oidc?.route === "token" && ctx.status === 200) ctx.body = this.#given(ctx.body);
    });
  }

  // Who signs in agrees to everything with that.
  async #agreed(ctx) {
    const { client, session, params } = ctx.oidc;
    const grant = new this.#provider.Grant({ accountId: session.accountId, clientId: client.clientId });
    grant.addOIDCScope(params.scope);
    this.#grants.add(await grant.save());
    return grant;
  }

  #given(body) {
    const { access_token, refresh_token, id_token: token } = body;
    this.secrets.push(...[access_token, refresh_token, token].filter(Boolean));
    const sign = (claims, key = this.key) => signed(claims, key);
    const forged = this.forge({ claims: claimsOf(token), token, sign });
    return { ...body, id_token: forged };
  }
}
