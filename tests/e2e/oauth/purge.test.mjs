// The purge: the cron trigger has records deleted that storage cannot expire by itself.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { granted, ours } from "../../support/oauth.mjs";
import { demo } from "../../support/workerd.mjs";

const target = await ours({}, { timer: true });
const { server } = target;
after(() => server.stop());

const purged = () => server.log(({ json }) => json?.event === "purged");

describe("the cron trigger", () => {
  test("a purge checks all grants, and living ones continue", async () => {
    const { client, tokens } = await target.signIn();
    assert.equal(await server.ring(), "ok");
    const { seen, ended, whole } = (await purged()).json;
    assert.deepEqual({ seen, ended, whole }, { seen: 1, ended: 0, whole: true });
    assert.ok(await target.takes(tokens.access_token));
    granted(await target.refresh(client, tokens.refresh_token));
  });

  test("a server without sign-in purges nothing", async () => {
    await using open = await demo({ timer: true });
    assert.equal(await open.ring(), "ok");
    assert.equal(open.logs.filter(({ json }) => json?.event === "purged").length, 0);
  });
});
