// Chromium with a page in it that is measured.
import { readFileSync } from "node:fs";
import { launch } from "../../tests/support/browser.mjs";
import { sleep } from "../../tests/support/wait.mjs";

/** A slow line, and a phone's processor. Chromium slows the page's own thread, and not its Web Worker's. */
export const SLOW = { cpu: 4, latencyMs: 150, bitsPerSecond: 1_600_000 };

export const MB = 1_000_000;

export const started = () => launch("--js-flags=--expose-gc", "--enable-precise-memory-info");

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
    longest: 0,
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
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) bench.longest = Math.max(bench.longest, duration);
  }).observe({ type: "longtask", buffered: true });
}

class Measured {
  #browser;
  #page;
  #session;

  constructor(browser, page, session) {
    this.#browser = browser;
    this.#page = page;
    this.#session = session;
  }

  /** Milliseconds of the longest task of the page since the last time this was asked. Chromium tells those of 50 and more. */
  async longest() {
    await sleep(300);
    return this.#page.evaluate(() => {
      const { longest } = bench;
      bench.longest = 0;
      return longest;
    });
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

  /** Bytes that the page and its Web Worker hold once garbage is collected: of their process, and of the heaps of JavaScript. */
  async memory() {
    for (let round = 0; round < 3; round++) {
      for (const one of [this.#page, ...this.#page.workers()]) await one.evaluate(() => globalThis.gc());
      await this.#session.send("Memory.simulatePressureNotification", { level: "critical" });
      await sleep(300);
    }
    const { usedSize: page } = await this.#session.send("Runtime.getHeapUsage");
    return { process: await this.#resident(), page, worker: await this.#workerHeap() };
  }

  // Without what processes share.
  async #resident() {
    const session = await this.#browser.newBrowserCDPSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    await session.detach();
    const pages = processInfo.filter(({ type }) => type === "renderer");
    return pages.reduce((sum, { id }) => sum + Number(/RssAnon:\s*(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, "utf8"))[1]) * 1024, 0);
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
