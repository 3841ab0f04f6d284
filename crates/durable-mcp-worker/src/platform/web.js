// Whether a fetch of a host in the Worker's own zone goes through the zone's front door, past Access and firewall rules.
export function isStrictlyPublic() {
  return globalThis.Cloudflare?.compatibilityFlags?.global_fetch_strictly_public === true;
}

// A whole fetch in one crossing: the status, two headers, and as much of the body as shows whether it is too long.
export async function get(url, limit, timeout) {
  const signal = AbortSignal.timeout(timeout);
  const response = await fetch(url, { headers: { accept: "application/json" }, redirect: "manual", signal });
  const body = new Uint8Array(limit + 1);
  let length = 0;
  for await (const chunk of response.body ?? []) {
    const part = chunk.subarray(0, body.length - length);
    body.set(part, length);
    length += part.length;
    if (length === body.length) break;
  }
  const { status, headers } = response;
  return [status, headers.get("content-type"), headers.get("cache-control"), body.subarray(0, length)];
}
