// Thousands of messages in one answer: until all are counted, until their view is there, and what they take.
import { scripted } from "../../tests/support/scripted.mjs";
import { demo } from "../../tests/support/workerd.mjs";
import { MB, median, opened, started } from "./chromium.mjs";

const RUNS = 3;

export async function messages() {
  const worker = await demo({ playground: true });
  const browser = await started();
  try {
    const rows = [];
    for (const count of [5_000, 50_000]) {
      const seen = [];
      for (let run = 0; run < RUNS; run++) seen.push(await taken(browser, worker.url, count, run === 0));
      const of = (part) => median(seen.map((run) => run[part]));
      const name = `${count.toLocaleString("en")} messages`;
      rows.push(
        { what: `${name}: counted after the last byte`, value: of("counted"), unit: "ms" },
        { what: `${name}: shown after the click`, value: of("shown"), unit: "ms" },
        { what: `${name}: longest task while they come`, value: of("coming"), unit: "ms", goal: 100 },
        { what: `${name}: processor time of the page`, value: of("busy"), unit: "ms" },
        { what: `${name}: processor time of the worker`, value: of("workerBusy"), unit: "ms" },
        { what: `${name}: longest task while shown`, value: of("showing"), unit: "ms", goal: 100 },
        { what: `${name}: longest task while scrolling`, value: of("scrolling"), unit: "ms", goal: 100 },
        { what: `${name}: longest task while more come, shown`, value: of("more"), unit: "ms", goal: 100 },
        { what: `${name}: nodes of the document`, value: of("nodes"), unit: "", goal: 3000 },
        { what: `${name}: memory of the process`, value: seen[0].process / MB, unit: "MB", goal: 150 },
        { what: `${name}: memory of the page`, value: seen[0].page / MB, unit: "MB" },
        { what: `${name}: memory of the worker`, value: seen[0].worker / MB, unit: "MB" },
      );
    }
    return rows;
  } finally {
    await browser.close();
    await worker.stop();
  }
}

// A call whose answer has as many notifications before it.
function answering(count) {
  return (_, text, response) => {
    if (!text.includes('"tools/call"')) return false;
    const { id, params } = JSON.parse(text);
    response.writeHead(200, { "content-type": "text/event-stream" });
    const filler = "x".repeat(150);
    const many = params.name === "more" ? 500 : count;
    for (let at = 0; at < many; at++) response.write(`data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"${at} ${filler}"}}\n\n`);
    response.end(`data: {"jsonrpc":"2.0","id":${id},"result":{"content":[]}}\n\n`);
    return true;
  };
}

async function taken(browser, url, count, isWeighed) {
  const other = await scripted({ answer: answering(count), handlers: { "tools/list": () => ({ tools: ["many", "more"].map((name) => ({ name, inputSchema: { type: "object" } })) }) } });
  const { page, context, measured } = await opened(browser, `${url}/playground`);
  const called = async (name) => {
    await page.getByRole("tab", { name: /^Tools/ }).click();
    await page.locator(".list li button", { hasText: name }).click();
    await page.locator("article h3", { hasText: name }).waitFor();
    await page.getByRole("button", { name: "Call", exact: true }).click();
  };
  try {
    await page.getByLabel("Address").fill(other.url);
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByRole("tab", { name: /^Messages/ }).click();
    await page.locator(".trace .entry").first().waitFor();
    const before = isWeighed && (await measured.memory());
    await measured.tasks();
    const all = page.evaluate((count) => bench.painted(() => Number(document.querySelector("#tab-trace span").textContent) >= count), count);
    await called("many");
    const counted = (await all) - (await measured.arrival());
    await page.locator(".use .result").first().waitFor();
    const { longest: coming, page: busy, worker: workerBusy } = await measured.tasks();
    const after = isWeighed && (await measured.memory());
    const shown = await page.evaluate(async () => {
      const clicked = performance.timeOrigin + performance.now();
      document.getElementById("tab-trace").click();
      return (await bench.painted(() => document.querySelector(".trace .entry"))) - clicked;
    });
    const { longest: showing } = await measured.tasks();
    await page.locator(".scroller").evaluate(async (box) => {
      for (let part = 0; part <= 20; part++) {
        box.scrollTop = (box.scrollHeight * part) / 20;
        await new Promise((frame) => requestAnimationFrame(() => requestAnimationFrame(frame)));
      }
    });
    const { longest: scrolling } = await measured.tasks();
    const nodes = await measured.nodes();
    await called("more");
    await page.getByRole("tab", { name: /^Messages/ }).click();
    await page.waitForFunction(() => document.querySelector(".trace .entry"));
    const { longest: more } = await measured.tasks();
    return { counted, shown, busy, workerBusy, coming, showing, scrolling, more, nodes, ...Object.fromEntries(Object.entries(after).map(([part, bytes]) => [part, bytes - before[part]])) };
  } finally {
    await context.close();
    await other.stop();
  }
}
