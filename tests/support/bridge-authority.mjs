// An authorization server for the local bridge that does what a test says, and an MCP server that accepts its tokens.
import { createHash, randomUUID } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { bridgeServer } from "./bridge-server.mjs";
import { visit } from "./callback.mjs";
import { removeFolder, temporaryFolder } from "./child.mjs";
import { WAIT_MS, until } from "./wait.mjs";

/**
 * Starts an authorization server. `metadata` has members of its document that replace or (`undefined`) remove the usual ones. `on`
 * has functions by path that answer in place of the usual: they get the request with `query`, `form` and `json`, and return
 * `[status, body, headers]` or nothing. Tokens live for `expiresIn` seconds. `iss` is what `/authorize` answers as `iss`.
 */
export async function bridgeAuthority(options) {
  const authority = new Authority(options);
  await authority.start();
  return authority;
}

class Authority {
  /** Every request: `{ method, path, query, form, json, headers }`. */
  requests = [];
  clients = new Map();
  codes = new Map();
  access = new Map();
  refresh = new Map();
  #server;

  constructor({ metadata = {}, on = {}, expiresIn = 3600, scopes, iss, path = "" } = {}) {
    Object.assign(this, { more: metadata, on, expiresIn, scopes, iss, path });
  }

  get origin() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  get issuer() {
    return `${this.origin}${this.path}`;
  }

  get metadata() {
    const at = (name) => `${this.issuer}/${name}`;
    return {
      issuer: this.issuer,
      authorization_endpoint: at("authorize"),
      token_endpoint: at("token"),
      registration_endpoint: at("register"),
      device_authorization_endpoint: at("device"),
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["none"],
      ...this.more,
    };
  }

  async start() {
    this.#server = createServer((request, response) => this.#handle(request, response).catch(() => request.destroy()));
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    // A test that forgets it still ends.
    this.#server.unref();
  }

  stop() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }

  /** Requests to a path so far. */
  asked(path) {
    return this.requests.filter((request) => request.path === `${this.path}${path}`);
  }

  /** Requests to the token endpoint with a grant type. */
  grants(type) {
    return this.asked("/token").filter(({ form }) => form.grant_type === type);
  }

  /** The `count`th request to a path, past or future. */
  received(path, { count = 1 } = {}) {
    return until(() => this.asked(path)[count - 1], () => `request ${count} of ${path}`, { ms: WAIT_MS, every: 10 });
  }

  /** Makes every access token worthless. */
  spoil() {
    this.access.clear();
  }

  async #handle(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const url = new URL(request.url, this.origin);
    const type = request.headers["content-type"] ?? "";
    const parsed = {
      method: request.method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      form: type.includes("form") ? Object.fromEntries(new URLSearchParams(text)) : {},
      json: type.includes("json") ? JSON.parse(text) : undefined,
      headers: request.headers,
      response,
    };
    this.requests.push(parsed);
    const route = parsed.path.slice(this.path.length);
    const answer = (await this.on[route]?.(parsed)) ?? this.#usual(parsed, route);
    if (response.destroyed || response.writableEnded) return;
    const [status, body, headers = {}] = answer;
    const isObject = typeof body === "object";
    response.writeHead(status, { "content-type": isObject ? "application/json" : "text/html", connection: "close", ...headers });
    response.end(isObject ? JSON.stringify(body) : body);
  }

  #usual(request, route) {
    const isMetadata = request.path === `/.well-known/oauth-authorization-server${this.path}`;
    if (isMetadata) return [200, this.metadata];
    if (route === "/register") return this.#register(request.json);
    if (route === "/authorize") return this.#authorize(request.query);
    if (route === "/token") return this.#token(request);
    return [404, "nothing here"];
  }

  #register(asked) {
    const id = `client-${randomUUID()}`;
    const client = { ...asked, client_id: id };
    if (asked.token_endpoint_auth_method !== "none") client.client_secret = `secret-${randomUUID()}`;
    this.clients.set(id, client);
    return [201, client];
  }

  #authorize(query) {
    const client = this.clients.get(query.client_id);
    if (!client) return [400, "<p>This client is not known.</p>"];
    if (client.redirect_uris && !client.redirect_uris.includes(query.redirect_uri)) return [400, "<p>The redirect URI is not known.</p>"];
    const code = `code-${randomUUID()}`;
    this.codes.set(code, query);
    const back = new URL(query.redirect_uri);
    const iss = this.iss?.(this);
    back.search = new URLSearchParams({ code, state: query.state, ...(iss !== undefined && { iss }) });
    return [302, "", { location: back.href }];
  }

  #token({ form, headers }) {
    const [id, secret] = credentials(form, headers);
    const client = this.clients.get(id);
    if (!client || client.client_secret !== secret) return [401, { error: "invalid_client" }];
    if (form.grant_type === "client_credentials") return [200, this.issue(form.scope, { refresh: false })];
    if (form.grant_type === "refresh_token") {
      const scope = this.refresh.get(form.refresh_token);
      if (!this.refresh.delete(form.refresh_token)) return [400, { error: "invalid_grant" }];
      return [200, this.issue(scope)];
    }
    const asked = this.codes.get(form.code);
    this.codes.delete(form.code);
    const challenge = createHash("sha256").update(form.code_verifier ?? "").digest("base64url");
    if (!asked || asked.code_challenge !== challenge || asked.redirect_uri !== form.redirect_uri) return [400, { error: "invalid_grant" }];
    return [200, this.issue(asked.scope)];
  }

  /** A token response with new tokens. */
  issue(scope, { refresh = true } = {}) {
    const tokens = { access_token: `access-${randomUUID()}`, token_type: "Bearer", expires_in: this.expiresIn, ...(scope && { scope }) };
    this.access.set(tokens.access_token, scope);
    if (refresh) {
      tokens.refresh_token = `refresh-${randomUUID()}`;
      this.refresh.set(tokens.refresh_token, scope);
    }
    return tokens;
  }
}

function credentials(form, headers) {
  const [scheme, value] = (headers.authorization ?? "").split(" ");
  if (scheme !== "Basic") return [form.client_id, form.client_secret];
  return `${Buffer.from(value, "base64")}`.split(":").map((part) => decodeURIComponent(part.replaceAll("+", " ")));
}

/**
 * An MCP server whose tokens `authority` gives. `resource` replaces members of its metadata, `challenge` gives those of a 401;
 * `scopes` has by tool the scope that it needs, `refuses` tells of requests whose good token is refused. The rest are options
 * of `bridgeServer`.
 */
export async function guardedServer(authority, { resource = {}, challenge = {}, scopes = {}, refuses = () => false, ...options } = {}) {
  const server = await bridgeServer({
    ...options,
    http: (exchange) => {
      const { url, headers, message } = exchange;
      if (url === "/.well-known/oauth-protected-resource/mcp") {
        exchange.status(200, JSON.stringify({ resource: server.url, authorization_servers: [server.authority.issuer], ...resource }));
        return true;
      }
      if (url.startsWith("/.well-known/")) {
        exchange.status(404);
        return true;
      }
      const token = headers.authorization?.replace("Bearer ", "");
      if (!server.authority.access.has(token) || refuses(exchange)) {
        const parameters = { resource_metadata: `${server.origin}/.well-known/oauth-protected-resource/mcp`, ...challenge };
        exchange.status(401, "", { "www-authenticate": bearer(parameters) });
        return true;
      }
      const needed = scopes[message?.params?.name];
      if (needed && !(server.authority.access.get(token) ?? "").split(" ").includes(needed)) {
        exchange.status(403, "", { "www-authenticate": bearer({ error: "insufficient_scope", scope: needed }) });
        return true;
      }
      return false;
    },
  });
  server.authority = authority;
  return server;
}

const bearer = (parameters) => `Bearer ${Object.entries(parameters).map(([name, value]) => `${name}="${value}"`).join(", ")}`;

const LINK = /^https?:\/\/\S+$/;

/** The links that a bridge has shown on stderr. */
export const linksOf = (bridge) => bridge.child.lines.filter(({ stream, text }) => stream === "stderr" && LINK.test(text)).map(({ text }) => text);

/** The next link to sign in at, `count` of them at least. */
export function linkOf(bridge, { count = 1 } = {}) {
  return until(() => linksOf(bridge)[count - 1], () => `a link; stderr:\n${bridge.stderr}`, { ms: WAIT_MS, every: 10 });
}

/** Signs in at the link that a bridge shows, as a browser does. */
export async function signIn(bridge, options) {
  const link = await linkOf(bridge, options);
  await visit(link);
  return link;
}

/** A folder for the files of bridges: `path`, and `files()` in the store below it. */
export function storeFolder() {
  const path = temporaryFolder("durable-mcp-remote");
  const files = () => readdirSync(join(path, "mcp-remote-v1"));
  return { path, files, [Symbol.dispose]: () => removeFolder(path) };
}

/** An authority, a server that accepts its tokens, and a store; all end together: `{ authority, server, config }`. */
export async function guardedStore({ authority: ofAuthority, server: ofServer } = {}) {
  await using stack = new AsyncDisposableStack();
  const config = stack.use(storeFolder());
  const authority = stack.use(await bridgeAuthority(ofAuthority));
  const server = stack.use(await guardedServer(authority, ofServer));
  const all = stack.move();
  return { authority, server, config, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** The stored object whose file's name ends so; `change` replaces it. */
export function storedJson(config, ending, change) {
  const folder = join(config, "mcp-remote-v1");
  const name = readdirSync(folder).find((file) => file.endsWith(ending));
  if (!name) return undefined;
  const object = JSON.parse(readFileSync(join(folder, name), "utf8"));
  if (change) writeFileSync(join(folder, name), JSON.stringify(change(object)));
  return object;
}
