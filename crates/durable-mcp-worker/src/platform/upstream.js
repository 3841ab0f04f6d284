// A whole exchange in one crossing: the status, the headers that are looked at, and as much of the body as shows whether
// it is too long.
export async function send(method, url, headers, body, limit, timeout) {
  const signal = AbortSignal.timeout(timeout);
  const response = await fetch(url, { method, headers, body, redirect: "manual", signal });
  const bytes = new Uint8Array(limit + 1);
  let length = 0;
  for await (const chunk of response.body ?? []) {
    const part = chunk.subarray(0, bytes.length - length);
    bytes.set(part, length);
    length += part.length;
    if (length === bytes.length) break;
  }
  return [response.status, [...response.headers].flat(), bytes.subarray(0, length)];
}

const algorithms = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
};

// A key that is none for the algorithm signs nothing. Only what it consists of is imported: a provider may say of its key
// what a runtime refuses, such as another use.
export async function verify(algorithm, jwk, signed, signature) {
  const { kty, n, e, crv, x, y } = JSON.parse(jwk);
  let key;
  try {
    key = await crypto.subtle.importKey("jwk", { kty, n, e, crv, x, y }, algorithms[algorithm], false, ["verify"]);
  } catch {
    return false;
  }
  return crypto.subtle.verify(algorithms[algorithm], key, signature, signed);
}
