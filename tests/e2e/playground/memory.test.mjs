// Memory that a page which is open for long frees.
import assert from "node:assert/strict";
import test from "node:test";
import { inBrowser } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { demo } from "../../support/workerd.mjs";

const { connected } = await inBrowser(demo({ playground: true }));

/** Has the page's Web Worker at `ofWorker`, from its next message on. */
function reachWorker() {
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...more) {
    globalThis.ofWorker = this;
    return post.call(this, message, ...more);
  };
}

/** Runs in the page: asks the Web Worker for the messages of a connection, as a file. */
async function messagesOf(connection) {
  const id = -connection;
  const answered = new Promise((answer) => {
    const hear = ({ data }) => {
      if (data.id !== id) return;
      ofWorker.removeEventListener("message", hear);
      answer(data.result);
    };
    ofWorker.addEventListener("message", hear);
  });
  ofWorker.postMessage({ id, connection, operation: "exportTrace", arguments: { of: "live" } });
  return JSON.parse(await (await answered).text()).entries.length;
}

test("the Web Worker forgets the messages of a server that the person closes", async (t) => {
  const other = await scripted();
  t.after(other.stop);
  await using visitor = await connected({ allowed: [other.url], url: other.url });
  const { page } = visitor;
  await page.evaluate(reachWorker);
  await visitor.button("Another server").click();
  await visitor.connect(`${visitor.server.url}/mcp`);
  assert.ok((await page.evaluate(messagesOf, 1)) > 0);
  await page.getByRole("button", { name: /^Close scripted/ }).click();
  await until(async () => (await page.evaluate(messagesOf, 1)) === 0, "the messages to be gone");
  assert.ok((await page.evaluate(messagesOf, 2)) > 0);
  visitor.done();
});
