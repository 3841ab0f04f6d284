// A layer around handlers, in the Worker and in the object of a session.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { open } from "../../support/mcp.mjs";
import { Stateless } from "../../support/stateless.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

describe("a layer", () => {
  for (const [kind, connect] of [
    ["a session", () => open(server)],
    ["stateless requests", () => new Stateless(server)],
  ]) {
    test(`a layer refuses a tool and a resource, and lets others through, in ${kind}`, async () => {
      const client = await connect();
      await assert.rejects(client.call("closed"), { code: -32600, message: "-32600 tools/call is closed." });
      await assert.rejects(client.request("resources/read", { uri: "test://closed" }), {
        code: -32600,
        message: "-32600 resources/read is closed.",
      });
      assert.equal(await client.callText("echo", { text: "x" }), "x");
    });
  }
});
