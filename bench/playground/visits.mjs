// Visits: until the form can be used, until the tools of the own server are listed, and until one of them was called.
import { demo } from "../../tests/support/workerd.mjs";
import { SLOW, median, opened, started } from "./chromium.mjs";
import { served } from "./front.mjs";

const RUNS = 5;

/** Milliseconds, on a fast machine and line and on slow ones. */
const GOALS = { fast: { form: 200, listed: 500 }, slow: { form: 1500, listed: 3000 } };

export async function visits() {
  const worker = await demo({ playground: true, vars: { LOG_REQUESTS: "none" } });
  const front = await served(worker.url);
  const browser = await started();
  try {
    const rows = [];
    for (const [name, slow] of [["fast", undefined], ["slow", SLOW]]) {
      const seen = { first: [], second: [] };
      for (let run = 0; run < RUNS; run++) {
        const { context, ...first } = await visit(browser, front.url, { slow });
        const second = await visit(browser, front.url, { slow, context });
        await context.close();
        seen.first.push(first);
        seen.second.push(second);
      }
      for (const which of ["first", "second"]) rows.push(...rowsOf(`${which} visit, ${name}`, seen[which], GOALS[name]));
    }
    return rows;
  } finally {
    await browser.close();
    await front.stop();
    await worker.stop();
  }
}

function rowsOf(name, seen, goals) {
  const of = (part) => median(seen.map((visit) => visit[part]));
  return [
    { what: `${name}: form usable`, value: of("form"), unit: "ms", goal: goals.form },
    { what: `${name}: tools listed, one click`, value: of("listed"), unit: "ms", goal: goals.listed },
    { what: `${name}: \`add\` called, three clicks and two numbers`, value: of("called"), unit: "ms" },
    { what: `${name}: requests`, value: of("requests"), unit: "" },
    { what: `${name}: scripts and styles over the network`, value: of("fetched"), unit: "", ...(name.startsWith("second") ? { goal: 0 } : {}) },
    { what: `${name}: longest task`, value: of("longest"), unit: "ms", ...(goals === GOALS.fast ? { goal: 100 } : {}) },
    { what: `${name}: processor time of the page, until the result`, value: of("page"), unit: "ms" },
    { what: `${name}: processor time of the Web Worker, until the result`, value: of("worker"), unit: "ms" },
  ];
}

// A visitor who clicks as soon as there is something to click: times since the address was entered.
async function visit(browser, url, options) {
  const { page, context, measured } = await opened(browser, `${url}/playground`, { ...options, atStart: clicks });
  const times = await page.evaluate(() => bench.times);
  const [requests, fetched] = await page.evaluate(() => {
    const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return [loaded.length, loaded.filter(({ name, transferSize }) => /\.(js|css)$/.test(name) && transferSize > 0).length];
  });
  const inWorker = await page.workers()[0].evaluate(() => performance.getEntriesByType("resource").map(({ name, transferSize }) => ({ name, transferSize })));
  const tasks = await measured.tasks();
  await page.close();
  return {
    ...times,
    context,
    requests: requests + inWorker.length,
    fetched: fetched + inWorker.filter(({ name, transferSize }) => /\.js$/.test(name) && transferSize > 0).length,
    ...tasks,
  };
}

// Runs in the page.
function clicks() {
  const button = (text) => [...document.querySelectorAll("button")].find((one) => one.textContent === text);
  const since = (at) => at - performance.timeOrigin;
  const fill = (id, value) => {
    const field = document.getElementById(id);
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  bench.times = (async () => {
    const form = await bench.painted(() => button("Connect"));
    button("Connect").click();
    const listed = await bench.painted(() => document.querySelector(".list li"));
    [...document.querySelectorAll(".list li button")].find((one) => one.querySelector("b").textContent === "Add").click();
    await bench.painted(() => document.getElementById("tool-add/a") && document.getElementById("tool-add/b"));
    for (const [id, value] of [["tool-add/a", "2"], ["tool-add/b", "3"]]) {
      fill(id, value);
      await bench.painted(() => true);
    }
    button("Call").click();
    const called = await bench.painted(() => document.querySelector(".use .result"));
    return { form: since(form), listed: since(listed), called: since(called) };
  })();
}
