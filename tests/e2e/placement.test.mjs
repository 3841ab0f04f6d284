// Where sessions run: the variables reach the runtime. workerd knows location hints, and says of jurisdictions that it
// has none, which shows that it was asked for one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { initialize, open, post } from "../support/mcp.mjs";
import { demo } from "../support/workerd.mjs";

test("a location hint is given and sessions work with it", async () => {
  await using server = await demo({ vars: { SESSION_LOCATION_HINT: "weur" } });
  const session = await open(server);
  assert.equal(await session.callText("increment"), "Added 1, total is now 1");
});

test("a jurisdiction that the runtime does not have is a failure that the log explains and the client only hears of", async () => {
  await using server = await demo({ vars: { SESSION_JURISDICTION: "eu" } });
  const { status, json } = await post(server, initialize());
  assert.equal(status, 500);
  assert.equal(json.error.code, -32603);
  assert.doesNotMatch(json.error.message, /urisdiction/);
  assert.ok(server.logs.some(({ text }) => /Jurisdiction/.test(text)));
});
