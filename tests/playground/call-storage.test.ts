// Calls that are stored for a tab.
import assert from "node:assert/strict";
import { test } from "node:test";
import { callerOf } from "../../playground/src/page/caller.ts";
import { forgetCalls, storeCalls, storedCalls } from "../../playground/src/page/call-storage.ts";
import { newServer } from "../../playground/src/page/state.ts";
import { targetOf } from "../../playground/src/protocol.ts";

test("what is forgotten goes also where the storage has no room for the rest", (t) => {
  const items = new Map<string, string>();
  let isFull = false;
  const storage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem(key: string, value: string) {
      if (isFull) throw new DOMException("No room.", "QuotaExceededError");
      items.set(key, value);
    },
    removeItem: (key: string) => void items.delete(key),
  };
  Object.defineProperty(globalThis, "sessionStorage", { value: storage, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, "sessionStorage"));
  const target = targetOf("https://server.example/mcp");
  const calls = { "tools echo": [{ number: 1, at: 1, answer: { result: "planted", ms: 1, bytes: 1 } }] };
  const [one, two] = [1, 2].map(() => ({ ...newServer(target), caller: callerOf(target), calls }));
  assert.ok(one && two);
  storeCalls([one, two].map((state) => ({ state, isRestored: true })));
  assert.equal(storedCalls(one).length, 1);
  isFull = true;
  forgetCalls(one.id);
  assert.deepEqual([storedCalls(one), storedCalls(two)], [[], []]);
});
