// Stand-ins for identity providers, as `npm start -- --stand-in` has them: for this machine alone, and labelled as such. That a
// server signs people in with them: ways-to-run.test.mjs.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Cloudflare } from "../../../crates/durable-mcp-build/npm/stand-in/cloudflare.mjs";
import { GitHub, HUBOT, OCTOCAT } from "../../../crates/durable-mcp-build/npm/stand-in/github.mjs";
import { standInOf, startStandIn } from "../../../crates/durable-mcp-build/npm/stand-in/option.mjs";

describe("the `--stand-in` option", () => {
  test("the option is separated from those of wrangler, which then listens on loopback", () => {
    for (const [options, expected] of [
      [["--port", "1"], { rest: ["--port", "1"] }],
      [["--stand-in", "github", "--port", "1"], { name: "github", rest: ["--port", "1", "--ip", "localhost"] }],
      [["--port=1", "--stand-in=cloudflare"], { name: "cloudflare", rest: ["--port=1", "--ip", "localhost"] }],
      [["--ip", "127.0.0.1", "--stand-in=github"], { name: "github", rest: ["--ip", "127.0.0.1"] }],
    ]) {
      assert.deepEqual(standInOf(options), expected, `${options}`);
    }
  });

  test("the option is refused for a provider without a stand-in", () => {
    for (const options of [["--stand-in"], ["--stand-in", "google"], ["--stand-in="], ["--stand-in", "constructor"]]) {
      assert.throws(() => standInOf(options), /--stand-in is github or cloudflare/, `${options}`);
    }
  });

  test("the option is refused for a server that others can reach", () => {
    for (const options of [["--ip", "0.0.0.0"], ["--ip=*"], ["--ip", "192.0.2.1"], ["--remote"], ["-r"], ["-r=true"], ["-lr"], ["--tunnel"], ["--tunnel=true"]]) {
      assert.throws(() => standInOf(["--stand-in", "github", ...options]), /for this machine alone/, `${options}`);
    }
    for (const option of ["--tunnel=false", "-r=false", "-l"]) assert.equal(standInOf(["--stand-in", "github", option]).name, "github");
  });

  test("the option sets variables in the options of wrangler and in no file", async () => {
    const { options, stop } = await startStandIn("github");
    try {
      const pairs = options.filter((_, at) => at % 2).map((pair) => pair.split(/:(.*)/).slice(0, 2));
      assert.ok(options.every((option, at) => at % 2 || option === "--var"));
      const { IDENTITY_PROVIDER, GITHUB_URL, GITHUB_API_URL, ...rest } = Object.fromEntries(pairs);
      assert.equal(IDENTITY_PROVIDER, "github");
      for (const url of [GITHUB_URL, GITHUB_API_URL]) assert.equal(new URL(url).hostname, "127.0.0.1");
      assert.deepEqual(Object.keys(rest), ["GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"]);
    } finally {
      await stop();
    }
  });
});

for (const { title, make, authorize } of [
  { title: "GitHub", make: (options) => new GitHub(options), authorize: "/login/oauth/authorize" },
  { title: "Cloudflare", make: (options) => new Cloudflare(options), authorize: "/oauth2/auth" },
]) {
  describe(`the stand-in for ${title}`, () => {
    const asked = (provider, redirect_uri, more) => ({ client_id: provider.id, redirect_uri, state: "s", scope: "", ...more });
    const OWN = "http://localhost:8787/callback";

    test("the page says that it is a stand-in", async () => {
      await using provider = await make().start();
      const answer = await fetch(`${provider.url}${authorize}?${new URLSearchParams(asked(provider, OWN))}`);
      assert.equal(answer.status, 200);
      assert.match(await answer.text(), new RegExp(`<p class="label">A stand-in for ${title} on this machine`));
    });

    test("no page leads to another machine", async () => {
      await using provider = await make().start();
      for (const there of ["https://evil.example/", "http://evil.example/", "https://localhost/", "http://localhost.evil.example/", "x"]) {
        const shown = await fetch(`${provider.url}${authorize}?${new URLSearchParams(asked(provider, there))}`);
        assert.ok(shown.status >= 400, there);
        const body = new URLSearchParams(asked(provider, there, { decision: "Authorize" }));
        const pressed = await fetch(provider.url + authorize, { method: "POST", body, redirect: "manual" });
        assert.ok(pressed.status >= 400, there);
        assert.equal(pressed.headers.get("location"), null);
      }
    });

    test("parameters are escaped on the page", async () => {
      await using provider = await make().start();
      const markup = '"><script>alert(1)</script>';
      const query = new URLSearchParams(asked(provider, OWN, { state: markup, [markup]: markup }));
      assert.doesNotMatch(await (await fetch(`${provider.url}${authorize}?${query}`)).text(), /<script/);
    });
  });
}

test("the user everywhere is in every organisation and team, and others in none", async () => {
  await using provider = await new GitHub({ people: [{ ...OCTOCAT, everywhere: true }, HUBOT] }).start();
  for (const [user, status] of [
    [provider.people[0], 200],
    [provider.people[1], 404],
  ]) {
    const authorization = `Bearer ${provider.token("gho_", { user, scope: "read:org" })}`;
    for (const path of ["/user/memberships/orgs/acme", `/orgs/acme/teams/admins/memberships/${user.login}`]) {
      const answer = await fetch(`${provider.vars.GITHUB_API_URL}${path}`, { headers: { authorization } });
      assert.equal(answer.status, status, `${user.login} ${path}`);
    }
  }
});
