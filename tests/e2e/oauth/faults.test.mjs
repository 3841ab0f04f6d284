// KV fails, at each operation of each flow and in each way: whoever tries again gets what they asked for, or the grant
// is gone as a whole.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FAILURES } from "../../support/faulty-kv.mjs";
import { REDIRECT, SETUP, granted, ours, reference, refused } from "../../support/oauth.mjs";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const MACHINE = {
  client_id: "machine",
  client_secret: "a secret that nobody else has, long enough",
  token_endpoint_auth_method: "client_secret_post",
  grant_types: ["client_credentials"],
};

// Each attempt needs one of its own.
const LEGACY_USERS = 120;

const storage = temporaryFolder("oauth-faults");
const legacy = await legacyGrants();
const server = await ours(
  // Whatever is read is read each time.
  { exchange: true, credentials: true, clients: [MACHINE], known: 0, takes_over: true },
  { faultyKv: true, storage, port: legacy.port, vars: { SESSION_KEY: "the-key-of-this-deployment-in-tests" } },
);
const { kv } = server.server;
// Each request is another address's, since one that asks for many unknown tokens is held back.
let asked = 0;
server.server.usualHeaders = () => ({ "cf-connecting-ip": `198.51.${(asked += 1) >> 8}.${asked & 255}` });
after(async () => {
  await server.stop();
  removeFolder(storage);
});

let client, confidential;
let user = 0;
before(async () => {
  client = await server.register({ grant_types: ["authorization_code", "refresh_token", EXCHANGE] });
  confidential = await server.registerConfidential();
});

const someone = () => `user ${user++}`;
const signedIn = (as = client) => server.signIn({ client: as, user: someone() });

/** The tokens are good, and those after them. */
async function live({ access_token: access, refresh_token: refresh }, as = client) {
  assert.equal(await server.takes(access), true, "the access token");
  const next = granted(await server.refresh(as, refresh));
  assert.equal(await server.takes(next.access_token), true, "the access token of the refresh");
}

/** Nothing of the grant is left. */
async function gone(tokens, as = client) {
  assert.equal(await server.takes(tokens.access_token), false, "the access token");
  refused(await server.refresh(as, tokens.refresh_token), "invalid_grant");
}

/** The answer of a server that has trouble, which says when to come again. */
function isLater(answer) {
  assert.equal(answer.status, 503, `${answer}`);
  assert.match(answer.headers["retry-after"] ?? "", /^[1-9]\d*$/, `no Retry-After: ${answer}`);
  assert.match(answer.headers["cache-control"] ?? "", /no-store|no-cache/, `may be stored: ${answer}`);
}

function isLaterForClients(answer) {
  isLater(answer);
  assert.equal(answer.json.error, "temporarily_unavailable", `${answer}`);
  assert.equal(typeof answer.json.error_description, "string");
}

// Each begins with something that worked (`prepare`), does one request (`act`), and says of an answer that is none of a
// failure whether it is right (`done`), and what must hold after it (`then`).
const FLOWS = {
  "registration of a new public client": {
    prepare: async () => ({ metadata: { client_name: `Tests of ${someone()}`, redirect_uris: [REDIRECT] } }),
    act: ({ metadata }) => registering({ token_endpoint_auth_method: "none", ...metadata }),
    done: (answer) => assert.equal(answer.status, 201, `${answer}`),
    then: (_, { json }) => server.authorized({ client: json, user: someone() }),
  },
  "registration of a known client": {
    prepare: async () => registering({}),
    act: () => registering({}),
    done: (answer, known) => assert.deepEqual([answer.status, answer.json], [201, known.json], `${answer}`),
  },
  "registration of a confidential client": {
    prepare: async () => ({}),
    act: () => registering({ token_endpoint_auth_method: "client_secret_post" }),
    done: (answer) => assert.equal(answer.status, 201, `${answer}`),
    then: (_, { json }) => server.signIn({ client: json, user: someone() }),
  },
  authorization: {
    prepare: async () => ({ user: someone() }),
    act: async ({ user }) => (await server.authorize({ client, user })).answer,
    done: (answer) => assert.match(answer.headers.location ?? `${answer}`, /[?&]code=/),
    isLater,
  },
  "the exchange of a code": {
    prepare: async () => server.authorized({ client, user: someone() }),
    act: (authorized) => server.exchange(authorized),
    done: granted,
    then: (_, { json }) => live(json),
  },
  "the exchange of a code by a confidential client": {
    prepare: async () => server.authorized({ client: confidential, user: someone() }),
    act: (authorized) => server.exchange(authorized),
    done: granted,
    then: (_, { json }) => live(json, confidential),
  },
  "a code used twice": {
    prepare: async () => signedIn(),
    act: ({ authorized }) => server.exchange(authorized),
    done: (answer) => refused(answer, "invalid_grant"),
    then: ({ tokens }) => gone(tokens),
  },
  "a refresh": {
    prepare: async () => signedIn(),
    act: ({ tokens }) => server.refresh(client, tokens.refresh_token),
    done: granted,
    then: (_, { json }) => live(json),
  },
  "a refresh asked for again": {
    prepare: async () => {
      const { tokens } = await signedIn();
      return { tokens, next: granted(await server.refresh(client, tokens.refresh_token)) };
    },
    act: ({ tokens }) => server.refresh(client, tokens.refresh_token),
    done: (answer, { next }) => assert.equal(granted(answer).refresh_token, next.refresh_token),
    then: (_, { json }) => live(json),
  },
  "an old refresh token": {
    prepare: async () => {
      const { tokens } = await signedIn();
      const next = granted(await server.refresh(client, tokens.refresh_token));
      return { tokens, last: granted(await server.refresh(client, next.refresh_token)) };
    },
    act: ({ tokens }) => server.refresh(client, tokens.refresh_token),
    done: (answer) => refused(answer, "invalid_grant"),
    then: ({ last }) => gone(last),
  },
  "the exchange of a token": {
    prepare: async () => signedIn(),
    act: ({ tokens }) => {
      const subject = { subject_token: tokens.access_token, subject_token_type: ACCESS_TOKEN };
      return server.token(client, { grant_type: EXCHANGE, ...subject });
    },
    done: granted,
    then: async ({ tokens }, { json }) => {
      assert.equal(await server.takes(json.access_token), true);
      await live(tokens);
    },
  },
  "a client's token for itself": {
    prepare: async () => ({}),
    act: () => server.token(MACHINE, { grant_type: "client_credentials" }),
    done: granted,
    then: async (_, { json }) => assert.equal(await server.takes(json.access_token), true),
  },
  "the revocation of an access token": {
    prepare: async () => signedIn(),
    act: ({ tokens }) => server.revoke(client, tokens.access_token),
    done: (answer) => assert.equal(answer.status, 200, `${answer}`),
    then: async ({ tokens }) => {
      assert.equal(await server.takes(tokens.access_token), false);
      await live(granted(await server.refresh(client, tokens.refresh_token)));
    },
  },
  "the revocation of a refresh token": {
    prepare: async () => signedIn(),
    act: ({ tokens }) => server.revoke(client, tokens.refresh_token),
    done: (answer) => assert.equal(answer.status, 200, `${answer}`),
    // Who gives up has ended the grant nevertheless, if it came to that: nothing new comes of it, and who asks for that
    // has the rest deleted, without waiting for the alarm.
    meanwhile: async ({ tokens }, operations) => {
      if (!operations.some(({ method }) => method === "DELETE")) return;
      refused(await server.refresh(client, tokens.refresh_token), "invalid_grant");
      await gone(tokens);
    },
    then: ({ tokens }) => gone(tokens),
  },
  introspection: {
    prepare: async () => signedIn(confidential),
    act: ({ tokens }) => server.introspect(confidential, tokens.access_token),
    done: (answer) => assert.equal(answer.json.active, true, `${answer}`),
  },
  "the check of a token": {
    prepare: async () => signedIn(),
    act: async ({ tokens }) => (await server.knock(tokens.access_token)).answer,
    done: (answer) => assert.ok(![401, 403].includes(answer.status) && answer.status < 500, `${answer}`),
  },
  "the check of a token of workers-oauth-provider": {
    prepare: async () => {
      // Callers are known for a moment, until something may have ended.
      await server.revoke(client, "no token");
      return legacy.users[0];
    },
    act: async ({ tokens }) => (await server.knock(tokens.access_token)).answer,
    done: (answer) => assert.ok(![401, 403].includes(answer.status) && answer.status < 500, `${answer}`),
  },
  "the first refresh of a grant of workers-oauth-provider": {
    prepare: async () => legacy.users.pop(),
    act: ({ tokens }) => server.refresh(legacy.client, tokens.refresh_token),
    done: granted,
    then: async ({ tokens }, { json }) => {
      const again = granted(await server.refresh(legacy.client, tokens.refresh_token));
      assert.equal(again.refresh_token, json.refresh_token, "a retry with the token of before");
      await live(json, legacy.client);
    },
  },
  "the revocation of a refresh token of workers-oauth-provider": {
    prepare: async () => legacy.users.pop(),
    act: ({ tokens }) => server.revoke(legacy.client, tokens.refresh_token),
    done: (answer) => assert.equal(answer.status, 200, `${answer}`),
    then: ({ tokens }) => gone(tokens, legacy.client),
  },
  "the revocation of an access token of workers-oauth-provider": {
    prepare: async () => legacy.users.pop(),
    act: ({ tokens }) => server.revoke(legacy.client, tokens.access_token),
    done: (answer) => assert.equal(answer.status, 200, `${answer}`),
    then: async ({ tokens }) => {
      assert.equal(await server.takes(tokens.access_token), false);
      await live(granted(await server.refresh(legacy.client, tokens.refresh_token)), legacy.client);
    },
  },
};

for (const [name, flow] of Object.entries(FLOWS)) {
  describe(name, () => {
    let length;
    before(async () => {
      // The first time writes what is written once a day.
      for (let time = 0; time < 2; time++) {
        const made = await flow.prepare();
        await kv.heal();
        const answer = await flow.act(made);
        length = (await kv.operations()).length;
        flow.done(answer, made);
        await flow.then?.(made, answer);
      }
      assert.ok(length > 0, "there is nothing to fail");
    });

    for (const how of FAILURES) {
      test(`one failed operation is survived: ${how}`, async (t) => {
        for (let number = 0; number < length; number++) {
          await attempt(flow, () => kv.failAt(number, how), `${how} at ${number}`);
        }
        t.diagnostic(`${length} operations`);
      });
    }

    test("a failure of all operations is survived", async () => {
      for (const how of FAILURES) await attempt(flow, () => kv.failAll(how), `${how} always`);
    });
  });
}

async function attempt(flow, fail, what) {
  const made = await flow.prepare();
  await fail();
  let answer = await flow.act(made);
  const operations = await kv.operations();
  await kv.heal();
  const steps = operations.map(({ method, key, failure }) => `${method} ${key}${failure ? ` (${failure})` : ""}`);
  try {
    assert.ok(operations.some(({ failure }) => failure), "nothing failed");
    if (answer.status >= 500) {
      (flow.isLater ?? isLaterForClients)(answer);
      await flow.meanwhile?.(made, operations);
      answer = await flow.act(made);
    }
    flow.done(answer, made);
    await flow.then?.(made, answer);
  } catch (error) {
    throw new Error(`${what}: ${error.message}\n${steps.join("\n")}`, { cause: error });
  }
}

let addresses = 0;
// From an address of its own each, since each has only so many.
function registering(metadata) {
  addresses += 1;
  const body = { client_name: "Tests", redirect_uris: [REDIRECT], token_endpoint_auth_method: "none", ...metadata };
  const headers = { "content-type": "application/json", "cf-connecting-ip": `10.0.0.${addresses}` };
  return server.send("POST", server.metadata.registration_endpoint, { headers, body: JSON.stringify(body) });
}

/** Grants of workers-oauth-provider, on the same storage. */
async function legacyGrants() {
  await using before = await reference(SETUP, { storage });
  const client = await before.register();
  const users = [];
  for (let number = 0; number < LEGACY_USERS; number++) {
    users.push(await before.signIn({ client, user: `legacy-${number}` }));
  }
  // Tokens are bound to the origin.
  return { client, users, port: Number(new URL(before.url).port) };
}
