// A user with a browser, as the TypeScript SDKs want to have one: both generations' `OAuthClientProvider`.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

/** Keeps in memory what the SDK gives it, and follows every link to sign in at once. */
export class Account {
  /** The parameters that the last sign-in came back with. */
  answer;
  /** Number of times that the user was sent to sign in. */
  visits = 0;
  #callback;
  #grantTypes;
  #state;
  #saved = {};

  constructor(callback, { document, grantTypes = ["authorization_code", "refresh_token"] } = {}) {
    this.#callback = callback;
    this.#grantTypes = grantTypes;
    this.clientMetadataUrl = document;
  }

  get redirectUrl() {
    return this.#callback.url;
  }

  get clientMetadata() {
    return {
      client_name: "tests",
      redirect_uris: [this.redirectUrl],
      grant_types: this.#grantTypes,
      token_endpoint_auth_method: "none",
    };
  }

  state() {
    this.#state = randomUUID();
    return this.#state;
  }

  async redirectToAuthorization(link) {
    this.visits += 1;
    this.link = link;
    this.answer = await this.#callback.follow(link);
    // A client of 2025-03-26 sends none.
    assert.equal(this.answer.get("state"), this.#state ?? null, `${this.answer}`);
  }

  clientInformation() {
    return this.#saved.client;
  }

  saveClientInformation(client) {
    this.#saved.client = client;
  }

  tokens() {
    return this.#saved.tokens;
  }

  saveTokens(tokens) {
    this.#saved.tokens = tokens;
  }

  codeVerifier() {
    return this.#saved.verifier;
  }

  saveCodeVerifier(verifier) {
    this.#saved.verifier = verifier;
  }

  discoveryState() {
    return this.#saved.discovery;
  }

  saveDiscoveryState(discovery) {
    this.#saved.discovery = discovery;
  }

  invalidateCredentials(what) {
    if (what === "all") this.#saved = {};
    else delete this.#saved[what];
  }
}
