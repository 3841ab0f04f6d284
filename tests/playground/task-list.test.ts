// Tasks that a tab keeps.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Caller } from "../../playground/src/page/caller.ts";
import { Store, newServer } from "../../playground/src/page/state.ts";
import { forgetTasks, keptTasks, setTasks, withTask } from "../../playground/src/page/task-list.ts";
import { targetOf } from "../../playground/src/protocol.ts";

const url = "https://server.example/mcp";

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
  const { ids } = begunBy({ url, signInId: "one" }, t);
  assert.deepEqual([ids({ url, signInId: "one" }), ids({ url, signInId: "two" }), ids({ url, signInId: undefined })], [["planted"], [], []]);
  forgetTasks(url);
  assert.deepEqual(ids({ url, signInId: "one" }), []);
});

test("tasks that were begun without a sign-in are there after one", (t) => {
  const { store, ids } = begunBy({ url, signInId: undefined }, t);
  assert.deepEqual([ids({ url, signInId: undefined }), ids({ url, signInId: "one" }), ids({ url: `${url}/other`, signInId: undefined })], [["planted"], ["planted"], []]);
  forgetTasks(url);
  assert.deepEqual(ids({ url, signInId: undefined }), ["planted"], "no sign-out ends them");
  setTasks(store, []);
  assert.deepEqual(ids({ url, signInId: undefined }), []);
});
