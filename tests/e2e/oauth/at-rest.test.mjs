// A copy of all storage and of the log has no token, nothing that leads to one, and tells of no user.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, test } from "node:test";
import { removeFolder, temporaryFolder } from "../../support/child.mjs";
import { dump, readable } from "../../support/dump.mjs";
import { open } from "../../support/mcp.mjs";
import { granted, ours } from "../../support/oauth.mjs";

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const ALL = { grant_types: ["authorization_code", "refresh_token", EXCHANGE] };
const USERS = ["user-id-of-ann@people.example", "Benutzerkennung von Zoë"];
const MACHINE = {
  client_id: "machine",
  client_secret: "the secret of the machine, long enough",
  token_endpoint_auth_method: "client_secret_post",
  grant_types: ["client_credentials"],
};
const KEY = "the-key-of-this-deployment,-from-which-others-are-made";
const API_KEY = "sk-an-api-key-that-the-application-knows";

const storage = temporaryFolder("oauth-at-rest");
after(() => removeFolder(storage));

test("nothing that is secret is stored or logged so that it can be read", async () => {
  const server = await ours(
    { exchange: true, credentials: true, clients: [MACHINE], hook: "count", api_key: API_KEY },
    { storage, vars: { SESSION_KEY: KEY } },
  );
  const secrets = new Secrets();
  const hashes = {};
  const clients = [
    await server.register({ client_name: "Public Client", ...ALL }),
    await server.registerConfidential("client_secret_basic", { client_name: "Confidential Client", ...ALL }),
    await server.registerConfidential("client_secret_post", { client_name: "Another", scope: "read" }),
  ];
  for (const [number, client] of clients.entries()) {
    if (client.client_secret) secrets.add(`secret of client ${number}`, client.client_secret);
    for (const user of USERS) await everything(server, client, user, { secrets, hashes });
  }
  const machine = granted(await server.token(MACHINE, { grant_type: "client_credentials" }));
  secrets.token("the machine's", machine.access_token);
  assert.equal(await server.takes(API_KEY), true);
  const log = server.server.logs.map(({ text }) => ({ place: "the log", bytes: Buffer.from(text) }));
  await server.server.kill();

  const places = [...dump(storage), ...log];
  Object.assign(secrets.texts, {
    "the user's id": USERS[0],
    "the start of it": USERS[0].split("@")[0],
    "the other user's id": USERS[1],
    "what sign-in left": "a secret of the upstream",
    "the machine's secret": MACHINE.client_secret,
    "the key": KEY,
    "the API key": API_KEY,
  });
  const found = readable(secrets.texts, places);
  assert.deepEqual(found, [], `${JSON.stringify(found.slice(0, 10), null, 1)}`);

  // The search finds what is there: names, and hashes of tokens, in files of both kinds.
  for (const there of ["Public Client", "https://client.example/callback", '["read","write"]']) {
    assert.notDeepEqual(readable({ there }, places), [], there);
  }
  const last = readable(hashes, places).map(({ place }) => place);
  assert.ok(last.some((place) => place.includes("KVNamespace")), `${last}`);
  assert.ok(last.some((place) => place.includes("GrantAuthority")), `${last}`);
  assert.ok(places.some(({ place }) => place.includes("McpObject")), "a session with state");
  assert.ok(log.length > 10 && log.some(({ bytes }) => bytes.includes("whoami_user")), "the log");
});

/** All that can happen to a grant; it stays alive. */
async function everything(server, client, user, { secrets, hashes }) {
  const asked = { client, user, scope: "read write" };
  const { tokens: first, authorized } = await server.signIn({ ...asked, state: secrets.state() });
  secrets.add("the code", authorized.code);
  secrets.add("the last part of the code", authorized.code.split(":").at(-1));
  secrets.add("the verifier", authorized.verifier);
  await server.exchange({ ...authorized, verifier: "w".repeat(43) });
  const { tokens } = await server.signIn(asked);
  const next = granted(await server.refresh(client, tokens.refresh_token));
  const repeated = granted(await server.refresh(client, tokens.refresh_token));
  const last = granted(await server.refresh(client, repeated.refresh_token));
  const all = { first, tokens, next, repeated, last };
  if (client.grant_types.includes(EXCHANGE)) {
    const subject = { subject_token: last.access_token, subject_token_type: ACCESS_TOKEN, scope: "read" };
    all.minted = granted(await server.token(client, { grant_type: EXCHANGE, ...subject }));
  }
  for (const [name, { access_token: access, refresh_token: refresh }] of Object.entries(all)) {
    secrets.token(`${name}: access`, access);
    if (refresh) secrets.token(`${name}: refresh`, refresh);
  }
  await use(server, last.access_token);
  await server.takes(`${last.access_token.slice(0, -1)}.`);
  if (client.client_secret) await server.introspect(client, last.access_token);
  assert.equal((await server.revoke(client, next.access_token)).status, 200);
  const { tokens: ended } = await server.signIn({ client, user });
  for (const token of [ended.access_token, ended.refresh_token]) secrets.token("ended", token);
  assert.equal((await server.revoke(client, ended.refresh_token)).status, 200);
  hashes[`${client.client_name} ${user}`] = createHash("sha256").update(last.access_token).digest("hex");
}

async function use(server, token) {
  const session = await open(server.server, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await session.call("whoami_user")).isError ?? false, false);
  await session.callText("increment");
}

class Secrets {
  texts = {};
  #states = 0;

  add(name, text) {
    this.texts[`${name} ${Object.keys(this.texts).length}`] = text;
  }

  token(name, token) {
    this.add(name, token);
    this.add(`the last part of ${name}`, token.split(":").at(-1));
  }

  state() {
    const state = `the state of request number ${(this.#states += 1)}`;
    this.add("state", state);
    return state;
  }
}
