// The answer to every refused request.
import assert from "node:assert/strict";

/** Asserts a JSON-RPC error with that status, code and id, and a message that one can do something with. */
export function refuses(answer, status, code, id = null) {
  assert.equal(answer.status, status, `${answer}`);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.equal(answer.headers["cache-control"], "no-store");
  const { error, ...envelope } = answer.json;
  assert.deepEqual(envelope, { jsonrpc: "2.0", id }, `${answer}`);
  assert.equal(error.code, code, `${answer}`);
  assert.equal(typeof error.message, "string");
  assert.ok(error.message.length > 10 && error.message.length < 1000, error.message);
}
