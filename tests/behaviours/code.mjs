// A code becomes tokens, once: RFC 6749 section 4.1.3, RFC 7636 section 4.6, OAuth 2.1.
import assert from "node:assert/strict";
import { REDIRECT, granted, newVerifier, refused } from "../support/oauth.mjs";

const ROUNDS = 50;
const AT_ONCE = 10;
// More than any policy allows.
const WRONG_VERIFIERS = 10;

const SECOND = "https://client.example/second";

/** Rounds of parallel exchanges of one code: how many tokens were given, and how many of those live afterwards, for each. */
async function races(target) {
  const client = await target.register();
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const authorized = await target.authorized({ client, user: `racer-${round % 5}` });
    const answers = await target.together(AT_ONCE, () => target.exchange(authorized));
    for (const answer of answers) assert.ok([200, 400, 503].includes(answer.status), `${answer}`);
    const given = answers.filter(({ status }) => status === 200).map(({ json }) => json);
    const access = [...new Set(given.map(({ access_token: token }) => token))];
    const refresh = new Set(given.map(({ refresh_token: token }) => token));
    const lives = await Promise.all(access.map((token) => target.takes(token)));
    rounds.push({ granted: Math.max(access.length, refresh.size), alive: lives.filter(Boolean).length });
  }
  return rounds;
}

function never(rounds, broken, what) {
  const count = rounds.filter(broken).length;
  assert.equal(count, 0, `${what} in ${count} of ${rounds.length} rounds: ${JSON.stringify(rounds.find(broken))}`);
}

async function isKnownAs(target, user) {
  const { tokens, client } = await target.signIn({ user });
  assert.match(tokens.access_token, /^[\x21-\x7e]{1,500}$/);
  assert.equal((await target.me(tokens.access_token)).user, user);
  granted(await target.refresh(client, tokens.refresh_token));
}

// Two behaviours look at the same rounds.
const measured = new WeakMap();
const roundsOf = (target) => {
  if (!measured.has(target)) measured.set(target, races(target));
  return measured.get(target);
};

export const behaviours = [
  {
    number: 26,
    name: "code and verifier give tokens that nobody stores, with type, scope and resource",
    async run(target) {
      const asked = { user: "ann", scope: "read write", resource: target.mcp };
      const { answer, tokens, client } = await target.signIn(asked);
      assert.match(answer.headers["cache-control"], /no-store/);
      assert.match(answer.headers["content-type"], /^application\/json/);
      assert.equal(tokens.token_type.toLowerCase(), "bearer");
      assert.deepEqual(tokens.scope.split(" ").sort(), ["read", "write"]);
      assert.equal(tokens.resource, target.mcp);
      assert.ok(tokens.expires_in > 0 && tokens.refresh_token);
      const me = await target.me(tokens.access_token);
      assert.deepEqual([me.user, me.client, [...me.scopes].sort()], ["ann", client.client_id, ["read", "write"]]);
    },
  },
  {
    number: 27,
    name: "a wrong verifier is refused and the code is still good once",
    async run(target) {
      const authorized = await target.authorized();
      refused(await target.exchange(authorized, { code_verifier: newVerifier() }), "invalid_grant");
      granted(await target.exchange(authorized));
      refused(await target.exchange(authorized), "invalid_grant");
    },
  },
  {
    number: 28,
    name: `${WRONG_VERIFIERS} wrong verifiers burn the code`,
    note: "A second line: a verifier has 256 random bits, which nobody guesses however often they may try.",
    async run(target) {
      const authorized = await target.authorized();
      for (let tries = 0; tries < WRONG_VERIFIERS; tries++) {
        refused(await target.exchange(authorized, { code_verifier: newVerifier() }), "invalid_grant");
      }
      refused(await target.exchange(authorized), "invalid_grant");
    },
  },
  {
    number: 28,
    name: `so do ${WRONG_VERIFIERS} at the same moment`,
    async run(target) {
      const authorized = await target.authorized();
      const attempt = () => target.exchange(authorized, { code_verifier: newVerifier() });
      const wrong = await target.together(WRONG_VERIFIERS, attempt);
      for (const answer of wrong) refused(answer, "invalid_grant");
      refused(await target.exchange(authorized), "invalid_grant");
    },
  },
  {
    number: 29,
    name: "a verifier without a challenge is refused",
    async run(target) {
      const client = await target.registerConfidential();
      const authorized = await target.authorize({ client, verifier: null });
      // A server that demands PKCE of every client has no such code.
      if (!authorized.code) return;
      refused(await target.exchange(authorized, { code_verifier: newVerifier() }), "invalid_request");
      granted(await target.exchange(authorized, { code_verifier: null }));
    },
  },
  {
    number: 29,
    name: "a challenge without a verifier is refused",
    async run(target) {
      for (const client of [await target.register(), await target.registerConfidential()]) {
        const authorized = await target.authorized({ client });
        const answer = await target.exchange(authorized, { code_verifier: null });
        refused(answer, answer.json.error === "invalid_grant" ? "invalid_grant" : "invalid_request");
        granted(await target.exchange(authorized));
      }
    },
  },
  {
    number: 30,
    name: "a code that is used again ends what it gave",
    async run(target) {
      const { client, tokens, authorized } = await target.signIn();
      assert.ok(await target.takes(tokens.access_token));
      refused(await target.exchange(authorized), "invalid_grant");
      assert.equal(await target.takes(tokens.access_token), false);
      refused(await target.refresh(client, tokens.refresh_token), "invalid_grant");
    },
  },
  {
    number: 31,
    name: `${AT_ONCE} parallel exchanges of a code give at most one pair of tokens (${ROUNDS} rounds)`,
    note: "How often is a matter of timing: between 1 and 44 of 50 rounds in a dozen runs of the reference.",
    run: async (target) => never(await roundsOf(target), (round) => round.granted > 1, "more than one was given"),
  },
  {
    number: 31,
    name: `after ${AT_ONCE} parallel exchanges of a code at most one access token lives (${ROUNDS} rounds)`,
    run: async (target) => never(await roundsOf(target), (round) => round.alive > 1, "more than one lives"),
  },
  {
    number: 31,
    name: `a client that redeems its code twice at once gets the same tokens twice, which work (${ROUNDS} rounds)`,
    note: "An effect that runs twice, or a retry on the way, would sign the person out.",
    // The second one comes while the first is under way, however fast the machine is.
    setup: { hook: "slow" },
    async run(target) {
      const client = await target.register();
      for (let round = 0; round < ROUNDS; round++) {
        const authorized = await target.authorized({ client, user: `twice-${round % 5}` });
        const [one, other] = await target.together(2, () => target.exchange(authorized));
        assert.deepEqual(granted(other), granted(one), `round ${round}`);
        assert.ok(await target.takes(one.json.access_token), `round ${round}`);
        refused(await target.exchange(authorized), "invalid_grant");
        assert.equal(await target.takes(one.json.access_token), false, `a later one ends the grant, round ${round}`);
      }
    },
  },
  {
    number: 31,
    name: "nobody else learns anything while a code is redeemed",
    setup: { hook: "slow" },
    async run(target) {
      const [client, thief] = [await target.register(), await target.register()];
      for (let round = 0; round < 10; round++) {
        const authorized = await target.authorized({ client });
        const wrong = [{ code_verifier: newVerifier() }, { as: thief }, { redirect_uri: SECOND }];
        const [mine, ...others] = await target.together(1 + wrong.length, (number) =>
          target.exchange(authorized, wrong[number - 1] ?? {}),
        );
        for (const answer of others) assert.equal(answer.status, 400, `${answer}`);
        assert.ok(await target.takes(granted(mine).access_token));
      }
    },
  },
  {
    number: 32,
    name: "a code is redeemed with the redirect URI that it went to, not with another one of the client's",
    async run(target) {
      const client = await target.register({ redirect_uris: [REDIRECT, SECOND] });
      const authorized = await target.authorized({ client, redirect_uri: REDIRECT });
      refused(await target.exchange(authorized, { redirect_uri: SECOND }), "invalid_grant");
      granted(await target.exchange(authorized));
    },
  },
  {
    number: 32,
    name: "without PKCE a code is not redeemed without its redirect URI",
    async run(target) {
      const client = await target.registerConfidential();
      const authorized = await target.authorize({ client, verifier: null });
      if (!authorized.code) return;
      const answer = await target.exchange(authorized, { redirect_uri: null });
      refused(answer, answer.json.error === "invalid_request" ? "invalid_request" : "invalid_grant");
      granted(await target.exchange(authorized));
    },
  },
  {
    number: 32,
    name: "the port is compared on loopback, too",
    differs: "A program may have taken another port by then: the verifier, not the port, shows whose code it is.",
    async run(target) {
      const client = await target.register({ redirect_uris: ["http://127.0.0.1:1234/callback"] });
      const authorized = await target.authorized({ client, redirect_uri: "http://127.0.0.1:2345/callback" });
      const other = "http://127.0.0.1:3456/callback";
      refused(await target.exchange(authorized, { redirect_uri: other }), "invalid_grant");
    },
  },
  {
    number: 33,
    name: "a redirect URI that is not the client's is refused and the code is still good",
    async run(target) {
      const authorized = await target.authorized();
      refused(await target.exchange(authorized, { redirect_uri: "https://evil.example/callback" }), "invalid_grant");
      granted(await target.exchange(authorized));
    },
  },
  {
    number: 34,
    name: "a forged code that begins like a real one does nothing to its grant",
    async run(target) {
      const authorized = await target.authorized();
      const other = await target.register();
      const secret = authorized.code.split(":").at(-1);
      const forged = authorized.code.slice(0, -secret.length) + [...secret].reverse().join("");
      const forge = async () => {
        for (const as of [other, authorized.client]) {
          const answer = await target.exchange(authorized, { code: forged, as });
          // 503 says to try again, since the code may name a key that the server does not know yet.
          if (answer.status !== 503) refused(answer, "invalid_grant");
        }
      };
      await forge();
      const tokens = granted(await target.exchange(authorized));
      await forge();
      assert.ok(await target.takes(tokens.access_token));
      granted(await target.refresh(authorized.client, tokens.refresh_token));
    },
  },
  {
    number: 35,
    name: "a client cannot use the code of another, which still can",
    async run(target) {
      const authorized = await target.authorized();
      const other = await target.register();
      refused(await target.exchange(authorized, { as: other }), "invalid_grant");
      const tokens = granted(await target.exchange(authorized));
      // Nor end what came of it by using it again.
      refused(await target.exchange(authorized, { as: other }), "invalid_grant");
      assert.ok(await target.takes(tokens.access_token));
    },
  },
  {
    number: 35,
    name: "nor while that client uses it",
    async run(target) {
      const other = await target.register();
      const client = await target.register();
      for (let round = 0; round < 10; round++) {
        const authorized = await target.authorized({ client });
        const as = (number) => (number === round ? client : other);
        const answers = await target.together(AT_ONCE, (number) => target.exchange(authorized, { as: as(number) }));
        const [mine] = answers.splice(round, 1);
        for (const answer of answers) refused(answer, "invalid_grant");
        assert.ok(await target.takes(granted(mine).access_token));
      }
    },
  },
  {
    number: 36,
    name: "a resource that was not granted is refused and the code is still good",
    async run(target) {
      const authorized = await target.authorized({ resource: target.mcp });
      for (const resource of [target.sse, "https://other.example/mcp", [target.mcp, target.sse]]) {
        refused(await target.exchange(authorized, { resource }), "invalid_target");
      }
      granted(await target.exchange(authorized, { resource: target.mcp }));
    },
  },
  {
    number: 37,
    name: "fewer scopes than granted may be asked for, and more are never given",
    async run(target) {
      const fewer = await target.signIn({ scope: "read write", exchange: { scope: "read" } });
      assert.equal(fewer.tokens.scope, "read");
      assert.deepEqual((await target.me(fewer.tokens.access_token)).scopes, ["read"]);
      const more = await target.exchange(await target.authorized({ scope: "read" }), { scope: "read admin" });
      if (more.status !== 200) return refused(more, "invalid_scope");
      assert.equal(more.json.scope, "read");
      assert.deepEqual((await target.me(more.json.access_token)).scopes, ["read"]);
    },
  },
  {
    number: 38,
    name: "scopes of which none was granted are refused and the code is still good",
    async run(target) {
      const authorized = await target.authorized({ scope: "read" });
      refused(await target.exchange(authorized, { scope: "admin" }), "invalid_scope");
      granted(await target.exchange(authorized));
    },
  },
  {
    number: 39,
    name: "a client that did not register for refresh tokens gets none",
    note: "Deliberate in the reference: there, authorization_code implies refresh_token.",
    async run(target) {
      const client = await target.register({ grant_types: ["authorization_code"] });
      const { tokens } = await target.signIn({ client });
      assert.equal(tokens.refresh_token, undefined);
      assert.ok(await target.takes(tokens.access_token));
    },
  },
  {
    number: 40,
    name: "a user's id may have colons",
    note: "The reference wants ids with colons encoded by the application, and says so.",
    run: (target) => isKnownAs(target, "auth0|a:b:c"),
  },
  {
    number: 40,
    name: "a user's id may be any other text, and the token still fits into a header",
    async run(target) {
      for (const user of ["zoë@exämple.org", "李 小龙", "a".repeat(300)]) await isKnownAs(target, user);
    },
  },
];
