// The exchange of codes: behaviours 26 to 40, and what else ours does with a code.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { behaviours } from "../../behaviours/code.mjs";
import { testOurs } from "../../support/oauth-behaviours.mjs";
import { granted, newVerifier, ours, refused } from "../../support/oauth.mjs";
import { sleep } from "../../support/wait.mjs";

testOurs(behaviours);

const target = await ours();
after(() => target.stop());

describe("authorization codes", () => {
  test("a code survives four wrong verifiers and not a fifth", async () => {
    for (const [tries, status] of [
      [4, 200],
      [5, 400],
    ]) {
      const authorized = await target.authorized();
      for (let number = 0; number < tries; number++) {
        refused(await target.exchange(authorized, { code_verifier: newVerifier() }), "invalid_grant");
      }
      assert.equal((await target.exchange(authorized)).status, status, `after ${tries}`);
    }
  });

  test("a code may be redeemed with another loopback port and no other path", async () => {
    const client = await target.register({ redirect_uris: ["http://127.0.0.1:1234/callback"] });
    const authorized = await target.authorized({ client, redirect_uri: "http://127.0.0.1:2345/callback" });
    const at = (redirect_uri) => target.exchange(authorized, { redirect_uri });
    refused(await at("http://127.0.0.1:2345/other"), "invalid_grant");
    refused(await at("http://localhost:2345/callback"), "invalid_grant");
    granted(await at("http://127.0.0.1:3456/callback"));
  });

  test("a code with PKCE may be redeemed without its redirect URI (OAuth 2.1)", async () => {
    granted(await target.exchange(await target.authorized(), { redirect_uri: null }));
  });

  test("a code expires", async () => {
    await using own = await ours({ code: 1 });
    const authorized = await own.authorized();
    await sleep(1100);
    refused(await own.exchange(authorized), "invalid_grant");
  });

  test("a code is no token, and a token is no code", async () => {
    const { client, tokens } = await target.signIn();
    const authorized = await target.authorized({ client });
    assert.equal(await target.takes(authorized.code), false);
    assert.equal(await target.takes(tokens.refresh_token), false);
    refused(await target.refresh(client, authorized.code), "invalid_grant");
    refused(await target.refresh(client, tokens.access_token), "invalid_grant");
    refused(await target.exchange({ ...authorized, code: tokens.refresh_token }), "invalid_grant");
    refused(await target.exchange({ ...authorized, code: tokens.access_token }), "invalid_grant");
    granted(await target.exchange(authorized));
    granted(await target.refresh(client, tokens.refresh_token));
  });

  test("a reused code of one user does not affect grants of another", async () => {
    const client = await target.register();
    const bob = await target.signIn({ client, user: "bob" });
    const again = await target.signIn({ client, user: "bob" });
    const ann = await target.signIn({ client, user: "ann" });
    refused(await target.exchange(ann.authorized), "invalid_grant");
    assert.equal(await target.takes(ann.tokens.access_token), false);
    for (const { tokens } of [bob, again]) assert.ok(await target.takes(tokens.access_token));
  });

  /** Answers to one client's exchanges at one time: all have the same tokens, or nothing that was given works. */
  async function isOneRedemption(of, client, answers, what) {
    const given = answers.filter(({ status }) => status === 200).map(({ json }) => json);
    for (const tokens of given) assert.deepEqual(tokens, given[0], what);
    // One that was received after the first answer ends the grant.
    const works = given.length === answers.length;
    for (const { access_token: token } of given.slice(0, 1)) assert.equal(await of.takes(token), works, what);
    for (const { refresh_token: token } of given.slice(0, 1)) {
      const next = await of.refresh(client, token);
      if (works) granted(next);
      else refused(next, "invalid_grant");
    }
  }

  test("parallel redemptions of a code share working tokens or get none", async () => {
    for (let round = 0; round < 10; round++) {
      const authorized = await target.authorized();
      const answers = await target.together(10, () => target.exchange(authorized));
      await isOneRedemption(target, authorized.client, answers, `round ${round}`);
    }
  });

  test("a code is redeemed once in two isolates at the same time", async () => {
    await using own = await ours({}, { secondSocket: true });
    const client = await own.register();
    const urls = [own.url, own.server.second.url];
    for (let round = 0; round < 20; round++) {
      const { code, verifier: code_verifier } = await own.authorized({ client });
      const form = { grant_type: "authorization_code", client_id: client.client_id, code, code_verifier };
      const answers = await own.together(10, (number) => own.form(`${urls[number % 2]}/token`, form));
      await isOneRedemption(own, client, answers, `round ${round}`);
    }
  });

  test("a made-up code wakes no user's object", async () => {
    await using own = await ours({}, { trace: true });
    const authorized = await own.authorized();
    const made = [...authorized.code];
    made[made.length - 1] = made.at(-1) === "A" ? "B" : "A";
    const forged = { ...authorized, code: made.join("") };
    const { objectRequests, result } = await own.server.cost(() => own.exchange(forged));
    refused(result, "invalid_grant");
    assert.equal(objectRequests, 0);
  });
});
