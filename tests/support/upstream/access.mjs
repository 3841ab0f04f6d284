// Stands in for Cloudflare Access: a team's keys, and the assertions that it adds to requests which it lets through
// (developers.cloudflare.com/cloudflare-one: "Validate JWTs", "Application token").
import { randomBytes } from "node:crypto";
import { newKey, signed } from "./id-token.mjs";
import { StandIn, json } from "./stand-in.mjs";

export const CERTS = "/cdn-cgi/access/certs";
export const TEAM = "acme.cloudflareaccess.com";

export const ANN = { sub: "7335d417-61da-459d-899c-0a01c76a2f94", email: "Ann@example.com", country: "US" };

/** Starts it, with an application in front of a Worker's `/callback`. */
export const access = () => new Access().start();

class Access extends StandIn {
  audience = randomBytes(32).toString("hex");
  #keys = [newKey("today"), newKey("before")];

  get vars() {
    return { IDENTITY_PROVIDER: "access", ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUD: this.audience };
  }

  /** The key that it signs with. */
  get key() {
    return this.#keys[0];
  }

  /** The key that it signed with before, which it shows for some days more. */
  get previous() {
    return this.#keys[1];
  }

  /** From now on it signs with a new key, and shows the last one as well. */
  rotate(kid) {
    this.#keys = [newKey(kid), this.key];
  }

  /** Claims of an assertion about Ann. */
  claims(changes) {
    const now = Math.floor(Date.now() / 1000);
    return {
      aud: [this.audience],
      iss: `https://${TEAM}`,
      iat: now,
      nbf: now,
      exp: now + 3600,
      type: "app",
      identity_nonce: "6ei69kawdKzMIAPF",
      ...ANN,
      ...changes,
    };
  }

  /** An assertion as Access adds it; `changes` are what it says otherwise. */
  assertion(changes, key = this.key) {
    return signed(this.claims(changes), key);
  }

  answer({ method, path, headers }) {
    if (method !== "GET" || path !== CERTS || headers.host !== TEAM) return undefined;
    const shown = this.#keys.map(({ kid, kty, alg, use, e, n }) => ({ kid, kty, alg, use, e, n }));
    // The certificates beside the keys are the same ones once more.
    return json({ keys: shown, public_cert: { kid: this.key.kid, cert: "" }, public_certs: [] });
  }
}
