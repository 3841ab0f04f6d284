// Answers are the same for clients of every version: those of both generations of the TypeScript SDK, with and without sessions,
// get the same lists and the same results.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as v2 from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { begun, checked } from "../../support/sdk.mjs";
import { WAIT_MS } from "../../support/wait.mjs";
import { demo, fixture } from "../../support/workerd.mjs";

const server = await demo();
const fixtures = await fixture();
after(() => Promise.all([server.stop(), fixtures.stop()]));

const LIMIT = { timeout: WAIT_MS };
const INFO = { name: "tests", version: "1.0.0" };
const CAPABILITIES = { elicitation: {} };
const COUNTER = "mcp://resource/counter";

const answer = ({ params }) =>
  params.message.includes("Nobody's")
    ? { action: "decline" }
    : { action: "accept", content: { people: 3, outside: true, pages: 1 } };

function ofV1(transport) {
  return async (url) => {
    const client = new ClientV1(INFO, { capabilities: CAPABILITIES });
    client.setRequestHandler(ElicitRequestSchema, answer);
    await client.connect(checked(transport(url)), LIMIT);
    const call = (name, args) => client.callTool({ name, arguments: args }, undefined, LIMIT);
    return { client, call };
  };
}

function ofV2(transport, mode) {
  return async (url) => {
    const client = new v2.Client(INFO, { capabilities: CAPABILITIES, versionNegotiation: { mode } });
    client.setRequestHandler("elicitation/create", answer);
    await client.connect(checked(transport(url)), LIMIT);
    const call = (name, args) => client.callTool({ name, arguments: args }, LIMIT);
    return { client, call };
  };
}

const sse = (Transport) => (url) => new Transport(new URL("/sse", url));
const streamable = (Transport) => (url) => new Transport(new URL("/mcp", url));

const REFERENCE = ofV2(streamable(v2.StreamableHTTPClientTransport), { pin: "2026-07-28" });
const OTHERS = {
  "SDK v2 in a session": ofV2(streamable(v2.StreamableHTTPClientTransport), "legacy"),
  "SDK v2 over HTTP+SSE": ofV2(sse(v2.SSEClientTransport), "legacy"),
  "SDK v1 in a session": ofV1(streamable(StreamableHTTPClientTransport)),
  "SDK v1 over HTTP+SSE": ofV1(sse(SSEClientTransport)),
};

// Contents of the answers, without what each version wraps around them.
const bare = ({ _meta, ttlMs, cacheScope, resultType, ...rest }) => rest;

/** Everything that the demo answers, in one object. */
async function ofDemo({ client, call }) {
  const counted = await call("increment", { by: 5 });
  const session = begun(counted);
  const named = session && { session };
  const uri = session ? `${COUNTER}?session=${session}` : COUNTER;
  const { contents } = await client.readResource({ uri }, LIMIT);
  return {
    tools: withoutState((await client.listTools({}, LIMIT)).tools),
    prompts: (await client.listPrompts({}, LIMIT)).prompts,
    templates: (await client.listResourceTemplates({}, LIMIT)).resourceTemplates,
    resources: (await client.listResources({}, LIMIT)).resources.map(({ description, ...rest }) => rest),
    counted: counted.content[0],
    counter: contents.map(({ uri, ...rest }) => rest),
    add: bare(await call("add", { a: 0.1, b: 2 })),
    failed: bare(await call("calculate", { operation: "divide", a: 1, b: 0 })),
    invalid: bare(await call("add", { a: "two", b: 2 })),
    again: bare(await call("increment", { by: -1, ...named })),
    whoami: bare(await call("whoami", {})),
    countdown: bare(await call("countdown", { steps: 2, delay_ms: 1 })),
    booked: bare(await call("book_table", { restaurant: "Ada's" })),
    declined: bare(await call("book_table", { restaurant: "Nobody's" })),
    report: bare(await call("write_report", { topic: "tea" })),
    greeting: bare(await client.readResource({ uri: "greeting://german/Ada" }, LIMIT)),
    page: bare(await client.readResource({ uri: "ui://demo/dice.html" }, LIMIT)),
    prompt: bare(await client.getPrompt({ name: "greet", arguments: { name: "Ada", language: "french" } }, LIMIT)),
    unknown: await client.callTool({ name: "no_such_tool" }).catch(({ code }) => code),
  };
}

const CONTENT = [
  ["test_simple_text"],
  ["test_image_content"],
  ["test_audio_content"],
  ["test_embedded_resource"],
  ["test_multiple_content_types"],
  ["test_error_handling"],
  ["link"],
  ["nothing"],
  ["echo", { text: "“Grüße” \u0000 \u{1f600}" }],
  ["structured", { name: "Ada Lovelace" }],
  ["arguments", { text: "t", colour: "red", place: { x: 1, y: -0.5 }, tags: ["a", "b"] }],
  ["test_x_mcp_header", { region: "us west", shard: 1 }],
  ["json_schema_2020_12_tool", { name: "n", phone: "1" }],
];
const RESOURCES = ["test://static-text", "test://static-binary", "test://template/1/data"];
const PROMPTS = [
  { name: "test_simple_prompt" },
  { name: "test_prompt_with_arguments", arguments: { arg1: "a", arg2: "b" } },
  { name: "test_prompt_with_image" },
];

/** Every kind of content that there is. */
async function ofFixture({ client, call }) {
  // The SDK repeats arguments in headers only of tools that it has seen.
  const { tools } = await client.listTools({}, LIMIT);
  const answers = { schema: tools.find(({ name }) => name === "json_schema_2020_12_tool") };
  for (const [name, args = {}] of CONTENT) answers[name] = bare(await call(name, args));
  for (const uri of RESOURCES) answers[uri] = bare(await client.readResource({ uri }, LIMIT));
  for (const prompt of PROMPTS) answers[prompt.name] = bare(await client.getPrompt(prompt, LIMIT));
  return answers;
}

/** Tools without the argument that names a state, which only clients without sessions need. */
function withoutState(tools) {
  return tools.map(({ inputSchema: { properties, ...schema }, ...tool }) => {
    const { session, ...own } = properties ?? {};
    return { ...tool, inputSchema: { properties: own, ...schema } };
  });
}

async function answersTo(connect, { url }, ask) {
  const connected = await connect(url);
  try {
    return await ask(connected);
  } finally {
    await connected.client.close();
  }
}

for (const [whose, to, ask] of [
  ["the demo", server, ofDemo],
  ["the fixtures", fixtures, ofFixture],
]) {
  const expected = await answersTo(REFERENCE, to, ask);
  for (const [name, connect] of Object.entries(OTHERS)) {
    test(`${name} gets from ${whose} what a client of 2026-07-28 gets`, async () => {
      const answers = await answersTo(connect, to, ask);
      // One by one, so that a difference is short.
      for (const [what, value] of Object.entries(expected)) assert.deepEqual(answers[what], value, what);
    });
  }
}
