// States of callers whom nobody knows: who has the name of one has the state.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Stateless, handleIn, refusesStateless as refuses } from "../../support/stateless.mjs";
import { sleep, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const OBJECT = "McpObject";
const COUNTER = "mcp://resource/counter";
const client = new Stateless(server);
const begin = async (by = 1, at = client) => handleIn(await at.call("increment", { by }));
const counter = async (session, at = client) =>
  (await at.request("resources/read", { uri: `${COUNTER}?session=${session}` })).contents[0].text;
const flipped = (text, at) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);

describe("a state", () => {
  test("a state begins with the first call that needs one, and is named once", async () => {
    const objects = server.objects(OBJECT);
    const first = await client.call("increment", { by: 3 });
    const session = handleIn(first);
    assert.deepEqual(first.content.length, 2);
    assert.deepEqual(await client.call("increment", { session }).then(({ content }) => content), [
      { type: "text", text: "4" },
    ]);
    assert.equal(await client.callText("sql", { text: "a note", session }), "1");
    assert.equal(server.objects(OBJECT), objects + 1);
  });

  test("each call without a name begins a state of its own", async () => {
    const [one, other] = [await begin(10), await begin(20)];
    assert.notEqual(one, other);
    assert.deepEqual([await counter(one), await counter(other)], ["10", "20"]);
    assert.equal(await client.callText("increment", { session: one }), "11");
    assert.equal(await counter(other), "20");
  });

  test("a state continues in any client and at any isolate", async () => {
    await using two = await fixture({ secondSocket: true });
    const here = new Stateless(two);
    const session = await begin(1, here);
    const there = new Stateless(two.second, { client: { name: "another program", version: "9" } });
    assert.equal(await there.callText("increment", { session }), "2");
    assert.equal(await counter(session, here), "2");
  });

  test("a state outlives a restart of the server", async () => {
    await using restarting = await fixture();
    const client = new Stateless(restarting);
    const session = await begin(4, client);
    await client.callText("sql", { text: "a note", session });
    for (let round = 1; round <= 2; round++) {
      await restarting.restart();
      assert.equal(await client.callText("increment", { session }), `${4 + round}`);
      assert.equal(await client.callText("sql", { text: "another", session }), `${1 + round}`);
      assert.equal(await counter(session, client), `${4 + round}`);
    }
  });

  test("parallel calls all change the state", async () => {
    const session = await begin(0);
    const totals = await Promise.all(Array.from({ length: 50 }, () => client.callText("increment", { session })));
    assert.deepEqual(totals.map(Number).toSorted((a, b) => a - b), Array.from({ length: 50 }, (_, at) => at + 1));
  });

  test("a call with questions over several rounds changes the state once", async () => {
    const sure = new Stateless(server, {
      capabilities: { elicitation: {} },
      answers: { "elicitation/create": () => ({ action: "accept", content: { sure: true } }) },
    });
    const { response, rounds } = await sure.exchange("tools/call", { name: "increment_if_sure", arguments: { by: 5 } });
    assert.deepEqual(rounds.map(({ result }) => result.resultType), ["input_required", "complete"]);
    const session = handleIn(response.result);
    assert.equal(await counter(session), "5");
    assert.equal(await sure.callText("increment_if_sure", { by: 2, session }), "7");
    assert.equal(await counter(session), "7");
  });

  test("an idle state ends, and begins anew under its name", async () => {
    await using idle = await fixture({ vars: { SESSION_IDLE_SECONDS: "1" } });
    const client = new Stateless(idle);
    const session = await begin(7, client);
    await until(async () => {
      // Asking is using it, so it is left alone for longer than it may be idle.
      await sleep(1500);
      return (await counter(session, client)) === "0";
    }, "its end");
    assert.equal(await client.callText("increment", { session }), "1");
  });

  test("the name of a state expires", async () => {
    await using brief = await fixture({ vars: { SESSION_MAX_AGE_SECONDS: "2" } });
    const client = new Stateless(brief);
    const session = await begin(1, client);
    await until(async () => (await client.call("increment", { session })).isError, "the end of the name");
    assert.notEqual(await begin(1, client), session);
  });
});

describe("a made-up name of a state", () => {
  test("a made-up name is a tool error with advice, and makes no object", async () => {
    await using elsewhere = await fixture({ vars: { SESSION_KEY: "the-key-of-another-deployment-of-tests" } });
    const foreign = await begin(1, new Stateless(elsewhere));
    const session = await begin();
    const objects = server.objects(OBJECT);
    const last = session.length - 1;
    for (const made of [
      ...["x", "", "null", "1868a90c-2a1b-4d2f-9a93-1f6f5b8d2e11", "0".repeat(64), "A".repeat(5000), "a\nb", "=?base64?"],
      ...[session.slice(0, -1), `${session}A`, `${session}=`, session.toLowerCase(), foreign],
      ...[0, 3, 10, 40, last - 5].map((at) => flipped(session, at)),
    ]) {
      const result = await client.call("increment", { session: made });
      assert.equal(result.isError, true, made);
      assert.match(result.content[0].text, /`session`.*Leave it out/);
      assert.equal(result.content.length, 1);
      const uri = `${COUNTER}?session=${encodeURIComponent(made)}`;
      const answer = await client.post(client.message(1, "resources/read", { uri }));
      refuses(answer, 400, -32602, 1);
    }
    assert.equal(server.objects(OBJECT), objects);
    assert.equal(await counter(session), "1");
  });

  test("a name that is no string is refused as any argument", async () => {
    for (const session of [5, {}, ["x"], true]) {
      const { isError, content } = await client.call("increment", { session });
      assert.equal(isError, true, `${JSON.stringify(session)}: ${JSON.stringify(content)}`);
    }
  });
});

describe("the `session` argument", () => {
  test("the argument is listed only with tools, prompts and resources that keep a state", async () => {
    const { tools } = await client.request("tools/list");
    const shown = tools.filter(({ inputSchema }) => inputSchema.properties?.session).map(({ name }) => name);
    assert.ok(["increment", "sql", "cancel_aware", "panic_in_update"].every((name) => shown.includes(name)), `${shown}`);
    assert.ok(!["echo", "slow", "slow_compute", "once"].some((name) => shown.includes(name)), `${shown}`);
    const { resources } = await client.request("resources/list");
    assert.match(resources.find(({ uri }) => uri === COUNTER).description, /\?session=<session>/);
  });

  test("a tool without a state ignores the argument", async () => {
    assert.equal(await client.callText("echo", { text: "x", session: "made up" }), "x");
  });

  test("a resource without the argument shows the initial state", async () => {
    const { contents } = await client.request("resources/read", { uri: COUNTER });
    assert.equal(contents[0].text, "0");
  });
});
