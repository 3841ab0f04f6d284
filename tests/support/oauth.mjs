// An OAuth client's side of one provider: ours, or the one it is compared with. Behaviours are written once for both.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { root, temporaryFolder } from "./child.mjs";
import { send } from "./http.mjs";
import { open, post } from "./mcp.mjs";
import { Together } from "./oauth-together.mjs";
import { fixture, startWorker } from "./workerd.mjs";

/** Redirect URI of the clients of the tests. No server is there: tests read the redirect. */
export const REDIRECT = "https://client.example/callback";

/** Settings of both providers unless a behaviour says otherwise. */
export const SETUP = { scopes: ["read", "write", "admin"] };

/** Thrown by a behaviour of something that a provider does not have. */
export class NotOffered extends Error {}

/**
 * Our provider in the fixture. `setup` is its variable `OAUTH` (tests/fixture/src/oauth.rs), with two names of its own:
 * `issuerPath` is the path of the issuer, `canonical: "root"` is how the other provider is to name its resource. The
 * rest are options of `startWorker`.
 */
export async function ours(setup = {}, { vars, ...options } = {}) {
  const { issuerPath, canonical, documents, ...known } = { ...SETUP, ...setup };
  if (issuerPath) known.issuer = `https://issuer.example${issuerPath}`;
  const server = await fixture({ vars: { OAUTH: JSON.stringify(known), ...vars }, ...options });
  return Target.of("ours", server, { canonical: "" });
}

/**
 * `@cloudflare/workers-oauth-provider` with the same setup; what it has no option for is left out. With `documents` it
 * takes clients by their metadata document.
 */
export async function reference(setup = {}, { vars, ...options } = {}) {
  const all = { ...SETUP, ...setup };
  const flags = all.documents ? ["global_fetch_strictly_public"] : [];
  const server = await startWorker({
    build: referenceBuild(),
    vars: { REFERENCE: JSON.stringify(all), ...vars },
    flags,
    ...options,
  });
  return Target.of("reference", server, { canonical: all.canonical === "root" ? "" : "/mcp" });
}

let build;
function referenceBuild() {
  if (build) return build;
  build = temporaryFolder("oauth-reference");
  buildSync({
    entryPoints: [join(root, "tests/support/reference/worker.mjs")],
    outfile: join(build, "index.js"),
    bundle: true,
    format: "esm",
    external: ["cloudflare:workers"],
    logLevel: "error",
  });
  return build;
}

let clients = 0;

/** A provider that runs. */
export class Target {
  #together;

  static async of(name, server, { canonical }) {
    const target = new Target(name, server, canonical);
    target.metadata = await target.#discover();
    return target;
  }

  constructor(name, server, canonical) {
    /** `ours` or `reference`. */
    this.name = name;
    /** The Worker, as tests/support/workerd.mjs has it. */
    this.server = server;
    /** The resource of tokens that were asked for without one. */
    this.canonical = this.url + canonical;
  }

  get url() {
    return this.server.url;
  }

  /** The URL of the resource that everybody knows, and of another one. */
  get mcp() {
    return `${this.url}/mcp`;
  }

  get sse() {
    return `${this.url}/sse`;
  }

  get issuer() {
    return this.metadata.issuer;
  }

  // Under an issuer with a path the metadata is elsewhere.
  async #discover() {
    const prm = await this.get("/.well-known/oauth-protected-resource/mcp");
    const issuer = prm.status === 200 ? prm.json.authorization_servers[0] : this.url;
    const { pathname } = new URL(issuer);
    const answer = await this.get(`/.well-known/oauth-authorization-server${pathname === "/" ? "" : pathname}`);
    assert.equal(answer.status, 200, `${answer}`);
    return answer.json;
  }

  /** Sends a request as it is; `path` may be a whole URL. */
  send(method, path, options) {
    return send(this.server, method, path, options);
  }

  get(path, options) {
    return this.send("GET", path, options);
  }

  /** Posts a form: pairs of an object (a list is a repeated name, `null` and `undefined` none) or the text itself. */
  form(url, fields, { headers } = {}) {
    const body = typeof fields === "string" ? fields : encode(fields);
    const all = { "content-type": "application/x-www-form-urlencoded", ...headers };
    return this.#together?.post(url, all, body) ?? this.send("POST", url, { headers: all, body });
  }

  /**
   * `count` forms that the server gets at the same moment, and their answers. `make` gets the number of each, and calls
   * `exchange`, `refresh`, `revoke` or the like without awaiting anything before.
   */
  async together(count, make) {
    const together = new Together();
    this.#together = together;
    let answers;
    try {
      answers = Promise.all(Array.from({ length: count }, (_, number) => make(number)));
    } finally {
      this.#together = undefined;
    }
    await together.go();
    return answers;
  }

  /**
   * Registers a client (RFC 7591), a public one by default, and gives what came: an answer. Each has a name of its own:
   * a provider may know two registrations that say the same as one client. Each comes from an address of its own, too,
   * for there may be a limit to how many one address makes.
   */
  registering(metadata = {}, { headers } = {}) {
    clients += 1;
    const body = {
      client_name: `Client ${clients} of the tests`,
      redirect_uris: [REDIRECT],
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      ...metadata,
    };
    const usual = { "content-type": "application/json", "cf-connecting-ip": `10.0.${clients >> 8}.${clients & 255}` };
    const options = { headers: { ...usual, ...headers }, body: JSON.stringify(body) };
    return this.send("POST", this.metadata.registration_endpoint, options);
  }

  /** A new client: what the server says of it. */
  async register(metadata) {
    const answer = await this.registering(metadata);
    assert.equal(answer.status, 201, `${answer}`);
    return answer.json;
  }

  /** A new client with a secret, which it sends by `method`. */
  registerConfidential(method = "client_secret_basic", metadata = {}) {
    return this.register({ token_endpoint_auth_method: method, ...metadata });
  }

  /**
   * Sends the user's browser to the authorization endpoint: `{ status, location, code, error, params, answer, client,
   * verifier, redirectUri }`. Without a `verifier` there is one of its own; with `null` there is no challenge.
   * `user` is who signs in; further names are parameters (`null` leaves one out, a list repeats one).
   */
  async authorize({ client, verifier = newVerifier(), user = "test", ...params }) {
    const redirectUri = "redirect_uri" in params ? params.redirect_uri : client.redirect_uris[0];
    const challenge = verifier && { code_challenge: challengeOf(verifier), code_challenge_method: "S256" };
    const query = encode({
      response_type: "code",
      client_id: client.client_id,
      redirect_uri: redirectUri,
      state: "a state",
      login_hint: user,
      ...challenge,
      ...params,
    });
    const answer = await this.get(`${this.metadata.authorization_endpoint}?${query}`);
    const location = answer.headers.location ? new URL(answer.headers.location) : undefined;
    const of = (name) => location?.searchParams.get(name) ?? undefined;
    return {
      answer,
      status: answer.status,
      location,
      code: of("code"),
      error: of("error"),
      state: of("state"),
      iss: of("iss"),
      params: location?.searchParams,
      client,
      verifier,
      redirectUri,
    };
  }

  /** A code, with what it takes to redeem it: the result of `authorize`. */
  async authorized(asked = {}) {
    const client = asked.client ?? (await this.register());
    const authorized = await this.authorize({ ...asked, client });
    assert.ok(authorized.code, `no code: ${authorized.answer} ${authorized.location}`);
    return authorized;
  }

  /** Posts to the token endpoint as `client`, which proves itself as it registered, unless `auth` says how. */
  token(client, fields, { auth, headers } = {}) {
    return this.#asClient(this.metadata.token_endpoint, client, fields, { auth, headers });
  }

  /**
   * Redeems a code, which is what `authorize` gave: an answer. Further names replace or (`null`) remove parameters;
   * `as` is another client.
   */
  exchange({ client, code, verifier, redirectUri }, { as = client, auth, headers, ...fields } = {}) {
    const form = {
      grant_type: "authorization_code",
      code,
      code_verifier: verifier,
      redirect_uri: redirectUri,
      ...fields,
    };
    return this.token(as, form, { auth, headers });
  }

  /** Uses a refresh token: an answer. */
  refresh(client, refreshToken, { auth, headers, ...fields } = {}) {
    const form = { grant_type: "refresh_token", refresh_token: refreshToken, ...fields };
    return this.token(client, form, { auth, headers });
  }

  /** Gives a token back (RFC 7009): an answer. */
  revoke(client, token, { auth, headers, ...fields } = {}) {
    return this.#asClient(this.metadata.revocation_endpoint, client, { token, ...fields }, { auth, headers });
  }

  /** Asks about a token (RFC 7662): an answer. */
  introspect(client, token, { auth, headers, ...fields } = {}) {
    const url = this.metadata.introspection_endpoint;
    if (!url) throw new NotOffered("introspection");
    return this.#asClient(url, client, { token, ...fields }, { auth, headers });
  }

  #asClient(url, client, fields, { auth = client.token_endpoint_auth_method ?? "none", headers }) {
    const proof = credentials(client, auth);
    return this.form(url, { ...proof.fields, ...fields }, { headers: { ...proof.headers, ...headers } });
  }

  /**
   * The whole flow: `{ client, tokens, authorized, answer }`. Options as for `authorize`; `exchange` has those of the
   * function of that name.
   */
  async signIn({ exchange, ...asked } = {}) {
    const authorized = await this.authorized(asked);
    const answer = await this.exchange(authorized, exchange);
    assert.equal(answer.status, 200, `${answer}`);
    return { client: authorized.client, tokens: answer.json, authorized, answer };
  }

  /**
   * Whether a token is taken at a resource, without doing anything there: `{ status, challenge, headers, text,
   * answer }` with the status 200 if it is, else that of the answer.
   */
  async knock(token, path = "/mcp", { headers } = {}) {
    const authorization = token === undefined ? null : `Bearer ${token}`;
    // For ours: what is wrong with a message is said only to those who are let in.
    const endpoint = this.name === "ours" && path === "/sse" ? "/sse/message" : path;
    const answer = await post(this.server, "{}", { path: endpoint, headers: { authorization, ...headers } });
    const { status, headers: head } = answer;
    const refused = status === 401 || status === 403 || status >= 500 || (status === 400 && head["www-authenticate"]);
    const challenge = head["www-authenticate"];
    return { status: refused ? status : 200, challenge, headers: head, text: answer.text, answer };
  }

  /** Whether a token is taken. */
  async takes(token, path) {
    const { status, answer } = await this.knock(token, path);
    assert.ok(status === 200 || status === 401, `${answer}`);
    return status === 200;
  }

  /** The caller of `/mcp` with a token: what `knock` gives, and `user`, `client`, `scopes`, `resource` if it is let in. */
  async me(token, path = "/mcp") {
    const knocked = await this.knock(token, path);
    if (knocked.status !== 200) return knocked;
    if (this.name === "reference") return { ...knocked, ...knocked.answer.json };
    assert.equal(path, "/mcp", "ours says who calls at /mcp alone");
    const session = await open(this.server, { headers: { authorization: `Bearer ${token}` } });
    const { structuredContent } = await session.call("whoami_user");
    const { id: user, ...rest } = structuredContent;
    return { ...knocked, ...rest, user };
  }

  stop() {
    return this.server.stop();
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }
}

/** Authentication of a client: `{ headers, fields }` for `none`, `client_secret_basic`, `client_secret_post`. */
export function credentials({ client_id, client_secret }, method) {
  switch (method) {
    case "none":
      return { headers: {}, fields: { client_id } };
    case "client_secret_post":
      return { headers: {}, fields: { client_id, client_secret } };
    case "client_secret_basic":
      return { headers: { authorization: basic(client_id, client_secret) }, fields: {} };
    default:
      throw new Error(`no such method: ${method}`);
  }
}

/** The header of RFC 6749 section 2.3.1. */
export function basic(id, secret) {
  const text = [id, secret].map((part) => encode({ part }).slice("part=".length)).join(":");
  return `Basic ${Buffer.from(text).toString("base64")}`;
}

/** The text of a form or query: a list is a repeated name, `null` and `undefined` none. */
export function encode(fields) {
  const pairs = Object.entries(fields).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return `${new URLSearchParams(pairs.filter(([, value]) => value !== null && value !== undefined))}`;
}

export const newVerifier = () => randomBytes(32).toString("base64url");
export const challengeOf = (verifier) => createHash("sha256").update(verifier).digest("base64url");

/** `count` requests at once; `make` gets the number of each. */
export const parallel = (count, make) => Promise.all(Array.from({ length: count }, (_, number) => make(number)));

/** Asserts an error of an endpoint that clients call themselves (RFC 6749 section 5.2): JSON, not stored, explained. */
export function refused(answer, error, status = 400) {
  assert.equal(answer.status, status, `${answer}`);
  assert.match(answer.headers["content-type"] ?? "", /^application\/json/, `${answer}`);
  assert.equal(answer.json.error, error, `${answer}`);
}

/** Asserts tokens, and gives them. */
export function granted(answer) {
  assert.equal(answer.status, 200, `${answer}`);
  assert.ok(answer.json.access_token, `${answer}`);
  return answer.json;
}
