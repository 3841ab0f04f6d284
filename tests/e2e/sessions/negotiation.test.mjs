// `initialize`, and what each version of the protocol gets from then on. Streamable HTTP.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { NEWEST, VERSIONS, initialize, notification, open, post, request } from "../../support/mcp.mjs";
import { objectOf } from "../../support/rows.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const ALL = ["2024-11-05", ...VERSIONS];
const progress = { name: "test_tool_with_progress", arguments: {}, _meta: { progressToken: "p" } };

describe("initialize", () => {
  for (const version of ALL) {
    test(`version ${version} is negotiated if the client requests it`, async () => {
      const answer = await post(server, initialize({ version }));
      assert.equal(answer.status, 200, `${answer}`);
      assert.equal(answer.headers["content-type"], "application/json");
      assert.match(answer.headers["mcp-session-id"], /^[\x21-\x7e]{1,300}$/);
      const { id, result } = answer.json;
      assert.equal(id, 0);
      assert.equal(result.protocolVersion, version);
      assert.deepEqual([result.serverInfo.name, result.serverInfo.title], ["durable-mcp-fixture", "Fixtures"]);
      assert.equal(result.instructions, "For tests only.");
      for (const feature of ["tools", "resources", "prompts", "logging", "completions"])
        assert.ok(result.capabilities[feature], feature);
    });
  }

  for (const version of ["1999-01-01", "2026-07-28", "2099-12-31", ""]) {
    test(`a client that requests "${version}" is offered the newest version`, async () => {
      const answer = await post(server, initialize({ version }));
      assert.equal(answer.status, 200, `${answer}`);
      assert.equal(answer.json.result.protocolVersion, NEWEST);
    });
  }

  test("an `initialize` without a version is an error and begins no session", async () => {
    const answer = await post(server, request(7, "initialize", { capabilities: {} }));
    assert.equal(answer.headers["mcp-session-id"], undefined);
    assert.deepEqual([answer.json.id, answer.json.error.code], [7, -32602], `${answer}`);
    assert.match(answer.json.error.message, /protocolVersion/);
  });

  test("session ids cannot be guessed", async () => {
    const ids = [];
    for (let round = 0; round < 40; round++) {
      const answers = await Promise.all(Array.from({ length: 25 }, () => post(server, initialize())));
      ids.push(...answers.map(({ headers }) => headers["mcp-session-id"]));
    }
    assert.equal(new Set(ids).size, 1000);
    assert.ok(ids.every((id) => /^[\x21-\x7e]+$/.test(id)));
    // 256 random bits differ in 128 places or so; 64 is 8 standard deviations away.
    const objects = ids.map((id) => BigInt(`0x${objectOf(id)}`));
    const distances = objects.slice(1).map((object, at) => ones(object ^ objects[at]));
    assert.ok(Math.min(...distances) > 64, `two ids differ in ${Math.min(...distances)} bits only`);
    // The end of an id is its MAC.
    assert.equal(new Set(ids.map((id) => id.slice(-20))).size, 1000);
  });

  test("an `initialize` on a session is refused, and the session continues", async () => {
    const session = await open(server);
    const answer = await session.post(initialize());
    assert.equal(answer.status, 400, `${answer}`);
    assert.deepEqual([answer.json.id, answer.json.error.code], [0, -32600]);
    assert.equal(answer.headers["mcp-session-id"], undefined);
    assert.equal(await session.callText("echo", { text: "still here" }), "still here");
  });

  for (const [what, batch] of [
    ["two of them", [initialize(), initialize()]],
    ["a request", [initialize(), request(1, "ping")]],
    ["a notification", [notification("notifications/initialized"), initialize({ version: "2025-03-26" })]],
  ]) {
    test(`an initialize in a batch with ${what} is refused`, async () => {
      const session = await open(server, { version: "2025-03-26" });
      const body = JSON.stringify(batch);
      for (const answer of [await post(server, body), await session.post(body)]) {
        assert.equal(answer.status, 400, `${answer}`);
        assert.equal(answer.json.error.code, -32600);
        assert.equal(answer.headers["mcp-session-id"], undefined);
      }
    });
  }
});

for (const version of ALL) {
  for (const header of ["its own", "no", "the newest"]) {
    describe(`a ${version} client that sends ${header} MCP-Protocol-Version`, () => {
      const sent = { "its own": version, no: null, "the newest": NEWEST }[header];
      const connect = () => open(server, { version, headers: { "mcp-protocol-version": sent } });

      test("a response without earlier messages is JSON", async () => {
        const session = await connect();
        const answer = await session.post(request("a", "tools/call", { name: "whoami" }));
        assert.equal(answer.status, 200, `${answer}`);
        assert.equal(answer.headers["content-type"], "application/json");
        assert.equal(answer.json.id, "a");
        const { content, structuredContent } = answer.json.result;
        assert.equal(JSON.parse(content[0].text).version, version);
        if (version >= "2025-06-18") assert.equal(structuredContent.version, version);
      });

      test("a response with earlier messages is events, primed only in versions that have it", async () => {
        const session = await connect();
        const answer = await session.post(request("b", "tools/call", progress));
        assert.equal(answer.status, 200, `${answer}`);
        assert.match(answer.headers["content-type"], /^text\/event-stream/);
        const { events } = answer;
        if (version === NEWEST) {
          const primer = events.shift();
          assert.equal(primer.data, "");
          assert.ok(primer.id && primer.retry > 0 && primer.event === undefined);
        }
        assert.deepEqual(
          events.map(({ json }) => json.method ?? json.id),
          [...Array(3).fill("notifications/progress"), "b"],
        );
        assert.ok(events.every(({ id, data }) => id && data));
        assert.equal(new Set(events.map(({ id }) => id)).size, 4);
      });

      test(`batches are ${version === "2025-03-26" ? "accepted" : "refused"}`, async () => {
        const session = await connect();
        const answer = await session.post(JSON.stringify([request(1, "ping"), request(2, "ping")]));
        if (version === "2025-03-26") {
          assert.equal(answer.status, 200, `${answer}`);
          assert.deepEqual(answer.json.map(({ id }) => id).toSorted(), [1, 2]);
        } else {
          assert.equal(answer.status, 400, `${answer}`);
          assert.equal(answer.json.error.code, -32600);
        }
      });
    });
  }
}

function ones(bits) {
  return bits.toString(2).replaceAll("0", "").length;
}
