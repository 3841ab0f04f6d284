// An operator lists and ends what users granted: `POST /operator`, and scripts/grants over it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import { root } from "../../support/child.mjs";
import { Jar, hidden } from "../../support/jar.mjs";
import { open, request, send } from "../../support/mcp.mjs";
import { DEMO, client, takes } from "../../support/sign-in.mjs";
import { WAIT_MS, bounded, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const OPERATOR_TOKEN = "a-token-of-the-operator-of-the-tests";
const server = await fixture({ vars: { ...DEMO, OPERATOR_TOKEN } });
after(() => server.stop());

const bearer = (token) => ({ authorization: `Bearer ${token}` });

async function letIn(name, metadata) {
  const [jar, of] = [new Jar(server), await client(server, metadata)];
  const page = await jar.get(of.link());
  const left = await jar.post("/authorize", { ...hidden(page.text), decision: "approve", name });
  const { location } = await jar.get(left.location);
  return of.redeem(location.searchParams.get("code"));
}

const operate = (body, token = OPERATOR_TOKEN) =>
  send(server, "POST", "/operator", { headers: { ...bearer(token), "content-type": "application/json" }, body });

// Runs the script as an operator would: `{ code, stdout, stderr }`.
async function script(args, env = { OPERATOR_TOKEN }) {
  const run = promisify(execFile)("scripts/grants", args, {
    cwd: root,
    env: { PATH: process.env.PATH, ...env },
    timeout: WAIT_MS,
  });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

// A server of the test: `answer` gives status and body for a request, and `asked` has the requests with their bodies.
async function answering(answer) {
  const asked = [];
  const api = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const { url, headers } = request;
    asked.push({ url, headers, body });
    const [status, json] = answer({ url, headers, body });
    response.writeHead(status).end(typeof json === "string" ? json : JSON.stringify(json));
  });
  await new Promise((resolve) => api.listen(0, "127.0.0.1", resolve));
  const stop = () => new Promise((resolve) => api.close(resolve));
  return { url: `http://127.0.0.1:${api.address().port}`, asked, [Symbol.asyncDispose]: stop };
}

// The sessions of a user, once so many are listed: they are noted beside the requests that begin them.
const listed = (user, count) =>
  until(async () => {
    const { json } = await operate({ do: "list", user });
    return json.grants.flatMap(({ sessions }) => sessions).length === count && json;
  }, `${count} sessions`);

describe("an operator", () => {
  test("an operator ends a grant with its token, session and stream", async () => {
    const { access_token } = await letIn("Ann");
    const session = await open(server, { headers: bearer(access_token), client: { name: "Laptop", version: "2" } });
    const stream = session.stream();
    assert.equal((await stream.opened).status, 200);
    const { handle, grants } = await listed("demo:Ann", 1);
    assert.equal(grants.length, 1);
    assert.equal(grants[0].client_name, "Client of the tests");
    assert.equal(grants[0].sessions[0].client, "Laptop 2");

    const from = server.logs.length;
    const { status, json } = await operate({ do: "end", user: "demo:Ann", grant: grants[0].grant });
    assert.deepEqual([status, json], [200, { handle, grants: [], found: true }]);
    assert.equal(await takes(server, access_token), false);
    await bounded(stream.text(), WAIT_MS, "the end of the stream");
    // The line of the list before may come late. It names no grant.
    const told = () => server.logs.slice(from).filter(({ json }) => json?.handle === handle && json.grant);
    await until(() => told().length === 2, "the lines in the log");
    assert.deepEqual(
      told().map(({ json: { event, action, grant } }) => [event, action, grant]).sort(),
      [
        ["operator", "end", grants[0].grant],
        ["revoked", undefined, grants[0].grant],
      ],
    );
  });

  test("an operator ends one session, and the grant continues", async () => {
    const { access_token } = await letIn("Berta");
    const headers = bearer(access_token);
    const [one, other] = [await open(server, { headers }), await open(server, { headers })];
    const { grants } = await listed("demo:Berta", 2);
    const { grant, sessions } = grants[0];
    await operate({ do: "end-session", user: "demo:Berta", grant, session: sessions[0].session });
    const statuses = await Promise.all([one, other].map(async (each) => (await each.post(request(7, "ping"))).status));
    assert.deepEqual(statuses.sort(), [200, 404]);
    assert.ok(await takes(server, access_token));
  });

  test("a request without the operator's token is refused", async () => {
    for (const token of ["", "wrong", `${OPERATOR_TOKEN}x`, OPERATOR_TOKEN.slice(1)]) {
      const { status, text } = await operate({ do: "list", user: "demo:Ann" }, token);
      assert.equal(status, 401, text);
    }
    const page = { ...bearer(OPERATOR_TOKEN), origin: server.url };
    assert.equal((await send(server, "POST", "/operator", { headers: page, body: {} })).status, 403);
    await using shut = await fixture({ vars: DEMO });
    assert.equal((await send(shut, "POST", "/operator", { headers: bearer(OPERATOR_TOKEN), body: {} })).status, 404);
  });
});

describe("scripts/grants", () => {
  test("the script lists a user's grants as text and JSON, and ends them", async () => {
    const { access_token } = await letIn("Carla", { client_name: "Editor \u001b[2J of notes" });
    await open(server, { headers: bearer(access_token), client: { name: "Phone", version: "1" } });
    const { handle, grants } = await listed("demo:Carla", 1);
    const { code, stdout, stderr } = await script([server.url, "list", "demo:Carla"]);
    assert.equal(code, 0, stderr);
    for (const part of [grants[0].grant, "of notes", "Phone 1", grants[0].sessions[0].session, handle]) {
      assert.ok(stdout.includes(part), `${part}: ${stdout}`);
    }
    assert.ok(!stdout.includes("\u001b"), "a client's name cannot write over the terminal");
    const json = await script(["--json", server.url, "list", `handle:${handle}`]);
    assert.deepEqual(JSON.parse(json.stdout), { handle, grants });
    const ended = await script([server.url, "end-all", "demo:Carla"]);
    assert.match(ended.stdout, /no grants/);
    assert.equal(await takes(server, access_token), false);
  });

  test("the script finds a user of GitHub by login", async () => {
    await using api = await answering(() => [200, { id: 583231, login: "octocat" }]);
    const env = { OPERATOR_TOKEN, GITHUB_API_URL: api.url };
    const found = await script(["--json", server.url, "list", "github:@octocat"], env);
    assert.deepEqual(api.asked.map(({ url }) => url), ["/users/octocat"], found.stderr);
    const { json } = await operate({ do: "list", user: "github:583231" });
    assert.deepEqual(JSON.parse(found.stdout), json);
  });

  test("the script asks GitHub only for the login, and names the alternative if that fails", async () => {
    await using api = await answering(() => [404, { message: "Not Found" }]);
    const env = { OPERATOR_TOKEN, GITHUB_API_URL: api.url };
    for (const user of ["github:@", "github:@..", "github:@a/b", "github:@-"]) {
      const { code, stderr } = await script([server.url, "list", user], env);
      assert.equal(code, 1);
      assert.match(stderr, /no login of GitHub/);
    }
    assert.deepEqual(api.asked, []);
    for (const GITHUB_API_URL of [api.url, "http://127.0.0.1:1"]) {
      const { code, stderr } = await script([server.url, "list", "github:@octocat"], { ...env, GITHUB_API_URL });
      assert.equal(code, 1);
      assert.match(stderr, /\/users\/octocat.*github:583231/);
    }
  });

  test("the script accepts ids that begin with a hyphen, and options around them", async () => {
    await using api = await answering(() => [200, { handle: "h", grants: [], found: true }]);
    for (const args of [
      ["--json", api.url, "end-session", "u", "-o-grant", "--session"],
      [api.url, "end-session", "u", "-o-grant", "--session", "--json"],
    ]) {
      const { code, stdout, stderr } = await script(args);
      assert.equal(code, 0, stderr);
      assert.deepEqual(JSON.parse(stdout), { handle: "h", grants: [], found: true });
      const sent = { do: "end-session", user: "u", grant: "-o-grant", session: "--session" };
      assert.deepEqual(JSON.parse(api.asked.pop().body), sent);
    }
  });

  test("the script fails with a message for an unknown grant or session", async () => {
    for (const args of [["end", "demo:Ann", "mistyped"], ["end-session", "demo:Ann", "mistyped", "other"]]) {
      const { code, stdout, stderr } = await script([server.url, ...args]);
      assert.equal(code, 1, stdout);
      assert.match(stdout, /handle in the log/);
      assert.match(stderr, /demo:Ann has no .*grant mistyped, so nothing was ended now/);
    }
  });

  test("the script accepts each token of the secret and prints none", async () => {
    const accepts = ({ headers }) => headers.authorization === `Bearer ${OPERATOR_TOKEN}`;
    await using api = await answering((request) =>
      accepts(request) ? [200, { handle: "h", grants: [] }] : [401, { error_description: "no" }],
    );
    for (const secret of [`${OPERATOR_TOKEN}\n`, `another-one ${OPERATOR_TOKEN}`, `${OPERATOR_TOKEN} another-one`]) {
      const { code, stderr } = await script([api.url, "list", "u"], { OPERATOR_TOKEN: secret });
      assert.equal(code, 0, stderr);
    }
    const { code, stderr } = await script([api.url, "list", "u"], { OPERATOR_TOKEN: "sécret\u0007" });
    assert.equal(code, 1);
    assert.match(stderr, /OPERATOR_TOKEN has a character/);
    assert.doesNotMatch(stderr, /sécret/);
  });

  test("the script names address and status of an unexpected answer", async () => {
    for (const [status, body] of [
      [200, "<html>"],
      [502, "<html>"],
      [200, { hello: "world" }],
      [200, "null"],
      [500, { error: "x" }],
    ]) {
      await using api = await answering(() => [status, body]);
      const { code, stderr } = await script([api.url, "list", "u"]);
      assert.equal(code, 1);
      assert.ok(stderr.includes(`${api.url}/operator answers ${status}`), stderr);
    }
    const { code, stderr } = await script(["http://127.0.0.1:1", "list", "u"]);
    assert.equal(code, 1);
    assert.match(stderr, /http:\/\/127\.0\.0\.1:1\/operator cannot be asked: \S+/);
    assert.match((await script(["mcp.example", "list", "u"])).stderr, /mcp\.example is no URL/);
  });

  test("the script reports wrong usage", async () => {
    for (const [args, env, expected] of [
      [[server.url, "list", "demo:Ann"], {}, /Set OPERATOR_TOKEN/],
      [[server.url, "list", "demo:Ann"], { OPERATOR_TOKEN: "wrong" }, /answers 401: .*OPERATOR_TOKEN/],
      [["http://mcp.example", "list", "demo:Ann"], { OPERATOR_TOKEN }, /not https/],
      [[server.url, "end", "demo:Ann"], { OPERATOR_TOKEN }, /--help/],
      [[server.url, "constructor", "demo:Ann"], { OPERATOR_TOKEN }, /--help/],
    ]) {
      const { code, stderr } = await script(args, env);
      assert.equal(code, 1, `${args}`);
      assert.match(stderr, expected);
      assert.ok(!stderr.includes(OPERATOR_TOKEN));
    }
  });
});

test("the log never has the operator's token", () => {
  assert.ok(server.logs.length > 0);
  assert.ok(!server.logs.some(({ text }) => text.includes(OPERATOR_TOKEN)));
});
