// Stands in for GitHub: its pages of sign-in, its tokens, and as much of its API as sign-in asks (docs.github.com:
// "Authorizing OAuth apps", "Refreshing user access tokens", "Troubleshooting OAuth app access token request errors").
import { Granting } from "./grants.mjs";
import { json, page, redirect } from "./server.mjs";

export const AUTHORIZE = "/login/oauth/authorize";
export const TOKEN = "/login/oauth/access_token";
const API = "/api/v3";
export const api = (path) => API + path;

const LABEL = "A stand-in for GitHub on this machine: GitHub itself is not asked, and nobody needs an account.";
const DOCS = "https://docs.github.com/apps/managing-oauth-apps";

/** Two people, one with a private address. */
export const OCTOCAT = {
  login: "octocat",
  id: 583231,
  name: "The Octocat",
  email: null,
  emails: [
    { email: "other@example.com", primary: false, verified: true, visibility: null },
    { email: "octocat@example.com", primary: true, verified: true, visibility: "private" },
  ],
};
export const HUBOT = { login: "hubot", id: 480938, name: null, email: "hubot@example.org", emails: [] };

/**
 * GitHub with an application. `expires`: how long its tokens live, in seconds, as those of a GitHub App do; otherwise they
 * do not end. `asks: false` sends who comes straight on, as GitHub does once a person has agreed. Of its people, who is
 * `everywhere` is a member of every organisation and team.
 */
export class GitHub extends Granting {
  id = "Iv1.0123456789abcdef";
  clientSecret = this.secret("github-client-secret-");

  constructor({ people = [OCTOCAT], expires, asks = true } = {}) {
    super();
    this.people = people;
    this.expires = expires;
    this.asks = asks;
  }

  /** The variables of a Worker whose users sign in here, as for GitHub Enterprise. */
  get vars() {
    return { ...this.credentials, GITHUB_URL: this.url, GITHUB_API_URL: this.url + API };
  }

  get credentials() {
    return { IDENTITY_PROVIDER: "github", GITHUB_CLIENT_ID: this.id, GITHUB_CLIENT_SECRET: this.clientSecret };
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
      return page("404: This is not the web page you are looking for", {}, [], { status: 404, label: LABEL });
    }
    const names = this.buttons(login).map(({ name }) => name);
    if (!this.asks) return this.#decided({ form: { ...query, decision: names[0] } });
    const title = `Authorize the application as ${this.people.map(login).join(" or ")}`;
    return page(title, query, ["Cancel", ...names], { action: AUTHORIZE, label: LABEL });
  }

  #decided({ form }) {
    const { redirect_uri, state, decision } = form;
    if (!this.leadsTo(redirect_uri)) return problem(404, "Not Found");
    const back = new URL(redirect_uri);
    const pressed = this.buttons(login).find(({ name }) => name === decision);
    if (pressed) {
      back.searchParams.set("code", this.code("code-", pressed.user, form));
    } else {
      back.searchParams.set("error", "access_denied");
      back.searchParams.set("error_description", "The user has denied your application access.");
      back.searchParams.set("error_uri", `${DOCS}/troubleshooting-authorization-request-errors/#access-denied`);
    }
    back.searchParams.set("state", state);
    return redirect(back);
  }

  #token({ headers, form }) {
    const answer = this.#given(form);
    const text = new URLSearchParams(answer);
    // Errors have the status 200, too; and JSON is only for who asks for it.
    if ((headers.accept ?? "").includes("application/json")) return json(answer);
    return { status: 200, headers: { "content-type": "application/x-www-form-urlencoded" }, body: `${text}` };
  }

  #given(form) {
    const { client_id, client_secret, redirect_uri, grant_type } = form;
    if (client_id !== this.id || client_secret !== this.clientSecret) {
      return error("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.");
    }
    if (grant_type === "refresh_token") {
      const grant = this.renew(form);
      return grant ? this.#grant(grant) : error("bad_refresh_token", "The refresh token passed is incorrect or expired.");
    }
    const grant = this.redeem(form);
    if (!grant) return error("bad_verification_code", "The code passed is incorrect or expired.");
    if (redirect_uri !== grant.redirect_uri) {
      return error("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application.");
    }
    return this.#grant(grant);
  }

  #grant(grant) {
    const token = this.token(this.expires ? "ghu_" : "gho_", grant);
    const given = { access_token: token, scope: grant.scope.split(" ").join(","), token_type: "bearer" };
    if (!this.expires) return given;
    const more = { expires_in: this.expires, refresh_token_expires_in: 15897600 };
    return { ...given, ...more, refresh_token: this.refreshToken("ghr_", grant, token) };
  }

  #api(path, { headers }) {
    if (!headers["user-agent"]) {
      return { ...json({}, 403), body: "Request forbidden by administrative rules. Please make sure your request has a User-Agent header" };
    }
    const caller = this.bearer(headers);
    if (!caller) return problem(401, "Bad credentials");
    const { user, has } = caller;
    const { emails, orgs = {}, teams = {}, everywhere = false, ...profile } = user;
    if (path === "/user") return json({ ...profile, type: "User", site_admin: false });
    if (path === "/user/emails") return has("user:email") ? json(emails) : problem(404, "Not Found");
    const [, org] = /^\/user\/memberships\/orgs\/([^/]+)$/.exec(path) ?? [];
    if (org && !has("read:org")) return problem(403, "You need at least read:org scope to check your organization memberships.");
    const [, of, team, name] = /^\/orgs\/([^/]+)\/teams\/([^/]+)\/memberships\/([^/]+)$/.exec(path) ?? [];
    const isOwn = org || (name === user.login && has("read:org"));
    const state = isOwn && (everywhere ? "active" : org ? orgs[org] : teams[`${of}/${team}`]);
    return state ? json({ url: this.url + path, state, role: "member" }) : problem(404, "Not Found");
  }
}

const login = (user) => user.login;

const error = (name, description) => ({
  error: name,
  error_description: description,
  error_uri: `${DOCS}/troubleshooting-oauth-app-access-token-request-errors/#${name.replaceAll("_", "-")}`,
});

const problem = (status, message) =>
  json({ message, documentation_url: "https://docs.github.com/rest", status: `${status}` }, status);
