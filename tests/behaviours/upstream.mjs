// Behaviour 61 of those in front of MCP: what a provider has from an identity provider is renewed once for all who ask
// at the same time. Not one of those that both providers are compared by: their hooks differ.
import assert from "node:assert/strict";
import { granted, parallel, refused } from "../support/oauth.mjs";
import { mine } from "./clients.mjs";
import { ROUNDS } from "./refresh.mjs";

// How often the application's hook had run when a token was made.
async function runs(target, token) {
  const caller = await target.me(token);
  assert.equal(caller.status, 200, caller.text);
  return caller.exchanges ?? caller.props.exchanges;
}

export const upstream = [
  {
    number: 61,
    name: "twenty refreshes at once run the exchange hook once",
    setup: { hook: "count" },
    async run(target, rounds = ROUNDS) {
      const client = await mine(target);
      for (let round = 0; round < rounds; round++) {
        const { tokens } = await target.signIn({ client });
        const before = await runs(target, tokens.access_token);
        const answers = await parallel(20, () => target.refresh(client, tokens.refresh_token));
        const access = new Set(answers.map((answer) => granted(answer).access_token));
        for (const token of access) assert.equal(await runs(target, token), before + 1, `round ${round}`);
        const next = granted(await target.refresh(client, answers[0].json.refresh_token));
        assert.equal(await runs(target, next.access_token), before + 2, `round ${round}`);
      }
    },
  },
  {
    number: 61,
    name: "an identity provider that will not go on ends the grant",
    setup: { hook: "ended" },
    async run(target) {
      const client = await mine(target);
      const { tokens } = await target.signIn({ client });
      refused(await target.refresh(client, tokens.refresh_token), "invalid_grant");
      refused(await target.refresh(client, tokens.refresh_token), "invalid_grant");
      assert.equal(await target.takes(tokens.access_token), false);
    },
  },
  {
    number: 61,
    name: "an identity provider that is away for a moment costs nobody their tokens",
    setup: { hook: "transient" },
    async run(target) {
      const client = await mine(target);
      const { tokens } = await target.signIn({ client });
      for (let attempt = 0; attempt < 3; attempt++) {
        const answer = await target.refresh(client, tokens.refresh_token);
        refused(answer, "temporarily_unavailable", 503);
        assert.match(answer.headers["retry-after"], /^[1-9]\d*$/);
      }
      assert.ok(await target.takes(tokens.access_token));
    },
  },
];
