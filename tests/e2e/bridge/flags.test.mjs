// The local bridge's command line, hidden tools, configurations of clients, logs. Numbers are those of the table in tests/README.md.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, statSync, existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PROGRAM, startBridge } from "../../support/bridge.mjs";
import { bridgeServer } from "../../support/bridge-server.mjs";
import { removeFolder, run, temporaryFolder } from "../../support/child.mjs";
import { installations } from "../../../playground/src/copy/install.ts";

const URL_OF_SERVER = "https://mcp.example.com/mcp";

test("9: --help and --version write to stdout and end with 0", async () => {
  const help = await run(PROGRAM, ["--help"]);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^durable-mcp-remote connects .*\n[^]*Usage:/);
  const version = await run(PROGRAM, ["--version"]);
  assert.deepEqual([version.code, version.stdout], [0, JSON.parse(readFileSync(new URL("../../../crates/durable-mcp-remote/npm/package.json", import.meta.url), "utf8")).version]);
});

for (const [args, words] of [
  [[], /URL is missing.*https:\/\/example\.com\/mcp/],
  [["mcp.example.com"], /no URL.*write it whole/],
  [[URL_OF_SERVER, "--transport"], /--transport lacks its value/],
  [[URL_OF_SERVER, "--host", "example.com"], /--host.*this machine/],
  [[URL_OF_SERVER, "--store", "cloud"], /--store.*file or keychain/],
  [["config", URL_OF_SERVER, "--client", "emacs"], /--client "emacs" is unknown; use one of claude-desktop/],
]) {
  test(`9: durable-mcp-remote ${args.join(" ")} ends with 1 and a sentence on what to do`, async () => {
    const { code, stdout, stderr } = await run(PROGRAM, args);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, words);
    assert.equal(stderr.split("\n").length, 1);
  });
}

test("an unknown flag is a warning", async () => {
  await using server = await bridgeServer();
  await using bridge = startBridge(server.url, { args: ["--fast", "yes"] });
  await bridge.initialize();
  await bridge.child.line(/--fast is no flag.*see --help/);
});

const TOOLS = ["deleteTask", "getTask", "closeAccount"].map((name) => ({ name, inputSchema: { type: "object" } }));

for (const [args, visible] of [
  [["--ignore-tool", "delete*", "--ignore-tool", "*ACCOUNT"], ["getTask"]],
  [["--allow-tool", "*Task"], ["deleteTask", "getTask"]],
  [["--allow-tool", "*Task", "--ignore-tool", "deleteTask"], ["getTask"]],
]) {
  test(`113: ${args.join(" ")} hides tools from lists and refuses them by name`, async () => {
    await using server = await bridgeServer({ on: { "tools/list": () => ({ tools: TOOLS, nextCursor: "more" }) } });
    await using bridge = startBridge(server.url, { args });
    await bridge.initialize();
    const { tools, nextCursor } = await bridge.result("tools/list");
    assert.deepEqual(tools.map(({ name }) => name), visible);
    assert.equal(nextCursor, "more");
    for (const { name } of TOOLS) {
      const { error, result } = await bridge.request("tools/call", { name });
      if (visible.includes(name)) assert.ok(result, name);
      else assert.match(error?.message, new RegExp(name));
    }
    const called = server.requests.filter(({ message }) => message?.method === "tools/call").map(({ message }) => message.params.name);
    assert.deepEqual(called, TOOLS.map(({ name }) => name).filter((name) => visible.includes(name)));
  });
}

test("114: control characters of a server's text are escaped on the terminal", async () => {
  const text = "\u001b]0;title\u0007\u001b[2J\u202eevil";
  const refused = JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: 1, message: text } });
  await using server = await bridgeServer({ on: { "notifications/initialized": (exchange) => exchange.status(400, refused) } });
  await using bridge = startBridge(server.url);
  await bridge.initialize();
  await bridge.child.line(/evil/);
  assert.doesNotMatch(bridge.stderr, /[\u0000-\u0009\u000b-\u001f\u202e]/);
});

// A run whose secrets are planted everywhere a log could take them from.
async function logged(args, { config = temporaryFolder("bridge-log") } = {}) {
  await using server = await bridgeServer({
    sessions: true,
    on: { "tools/call": ({ message }) => ({ content: [], structuredContent: { refresh_token: "planted-refresh", echo: message.params.arguments } }) },
  });
  const bridge = startBridge(server.url, { config, args: ["--header", "Authorization: Bearer planted-bearer", ...args] });
  await bridge.initialize();
  await bridge.result("tools/call", { name: "x", arguments: { password: "planted-password", plain: "visible" } });
  assert.equal(await bridge.end(), 0);
  await bridge.stop();
  return { config, stderr: bridge.stderr };
}

const logFile = (config) => {
  const folder = join(config, "mcp-remote-v1");
  const [name] = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith("_debug.log")) : [];
  return name && join(folder, name);
};

test("117: --debug logs time, direction, method, id, status, bytes and duration of each message", async () => {
  const { config, stderr } = await logged(["--debug"]);
  const text = readFileSync(logFile(config), "utf8");
  assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \d+ -> POST tools\/call id=\d+ status=200 bytes=\d+ ms=\d+$/m);
  assert.match(text, /<- result id=\d+ bytes=\d+$/m);
  assert.match(text, /-> DELETE status=204/);
  assert.match(stderr, /-> POST tools\/call/);
  assert.doesNotMatch(text + stderr, /planted|visible/);
  if (process.platform !== "win32") assert.equal(statSync(logFile(config)).mode & 0o777, 0o600);
  removeFolder(config);
});

test("117: --debug=bodies logs bodies without secrets", async () => {
  const { config, stderr } = await logged(["--debug=bodies"]);
  const text = readFileSync(logFile(config), "utf8");
  assert.match(text, /"plain":"visible"/);
  assert.match(text, /"password":"\*\*\*"/);
  assert.doesNotMatch(text + stderr, /planted/);
  removeFolder(config);
});

test("117: without --debug there is no log; --log names a file; --silent leaves stderr empty", async () => {
  const { config, stderr } = await logged(["--fast", "yes"]);
  assert.equal(logFile(config), undefined);
  assert.match(stderr, /--fast/);
  const file = join(config, "mine.log");
  const silent = await logged(["--fast", "yes", "--silent", "--log", file], { config });
  assert.equal(silent.stderr, "");
  assert.match(readFileSync(file, "utf8"), /-> POST initialize/);
  assert.doesNotMatch(readFileSync(file, "utf8"), /planted/);
  removeFolder(config);
});

test("118: an error for the client is one sentence that says what to do", async () => {
  await using server = await bridgeServer();
  const { url } = server;
  await server.down();
  await using bridge = startBridge(url, { args: ["--initialize-deadline", "1"] });
  const { error } = await bridge.request("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } });
  assert.equal(error.code, -32000);
  assert.match(error.message, /127\.0\.0\.1:\d+ refuses connections; check that the server runs/);
  assert.equal(error.message.split("\n").length, 1);
});

const CLIENTS = { "Claude Desktop": "claude-desktop", "VS Code": "vscode", Cursor: "cursor", Codex: "codex", "Gemini CLI": "gemini" };

test("config prints the form and the file of each client that the playground knows", async () => {
  for (const { client, file, text } of installations("mcp-example-com", URL_OF_SERVER)) {
    if (!file) continue;
    const { code, stdout, stderr } = await run(PROGRAM, ["config", URL_OF_SERVER, "--client", CLIENTS[client], "--header", "X:${KEY}"]);
    assert.equal(code, 0, client);
    assert.ok(stderr.includes(file), `${client}: ${stderr}`);
    if (file.endsWith(".toml")) {
      assert.equal(stdout.split("\n")[0], text.split("\n")[0]);
      assert.match(stdout, /args = \["https:\/\/mcp\.example\.com\/mcp","--header","X:\$\{KEY\}"\]/);
      continue;
    }
    const [[key, servers]] = Object.entries(JSON.parse(stdout));
    assert.deepEqual([key, ...Object.keys(servers)], [Object.keys(JSON.parse(text))[0], "mcp-example-com"]);
    const { command, args } = servers["mcp-example-com"];
    assert.ok(existsSync(command), command);
    assert.deepEqual(args, [URL_OF_SERVER, "--header", "X:${KEY}"]);
  }
});

test("config without a client prints all", async () => {
  await using server = await bridgeServer();
  const { stdout } = await run(PROGRAM, ["config", server.url, "--client=claude-code"]);
  assert.match(stdout, /^claude mcp add 127-0-0-1 -- \S+durable-mcp-remote http:/);
  const { stdout: all } = await run(PROGRAM, ["config", server.url]);
  for (const name of ["claude-desktop", "claude-code", "cursor", "vscode", "codex", "gemini", "zed", "devin", "windsurf"]) assert.ok(all.includes(`(${name})`), name);
});
