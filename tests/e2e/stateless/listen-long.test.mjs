// Streams that listen, over time: what keeps them open, what ends them, and what is left then.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { open } from "../../support/mcp.mjs";
import { ours } from "../../support/oauth.mjs";
import { rowsOfAll } from "../../support/rows.mjs";
import { Stateless, refusesStateless as refuses } from "../../support/stateless.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const PROMPTS = { promptsListChanged: true };
const heard = async (stream, options) => (await stream.next(options)).json.method;
const PROMPTS_CHANGED = "notifications/prompts/list_changed";
const change = (client) => client.call("test_trigger_prompt_change");

// The sessions that the hub tells of changes.
const sessionsOf = (server) => rowsOfAll(server, "McpHub", "sessions").length;

/** Has changes made until a session's stream hears of one: that it is there is told to the hub beside its request. */
const hears = (client, stream) =>
  until(async () => {
    await change(client);
    return stream.next({ ms: 200 }).catch(() => false);
  }, "the stream to hear of changes");

describe("a restart of the server", () => {
  test("a restart ends the streams, and clients that listen again are notified again", async () => {
    await using restarting = await fixture();
    const client = new Stateless(restarting);
    const session = await open(restarting);
    for (let round = 0; round < 2; round++) {
      using stream = await client.listen(PROMPTS);
      using own = session.stream();
      await own.next();
      await change(client);
      assert.equal(await heard(stream), PROMPTS_CHANGED);
      await hears(client, own);
      await restarting.restart();
      await assert.rejects(async () => assert.notEqual(await stream.next(), undefined));
    }
  });
});

describe("a session whose stream is gone", () => {
  test("a session without a stream is forgotten at the next change and known with its next stream", async () => {
    await using server = await fixture();
    const client = new Stateless(server);
    const [one, other] = [await open(server), await open(server)];
    const streams = [one.stream(), other.stream()];
    for (const stream of streams) {
      await stream.next();
      await hears(client, stream);
    }
    assert.equal(sessionsOf(server), 2);
    assert.equal((await one.end()).status, 204);
    await until(async () => (await change(client)) && sessionsOf(server) === 1, "the hub to forget the session");
    await hears(client, streams[1]);
    streams[1].close();
  });
});

describe("a session whose client hangs up", () => {
  test("a session leaves the hub when its client can no longer resume, even without a change", async () => {
    await using server = await fixture({ vars: { SESSION_RESUME_SECONDS: "1" } });
    const sessions = await Promise.all(Array.from({ length: 5 }, () => open(server)));
    const streams = sessions.map((session) => session.stream());
    for (const stream of streams) await stream.next();
    assert.equal(sessionsOf(server), 5);
    for (const stream of streams) stream.close();
    await until(() => sessionsOf(server) === 0, "the hub to forget the sessions");
  });
});

describe("an anonymous client", () => {
  const from = (address) => ({ headers: { "cf-connecting-ip": address } });

  test("a hundred streams from one address do not prevent others", async () => {
    await using server = await fixture();
    const stranger = new Stateless(server, from("192.0.2.1"));
    const streams = await Promise.all(Array.from({ length: 100 }, () => stranger.listen(PROMPTS)));
    const refused = await stranger.post(stranger.message("full", "subscriptions/listen", { notifications: PROMPTS }));
    assert.equal(refused.headers["retry-after"], "60");
    refuses(refused, 429, -32000, "full");
    using other = await new Stateless(server, from("192.0.2.2")).listen(PROMPTS);
    await change(stranger);
    assert.equal(await heard(other), PROMPTS_CHANGED);
    for (const stream of streams) stream.close();
  });
});

describe("a subscriber that hangs up", () => {
  test("a hung-up subscriber makes room in the limit of a user", async () => {
    await using target = await ours();
    const { server } = target;
    const user = async (user) => {
      const { tokens } = await target.signIn({ user, client: await target.register(), scope: "read" });
      return new Stateless(server, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    };
    const [ann, bob] = [await user("ann"), await user("bob")];
    const streams = await Promise.all(Array.from({ length: 100 }, () => ann.listen(PROMPTS)));
    const refused = await ann.post(ann.message("full", "subscriptions/listen", { notifications: PROMPTS }));
    assert.equal(refused.headers["retry-after"], "60");
    refuses(refused, 429, -32000, "full");
    using his = await bob.listen(PROMPTS);
    for (const stream of streams.splice(50)) stream.reset();
    await until(async () => {
      const again = ann.postStream(ann.message("again", "subscriptions/listen", { notifications: PROMPTS }));
      const { status } = await again.opened;
      if (status === 200) streams.push(again);
      else again.close();
      return streams.length === 100;
    }, "room for as many as have gone");
    await change(bob);
    assert.equal(await heard(his), PROMPTS_CHANGED);
    for (const stream of streams.slice(0, 50)) assert.equal(await heard(stream), PROMPTS_CHANGED);
    for (const stream of streams) stream.close();
  });
});

// Well before the next one.
const DUE = { ms: 45_000 };

describe("when it has been quiet for 25 s", { concurrency: true }, () => {
  test("a quiet subscription stream has comments, and then the changes", async () => {
    await using server = await fixture();
    const client = new Stateless(server);
    using stream = await client.listen(PROMPTS);
    const next = heard(stream);
    await until(() => stream.comments > 0, "a comment", DUE);
    await change(client);
    assert.equal(await next, PROMPTS_CHANGED);
  });

  test("a call that has sent nothing is answered as a stream, and its result comes on it", async () => {
    await using server = await fixture();
    const client = new Stateless(server);
    const message = client.message(1, "tools/call", { name: "slow", arguments: { ms: 28_000 } });
    using stream = client.postStream(message);
    const { headers } = await stream.opened;
    assert.match(headers["content-type"], /^text\/event-stream/);
    const { json } = await stream.next();
    assert.deepEqual([json.id, json.result.content[0].text], [1, "waited 28000 ms"]);
    assert.equal(await stream.next(), undefined);
  });

  test("an orderly end of a quiet stream is noticed with the next comment", async () => {
    await using server = await fixture();
    const client = new Stateless(server);
    const params = { name: "drop_aware", arguments: { name: "one", ms: 120_000 }, _meta: { progressToken: 1 } };
    const stream = client.postStream(client.message(1, "tools/call", params));
    await stream.next();
    const dropped = server.log(/^dropped one$/);
    stream.close();
    await dropped;
  });
});
