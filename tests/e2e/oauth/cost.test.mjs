// Cost of the provider: KV operations, requests to objects, rows. Counted from workerd's own trace.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { initialize, open, post, request, send } from "../../support/mcp.mjs";
import { granted, ours, parallel, refused } from "../../support/oauth.mjs";

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const MACHINE = {
  client_id: "machine",
  client_secret: "a secret that nobody else has, long enough",
  token_endpoint_auth_method: "client_secret_post",
  grant_types: ["client_credentials"],
};

// Clients are looked up each time here, so that it is counted.
const target = await ours(
  { exchange: true, credentials: true, clients: [MACHINE], known: 0 },
  { trace: true, vars: { SESSION_KEY: "the-key-of-this-deployment-in-tests" } },
);
const { server } = target;
after(() => server.stop());

const COLUMNS = ["objectRequests", "storageReads", "storageWrites", "alarms", "kvReads", "kvWrites", "fetches"];
const NOTHING = Object.fromEntries(COLUMNS.map((column) => [column, 0]));

// What is done once for a user: a look for other grants, for when the user is due, and for when the first of the object's
// is; the grant's row and the user's time. An object's first user has it make sure of its table and index besides.
const FIRST = { storageReads: 3, storageWrites: 2 + 2, alarms: 1 };

/** Runs an operation that costs exactly `expected`, and returns its result. */
async function costing(expected, operation) {
  const cost = await server.cost(operation);
  const counted = Object.fromEntries(COLUMNS.map((column) => [column, cost[column]]));
  assert.deepEqual(counted, { ...NOTHING, ...expected }, JSON.stringify(cost.operations));
  return cost.result;
}

/** The same, of an operation that answers 200. */
async function answering(expected, operation) {
  const answer = await costing(expected, operation);
  assert.equal(answer.status, 200, `${answer}`);
  return answer.json;
}

const ALL = { grant_types: ["authorization_code", "refresh_token", EXCHANGE] };
const bearer = (token) => ({ authorization: `Bearer ${token}` });
const enter = (token) => post(server, initialize(), { headers: bearer(token) });

describe("the cost of registration", () => {
  test("a public client costs one lookup and one write", async () => {
    const answer = await costing({ kvReads: 1, kvWrites: 1 }, () => target.registering());
    assert.equal(answer.status, 201, `${answer}`);
  });

  test("a known client writes nothing, however often it registers", async () => {
    const known = { client_name: "Known" };
    const first = await target.registering(known);
    const answers = await costing({ kvReads: 20 }, () => parallel(20, () => target.registering(known)));
    for (const answer of answers) assert.deepEqual([answer.status, answer.json], [201, first.json]);
  });

  test("a confidential client costs one write", async () => {
    const metadata = { token_endpoint_auth_method: "client_secret_post" };
    const answer = await costing({ kvWrites: 1 }, () => target.registering(metadata));
    assert.equal(answer.status, 201, `${answer}`);
  });

  test("a refused registration costs nothing", async () => {
    const metadata = { redirect_uris: ["javascript:alert(1)"] };
    const answer = await costing({}, () => target.registering(metadata));
    assert.equal(answer.status, 400, `${answer}`);
  });
});

describe("the cost of a sign-in", () => {
  let client, asked, begun, tokens;
  before(async () => {
    client = await target.register(ALL);
    asked = { client, user: "the one with a flow" };
  });

  test("a grant begins with one lookup of the client and one row, a user's first with an alarm", async () => {
    const first = { kvReads: 1, objectRequests: 1, ...FIRST };
    assert.ok((await costing(first, () => target.authorize(asked))).code);
    begun = await costing({ kvReads: 1, objectRequests: 1, storageWrites: 1 }, () => target.authorize(asked));
  });

  test("a code exchange writes one row and two records", async () => {
    const expected = { kvReads: 1, kvWrites: 2, objectRequests: 1, storageWrites: 1 };
    tokens = await answering(expected, () => target.exchange(begun));
  });

  test("a refresh writes one row and one record", async () => {
    for (let round = 0; round < 3; round++) {
      const expected = { kvReads: 1, kvWrites: 1, objectRequests: 1, storageWrites: 1 };
      const { refresh_token: old } = tokens;
      tokens = await answering(expected, () => target.refresh(client, old));
      // Who asks again costs no record.
      const same = await answering({ kvReads: 1, objectRequests: 1, storageWrites: 1 }, () => target.refresh(client, old));
      assert.equal(same.refresh_token, tokens.refresh_token);
    }
  });

  test("a token exchange writes one row and one record after one lookup", async () => {
    const expected = { kvReads: 2, kvWrites: 1, objectRequests: 1, storageWrites: 1 };
    const subject = { subject_token: tokens.access_token, subject_token_type: ACCESS_TOKEN };
    const exchange = () => target.token(client, { grant_type: EXCHANGE, ...subject });
    const minted = await answering(expected, exchange);
    const revoked = { kvReads: 1, kvWrites: 1, objectRequests: 1, storageWrites: 1 };
    await answering(revoked, () => target.revoke(client, minted.access_token));
  });

  test("the end of a grant deletes each record and the row once", async () => {
    // Four access tokens and the header; the row says first that it ends, and the user is looked at soon, should the deletes
    // fail. The hub ends what listens, and notes the grant; for its first one it makes its tables.
    const cost = await server.cost(() => target.revoke(client, tokens.refresh_token));
    assert.equal(cost.result.status, 200, `${cost.result}`);
    assert.deepEqual([cost.kvReads, cost.kvWrites, cost.objectRequests, cost.alarms], [1, 5, 2, 2]);
    await answering({ kvReads: 1, objectRequests: 1 }, () => target.revoke(client, tokens.refresh_token));
  });

  test("client credentials write one row and one record", async () => {
    const issue = () => target.token(MACHINE, { grant_type: "client_credentials" });
    const first = { kvWrites: 1, objectRequests: 1, ...FIRST };
    await answering(first, issue);
    await answering({ kvWrites: 1, objectRequests: 1, storageWrites: 1 }, issue);
  });
});

test("the steps of a sign-in that follow each other look their client up nowhere", async () => {
  await using at = await ours({ known: 3_600_000 }, { trace: true });
  const reads = async (operation) => {
    const { kvReads, result } = await at.server.cost(operation);
    assert.equal(kvReads, 0);
    return result;
  };
  const client = await at.register();
  const begun = await reads(() => at.authorize({ client, user: "quick" }));
  const tokens = granted(await reads(() => at.exchange(begun)));
  granted(await reads(() => at.refresh(client, tokens.refresh_token)));
});

describe("the cost of a caller with a token", () => {
  let access, session;
  before(async () => {
    access = (await target.signIn({ user: "caller" })).tokens.access_token;
    session = await open(server, { headers: bearer(access) });
    await session.callText("whoami_user");
  });

  // A caller is known for a second. Whoever may have ended a token has all of them forgotten, here at once.
  const forgotten = () => target.revoke(MACHINE, "no token");

  test("a tool call costs one KV read, one request to the session's object and no row", async () => {
    await forgotten();
    await costing({ kvReads: 1, objectRequests: 1 }, () => session.callText("whoami_user"));
  });

  test("a token is looked up at most once a second", async () => {
    await forgotten();
    const started = performance.now();
    const { kvReads, ...cost } = await server.cost(async () => {
      for (let count = 0; count < 20; count++) await session.callText("whoami_user");
    });
    const seconds = (performance.now() - started) / 1000;
    assert.ok(kvReads >= 1 && kvReads <= 1 + seconds, `${kvReads} in ${seconds} s`);
    assert.deepEqual([cost.objectRequests, cost.storageReads, cost.storageWrites], [20, 0, 0]);
  });

  test("a new session costs one KV read and one row in the user's list", async () => {
    await forgotten();
    const expected = { kvReads: 1, objectRequests: 1, storageWrites: 1 };
    assert.equal((await costing(expected, () => enter(access))).status, 200);
  });

  test("the end of a session costs the same, besides the work of its object", async () => {
    const ended = await open(server, { headers: bearer(access) });
    // Its row is written beside the request that began it.
    await server.cost(() => {});
    const cost = await server.cost(async () => {
      await forgotten();
      return ended.end();
    });
    assert.equal(cost.result.status, 204);
    // The session's object, and the user's.
    assert.deepEqual([cost.kvReads, cost.objectRequests, cost.kvWrites], [1, 2, 0]);
  });
});

describe("the cost of a caller without a token", () => {
  const uses = (headers) => [
    () => post(server, initialize(), { headers }),
    () => post(server, request(1, "tools/list"), { headers: { "mcp-session-id": "A".repeat(140), ...headers } }),
    () => send(server, "GET", "/mcp", { headers: { accept: "text/event-stream", ...headers } }),
    () => send(server, "DELETE", "/mcp", { headers }),
    () => send(server, "GET", "/sse", { headers: { accept: "text/event-stream", ...headers } }),
    () => post(server, request(1, "tools/list"), { path: `/sse/message?sessionId=${"A".repeat(140)}`, headers }),
  ];

  test("a request without a token costs nothing at any endpoint", async () => {
    for (const use of uses({})) {
      const answer = await costing({}, use);
      assert.equal(answer.status, 401, `${answer}`);
    }
  });

  test("a malformed or forged token of any kind costs nothing", async () => {
    const { client, tokens } = await target.signIn({ user: "forged" });
    const authorized = await target.authorized({ client, user: "forged" });
    const forged = [
      ...["x", "null", ":::", "a:b:c", "A".repeat(4000), "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ."],
      ...[tokens.access_token, tokens.refresh_token, authorized.code].flatMap(madeUpOf),
      // Of another kind.
      ...[tokens.refresh_token, authorized.code],
      await foreignToken(),
    ];
    const answers = await costing({}, async () => {
      const all = [];
      for (const token of forged) for (const use of uses(bearer(token))) all.push(await use());
      return all;
    });
    for (const answer of answers) if (!isPutOff(answer)) assert.equal(answer.status, 401, `${answer}`);
    const refuses = (answer) => isPutOff(answer) || refused(answer, "invalid_grant");
    // At the other endpoints, no more than the look at the client.
    for (const token of forged.filter((token) => token !== tokens.refresh_token)) {
      refuses(await costing({ kvReads: 1 }, () => target.refresh(client, token)));
    }
    for (const code of forged.filter((token) => token !== authorized.code)) {
      refuses(await costing({ kvReads: 1 }, () => target.exchange({ ...authorized, code })));
    }
  });

  test("a legacy-style token costs nothing without the takeover", async () => {
    const token = `user:${"g".repeat(16)}:${"s".repeat(32)}`;
    const answer = await costing({}, () => enter(token));
    assert.equal(answer.status, 401, `${answer}`);
  });
});

// A token may name a configured key that has not come to this isolate yet: its client is told to send it again.
const isPutOff = ({ status, headers }) => status === 503 && Number(headers["retry-after"]) > 0;

// The token with one part changed, or a part of another.
function madeUpOf(token) {
  const [handle, grant, last] = token.split(":");
  const random = (bytes) => randomBytes(bytes).toString("base64url");
  return [
    `${random(16)}:${grant}:${last}`,
    `${handle}:${random(12)}:${last}`,
    `${handle}:${grant}:${random(36)}`,
    `${handle}:${grant}:${last.slice(0, -1)}${last.endsWith("A") ? "B" : "A"}`,
    `${handle}:${grant}:${last[0] === "A" ? "B" : "A"}${last.slice(1)}`,
    `${token}A`,
    token.slice(0, -1),
  ];
}

async function foreignToken() {
  await using elsewhere = await ours({}, { vars: { SESSION_KEY: "the-key-of-another-deployment-of-tests" } });
  return (await elsewhere.signIn()).tokens.access_token;
}
