// A server as it is connected to.

export type Transport = "auto" | "streamable" | "sse";

/** The version to speak: "auto" asks the server first. */
export type Version = "auto" | "2026-07-28" | "2025-11-25" | "2025-06-18" | "2025-03-26" | "2024-11-05";

/** Versions with `initialize`, the newest first. */
export const LEGACY: Version[] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

export const VERSIONS: Version[] = ["auto", "2026-07-28", ...LEGACY];

/** A server, and how it is spoken to. */
export interface Target {
  url: string;
  transport: Transport;
  version: Version;
  /** A token that the person typed; without one, sign-in happens when the server asks for it. */
  token: string;
  /** Scopes to ask for, in place of those that the server names. */
  scope: string;
  headers: [name: string, value: string][];
  /** Capabilities that are declared. */
  offers: Offers;
  /** Folders that are told to the server. */
  roots: Root[];
  /** Seconds that a request may take. */
  seconds: number;
  /** Whether each progress counts them anew. */
  isExtended: boolean;
  /** The relay, where the person said yes to it. It is not stored. */
  relay?: RelayUse | undefined;
}

/** The relay of this deployment, for one server. */
export interface RelayUse {
  /** The origin of the server that the person said yes to. */
  of: string;
  /** The relay's address. */
  url: string;
  /** The resource that its token is for; none where nobody signs in. */
  resource?: string;
}

/** Whether requests to a server go through the relay: the yes was for this one. */
export const isRelayed = ({ url, relay }: Target): boolean => relay !== undefined && URL.parse(url)?.origin === relay.of;

export const OFFERS = ["elicitationForm", "elicitationUrl", "sampling", "roots", "tasks", "apps"] as const;

export type Offers = Record<(typeof OFFERS)[number], boolean>;

export const ALL_OFFERS: Offers = { elicitationForm: true, elicitationUrl: true, sampling: true, roots: true, tasks: true, apps: true };

/** The longest time limit of a call: a day. */
export const MAX_SECONDS = 86_400;

/** A server as nothing but its address is known. */
export const targetOf = (url: string): Target => ({ url, transport: "auto", version: "auto", token: "", scope: "", headers: [], offers: ALL_OFFERS, roots: [], seconds: 60, isExtended: true });

export interface Root {
  uri: string;
  name: string;
}
