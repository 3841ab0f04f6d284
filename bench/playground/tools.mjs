// A list of 1,000 tools with schemas of 5 KB each.
import { scripted } from "../../tests/support/scripted.mjs";
import { demo } from "../../tests/support/workerd.mjs";
import { MB, SLOW, median, opened, percentile, started } from "./chromium.mjs";

const RUNS = 5;
const COUNT = 1000;
const PAGE = 100;
const SCHEMA_BYTES = 5000;
const SEARCHED = "tool number 77 ";

export async function tools() {
  const worker = await demo({ playground: true });
  const other = await scripted({ handlers: { "tools/list": page } });
  const browser = await started();
  try {
    const rows = [];
    for (const [name, slow] of [["", undefined], [", processor 4 times slower", { ...SLOW, latencyMs: 0, bitsPerSecond: 1e9 }]]) {
      const seen = [];
      for (let run = 0; run < RUNS; run++) seen.push(await listed(browser, worker.url, other.url, { slow, isWeighed: run === 0 && !slow }));
      const of = (part) => median(seen.map((run) => run[part]));
      const typing = seen.flatMap(({ typing }) => typing);
      const goal = (goal) => (slow ? {} : { goal });
      rows.push(
        { what: `listed after the last page${name}`, value: of("listed"), unit: "ms", ...goal(300) },
        { what: `a letter in the search, median${name}`, value: median(typing), unit: "ms", ...goal(50) },
        { what: `a letter in the search, 99 of 100${name}`, value: percentile(typing, 99), unit: "ms", ...goal(50) },
        { what: `longest task while listing${name}`, value: median(seen.map(({ listing }) => listing.longest)), unit: "ms", ...goal(100) },
        { what: `longest task while searching${name}`, value: median(seen.map(({ searching }) => searching.longest)), unit: "ms", ...goal(100) },
      );
      if (slow) continue;
      rows.push(...["page", "worker"].map((part) => ({ what: `processor time of the ${part} while listing`, value: median(seen.map(({ listing }) => listing[part])), unit: "ms" })));
      rows.push(
        { what: "nodes of the document", value: Math.max(...seen.map(({ nodes }) => nodes)), unit: "", goal: 3000 },
        { what: "nodes of the document while searching, at most", value: Math.max(...seen.map(({ searchNodes }) => searchNodes)), unit: "", goal: 3000 },
        ...["process", "page", "worker"].map((part) => ({ what: `memory of the ${part}`, value: seen[0].memory[part] / MB, unit: "MB" })),
      );
    }
    return rows;
  } finally {
    await browser.close();
    await other.stop();
    await worker.stop();
  }
}

function page({ cursor }) {
  const from = Number(cursor ?? 0);
  const tools = Array.from({ length: PAGE }, (_, at) => ({
    name: `tool_${from + at}`,
    title: `The tool number ${from + at} `,
    description: `Does what tool ${from + at} does, with all of its many arguments and in its own way.`,
    inputSchema: schema(from + at),
  }));
  return { tools, ...(from + PAGE < COUNT ? { nextCursor: String(from + PAGE) } : {}) };
}

function schema(of) {
  const properties = {};
  for (let at = 0; JSON.stringify(properties).length < SCHEMA_BYTES; at++) properties[`argument_${at}_of_${of}`] = { type: ["string", "integer", "boolean"][at % 3], description: `The argument ${at} of the tool ${of}, which says what it is for.` };
  return { type: "object", properties };
}

async function listed(browser, url, server, { slow, isWeighed }) {
  const { page, context, measured } = await opened(browser, `${url}/playground`, { slow });
  await page.getByLabel("Address").fill(server);
  const before = isWeighed && (await measured.memory());
  await measured.tasks();
  const painted = page.evaluate(() => bench.painted(() => document.querySelectorAll(".list li button").length > 5));
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  const at = await painted;
  const arrival = await measured.arrival();
  const listing = await measured.tasks();
  const nodes = await measured.nodes();
  const after = isWeighed && (await measured.memory());
  const { typing, searchNodes } = await typed(page, measured);
  const searching = await measured.tasks();
  await context.close();
  const memory = Object.fromEntries(Object.entries(after).map(([part, bytes]) => [part, bytes - before[part]]));
  return { listed: at - arrival, listing, nodes, memory, typing, searchNodes, searching };
}

// Letter by letter, and back.
async function typed(page, measured) {
  await page.evaluate(() => {
    bench.typing = [];
    document.querySelector(".list input").addEventListener("input", ({ timeStamp }) => requestAnimationFrame(() => setTimeout(() => bench.typing.push(performance.now() - timeStamp))));
  });
  await page.locator(".list input").focus();
  let searchNodes = 0;
  for (const key of [...SEARCHED, ...Array.from(SEARCHED, () => "Backspace")]) {
    await page.keyboard.press(key === " " ? "Space" : key);
    searchNodes = Math.max(searchNodes, await measured.nodes());
  }
  return { typing: await page.evaluate(() => bench.typing), searchNodes };
}
