// The local bridge with clients of 2026-07-28 before servers of that version: a request is cancelled by closing its connection (2026-07-28,
// Cancellation, "Transport-Specific Cancellation"). Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBridge } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { certificates } from "../../support/certificates.mjs";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";
import { tlsGateway } from "../../support/gateways.mjs";
import { META, STATELESS } from "../../support/stateless.mjs";
import { WAIT_MS, bounded, until } from "../../support/wait.mjs";

const _meta = { [`${META}/protocolVersion`]: STATELESS, [`${META}/clientCapabilities`]: {} };
const TEXT = (text) => ({ resultType: "complete", content: [{ type: "text", text }] });

/** A server whose tool `silent` never sends the head of its answer, and `begun` sends no more. `calls` are those of both. */
async function silentServer() {
  const calls = [];
  const server = await bridgeServer({
    on: {
      "server/discover": () => ({ resultType: "complete", supportedVersions: [STATELESS], capabilities: { tools: {} }, ttlMs: 0, cacheScope: "private" }),
      "tools/call": (exchange) => {
        const { name } = exchange.message.params;
        if (name === "echo") return TEXT(name);
        calls.push(exchange);
        if (name === "begun") exchange.events();
      },
    },
  });
  return Object.assign(server, { calls });
}

async function cancelled(bridge, server, name) {
  const id = `cancelled ${name}`;
  const before = server.calls.length;
  bridge.send({ jsonrpc: "2.0", id, method: "tools/call", params: { name, _meta } });
  const call = await until(() => server.calls[before], `the call ${id}`);
  bridge.notify("notifications/cancelled", { requestId: id, _meta });
  await bounded(call.closed, WAIT_MS, "the end of its connection");
  return call;
}

async function closes(bridge, server) {
  for (const name of ["silent", "begun"]) {
    const call = await cancelled(bridge, server, name);
    // Under the same id, another request has its own answer.
    assert.deepEqual(await bridge.result("tools/call", { name: "echo", _meta }, { id: call.id }), TEXT("echo"));
    assert.equal(bridge.responses(call.id).length, 1);
  }
  assert.ok(!server.log.includes("POST notifications/cancelled"));
}

for (const args of [[], ["--protocol", "modern"]]) {
  test(`43, 57: a call that is cancelled is dropped with its connection, ${args.join(" ") || "by default"}`, async () => {
    await using server = await silentServer();
    await using bridge = startBridge(server.url, { args });
    await bridge.result("tools/call", { name: "echo", _meta });
    await closes(bridge, server);
  });
}

test("43, 57: over HTTP/2, a call that is cancelled ends alone", async () => {
  const folder = temporaryFolder("bridge-tls");
  try {
    const tls = await certificates(folder, { hosts: ["localhost"] });
    await using server = await silentServer();
    await using gateway = await tlsGateway(server.origin, tls);
    await using bridge = startBridge(`${gateway.origin}/mcp`, { args: ["--ca", tls.ca] });
    bridge.send({ jsonrpc: "2.0", id: "other", method: "tools/call", params: { name: "silent", _meta } });
    const other = await server.received("tools/call");
    await closes(bridge, server);
    assert.equal(gateway.sessions.length, 1);
    other.result(TEXT("other"));
    assert.deepEqual((await bridge.response("other")).result, TEXT("other"));
  } finally {
    removeFolder(folder);
  }
});

test("43: a call that is cancelled while the server is found out is not sent", async () => {
  const released = Promise.withResolvers();
  await using server = await bridgeServer({
    on: {
      "server/discover": async () => {
        await released.promise;
        return { resultType: "complete", supportedVersions: [STATELESS], capabilities: { tools: {} }, ttlMs: 0, cacheScope: "private" };
      },
    },
  });
  await using bridge = startBridge(server.url);
  bridge.send({ jsonrpc: "2.0", id: "early", method: "tools/call", params: { name: "echo", _meta } });
  await server.received("server/discover");
  bridge.notify("notifications/cancelled", { requestId: "early", _meta });
  // The bridge has read the line before that one.
  bridge.send("no JSON");
  await bridge.message(({ id }) => id === null);
  released.resolve();
  await bridge.result("tools/list", { _meta });
  assert.deepEqual(server.log, ["POST server/discover", "POST tools/list"]);
  assert.equal(bridge.responses("early").length, 0);
});
