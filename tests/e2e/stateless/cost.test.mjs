// Cost of requests of 2026-07-28, counted from workerd's own trace.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { open } from "../../support/mcp.mjs";
import { ours } from "../../support/oauth.mjs";
import { rowsOfAll } from "../../support/rows.mjs";
import { Stateless, TASKS, handleIn } from "../../support/stateless.mjs";
import { sleep, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const vars = { SESSION_KEY: "the-key-of-this-deployment-in-tests" };
const server = await fixture({ trace: true, vars });
after(() => server.stop());

const OBJECTS = ["McpObject", "McpTask", "McpHub"];
const COLUMNS = ["objectRequests", "storageReads", "storageWrites", "alarms", "kvReads", "kvWrites", "fetches"];
// The hub makes sure of its table, and looks which sessions listen.
const PUBLISHED = { objectRequests: 1, storageReads: 2 };
const NOTHING = Object.fromEntries(COLUMNS.map((column) => [column, 0]));
const ref = { type: "ref/prompt", name: "test_prompt_with_arguments" };
const PROGRESS = { progressToken: 1 };
const client = new Stateless(server, {
  capabilities: { elicitation: {}, ...TASKS },
  answers: { "elicitation/create": () => ({ action: "accept", content: { name: "Ann", confirm: true } }) },
});

/** Runs an operation that costs exactly `expected`, and returns its result. */
async function costing(expected, operation, at = server) {
  const cost = await at.cost(operation);
  const counted = Object.fromEntries(COLUMNS.map((column) => [column, cost[column]]));
  assert.deepEqual(counted, { ...NOTHING, ...expected }, JSON.stringify([cost.operations, cost.statements]));
  return cost.result;
}

const objects = (at = server) => OBJECTS.map((name) => at.objects(name));

describe("a request without a state", () => {
  for (const [what, method, params] of [
    ["what the server is", "server/discover"],
    ["the list of tools", "tools/list"],
    ["the list of resources", "resources/list"],
    ["the list of templates", "resources/templates/list"],
    ["the list of prompts", "prompts/list"],
    ["a tool", "tools/call", { name: "echo", arguments: { text: "x" } }],
    ["a tool with progress", "tools/call", { name: "test_tool_with_progress", arguments: {}, _meta: PROGRESS }],
    ["a tool that asks", "tools/call", { name: "test_input_required_result_elicitation", arguments: {} }],
    ["a resource", "resources/read", { uri: "test://static-text" }],
    ["a prompt", "prompts/get", { name: "test_simple_prompt" }],
    ["a completion", "completion/complete", { ref, argument: { name: "arg1", value: "pa" } }],
  ]) {
    test(`${what} costs only the Worker and makes no object`, async () => {
      const before = objects();
      const { response } = await costing({}, () => client.exchange(method, params));
      assert.ok(response.result, JSON.stringify(response));
      assert.deepEqual(objects(), before);
    });
  }

  test("a refused request makes no object", async () => {
    const before = objects();
    await costing({}, async () => {
      for (const [method, params] of [
        ["no/such", {}],
        ["tools/call", { name: "no_such_tool" }],
        ["tools/call", { name: "increment", arguments: { session: "made up" } }],
        ["tasks/get", { taskId: "made up" }],
        ["subscriptions/listen", {}],
        ["tools/call", { name: "echo", arguments: { text: "x" }, requestState: "made up" }],
      ])
        await client.post(client.message(1, method, params));
    });
    assert.deepEqual(objects(), before);
  });

  test("a hundred requests at once make no object", async () => {
    await costing({}, () => Promise.all(Array.from({ length: 100 }, (_, a) => client.callText("echo", { text: `${a}` }))));
  });
});

describe("the cost of a state", () => {
  test("a call costs one request to the object of its state, and a row if it changes", async () => {
    const session = handleIn(await client.call("increment"));
    await costing({ objectRequests: 1 }, () => client.call("cancel_aware", { ms: 1, session }));
    const read = () => client.request("resources/read", { uri: `mcp://resource/counter?session=${session}` });
    await read();
    await costing({ objectRequests: 1 }, read);
    // The fixture's hook publishes what changed, which concerns no session.
    await costing({ objectRequests: 2, storageWrites: 1 }, () => client.call("increment", { session }));
  });

  test("a state that is only read stores nothing", async () => {
    const kept = () => rowsOfAll(server, "McpObject", "durable_mcp").length;
    const before = kept();
    const { result } = await server.cost(() => client.request("resources/read", { uri: "mcp://resource/counter" }));
    assert.deepEqual([result.contents[0].text, kept()], ["0", before]);
  });
});

describe("the cost of a published change", () => {
  test("a change costs one request to the hub and one to each listening session", async () => {
    await client.call("test_trigger_tool_change");
    await costing(PUBLISHED, () => client.call("test_trigger_tool_change"));
  });

  test("a change to stateless streams, and their end, costs nothing more", async () => {
    const stream = await costing({ objectRequests: 1 }, () => client.listen({ toolsListChanged: true }));
    await costing(PUBLISHED, () => client.call("test_trigger_tool_change"));
    assert.equal((await stream.next()).json.method, "notifications/tools/list_changed");
    await costing({}, () => stream.reset());
  });

  test("a session that listens costs one request to the hub, and each change one to its object", async () => {
    const session = await open(server);
    await session.call("echo", { text: "x" });
    const opened = await server.cost(async () => {
      const stream = session.stream();
      await stream.next();
      return stream;
    });
    assert.equal(opened.objectRequests, 2);
    const stream = opened.result;
    await costing({ ...PUBLISHED, objectRequests: 2 }, () => client.call("test_trigger_prompt_change"));
    assert.equal((await stream.next()).json.method, "notifications/prompts/list_changed");
    stream.close();
    await session.end();
  });
});

describe("the cost of a task", () => {
  test("a task costs one request to its object at its start and one for each poll", async () => {
    const before = objects();
    const begun = await server.cost(() => client.begin("confirm_delete", { filename: "a.txt" }));
    assert.equal(begun.objectRequests, 1);
    assert.deepEqual(objects(), before.map((count, at) => count + (OBJECTS[at] === "McpTask" ? 1 : 0)));
    const task = begun.result;
    await client.taskAt(task, "input_required");
    await costing({ objectRequests: 1 }, () => client.task(task));
    const updated = await server.cost(() => client.update(task, { confirm: { action: "accept", content: { confirm: true } } }));
    assert.equal(updated.objectRequests, 1);
    await until(async () => (await client.task(task)).status === "completed", "its end");
    const read = await server.cost(() => client.task(task));
    assert.deepEqual([read.objectRequests, read.storageWrites], [1, 1]);
  });

  test("a cancellation costs one request", async () => {
    const task = await client.begin("slow_compute", { seconds: 60 });
    const cancelled = await server.cost(() => client.cancel(task));
    assert.equal(cancelled.objectRequests, 1);
  });
});

describe("the cost of a signed-in caller", () => {
  let target;
  let ann;
  before(async () => {
    // A caller is known to an isolate for a second.
    target = await ours({}, { trace: true, vars });
    const { tokens } = await target.signIn({ user: "ann", client: await target.register(), scope: "read" });
    ann = new Stateless(target.server, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    await ann.call("increment");
  });
  after(() => target.stop());
  const forgotten = () => sleep(1100);

  test("a caller costs one read of KV, and none again within a second", async () => {
    await forgotten();
    await costing({ kvReads: 1 }, async () => {
      for (let call = 0; call < 3; call++) await ann.call("echo", { text: "x" });
    }, target.server);
  });

  test("a state of the caller costs one request to its object besides", async () => {
    await forgotten();
    const read = () => ann.request("resources/read", { uri: "mcp://resource/counter" });
    await costing({ kvReads: 1, objectRequests: 1 }, read, target.server);
  });
});

test("a deployment without a configured key reads its generated one once", async () => {
  await using keyless = await fixture({ trace: true });
  const client = new Stateless(keyless, { capabilities: { elicitation: {} } });
  const ask = () => client.round("tools/call", { name: "test_input_required_result_elicitation", arguments: {} });
  await costing({}, () => client.callText("echo", { text: "x" }), keyless);
  await costing({ objectRequests: 1, storageReads: 1, storageWrites: 2 }, ask, keyless);
  await costing({}, ask, keyless);
});
