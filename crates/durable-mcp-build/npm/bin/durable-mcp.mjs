#!/usr/bin/env node
// Checks Node.js before anything else is loaded, since an older one may not be able to read it.

// As wrangler 4 needs it (`engines` of its package.json).
const NEEDED = [22, 12];

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  console.error(
    `durable-mcp: Node.js ${NEEDED.join(".")} or newer is needed, and this is ${process.versions.node}. Install a newer one from ` +
      "https://nodejs.org, or for this project alone with `npm install --save-dev node@24`.",
  );
  process.exit(1);
}
const { main } = await import("../lib/main.mjs");
process.exit(await main(process.argv.slice(2)));
