// A value that the server gives to all handlers, in the Worker and in the object of a session.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { open } from "../../support/mcp.mjs";
import { Stateless } from "../../support/stateless.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const MOTTO = "calls go on";

describe("shared state", () => {
  for (const [kind, connect] of [
    ["a session", () => open(server)],
    ["stateless requests", () => new Stateless(server)],
  ]) {
    test(`a tool and a resource have the same shared value in ${kind}`, async () => {
      const client = await connect();
      assert.equal(await client.callText("motto"), MOTTO);
      const { contents } = await client.request("resources/read", { uri: "test://motto" });
      assert.equal(contents[0].text, MOTTO);
    });
  }
});
