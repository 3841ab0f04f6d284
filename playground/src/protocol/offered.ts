// A server that is connected, and what it offers.

/** A connected server. */
export interface ServerInfo {
  icons?: unknown;
  name: string;
  title: string | undefined;
  version: string | undefined;
  instructions: string | undefined;
  capabilities: Record<string, unknown>;
  protocol: string;
  transport: "streamable" | "sse";
  era: "modern" | "legacy";
  /** Storage of the person's sign-in, if there is one. */
  signedIn: "tab" | "device" | undefined;
  /** Names that sign-in, as long as it lasts. */
  signInId: string | undefined;
}

/** A tool as its server describes it; of what is in it, nothing is sure. */
export interface Tool {
  name: string;
  title?: string;
  description?: string;
  inputSchema?: unknown;
  outputSchema?: unknown;
  annotations?: Record<string, unknown>;
  execution?: { taskSupport?: unknown };
  _meta?: Record<string, unknown>;
  icons?: unknown;
}

export interface Resource {
  uri: string;
  name?: string;
  title?: string;
  description?: string;
  mimeType?: string;
  icons?: unknown;
}

export interface Prompt {
  name: string;
  title?: string;
  description?: string;
  arguments?: { name: string; title?: string; description?: string; required?: boolean }[];
  icons?: unknown;
}

/** A family of resources, by a template of their URIs (RFC 6570). */
export interface ResourceTemplate {
  uriTemplate: string;
  name?: string;
  title?: string;
  description?: string;
  mimeType?: string;
  icons?: unknown;
}

export type ListName = "tools" | "resources" | "templates" | "prompts";

/** The rule of `x-mcp-header` that a schema breaks, and the property or the header's name that breaks it. */
export interface HeaderFault {
  rule: "place" | "name" | "type" | "twice";
  of: string;
}

/** A piece of a list of what a server offers. */
export interface ListPage {
  entries: unknown[];
  /** Tools that cannot be called in 2026-07-28. */
  faults: Record<string, HeaderFault>;
  /** Milliseconds for which the server vouches for it (`ttlMs`). */
  ttlMs?: number;
  /** Asks for the next piece, where there is one. */
  next?: number;
}

/** Whether a tool names an app, by the member of today or of drafts. */
export const hasApp = ({ _meta }: Tool): boolean => (_meta?.["ui"] as { resourceUri?: unknown } | undefined)?.resourceUri !== undefined || _meta?.["ui/resourceUri"] !== undefined;

/** Whether a tool may destroy something. A hint that is missing means what the specification says of it. */
export const mayDestroy = ({ annotations = {} }: Tool): boolean => annotations["readOnlyHint"] !== true && annotations["destructiveHint"] !== false;
