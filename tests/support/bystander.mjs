// A session that nothing may disturb.
import assert from "node:assert/strict";
import { afterEach } from "node:test";
import { open } from "./mcp.mjs";

/** Opens a session of the fixture's; after each test of the file it still counts as if nothing had been. */
export async function bystander(server) {
  const session = await open(server);
  let calls = 0;
  afterEach(async () => {
    calls += 1;
    assert.equal(await session.callText("increment"), `${calls}`);
  });
  return session;
}
