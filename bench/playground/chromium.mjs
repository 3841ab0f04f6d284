// Chromium with a page in it that is measured.
import { readFileSync, readdirSync } from "node:fs";
import { launch } from "../../tests/support/browser.mjs";
import { sleep } from "../../tests/support/wait.mjs";

/** A slow line, and a phone's processor. Chromium slows the page's own thread, and not its Web Worker's. */
export const SLOW = { cpu: 4, latencyMs: 150, bitsPerSecond: 1_600_000 };

export const MB = 1_000_000;

const TASK = "ThreadControllerImpl::RunTask";
const MICROTASKS = "BlinkScheduler_PerformMicrotaskCheckpoint";
const TRACING = { categories: ["toplevel", "__metadata"] };

/** A browser whose tasks are watched from its beginning. */
export async function started() {
  const browser = await launch("--js-flags=--expose-gc", "--disable-features=SpareRendererForSitePerProcess");
  await browser.startTracing(undefined, TRACING);
  return browser;
}

export const median = (values) => percentile(values, 50);

export function percentile(values, part) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * part) / 100))];
}

/**
 * Opens an address, in a context of its own unless one is given: the page of Playwright, with `measured` beside it. `slow` is
 * `SLOW` or nothing. `atStart` runs in the page before all else.
 */
export async function opened(browser, url, { context, slow, atStart } = {}) {
  const own = context ?? (await browser.newContext({ viewport: { width: 1280, height: 900 } }));
  const page = await own.newPage();
  const session = await own.newCDPSession(page);
  await page.addInitScript(watch);
  if (atStart) await page.addInitScript(atStart);
  if (slow) {
    const bytesPerSecond = slow.bitsPerSecond / 8;
    await session.send("Network.enable");
    await session.send("Network.emulateNetworkConditions", { offline: false, latency: slow.latencyMs, downloadThroughput: bytesPerSecond, uploadThroughput: bytesPerSecond });
    await session.send("Emulation.setCPUThrottlingRate", { rate: slow.cpu });
  }
  await page.goto(url);
  return { page, context: own, measured: new Measured(browser, page, session) };
}

// Runs in the page, before its scripts.
function watch() {
  globalThis.bench = {
    /** Resolves to the time at which something was painted: milliseconds since 1970. */
    painted(holds) {
      return new Promise((done, failed) => {
        setTimeout(() => failed(new Error(`${holds} did not come`)), 60_000);
        const look = () => {
          if (!holds()) return false;
          observer.disconnect();
          requestAnimationFrame(() => setTimeout(() => done(performance.timeOrigin + performance.now())));
          return true;
        };
        const observer = new MutationObserver(look);
        look() || observer.observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
      });
    },
  };
}

class Measured {
  #browser;
  #page;
  #session;
  #before = { page: 0, worker: 0 };

  constructor(browser, page, session) {
    this.#browser = browser;
    this.#page = page;
    this.#session = session;
  }

  /**
   * Milliseconds of the processor since the last time this was asked, which other programs do not make more: the longest task of the
   * page, and all of the page and of its Web Worker.
   */
  async tasks() {
    const { traceEvents } = JSON.parse(await this.#browser.stopTracing());
    const used = await this.#used();
    await this.#browser.startTracing(undefined, TRACING);
    const { page, worker } = this.#before;
    this.#before = used;
    return { longest: Math.max(0, ...tasksOf(traceEvents)), page: used.page - page, worker: used.worker - worker };
  }

  // Milliseconds of the threads of pages so far.
  async #used() {
    const used = { page: 0, worker: 0 };
    for (const pid of await this.#processes())
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        const name = readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8");
        const part = thread === `${pid}` ? "page" : name.startsWith("DedicatedWorker") ? "worker" : undefined;
        if (part) used[part] += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e6;
      }
    return used;
  }

  /** Elements, texts and comments of the document. */
  nodes() {
    return this.#page.evaluate(() => {
      const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
      let count = 1;
      while (walker.nextNode()) count++;
      return count;
    });
  }

  /** When the Web Worker had the last byte of the last answer: milliseconds since 1970. */
  arrival() {
    return this.#page.workers()[0].evaluate(() => performance.timeOrigin + Math.max(...performance.getEntriesByType("resource").map(({ responseEnd }) => responseEnd)));
  }

  /**
   * Bytes that the page and its Web Worker hold once garbage is collected: of their process, and of the heaps of JavaScript. A browser
   * gives memory back when it likes, which takes seconds: this waits until it gives no more.
   */
  async memory() {
    let least = Infinity;
    for (let quiet = 0, round = 0; quiet < 8 && round < 40; round++) {
      for (const one of [this.#page, ...this.#page.workers()]) await one.evaluate(() => globalThis.gc());
      await this.#session.send("Memory.simulatePressureNotification", { level: "critical" });
      await sleep(1000);
      const now = await this.#resident();
      quiet = now < least * 0.99 ? 0 : quiet + 1;
      least = Math.min(least, now);
    }
    const { usedSize: page } = await this.#session.send("Runtime.getHeapUsage");
    return { process: least, page, worker: await this.#workerHeap() };
  }

  // Without what processes share.
  async #resident() {
    const sizes = (await this.#processes()).map((pid) => Number(/RssAnon:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024);
    return sizes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** The ids of pages' processes. */
  async #processes() {
    const session = await this.#browser.newBrowserCDPSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    await session.detach();
    return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
  }

  async #workerHeap() {
    const session = this.#session;
    const attached = new Promise((done) => session.once("Target.attachedToTarget", done));
    await session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
    const { sessionId } = await attached;
    let hear;
    const answered = new Promise((done) => {
      hear = ({ message }) => JSON.parse(message).id === 1 && done(JSON.parse(message).result.usedSize);
      session.on("Target.receivedMessageFromTarget", hear);
    });
    await session.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id: 1, method: "Runtime.getHeapUsage" }) });
    const bytes = await answered;
    session.off("Target.receivedMessageFromTarget", hear);
    await session.send("Target.setAutoAttach", { autoAttach: false, waitForDebuggerOnStart: false, flatten: false });
    return bytes;
  }
}

// Of the page's thread. What promises have to do after a task is a part of it.
function tasksOf(events) {
  const named = events.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const ids = new Set(named.map(({ pid, tid }) => `${pid} ${tid}`));
  const ran = events.filter(({ name, ph, pid, tid }) => ph === "X" && (name === TASK || name === MICROTASKS) && ids.has(`${pid} ${tid}`));
  const tasks = [];
  const ends = new Map();
  for (const { name, pid, tid, ts, dur, tdur } of ran.toSorted((one, other) => one.ts - other.ts)) {
    const id = `${pid} ${tid}`;
    const last = ends.get(id);
    if (last && ts < last.end) continue;
    const at = name === MICROTASKS && last ? last.at : tasks.push(0) - 1;
    tasks[at] += (tdur ?? dur) / 1000;
    ends.set(id, { end: ts + dur, at });
  }
  return tasks;
}
