// A call through the page beside a bare fetch of the same message, by turns.
import { demo } from "../../tests/support/workerd.mjs";
import { median, opened, percentile, started } from "./chromium.mjs";

const ROUNDS = 400;
const WARM = 50;
const ARGUMENTS = '{"a":2,"b":3}';

export async function calls() {
  const worker = await demo({ playground: true, vars: { LOG_REQUESTS: "none" } });
  const browser = await started();
  try {
    const { page, measured } = await opened(browser, `${worker.url}/playground?tool=add&args=${encodeURIComponent(ARGUMENTS)}`, { atStart: overhear });
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByRole("button", { name: "Call", exact: true }).click();
    await page.locator(".use .result").waitFor();
    await measured.tasks();
    const seen = await page.evaluate(byTurns, ROUNDS + WARM);
    const of = (part) => seen.slice(WARM).map((round) => round[part]);
    const [bare, worked, shown] = ["bare", "worked", "shown"].map(of);
    const over = (times) => times.map((ms, at) => ms - bare[at]);
    return [
      { what: "bare fetch, median", value: median(bare), unit: "ms" },
      { what: "through the page, median", value: median(worked), unit: "ms" },
      { what: "through the page, over a bare fetch, median", value: median(over(worked)), unit: "ms", goal: 2 },
      { what: "through the page, over a bare fetch, 90 of 100", value: percentile(over(worked), 90), unit: "ms" },
      { what: "until the result is in the document, over a bare fetch, median", value: median(over(shown)), unit: "ms" },
      { what: "through the page, beside a bare fetch", value: median(worked) / median(bare), unit: "×" },
      { what: "longest task", value: (await measured.tasks()).longest, unit: "ms", goal: 100 },
    ];
  } finally {
    await browser.close();
    await worker.stop();
  }
}

// Runs in the page: notes when the page asks its Web Worker to call a tool, and when it has the answer.
function overhear() {
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...more) {
    if (message.operation !== "call") return post.call(this, message, ...more);
    const began = performance.now();
    const heard = ({ data }) => {
      if (data.id !== message.id) return;
      this.removeEventListener("message", heard);
      bench.worked = performance.now() - began;
    };
    this.addEventListener("message", heard);
    return post.call(this, message, ...more);
  };
}

// Runs in the page.
async function byTurns(rounds) {
  const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" }, "io.modelcontextprotocol/clientCapabilities": {} };
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "add" };
  const button = () => [...document.querySelectorAll("button[type=submit]")].find(({ textContent }) => textContent === "Call again");
  const pause = () => new Promise((frame) => requestAnimationFrame(() => setTimeout(frame)));
  const seen = [];
  for (let round = 0; round < rounds; round++) {
    const since = performance.now();
    const answer = await fetch("/mcp", { method: "POST", headers, credentials: "omit", body: JSON.stringify({ jsonrpc: "2.0", id: round, method: "tools/call", params: { name: "add", arguments: { a: 2, b: 3 }, _meta } }) });
    if (!(await answer.text()).includes('"result"')) throw new Error(`${answer.status}`);
    const bare = performance.now() - since;
    await pause();
    const clicked = performance.now();
    const newest = document.querySelector(".use");
    const isThere = () => document.querySelector(".use") !== newest && document.querySelector(".use").querySelector(".result");
    const shown = new Promise((done, failed) => {
      const late = setTimeout(() => failed(new Error("no result")), 60_000);
      const observer = new MutationObserver(() => {
        if (!isThere()) return;
        observer.disconnect();
        clearTimeout(late);
        done(performance.now() - clicked);
      });
      observer.observe(document, { childList: true, subtree: true });
    });
    button().click();
    const ms = await shown;
    seen.push({ bare, worked: bench.worked, shown: ms });
    await pause();
  }
  return seen;
}
