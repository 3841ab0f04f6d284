// Tokens of an identity provider expire, and are renewed with a client's tokens: once, and nothing is lost when they cannot be.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import { client, takes } from "../../support/sign-in.mjs";
import { TOKEN as CLOUDFLARE_TOKEN, cloudflare } from "../../support/upstream/cloudflare.mjs";
import { TOKEN as GITHUB_TOKEN, OCTOCAT, api, gitHub } from "../../support/upstream/github.mjs";
import { TOKEN as OPENID_TOKEN, openId } from "../../support/upstream/openid.mjs";
import { Person, session } from "../../support/upstream/person.mjs";
import { fixture } from "../../support/workerd.mjs";

// Less than an hour: due whenever a client's token is renewed.
const SOON = 600;

const PROVIDERS = [
  { name: "GitHub", start: gitHub, token: GITHUB_TOKEN },
  { name: "Cloudflare", start: cloudflare, token: CLOUDFLARE_TOKEN },
  { name: "OpenID Connect", start: openId, token: OPENID_TOKEN },
];

// The token that a tool would use upstream.
const upstreamToken = async (server, tokens) => (await session(server, tokens)).callText("upstream_token");

async function renewed(of, tokens) {
  const { status, body } = await of.refresh(tokens.refresh_token);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

// The client is told to try again, and loses nothing.
async function putOff(of, tokens) {
  const { status, headers, body } = await of.refresh(tokens.refresh_token);
  assert.equal(status, 503, JSON.stringify(body));
  assert.equal(body.error, "temporarily_unavailable");
  assert.ok(Number(headers.get("retry-after")) > 0);
  assert.ok(await takes(of.server, tokens.access_token));
}

async function ended(of, tokens) {
  const { status, body } = await of.refresh(tokens.refresh_token);
  assert.deepEqual([status, body.error], [400, "invalid_grant"]);
  assert.equal(await takes(of.server, tokens.access_token), false);
}

for (const { name, start, token } of PROVIDERS) {
  describe(`a token of ${name} that ends soon`, async () => {
    const provider = await start({ expires: SOON });
    const server = await fixture({ vars: provider.vars, outbound: provider.outbound });
    provider.knows(server);
    after(() => Promise.all([server.stop(), provider.stop()]));
    afterEach(() => provider.heal());

    const connected = async () => {
      const of = await client(server);
      return [of, await new Person(server, provider).letsIn(of)];
    };

    test("a token is renewed with that of the client, and tools get the new one", async () => {
      const [of, tokens] = await connected();
      assert.ok(tokens.expires_in <= SOON);
      const first = await upstreamToken(server, tokens);
      const before = provider.renewals;
      const next = await renewed(of, tokens);
      assert.equal(provider.renewals - before, 1);
      const second = await upstreamToken(server, next);
      assert.notEqual(second, first);
      assert.ok(await provider.owner(second));
      assert.ok(next.expires_in <= SOON);
      assert.ok(await renewed(of, next));
    });

    test("a token is renewed once for each grant in 30 parallel requests", async () => {
      const clients = [await connected(), await connected(), await connected()];
      const before = provider.renewals;
      const answers = await Promise.all(clients.flatMap((one) => Array(10).fill(one)).map(([of, tokens]) => renewed(of, tokens)));
      assert.equal(provider.renewals - before, clients.length);
      const now = await Promise.all(answers.map((tokens) => upstreamToken(server, tokens)));
      assert.equal(new Set(now).size, clients.length);
      for (const token of now) assert.ok(await provider.owner(token));
    });

    for (const how of [500, 429, "cut"]) {
      test(`stays as it is while ${name} ${how === "cut" ? "hangs up" : `answers ${how}`}, and is renewed after that`, async () => {
        const [of, tokens] = await connected();
        provider.fail(token, how);
        await putOff(of, tokens);
        await putOff(of, tokens);
        provider.heal();
        const next = await renewed(of, tokens);
        assert.ok(await provider.owner(await upstreamToken(server, next)));
      });
    }

    test(`stays as it is while ${name} does not answer in 5 seconds, and is renewed after that`, async () => {
      const [of, tokens] = await connected();
      provider.fail(token, "slow");
      const start = performance.now();
      await putOff(of, tokens);
      assert.ok(performance.now() - start > 4_900);
      provider.heal();
      assert.ok(await renewed(of, tokens));
    });

    test(`a token that ${name} no longer renews ends the grant`, async () => {
      const [of, tokens] = await connected();
      await provider.revoke();
      await ended(of, tokens);
    });
  });

  test(`a token of ${name} that lives for hours is not renewed`, async () => {
    await using provider = await start({ expires: 8 * 3600 });
    await using server = await fixture({ vars: provider.vars, outbound: provider.outbound });
    provider.knows(server);
    const of = await client(server);
    const tokens = await new Person(server, provider).letsIn(of);
    assert.equal(tokens.expires_in, 3600);
    const first = await upstreamToken(server, tokens);
    assert.equal(await upstreamToken(server, await renewed(of, tokens)), first);
    assert.equal(provider.renewals, 0);
  });
}

describe("a member of an organisation on GitHub's list", async () => {
  const github = await gitHub({ expires: SOON });
  github.signedIn = { ...OCTOCAT, orgs: { acme: "active" } };
  const server = await fixture({ vars: { ...github.vars, GITHUB_ALLOWED: "org:acme" }, outbound: github.outbound });
  after(() => Promise.all([server.stop(), github.stop()]));
  afterEach(() => github.heal());
  const of = await client(server);
  const membership = api("/user/memberships/orgs/acme");

  test("a new token of GitHub is kept although memberships cannot be checked", async () => {
    const tokens = await new Person(server, github).letsIn(of);
    for (const how of [500, "cut", "slow"]) {
      github.fail(membership, how);
      const next = await renewed(of, tokens);
      assert.ok(github.owner(await upstreamToken(server, next)));
      Object.assign(tokens, next);
    }
    github.heal();
    assert.ok(await renewed(of, tokens));
  });

  test("a user who leaves the organisation is refused at the next renewal", async () => {
    const tokens = await new Person(server, github).letsIn(of);
    github.signedIn.orgs.acme = undefined;
    await ended(of, tokens);
  });
});
