// Cost of requests: requests to Durable Objects, rows, objects that are created. Counted from workerd's own trace.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { initialize, open, post, request, send } from "../../support/mcp.mjs";
import { exists, rows } from "../../support/rows.mjs";
import { until } from "../../support/wait.mjs";
import { demo } from "../../support/workerd.mjs";

const server = await demo({ trace: true, vars: { SESSION_KEY: "the-key-of-this-deployment-in-tests", LOG_REQUESTS: "all" } });
after(() => server.stop());

const OBJECT = "McpObject";
const NOTHING = { objectRequests: 0, storageReads: 0, storageWrites: 0, alarms: 0, kvReads: 0, kvWrites: 0, fetches: 0 };
const call = (id, name, args = {}, meta) =>
  request(id, "tools/call", { name, arguments: args, ...(meta && { _meta: meta }) });

function costs(cost, expected) {
  const counted = Object.fromEntries(Object.keys(NOTHING).map((column) => [column, cost[column]]));
  assert.deepEqual(counted, { ...NOTHING, ...expected }, JSON.stringify(cost.operations));
}

// Rows that the log says were written by tools of that name.
const logged = (name) => server.logs.flatMap(({ json }) => (json?.name === name ? [json.rows] : []));

// Waits for the lines of all calls before: the log has them in their order, and comes late at times.
async function logUpToNow(session) {
  const before = logged("countdown").length;
  await session.call("countdown", { steps: 1, delay_ms: 1 });
  await until(() => logged("countdown").length > before, "the line of a call");
}

// The cost of calls of a tool, and the rows that each of them wrote.
async function costOfCalls(session, name, operation) {
  await logUpToNow(session);
  const from = logged(name).length;
  const cost = await server.cost(operation);
  await logUpToNow(session);
  return { cost, rowsWritten: logged(name).slice(from) };
}

async function warm(options) {
  const session = await open(server, options);
  await session.call("add", { a: 0, b: 0 });
  return session;
}

test("a session begins without an object", async () => {
  const objects = server.objects(OBJECT);
  const cost = await server.cost(() => Promise.all(Array.from({ length: 20 }, () => open(server))));
  costs(cost, {});
  assert.equal(server.objects(OBJECT), objects);
  assert.equal(exists(server, cost.result[0]), false);
});

test("a deployment without a configured key reads its generated one once", async () => {
  await using keyless = await demo({ trace: true });
  costs(await keyless.cost(() => open(keyless)), { objectRequests: 1, storageReads: 1, storageWrites: 2 });
  costs(await keyless.cost(() => open(keyless)), {});
  const session = await open(keyless);
  await session.call("add", { a: 1, b: 1 });
  costs(await keyless.cost(() => session.call("add", { a: 1, b: 1 })), { objectRequests: 1 });
});

describe("the cost of a warm session", () => {
  let session;
  before(async () => {
    session = await warm({ capabilities: { elicitation: {} } });
  });

  test("a hundred calls in a row cost a hundred requests to the object and no row", async () => {
    const { cost, rowsWritten } = await costOfCalls(session, "add", async () => {
      for (let a = 0; a < 100; a++) assert.equal(await session.callText("add", { a, b: 1 }), `${a + 1}`);
    });
    costs(cost, { objectRequests: 100 });
    assert.deepEqual(rowsWritten, Array(100).fill(0));
  });

  test("a hundred parallel calls cost a hundred requests and no row", async () => {
    const cost = await server.cost(() =>
      Promise.all(Array.from({ length: 100 }, (_, a) => session.callText("add", { a, b: 1 }))),
    );
    costs(cost, { objectRequests: 100 });
  });

  for (const [what, method, params] of [
    ["a list", "tools/list", {}],
    ["a ping", "ping", {}],
    ["a resource", "resources/read", { uri: "mcp://resource/counter" }],
    ["an unknown method", "no/such", {}],
  ]) {
    test(`${what} is one request to its object`, async () => {
      // State is read when it is first asked for.
      await session.exchange(method, params);
      costs(await server.cost(() => session.exchange(method, params)), { objectRequests: 1 });
    });
  }

  test("a call with progress is one request to its object, and nothing of its stream is kept", async () => {
    const message = call(1, "countdown", { steps: 5, delay_ms: 10 }, { progressToken: 1 });
    const cost = await server.cost(() => session.post(message));
    assert.equal(cost.result.messages.length, 6);
    costs(cost, { objectRequests: 1 });
  });

  test("a question to the client costs its answer", async () => {
    const answers = { "elicitation/create": () => ({ action: "decline" }) };
    const asked = await warm({ capabilities: { elicitation: {} }, answers });
    const cost = await server.cost(() => asked.callText("book_table", { restaurant: "Ada's" }));
    assert.equal(cost.result, "Nothing was booked.");
    costs(cost, { objectRequests: 2 });
  });

  test("`notifications/initialized` costs nothing, and any other notification a request to its object", async () => {
    costs(await server.cost(() => session.notify("notifications/initialized")), {});
    costs(await server.cost(() => session.notify("notifications/cancelled", { requestId: 77 })), { objectRequests: 1 });
  });

  test("a GET stream costs one request to the object, and the first one joins the hub", async () => {
    const listen = async (session) => {
      const stream = session.stream();
      await stream.next();
      stream.close();
    };
    // The hub makes its tables and orders its alarm for the first of all sessions.
    await listen(await warm());
    // Its row is looked for, its user, network and all are counted, and it is written.
    costs(await server.cost(() => listen(session)), { objectRequests: 2, storageReads: 3, storageWrites: 2 });
    costs(await server.cost(() => listen(session)), { objectRequests: 1 });
  });

  test("a change of state costs one row", async () => {
    await session.call("increment");
    const { cost, rowsWritten } = await costOfCalls(session, "increment", () => session.callText("increment", { by: 2 }));
    costs(cost, { objectRequests: 1, storageWrites: 1 });
    assert.deepEqual(rowsWritten, [1]);
    assert.equal(rows(server, session, "state").length, 1);
  });
});

test("the first change of a session's state makes its table, writes its row and orders its end", async () => {
  const session = await warm();
  const { cost, rowsWritten } = await costOfCalls(session, "increment", () => session.call("increment"));
  costs(cost, { objectRequests: 1, storageWrites: 2, alarms: 1 });
  assert.deepEqual(rowsWritten, [1]);
});

test("a session that only calls tools leaves nothing on disk", async () => {
  const session = await warm();
  await session.post(call(1, "countdown", { steps: 2, delay_ms: 1 }, { progressToken: 1 }));
  await session.request("tools/list");
  assert.deepEqual(rows(server, session, "state"), []);
});

describe("the cost of invalid session ids", () => {
  // Every method that a session has.
  const uses = (id) => {
    const headers = { "mcp-session-id": id };
    const accept = { accept: "text/event-stream" };
    return [
      () => post(server, request(1, "tools/list"), { headers }),
      () => post(server, call(1, "add", { a: 1, b: 1, more: "x".repeat(500) }), { headers }),
      () => post(server, { jsonrpc: "2.0", method: "notifications/initialized" }, { headers }),
      () => post(server, initialize(), { headers }),
      () => send(server, "GET", "/mcp", { headers: { ...headers, ...accept } }),
      () => send(server, "GET", "/mcp", { headers: { ...headers, ...accept, "last-event-id": "0-0-0" } }),
      () => send(server, "DELETE", "/mcp", { headers }),
    ];
  };

  async function refuses(ids, uses) {
    for (const id of ids)
      for (const use of uses(id)) {
        const answer = await use();
        assert.equal(answer.status, 404, `${id}: ${answer}`);
        assert.deepEqual([answer.json.id, answer.json.error.code], [null, -32001], `${id}: ${answer}`);
        assert.match(answer.json.error.message, /initialize/);
      }
  }

  const flipped = (id, at) => id.slice(0, at) + (id[at] === "A" ? "B" : "A") + id.slice(at + 1);

  test("a malformed, changed or foreign id gets 404 and reaches no object", async () => {
    await using elsewhere = await demo({ vars: { SESSION_KEY: "the-key-of-another-deployment-of-tests" } });
    const { id } = await open(server);
    const foreign = (await open(elsewhere)).id;
    const objects = server.objects(OBJECT);
    const made = [
      ...["x", "null", "undefined", "../../etc/passwd", "1868a90c-2a1b-4d2f-9a93-1f6f5b8d2e11", "0".repeat(64)],
      ...["A".repeat(140), "A".repeat(4000), "=", "%00", "'; DROP TABLE sessions; --"],
      ...[id.slice(0, -1), id.slice(1), id.slice(0, 60), `${id}A`, `${id}=`, `${id}, ${id}`, id.toLowerCase()],
      // Its format, key, object, time, version, capabilities, owner, client and signature.
      ...[0, 3, 20, 52, 56, 58, 65, 81, id.length - 10].map((at) => flipped(id, at)),
      foreign,
    ];
    costs(await server.cost(() => refuses(made, uses)), {});
    assert.equal(server.objects(OBJECT), objects);
  });

  test("an id under an unknown key rereads the keys at most once in ten seconds", async () => {
    await using keyless = await demo({ trace: true });
    const { id } = await open(keyless);
    const cost = await keyless.cost(async () => {
      for (let at = 0; at < 50; at++) {
        const headers = { "mcp-session-id": flipped(id, 2) };
        const answer = await post(keyless, request(1, "ping"), { headers });
        assert.equal(answer.status, 404, `${answer}`);
      }
    });
    assert.ok(cost.objectRequests <= 1, `${cost.objectRequests} requests`);
    assert.equal(keyless.objects(OBJECT), 0);
  });

  test("an id of a deleted session gets 404 and costs neither object nor row", async () => {
    const session = await warm();
    await session.call("increment");
    assert.equal((await session.end()).status, 204);
    const objects = server.objects(OBJECT);
    // `notifications/initialized` is answered without asking the object.
    const asking = uses(session.id).toSpliced(2, 1);
    const cost = await server.cost(() => refuses([session.id], () => asking));
    costs(cost, { objectRequests: asking.length });
    assert.equal(server.objects(OBJECT), objects);
  });
});
