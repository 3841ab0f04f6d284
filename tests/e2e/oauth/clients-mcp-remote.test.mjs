// mcp-remote, the bridge that desktop clients run, signs its user in.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { NO_BROWSER, visit } from "../../support/callback.mjs";
import { packageFolder, removeFolder, temporaryFolder } from "../../support/child.mjs";
import { DOCUMENT, siteOfClient } from "../../support/client-document.mjs";
import { freePorts } from "../../support/port.mjs";
import { WAIT_MS } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

// It listens on another port than the document says, as a program on somebody's machine has to.
const site = await siteOfClient("http://localhost:3334/oauth/callback");
const server = await fixture({
  vars: { OAUTH: JSON.stringify({ scopes: ["read", "write", "admin"] }) },
  outbound: site.outbound,
});
after(() => Promise.all([server.stop(), site.stop()]));

const LIMIT = { timeout: WAIT_MS };
const LINKS = /^http\S+\/authorize\?\S+(?=\n)/gm;

for (const [over, path, strategy] of [
  ["Streamable HTTP", "/mcp", "http-only"],
  ["HTTP+SSE", "/sse", "sse-only"],
]) {
  test(`mcp-remote registers and signs in over ${over}, and remembers it`, () =>
    withFolder(async (config) => {
      const [port] = await freePorts(1);
      const args = [`${server.url}${path}`, `${port}`, "--transport", strategy];
      const first = await use(config, args);
      assert.equal(first.me.id, "test");
      assert.equal(first.links, 1);
      const second = await use(config, args);
      assert.deepEqual([second.me.grant, second.links], [first.me.grant, 0]);
      spoilAccessToken(config);
      const third = await use(config, args);
      assert.deepEqual([third.me.grant, third.links], [first.me.grant, 0]);
    }));
}

test("mcp-remote needs no registration with a metadata document", () =>
  withFolder(async (config) => {
    const [port] = await freePorts(1);
    const { me } = await use(config, [`${server.url}/mcp`, `${port}`, "--client-metadata-url", DOCUMENT]);
    assert.equal(me.client, DOCUMENT);
    assert.ok(site.asked(DOCUMENT) > 0);
  }));

async function withFolder(run) {
  const config = temporaryFolder("durable-mcp-remote");
  try {
    await run(config);
  } finally {
    removeFolder(config);
  }
}

/** The caller, through a bridge that starts and ends here, and the number of links to sign in at that it showed. */
async function use(config, args) {
  const stdio = new StdioClientTransport({
    command: process.execPath,
    args: [join(packageFolder("mcp-remote"), "dist/proxy.js"), ...args],
    env: { ...process.env, ...NO_BROWSER, MCP_REMOTE_CONFIG_DIR: config },
    stderr: "pipe",
  });
  let said = "";
  const visited = new Promise((resolve, reject) => {
    let links = 0;
    stdio.stderr.setEncoding("utf8").on("data", (data) => {
      said += data;
      const shown = said.match(LINKS) ?? [];
      for (; links < shown.length; links++) visit(shown[links]).then(resolve, reject);
    });
  });
  const client = new Client({ name: "tests", version: "1.0.0" });
  try {
    const connected = client.connect(stdio, LIMIT);
    await Promise.race([connected, visited]);
    await connected;
    const { content } = await client.callTool({ name: "whoami_user", arguments: {} }, undefined, LIMIT);
    return { me: JSON.parse(content[0].text), links: said.match(LINKS)?.length ?? 0 };
  } catch (error) {
    error.message += `\nmcp-remote said:\n${said}`;
    throw error;
  } finally {
    await client.close();
  }
}

function spoilAccessToken(config) {
  const name = readdirSync(config, { recursive: true }).find((file) => file.endsWith("tokens.json"));
  const tokens = JSON.parse(readFileSync(join(config, name), "utf8"));
  writeFileSync(join(config, name), JSON.stringify({ ...tokens, access_token: "no-longer-good" }));
}
