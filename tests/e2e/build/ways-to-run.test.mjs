// The three ways to run, by the steps of the documentation, in a clone: nobody signs in, people sign in with GitHub, people
// sign in with Cloudflare.
import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Account } from "../../support/account.mjs";
import { removeFolder, root, run } from "../../support/child.mjs";
import { clone } from "../../support/clone.mjs";
import { post, send } from "../../support/mcp.mjs";
import { cloudflare } from "../../support/upstream/cloudflare.mjs";
import { gitHub } from "../../support/upstream/github.mjs";
import { Person } from "../../support/upstream/person.mjs";
import { WAIT_MS } from "../../support/wait.mjs";
import { BUILD_MS, npmStart } from "../../support/wrangler.mjs";

const LIMIT = { timeout: WAIT_MS };
const REDIRECT = "https://client.example/callback";

const { folder, env } = await clone();
after(() => removeFolder(folder));

test("a fresh clone is a public server", () =>
  started({}, async (server) => {
    assert.match(await home(server), /<dt>Sign-in<\/dt><dd>None\. Anybody with the address can use it\./);
    const client = await connect(server);
    assert.equal(await call(client, "whoami"), "Nobody is signed in: this server is public.");
    assert.equal(await call(client, "increment", { by: 2 }), "Added 2, total is now 2");
    await client.close();
  }));

for (const { title, start, prefix, page, person } of [
  { title: "GitHub", start: gitHub, prefix: "GITHUB", page: "github.md", person: "The Octocat" },
  { title: "Cloudflare", start: cloudflare, prefix: "CLOUDFLARE", page: "cloudflare.md", person: "Ann Example" },
]) {
  test(`two secrets of ${title} in .dev.vars enable sign-in with ${title}`, async () => {
    await using provider = await start();
    const { credentials, vars } = provider;
    const documented = documentedVars(page);
    const needed = { IDENTITY_PROVIDER: title.toLowerCase(), [`${prefix}_CLIENT_ID`]: "", [`${prefix}_CLIENT_SECRET`]: "" };
    assert.deepEqual(Object.keys(documented), Object.keys(needed));
    assert.equal(documented.IDENTITY_PROVIDER, credentials.IDENTITY_PROVIDER);
    // The stand-in is elsewhere than the provider itself.
    await started(vars, async (server) => {
      assert.doesNotMatch(server.output, /Compiling/);
      assert.match(await home(server), new RegExp(`<dt>Sign-in</dt><dd>With ${title} \\(stand-in\\)\\. `));
      const { status, headers } = await post(server, "{}");
      assert.equal(status, 401);
      assert.match(headers["www-authenticate"], /resource_metadata=/);
      const client = await signIn(server, provider);
      assert.equal(await call(client, "whoami"), `You are ${person}.`);
      assert.equal(await call(client, "increment", { by: 2 }), "Added 2, total is now 2");
      const { tools } = await client.listTools(undefined, LIMIT);
      const own = tools.map(({ name }) => name).filter((name) => name.startsWith("cloudflare_"));
      assert.deepEqual(own, title === "Cloudflare" ? ["cloudflare_user", "cloudflare_accounts"] : []);
      await client.close();
    });
  });
}

// The stand-in that the terminal names, as a browser meets it.
async function standIn(server) {
  const { text } = await server.said(/a stand-in for \w+ is at/);
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(text);
  return { url, reach: (address) => address, has: (address) => address.origin === url };
}

test("--stand-in github has the octocat sign in without an application, whatever .dev.vars names", () => {
  // The stand-in goes before these, and the list stays.
  const vars = { IDENTITY_PROVIDER: "google", GITHUB_CLIENT_ID: "another", GITHUB_ALLOWED: "org:acme" };
  const act = async (server) => {
    assert.doesNotMatch(server.output, /Compiling/);
    const provider = await standIn(server);
    assert.match(await home(server), /<dd>With GitHub \(stand-in\)\. /);
    const client = await signIn(server, provider, "Authorize as octocat");
    assert.equal(await call(client, "whoami"), "You are The Octocat.");
    await client.close();
    await assert.rejects(signIn(server, provider, "Authorize as hubot"), /signed in as GitHub user hubot, who may not/);
  };
  return started(vars, act, ["--stand-in", "github"]);
});

test("--stand-in cloudflare signs users in with accounts", () =>
  started(
    {},
    async (server) => {
      const client = await signIn(server, await standIn(server), "Authorize as ann@example.com");
      assert.match(await call(client, "cloudflare_user"), /^Ann Example <ann@example\.com>/);
      await client.close();
    },
    ["--stand-in=cloudflare"],
  ));

test("a server without the secrets signs nobody in and says what to set", () =>
  started({ IDENTITY_PROVIDER: "github" }, async (server) => {
    assert.match(await home(server), /Nobody is let in yet[^]*GITHUB_CLIENT_ID is not set\. On your machine put it into \.dev\.vars/);
    assert.equal((await post(server, "{}")).status, 401);
    await server.said(/Nobody can sign in: GITHUB_CLIENT_ID is not set/);
  }));

test("a deployment includes sign-in only if it is configured", async () => {
  writeFileSync(join(folder, ".dev.vars"), "IDENTITY_PROVIDER=github\n");
  const { code, stdout, stderr } = await run("npm", ["run", "build"], { cwd: folder, env, ms: BUILD_MS });
  assert.equal(code, 0, stdout + stderr);
  // The build of this tree, where nobody signs in, comes before these tests.
  assert.ok(uploadBytes(folder) > 1.5 * uploadBytes(root), `${uploadBytes(folder)} bytes, ${uploadBytes(root)} without sign-in`);
});

// Runs the clone with such a .dev.vars, and without any if there is nothing to put into it.
async function started(vars, act, args) {
  const file = join(folder, ".dev.vars");
  const lines = Object.entries(vars).map(([name, value]) => `${name}=${value}\n`);
  if (lines.length > 0) writeFileSync(file, lines.join(""));
  else rmSync(file, { force: true });
  const server = await npmStart({ cwd: folder, env, args });
  try {
    await act(server);
  } catch (error) {
    error.message += `\nnpm start said:\n${server.output}`;
    throw error;
  } finally {
    await server.stop();
  }
}

// What a page of the documentation has people put into .dev.vars.
function documentedVars(page) {
  const text = readFileSync(join(folder, "docs/identity", page), "utf8");
  const [, block] = /On your machine, in `\.dev\.vars`:\n\n```\w*\n([^]*?)```/.exec(text);
  return Object.fromEntries(block.trim().split("\n").map((line) => line.split("=")));
}

const uploadBytes = (directory) => statSync(join(directory, "build/index_bg.wasm")).size;

async function home(server) {
  const { status, text } = await send(server, "GET", "/");
  assert.equal(status, 200, text);
  return text;
}

async function connect(server, authProvider) {
  const client = new Client({ name: "tests", version: "1.0.0" });
  await client.connect(transport(server, authProvider), LIMIT);
  return client;
}

const transport = (server, authProvider) => new StreamableHTTPClientTransport(new URL("/mcp", server.url), { authProvider });

// As the SDK's documentation has it: try, send the person to sign in, hand over the code, try again.
async function signIn(server, provider, decision) {
  const follow = async (link) => {
    const { location, text } = await new Person(server, provider).signsIn({ link: () => link }, { decision });
    assert.ok(location?.href.startsWith(REDIRECT), text);
    return location.searchParams;
  };
  const account = new Account({ url: REDIRECT, follow });
  const first = transport(server, account);
  const client = new Client({ name: "tests", version: "1.0.0" });
  await assert.rejects(client.connect(first, LIMIT), UnauthorizedError);
  await first.finishAuth(account.answer.get("code"));
  return connect(server, account);
}

async function call(client, name, args = {}) {
  const { content, isError } = await client.callTool({ name, arguments: args }, undefined, LIMIT);
  assert.ok(!isError, content[0].text);
  return content[0].text;
}
