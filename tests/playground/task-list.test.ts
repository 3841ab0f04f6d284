// Tasks that a tab keeps.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Caller, callerOf } from "../../playground/src/page/caller.ts";
import { Store, newServer } from "../../playground/src/page/state.ts";
import { forgetTasks, keptTasks, setTasks, withTask } from "../../playground/src/page/task-list.ts";
import { targetOf } from "../../playground/src/protocol.ts";

const url = "https://server.example/mcp";

const by = (signInId?: string, more = {}): Caller => callerOf({ ...targetOf(url), ...more }, signInId);

/** Storage of a tab in which one caller has begun a task. */
function begunBy(caller: Caller, t: TestContext) {
  const items = new Map<string, string>();
  const storage = { getItem: (key: string) => items.get(key) ?? null, setItem: (key: string, value: string) => void items.set(key, value), removeItem: (key: string) => void items.delete(key) };
  Object.defineProperty(globalThis, "sessionStorage", { value: storage, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, "sessionStorage"));
  const store = new Store({ ...newServer(targetOf(url)), caller });
  setTasks(store, withTask([], { id: "planted", era: "modern", status: "working" }, "slow"));
  return { store, ids: (now: Caller) => keptTasks(now).map(({ info }) => info.id) };
}

test("tasks of a sign-in are for it alone", (t) => {
  const { ids } = begunBy(by("one"), t);
  assert.deepEqual([ids(by("one")), ids(by("two")), ids(by())], [["planted"], [], []]);
  forgetTasks(url);
  assert.deepEqual(ids(by("one")), []);
});

test("tasks that were begun without a sign-in are there after one", (t) => {
  const { store, ids } = begunBy(by(), t);
  assert.deepEqual([ids(by()), ids(by("one")), ids(by(undefined, { url: `${url}/other` }))], [["planted"], ["planted"], []]);
  forgetTasks(url);
  assert.deepEqual(ids(by()), ["planted"], "no sign-out ends them");
  setTasks(store, []);
  assert.deepEqual(ids(by()), []);
});

test("tasks that were begun with a token or a header are for it alone", (t) => {
  const headers = [["X-Key", "one"], ["X-Other", ""]];
  const { ids } = begunBy(by(undefined, { token: "one", headers }), t);
  assert.deepEqual(ids(by(undefined, { token: "one", headers: headers.slice(0, 1) })), ["planted"]);
  for (const other of [{ token: "two", headers }, { token: "one" }, {}]) assert.deepEqual(ids(by(undefined, other)), []);
});
