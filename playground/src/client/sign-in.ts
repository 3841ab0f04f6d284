// Signing in to a server: what it asks for, the address to go to, the exchange of the code, renewal, and the end.
import { InsufficientScopeError, UnauthorizedError, auth, computeScopeUnion, discoverOAuthServerInfo, extractWWWAuthenticateParams } from "@modelcontextprotocol/client";
import type { SignInOffer } from "../protocol.ts";
import { Account } from "./account.ts";
import type { Fetcher } from "./fetcher.ts";

/** An answer of an authorization server that is none to our question. */
export class SignInFailed extends Error {}

export class SignIn {
  #server: string;
  /** The scopes that the person typed. */
  #typed: string;
  #fetcher: Fetcher;
  #account: Account;
  #scope: string | undefined;

  constructor(server: string, typed: string, fetcher: Fetcher, account: Account) {
    this.#server = server;
    this.#typed = typed;
    this.#fetcher = fetcher;
    this.#account = account;
  }

  /** The token for the next request; one that is about to expire is renewed first, once for all tabs. */
  async token(): Promise<string | undefined> {
    if (this.#account.isDue) await navigator.locks.request(`sign-in ${this.#server}`, () => this.#renew());
    return this.#account.tokens()?.access_token;
  }

  async #renew(): Promise<void> {
    if (!this.#account.isDue) return;
    const result = await auth(this.#account, { serverUrl: this.#server, fetchFn: this.#fetcher.fetch });
    // A refresh token that is no longer taken: the person signs in again, when they want.
    if (result !== "AUTHORIZED") this.#account.invalidateCredentials("tokens");
  }

  /** Looks up who signs people in for the server, and which scopes it wants. Nothing is opened. */
  async offer(): Promise<SignInOffer> {
    const { resourceMetadataUrl, scope } = this.#challenged();
    const info = await discoverOAuthServerInfo(this.#server, { ...(resourceMetadataUrl ? { resourceMetadataUrl } : {}), fetchFn: this.#fetcher.fetch });
    const issuer = info.authorizationServerMetadata?.issuer ?? String(info.authorizationServerUrl);
    const named = this.#typed || info.resourceMetadata?.scopes_supported?.join(" ");
    const tokens = this.#account.tokens();
    // A challenge of a first sign-in names what is usual; one of a later call names what is missing.
    this.#scope = tokens ? computeScopeUnion(tokens.scope, scope) : this.#typed || scope || named;
    return { server: this.#server, issuer, scopes: (this.#scope ?? "").split(" ").filter(Boolean) };
  }

  /** Prepares the flow, and gives the address to send the person to. */
  async authorize(callback: string, document: string | undefined): Promise<{ url: string; state: string }> {
    this.#account.begin(callback, document);
    this.#account.destination = undefined;
    const { resourceMetadataUrl } = this.#challenged();
    await auth(this.#account, {
      serverUrl: this.#server,
      fetchFn: this.#fetcher.fetch,
      forceReauthorization: true,
      ...(resourceMetadataUrl ? { resourceMetadataUrl } : {}),
      ...(this.#scope ? { scope: this.#scope } : {}),
    });
    const url: URL | undefined = this.#account.destination;
    if (!url) throw new SignInFailed("There is no address to sign in at.");
    const { href, pathname } = checked(url);
    this.#fetcher.trace.step("authorize", `GET ${pathname}`, href);
    return { url: href, state: this.#account.expectedState };
  }

  /** Exchanges what came back for tokens. */
  async redeem(parameters: [string, string][]): Promise<void> {
    const answer = new URLSearchParams(parameters);
    this.#fetcher.trace.step("answer", `GET ${new URL(this.#account.redirectUrl).pathname}`, `${this.#account.redirectUrl}?${answer}`);
    if (!this.#account.takeState(answer.get("state"))) throw new SignInFailed("This answer is not to a question of this tab.");
    const [error, code, iss] = ["error", "code", "iss"].map((name) => answer.get(name));
    if (error) throw new SignInFailed([error, answer.get("error_description")].filter(Boolean).join(": "));
    if (!code) throw new SignInFailed("The answer has no code.");
    await auth(this.#account, { serverUrl: this.#server, authorizationCode: code, fetchFn: this.#fetcher.fetch, ...(iss ? { iss } : {}), ...(this.#scope ? { scope: this.#scope } : {}) });
    this.#fetcher.challenge = undefined;
  }

  /** Revokes the tokens where that can be done (RFC 7009), and forgets them. */
  async signOut(): Promise<void> {
    const tokens = this.#account.tokens();
    const metadata = this.#account.metadata;
    const client = this.#account.clientInformation(metadata?.issuer ? { issuer: metadata.issuer } : undefined);
    const endpoint = metadata && "revocation_endpoint" in metadata ? metadata.revocation_endpoint : undefined;
    this.#account.forget();
    const token = tokens?.refresh_token ?? tokens?.access_token;
    if (typeof endpoint !== "string" || !token || !client) return;
    const body = new URLSearchParams({ token, client_id: client.client_id });
    await this.#fetcher.fetch(endpoint, { method: "POST", body });
  }

  #challenged(): { resourceMetadataUrl?: URL; scope?: string } {
    const header = this.#fetcher.challenge?.header;
    return header ? extractWWWAuthenticateParams(new Response(null, { headers: { "www-authenticate": header } })) : {};
  }
}

// Addresses of a server's own making: one that runs script, or that others on the way can read, is not opened.
function checked(url: URL): URL {
  const isLoopback = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback)) return url;
  throw new SignInFailed(`The authorization server's address is no https address: ${url.protocol}`);
}

export const isSignInDemand = (error: unknown): boolean => error instanceof UnauthorizedError || error instanceof InsufficientScopeError;
