// The official conformance suite. Warnings do not change its exit code, so its check files are read.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Child, packageFolder, removeFolder, temporaryFolder } from "./child.mjs";
import { bounded } from "./wait.mjs";

export const CURRENT = "@modelcontextprotocol/conformance";
export const STABLE = "conformance-stable";

/**
 * Runs the suite, with no failure expected and no warning accepted. `passed` is how many checks there are: a scenario
 * that checks nothing must not go unseen. `meanwhile` gets the running suite, a `Child`; `env` are variables for it.
 */
export async function conforms(args, passed, { suite = CURRENT, meanwhile, env } = {}) {
  const results = temporaryFolder("durable-mcp-conformance");
  const program = join(packageFolder(suite), "dist/index.js");
  const child = new Child("node", [program, ...args, "-o", results], { group: true, env });
  try {
    await meanwhile?.(child);
    const code = await bounded(child.ended, 180_000, () => `the end of ${child.command}\n${child.output}`);
    const checks = readChecks(results);
    const failing = checks.filter(({ status }) => status === "FAILURE" || status === "WARNING");
    assert.equal(failing.map(describe).join("\n"), "");
    assert.equal(code, 0, child.output);
    const summary = child.output.slice(child.output.indexOf("=== SUMMARY"));
    assert.equal(checks.filter(({ status }) => status === "SUCCESS").length, passed, summary);
  } finally {
    await child.kill();
    removeFolder(results);
  }
}

// One folder a scenario, with a time at the end of its name; those with a slash in their names are one level deeper.
function readChecks(results) {
  const files = readdirSync(results, { recursive: true }).filter((file) => basename(file) === "checks.json");
  return files.flatMap((file) => {
    const scenario = dirname(file).replace(/^server-|-\d{4}-\d\d-\d\dT.*$/g, "");
    const checks = JSON.parse(readFileSync(join(results, file), "utf8"));
    return checks.map((check) => ({ ...check, scenario }));
  });
}

const describe = ({ scenario, id, status, description, errorMessage, details }) =>
  `${status} ${scenario}/${id}: ${errorMessage ?? description} ${JSON.stringify(details ?? {})}`;
