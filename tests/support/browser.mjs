// Debian's Chromium, or the one that CHROMIUM names, without a window.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const FLAGS = [
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launch() {
  const executablePath = [
    process.env.CHROMIUM,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
  ].find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("No Chromium found: install it, or name it in CHROMIUM.");
  return chromium.launch({ executablePath, headless: true, chromiumSandbox: false, args: FLAGS, timeout: 60_000 });
}
