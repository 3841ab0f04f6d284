// Results of megabytes: from their last byte to their first rows on the screen.
import { scripted } from "../../tests/support/scripted.mjs";
import { demo } from "../../tests/support/workerd.mjs";
import { MB, median, opened, started } from "./chromium.mjs";

const RUNS = 5;

const TEXTS = {
  "10,000 lines": Array.from({ length: 10_000 }, (_, at) => `line ${at} of a result with as many words in it as lines have`).join("\n"),
  "a line of 5 MB": `${"x".repeat(4_000_000)} ${"ü".repeat(500_000)}`,
  "20 MB of lines": "a line of it, one as any other\n".repeat(650_000),
};

export async function results() {
  const worker = await demo({ playground: true });
  const browser = await started();
  try {
    const rows = [];
    for (const [name, text] of Object.entries(TEXTS)) {
      const seen = [];
      for (let run = 0; run < RUNS; run++) seen.push(await shown(browser, worker.url, text, run === 0));
      const of = (part) => median(seen.map((run) => run[part]));
      rows.push(
        { what: `${name}: rows shown after the last byte`, value: of("ms"), unit: "ms", goal: 300 },
        { what: `${name}: longest task`, value: median(seen.map(({ tasks }) => tasks.longest)), unit: "ms", goal: 100 },
        ...["page", "worker"].map((part) => ({ what: `${name}: processor time of the ${part}`, value: median(seen.map(({ tasks }) => tasks[part])), unit: "ms" })),
        { what: `${name}: longest task while scrolling`, value: of("scrolling"), unit: "ms", goal: 100 },
        ...["process", "page", "worker"].map((part) => ({ what: `${name}: memory of the ${part}`, value: seen[0].memory[part] / MB, unit: "MB" })),
      );
    }
    return rows;
  } finally {
    await browser.close();
    await worker.stop();
  }
}

async function shown(browser, url, text, isWeighed) {
  const other = await scripted({ handlers: { "tools/list": () => ({ tools: [{ name: "large", inputSchema: { type: "object" } }] }), "tools/call": () => ({ content: [{ type: "text", text }] }) } });
  const { page, context, measured } = await opened(browser, `${url}/playground`);
  try {
    await page.getByLabel("Address").fill(other.url);
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.locator(".list li button").click();
    const call = page.getByRole("button", { name: "Call", exact: true });
    await call.waitFor();
    const before = isWeighed && (await measured.memory());
    await measured.tasks();
    const painted = page.evaluate(() => bench.painted(() => document.querySelector(".held .rows > div")));
    await call.click();
    const ms = (await painted) - (await measured.arrival());
    const tasks = await measured.tasks();
    await page.locator(".held .window").evaluate(async (box) => {
      for (let part = 0; part <= 20; part++) {
        box.scrollTop = (box.scrollHeight * part) / 20;
        await new Promise((frame) => requestAnimationFrame(() => requestAnimationFrame(frame)));
      }
    });
    const { longest: scrolling } = await measured.tasks();
    const after = isWeighed && (await measured.memory());
    return { ms, tasks, scrolling, memory: Object.fromEntries(Object.entries(after).map(([part, bytes]) => [part, bytes - before[part]])) };
  } finally {
    await context.close();
    await other.stop();
  }
}
