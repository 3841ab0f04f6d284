// Crashes of the module, which no Rust code catches: the call gets an error with its id, and so does who waits beside it.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { open, request } from "../../support/mcp.mjs";
import { granted, ours, refused } from "../../support/oauth.mjs";
import { Stateless, TASKS, handleIn } from "../../support/stateless.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const INTERNAL = -32603;
const LONG_MS = 600_000;

const breaksDown = (json, id) => {
  assert.equal(json?.error?.code, INTERNAL, JSON.stringify(json));
  assert.equal(json.id, id, JSON.stringify(json));
  assert.match(json.error.message, /Its log says why/);
  assert.doesNotMatch(JSON.stringify(json), /wasm|stack|\.rs|memory|unreachable/i);
};

const isAnswered = (answer, id) => {
  assert.equal(answer.status, 200, `${answer}`);
  assert.match(answer.headers["content-type"], /^application\/json/);
  assert.equal(answer.headers["access-control-allow-origin"], "*");
  breaksDown(answer.json, id);
};

const crash = (name, args) => ({ name, arguments: args });

for (const way of ["recursion", "allocation"]) {
  for (const [when, args] of [
    ["at once", { way }],
    ["after a wait", { way, after_ms: 20 }],
  ]) {
    describe(`a crash by ${way} ${when}`, () => {
      test("a stateless call gets an error with its id, and the next call is served", async () => {
        const client = new Stateless(server);
        for (const id of ["first", 2]) {
          isAnswered(await client.post(client.message(id, "tools/call", crash("crash", args))), id);
          assert.equal(await client.callText("slow", { ms: 1 }), "waited 1 ms");
        }
        await server.log(/broke down/);
      });

      test("a session's call gets an error with its id, and the session keeps its state", async () => {
        const session = await open(server);
        assert.equal(await session.callText("increment", { by: 3 }), "3");
        for (const name of ["crash", "crash_with_state"]) {
          isAnswered(await session.post(request("s", "tools/call", crash(name, args))), "s");
        }
        assert.equal(await session.callText("increment"), "4");
      });

      test("the calls of a batch get errors with their ids", async () => {
        const session = await open(server, { version: "2025-03-26" });
        const calls = [request("a", "tools/call", crash("crash", args)), request("b", "tools/call", crash("slow", { ms: 500 }))];
        const answer = await session.post(JSON.stringify(calls));
        assert.equal(answer.status, 200, `${answer}`);
        answer.json.forEach((error, at) => breaksDown(error, "ab"[at]));
        assert.equal(answer.json.length, 2);
      });

      test("a stateless call with a state gets an error, and the state stays", async () => {
        const client = new Stateless(server);
        const handle = handleIn(await client.call("increment", { by: 5 }));
        const message = client.message("o", "tools/call", crash("crash_with_state", { ...args, session: handle }));
        isAnswered(await client.post(message), "o");
        assert.equal(await client.callText("increment", { session: handle }), "6");
      });

      test("a task fails", async () => {
        const client = new Stateless(server, { capabilities: TASKS });
        const { result, error } = (await client.post(client.message("t", "tools/call", crash("crashing_job", args)))).json;
        // A task whose work breaks down before its beginning was told has no other answer than a call.
        if (error) return breaksDown({ id: "t", error }, "t");
        const failed = await client.taskAt(result, "failed");
        assert.ok(failed.error.message.length > 10, JSON.stringify(failed));
      });
    });
  }

  test(`calls, streams and listeners beside a crash by ${way} are ended with an answer`, async () => {
    const client = new Stateless(server);
    const session = await open(server);
    const began = server.logs.filter(({ text }) => text.includes("began slow")).length;
    const slow = crash("slow", { ms: LONG_MS });
    const alone = client.post(client.message("alone", "tools/call", slow));
    const inSession = session.post(request("inside", "tools/call", slow));
    const long = { ...crash("slow_compute", { seconds: 600 }), _meta: { progressToken: 1 } };
    const events = client.postStream(client.message("events", "tools/call", long));
    const ofSession = session.postStream(request("of session", "tools/call", long));
    const withTasks = new Stateless(server, { capabilities: TASKS });
    const job = await withTasks.begin("slow_compute", { seconds: 600 });
    const listening = await client.listen({ toolsListChanged: true });
    const own = session.stream();
    for (const stream of [events, ofSession]) await stream.find(({ data }) => data?.includes("notifications/progress"));
    await own.next();
    await until(() => server.logs.filter(({ text }) => text.includes("began slow")).length >= began + 2, "both calls to run");

    isAnswered(await client.post(client.message("crash", "tools/call", crash("crash", { way, after_ms: 1 }))), "crash");

    isAnswered(await alone, "alone");
    isAnswered(await inSession, "inside");
    for (const [stream, id] of [
      [events, "events"],
      [ofSession, "of session"],
    ]) {
      const { json } = await stream.find(({ data }) => data?.includes('"error"'));
      breaksDown(json, id);
      assert.equal(await stream.next(), undefined);
    }
    for (const stream of [listening, own]) while (await stream.next()) assert.ok(stream);
    // Its tool changes nothing, so the job runs once more.
    assert.equal((await withTasks.task(job)).status, "working");
    await withTasks.cancel(job);
    await withTasks.taskAt(job, "cancelled");
    // Sessions from before the crash go on.
    assert.equal(await session.callText("slow", { ms: 1 }), "waited 1 ms");
    assert.equal(await client.callText("slow", { ms: 1 }), "waited 1 ms");
  });
}

test("a crash of a session's object is told through another isolate, to those who wait there too", async () => {
  const both = await fixture({ secondSocket: true });
  try {
    const here = await open(both);
    const there = await open(both.second);
    for (const session of [here, there]) assert.equal(await session.callText("increment"), "1");
    const waits = there.post(request("waits", "tools/call", crash("slow", { ms: LONG_MS })));
    await both.log(/began slow/);
    isAnswered(await here.post(request("h", "tools/call", crash("crash", { way: "recursion" }))), "h");
    isAnswered(await waits, "waits");
    isAnswered(await there.post(request("t", "tools/call", crash("crash_with_state", { way: "recursion" }))), "t");
    for (const session of [here, there]) assert.equal(await session.callText("increment"), "2");
  } finally {
    await both.stop();
  }
});

test("a hundred crashes one after another leave the server serving", async () => {
  const client = new Stateless(server);
  for (let round = 0; round < 100; round++) {
    const way = round % 10 ? "recursion" : "allocation";
    isAnswered(await client.post(client.message(round, "tools/call", crash("crash", { way }))), round);
  }
  assert.equal(await client.callText("slow", { ms: 1 }), "waited 1 ms");
});

test("a crash in the object of a user's grants is an error that may pass, and the grant goes on", async () => {
  const target = await ours({ hook: "crash", scopes: ["read", "crash"] });
  try {
    const { client, tokens } = await target.signIn({ scope: "read crash" });
    const session = await open(target.server, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    const waits = session.post(request("waits", "tools/call", crash("slow", { ms: LONG_MS })));
    await target.server.log(/began slow/);
    const origin = "https://client.example";
    for (let round = 0; round < 3; round++) {
      const answer = await target.refresh(client, tokens.refresh_token, { scope: "crash", headers: { origin } });
      refused(answer, "temporarily_unavailable", 503);
      assert.ok(answer.headers["retry-after"], `${answer}`);
      assert.equal(answer.headers["access-control-allow-origin"], origin);
    }
    isAnswered(await waits, "waits");
    const next = granted(await target.refresh(client, tokens.refresh_token, { scope: "read" }));
    assert.equal(await target.takes(next.access_token), true);
    assert.equal(await session.callText("increment"), "1");
  } finally {
    await target.stop();
  }
});

test("an error of a crash has the caller's origin, as every answer", async () => {
  const client = new Stateless(server);
  const origin = "http://localhost:6274";
  const answer = await client.post(client.message(1, "tools/call", crash("crash", { way: "recursion" })), { headers: { origin } });
  assert.equal(answer.headers["access-control-allow-origin"], origin, `${answer}`);
  assert.equal(answer.headers.vary, "origin");
  breaksDown(answer.json, 1);
});
