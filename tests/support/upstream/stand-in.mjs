// Stand-ins for identity providers as tests have them: they remember what they were asked, and fail when told to.
import { StandIn as Plain, json, reply } from "../../../crates/durable-mcp-build/npm/stand-in/server.mjs";

export { json, page, redirect } from "../../../crates/durable-mcp-build/npm/stand-in/server.mjs";

/** A stand-in under observation. A Worker that is to reach it has `outbound: provider.outbound`. */
export const observed = (Base) =>
  class extends Base {
    /** `{ method, path, query, headers, form }` of every request, in order. */
    requests = [];
    #faults = new Map();

    get outbound() {
      return `127.0.0.1:${new URL(this.url).port}`;
    }

    /** Address at which a URL of the provider is reached. */
    reach(url) {
      const { pathname, search } = new URL(url);
      return new URL(pathname + search, this.url);
    }

    /** The callback of a Worker is registered there. Most take any. */
    knows() {}

    /** Whether a URL is one of the provider's. */
    has(url) {
      return new URL(url).origin === this.url;
    }

    /** It is asked for servers of every name. */
    leadsTo() {
      return true;
    }

    /** The person who presses the buttons of its page. */
    get signedIn() {
      return this.people[0];
    }

    set signedIn(user) {
      this.people = [user];
    }

    /** Everything it gave out that nobody but this server may know. */
    get secrets() {
      if (!SECRETS.has(this)) SECRETS.set(this, []);
      return SECRETS.get(this);
    }

    secret(prefix) {
      const text = super.secret(prefix);
      this.secrets.push(text);
      return text;
    }

    /**
     * From now on a path fails: with a status, or `slow`ly, so that no answer ever comes, or `cut`, so that the connection
     * ends; or it gives what a function of the request gives in place of the answer.
     */
    fail(path, how) {
      this.#faults.set(path, how);
    }

    /** Everything works again. */
    heal() {
      this.#faults.clear();
    }

    /** The requests for a path. */
    asked(path) {
      return this.requests.filter((request) => request.path === path);
    }

    /** Number of uses of refresh tokens. */
    get renewals() {
      return this.requests.filter(({ form }) => form.grant_type === "refresh_token").length;
    }

    async receive(asked, io) {
      this.requests.push(asked);
      const fault = this.#faults.get(asked.path);
      if (fault === "cut") return io.request.socket.destroy();
      // Until the other side hangs up.
      if (fault === "slow") return undefined;
      if (typeof fault === "number") return reply(io.response, json({ message: "Server Error" }, fault));
      if (fault) return reply(io.response, await fault(asked));
      return super.receive(asked, io);
    }
  };

// The first secret is made before a stand-in has fields of its own.
const SECRETS = new WeakMap();

export const StandIn = observed(Plain);
