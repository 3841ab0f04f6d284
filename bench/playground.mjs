// Speed, size and memory of the page at /playground in Chromium, each beside its goal, the latency of its relay, and that of /mcp
// with and without its files.
//
//   node bench/playground.mjs [part]...      all parts without one: visits, tools, results, messages, calls, streams, assets
//
// Run `npm run build` before. Times are medians of several runs. Goals are for a machine that has nothing else to do: the load is told.
import { loadavg } from "node:os";
import { assets } from "./playground/assets.mjs";
import { calls } from "./playground/calls.mjs";
import { messages } from "./playground/messages.mjs";
import { results } from "./playground/results.mjs";
import { streams } from "./playground/streams.mjs";
import { tools } from "./playground/tools.mjs";
import { visits } from "./playground/visits.mjs";

const PARTS = { visits, tools, results, messages, calls, streams, assets };

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in PARTS));
if (unknown) throw new Error(`There is no part ${unknown}: ${Object.keys(PARTS).join(", ")}`);

for (const name of wanted.length > 0 ? wanted : Object.keys(PARTS)) {
  const before = load();
  const rows = await PARTS[name]();
  console.log(`\n${name}, load ${before} to ${load()}`);
  for (const row of rows) console.log(line(row));
}
process.exit();

/** The load of the last minute. */
function load() {
  return loadavg()[0].toFixed(1);
}

/** A row is named, and has a value with its unit; where there is a goal, the value is to be at most that. */
function line({ what, value, unit, goal }) {
  const verdict = goal === undefined ? "" : `${value <= goal ? "at most" : "MISSED "} ${shown(goal, unit)}`;
  return `${what.padEnd(64)} ${shown(value, unit).padStart(12)}   ${verdict}`;
}

function shown(value, unit) {
  const digits = unit === "×" ? 3 : value < 10 && !Number.isInteger(value) ? 2 : 0;
  return `${value.toFixed(digits)} ${unit}`.trim();
}
