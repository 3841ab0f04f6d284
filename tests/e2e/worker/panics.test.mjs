// Panics in what users write: that call's failure, at once, and nobody else's.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { open, request } from "../../support/mcp.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const COUNTER = "mcp://resource/counter";
const call = (name, args = {}) => request("p", "tools/call", { name, arguments: args });

const failed = ({ json }) => {
  assert.equal(json.result?.isError, true, JSON.stringify(json));
  return json.result.content[0].text;
};
const erred = ({ json }) => {
  assert.equal(json.error?.code, -32603, JSON.stringify(json));
  return json.error.message;
};

for (const [place, message, told] of [
  ["a tool", call("panic"), failed],
  ["a tool that has waited", call("panic", { after_ms: 20 }), failed],
  ["a change of the state", call("panic_in_update"), failed],
  ["the hook after a change of the state", call("panic_in_hook"), failed],
  ["a resource", request("p", "resources/read", { uri: "test://panic" }), erred],
  ["a prompt", request("p", "prompts/get", { name: "panic_prompt" }), erred],
  [
    "a completion",
    request("p", "completion/complete", {
      ref: { type: "ref/prompt", name: "panic_prompt" },
      argument: { name: "word", value: "a" },
    }),
    erred,
  ],
]) {
  describe(`a panic in ${place}`, () => {
    let session, asking, question, own;
    before(async () => {
      session = await open(server, { capabilities: { elicitation: {} } });
      assert.equal(await session.callText("increment", { by: 3 }), "3");
      await session.request("resources/subscribe", { uri: COUNTER });
      own = session.stream();
      await own.next();
      asking = session.postStream(request(1, "tools/call", { name: "ask", arguments: { message: "?" } }));
      question = await asking.find(({ data }) => data);
    });
    after(() => [own, asking].forEach((stream) => stream?.close()));

    test("each panic is an error for its caller without internals", async () => {
      for (let round = 0; round < 3; round++) {
        const answer = await session.post(message);
        assert.equal(answer.status, 200, `${answer}`);
        assert.equal(answer.headers["content-type"], "application/json");
        assert.equal(answer.json.id, "p");
        assert.match(told(answer), /failed unexpectedly\. The session goes on\./);
        assert.doesNotMatch(answer.text, /panics|\.rs|stack|wasm/i);
      }
    });

    test("a panic leaves the state unchanged and usable", async () => {
      assert.equal((await session.request("resources/read", { uri: COUNTER })).contents[0].text, "3");
      assert.equal(await session.callText("increment"), "4");
      const { json } = await own.find(({ data }) => data);
      assert.deepEqual([json.method, json.params.uri], ["notifications/resources/updated", COUNTER]);
    });

    test("a panic leaves other calls of the session running", async () => {
      const result = { action: "accept", content: { answer: "yes" } };
      assert.equal((await session.post({ jsonrpc: "2.0", id: question.json.id, result })).status, 202);
      assert.match((await asking.next()).json.result.content[0].text, /yes/);
      assert.equal(await asking.next(), undefined);
    });

    test("a panic does not affect other sessions", async () => {
      const other = await open(server);
      assert.equal(await other.callText("increment"), "1");
    });

    test("a panic is logged", async () => {
      const line = await server.log(({ json }) => json?.outcome === "panic" && json.method === message.method);
      assert.equal(line.json.era, "2025-11-25");
      await server.log(/panicked/);
    });
  });
}

test("panicking calls do not end parallel ones", async () => {
  const session = await open(server);
  const calls = Array.from({ length: 30 }, (_, at) =>
    at % 3 === 0
      ? session.call("panic", { after_ms: at }).then(({ isError }) => isError && "panic")
      : session.callText("slow", { ms: 2 * at }),
  );
  const expected = calls.map((_, at) => (at % 3 === 0 ? "panic" : `waited ${2 * at} ms`));
  assert.deepEqual(await Promise.all(calls), expected);
});
