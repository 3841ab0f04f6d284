// `subscriptions/listen`: who hears what, from wherever it is said.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { open, openSse } from "../../support/mcp.mjs";
import { META, Stateless, handleIn, refusesStateless as refuses } from "../../support/stateless.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture({ secondSocket: true, timer: true });
after(() => server.stop());

const client = new Stateless(server);
const WATCHED = "test://watched-resource";
const COUNTER = "mcp://resource/counter";
const TOOLS = "notifications/tools/list_changed";
const PROMPTS = "notifications/prompts/list_changed";
const UPDATED = "notifications/resources/updated";
const EVERYTHING = {
  toolsListChanged: true,
  promptsListChanged: true,
  resourcesListChanged: true,
  resourceSubscriptions: [WATCHED],
};

/** The next message of a stream that listens, which has to be tagged as its own. */
async function heard(stream) {
  const { json, id } = await stream.next();
  assert.equal(id, undefined, "nobody can come back for it");
  const { _meta, ...params } = json.params;
  assert.deepEqual(_meta, { [`${META}/subscriptionId`]: stream.id });
  return [json.method, params];
}

/** Checks that the stream gets the notifications of `announce`. */
async function hearsAnnouncement(stream) {
  const both = [await heard(stream), await heard(stream)].toSorted();
  assert.deepEqual(both, [[UPDATED, { uri: WATCHED }], [TOOLS, {}]]);
}

describe("a subscription stream", () => {
  test("a stream begins with its acknowledgement, unbuffered and without a session", async () => {
    using stream = await client.listen(EVERYTHING);
    const { status, headers } = await stream.opened;
    assert.equal(status, 200);
    assert.match(headers["content-type"], /^text\/event-stream/);
    assert.equal(headers["x-accel-buffering"], "no");
    assert.equal(headers["mcp-session-id"], undefined);
    assert.deepEqual(stream.acknowledged, EVERYTHING);
  });

  test("the acknowledgement names exactly what the stream will carry", async () => {
    for (const [asked, honoured] of [
      [{}, {}],
      [{ toolsListChanged: false, promptsListChanged: true }, { promptsListChanged: true }],
      [{ madeUp: true, toolsListChanged: true }, { toolsListChanged: true }],
      [{ resourceSubscriptions: [] }, {}],
      [{ resourceSubscriptions: ["a:b", "a:c"] }, { resourceSubscriptions: ["a:b", "a:c"] }],
    ]) {
      using stream = await client.listen(asked);
      assert.deepEqual(stream.acknowledged, honoured);
    }
  });

  test("every message carries the id of the request, in its original type", async () => {
    for (const id of [7, "7", 0, "", "listen:0", -1]) {
      using stream = await client.listen({ promptsListChanged: true }, { id });
      await client.call("test_trigger_prompt_change");
      assert.deepEqual(await heard(stream), [PROMPTS, {}]);
    }
  });

  test("a stream carries only what it subscribed to", async () => {
    using tools = await client.listen({ toolsListChanged: true });
    using prompts = await client.listen({ promptsListChanged: true });
    using resource = await client.listen({ resourceSubscriptions: [WATCHED] });
    using other = await client.listen({ resourceSubscriptions: [`${WATCHED}/`, "test://static-text"] });
    using nothing = await client.listen({});
    await client.call("announce");
    await client.call("test_trigger_prompt_change");
    assert.deepEqual(await heard(tools), [TOOLS, {}]);
    assert.deepEqual(await heard(prompts), [PROMPTS, {}]);
    assert.deepEqual(await heard(resource), [UPDATED, { uri: WATCHED }]);
    for (const stream of [tools, prompts, resource, other, nothing]) await stream.quiet(100);
  });

  test("a stream without a filter or with too large a one is refused", async () => {
    for (const params of [
      undefined,
      { notifications: [] },
      { notifications: "tools" },
      { notifications: { resourceSubscriptions: "a:b" } },
      { notifications: { resourceSubscriptions: [5] } },
      { notifications: { resourceSubscriptions: ["a:b\nc"] } },
      { notifications: { resourceSubscriptions: Array.from({ length: 13 }, (_, at) => `a:${at}${"x".repeat(1000)}`) } },
    ])
      refuses(await client.post(client.message("l", "subscriptions/listen", params)), 400, -32602, "l");
    const tasks = client.message("l", "subscriptions/listen", { notifications: { taskIds: ["x"] } });
    const { data } = refuses(await client.post(tasks), 400, -32021, "l");
    assert.deepEqual(data, { requiredCapabilities: { extensions: { [`${META}/tasks`]: {} } } });
  });

  test("a stream has neither progress nor log messages of calls", async () => {
    using stream = await client.listen(EVERYTHING);
    const loud = new Stateless(server, { logLevel: "debug" });
    await loud.exchange("tools/call", { name: "test_tool_with_logging", _meta: { progressToken: 1 } });
    await loud.exchange("tools/call", { name: "test_tool_with_progress", _meta: { progressToken: 1 } });
    await stream.quiet(200);
  });
});

describe("notifications of a change", () => {
  for (const [where, from] of [
    ["another connection", () => client.call("announce")],
    ["another isolate", () => client.call("announce", {}, { at: server.second })],
    ["a session", async () => (await open(server)).call("announce")],
    ["a session of 2025-03-26", async () => (await open(server, { version: "2025-03-26" })).call("announce")],
    [
      "a session over HTTP+SSE",
      async () => {
        const session = await openSse(server);
        await session.call("announce");
        session.close();
      },
    ],
  ]) {
    test(`a change by ${where} arrives once at every isolate`, async () => {
      using here = await client.listen(EVERYTHING);
      using there = await client.listen(EVERYTHING, { at: server.second });
      await from();
      for (const stream of [here, there]) await hearsAnnouncement(stream);
      for (const stream of [here, there]) await stream.quiet(100);
    });
  }

  test("a change by the cron trigger arrives", async () => {
    using stream = await client.listen(EVERYTHING);
    assert.equal(await server.ring(), "ok");
    assert.deepEqual(await heard(stream), [UPDATED, { uri: WATCHED }]);
  });

  test("sessions with a stream are notified, of a resource only if they subscribed to it", async () => {
    const [subscribed, plain, without] = [await open(server), await open(server), await open(server)];
    const legacy = await openSse(server);
    for (const session of [subscribed, without, legacy]) await session.request("resources/subscribe", { uri: WATCHED });
    using own = subscribed.stream();
    using others = plain.stream();
    // The hub hears of a stream beside the request that opens it.
    const toldOf = (hears) => until(async () => {
      await client.call("test_trigger_prompt_change");
      return hears();
    }, "the hub to know of the stream");
    for (const stream of [own, others]) {
      await stream.next();
      await toldOf(() => stream.next({ ms: 100 }).catch(() => false));
    }
    await toldOf(() => legacy.messages.some(({ method }) => method === PROMPTS));
    const next = async (stream) => {
      const { json } = await stream.find(({ data }) => data && JSON.parse(data).method !== PROMPTS);
      return [json.method, json.params];
    };
    await client.call("announce");
    assert.deepEqual([await next(own), await next(own)].toSorted(), [[UPDATED, { uri: WATCHED }], [TOOLS, {}]]);
    assert.deepEqual((await next(others))[0], TOOLS);
    await legacy.message(({ method }) => method === TOOLS);
    await legacy.message(({ method, params }) => method === UPDATED && params.uri === WATCHED);
    for (const stream of [own, others]) await stream.quiet(100);
    // A cron trigger is heard as well.
    assert.equal(await server.ring(), "ok");
    assert.deepEqual(await next(own), [UPDATED, { uri: WATCHED }]);
    await others.quiet(100);
    // A session tells its own client itself, and that but once.
    await subscribed.call("announce");
    assert.deepEqual([await next(own), await next(own)].toSorted(), [[UPDATED, { uri: WATCHED }], [TOOLS, {}]]);
    assert.deepEqual((await next(others))[0], TOOLS);
    for (const stream of [own, others]) await stream.quiet(100);
    legacy.close();
  });

  test("a change of a state reaches only clients that know its name", async () => {
    const session = handleIn(await client.call("increment"));
    const uri = `${COUNTER}?session=${session}`;
    using own = await client.listen({ resourceSubscriptions: [uri] });
    using all = await client.listen({ resourceSubscriptions: [COUNTER] });
    await client.call("increment");
    await (await open(server)).call("increment");
    await client.call("increment", { session });
    assert.deepEqual(await heard(own), [UPDATED, { uri }]);
    for (const stream of [own, all]) await stream.quiet(200);
  });
});
