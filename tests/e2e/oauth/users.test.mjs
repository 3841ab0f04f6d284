// Many users' grants in few objects: nobody has a part in another's, and what has expired is collected.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { granted, ours, refused } from "../../support/oauth.mjs";
import { WAIT_MS, sleep, until } from "../../support/wait.mjs";

/** Users share objects by the first character of their handle. */
const OBJECTS = 64;
const USERS = OBJECTS + 16;

const folder = (server) => join(server.storage, "objects/GrantAuthority");

// What `query` gives in each database of the objects; the runtime's own has its alarms.
function each(server, query, own = false) {
  const files = readdirSync(folder(server)).filter((file) => file.endsWith(".sqlite"));
  const meant = files.filter((file) => (file === "metadata.sqlite") === own);
  return meant.flatMap((file) => {
    const database = new DatabaseSync(join(folder(server), file), { timeout: WAIT_MS });
    try {
      return query(database);
    } finally {
      database.close();
    }
  });
}

const grants = (server) => each(server, (database) => database.prepare("SELECT key FROM _cf_KV").all());

describe("users who share an object", () => {
  test("users in one object have separate grants, even after a crash", async () => {
    const target = await ours();
    after(() => target.stop());
    const client = await target.register();
    const users = [];
    for (let number = 0; number < USERS; number++)
      users.push((await target.signIn({ client, user: `user ${number}` })).tokens);
    assert.ok(target.server.objects("GrantAuthority") <= OBJECTS, "users share objects");
    for (const [number, tokens] of users.entries())
      assert.equal((await target.me(tokens.access_token)).user, `user ${number}`);

    // One client of them all ends the grant of one user.
    const [first, ...others] = users;
    assert.equal((await target.revoke(client, first.refresh_token)).status, 200);
    await target.server.restart();
    refused(await target.refresh(client, first.refresh_token), "invalid_grant");
    for (const tokens of others) granted(await target.refresh(client, tokens.refresh_token));
    // A row for each grant, and one that remembers the end of the first one.
    assert.equal(grants(target.server).length, others.length + 1);
  });
});

describe("the alarm of an object", () => {
  test("unredeemed codes are deleted, and living grants continue", async () => {
    const target = await ours({ code: 1 });
    after(() => target.stop());
    const { server } = target;
    const client = await target.register();
    const abandoned = [];
    for (const user of ["ann", "bob", "cleo"]) abandoned.push(await target.authorized({ client, user }));
    const { tokens } = await target.signIn({ client, user: "ann" });
    assert.equal(grants(server).length, 4);
    // A code lives for a second here.
    await sleep(1100);
    await server.restart(() => {
      // An hour passes: it is time to look at everybody. The runtime keeps its alarms, in nanoseconds, in two places.
      each(server, (database) => database.exec("UPDATE wakes SET at = 1; UPDATE _cf_METADATA SET value = 1000000") ?? []);
      each(server, (database) => database.exec("UPDATE _cf_ALARM SET scheduled_time = 1000000") ?? [], true);
    });
    await until(() => grants(server).length === 1, "the codes to go");
    assert.ok(await target.takes(tokens.access_token));
    granted(await target.refresh(client, tokens.refresh_token));
    const next = each(server, (database) => database.prepare("SELECT user, at FROM wakes").all());
    assert.equal(next.length, 1, "only who has a grant is looked at again");
    assert.ok(next[0].at > Date.now());
    for (const code of abandoned) refused(await target.exchange(code), "invalid_grant");
  });
});
