// Keys, and tokens that are signed with them as they should be, or as nobody should.
import { createHmac, generateKeyPairSync, sign } from "node:crypto";

/** A new private key as a JSON Web Key; `algorithm` is RS256 or ES256. */
export function newKey(kid, algorithm = "RS256") {
  const [kind, options] = algorithm === "RS256" ? ["rsa", { modulusLength: 2048 }] : ["ec", { namedCurve: "P-256" }];
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: "jwk" }), kid, alg: algorithm, use: "sig" };
}

/** The claims of a token. */
export const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

/** A token with these claims, signed with such a key. */
export function signed(claims, key) {
  const input = unsigned({ alg: key.alg, kid: key.kid, typ: "JWT" }, claims);
  const how = { key, format: "jwk", dsaEncoding: "ieee-p1363" };
  return `${input}.${sign("sha256", Buffer.from(input), how).toString("base64url")}`;
}

/** A token that nobody signed (RFC 7519 section 6). */
export const unsecured = (claims) => `${unsigned({ alg: "none" }, claims)}.`;

/** A token that whoever knows a text can make. */
export function hashed(claims, secret) {
  const input = unsigned({ alg: "HS256" }, claims);
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

/** The token with other claims under its old signature. */
export function tampered(token, claims) {
  const [header, , signature] = token.split(".");
  return [header, encoded(claims), signature].join(".");
}

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const unsigned = (header, claims) => `${encoded(header)}.${encoded(claims)}`;
