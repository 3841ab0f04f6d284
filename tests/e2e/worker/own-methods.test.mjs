// A method of an extension that the server adds, in the Worker and in the object of a session.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { open } from "../../support/mcp.mjs";
import { Stateless } from "../../support/stateless.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const METHOD = "fixture.example/echo";

describe("a method of one's own", () => {
  for (const [kind, connect] of [
    ["a session", () => open(server)],
    ["stateless requests", () => new Stateless(server)],
  ]) {
    test(`an own method answers, and checks its parameters, in ${kind}`, async () => {
      const client = await connect();
      assert.equal((await client.request(METHOD, { text: "hi" })).text, "hi");
      await assert.rejects(client.request(METHOD, { text: 1 }), { code: -32602 });
      await assert.rejects(client.request(METHOD, { text: "hi", more: 1 }), { code: -32602 });
      await assert.rejects(client.request("fixture.example/other"), { code: -32601 });
    });
  }

  test("the extension of an own method is among the capabilities", async () => {
    const { capabilities } = await new Stateless(server).request("server/discover");
    assert.deepEqual(capabilities.extensions[METHOD], {});
    const { initialized } = await open(server);
    assert.deepEqual(initialized.capabilities.extensions[METHOD], {});
    const older = await open(server, { version: "2025-06-18" });
    assert.deepEqual(older.initialized.capabilities.experimental, { [METHOD]: {} });
  });
});
