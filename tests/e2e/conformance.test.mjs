// The official conformance suite against the fixture Worker, with no failure expected and no warning accepted: warnings
// do not change the suite's exit code, so its check files are read.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { removeFolder, root, run, temporaryFolder } from "../support/child.mjs";
import { fixture } from "../support/workerd.mjs";

// Answers are JSON where nothing comes before the result, which leaves one check of event streams to inform only. So
// the suite looks at both shapes.
const json = await fixture();
const events = await fixture({ vars: { ANSWERS: "events" } });
after(() => Promise.all([json.stop(), events.stop()]));

const CURRENT = "@modelcontextprotocol/conformance";
const STABLE = "conformance-stable";

for (const [server, shape, more] of [[json, "JSON", 0], [events, "events", 1]]) {
  test(`the suite's requirements of 2025-11-25 are met with answers in ${shape}`, () =>
    conforms(server, CURRENT, ["--requirements", "2025-11-25"], 83 + more));

  test(`every scenario of the suite's stable release passes with answers in ${shape}`, () =>
    conforms(server, STABLE, ["--suite", "all"], 46 + more));
}

test("every scenario of 2025-06-18 passes", () =>
  conforms(json, CURRENT, ["--suite", "all", "--spec-version", "2025-06-18"], 56));

// `passed` is how many checks there are: a scenario that checks nothing must not go unseen.
async function conforms(server, suite, args, passed) {
  const results = temporaryFolder("durable-mcp-conformance");
  try {
    const program = join(root, "node_modules", suite, "dist/index.js");
    const url = `${server.url}/mcp`;
    const { code, stdout, stderr } = await run("node", [program, "server", "--url", url, "-o", results, ...args], {
      ms: 180_000,
    });
    const checks = readChecks(results);
    const failing = checks.filter(({ status }) => status === "FAILURE" || status === "WARNING");
    assert.equal(failing.map(describe).join("\n"), "");
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    const summary = stdout.slice(stdout.indexOf("=== SUMMARY"));
    assert.equal(checks.filter(({ status }) => status === "SUCCESS").length, passed, summary);
  } finally {
    removeFolder(results);
  }
}

// One folder a scenario, with a time at the end of its name.
function readChecks(results) {
  return readdirSync(results).flatMap((folder) => {
    const scenario = folder.replace(/^server-|-\d{4}-\d\d-\d\dT.*$/g, "");
    const checks = JSON.parse(readFileSync(join(results, folder, "checks.json"), "utf8"));
    return checks.map((check) => ({ ...check, scenario }));
  });
}

const describe = ({ scenario, id, status, description, errorMessage, details }) =>
  `${status} ${scenario}/${id}: ${errorMessage ?? description} ${JSON.stringify(details ?? {})}`;
