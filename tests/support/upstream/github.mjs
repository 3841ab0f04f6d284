// GitHub's stand-in under observation, also for Workers that ask github.com itself.
import { GitHub, api } from "../../../crates/durable-mcp-build/npm/stand-in/github.mjs";
import { observed } from "./stand-in.mjs";

export { AUTHORIZE, HUBOT, OCTOCAT, TOKEN, api } from "../../../crates/durable-mcp-build/npm/stand-in/github.mjs";

/** Starts it, with somebody signed in to it: see `GitHub` for its options. */
export const gitHub = (options) => new Observed(options).start();

class Observed extends observed(GitHub) {
  pathOf({ pathname }, host) {
    return host === "api.github.com" ? api(pathname) : pathname;
  }

  has(url) {
    return super.has(url) || new URL(url).host === "github.com";
  }
}
