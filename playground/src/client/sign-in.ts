// Signing in to a server: what it asks for, the address to go to, the exchange of the code, renewal, and the end.
import { InsufficientScopeError, OAuthError, OAuthErrorCode, UnauthorizedError, auth, computeScopeUnion, extractWWWAuthenticateParams, fetchToken, refreshAuthorization } from "@modelcontextprotocol/client";
import { refusalOf } from "../address.ts";
import type { SignInOffer } from "../protocol.ts";
import { Account } from "./account.ts";
import type { Fetcher } from "./fetcher.ts";
import { SignInFailed } from "./problem.ts";

export class SignIn {
  #server: string;
  /** The scopes that the person typed. */
  #typed: string;
  #fetcher: Fetcher;
  #account: Account;
  #scope: string | undefined;
  /** A registration of earlier was sent to the authorization server, which has not answered. */
  #isUnanswered = false;

  constructor(server: string, typed: string, fetcher: Fetcher, account: Account) {
    this.#server = server;
    this.#typed = typed;
    this.#fetcher = fetcher;
    this.#account = account;
  }

  /** The token for the next request; one that is about to expire is renewed first, once for all tabs. */
  async token(): Promise<string | undefined> {
    if (this.#account.isDue) await this.renew();
    return this.#account.tokens()?.access_token;
  }

  get place(): "tab" | "device" | undefined {
    if (!this.#account.tokens()) return undefined;
    return this.#account.isOnDevice ? "device" : "tab";
  }

  /** Names the sign-in, where there is one. */
  get id(): string | undefined {
    return this.#account.tokens() && this.#account.id;
  }

  /** Renews the tokens, once for all tabs; whether there is another access token now. */
  async renew(): Promise<boolean> {
    const before = this.#account.tokens()?.access_token;
    await navigator.locks.request(`sign-in ${this.#server}`, async () => {
      await this.#account.reload();
      if (this.#account.tokens()?.access_token === before) await this.#refresh();
    });
    const now = this.#account.tokens()?.access_token;
    return now !== undefined && now !== before;
  }

  // A refresh token that is no longer taken is forgotten: the person signs in again, when they want.
  async #refresh(): Promise<void> {
    const { metadata, issuer } = this.#account;
    const discovery = this.#account.discoveryState();
    const refreshToken = this.#account.tokens()?.refresh_token;
    const client = issuer && this.#account.clientInformation({ issuer });
    if (!refreshToken || !client || !discovery) return;
    const resource = discovery.resourceMetadata?.resource;
    // Once the person has signed out, there is nothing to renew.
    const isOver = () => this.#account.tokens()?.refresh_token !== refreshToken;
    try {
      const tokens = await refreshAuthorization(discovery.authorizationServerUrl, {
        ...(metadata ? { metadata } : {}),
        ...(resource ? { resource } : {}),
        clientInformation: client,
        refreshToken,
        fetchFn: this.#fetcher.fetch,
      });
      if (!isOver()) await this.#account.saveTokens({ ...tokens, issuer });
    } catch (error) {
      if (isOver()) return;
      // A server that cannot be reached, or fails, may accept the refresh token later.
      if (!(error instanceof OAuthError) || error.code === OAuthErrorCode.ServerError || error.code === OAuthErrorCode.TemporarilyUnavailable) return;
      if (isClientUnknown(error)) await this.#account.invalidateCredentials("client");
      await this.#account.invalidateCredentials("tokens");
    }
  }

  /** Looks up who signs people in for the server, and which scopes it wants. Nothing is opened. */
  async offer(): Promise<SignInOffer> {
    this.#fetcher.begin();
    const { resourceMetadataUrl, scope } = this.#challenged();
    const { discover } = await import("./discovery.ts");
    const info = await discover(this.#server, resourceMetadataUrl, this.#fetcher);
    await this.#account.saveDiscoveryState({ ...info, authorizationServerUrl: String(info.authorizationServerUrl), ...(resourceMetadataUrl ? { resourceMetadataUrl: String(resourceMetadataUrl) } : {}) });
    const issuer = this.#account.issuer ?? "";
    const named = this.#typed || info.resourceMetadata?.scopes_supported?.join(" ");
    const tokens = this.#account.tokens();
    // A challenge of a first sign-in names what is usual; one of a later call names what is missing.
    this.#scope = tokens ? computeScopeUnion(tokens.scope, scope) : this.#typed || scope || named;
    const { host } = this.#checked(info.authorizationServerMetadata?.authorization_endpoint ?? info.authorizationServerUrl);
    return { server: this.#server, issuer, host, scopes: (this.#scope ?? "").split(" ").filter(Boolean), isOnDevice: this.#account.isOnDevice };
  }

  /** Prepares the flow, and gives the address to send the person to. */
  async authorize(callback: string, document: string | undefined, isOnDevice: boolean): Promise<{ url: string; state: string }> {
    // The window of an authorization server that forgot the registration says so to the person, and to nobody else.
    if (this.#isUnanswered) await this.#account.invalidateCredentials("client");
    const { issuer } = this.#account;
    this.#isUnanswered = issuer !== undefined && this.#account.clientInformation({ issuer }) !== undefined;
    await this.#account.begin(callback, document, isOnDevice, this.#fetcher.challenge?.status === 403);
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
    const { href, pathname } = this.#checked(url);
    await this.#fetcher.gate?.("authorize", "GET", href);
    this.#fetcher.trace.step("authorize", `GET ${pathname}`, href);
    return { url: href, state: this.#account.expectedState };
  }

  /** Exchanges what came back for tokens. */
  async redeem(parameters: [string, string][]): Promise<void> {
    const answer = new URLSearchParams(parameters);
    this.#fetcher.trace.step("answer", `GET ${new URL(this.#account.redirectUrl).pathname}`, `${this.#account.redirectUrl}?${answer}`);
    if (!this.#account.takeState(answer.get("state"))) throw new SignInFailed("This answer is not to a question of this tab.");
    this.#isUnanswered = false;
    const [error, code, iss] = ["error", "code", "iss"].map((name) => answer.get(name));
    this.#checkIssuer(iss ?? undefined);
    if (error) throw new SignInFailed([error, answer.get("error_description")].filter(Boolean).join(": "));
    if (!code) throw new SignInFailed("The answer has no code.");
    await this.#exchange(code, iss ?? undefined);
    this.#fetcher.challenge = undefined;
  }

  // RFC 9207: of an answer that another authorization server may have given, neither code nor error is used.
  #checkIssuer(iss: string | undefined): void {
    const { metadata } = this.#account;
    if (!metadata) return;
    const isPromised = metadata.authorization_response_iss_parameter_supported === true;
    const isRight = iss === undefined ? !isPromised : iss === metadata.issuer;
    const found = iss === undefined ? "has no iss" : isRight ? `is of ${metadata.issuer}, by its iss` : `is not of ${metadata.issuer}, by its iss`;
    const told = `The answer ${found}${iss === undefined ? `, which the authorization server ${isPromised ? "promises" : "does not promise"}` : ""} (RFC 9207).`;
    this.#fetcher.trace.check("answer", told, !isRight);
    if (!isRight) throw new SignInFailed(`${told} Nothing of it was used.`);
  }

  async #exchange(code: string, iss: string | undefined): Promise<void> {
    const { metadata, issuer } = this.#account;
    const discovery = this.#account.discoveryState();
    if (!discovery || issuer === undefined) throw new SignInFailed("This tab no longer knows the authorization server.");
    const resource = discovery.resourceMetadata?.resource;
    try {
      const tokens = await fetchToken(this.#account, discovery.authorizationServerUrl, {
        ...(metadata ? { metadata } : {}),
        ...(resource ? { resource } : {}),
        ...(iss === undefined ? {} : { iss }),
        authorizationCode: code,
        fetchFn: this.#fetcher.fetch,
      });
      this.#account.rename();
      await this.#account.saveTokens({ ...tokens, issuer });
    } catch (error) {
      if (!(error instanceof OAuthError) || !isClientUnknown(error)) throw error;
      await this.#account.invalidateCredentials("client");
      throw new SignInFailed("The authorization server no longer knows this page. Trying again registers it anew.");
    }
  }

  /** Revokes the tokens where that can be done (RFC 7009), and forgets them. */
  async signOut(): Promise<void> {
    const tokens = this.#account.tokens();
    const metadata = this.#account.metadata;
    const client = this.#account.clientInformation(metadata?.issuer ? { issuer: metadata.issuer } : undefined);
    const endpoint = metadata && "revocation_endpoint" in metadata ? metadata.revocation_endpoint : undefined;
    await this.#account.forget();
    const token = tokens?.refresh_token ?? tokens?.access_token;
    if (typeof endpoint !== "string" || !token || !client) return;
    const body = new URLSearchParams({ token, client_id: client.client_id });
    await this.#fetcher.fetch(endpoint, { method: "POST", body });
  }

  // Addresses of a server's own making: one that runs script, or that others on the way can read, is not opened.
  #checked(address: string | URL): URL {
    const refusal = refusalOf(String(address), this.#server);
    if (refusal) throw new SignInFailed(`The address to sign in at is not opened: ${address}`);
    return new URL(address);
  }

  #challenged(): { resourceMetadataUrl?: URL; scope?: string } {
    const header = this.#fetcher.challenge?.header;
    return header ? extractWWWAuthenticateParams(new Response(null, { headers: { "www-authenticate": header } })) : {};
  }
}

const isClientUnknown = ({ code }: OAuthError): boolean => code === OAuthErrorCode.InvalidClient || code === OAuthErrorCode.UnauthorizedClient;

export const isSignInDemand = (error: unknown): boolean => error instanceof UnauthorizedError || error instanceof InsufficientScopeError;
