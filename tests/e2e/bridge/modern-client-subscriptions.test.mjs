// The local bridge with clients of 2026-07-28 before servers that have sessions: requests about the resources of
// subscriptions/listen. Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { guardedStore, signIn } from "../../support/bridge-authority.mjs";
import { META } from "../../support/stateless.mjs";
import { beforeSessions, count, envelope, isMethod, posted, statelessClient } from "../../support/stateless-stdio.mjs";
import { until } from "../../support/wait.mjs";

const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

const initialize = () => ({ protocolVersion: "2025-11-25", capabilities: { tools: {}, resources: { subscribe: true } }, serverInfo: { name: "scripted", version: "1" } });

/** A bridge before a server with resources; `listen` subscribes to some and returns the acknowledgement, `subscribed` are those of the server. */
async function beforeResources(on) {
  const subscribed = new Set();
  return listening(await beforeSessions({ capabilities: {}, on: { initialize, ...on(subscribed) } }), subscribed);
}

function listening(client, subscribed) {
  const { bridge } = client;
  const acknowledged = (id) => bridge.messages.filter(({ method, params }) => method === ACKNOWLEDGED && params._meta[`${META}/subscriptionId`] === id).length;
  const listen = async (id, resourceSubscriptions) => {
    const before = acknowledged(id);
    bridge.send({ jsonrpc: "2.0", id, method: "subscriptions/listen", params: { notifications: { resourceSubscriptions }, _meta: envelope() } });
    await until(() => acknowledged(id) > before, "the acknowledgement");
  };
  const cancel = (requestId) => bridge.notify("notifications/cancelled", { requestId, _meta: envelope() });
  return Object.assign(client, { subscribed, listen, cancel });
}

for (const [what, second] of [
  ["under another id", "two"],
  ["under the same id", "one"],
]) {
  test(`77: the late end of a subscription does not end the one that replaces it, ${what}`, async () => {
    const released = Promise.withResolvers();
    await using client = await beforeResources((subscribed) => ({
      "resources/subscribe": ({ message }) => (subscribed.add(message.params.uri), {}),
      "resources/unsubscribe": async ({ message }) => {
        await released.promise;
        subscribed.delete(message.params.uri);
        return {};
      },
    }));
    const { server, subscribed, listen, cancel } = client;
    await listen("one", ["file:///a"]);
    await until(() => subscribed.size === 1, "the resource");
    cancel("one");
    await server.received("resources/unsubscribe");
    await listen(second, ["file:///a"]);
    // The bridge's own requests go before the answers to these lists.
    for (let count = 0; count < 3; count++) await client.result("tools/list");
    released.resolve();
    await server.received("resources/subscribe", { count: 2 });
    assert.deepEqual([...subscribed], ["file:///a"]);
    cancel(second);
    await until(() => subscribed.size === 0, "the end of the second");
    assert.equal(count(server, "POST resources/unsubscribe"), 2);
  });
}

test("77: a server without an answer to one subscription is told of the next", async () => {
  await using client = await beforeResources((subscribed) => ({
    "resources/subscribe": ({ message }) => (message.params.uri === "file:///a" ? undefined : (subscribed.add(message.params.uri), {})),
    "resources/unsubscribe": ({ message }) => (subscribed.delete(message.params.uri), {}),
  }));
  const { server, subscribed, listen, cancel } = client;
  await listen("one", ["file:///a", "file:///b"]);
  await until(() => subscribed.has("file:///b"), "the second resource");
  cancel("one");
  const ended = ({ message }) => message?.method === "resources/unsubscribe" && message.params.uri === "file:///a";
  await server.received(ended);
  assert.ok(client.bridge.messages.some(isMethod(ACKNOWLEDGED)));
});

test("77: a subscription that waits for a sign-in in vain is sent with the next one", async () => {
  const subscribed = new Set();
  let isRefused = false;
  const on = { initialize, "resources/subscribe": ({ message }) => (subscribed.add(message.params.uri), {}), "resources/unsubscribe": () => ({}) };
  const refuses = ({ message }) => isRefused && message?.method === "resources/subscribe";
  await using store = await guardedStore({ server: { sessions: true, on, refuses } });
  await using client = listening(await statelessClient(store.server, { config: store.config.path, args: ["--auth-timeout", "1"], capabilities: {} }), subscribed);
  const { bridge, listen } = client;
  // Without a person, each request fails after a second.
  await client.error("tools/list");
  await signIn(bridge);
  await bridge.child.line(/signed in/);
  await client.result("tools/list");
  isRefused = true;
  store.authority.refresh.clear();
  await listen("one", ["file:///a"]);
  await bridge.child.line(/^durable-mcp-remote: sign in at http.* and try again/);
  assert.equal(posted(store.server, "resources/subscribe").length, 1);
  isRefused = false;
  await signIn(bridge, { count: 2 });
  await until(() => bridge.stderr.match(/signed in/g).length > 1, "the second sign-in");
  await listen("two", ["file:///a"]);
  await until(() => subscribed.has("file:///a"), "the resource");
});
