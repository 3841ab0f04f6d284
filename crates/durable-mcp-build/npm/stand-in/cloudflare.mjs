// Stands in for Cloudflare: sign-in by an OAuth client, and as much of its API as sign-in asks
// (developers.cloudflare.com/fundamentals/oauth, developers.cloudflare.com/api).
import { Granting } from "./grants.mjs";
import { json, page, redirect } from "./server.mjs";

export const AUTHORIZE = "/oauth2/auth";
export const TOKEN = "/oauth2/token";
const API = "/client/v4";
export const api = (path) => API + path;

const LABEL = "A stand-in for Cloudflare on this machine: Cloudflare itself is not asked, and nobody needs an account.";

export const ANN = {
  id: "7c5dae5552338874e5053f2534d2767a",
  email: "ann@example.com",
  first_name: "Ann",
  last_name: "Example",
  accounts: [
    { id: "023e105f4ecef8ad9ca31a8372d0c353", name: "Acme" },
    { id: "01a7362d577a6c3019a474fd6f485823", name: "Ann's own" },
  ],
};
export const BOB = { id: "5d41402abc4b2a76b9719d911017c592", email: "bob@example.org", first_name: null, last_name: null, accounts: [] };

/** Cloudflare with an OAuth client. `expires`: how long access tokens live, in seconds. */
export class Cloudflare extends Granting {
  id = "9f86d081884c7d659a2feaa0c55ad015";
  clientSecret = this.secret("cloudflare-client-secret-");

  constructor({ people = [ANN], expires = 3600 * 8 } = {}) {
    super();
    this.people = people;
    this.expires = expires;
  }

  /** The variables of a Worker whose users sign in here. */
  get vars() {
    return {
      ...this.credentials,
      CLOUDFLARE_AUTHORIZE_URL: this.url + AUTHORIZE,
      CLOUDFLARE_TOKEN_URL: this.url + TOKEN,
      CLOUDFLARE_API_URL: this.url + API,
    };
  }

  get credentials() {
    return {
      IDENTITY_PROVIDER: "cloudflare",
      CLOUDFLARE_CLIENT_ID: this.id,
      CLOUDFLARE_CLIENT_SECRET: this.clientSecret,
    };
  }

  answer(asked) {
    const { method, path } = asked;
    if (path === AUTHORIZE) return method === "POST" ? this.#decided(asked) : this.#asked(asked);
    if (path === TOKEN && method === "POST") return this.#token(asked);
    if (path.startsWith(`${API}/`) && method === "GET") return this.#api(path.slice(API.length), asked);
    return undefined;
  }

  #asked({ query }) {
    if (query.client_id !== this.id || !this.leadsTo(query.redirect_uri)) {
      return page("No such client", {}, [], { status: 400, label: LABEL });
    }
    const names = this.buttons(email).map(({ name }) => name);
    const title = `Authorize as ${this.people.map(email).join(" or ")}`;
    return page(title, query, ["Cancel", ...names], { action: AUTHORIZE, label: LABEL });
  }

  #decided({ form }) {
    const { redirect_uri, state, scope, decision } = form;
    if (!this.leadsTo(redirect_uri)) return refused("invalid_request", "The redirect_uri is not registered");
    const back = new URL(redirect_uri);
    const pressed = this.buttons(email).find(({ name }) => name === decision);
    if (pressed) {
      back.searchParams.set("code", this.code("cfoac_", pressed.user, form));
      back.searchParams.set("scope", scope);
    } else {
      back.searchParams.set("error", "access_denied");
      back.searchParams.set("error_description", "The resource owner denied the request");
    }
    back.searchParams.set("state", state);
    return redirect(back);
  }

  #token({ headers, form }) {
    const basic = Buffer.from(`${this.id}:${this.clientSecret}`).toString("base64");
    if (headers.authorization !== `Basic ${basic}`) return refused("invalid_client", "Client authentication failed", 401);
    if (form.grant_type === "refresh_token") {
      const grant = this.renew(form);
      return grant ? this.#grant(grant) : refused("invalid_grant", "The refresh token is malformed or not valid");
    }
    const grant = this.redeem(form);
    if (grant?.redirect_uri !== form.redirect_uri) {
      return refused("invalid_grant", "The authorization code is invalid, expired or already used");
    }
    return this.#grant(grant);
  }

  #grant(grant) {
    const token = this.token("cfoat_", grant);
    const given = { access_token: token, expires_in: this.expires, scope: grant.scope, token_type: "bearer" };
    // Only who asked for it can stay.
    if (!grant.scope.split(" ").includes("offline_access")) return json(given);
    return json({ ...given, refresh_token: this.refreshToken("cfort_", grant, token) });
  }

  #api(path, { headers, query }) {
    const caller = this.bearer(headers);
    if (!caller) return problem(401, 10000, "Authentication error");
    const { user, has } = caller;
    const { accounts, ...profile } = user;
    if (path === "/user" && has("user-details.read")) return found({ ...profile, suspended: false });
    if (path === "/accounts" && has("account-settings.read")) {
      return found(accounts.slice(0, Number(query.per_page ?? 20)).map((account) => ({ ...account, type: "standard" })));
    }
    return ["/user", "/accounts"].includes(path) ? problem(403, 9109, "Unauthorized to access requested resource") : undefined;
  }
}

const email = (user) => user.email;

const refused = (error, description, status = 400) => json({ error, error_description: description }, status);

const found = (result) => json({ success: true, errors: [], messages: [], result });

const problem = (status, code, message) =>
  json({ success: false, errors: [{ code, message }], messages: [], result: null }, status);
