// A client that sends people to sign in.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { post } from "./mcp.mjs";

/** Variables of a Worker whose sign-in takes anybody under any name. */
export const DEMO = { IDENTITY_PROVIDER: "demo", DEMO_LOGIN: "true" };

/** Registers a client: `redirect` is where it wants its answers. */
export async function client(server, { redirect = "https://client.example/callback", ...metadata } = {}) {
  const response = await fetch(`${server.url}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_name: "Client of the tests",
      redirect_uris: [redirect].flat(),
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      ...metadata,
    }),
  });
  const registered = await response.json();
  assert.equal(response.status, 201, JSON.stringify(registered));
  return new Client(server, registered);
}

class Client {
  verifier = randomBytes(32).toString("base64url");

  constructor(server, registered) {
    this.server = server;
    this.id = registered.client_id;
    this.redirect = registered.redirect_uris[0];
  }

  /** Link to sign in at; `null` leaves a parameter out. */
  link(more = {}) {
    const parameters = {
      response_type: "code",
      client_id: this.id,
      redirect_uri: this.redirect,
      state: "of the client",
      code_challenge: createHash("sha256").update(this.verifier).digest("base64url"),
      code_challenge_method: "S256",
      ...more,
    };
    const pairs = Object.entries(parameters).filter(([, value]) => value !== null);
    return `${this.server.url}/authorize?${new URLSearchParams(pairs)}`;
  }

  /** The tokens for a code; `undefined` if it is refused. */
  async redeem(code) {
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      client_id: this.id,
      code,
      code_verifier: this.verifier,
    });
    const response = await fetch(`${this.server.url}/token`, { method: "POST", body });
    return response.ok ? response.json() : undefined;
  }

  /** Uses a refresh token: `{ status, headers, body }`. */
  async refresh(token) {
    const body = new URLSearchParams({ grant_type: "refresh_token", client_id: this.id, refresh_token: token });
    const response = await fetch(`${this.server.url}/token`, { method: "POST", body });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }
}

/** Whether a token is taken at `/mcp`. */
export async function takes(server, token) {
  const { status } = await post(server, "{}", { headers: { authorization: `Bearer ${token}` } });
  return status !== 401;
}

/** Listens on loopback for the answers that a client gets. */
export async function landing() {
  const answers = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://localhost");
    if (url.pathname === "/callback") answers.push(url.searchParams);
    response.writeHead(200, { "content-type": "text/html", connection: "close" });
    response.end("<!doctype html><title>Landed</title><h1>You can close this window.</h1>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  const url = `http://127.0.0.1:${server.address().port}/callback`;
  return { url, answers, stop, [Symbol.asyncDispose]: stop };
}
