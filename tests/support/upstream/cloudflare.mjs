// Cloudflare's stand-in under observation, also for Workers that ask Cloudflare itself.
import { Cloudflare } from "../../../crates/durable-mcp-build/npm/stand-in/cloudflare.mjs";
import { observed } from "./stand-in.mjs";

export { ANN, AUTHORIZE, BOB, TOKEN, api } from "../../../crates/durable-mcp-build/npm/stand-in/cloudflare.mjs";

const HOSTS = ["dash.cloudflare.com", "api.cloudflare.com"];

/** Starts it, with somebody signed in to it: see `Cloudflare` for its options. */
export const cloudflare = (options) => new Observed(options).start();

class Observed extends observed(Cloudflare) {
  has(url) {
    return super.has(url) || HOSTS.includes(new URL(url).host);
  }
}
