// The Web Worker with the connections. This module runs before the page's others are there: the two are loaded side by side.
import { startWorker } from "./scripts.ts";

declare const CLIENT_URL: string;

export const worker = startWorker(CLIENT_URL, "client");

/** Whether its script ran to its end, which is the first that it tells. */
export const isStarted = new Promise<boolean>((settle) => {
  worker.addEventListener("message", () => settle(true), { once: true });
  worker.addEventListener("error", () => settle(false), { once: true });
});
