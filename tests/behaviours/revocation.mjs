// Behaviours 56 to 60: tokens given back (RFC 7009).
import assert from "node:assert/strict";
import { granted, refused } from "../support/oauth.mjs";
import { confidential, mine, other } from "./clients.mjs";

/** A client gave back what it gave back, or what it never had: it cannot tell (RFC 7009 section 2.2). */
const taken = (answer) => assert.equal(answer.status, 200, `${answer}`);

const signedIn = async (target, client = mine(target)) => {
  const { tokens } = await target.signIn({ client: await client });
  return { client: await client, access: tokens.access_token, refresh: tokens.refresh_token };
};

export const behaviours = [
  {
    number: 56,
    name: "a revoked access token opens nothing, and the grant goes on",
    async run(target) {
      const { client, access, refresh } = await signedIn(target);
      taken(await target.revoke(client, access));
      assert.equal(await target.takes(access), false);
      const next = granted(await target.refresh(client, refresh));
      assert.ok(await target.takes(next.access_token));
    },
  },
  {
    number: 57,
    name: "with a revoked refresh token the whole grant ends at once",
    async run(target) {
      const { client, access, refresh } = await signedIn(target);
      const next = granted(await target.refresh(client, refresh));
      taken(await target.revoke(client, next.refresh_token));
      for (const token of [access, next.access_token]) assert.equal(await target.takes(token), false);
      for (const token of [refresh, next.refresh_token]) refused(await target.refresh(client, token), "invalid_grant");
    },
  },
  {
    number: 58,
    name: "the hint does not matter, and an unknown token is as good as revoked",
    async run(target) {
      const { client, access, refresh } = await signedIn(target);
      taken(await target.revoke(client, access, { token_type_hint: "refresh_token" }));
      assert.equal(await target.takes(access), false);
      taken(await target.revoke(client, refresh, { token_type_hint: "access_token" }));
      refused(await target.refresh(client, refresh), "invalid_grant");
      for (const hint of ["access_token", "refresh_token", "something_else"]) {
        taken(await target.revoke(client, "no-such-token", { token_type_hint: hint }));
        taken(await target.revoke(client, refresh, { token_type_hint: hint }));
      }
    },
  },
  {
    number: 59,
    name: "a client cannot revoke another's tokens, nor learn that they exist",
    async run(target) {
      const { client, access, refresh } = await signedIn(target);
      const stranger = await other(target);
      const answers = [access, refresh, "no-such-token"].map((token) => target.revoke(stranger, token));
      const said = (await Promise.all(answers)).map((answer) => [answer.status, answer.text]);
      assert.deepEqual(said, Array(3).fill([200, said[0][1]]));
      assert.ok(await target.takes(access));
      granted(await target.refresh(client, refresh));
    },
  },
  {
    number: 60,
    name: "a client that does not prove itself as it registered revokes nothing",
    async run(target) {
      const { client, access, refresh } = await signedIn(target, confidential(target));
      const wrong = { ...client, client_secret: "not-the-secret" };
      for (const [as, auth] of [
        [client, "none"],
        [client, "client_secret_post"],
        [wrong, "client_secret_basic"],
      ]) {
        refused(await target.revoke(as, refresh, { auth }), "invalid_client", 401);
      }
      assert.ok(await target.takes(access));
      granted(await target.refresh(client, refresh));
    },
  },
];
