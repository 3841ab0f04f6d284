// One server's sign-in, as the SDK wants to have it. All of it is kept as one text: for the tab, or on the device.
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
  /** Names the sign-in. */
  id?: string;
  /** Whether the last attempt adds scopes to a sign-in. */
  isStepUp?: boolean;
  /** Kept on the device, once there are tokens. */
  isOnDevice?: boolean;
}

/** Storage of the text. */
export interface AccountStorage {
  /** With an issuer, on the device. */
  store(text: string | null, issuer: string | undefined): Promise<void>;
  /** The text that is on the device by now, also by other tabs. */
  stored(): Promise<string | undefined>;
}

/** Tokens are renewed so long before they expire. */
const EARLY_MS = 60_000;

export class Account implements OAuthClientProvider {
  #kept: Kept;
  #storage: AccountStorage;
  /** The address that the person is to be sent to. */
  destination: URL | undefined;
  clientMetadataUrl?: string;

  constructor(text: string | undefined, storage: AccountStorage) {
    this.#kept = read(text);
    this.#storage = storage;
  }

  /** Takes what another tab has stored since. */
  async reload(): Promise<void> {
    if (!this.isOnDevice) return;
    const kept = await this.#onDevice();
    if (kept) this.#kept = kept;
  }

  /** Takes a sign-in that another tab has stored, where this one has none. */
  async adopt(): Promise<void> {
    if (this.#kept.tokens) return;
    const kept = await this.#onDevice();
    if (kept?.tokens) this.#kept = kept;
  }

  // The account kept on the device; undefined if this tab changed its own meanwhile, as by signing out, which is newer.
  async #onDevice(): Promise<Kept | undefined> {
    const before = this.#kept;
    const kept = read(await this.#storage.stored());
    return this.#kept === before ? kept : undefined;
  }

  get isOnDevice(): boolean {
    return this.#kept.isOnDevice === true;
  }

  get id(): string {
    return this.#kept.id ?? "";
  }

  /** Gives the sign-in another name, unless its tokens are for more than those before: somebody else may have signed in. */
  rename(): void {
    if (!this.#kept.isStepUp || !this.#kept.tokens) this.#kept.id = crypto.randomUUID();
  }

  get issuer(): string | undefined {
    const { discovery } = this.#kept;
    return discovery && (discovery.authorizationServerMetadata?.issuer ?? discovery.authorizationServerUrl);
  }

  /** Prepares to send the person away. */
  async begin(callback: string, document: string | undefined, isOnDevice: boolean, isStepUp: boolean): Promise<void> {
    await this.#save({ callback, isOnDevice, isStepUp });
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
    void this.#save({ state });
    return state;
  }

  /** Takes the state of an answer: right, and only once. */
  takeState(state: string | null): boolean {
    const isRight = state !== null && state === this.#kept.state;
    if (isRight) {
      delete this.#kept.state;
      void this.#save({});
    }
    return isRight;
  }

  get expectedState(): string {
    return this.#kept.state ?? "";
  }

  clientInformation(context?: { issuer?: string }): StoredOAuthClientInformation | undefined {
    return this.#kept.clients?.[context?.issuer ?? ""];
  }

  saveClientInformation(client: StoredOAuthClientInformation, context?: { issuer?: string }): Promise<void> {
    return this.#save({ clients: { ...this.#kept.clients, [context?.issuer ?? ""]: client } });
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#kept.tokens;
  }

  saveTokens(tokens: StoredOAuthTokens): Promise<void> {
    const expires = tokens.expires_in === undefined ? {} : { expires: Date.now() + tokens.expires_in * 1000 };
    delete this.#kept.expires;
    // The proof is for one code.
    delete this.#kept.verifier;
    return this.#save({ tokens, ...expires });
  }

  get isDue(): boolean {
    const { expires, tokens } = this.#kept;
    return expires !== undefined && tokens?.refresh_token !== undefined && expires - Date.now() < EARLY_MS;
  }

  redirectToAuthorization(url: URL): void {
    this.destination = url;
  }

  saveCodeVerifier(verifier: string): Promise<void> {
    return this.#save({ verifier });
  }

  codeVerifier(): string {
    return this.#kept.verifier ?? "";
  }

  /** Takes what was found. Tokens of another issuer are not kept beside it. */
  saveDiscoveryState(discovery: OAuthDiscoveryState): Promise<void> {
    const before = this.issuer;
    this.#kept.discovery = discovery;
    if (before !== undefined && before !== this.issuer) {
      delete this.#kept.tokens;
      delete this.#kept.expires;
      delete this.#kept.verifier;
    }
    return this.#save({});
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#kept.discovery;
  }

  get metadata(): AuthorizationServerMetadata | undefined {
    return this.#kept.discovery?.authorizationServerMetadata;
  }

  invalidateCredentials(what: "all" | "client" | "tokens" | "verifier" | "discovery"): Promise<void> {
    if (what === "all") this.#kept = {};
    if (what === "client") delete this.#kept.clients;
    if (what === "tokens") {
      delete this.#kept.tokens;
      delete this.#kept.expires;
    }
    if (what === "verifier") delete this.#kept.verifier;
    if (what === "discovery") delete this.#kept.discovery;
    return this.#save({});
  }

  forget(): Promise<void> {
    this.#kept = {};
    return this.#storage.store(null, undefined);
  }

  #save(more: Kept): Promise<void> {
    this.#kept = { ...this.#kept, ...more };
    const isForDevice = this.#kept.isOnDevice === true && this.#kept.tokens !== undefined;
    return this.#storage.store(JSON.stringify(this.#kept), isForDevice ? this.issuer : undefined);
  }
}

function read(text: string | undefined): Kept {
  try {
    return (JSON.parse(text ?? "{}") ?? {}) as Kept;
  } catch {
    return {};
  }
}
