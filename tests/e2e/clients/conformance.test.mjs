// The official conformance suite against the fixture Worker, with no failure expected and no warning accepted.
import { after, test } from "node:test";
import { STABLE, conforms } from "../../support/conformance.mjs";
import { fixture } from "../../support/workerd.mjs";

// Answers are JSON where nothing comes before the result, which leaves one check of event streams to inform only. So
// the suite looks at both shapes.
const json = await fixture();
const events = await fixture({ vars: { ANSWERS: "events" } });
after(() => Promise.all([json.stop(), events.stop()]));

for (const [server, shape, more] of [
  [json, "JSON", 0],
  [events, "events", 1],
]) {
  const suite = ["server", "--url", `${server.url}/mcp`];

  test(`every scenario passes with answers in ${shape}`, () => conforms([...suite, "--suite", "all"], 233 + more));

  for (const [version, checks] of [
    ["2025-11-25", 83],
    ["2026-07-28", 196],
  ]) {
    test(`the requirements of ${version} are met with answers in ${shape}`, () =>
      conforms([...suite, "--requirements", version], checks + more));
  }

  test(`every scenario of 2026-07-28 passes with answers in ${shape}`, () =>
    conforms([...suite, "--suite", "all", "--spec-version", "2026-07-28"], 152 + more));

  test(`every scenario of the suite's stable release passes with answers in ${shape}`, () =>
    conforms([...suite, "--suite", "all"], 46 + more, { suite: STABLE }));
}

test("every scenario of 2025-06-18 passes", () =>
  conforms(["server", "--url", `${json.url}/mcp`, "--suite", "all", "--spec-version", "2025-06-18"], 56));
