// The process is killed at points of a flow and started again on the same storage: what was given out is good, and what
// was not can be asked for again.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { granted, ours, refused } from "../../support/oauth.mjs";
import { sleep, until } from "../../support/wait.mjs";

const server = await ours({ exchange: true });
after(() => server.stop());

let client, confidential;
before(async () => {
  client = await server.register();
  confidential = await server.registerConfidential();
});

/** The tokens are good, and those after them. */
async function live({ access_token: access, refresh_token: refresh }, as = client) {
  assert.equal(await server.takes(access), true, "the access token");
  const next = granted(await server.refresh(as, refresh));
  assert.equal(await server.takes(next.access_token), true, "the access token of the refresh");
}

/** Nothing of the grant is left. */
async function gone({ access_token: access, refresh_token: refresh }) {
  refused(await server.refresh(client, refresh), "invalid_grant");
  assert.equal(await server.takes(access), false, "the access token");
}

/** Kills the server while a request is under way, after so long; gives its answer if it came. */
async function killDuring(request, ms) {
  const answer = request.catch(() => undefined);
  await sleep(ms);
  await server.server.restart();
  return answer;
}

describe("the state after a crash", () => {
  test("an unused code is redeemed once", async () => {
    for (const as of [client, confidential]) {
      const authorized = await server.authorized({ client: as });
      await server.server.restart();
      const tokens = granted(await server.exchange(authorized));
      await server.server.restart();
      await live(tokens, as);
      refused(await server.exchange(authorized), "invalid_grant");
    }
  });

  test("unused tokens and clients work", async () => {
    const newcomer = await server.register({ client_name: "Newcomer" });
    await server.server.restart();
    const { tokens } = await server.signIn({ client: newcomer, user: "newcomer" });
    await server.server.restart();
    assert.equal((await server.me(tokens.access_token)).user, "newcomer");
    await live(tokens, newcomer);
  });

  test("a refresh token that was used before the crash gives the same pair", async () => {
    const { tokens } = await server.signIn({ client });
    const next = granted(await server.refresh(client, tokens.refresh_token));
    await server.server.restart();
    const again = granted(await server.refresh(client, tokens.refresh_token));
    assert.deepEqual([again.access_token, again.refresh_token], [next.access_token, next.refresh_token]);
    await live(again);
  });

  test("revoked tokens and reused codes stay invalid", async () => {
    const { tokens } = await server.signIn({ client });
    assert.equal((await server.revoke(client, tokens.refresh_token)).status, 200);
    const { tokens: first } = await server.signIn({ client });
    const second = granted(await server.refresh(client, first.refresh_token));
    const third = granted(await server.refresh(client, second.refresh_token));
    refused(await server.refresh(client, first.refresh_token), "invalid_grant");
    await server.server.restart();
    for (const ended of [tokens, first, second, third]) await gone(ended);
  });
});

describe("a crash in the middle of requests", () => {
  const MOMENTS = [0, 1, 2, 3, 5, 8, 13];

  test("a crash during refreshes leaves every client able to continue with its last token", async () => {
    const loops = [];
    for (let number = 0; number < 4; number++) {
      const { tokens } = await server.signIn({ client, user: `looping ${number}` });
      loops.push({ last: tokens, count: 0 });
    }
    for (const ms of MOMENTS) {
      let crashed = false;
      const turning = loops.map(async (loop) => {
        while (!crashed) {
          const answer = await server.refresh(client, loop.last.refresh_token).catch(() => undefined);
          if (!answer) break;
          loop.last = granted(answer);
          loop.count += 1;
        }
      });
      const from = loops.map(({ count }) => count);
      await until(() => loops.every(({ count }, at) => count > from[at] + 1), "refreshes", { every: 1 });
      await sleep(ms);
      await server.server.kill();
      crashed = true;
      await Promise.all(turning);
      await server.server.restart();
      for (const loop of loops) {
        assert.equal(await server.takes(loop.last.access_token), true);
        // What was on its way when it crashed may have been done, or not: the token gives a pair either way.
        loop.last = granted(await server.refresh(client, loop.last.refresh_token));
        assert.equal(await server.takes(loop.last.access_token), true);
      }
    }
    assert.ok(loops.every(({ count }) => count >= 2 * MOMENTS.length));
  });

  test("a crash during an exchange leaves the code either valid or used", async () => {
    for (const ms of MOMENTS) {
      const authorized = await server.authorized({ client });
      const answer = await killDuring(server.exchange(authorized), ms);
      if (answer) {
        await live(granted(answer));
        continue;
      }
      const again = await server.exchange(authorized);
      // It may have been redeemed for an answer that was lost: then the client has to start anew.
      if (again.status === 200) await live(again.json);
      else refused(again, "invalid_grant");
    }
  });

  test("a crash during a revocation leaves the grant whole or ended, and a repetition ends it", async () => {
    for (const ms of MOMENTS) {
      const { tokens } = await server.signIn({ client });
      const next = granted(await server.refresh(client, tokens.refresh_token));
      await killDuring(server.revoke(client, next.refresh_token), ms);
      assert.equal((await server.revoke(client, next.refresh_token)).status, 200);
      for (const ended of [tokens, next]) await gone(ended);
    }
  });

  test("a crash during an authorization or registration allows a repetition", async () => {
    for (const ms of MOMENTS) {
      const metadata = { client_name: `Client ${ms}` };
      await killDuring(server.registering(metadata), ms);
      const registered = await server.register(metadata);
      await killDuring(server.authorize({ client: registered }), ms);
      await live((await server.signIn({ client: registered })).tokens, registered);
    }
  });
});
