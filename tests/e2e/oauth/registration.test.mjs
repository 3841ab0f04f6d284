// Registration of clients (RFC 7591): behaviours 61 to 65, and what else ours does.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { ACTIVE, UNSAFE, behaviours } from "../../behaviours/registration.mjs";
import { testOurs } from "../../support/oauth-behaviours.mjs";
import { REDIRECT, granted, ours, refused } from "../../support/oauth.mjs";
import { until } from "../../support/wait.mjs";

testOurs(behaviours);

const target = await ours();
after(() => target.stop());

const PUBLIC = { client_name: "Tests", redirect_uris: [REDIRECT], token_endpoint_auth_method: "none" };
const post = (body, headers = {}) =>
  target.send("POST", "/register", { headers: { "content-type": "application/json", ...headers }, body });
// Each from an address of its own, as Cloudflare tells it.
let last = 0;
const address = () => ({ "cf-connecting-ip": `192.0.2.${(last += 1)}` });

// They are compared as text, so they have to be written as a browser writes them.
const ODD = ["HTTPS://client.example/callback", "https://CLIENT.example/callback", "https://client.example:x/callback"];

test("a refused redirect URI is reported and not repeated", async () => {
  for (const uri of [...ACTIVE, ...UNSAFE, ...ODD]) {
    const answer = await post({ ...PUBLIC, redirect_uris: [uri] });
    refused(answer, "invalid_redirect_uri");
    assert.ok(uri.length < 10 || !answer.text.includes(uri), `${answer}`);
  }
});

test("loopback and application schemes are accepted with any application type", async () => {
  const uris = [
    "http://localhost:3000/callback",
    "http://127.0.0.1/callback",
    "http://[::1]:9/callback",
    "cursor://anysphere.cursor-retrieval/oauth/callback",
    "vscode://vscode.github-authentication/did-authenticate",
    "com.example.app:/callback",
  ];
  for (const application_type of ["native", "web", undefined]) {
    const client = await target.register({ redirect_uris: uris, application_type });
    assert.deepEqual([client.redirect_uris, client.application_type], [uris, application_type]);
    for (const redirect_uri of uris) assert.ok((await target.authorize({ client, redirect_uri })).code, redirect_uri);
  }
});

describe("metadata that a client makes up", () => {
  test("id, secret and time of registration cannot be chosen by a client", async () => {
    const victim = await target.register({ client_name: "A victim" });
    const made = {
      client_id: victim.client_id,
      client_secret: "chosen",
      client_id_issued_at: 1,
      client_secret_expires_at: 0,
      registration_access_token: "chosen",
      from: "Configured",
    };
    for (const token_endpoint_auth_method of ["none", "client_secret_post"]) {
      const { json } = await post({ ...PUBLIC, ...made, client_name: "A thief", token_endpoint_auth_method });
      assert.notEqual(json.client_id, victim.client_id);
      assert.notEqual(json.client_secret, "chosen");
      assert.ok(json.client_id_issued_at > 1_600_000_000);
      for (const name of ["registration_access_token", "from"]) assert.equal(json[name], undefined);
    }
    assert.ok((await target.authorize({ client: victim })).code);
  });

  test("markup and invisible characters are neutralised", async () => {
    const answer = await post({ ...PUBLIC, client_name: `<script>alert(1)</script>"><img src=x onerror=alert(1)>` });
    assert.equal(answer.status, 201, `${answer}`);
    assert.match(answer.headers["content-type"], /^application\/json/);
    // The page that says what is wrong names no client.
    const page = await target.get(`/authorize?client_id=${answer.json.client_id}&redirect_uri=https://evil.example/`);
    assert.equal(page.status, 400);
    assert.ok(!page.text.includes("alert(1)"), page.text);
    for (const [name, shown] of [
      ["Bank\u202eknaB", "BankknaB"],
      ["Bank\u0000", "Bank"],
      ["Bank\nof", "Bank of"],
      ["\u2066Bank", "Bank"],
      ["x".repeat(201), "x".repeat(200)],
      [5, undefined],
      [["Bank"], undefined],
    ]) {
      const { status, json } = await post({ ...PUBLIC, client_name: name });
      assert.deepEqual([status, json.client_name], [201, shown]);
    }
  });

  test("metadata are bounded in size and number", async () => {
    const uris = Array.from({ length: 33 }, (_, number) => `https://client.example/${number}`);
    refused(await post({ ...PUBLIC, redirect_uris: uris }), "invalid_redirect_uri");
    refused(
      await post({ ...PUBLIC, redirect_uris: [`https://client.example/${"x".repeat(2100)}`] }),
      "invalid_redirect_uri",
    );
    const { json } = await post({ ...PUBLIC, contacts: Array(21).fill("a@client.example"), scope: "x".repeat(2000) });
    assert.deepEqual([json.contacts.length, json.scope], [20, undefined]);
    refused(await post({ ...PUBLIC, filler: "x".repeat(140_000) }), "invalid_client_metadata", 413);
    const chunked = [JSON.stringify(PUBLIC).slice(0, -1), `,"filler":"${"x".repeat(140_000)}"}`];
    refused(await post(chunked), "invalid_client_metadata", 413);
  });
});

test("a malformed registration is refused and never fails", async () => {
  const deep = "[".repeat(60_000) + "]".repeat(60_000);
  for (const body of ["", "x", "null", "[]", "5", "{", `{"redirect_uris":${deep}}`, Buffer.from([0xff, 0xfe])]) {
    refused(await post(body), "invalid_client_metadata");
  }
  for (const redirect_uris of [undefined, [], null, REDIRECT, [REDIRECT, 5], [[REDIRECT]], {}]) {
    refused(await post({ ...PUBLIC, redirect_uris }), "invalid_redirect_uri");
  }
  refused(await post("redirect_uris=x", { "content-type": "application/x-www-form-urlencoded" }), "invalid_client_metadata");
});

test("a registration is read as JSON with any content type", async () => {
  for (const type of ["text/plain", "text/plain;charset=UTF-8", "application/octet-stream", ""]) {
    const answer = await post(JSON.stringify(PUBLIC), { "content-type": type });
    assert.equal(answer.status, 201, `${type} ${answer}`);
  }
});

test("the same public client registered twice is one client", async () => {
  const uris = ["https://client.example/one", "https://client.example/two"];
  const first = await target.register({ redirect_uris: uris, client_name: "Same" });
  const again = await target.register({ redirect_uris: [...uris].reverse(), client_name: "Same" });
  assert.equal(again.client_id, first.client_id);
  for (const metadata of [
    { redirect_uris: uris, client_name: "same" },
    { redirect_uris: uris.slice(1), client_name: "Same" },
    { redirect_uris: uris, client_name: "Same", logo_uri: "https://client.example/logo.png" },
  ]) {
    assert.notEqual((await target.register(metadata)).client_id, first.client_id);
  }
  const secret = { redirect_uris: uris, client_name: "Same", token_endpoint_auth_method: "client_secret_basic" };
  const [one, two] = [await target.register(secret), await target.register(secret)];
  assert.ok(one.client_id !== two.client_id && one.client_secret !== two.client_secret);
});

test("registrations of one address are limited without affecting others", async () => {
  const from = address();
  const answers = [];
  for (let number = 0; number < 25; number++)
    answers.push(await post({ ...PUBLIC, client_name: `Of many ${number}` }, from));
  const held = answers.filter(({ status }) => status !== 201);
  assert.equal(held.length, 5);
  for (const answer of held) {
    refused(answer, "temporarily_unavailable", 429);
    assert.match(answer.headers["retry-after"], /^[1-9]\d*$/);
  }
  // Who is known already is no new client.
  assert.equal((await post({ ...PUBLIC, client_name: "Of many 0" }, from)).status, 201);
  assert.equal((await post({ ...PUBLIC, client_name: "Somebody else" }, address())).status, 201);
});

test("a new client is logged once and without its secret", async () => {
  const from = target.server.logs.length;
  const { json } = await post(
    { ...PUBLIC, client_name: "Logged", token_endpoint_auth_method: "client_secret_post" },
    address(),
  );
  // Lines of earlier clients may still be on their way.
  const found = () => target.server.logs.slice(from).filter(({ json: line }) => line?.event === "registered");
  const own = () => found().find(({ json: line }) => line.client === json.client_id);
  const line = await until(own, "the event");
  assert.deepEqual(line.json, { event: "registered", client: json.client_id });
  assert.ok(!line.text.includes(json.client_secret));
  const again = target.server.logs.length;
  for (let time = 0; time < 3; time++) await post({ ...PUBLIC, client_name: "Logged in public" }, address());
  const since = () => target.server.logs.slice(again).filter(({ json: line }) => line?.event === "registered");
  await until(() => since().length > 0, "the other event");
  assert.equal(since().length, 1);
});

test("a confidential client signs its user in only with its secret", async () => {
  const { json: client } = await post({ ...PUBLIC, token_endpoint_auth_method: "client_secret_post" }, address());
  const authorized = await target.authorized({ client });
  refused(await target.exchange(authorized, { auth: "none" }), "invalid_client", 401);
  granted(await target.exchange(authorized));
});
