// Tasks, by the package that brings them to the TypeScript SDK's second generation.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createTaskSessionFromClient, resultFromTaskOutcome } from "@modelcontextprotocol/ext-tasks/client";
import { RawDispatch, checked } from "../../support/sdk.mjs";
import { WAIT_MS, until } from "../../support/wait.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const server = await demo();
const fixtures = await fixture();
after(() => Promise.all([server.stop(), fixtures.stop()]));

const LIMIT = { timeout: WAIT_MS };
const INFO = { name: "tests", version: "1.0.0" };
const CAPABILITIES = { elicitation: {} };

// What was opened last is closed first.
const open = [];
afterEach(async () => {
  while (open.length > 0) await open.pop().close();
});

/** A client that can call tools as tasks, and answers questions by what their form asks for. */
async function connect(to, answers = {}) {
  const transport = () => new StreamableHTTPClientTransport(new URL("/mcp", to.url));
  const capabilities = { ...CAPABILITIES, extensions: { "io.modelcontextprotocol/tasks": {} } };
  const client = new Client(INFO, { capabilities, versionNegotiation: { mode: "auto" } });
  const raw = new RawDispatch(transport());
  open.push(raw, client);
  await client.connect(checked(transport()), LIMIT);
  await raw.start();
  const asked = [];
  const session = createTaskSessionFromClient(client, {
    endpointId: to.url,
    rawDispatch: raw.dispatch,
    v2RequestFraming: {
      protocolVersion: client.getNegotiatedProtocolVersion(),
      clientInfo: INFO,
      clientCapabilities: CAPABILITIES,
    },
    onInputRequest: ({ params }, { scope, inputId }) => {
      asked.push({ scope, inputId, message: params.message });
      const names = Object.keys(params.requestedSchema.properties);
      return { action: "accept", content: Object.fromEntries(names.map((name) => [name, answers[name]])) };
    },
  });
  open.push(session);
  return { client, session, asked };
}

const text = (outcome) => {
  const { content, isError } = resultFromTaskOutcome(outcome);
  assert.equal(content.length, 1);
  assert.ok(!isError, content[0].text);
  return content[0].text;
};

describe("the demo's report", () => {
  test("the report is written as a task with a question and progress", async () => {
    const { session, asked } = await connect(server, { pages: 3 });
    const execution = await session.callTool("write_report", { topic: "tea" });
    assert.equal(execution.kind, "task");
    const seen = [];
    const onEvent = ({ task }) => task && seen.push([task.status, task.statusMessage]);
    const { outcome } = await execution.settle({ onEvent });
    assert.equal(text(outcome), "A report about tea, 3 pages.");
    const [question] = asked;
    assert.deepEqual([asked.length, question.scope, question.message], [1, "task", "A report about tea:"]);
    const states = seen.map(([status]) => status).filter((status, at, all) => status !== all[at - 1]);
    assert.deepEqual(states, ["working", "input_required", "working", "completed"]);
    assert.ok(seen.some(([, message]) => /writing page \d of 3/.test(message)));
  });

  test("the report can be fetched by another connection", async () => {
    const first = await connect(server);
    const execution = await first.session.callTool("write_report", { topic: "coffee" });
    let reference;
    await execution.handoff((given) => (reference = given));
    const second = await connect(server, { pages: 1 });
    const resumed = await second.session.resumeTask(reference);
    assert.equal(text((await resumed.settle()).outcome), "A report about coffee, 1 pages.");
    assert.deepEqual([first.asked.length, second.asked.length], [0, 1]);
  });

  test("a client without tasks gets the report directly", async () => {
    const client = new Client(INFO, { capabilities: CAPABILITIES, versionNegotiation: { mode: "auto" } });
    client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: { pages: 1 } }));
    open.push(client);
    await client.connect(checked(new StreamableHTTPClientTransport(new URL("/mcp", server.url))), LIMIT);
    const { content } = await client.callTool({ name: "write_report", arguments: { topic: "milk" } }, LIMIT);
    assert.equal(content[0].text, "A report about milk, 1 pages.");
  });
});

describe("a task", () => {
  for (const [name, args, answers, expected] of [
    ["slow_compute", { seconds: 1, label: "a sum" }, {}, "computed a sum in 1 s"],
    ["confirm_delete", { filename: "notes.txt" }, { confirm: true }, "Deleted notes.txt"],
    ["confirm_delete", { filename: "notes.txt" }, { confirm: false }, "Kept notes.txt"],
    // It asks before it is one.
    ["test_tool_with_task", {}, { name: "Ada" }, "Done for Ada"],
  ]) {
    test(`a task of ${name} with ${JSON.stringify({ ...args, ...answers })} ends with its result`, async () => {
      const { session } = await connect(fixtures, answers);
      const execution = await session.callTool(name, args);
      assert.equal(execution.kind, "task");
      assert.equal(text((await execution.settle()).outcome), expected);
    });
  }

  test("a task may ask two questions at once", async () => {
    const { session, asked } = await connect(fixtures, { value: "yes" });
    const execution = await session.callTool("multi_input", {});
    assert.match(text((await execution.settle()).outcome), /yes.* and .*yes/);
    assert.deepEqual(asked.map(({ inputId }) => inputId).toSorted(), ["first", "second"]);
  });

  test("a task of a failing tool has an error result", async () => {
    const { session } = await connect(fixtures);
    const { outcome } = await (await session.callTool("failing_job", {})).settle();
    assert.equal(outcome.status, "completed");
    assert.equal(outcome.result.isError, true);
    assert.equal(outcome.result.content[0].text, "This job always fails.");
  });

  test("a task with a protocol error has failed with it", async () => {
    const { session } = await connect(fixtures);
    const { outcome } = await (await session.callTool("protocol_error_job", {})).settle();
    assert.equal(outcome.status, "failed");
    assert.equal(outcome.error.code, -32603);
    assert.match(outcome.error.message, /This job ends with an error/);
  });

  test("a task can be cancelled", async () => {
    const { session } = await connect(fixtures);
    const execution = await session.callTool("slow_compute", { seconds: 60 });
    const settled = execution.settle();
    await execution.cancel();
    assert.equal((await settled).outcome.status, "cancelled");
    assert.equal((await session.task(execution.handle.taskId).snapshot()).status, "cancelled");
    const ended = ({ json }) => json?.event === "task" && json.name === "slow_compute" && json.outcome === "cancelled";
    await until(() => fixtures.logs.some(ended), "the end of the work");
  });

  test("status changes reach subscribers", async () => {
    const { client, session } = await connect(fixtures);
    const execution = await session.callTool("slow_compute", { seconds: 2 });
    const told = [];
    client.fallbackNotificationHandler = ({ method, params }) => told.push({ method, ...params });
    // The SDK knows nothing of tasks, and passes on what it does not know.
    const subscription = await client.listen({ taskIds: [execution.handle.taskId] }, LIMIT);
    await until(() => told.length > 0, "the end of the task");
    const [{ method, taskId, status, result }] = told;
    assert.deepEqual([method, taskId, status], ["notifications/tasks", execution.handle.taskId, "completed"]);
    assert.equal(result.content[0].text, "computed  in 2 s");
    await subscription.close();
    await execution.close();
  });

  test("a made-up task is unknown", async () => {
    const { session } = await connect(fixtures);
    await assert.rejects(session.task("made-up").snapshot(), { code: -32602 });
  });

  test("a tool that answers at once makes no task", async () => {
    const { session } = await connect(fixtures, { name: "Ada" });
    for (const [name, args] of [
      ["greet", { name: "Ada" }],
      ["test_input_required_result_elicitation", {}],
    ]) {
      const execution = await session.callTool(name, args);
      assert.equal(execution.kind, "immediate");
      assert.equal(text((await execution.settle()).outcome), "Hello, Ada!");
    }
  });
});
