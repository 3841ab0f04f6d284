// The resource of an app: its HTML, and what it asks for.
import { textFromBase64 } from "../base64.ts";
import { type Sources, sourcesOf } from "./sources.ts";
import type { Tool } from "../protocol.ts";

const PAGE_TYPE = /^text\/html\s*;\s*profile="?mcp-app"?$/i;

/** Permissions of a resource, and their names in a frame's `allow`. */
export const PERMISSIONS = { camera: "camera", microphone: "microphone", geolocation: "geolocation", clipboardWrite: "clipboard-write" } as const;

export type Permission = keyof typeof PERMISSIONS;

export interface AppResource {
  html: string;
  sources: Sources;
  permissions: Permission[];
  border: boolean;
}

interface UiMeta {
  csp?: unknown;
  permissions?: unknown;
  prefersBorder?: unknown;
}

const uiOf = (holder: unknown): Record<string, unknown> | undefined => {
  const meta = (holder as { _meta?: Record<string, unknown> } | undefined)?._meta;
  const ui = meta?.["ui"];
  return typeof ui === "object" && ui !== null ? (ui as Record<string, unknown>) : undefined;
};

/** The URI of the app that shows a tool's results. The flat name is of before the extension was final. */
export function appOf(tool: Tool): string | undefined {
  const uri = uiOf(tool)?.["resourceUri"] ?? tool._meta?.["ui/resourceUri"];
  return typeof uri === "string" && uri.startsWith("ui://") ? uri : undefined;
}

/** Whether an app of its server may call a tool. */
export function isForApps(tool: Tool): boolean {
  const visibility = uiOf(tool)?.["visibility"];
  return !Array.isArray(visibility) || visibility.includes("app");
}

/** The app in what was read; nothing if that is none. `listed` is the resource in the list, whose facts hold where the contents have none. */
export function resourceOf(read: unknown, listed: unknown): AppResource | undefined {
  const [contents] = ((read as { contents?: unknown } | null)?.contents ?? []) as { mimeType?: unknown; text?: unknown; blob?: unknown }[];
  if (!contents || typeof contents.mimeType !== "string" || !PAGE_TYPE.test(contents.mimeType.trim())) return undefined;
  const html = typeof contents.text === "string" ? contents.text : typeof contents.blob === "string" ? textFromBase64(contents.blob) : undefined;
  if (html === undefined) return undefined;
  const { csp, permissions, prefersBorder } = { ...uiOf(listed), ...uiOf(contents) } as UiMeta;
  const asked = typeof permissions === "object" && permissions !== null ? permissions : {};
  return {
    html,
    sources: sourcesOf(csp),
    permissions: (Object.keys(PERMISSIONS) as Permission[]).filter((name) => Object.hasOwn(asked, name)),
    border: prefersBorder !== false,
  };
}
