// Sign-in with GitHub, request by request, in the real runtime: a stand-in on loopback has GitHub's endpoints.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { dump, readable, shown } from "../../support/dump.mjs";
import { client, takes } from "../../support/sign-in.mjs";
import { AUTHORIZE, HUBOT, OCTOCAT, TOKEN, api, gitHub } from "../../support/upstream/github.mjs";
import { Person, refusal, session, whoami } from "../../support/upstream/person.mjs";
import { json } from "../../support/upstream/stand-in.mjs";
import { fixture } from "../../support/workerd.mjs";

const github = await gitHub();
const server = await fixture({ vars: github.vars, outbound: github.outbound });
after(() => Promise.all([server.stop(), github.stop()]));

// Another Worker at the same GitHub, with more variables.
const another = (vars) => fixture({ vars: { ...github.vars, ...vars }, outbound: github.outbound });

// Does something while somebody else is signed in at GitHub, or while GitHub has trouble.
async function during(change, act) {
  change(github);
  try {
    return await act();
  } finally {
    github.heal();
    github.signedIn = OCTOCAT;
  }
}
const as = (user, act) => during((github) => (github.signedIn = user), act);

describe("a user of GitHub", () => {
  test("the client calls for the user of GitHub with their private address", async () => {
    const [person, of] = [new Person(server, github), await client(server)];
    const { id, login, name, email } = await whoami(server, await person.letsIn(of));
    assert.deepEqual(
      { id, login, name, email },
      { id: "github:583231", login: "octocat", name: "The Octocat", email: "octocat@example.com" },
    );
  });

  test("a user with a public address needs no further request", async () => {
    const before = github.asked(api("/user/emails")).length;
    const [person, of] = [new Person(server, github), await client(server)];
    const tokens = await as(HUBOT, () => person.letsIn(of));
    const { id, login, name, email } = await whoami(server, tokens);
    assert.deepEqual(
      { id, login, name, email },
      { id: "github:480938", login: "hubot", name: null, email: "hubot@example.org" },
    );
    assert.equal(github.asked(api("/user/emails")).length, before);
  });

  test("a user without a verified address can sign in without one", async () => {
    const emails = [{ email: "new@example.com", primary: true, verified: false }];
    const [person, of] = [new Person(server, github), await client(server)];
    const tokens = await as({ ...OCTOCAT, emails }, () => person.letsIn(of));
    assert.equal((await whoami(server, tokens)).email, undefined);
  });

  test("the authorization request follows GitHub's documentation", async () => {
    const [person, of] = [new Person(server, github), await client(server)];
    const url = await person.approves(of);
    const asked = Object.fromEntries(url.searchParams);
    assert.equal(url.origin + url.pathname, github.url + AUTHORIZE);
    assert.equal(asked.scope, "read:user user:email");
    assert.equal(asked.redirect_uri, `${server.url}/callback`);
    assert.match(asked.code_challenge, /^[\w-]{43}$/);
    assert.equal(asked.code_challenge_method, "S256");
    await person.returns(await person.goesOn(url));
    const { headers } = github.asked(api("/user")).at(-1);
    assert.equal(headers["x-github-api-version"], "2022-11-28");
    assert.equal(headers.accept, "application/vnd.github+json");
  });

  test("the token of the user is available to tools alone", async () => {
    const [person, of] = [new Person(server, github), await client(server)];
    const caller = await session(server, await person.letsIn(of));
    assert.equal(github.owner(await caller.callText("upstream_token")).login, "octocat");
  });

  test("a user sees and ends their grants on /account", async () => {
    const [person, of] = [new Person(server, github), await client(server)];
    const { access_token } = await person.letsIn(of);
    const { location } = await person.jar.post("/account", { do: "sign-in" });
    const back = await person.returns(await person.goesOn(location));
    assert.equal(back.location.pathname, "/account");
    const page = await person.jar.get("/account");
    assert.match(page.text, /The Octocat/);
    const [, csrf] = /name="csrf" value="([^"]+)"/.exec(page.text);
    await person.jar.post("/account", { do: "end-all", csrf });
    assert.equal(await takes(server, access_token), false);
  });

  test("sign-in goes to GitHub itself without a variable", async () => {
    await using usual = await fixture({ vars: github.credentials, outbound: github.outbound });
    const [person, of] = [new Person(usual, github), await client(usual)];
    const url = await person.approves(of);
    assert.equal(url.origin, "https://github.com");
    const before = github.requests.length;
    const { location } = await person.returns(await person.goesOn(url));
    assert.ok(location.searchParams.get("code"));
    const asked = github.requests.slice(before).map(({ headers }) => `${headers["x-forwarded-proto"]}://${headers.host}`);
    assert.deepEqual(asked.slice(2), ["https://github.com", "https://api.github.com", "https://api.github.com"]);
  });
});

describe("the allow list", () => {
  const MEMBER = { ...OCTOCAT, orgs: { acme: "active" }, teams: { "acme/core": "active" } };
  const INVITED = { ...OCTOCAT, orgs: { acme: "pending" }, teams: { "acme/core": "pending" } };

  for (const [allowed, inside, outside] of [
    ["Octocat", OCTOCAT, HUBOT],
    ["id:583231", { ...OCTOCAT, login: "renamed" }, { ...HUBOT, login: "octocat" }],
    ["org:acme", MEMBER, INVITED],
    ["acme/core", MEMBER, { ...MEMBER, teams: {} }],
  ]) {
    test(`only users named by ${allowed} can sign in`, async () => {
      await using listed = await another({ GITHUB_ALLOWED: allowed });
      const of = await client(listed);
      const tokens = await as(inside, () => new Person(listed, github).letsIn(of));
      assert.equal((await whoami(listed, tokens)).login, inside.login);
      const answer = await as(outside, () => new Person(listed, github).signsIn(of));
      await refusal(listed, answer, {
        status: 403,
        text: new RegExp(`You are signed in as GitHub user ${outside.login}, who may not use this server`),
        error: "access_denied",
      });
    });
  }

  test("memberships and their scope are requested only if the list names groups", async () => {
    await using listed = await another({ GITHUB_ALLOWED: "octocat org:acme" });
    const url = await new Person(listed, github).approves(await client(listed));
    assert.equal(url.searchParams.get("scope"), "read:user user:email read:org");
  });

  test("a list restricts who sees and calls a tool", async () => {
    await using grouped = await another({ GITHUB_GROUPS: "acme/core" });
    const of = await client(grouped);
    const colleague = { ...HUBOT, teams: { "acme/core": "active" } };
    for (const [user, sees] of [[OCTOCAT, true], [colleague, true], [HUBOT, false]]) {
      const caller = await session(grouped, await as(user, () => new Person(grouped, github).letsIn(of)));
      const { tools } = await caller.request("tools/list");
      assert.equal(tools.some(({ name }) => name === "listed_only"), sees, user.login);
      if (sees) assert.equal(await caller.callText("listed_only"), "done");
      else await assert.rejects(caller.call("listed_only"), ({ code }) => code === -32602);
    }
  });
});

describe("a sign-in that GitHub does not complete", () => {
  const away = { status: 503, text: /GitHub \(stand-in\) cannot be reached, or has trouble\. Try again/, error: "temporarily_unavailable" };
  const unconfirmed = { status: 502, text: /GitHub \(stand-in\) did not confirm who you are\. Try again/, error: "server_error" };
  const html = () => ({ status: 200, headers: { "content-type": "text/html" }, body: "<h1>Unicorn!</h1>" });
  const spent = () => json({ message: "API rate limit exceeded" }, 403, { "x-ratelimit-remaining": "0" });

  for (const [what, change, expected] of [
    ["fails with 500 where codes are redeemed", (github) => github.fail(TOKEN, 500), away],
    ["hangs up where codes are redeemed", (github) => github.fail(TOKEN, "cut"), away],
    ["shows a page where codes are redeemed", (github) => github.fail(TOKEN, html), away],
    ["does not answer in 8 seconds", (github) => github.fail(TOKEN, "slow"), away],
    ["fails with 500 where the user is", (github) => github.fail(api("/user"), 500), away],
    ["has had enough requests", (github) => github.fail(api("/user"), spent), away],
    ["fails with 500 where the addresses are", (github) => github.fail(api("/user/emails"), 500), away],
    ["says 401 to the token that it just gave", (github) => github.fail(api("/user"), 401), unconfirmed],
  ]) {
    test(`a provider that ${what} leads to a page with two ways on`, async () => {
      const [person, of] = [new Person(server, github), await client(server)];
      const { again } = await during(change, async () => refusal(server, await person.signsIn(of), expected));
      assert.equal((await person.jar.get(again)).status, 200);
      assert.ok(await person.letsIn(of));
    });
  }

  test("an expired code leads to a page with two ways on", async () => {
    const [person, of] = [new Person(server, github), await client(server)];
    const back = await person.goesOn(await person.approves(of));
    github.expireCodes();
    const { line } = await refusal(server, await person.returns(back), unconfirmed);
    assert.match(line.cause, /bad_verification_code/);
    assert.ok(await person.letsIn(of));
  });

  test("a wrong secret leads to a page that names the variables", async () => {
    await using wrong = await another({ GITHUB_CLIENT_SECRET: "not the secret" });
    const answer = await new Person(wrong, github).signsIn(await client(wrong));
    await refusal(wrong, answer, {
      status: 500,
      text: /does not accept GITHUB_CLIENT_ID with GITHUB_CLIENT_SECRET \(incorrect_client_credentials/,
      error: "server_error",
    });
    assert.ok(!answer.text.includes("not the secret"));
  });

  test("an unregistered callback leads to a page that names the application", async () => {
    const [person, of] = [new Person(server, github), await client(server)];
    const back = await person.goesOn(await person.approves(of));
    back.searchParams.delete("code");
    back.searchParams.set("error", "redirect_uri_mismatch");
    const text = /does not know the callback URL of this server .* Add it to the application of GITHUB_CLIENT_ID/;
    await refusal(server, await person.returns(back), { status: 500, text, error: "server_error" });
  });

  test("a cancelled sign-in returns access_denied to the client", async () => {
    const [person, of] = [new Person(server, github), await client(server)];
    const redeemed = github.asked(TOKEN).length;
    const { status, location } = await person.signsIn(of, { decision: "Cancel" });
    assert.equal(status, 302);
    assert.equal(location.origin + location.pathname, of.redirect);
    const { error, state, code } = Object.fromEntries(location.searchParams);
    assert.deepEqual({ error, state, code }, { error: "access_denied", state: "of the client", code: undefined });
    assert.equal(github.asked(TOKEN).length, redeemed);
  });

  test("a cancelled sign-in to /account is a page with a retry", async () => {
    const person = new Person(server, github);
    const { location } = await person.jar.post("/account", { do: "sign-in" });
    const { status, text } = await person.returns(await person.goesOn(location, "Cancel"));
    assert.equal(status, 403);
    assert.match(text, /You were not signed in\./);
    assert.match(text, /href="\/account"[^>]*>Try again</);
  });
});

describe("the callback from GitHub", () => {
  // What is no answer to this browser's question is a page, the client hears nothing, and GitHub is not asked.
  async function ignored(answer, redeemed) {
    assert.equal(answer.status, 400, answer.text);
    assert.equal(answer.location, null);
    assert.match(answer.text, /used already, or it belongs to another browser/);
    assert.equal(github.asked(TOKEN).length, redeemed);
  }

  test("a callback with another state is refused without side effects", async () => {
    const [person, of] = [new Person(server, github), await client(server)];
    const back = await person.goesOn(await person.approves(of));
    const redeemed = github.asked(TOKEN).length;
    const wrong = new URL(back);
    const state = back.searchParams.get("state");
    for (const other of ["wrong", `${state}x`, `${state.slice(0, 11)}${"A".repeat(32)}`]) {
      wrong.searchParams.set("state", other);
      await ignored(await person.returns(wrong), redeemed);
    }
    assert.ok((await person.returns(back)).location.searchParams.get("code"));
  });

  test("a callback in another browser is refused", async () => {
    const [person, of] = [new Person(server, github), await client(server)];
    const back = await person.goesOn(await person.approves(of));
    await ignored(await new Person(server, github).returns(back), github.asked(TOKEN).length);
  });

  test("a repeated callback is refused", async () => {
    const [person, of] = [new Person(server, github), await client(server)];
    const back = await person.goesOn(await person.approves(of));
    await person.returns(back);
    await ignored(await person.returns(back), github.asked(TOKEN).length);
  });
});

test("no secret of GitHub is on a page, in the log or readable on the disk", async () => {
  const [expiring, seen] = [await gitHub({ expires: 600 }), []];
  const kept = await fixture({ vars: expiring.vars, outbound: expiring.outbound });
  try {
    const of = await client(kept);
    for (const change of [() => {}, () => expiring.fail(api("/user"), 500), () => expiring.fail(TOKEN, 500)]) {
      const person = new Person(kept, expiring);
      change();
      await person.signsIn(of);
      expiring.heal();
      seen.push(...person.seen);
    }
    const person = new Person(kept, expiring);
    const tokens = await person.letsIn(of);
    const renewed = await of.refresh(tokens.refresh_token);
    assert.equal(renewed.status, 200);
    seen.push(...person.seen, JSON.stringify([tokens, renewed.body]));
    const log = kept.logs.map(({ text }) => text);
    assert.ok(expiring.secrets.length > 10 && seen.length > 10 && log.length > 2);
    await kept.kill();
    const texts = Object.fromEntries(expiring.secrets.map((secret) => [secret.slice(0, 8), secret]));
    assert.deepEqual(readable(texts, [...dump(kept.storage), ...shown([...seen, ...log])]), []);
  } finally {
    await kept.stop();
    await expiring.stop();
  }
});

