// Variables of a deployment: those that say where sessions run reach the runtime, and wrong ones are told. workerd knows location
// hints, and says of jurisdictions that it has none, which shows that it was asked for one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { initialize, open, post, send } from "../../support/mcp.mjs";
import { until } from "../../support/wait.mjs";
import { demo } from "../../support/workerd.mjs";

test("a location hint is given and sessions work with it", async () => {
  await using server = await demo({ vars: { SESSION_LOCATION_HINT: "weur" } });
  const session = await open(server);
  assert.equal(await session.callText("increment"), "Added 1, total is now 1");
});

test("an unsupported jurisdiction fails requests, with the reason in the log alone", async () => {
  await using server = await demo({ vars: { SESSION_JURISDICTION: "eu" } });
  const { status, json } = await post(server, initialize());
  assert.equal(status, 500);
  assert.equal(json.error.code, -32603);
  assert.doesNotMatch(json.error.message, /urisdiction/);
  await server.log(({ text }) => /Jurisdiction/.test(text));
});

for (const SESSION_JURISDICTION of ["EU", "mars"])
  test(`the jurisdiction ${SESSION_JURISDICTION} is none, which the log says, and no session begins`, async () => {
    await using server = await demo({ vars: { SESSION_JURISDICTION } });
    const said = new RegExp(`SESSION_JURISDICTION is "${SESSION_JURISDICTION}"; expected is eu or us or fedramp`);
    const refused = [await post(server, initialize()), await send(server, "GET", "/sse")];
    for (const { status, json } of refused) {
      assert.equal(status, 500);
      assert.equal(json.error.code, -32603);
      assert.match(json.error.message, /log/);
      assert.doesNotMatch(json.error.message, /urisdiction/);
    }
    // Once when the Worker starts, and once for each session that did not begin.
    await until(() => server.logs.filter(({ text }) => said.test(text)).length === 3, "three lines in the log");
  });

test("a server with broken sign-in refuses every caller and logs why", async () => {
  await using server = await demo({ vars: { IDENTITY_PROVIDER: "github" } });
  for (const { status, json } of [await post(server, initialize()), await send(server, "GET", "/sse")]) {
    assert.equal(status, 503);
    assert.match(json.error.message, /IDENTITY_PROVIDER is set/);
  }
  const { text: page } = await send(server, "GET", "/");
  assert.match(page, /IDENTITY_PROVIDER is set/);
  assert.doesNotMatch(page, /Anybody with the address/);
  await server.log(({ text }) => /IDENTITY_PROVIDER is set, but sign-in is not in this build/.test(text));
  await using open = await demo({ vars: { IDENTITY_PROVIDER: "none" } });
  assert.equal((await post(open, initialize())).status, 200);
});

test("a guessable key refuses every caller, with the reason but not the key", async () => {
  await using server = await demo({ vars: { SESSION_KEY: "changeme" } });
  for (const { status, json } of [await post(server, initialize()), await send(server, "GET", "/sse")]) {
    assert.equal(status, 503);
    assert.match(json.error.message, /SESSION_KEY has a key of fewer than 32 characters/);
  }
  assert.match((await send(server, "GET", "/")).text, /SESSION_KEY has a key/);
  await server.log(/SESSION_KEY has a key/);
  assert.ok(!server.logs.some(({ text }) => text.includes("changeme")));
});

test("numbers, booleans and lists in wrangler.toml are read as the same text is", async () => {
  const vars = {
    SESSION_KEY: "",
    SESSION_IDLE_SECONDS: 60,
    LOG_REQUESTS: ["none"],
    ALLOWED_ORIGINS: ["https://a.example", "https://b.example"],
    SESSION_LOCATION_HINT: { region: "weur" },
  };
  await using server = await demo({ vars });
  const session = await open(server);
  assert.equal(await session.callText("increment"), "Added 1, total is now 1");
  assert.equal((await post(server, initialize(), { headers: { origin: "https://b.example" } })).status, 200);
  await server.log(/SESSION_LOCATION_HINT is .* expected is/);
  assert.ok(!server.logs.some(({ text, json }) => json?.event === "request" || /IDLE|LOG_|ORIGINS/.test(text)));
});

test("an invalid variable is logged with what is expected, and its default is used", async () => {
  const vars = {
    SESSION_IDLE_SECONDS: "abc",
    SESSION_MAX_AGE_SECONDS: "-1",
    SESSION_RESUME_SECONDS: "5m",
    LOG_REQUESTS: "false",
    ANSWERS: "json",
  };
  await using server = await demo({ vars });
  const session = await open(server);
  assert.equal(await session.callText("increment"), "Added 1, total is now 1");
  for (const [name, value] of Object.entries(vars)) {
    const { text } = await server.log(new RegExp(`^${name} is "${value}"; expected is \\S+`));
    if (name.endsWith("_SECONDS")) assert.match(text, /seconds; \d+/);
  }
  await session.request("made/up").catch(() => {});
  await server.log(({ json }) => json?.event === "request" && json.outcome === "error");
  assert.ok(!server.logs.some(({ json }) => json?.outcome === "ok"), JSON.stringify(server.logs));
});

test("valid and empty variables are not logged", async () => {
  const vars = { SESSION_IDLE_SECONDS: " 60 ", SESSION_RESUME_SECONDS: "", LOG_REQUESTS: "all", ANSWERS: "" };
  await using server = await demo({ vars });
  const session = await open(server);
  assert.equal(await session.callText("increment"), "Added 1, total is now 1");
  assert.ok(!server.logs.some(({ text }) => text.includes("expected is")), JSON.stringify(server.logs));
});
