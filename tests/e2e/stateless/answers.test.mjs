// The answers to requests of 2026-07-28: their shape, how long they are good for, and what a browser gets of them.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { open, send } from "../../support/mcp.mjs";
import { STATELESS, Stateless, rejected } from "../../support/stateless.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const client = new Stateless(server);
const call = (id, name, args = {}, _meta) => client.message(id, "tools/call", { name, arguments: args, _meta });
const PROGRESS = { progressToken: "p" };

describe("a stateless call", () => {
  test("a call without earlier messages is answered with JSON", async () => {
    const answer = await client.post(call("x", "slow", { ms: 100 }));
    assert.deepEqual([answer.status, answer.headers["content-type"]], [200, "application/json"]);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.json.result.content[0].text, "waited 100 ms");
  });

  test("a call with progress is answered by unbuffered events, the last of them the result", async () => {
    const answer = await client.post(call("x", "test_tool_with_progress", {}, PROGRESS));
    assert.equal(answer.status, 200);
    assert.match(answer.headers["content-type"], /^text\/event-stream/);
    assert.equal(answer.headers["x-accel-buffering"], "no");
    assert.match(answer.headers["cache-control"], /no-cache|no-store/);
    const progress = (progress, message) => ({ progressToken: "p", progress, total: 100, message });
    const [first, second, third, last, ...more] = answer.messages;
    assert.deepEqual(
      [first, second, third].map(({ method, params }) => [method, params]),
      [
        ["notifications/progress", progress(0, "Started")],
        ["notifications/progress", progress(50, "Half way")],
        ["notifications/progress", progress(100, "Done")],
      ],
    );
    assert.deepEqual([last.id, last.result.resultType, more], ["x", "complete", []]);
    // Nobody can come back for events, so none has an id.
    for (const { id, retry } of answer.events) assert.deepEqual([id, retry], [undefined, undefined]);
  });

  test("a call without a token gets no progress, and without a level no log messages", async () => {
    for (const tool of ["test_tool_with_progress", "test_tool_with_logging", "test_logging_tool"]) {
      const answer = await client.post(call(1, tool));
      assert.equal(answer.headers["content-type"], "application/json", tool);
    }
  });

  test("log messages below the level of the request are not sent", async () => {
    const texts = async (logLevel, level) => {
      const listening = new Stateless(server, { logLevel });
      const { notifications } = await listening.exchange("tools/call", { name: "log", arguments: { level, text: "t" } });
      return notifications.map(({ method, params }) => [method, params.level, params.data]);
    };
    assert.deepEqual(await texts("info", "info"), [["notifications/message", "info", "t"]]);
    assert.deepEqual(await texts("debug", "emergency"), [["notifications/message", "emergency", "t"]]);
    assert.deepEqual(await texts("warning", "info"), []);
    assert.deepEqual(await texts(undefined, "emergency"), []);
  });

  test("a call is answered by events from the start if the deployment is set to it", async () => {
    await using streaming = await fixture({ vars: { ANSWERS: "events" } });
    const answer = await new Stateless(streaming).post(call("x", "test_simple_text"));
    assert.match(answer.headers["content-type"], /^text\/event-stream/);
    assert.deepEqual([answer.messages.length, answer.messages[0].id], [1, "x"]);
  });

  test("a mebibyte comes back byte for byte, and a longer answer than allowed is an error", async () => {
    const text = "é漢\u2028\u2029👩‍👩‍👧‍👦 \n\r\t\"\\\u0000 data: x\n\nevent: y\n\n".repeat(16_000);
    assert.ok((await client.callText("echo", { text })) === text, "the text is another one");
    const { message } = await rejected(client.call("big", { bytes: 9_000_000 }), -32603);
    assert.match(message, /8388608 bytes/);
  });
});

describe("request headers in a tool", () => {
  const secret = {
    authorization: "Bearer secret",
    cookie: "session=secret",
    "x-durable-mcp-caller": Buffer.from(JSON.stringify(["ann", "c", "g", null, 0, ["admin"], {}])).toString("base64url"),
    "x-durable-mcp-transport": "notice",
    "x-durable-mcp-state": "new secret",
  };

  test("a tool sees the client's own headers and none that are secret or internal", async () => {
    const { structuredContent } = await client.call("headers", {}, { headers: { ...secret, "x-custom": "own" } });
    assert.deepEqual([structuredContent["x-custom"], structuredContent["mcp-name"]], ["own", "headers"]);
    const names = Object.keys(structuredContent).filter((name) => /authorization|cookie|durable/i.test(name));
    assert.deepEqual(names, []);
  });

  test("a tool sees the client of its request and no identity that headers make up", async () => {
    const named = new Stateless(server, { client: { name: "Äpfel & Birnen", version: "3" }, headers: secret });
    const { structuredContent } = await named.call("whoami");
    assert.deepEqual(structuredContent, { user: null, client: "Äpfel & Birnen", version: STATELESS });
    const nameless = new Stateless(server, { client: null });
    assert.equal((await nameless.call("whoami")).structuredContent.client, "");
    // The same where a state's object answers.
    assert.match(JSON.stringify((await named.call("increment")).content), /This began a session/);
  });

  test("a call whose arguments are refused begins no session", async () => {
    const { isError, content } = await new Stateless(server).call("increment", { by: "much" });
    assert.equal(isError, true);
    assert.match(JSON.stringify(content), /whole number/);
    assert.doesNotMatch(JSON.stringify(content), /began a session/);
  });

  test("a session cannot name itself differently by a header", async () => {
    const session = await open(server);
    for (const transport of ["stateless", "notice", "sse"]) {
      const headers = { ...secret, "x-durable-mcp-transport": transport };
      assert.equal(await session.callText("increment", { by: 0 }, { headers }), "0");
      assert.deepEqual((await session.call("whoami", {}, { headers })).structuredContent.version, "2025-11-25");
    }
  });
});

describe("caching hints", () => {
  const fresh = async (method, params, at = client) => {
    const { resultType, ttlMs, cacheScope } = await at.request(method, params);
    assert.equal(resultType, "complete");
    assert.ok(ttlMs === undefined || Number.isInteger(ttlMs));
    return [ttlMs > 0, cacheScope];
  };

  test("lists have a lifetime, and are public if they are the same for every caller", async () => {
    for (const method of [
      ...["server/discover", "tools/list", "resources/list", "resources/templates/list", "prompts/list"],
    ])
      assert.deepEqual(await fresh(method), [true, "public"], method);
  });

  test("a resource is private and not cacheable unless its server says otherwise", async () => {
    assert.deepEqual(await fresh("resources/read", { uri: "test://static-text" }), [false, "private"]);
  });

  test("calls, prompts and completions have no caching hints", async () => {
    const ref = { type: "ref/prompt", name: "test_prompt_with_arguments" };
    for (const [method, params] of [
      ["tools/call", { name: "test_simple_text" }],
      ["prompts/get", { name: "test_simple_prompt" }],
      ["completion/complete", { ref, argument: { name: "arg1", value: "pa" } }],
    ])
      assert.deepEqual(await fresh(method, params), [false, undefined], method);
  });

  test("all pages of a list have the same hints, and every tool once in a stable order", async () => {
    await using paged = await fixture({ vars: { PAGE_SIZE: "7" } });
    const reader = new Stateless(paged);
    const pages = async () => {
      const names = [];
      let cursor;
      do {
        const page = await reader.request("tools/list", cursor === undefined ? {} : { cursor });
        assert.deepEqual([page.ttlMs > 0, page.cacheScope], [true, "public"]);
        names.push(...page.tools.map(({ name }) => name));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return names;
    };
    const { tools } = await client.request("tools/list");
    const names = tools.map(({ name }) => name);
    assert.deepEqual([await pages(), await pages(), new Set(names).size], [names, names, names.length]);
  });
});

describe("a web page as a client", () => {
  const same = { origin: server.url };

  test("a page may send every header of the protocol and of the tools' arguments", async () => {
    const asked = ["authorization", "content-type", "mcp-method", "mcp-name", "mcp-protocol-version"];
    const params = ["mcp-param-region", "Mcp-Param-Dry-Run"];
    const headers = {
      ...same,
      "access-control-request-method": "POST",
      "access-control-request-headers": [...asked, ...params, "x-other"].join(","),
    };
    const answer = await send(server, "OPTIONS", "/mcp", { headers });
    assert.equal(answer.status, 204, `${answer}`);
    assert.match(answer.headers["access-control-allow-methods"], /\bPOST\b/);
    const allowed = answer.headers["access-control-allow-headers"].toLowerCase().split(/, */);
    for (const name of [...asked, "last-event-id", ...params]) assert.ok(allowed.includes(name.toLowerCase()), name);
    assert.ok(!allowed.includes("x-other") && !allowed.includes("*"));
  });

  test("a page can read every answer", async () => {
    const progress = call(1, "test_tool_with_progress", {}, PROGRESS);
    const answers = [
      [200, await client.post(call(1, "test_simple_text"), { headers: same })],
      [200, await client.post(call(1, "increment"), { headers: same })],
      [200, await client.post(progress, { headers: same })],
      [200, await client.post(call(1, "no_such_tool"), { headers: same })],
      [404, await client.post(client.message(1, "ping"), { headers: same })],
      [400, await client.post(call(1, "echo"), { headers: { ...same, "mcp-name": "other" } })],
      [400, await client.post(call(1, "test_missing_capability"), { headers: same })],
      [405, await send(server, "GET", "/mcp", { headers: { ...same, "mcp-protocol-version": STATELESS } })],
    ];
    for (const [status, answer] of answers) {
      assert.equal(answer.status, status, `${answer}`);
      assert.equal(answer.headers["access-control-allow-origin"], server.url, `${answer}`);
      assert.match(answer.headers["access-control-expose-headers"], /www-authenticate/);
      assert.match(answer.headers.vary, /origin/i);
    }
    using listening = await client.listen({ toolsListChanged: true }, { headers: same });
    const { headers } = await listening.opened;
    assert.equal(headers["access-control-allow-origin"], server.url);
  });
});
