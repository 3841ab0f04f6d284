// The demo's page of dice in a browser, shown by a client that does no more than MCP Apps (2026-01-26) asks of it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { launch } from "../../support/browser.mjs";
import { root } from "../../support/child.mjs";
import { WAIT_MS, bounded } from "../../support/wait.mjs";

const PAGE = readFileSync(join(root, "src/tools/dice.html"), "utf8");
const WIDTH = 300;

const browser = await launch();
after(() => browser.close());

// Shows a tool's result in a frame of that height; gives the height that the page tells, and that of its content.
async function shown(frameHeight, text) {
  const client = await browser.newPage();
  const told = client.evaluate(
    ({ page, width, height, text }) =>
      new Promise((done) => {
        const frame = document.createElement("iframe");
        Object.assign(frame, { srcdoc: page, width, height });
        addEventListener("message", ({ data: { id, method, params } }) => {
          const send = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
          if (method === "ui/initialize") send({ id, result: { hostContext: {} } });
          const result = { content: [{ type: "text", text }] };
          if (method === "ui/notifications/initialized") send({ method: "ui/notifications/tool-result", params: result });
          if (method === "ui/notifications/size-changed") {
            const { bottom } = frame.contentDocument.getElementById("dice").getBoundingClientRect();
            done({ height: params.height, bottom });
          }
        });
        document.body.append(frame);
      }),
    { page: PAGE, width: WIDTH, height: frameHeight, text },
  );
  const sizes = await bounded(told, WAIT_MS, "the page to tell its height");
  await client.close();
  return sizes;
}

test("the page tells the height of its content, however tall its frame is", async () => {
  const [short, tall] = [await shown(40, "Rolled 1 2 3"), await shown(2000, "Rolled 1 2 3")];
  assert.equal(tall.height, short.height);
  assert.ok(tall.bottom <= tall.height && tall.height <= tall.bottom + 40, JSON.stringify(tall));
});

test("the page tells a greater height for dice that take several lines", async () => {
  const [few, many] = [await shown(2000, "Rolled 1 2"), await shown(2000, `Rolled${" 6".repeat(40)}`)];
  assert.ok(few.height < many.height && many.height < 2000, JSON.stringify([few, many]));
});
