// The local bridge between the TypeScript SDK's client of 2026-07-28, on stdio, and sessions of our Worker: questions of each kind, logs,
// progress, subscriptions, cancellation. Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { PROGRAM } from "../../support/bridge.mjs";
import { NO_BROWSER } from "../../support/callback.mjs";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";
import { checked, record } from "../../support/sdk.mjs";
import { META, STATELESS } from "../../support/stateless.mjs";
import { WAIT_MS, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const WATCHED = "test://watched-resource";
const LIMIT = { timeout: WAIT_MS };

const server = await fixture();
after(() => server.stop());

/** Runs `use(client, messages)` while a client is connected through the bridge; `messages` are all that it gets. */
async function connected([path, ...args], use) {
  const config = temporaryFolder("durable-mcp-remote");
  const transport = new StdioClientTransport({
    command: PROGRAM,
    args: [`${server.url}${path}`, ...args],
    env: { ...process.env, ...NO_BROWSER, MCP_REMOTE_CONFIG_DIR: config },
    stderr: "ignore",
  });
  const client = new Client(
    { name: "tests", version: "1.0.0" },
    {
      capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
      versionNegotiation: { mode: { pin: STATELESS } },
    },
  );
  client.setRequestHandler("elicitation/create", ({ params }) => (params.mode === "url" ? { action: "accept" } : { action: "accept", content: { username: "Ada", email: "ada@example.com" } }));
  client.setRequestHandler("sampling/createMessage", () => ({ role: "assistant", model: "a-model", content: { type: "text", text: "oui" } }));
  client.setRequestHandler("roots/list", () => ({ roots: [{ uri: "file:///home" }] }));
  try {
    await client.connect(checked(transport), LIMIT);
    assert.equal(client.getNegotiatedProtocolVersion(), STATELESS);
    await use(client, record(transport));
  } finally {
    await client.close();
    removeFolder(config);
  }
}

const textOf = ({ content }) => content.map(({ text }) => text).join("\n");

for (const [what, way] of [
  ["Streamable HTTP", ["/mcp", "--protocol", "legacy"]],
  ["HTTP+SSE", ["/sse", "--transport", "sse-only"]],
]) {
  test(`73: each kind of question is answered in sessions of ${what}`, () =>
    connected(way, async (client) => {
      const call = async (name, args = {}) => textOf(await client.callTool({ name, arguments: args }, LIMIT));
      assert.match(await call("test_elicitation", { message: "Who?" }), /Ada/);
      assert.equal(await call("test_sampling", { prompt: "Yes?" }), "LLM response: oui");
      assert.equal(await call("roots"), "file:///home");
      assert.equal(await call("url_elicitation"), "opened");
      // It asks each time, so that the client gives up in the end.
      await assert.rejects(client.callTool({ name: "url_required", arguments: {} }, LIMIT), /rounds/);
      const all = await Promise.all([1, 2, 3, 4].map(() => call("test_elicitation", { message: "Who?" })));
      assert.ok(all.every((text) => text.includes("Ada")), `${all}`);
    }));

  test(`72: lists, prompts, resources and completions come from sessions of ${what}`, () =>
    connected(way, async (client) => {
      assert.ok((await client.listTools({}, LIMIT)).tools.length > 10);
      assert.ok((await client.listPrompts({}, LIMIT)).prompts.length > 1);
      assert.ok((await client.listResources({}, LIMIT)).resources.some(({ uri }) => uri === WATCHED));
      assert.equal((await client.listResourceTemplates({}, LIMIT)).resourceTemplates.length > 0, true);
      assert.match((await client.readResource({ uri: "test://static-text" }, LIMIT)).contents[0].text, /static text/);
      await assert.rejects(client.readResource({ uri: "test://nothing" }, LIMIT), ({ code }) => code === -32602);
      const { messages } = await client.getPrompt({ name: "test_prompt_with_arguments", arguments: { arg1: "a", arg2: "b" } }, LIMIT);
      assert.match(messages[0].content.text, /arg1='a', arg2='b'/);
    }));

  test(`76: logs and progress of sessions of ${what} reach the requests that ask for them`, () =>
    connected(way, async (client, messages) => {
      const logs = () => messages.filter(({ method }) => method === "notifications/message").length;
      await client.callTool({ name: "test_tool_with_logging", arguments: {} }, LIMIT);
      assert.equal(logs(), 0);
      await client.callTool({ name: "test_tool_with_logging", arguments: {}, _meta: { [`${META}/logLevel`]: "info" } }, LIMIT);
      await until(() => logs() === 3, () => `logs: ${logs()}`);
      await client.callTool({ name: "test_tool_with_logging", arguments: {}, _meta: { [`${META}/logLevel`]: "error" } }, LIMIT);
      assert.equal(logs(), 3);
      const from = messages.length;
      await client.callTool({ name: "test_tool_with_progress", arguments: {} }, { ...LIMIT, onprogress: () => {} });
      // As they came: the SDK drops a notice that it reads together with the result.
      const order = messages.slice(from).map(({ params, result }) => params?.progress ?? textOf(result));
      assert.deepEqual(order, [0, 50, 100, "Tool with progress executed successfully"]);
    }));

  test(`77: subscriptions are told of changes in sessions of ${what}`, () =>
    connected(way, async (client) => {
      const told = [];
      client.setNotificationHandler("notifications/tools/list_changed", () => void told.push("tools"));
      client.setNotificationHandler("notifications/resources/updated", ({ params }) => void told.push(params.uri));
      const subscription = await client.listen({ toolsListChanged: true, resourceSubscriptions: [WATCHED] }, LIMIT);
      // The server may have the subscription later than the client its acknowledgement.
      await until(async () => {
        await client.callTool({ name: "announce", arguments: {} }, LIMIT);
        return told.includes("tools") && told.includes(WATCHED);
      }, () => `notices: ${told}`);
      await subscription.close();
    }));

  test(`43: a call that the client cancels is cancelled in a session of ${what}`, () =>
    connected(way, async (client) => {
      const name = `note of ${what}`;
      const cancelling = new AbortController();
      const waits = client.callTool({ name: "tidy", arguments: { name, ms: WAIT_MS } }, { ...LIMIT, signal: cancelling.signal, onprogress: () => cancelling.abort() });
      await assert.rejects(waits);
      await until(async () => textOf(await client.callTool({ name: "tidied", arguments: { name } }, LIMIT)) === "called off", "the end of the call");
    }));
}
