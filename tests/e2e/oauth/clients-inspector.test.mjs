// The MCP Inspector's command line signs its user in, remembers it, and forgets it.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { NO_BROWSER, visit } from "../../support/callback.mjs";
import { Child, removeFolder, temporaryFolder } from "../../support/child.mjs";
import { DOCUMENT, siteOfClient } from "../../support/client-document.mjs";
import { INSPECTOR } from "../../support/inspector.mjs";
import { freePorts } from "../../support/port.mjs";
import { WAIT_MS, bounded } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const LINK = /http\S+\/authorize\?\S+/;

const site = await siteOfClient("http://127.0.0.1:6276/oauth/callback");
const server = await fixture({
  vars: { OAUTH: JSON.stringify({ scopes: ["read", "write", "admin"] }) },
  outbound: site.outbound,
});
after(() => Promise.all([server.stop(), site.stop()]));

const WHOAMI = ["--method", "tools/call", "--tool-name", "whoami_user", "--format", "json"];

/** Runs it on a callback port of its own; a link to sign in at is followed. */
async function inspect(home, path, ...args) {
  const [port] = await freePorts(1);
  const callback = ["--callback-url", `http://127.0.0.1:${port}/oauth/callback`];
  const child = new Child("node", [INSPECTOR, "--cli", `${server.url}${path}`, ...callback, ...WHOAMI, ...args], {
    group: true,
    // Without a terminal it signs nobody in unless it may open a browser.
    env: { ...NO_BROWSER, HOME: home, MCP_AUTO_OPEN_ENABLED: "true", MCP_INSPECTOR_SECRET_STORE: "file" },
  });
  try {
    const link = child.line(LINK).then(({ text }) => visit(LINK.exec(text)[0]));
    await Promise.race([child.ended, link]);
    const code = await bounded(child.ended, WAIT_MS, () => `the end of ${child.command}\n${child.output}`);
    const links = child.lines.filter(({ text }) => LINK.test(text)).length;
    return { code, links, said: child.output, out: child.text("stdout"), error: child.text("stderr") };
  } finally {
    await child.kill();
  }
}

async function whoami(...args) {
  const { code, links, said, out } = await inspect(...args);
  assert.equal(code, 0, said);
  return { links, ...JSON.parse(JSON.parse(out).result.content[0].text) };
}

for (const [how, path, ...era] of [
  ["over Streamable HTTP", "/mcp"],
  ["over HTTP+SSE", "/sse"],
  ["without sessions", "/mcp", "--transport", "http", "--protocol-era", "modern"],
]) {
  describe(`the Inspector's command line ${how}`, () => {
    let home;
    let first;
    before(() => (home = temporaryFolder("durable-mcp-inspector")));
    after(() => removeFolder(home));

    test("the Inspector cannot sign in on its own", async () => {
      const { code, links, said } = await inspect(home, path, ...era, "--stored-auth-only");
      assert.notEqual(code, 0);
      assert.equal(links, 0);
      assert.match(said, /auth_required/);
    });

    test("the Inspector registers and signs its user in", async () => {
      first = await whoami(home, path, ...era);
      assert.deepEqual([first.id, first.links], ["test", 1]);
    });

    test("the Inspector continues with its stored tokens", async () => {
      const { grant, links } = await whoami(home, path, ...era, "--stored-auth-only");
      assert.deepEqual([grant, links], [first.grant, 0]);
    });

    test("the Inspector ends its grant and signs in again on request", async () => {
      showMetadata(home);
      const { id, grant, links } = await whoami(home, path, ...era, "--relogin");
      assert.deepEqual([id, links], ["test", 1]);
      assert.notEqual(grant, first.grant);
      const revoked = ({ json }) => json?.event === "revoked" && json.grant === first.grant;
      await server.log(revoked);
    });
  });
}

// The Inspector keeps the metadata in one place, and looks in another for the endpoint to revoke at.
function showMetadata(home) {
  const file = join(home, ".mcp-inspector/storage/oauth.json");
  const stored = JSON.parse(readFileSync(file, "utf8"));
  for (const state of Object.values(stored.servers)) {
    state.serverMetadata = state.discoveryState.authorizationServerMetadata;
  }
  writeFileSync(file, JSON.stringify(stored));
}

test("the Inspector's command line needs no registration with a metadata document", async () => {
  const home = temporaryFolder("durable-mcp-inspector");
  try {
    const { client } = await whoami(home, "/mcp", "--client-metadata-url", DOCUMENT);
    assert.equal(client, DOCUMENT);
    assert.ok(site.asked(DOCUMENT) > 0);
  } finally {
    removeFolder(home);
  }
});
