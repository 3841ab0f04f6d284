// Routes that a user adds to the server's.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { send } from "../../support/http.mjs";
import { open } from "../../support/mcp.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

describe("a route of the user's own", () => {
  for (const [method, path, body] of [
    ["GET", "/own/echo", ""],
    ["POST", "/own/echo", "hello"],
    ["DELETE", "/own/echo/", ""],
  ]) {
    test(`a route gets the unchanged request and sends any response: ${method} ${path}`, async () => {
      const options = { headers: { "x-asked": "this" }, ...(body && { body }) };
      const answer = await send(server, method, path, options);
      assert.deepEqual([answer.status, answer.text], [201, `${method} ${path} this ${body}`]);
      assert.equal(answer.headers["x-answered"], "yes");
    });
  }

  for (const path of ["/own/fail", "/own/panic"]) {
    test(`a failing route fails only its own request: ${path}`, async () => {
      for (let round = 0; round < 2; round++) {
        const answer = await send(server, "POST", path, { body: "x" });
        assert.equal(answer.status, 500, `${answer}`);
        assert.match(answer.json.error.message, /log says why/);
        assert.doesNotMatch(answer.text, /as the test wants it/);
      }
      const session = await open(server);
      assert.equal(await session.callText("increment", { by: 3 }), "3");
    });
  }

  test("a route never replaces the server's, which a local browser is told", async () => {
    assert.equal((await send(server, "GET", "/mcp/own", {})).status, 404);
    const page = await send(server, "GET", "/", {});
    assert.match(page.text, /route &#34;\/mcp\/own&#34; is left out: \/mcp and what is below it/);
  });
});
