// An OpenID provider changes its keys, as all do now and then without notice.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { client } from "../../support/sign-in.mjs";
import { newKey } from "../../support/upstream/id-token.mjs";
import { KEYS, openId } from "../../support/upstream/openid.mjs";
import { Person, refusal } from "../../support/upstream/person.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

// How long after the last time the keys are not fetched again because of a token: crates/sign-in/src/jwks.rs, REFETCH_MS.
const REFETCH_MS = 60_000;

const provider = await openId();
const server = await fixture({ vars: provider.vars, outbound: provider.outbound });
provider.knows(server);
after(() => Promise.all([server.stop(), provider.stop()]));
const of = await client(server);

const letsIn = () => new Person(server, provider).letsIn(of);
const isRefused = async () => {
  const answer = await new Person(server, provider).signsIn(of);
  const { line } = await refusal(server, answer, { status: 502, text: /did not confirm who you are/, error: "server_error" });
  assert.match(line.cause, /none of the provider's keys/);
};
const fetched = () => provider.asked(KEYS).length;

test("a new key that was published before its use is accepted at once", async () => {
  await using provider = await openId();
  provider.rotate("next");
  const next = provider.key;
  provider.rotate("today", { keep: true });
  await using server = await fixture({ vars: provider.vars, outbound: provider.outbound });
  provider.knows(server);
  const of = await client(server);
  await new Person(server, provider).letsIn(of);
  provider.forge = ({ claims, sign }) => sign(claims, next);
  assert.ok(await new Person(server, provider).letsIn(of));
  assert.equal(provider.asked(KEYS).length, 1);
});

test("an unpublished new key is found within a minute by one request, and the old one is refused", async () => {
  const start = performance.now();
  await letsIn();
  const old = provider.key;
  provider.rotate("second");
  await isRefused();
  await isRefused();
  assert.equal(fetched(), 1);
  await until(() => performance.now() - start > REFETCH_MS + 1000, "the minute", { ms: 2 * REFETCH_MS, every: 500 });
  assert.ok(await letsIn());
  assert.ok(await letsIn());
  assert.equal(fetched(), 2);
  provider.forge = ({ claims, sign }) => sign(claims, old);
  await isRefused();
  provider.forge = ({ claims, sign }) => sign(claims, newKey("made up"));
  for (let time = 0; time < 5; time++) await isRefused();
  assert.equal(fetched(), 2);
});
