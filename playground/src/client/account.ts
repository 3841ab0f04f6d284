// One server's sign-in, as the SDK wants to have it. All of it is kept as one text, which the page holds for the tab.
import type {
  AuthorizationServerMetadata,
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from "@modelcontextprotocol/client";

interface Kept {
  callback?: string;
  clients?: Record<string, StoredOAuthClientInformation>;
  tokens?: StoredOAuthTokens;
  /** Milliseconds since 1970. */
  expires?: number;
  verifier?: string;
  discovery?: OAuthDiscoveryState;
  state?: string;
}

/** Tokens are renewed so long before they expire. */
const EARLY_MS = 60_000;

export class Account implements OAuthClientProvider {
  #kept: Kept;
  #keep: (text: string | null) => void;
  /** The address that the person is to be sent to. */
  destination: URL | undefined;
  clientMetadataUrl?: string;

  constructor(text: string | undefined, keep: (text: string | null) => void) {
    this.#kept = text ? (JSON.parse(text) as Kept) : {};
    this.#keep = keep;
  }

  /** Prepares to send the person away. */
  begin(callback: string, document: string | undefined): void {
    this.#save({ callback });
    if (document) this.clientMetadataUrl = document;
    else delete this.clientMetadataUrl;
  }

  get redirectUrl(): string {
    return this.#kept.callback ?? "about:blank";
  }

  get clientMetadata(): OAuthClientMetadata {
    const { hostname, host } = new URL(this.redirectUrl);
    const isLocal = hostname === "localhost" || hostname === "127.0.0.1" || hostname === "[::1]";
    return {
      client_name: `MCP playground (${host})`,
      client_uri: new URL("/playground", this.redirectUrl).href,
      redirect_uris: [this.redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      application_type: isLocal ? "native" : "web",
    };
  }

  state(): string {
    const state = crypto.randomUUID();
    this.#save({ state });
    return state;
  }

  /** Takes the state of an answer: right, and only once. */
  takeState(state: string | null): boolean {
    const isRight = state !== null && state === this.#kept.state;
    if (isRight) this.#forget("state");
    return isRight;
  }

  get expectedState(): string {
    return this.#kept.state ?? "";
  }

  clientInformation(context?: { issuer?: string }): StoredOAuthClientInformation | undefined {
    return this.#kept.clients?.[context?.issuer ?? ""];
  }

  saveClientInformation(client: StoredOAuthClientInformation, context?: { issuer?: string }): void {
    this.#save({ clients: { ...this.#kept.clients, [context?.issuer ?? ""]: client } });
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#kept.tokens;
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    const expires = tokens.expires_in === undefined ? {} : { expires: Date.now() + tokens.expires_in * 1000 };
    if (tokens.expires_in === undefined) this.#forget("expires");
    this.#save({ tokens, ...expires });
  }

  get isDue(): boolean {
    const { expires, tokens } = this.#kept;
    return expires !== undefined && tokens?.refresh_token !== undefined && expires - Date.now() < EARLY_MS;
  }

  redirectToAuthorization(url: URL): void {
    this.destination = url;
  }

  saveCodeVerifier(verifier: string): void {
    this.#save({ verifier });
  }

  codeVerifier(): string {
    return this.#kept.verifier ?? "";
  }

  saveDiscoveryState(discovery: OAuthDiscoveryState): void {
    this.#save({ discovery });
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#kept.discovery;
  }

  get metadata(): AuthorizationServerMetadata | undefined {
    return this.#kept.discovery?.authorizationServerMetadata;
  }

  invalidateCredentials(what: "all" | "client" | "tokens" | "verifier" | "discovery"): void {
    if (what === "all") this.#kept = {};
    if (what === "client") delete this.#kept.clients;
    if (what === "tokens") {
      delete this.#kept.tokens;
      delete this.#kept.expires;
    }
    if (what === "verifier") delete this.#kept.verifier;
    if (what === "discovery") delete this.#kept.discovery;
    this.#save({});
  }

  forget(): void {
    this.#kept = {};
    this.#keep(null);
  }

  #forget(what: keyof Kept): void {
    delete this.#kept[what];
    this.#save({});
  }

  #save(more: Kept): void {
    this.#kept = { ...this.#kept, ...more };
    this.#keep(JSON.stringify(this.#kept));
  }
}
