// The MCP Inspector signs in with GitHub, by its command line and its web page, to a tool that only people on a list see.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { launch } from "../../support/browser.mjs";
import { NO_BROWSER, visit } from "../../support/callback.mjs";
import { Child, removeFolder, temporaryFolder } from "../../support/child.mjs";
import { INSPECTOR, startWeb } from "../../support/inspector.mjs";
import { freePorts } from "../../support/port.mjs";
import { HUBOT, OCTOCAT, gitHub } from "../../support/upstream/github.mjs";
import { Person } from "../../support/upstream/person.mjs";
import { WAIT_MS, bounded } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const LINK = /http\S+\/authorize\?\S+/;
const TOOL = "listed_only";

const github = await gitHub();
const server = await fixture({ vars: github.vars, outbound: github.outbound });
const browser = await launch();
after(() => Promise.all([browser.close(), server.stop(), github.stop()]));

for (const [transport, path] of [["http", "/mcp"], ["sse", "/sse"]]) {
  describe(`the Inspector's command line at ${path}`, () => {
    test("a listed user sees the tool and calls it", async () => {
      await using person = new AtTerminal(OCTOCAT, path);
      assert.ok((await person.tools()).includes(TOOL));
      const { code, said, result } = await person.inspect("tools/call", "--tool-name", TOOL);
      assert.equal(code, 0, said);
      assert.deepEqual(result.content, [{ type: "text", text: "done" }]);
      assert.equal((await person.whoami()).login, "octocat");
      assert.equal(person.signIns, 1);
    });

    test("another user neither sees nor calls the tool", async () => {
      await using person = new AtTerminal(HUBOT, path);
      const tools = await person.tools();
      assert.ok(tools.includes("whoami_user") && !tools.includes(TOOL), `${tools}`);
      const { code, said } = await person.inspect("tools/call", "--tool-name", TOOL);
      assert.notEqual(code, 0);
      assert.match(said, /listed_only/);
      assert.ok(!/done/.test(said), said);
      assert.equal((await person.whoami()).login, "hubot");
    });
  });

  describe(`the Inspector's web page at ${path}`, () => {
    test("a listed user signs in, sees the tool and calls it", () =>
      atWebPage(OCTOCAT, { transport, path }, async (screen) => {
        await screen.getByText(TOOL, { exact: true }).click();
        await screen.getByRole("button", { name: "Execute Tool" }).click();
        await screen.getByText("done", { exact: true }).waitFor();
      }));

    test("another user signs in and does not see the tool", () =>
      atWebPage(HUBOT, { transport, path }, async (screen) => {
        assert.equal(await screen.getByText(TOOL, { exact: true }).count(), 0);
      }));
  });
}

// Opens the page, signs in, and comes to its list of tools. It remembers who signed in, so each has one of their own.
async function atWebPage(user, { transport, path }, act) {
  github.signedIn = user;
  const home = temporaryFolder("durable-mcp-inspector");
  const web = await startWeb(home);
  const page = await browser.newPage();
  try {
    page.setDefaultTimeout(WAIT_MS);
    const query = new URLSearchParams({ serverUrl: server.url + path, transport, autoConnect: web.token });
    await page.goto(`${web.url}/?${query}`);
    await page.getByRole("button", { name: "Approve", exact: true }).click();
    await page.getByRole("button", { name: "Authorize", exact: true }).click();
    await page.locator(`[data-testid="connection-status"][data-status="connected"]`).waitFor();
    await page.getByText("Tools", { exact: true }).click();
    const screen = page.getByTestId("tools-screen");
    await screen.getByText("whoami_user", { exact: true }).waitFor();
    await act(screen);
  } finally {
    await page.close();
    await web.stop();
    removeFolder(home);
  }
}

// Somebody who works with the command line, and has what it stores.
class AtTerminal {
  signIns = 0;
  #home = temporaryFolder("durable-mcp-inspector");
  #endpoint;

  constructor(user, path) {
    this.#endpoint = server.url + path;
    github.signedIn = user;
  }

  async tools() {
    const { code, said, result } = await this.inspect("tools/list");
    assert.equal(code, 0, said);
    return result.tools.map(({ name }) => name);
  }

  async whoami() {
    const { code, said, result } = await this.inspect("tools/call", "--tool-name", "whoami_user");
    assert.equal(code, 0, said);
    return JSON.parse(result.content[0].text);
  }

  /** Runs it; whoever it sends to sign in does. */
  async inspect(method, ...args) {
    const [port] = await freePorts(1);
    const callback = ["--callback-url", `http://127.0.0.1:${port}/oauth/callback`];
    const all = ["--cli", this.#endpoint, ...callback, "--method", method, ...args, "--format", "json"];
    const child = new Child("node", [INSPECTOR, ...all], {
      group: true,
      // Without a terminal it signs nobody in unless it may open a browser.
      env: { ...NO_BROWSER, HOME: this.#home, MCP_AUTO_OPEN_ENABLED: "true", MCP_INSPECTOR_SECRET_STORE: "file" },
    });
    try {
      const signedIn = child.line(LINK).then(({ text }) => this.#signsIn(LINK.exec(text)[0]));
      await Promise.race([child.ended, signedIn]);
      const code = await bounded(child.ended, WAIT_MS, () => `the end of ${child.command}\n${child.output}`);
      const out = child.text("stdout");
      return { code, said: child.output, result: code === 0 && JSON.parse(out).result };
    } finally {
      await child.kill();
    }
  }

  async #signsIn(link) {
    this.signIns += 1;
    const { location, text } = await new Person(server, github).signsIn({ link: () => link });
    assert.ok(location?.searchParams.get("code"), text);
    await visit(location);
  }

  async [Symbol.asyncDispose]() {
    removeFolder(this.#home);
  }
}
