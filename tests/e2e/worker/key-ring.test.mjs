// The object of the deployment's keys.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { open, request } from "../../support/mcp.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

/** Runs a statement in the object's database, while the server is down. */
function inRing(server, sql, ...values) {
  const folder = join(server.storage, "objects/KeyRing");
  const [file] = readdirSync(folder).filter((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite");
  const database = new DatabaseSync(join(folder, file));
  try {
    return database.prepare(sql).all(...values);
  } finally {
    database.close();
  }
}

test("a key ring of another version refuses every caller, is logged and is kept", async () => {
  await using server = await fixture();
  const session = await open(server);
  assert.equal(await session.callText("increment"), "1");
  let known;
  const bytes = new Uint8Array([2]);
  for (const later of ["v2\nkeys of the future", "", bytes]) {
    await server.restart(() => {
      known ??= inRing(server, "SELECT value FROM keys")[0].value;
      inRing(server, "UPDATE keys SET value = ?", later);
    });
    const from = server.logs.length;
    const answer = await session.post(request(1, "tools/call", { name: "increment", arguments: {} }));
    assert.ok(answer.status >= 500, `${answer}`);
    assert.ok(answer.json.error.message.length > 10, `${answer}`);
    await until(() => server.logs.slice(from).some(({ text }) => text.includes("a key-ring cannot be read")), "a line for operators");
  }
  await server.restart(() => {
    assert.deepEqual(inRing(server, "SELECT value FROM keys")[0].value, bytes);
    inRing(server, "UPDATE keys SET value = ?", known);
  });
  assert.equal(await session.callText("increment"), "2");
});
