// Debian's Chromium, or the one that CHROMIUM names, without a window.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { WAIT_MS } from "./wait.mjs";

const FLAGS = [
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts it, with flags besides those of all tests. */
export const launch = (...flags) => chromium.launch(options(flags));

/**
 * The same with a profile in a folder, as people have one, and cookies of third parties blocked or not: a context. Those
 * of `launch` have them blocked, as Chromium's private windows do.
 */
export function launchProfile(folder, { thirdPartyCookies }) {
  const preferences = { profile: { cookie_controls_mode: thirdPartyCookies ? 0 : 1 } };
  mkdirSync(join(folder, "Default"), { recursive: true });
  writeFileSync(join(folder, "Default/Preferences"), JSON.stringify(preferences));
  return chromium.launchPersistentContext(folder, options());
}

function options(flags = []) {
  const executablePath = [
    process.env.CHROMIUM,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
  ].find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("No Chromium found: install it, or name it in CHROMIUM.");
  return { executablePath, headless: true, chromiumSandbox: false, args: [...FLAGS, ...flags], timeout: WAIT_MS };
}
