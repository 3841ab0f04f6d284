// Behaviours 47 to 55: refresh tokens (RFC 6749 section 6, RFC 9700 section 4.14).
import assert from "node:assert/strict";
import { granted, parallel, refused } from "../support/oauth.mjs";
import { sleep } from "../support/wait.mjs";
import { clientNamed, mine, other } from "./clients.mjs";

/** So often what must never happen is given the chance to. */
export const ROUNDS = 50;

/** Seconds for which a refresh token may be presented again, where a behaviour waits for their end. */
const GRACE = 1;

const signedIn = async (target, asked = {}) => {
  const { client, tokens } = await target.signIn({ client: await mine(target), ...asked });
  return { client, ...tokens };
};

/** Nothing of a family of tokens is good any more. */
async function isDead(target, client, { access = [], refresh = [] }) {
  for (const token of new Set(access)) assert.equal(await target.takes(token), false, "an access token lives");
  for (const token of new Set(refresh)) refused(await target.refresh(client, token), "invalid_grant");
}

export const behaviours = [
  {
    number: 47,
    name: "a refresh gives a new pair that nobody may store",
    async run(target) {
      const first = await signedIn(target, { scope: "read write" });
      const answer = await target.refresh(first.client, first.refresh_token);
      const second = granted(answer);
      assert.match(answer.headers["cache-control"], /no-store/);
      assert.match(second.token_type, /^bearer$/i);
      assert.ok(second.expires_in > 0);
      assert.equal(second.scope, "read write");
      assert.notEqual(second.refresh_token, first.refresh_token);
      assert.notEqual(second.access_token, first.access_token);
      assert.ok(await target.takes(second.access_token));
    },
  },
  {
    number: 48,
    name: "a refresh that is repeated at once gets the same successor",
    async run(target) {
      const { client, refresh_token: token } = await signedIn(target);
      const first = granted(await target.refresh(client, token));
      const again = granted(await target.refresh(client, token));
      assert.equal(again.refresh_token, first.refresh_token);
      assert.equal(again.access_token, first.access_token);
      granted(await target.refresh(client, again.refresh_token));
    },
  },
  {
    number: 49,
    name: "of ten refreshes at once every answer leads on",
    async run(target, rounds = ROUNDS) {
      for (let round = 0; round < rounds; round++) {
        const { client, refresh_token: token } = await signedIn(target);
        const answers = await parallel(10, () => target.refresh(client, token));
        const pairs = answers.map(granted);
        const next = await parallel(10, (number) => target.refresh(client, pairs[number].refresh_token));
        const tokens = [...pairs, ...next.map(granted)].map((pair) => pair.access_token);
        for (const access of new Set(tokens)) assert.ok(await target.takes(access), `round ${round}`);
      }
    },
  },
  {
    number: 50,
    name: "once its successor was used, a refresh token is refused",
    async run(target) {
      const { client, refresh_token: token } = await signedIn(target);
      const second = granted(await target.refresh(client, token));
      granted(await target.refresh(client, second.refresh_token));
      refused(await target.refresh(client, token), "invalid_grant");
    },
  },
  {
    number: 51,
    name: "an old refresh token that turns up after the grace ends all that came of it",
    setup: { grace: GRACE },
    async run(target, rounds = ROUNDS) {
      const families = [];
      for (let round = 0; round < rounds; round++) {
        const first = await signedIn(target);
        families.push({ first, second: granted(await target.refresh(first.client, first.refresh_token)) });
      }
      await sleep(GRACE * 1000 + 100);
      for (const { first, second } of families) {
        const { client } = first;
        // The owner goes on at the very moment at which the thief comes: what that gives must be dead as well.
        const [late, ...raced] = await Promise.all([
          target.refresh(client, first.refresh_token),
          target.refresh(client, second.refresh_token),
          target.refresh(client, second.refresh_token),
        ]);
        refused(late, "invalid_grant");
        const pairs = [first, second, ...raced.filter(({ status }) => status === 200).map(({ json }) => json)];
        await isDead(target, client, {
          access: pairs.map((pair) => pair.access_token),
          refresh: pairs.map((pair) => pair.refresh_token),
        });
      }
    },
  },
  {
    number: 52,
    name: "a thief who replays the previous token does not keep what the owner has lost",
    async run(target, rounds = ROUNDS) {
      for (let round = 0; round < rounds; round++) {
        const { client, refresh_token: stolen } = await signedIn(target);
        const owners = granted(await target.refresh(client, stolen));
        const [next, ...replays] = await Promise.all([
          target.refresh(client, owners.refresh_token),
          ...Array.from({ length: 4 }, () => target.refresh(client, stolen)),
        ]);
        const loot = replays.filter(({ status }) => status === 200).map(({ json }) => json);
        // The owner goes on twice, unless that is over.
        const going = next.status === 200 ? await target.refresh(client, next.json.refresh_token) : next;
        for (const { refresh_token: token } of loot) {
          const kept = await target.refresh(client, token);
          assert.notEqual(kept.status, 200, `the thief goes on beside the owner: ${kept}`);
        }
        const owner = going.status === 200 ? await target.refresh(client, going.json.refresh_token) : going;
        if (owner.status === 200) continue;
        refused(owner, "invalid_grant");
        await isDead(target, client, { access: loot.map((pair) => pair.access_token) });
      }
    },
  },
  {
    number: 53,
    name: "another client's refresh token is refused, and still good for its own",
    async run(target) {
      const { client, refresh_token: token } = await signedIn(target);
      refused(await target.refresh(await other(target), token), "invalid_grant");
      granted(await target.refresh(client, token));
    },
  },
  {
    number: 54,
    name: "a refresh for a resource that was not granted is refused and uses nothing up",
    async run(target) {
      const { client, refresh_token: token } = await signedIn(target, { resource: target.mcp });
      for (const resource of ["https://elsewhere.example/", `${target.url}/mcp#part`, target.sse, "mcp"]) {
        refused(await target.refresh(client, token, { resource }), "invalid_target");
      }
      const next = granted(await target.refresh(client, token, { resource: target.mcp }));
      granted(await target.refresh(client, next.refresh_token));
    },
  },
  {
    number: 55,
    name: "a client that registered for no refresh tokens cannot refresh",
    async run(target) {
      const { refresh_token: token } = await signedIn(target);
      const without = await clientNamed(target, "Codes only", { grant_types: ["authorization_code"] });
      refused(await target.refresh(without, token), "unauthorized_client");
    },
  },
];
