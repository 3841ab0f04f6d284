// Refresh tokens: behaviours 47 to 55, 61 for the upstream's, and what else ours does.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { confidential, mine } from "../../behaviours/clients.mjs";
import { behaviours } from "../../behaviours/refresh.mjs";
import { upstream } from "../../behaviours/upstream.mjs";
import { testOurs } from "../../support/oauth-behaviours.mjs";
import { granted, ours, parallel, refused } from "../../support/oauth.mjs";
import { sleep, until } from "../../support/wait.mjs";

testOurs([...behaviours, ...upstream]);

const target = await ours();
after(() => target.stop());

const signedIn = async (at, client = mine(at), asked = {}) => {
  const { tokens } = await at.signIn({ client: await client, ...asked });
  return { client: await client, ...tokens };
};

describe("the scopes of a refresh", () => {
  test("a refresh may narrow the scopes, and the next one may have all again", async () => {
    const { client, refresh_token: token } = await signedIn(target, undefined, { scope: "read write" });
    const fewer = granted(await target.refresh(client, token, { scope: "read" }));
    assert.equal(fewer.scope, "read");
    assert.deepEqual((await target.me(fewer.access_token)).scopes, ["read"]);
    const all = granted(await target.refresh(client, fewer.refresh_token));
    assert.equal(all.scope, "read write");
  });

  test("a refresh never widens the scopes, and a refused one keeps the token", async () => {
    const { client, refresh_token: token } = await signedIn(target, undefined, { scope: "read" });
    refused(await target.refresh(client, token, { scope: "admin" }), "invalid_scope");
    refused(await target.refresh(client, token, { scope: 'rea"d' }), "invalid_scope");
    const more = granted(await target.refresh(client, token, { scope: "read write admin" }));
    assert.equal(more.scope, "read");
  });
});

describe("an old refresh token", () => {
  test("an old refresh token of a confidential client is refused, and its grant continues", async () => {
    const { client, refresh_token: token } = await signedIn(target, confidential(target));
    const second = granted(await target.refresh(client, token));
    const third = granted(await target.refresh(client, second.refresh_token));
    refused(await target.refresh(client, token), "invalid_grant");
    assert.ok(await target.takes(third.access_token));
    granted(await target.refresh(client, third.refresh_token));
  });

  test("an old refresh token repeats its pair a limited number of times", async () => {
    await using few = await ours({ grace_uses: 3 });
    const { client, refresh_token: token } = await signedIn(few);
    const pair = granted(await few.refresh(client, token));
    for (let use = 0; use < 3; use++) {
      assert.equal(granted(await few.refresh(client, token)).refresh_token, pair.refresh_token);
    }
    refused(await few.refresh(client, token), "invalid_grant");
    assert.equal(await few.takes(pair.access_token), false);
  });

  test("a reused refresh token is logged without token and user", async () => {
    const { client, refresh_token: token } = await signedIn(target, undefined, { user: "mallory@example.com" });
    const second = granted(await target.refresh(client, token));
    granted(await target.refresh(client, second.refresh_token));
    const from = target.server.logs.length;
    refused(await target.refresh(client, token), "invalid_grant");
    const found = () => target.server.logs.slice(from).find(({ json }) => json?.event === "reused");
    const { json, text } = await until(found, "the event in the log");
    assert.deepEqual(Object.keys(json).toSorted(), ["client", "event", "grant", "handle"]);
    assert.equal(json.client, client.client_id);
    for (const secret of [token, second.refresh_token, "mallory"]) assert.ok(!text.includes(secret), text);
  });
});

describe("the lifetime of tokens", () => {
  test("an access token expires, and the refresh token gives the next", async () => {
    await using brief = await ours({ access: 1 });
    const { client, access_token: access, refresh_token: refresh, expires_in } = await signedIn(brief);
    assert.equal(expires_in, 1);
    // KV alone would keep it for a minute.
    await until(async () => !(await brief.takes(access)), "the token to end", { ms: 20_000 });
    assert.ok(granted(await brief.refresh(client, refresh)).access_token);
  });

  test("an unused refresh token expires and nothing of its grant is left", async () => {
    await using brief = await ours({ access: 1, refresh: 2 });
    const { client, access_token: access, refresh_token: refresh } = await signedIn(brief);
    await sleep(2100);
    refused(await brief.refresh(client, refresh), "invalid_grant");
    assert.equal(await brief.takes(access), false);
  });

  test("a used refresh token does not expire", async () => {
    await using brief = await ours({ refresh: 4 });
    const { client, refresh_token: refresh } = await signedIn(brief);
    let token = refresh;
    for (let use = 0; use < 3; use++) {
      await sleep(1500);
      token = granted(await brief.refresh(client, token)).refresh_token;
    }
  });
});

test("refreshes of many grants of one user run in parallel", async () => {
  const client = await mine(target);
  const grants = [];
  for (let grant = 0; grant < 10; grant++) grants.push((await signedIn(target)).refresh_token);
  const answers = await parallel(10, (number) => target.refresh(client, grants[number]));
  assert.equal(new Set(answers.map((answer) => granted(answer).refresh_token)).size, 10);
});

describe("the limits of a user's tokens", () => {
  test("the newest thirty-two access tokens of a grant are valid", async () => {
    const client = await mine(target);
    const { tokens } = await target.signIn({ client });
    const all = [tokens];
    while (all.length < 34) all.push(granted(await target.refresh(client, all.at(-1).refresh_token)));
    const good = await Promise.all(all.map(({ access_token: access }) => target.takes(access)));
    assert.deepEqual(good, [...Array(2).fill(false), ...Array(32).fill(true)]);
  });

  test("the grant unused longest ends when a user has more than two hundred", async () => {
    const client = await mine(target);
    const bystander = await target.signIn({ client, user: "somebody else" });
    const asked = { client, user: "a user of many programs" };
    const first = await target.signIn(asked);
    const second = await target.signIn(asked);
    const kept = granted(await target.refresh(client, first.tokens.refresh_token));
    for (let grant = 2; grant < 200; grant++) await target.signIn(asked);
    const from = target.server.logs.length;
    const last = await target.signIn(asked);
    refused(await target.refresh(client, second.tokens.refresh_token), "invalid_grant");
    for (const { access_token: access } of [kept, last.tokens, bystander.tokens]) assert.ok(await target.takes(access));
    await until(() => target.server.logs.slice(from).some(({ json }) => json?.event === "displaced"), "the event");
  });
});

test("codes, access tokens and other texts are refused as refresh tokens", async () => {
  const { client, access_token: access } = await signedIn(target);
  const { code } = await target.authorized({ client });
  for (const token of [access, code, "x", `${access}x`, access.replace(/.$/, ""), "a:b:c", ":::"]) {
    refused(await target.refresh(client, token), "invalid_grant");
  }
  refused(await target.refresh(client, null), "invalid_request");
  assert.ok(await target.takes(access));
});
