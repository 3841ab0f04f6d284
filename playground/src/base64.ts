// Base64 (RFC 4648, section 4), as JSON and headers carry bytes.

/** The bytes of a text in base64; none where it is not. */
export function fromBase64(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The text in UTF-8 that stands in base64; none where it is not. */
export function textFromBase64(base64: string): string | undefined {
  const bytes = fromBase64(base64);
  return bytes && new TextDecoder().decode(bytes);
}
