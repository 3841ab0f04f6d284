// The playground beside the MCP Inspector's web page: what each does, and in how many clicks and fields. Prints a table of Markdown.
//
//   node bench/playground-inspector.mjs [words of a task]
//
// Both are driven in Chromium, in front of the same servers. It takes some minutes, so it is no part of `npm test`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { launch } from "../tests/support/browser.mjs";
import { packageFolder } from "../tests/support/child.mjs";
import { Hand, Lacking } from "./comparison/hand.mjs";
import { openInspector } from "./comparison/inspector.mjs";
import { openPlayground } from "./comparison/playground.mjs";
import { deployed } from "./comparison/servers.mjs";
import { tasks } from "./comparison/tasks.mjs";

const wanted = process.argv.slice(2).join(" ").toLowerCase();
const { version } = JSON.parse(readFileSync(join(packageFolder("@modelcontextprotocol/inspector"), "package.json"), "utf8"));

const servers = await deployed();
const browser = await launch();
const rows = [];
let faults = 0;
for (const task of tasks.filter(({ name }) => name.toLowerCase().includes(wanted))) {
  const cells = [];
  for (const [client, open] of [["playground", forPlayground], ["inspector", forInspector]]) cells.push(await done(task, client, open));
  const remarks = cells.flatMap(({ remark }, index) => (remark ? [`${["Playground", "Inspector"][index]}: ${remark}.`] : []));
  rows.push([task.name, ...cells.map(({ outcome }) => outcome), remarks.join(" ")]);
  console.error(`${task.name}: ${cells.map(({ outcome }) => outcome).join(" | ")}`);
}
await browser.close();
for (const server of Object.values(servers)) await server.stop();

console.log([["task", "playground", `Inspector ${version}`, ""], ["--", "--", "--", "--"], ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n"));
process.exit(faults > 0 ? 1 : 0);

/** Result of one client at a task: `{ outcome, remark }`. */
async function done(task, client, open) {
  const other = task.server ? await task.server() : { url: `${servers[task.on].url}/mcp`, stop() {} };
  const hand = new Hand();
  let opened;
  try {
    opened = await open(task, other);
    const remark = await task[client](hand, opened, other);
    return { outcome: `${hand}`, remark: remark ?? task.remarks?.[client] };
  } catch (error) {
    if (error instanceof Lacking) return { outcome: "no", remark: error.message };
    faults += 1;
    console.error(`${task.name}, ${client}: ${error.stack}`);
    await opened?.page.screenshot({ path: join(process.env.SCREENSHOTS ?? "/tmp", `comparison-${client}.png`) });
    return { outcome: "failed" };
  } finally {
    await opened?.close();
    await other.stop();
  }
}

async function forPlayground({ on, fresh, at, version, transport }, { url }) {
  const ours = await openPlayground(browser, servers[on ?? "demo"], fresh ? {} : { at: url, version, transport });
  if (at) await ours.tab(at).click();
  return ours;
}

async function forInspector({ fresh, at = "Tools", era = "modern", server }, { url }) {
  const theirs = await openInspector(browser, fresh ? {} : { at: url, era: server ? "legacy" : era });
  if (!fresh) await theirs.part(at).click();
  return theirs;
}
