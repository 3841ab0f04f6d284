// Calls that run as tasks: their life, their questions, their end. Extension `io.modelcontextprotocol/tasks`.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { open } from "../../support/mcp.mjs";
import { META, Stateless, TASKS, refusesStateless as refuses, rejected } from "../../support/stateless.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture({ secondSocket: true });
after(() => server.stop());

const OBJECT = "McpTask";
const accept = (content) => ({ action: "accept", content });
const CONTENT = { confirm: { confirm: true }, first: { value: "one" }, second: { value: "two" }, user_name: { name: "Ann" } };
const options = {
  capabilities: { elicitation: {}, ...TASKS },
  answers: { "elicitation/create": (_, key = "confirm") => accept(CONTENT[key]) },
};
const client = new Stateless(server, options);
const plain = new Stateless(server, { ...options, capabilities: { elicitation: {} } });
const textOf = ({ result }) => result.content[0].text;
const flipped = (text, at) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);

describe("a task", () => {
  test("a task begins with an id and can be polled at once at every isolate", async () => {
    const { resultType, _meta, ...begun } = await client.begin("slow_compute", { seconds: 600 });
    const { taskId, createdAt, lastUpdatedAt, ...rest } = begun;
    assert.deepEqual(rest, { status: "working", ttlMs: 7_200_000, pollIntervalMs: 1000 });
    assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000 && lastUpdatedAt === createdAt);
    assert.match(taskId, /^2\.[\w-]+$/);
    for (const at of [server, server.second]) {
      const now = await client.task(begun, { at });
      assert.deepEqual([now.taskId, now.status, now.resultType], [taskId, "working", "complete"]);
    }
    await client.cancel(begun);
  });

  test("a task's result is there at every isolate, and stays", async () => {
    const begun = await client.begin("slow_compute", { seconds: 1, label: "it" });
    const done = await client.finished(begun, { at: server.second });
    assert.deepEqual([done.status, textOf(done), done.result.isError], ["completed", "computed it in 1 s", undefined]);
    assert.ok(Date.parse(done.lastUpdatedAt) > Date.parse(begun.createdAt));
    assert.deepEqual(await client.task(begun), done);
  });

  test("a task reports its progress", async () => {
    const task = await client.begin("slow_compute", { seconds: 3 });
    await until(async () => (await client.task(task)).statusMessage === "1 of 3 s", "its progress");
    await client.cancel(task);
  });

  test("a tool error completes its task, a protocol error fails it", async () => {
    const failed = await client.finished(await client.begin("failing_job"));
    assert.deepEqual([failed.status, failed.result.isError], ["completed", true]);
    assert.equal(textOf(failed), "This job always fails.");
    const refused = await client.finished(await client.begin("protocol_error_job"));
    assert.deepEqual([refused.status, refused.error.code, refused.result], ["failed", -32603, undefined]);
    assert.match(refused.error.message, /error of the protocol/);
  });

  test("a panicking tool completes its task with an error, and the next one runs", async () => {
    const panicked = await client.finished(await client.begin("panicking_job"));
    assert.deepEqual([panicked.status, panicked.result.isError], ["completed", true]);
    assert.match(textOf(panicked), /failed unexpectedly/);
    assert.equal((await client.finished(await client.begin("brief_job"))).status, "completed");
  });

  test("wrong arguments are an error result of the task", async () => {
    const misfit = await client.finished(await client.begin("slow_compute", { seconds: "many" }));
    assert.deepEqual([misfit.status, misfit.result.isError], ["completed", true]);
    assert.match(textOf(misfit), /`seconds`/);
  });
});

describe("a task with questions", () => {
  test("a task waits for answers by `tasks/update` and continues", async () => {
    const task = await client.begin("confirm_delete", { filename: "a.txt" });
    const { inputRequests } = await client.taskAt(task, "input_required");
    assert.deepEqual(Object.keys(inputRequests), ["confirm"]);
    assert.equal(inputRequests.confirm.method, "elicitation/create");
    assert.equal(inputRequests.confirm.params.message, "Delete a.txt?");
    const { resultType, _meta, ...ack } = await client.update(task, { confirm: accept(CONTENT.confirm) }, { at: server.second });
    assert.deepEqual([resultType, ack], ["complete", {}]);
    assert.equal(textOf(await client.taskAt(task, "completed")), "Deleted a.txt");
    // Nothing waits for this any more.
    await client.update(task, { confirm: { action: "decline" } });
    assert.equal(textOf(await client.task(task)), "Deleted a.txt");
  });

  test("a task accepts some of its answers and waits for the rest", async () => {
    const task = await client.begin("multi_input");
    const { inputRequests } = await client.taskAt(task, "input_required");
    assert.deepEqual(Object.keys(inputRequests).toSorted(), ["first", "second"]);
    await client.update(task, { first: accept(CONTENT.first), other: accept({}), second: { action: "perhaps" } });
    const now = await client.task(task);
    assert.deepEqual([now.status, Object.keys(now.inputRequests)], ["input_required", ["second"]]);
    await client.update(task, { first: { action: "decline" } });
    await client.update(task, { second: accept(CONTENT.second) });
    const done = await client.taskAt(task, "completed");
    assert.match(textOf(done), /one.*two/);
  });

  test("questions of the request come before the task begins", async () => {
    const { response, rounds } = await client.exchange("tools/call", { name: "test_tool_with_task", arguments: {} });
    assert.deepEqual(rounds.map(({ result }) => result.resultType), ["input_required", "task"]);
    assert.equal(rounds[0].result.taskId, undefined);
    assert.equal(response.result.requestState, undefined);
    assert.equal(textOf(await client.finished(response.result)), "Done for Ann");
  });

  test("malformed answers are refused", async () => {
    const task = await client.begin("confirm_delete", { filename: "a.txt" });
    for (const inputResponses of [undefined, null, [], "yes", { confirm: null }, { confirm: true }]) {
      const message = client.message("u", "tasks/update", { taskId: task.taskId, inputResponses });
      refuses(await client.post(message), 400, -32602, "u");
    }
    await client.cancel(task);
  });
});

describe("a cancelled task", () => {
  for (const [what, begin] of [
    ["while it works", () => client.begin("slow_compute", { seconds: 60 })],
    ["while it asks", async () => {
      const task = await client.begin("confirm_delete", { filename: "a.txt" });
      await client.taskAt(task, "input_required");
      return task;
    }],
  ]) {
    test(`a task ends ${what}, and a second cancellation changes nothing`, async () => {
      const task = await begin();
      for (let time = 0; time < 2; time++) {
        const { resultType, _meta, ...ack } = await client.cancel(task);
        assert.deepEqual([resultType, ack], ["complete", {}]);
        const { status, result, error, inputRequests } = await client.taskAt(task, "cancelled");
        assert.deepEqual([status, result, error, inputRequests], ["cancelled", undefined, undefined, undefined]);
      }
      await client.update(task, { confirm: accept(CONTENT.confirm) });
      assert.equal((await client.task(task)).status, "cancelled");
    });
  }

  test("a handler that listens for cancellation is notified and cleans up", async () => {
    const task = await client.begin("tidy_job");
    assert.equal(await client.callText("tidied", { name: "tidied" }), "nothing");
    await client.cancel(task);
    await until(async () => (await client.callText("tidied", { name: "tidied" })) === "yes", "the handler to tidy up");
    assert.equal((await client.task(task)).status, "cancelled");
  });

  test("a task that is cancelled after its end keeps its result", async () => {
    const task = await client.begin("brief_job");
    const done = await client.finished(task);
    await client.cancel(task);
    assert.deepEqual(await client.task(task), done);
  });
});

describe("an unknown task id", () => {
  test("an unknown id is refused and makes no object", async () => {
    await using elsewhere = await fixture();
    const foreign = await new Stateless(elsewhere, options).begin("brief_job");
    const { taskId } = await client.begin("confirm_delete", { filename: "a.txt" });
    const objects = server.objects(OBJECT);
    for (const made of [
      ...["x", "", "0".repeat(64), "A".repeat(5000), "../a", "größe", foreign.taskId],
      ...[taskId.slice(0, -1), `${taskId}A`, taskId.toLowerCase(), flipped(taskId, 0), flipped(taskId, 30)],
    ]) {
      for (const ask of [client.task, client.cancel, (task) => client.update(task, {})])
        assert.match((await rejected(ask.call(client, { taskId: made }), -32602)).message, /no such task/);
      using stream = await client.listen({ taskIds: [made] });
      assert.deepEqual(stream.acknowledged, {});
    }
    assert.equal(server.objects(OBJECT), objects);
    for (const params of [{}, { taskId: 5 }, { taskId: null }])
      refuses(await client.post(client.message(1, "tasks/get", params)), 400, -32602, 1);
  });
});

describe("a client without tasks", () => {
  test("a tool that may be a task answers directly, and one that must be is refused", async () => {
    assert.equal(await plain.callText("slow_compute", { seconds: 1, label: "it" }), "computed it in 1 s");
    assert.equal(await plain.callText("confirm_delete", { filename: "a.txt" }), "Deleted a.txt");
    const requiredCapabilities = TASKS;
    const { data, answer } = await rejected(plain.call("failing_job"), -32021);
    assert.deepEqual([data, answer.status], [{ requiredCapabilities }, 400]);
    for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
      const refused = await plain.post(plain.message(1, method, { taskId: "x", inputResponses: {} }));
      assert.deepEqual(refuses(refused, 400, -32021, 1).data, { requiredCapabilities });
    }
  });

  test("a session gets a direct answer too, or an error with the reason", async () => {
    const session = await open(server, { answers: options.answers, capabilities: { elicitation: {} } });
    assert.equal(await session.callText("brief_job"), "brief");
    assert.equal(await session.callText("confirm_delete", { filename: "a.txt" }), "Deleted a.txt");
    await assert.rejects(session.call("failing_job"), ({ code, message }) => code === -32000 && /task/.test(message));
  });

  test("a tool that decides by itself answers directly", async () => {
    // The extension is declared with each request, so one call may be a task and the next one not.
    const _meta = { [`${META}/clientCapabilities`]: { elicitation: {} } };
    const params = { name: "brief_job", arguments: {}, _meta };
    assert.equal((await client.request("tools/call", params)).content[0].text, "brief");
  });
});
