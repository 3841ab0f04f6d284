// Files that an app gives to be saved.
import { decoded } from "../address.ts";
import { fromBase64 } from "../base64.ts";
import { saveFile } from "../page/save.ts";

export interface AppFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

const MAX_NAME_CHARS = 100;

/** The embedded resource of a content block as a file; nothing if it is none. */
export function fileOf(block: unknown): AppFile | undefined {
  const { type, resource } = (block ?? {}) as { type?: unknown; resource?: { uri?: unknown; text?: unknown; blob?: unknown } };
  if (type !== "resource" || typeof resource !== "object" || resource === null) return undefined;
  const { uri, text, blob } = resource;
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : typeof blob === "string" ? fromBase64(blob) : undefined;
  return bytes && { name: cleanName(String(uri ?? "")), bytes };
}

/** The last part of a URI as the name of a file: without what leads elsewhere, is not seen, or turns the direction. */
export function cleanName(uri: string): string {
  const last = uri.split(/[?#]/)[0]?.split(/[/\\:]/).at(-1) ?? "";
  const name = decoded(last).replace(/[^\p{L}\p{N} ._()-]/gu, "_").replace(/^[. ]+|[. ]+$/g, "");
  return name.slice(-MAX_NAME_CHARS) || "file";
}

export const save = ({ name, bytes }: AppFile): void => saveFile(new Blob([bytes], { type: "application/octet-stream" }), name);
