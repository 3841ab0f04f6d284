// Storage of tasks: through restarts of the server, for their time, and what their listeners hear.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { rowsOfAll } from "../../support/rows.mjs";
import { META, Stateless, TASKS, rejected } from "../../support/stateless.mjs";
import { sleep, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const accept = (content) => ({ action: "accept", content });
const options = { capabilities: { elicitation: {}, ...TASKS } };
const textOf = ({ result }) => result.content[0].text;

describe("a restart of the server", () => {
  test("a working idempotent task runs again when it is polled", async () => {
    await using server = await fixture();
    const client = new Stateless(server, options);
    const task = await client.begin("slow_compute", { seconds: 2, label: "it" });
    await until(async () => (await client.task(task)).statusMessage === "1 of 2 s", "its progress");
    await server.restart();
    assert.equal((await client.task(task)).status, "working");
    const done = await client.taskAt(task, "completed");
    assert.equal(textOf(done), "computed it in 2 s");
    await server.restart();
    assert.deepEqual(await client.task(task), done);
  });

  test("repeated restarts end a task that never finishes", async () => {
    await using server = await fixture();
    const client = new Stateless(server, options);
    const task = await client.begin("slow_compute", { seconds: 30 });
    let status;
    for (let round = 0; round < 5; round++) {
      ({ status } = await client.task(task));
      if (status === "failed") break;
      await server.restart();
    }
    assert.equal(status, "failed");
    assert.match((await client.task(task)).error.message, /restarted while this ran/);
  });

  test("a working task that may not run again fails with a hint at the log", async () => {
    await using server = await fixture();
    const client = new Stateless(server, options);
    const task = await client.begin("careful_job", { seconds: 60 });
    assert.equal((await client.task(task)).status, "working");
    await server.restart();
    const now = await client.task(task);
    assert.deepEqual([now.status, now.statusMessage, now.error.code], ["failed", "cut off by a restart", -32603]);
    assert.match(now.error.message, /restarted while this ran.*before you call the tool again/);
    await client.cancel(task);
    assert.deepEqual(await client.task(task), now);
  });

  test("a waiting task keeps its questions and continues with the answer", async () => {
    await using server = await fixture();
    const client = new Stateless(server, options);
    const task = await client.begin("multi_input");
    const asking = await client.taskAt(task, "input_required");
    await client.update(task, { first: accept({ value: "one" }) });
    await server.restart();
    const still = await client.task(task);
    assert.deepEqual([still.status, Object.keys(still.inputRequests)], ["input_required", ["second"]]);
    assert.deepEqual(still.inputRequests.second, asking.inputRequests.second);
    await client.update(task, { second: accept({ value: "two" }) });
    assert.match(textOf(await client.taskAt(task, "completed")), /one.*two/);
  });

  test("a waiting task that may not run again continues with what it did once", async () => {
    await using server = await fixture();
    const client = new Stateless(server, options);
    const task = await client.begin("careful_job", { seconds: 0 });
    await client.taskAt(task, "input_required");
    await server.restart();
    await client.update(task, { note: accept({ value: "a note" }) });
    assert.equal(textOf(await client.taskAt(task, "completed")), "changed, a note");
  });

  test("a cancelled task stays cancelled", async () => {
    await using server = await fixture();
    const client = new Stateless(server, options);
    const task = await client.begin("slow_compute", { seconds: 60 });
    await client.cancel(task);
    await server.restart();
    assert.equal((await client.task(task)).status, "cancelled");
  });
});

describe("a task that is not polled", { concurrency: true }, () => {
  // workerd lets an object go that nothing happened to for 10 s.
  const ASLEEP_MS = 13_000;

  test("an unpolled task runs to its end and begins only once", async () => {
    await using server = await fixture();
    const client = new Stateless(server, options);
    const tasks = [
      await client.begin("slow_compute", { seconds: 12, label: "it" }),
      await client.begin("careful_job", { seconds: 12 }),
    ];
    await sleep(ASLEEP_MS);
    const done = await client.taskAt(tasks[0], "completed");
    await client.taskAt(tasks[1], "input_required");
    const took = Date.parse(done.lastUpdatedAt) - Date.parse(done.createdAt);
    // Begun again when it had slept, it would have taken twice as long.
    assert.ok(took >= 11_900 && took < 22_000, `${took} ms`);
  });

  test("a task waits for its answers while its object sleeps", async () => {
    await using server = await fixture();
    const client = new Stateless(server, options);
    const task = await client.begin("multi_input");
    await client.taskAt(task, "input_required");
    await client.update(task, { first: accept({ value: "one" }) });
    await sleep(ASLEEP_MS);
    await client.update(task, { second: accept({ value: "two" }) });
    assert.match(textOf(await client.taskAt(task, "completed")), /one.*two/);
  });
});

describe("the ttl of a task", () => {
  test("a task is gone without a trace after its ttl", async () => {
    await using server = await fixture();
    const client = new Stateless(server, options);
    const task = await client.begin("brief_job");
    assert.equal(task.ttlMs, 2000);
    const done = await client.finished(task);
    assert.equal(textOf(done), "brief");
    assert.deepEqual(await client.task(task), done);
    await until(() => client.task(task).then(() => false, ({ code }) => code === -32602), "the end of its time");
    for (const ask of [client.task, client.cancel]) await rejected(ask.call(client, task), -32602);
    await until(() => rowsOfAll(server, "McpTask", "task").length === 0, "its rows to be gone");
  });

  test("the ttl ends a waiting task too", async () => {
    await using server = await fixture();
    const client = new Stateless(server, options);
    const waiting = await client.begin("brief_question");
    await client.taskAt(waiting, "input_required");
    await until(() => client.task(waiting).then(() => false, ({ code }) => code === -32602), "the end of its time");
    await rejected(client.update(waiting, { first: accept({}) }), -32602);
  });
});

describe("a subscriber of a task", () => {
  let server;
  before(async () => (server = await fixture({ secondSocket: true })));
  after(() => server.stop());
  const next = async (stream) => {
    const { method, params } = (await stream.next()).json;
    const { _meta, ...task } = params;
    assert.equal(method, "notifications/tasks");
    assert.deepEqual(_meta, { [`${META}/subscriptionId`]: stream.id });
    return task;
  };

  test("each status is notified with the content of `tasks/get`, at every isolate", async () => {
    const client = new Stateless(server, options);
    const task = await client.begin("careful_job", { seconds: 1 });
    const { taskId } = task;
    using stream = await client.listen({ taskIds: [taskId] }, { at: server.second });
    assert.deepEqual(stream.acknowledged, { taskIds: [taskId] });
    const asking = await next(stream);
    assert.deepEqual([asking.taskId, asking.status, Object.keys(asking.inputRequests)], [taskId, "input_required", ["note"]]);
    await client.update(task, { note: accept({ value: "a note" }) });
    const working = await next(stream);
    assert.deepEqual([working.status, working.inputRequests], ["working", undefined]);
    const done = await next(stream);
    const { resultType, _meta, ...now } = await client.task(task);
    assert.deepEqual([done, done.status], [now, "completed"]);
    await stream.quiet(100);
  });

  test("a new subscription after a restart restarts the task and is notified of its end", async () => {
    await using restarting = await fixture();
    const client = new Stateless(restarting, options);
    const task = await client.begin("slow_compute", { seconds: 1, label: "it" });
    await restarting.restart();
    using stream = await client.listen({ taskIds: [task.taskId] });
    const done = await next(stream);
    assert.deepEqual([done.status, textOf(done)], ["completed", "computed it in 1 s"]);
  });

  test("a cancellation is notified, and nothing of other tasks", async () => {
    const client = new Stateless(server, options);
    const [one, other] = [await client.begin("slow_compute", { seconds: 60 }), await client.begin("slow_compute", { seconds: 60 })];
    using stream = await client.listen({ taskIds: [one.taskId, "made up"] }, { id: 5 });
    assert.deepEqual(stream.acknowledged, { taskIds: [one.taskId] });
    await client.cancel(other);
    await client.cancel(one);
    const told = await next(stream);
    assert.deepEqual([told.taskId, told.status], [one.taskId, "cancelled"]);
    await stream.quiet(100);
  });
});
