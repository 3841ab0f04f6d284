// Clients by their metadata document: behaviours 66 to 69, and whom a stranger could have us ask.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Readable } from "node:stream";
import { after, describe, test } from "node:test";
import { parse } from "smol-toml";
import { behaviours, clientOf, document, isRefused, newUrl } from "../../behaviours/documents.mjs";
import { root } from "../../support/child.mjs";
import { documentHost } from "../../support/document-host.mjs";
import { testOurs } from "../../support/oauth-behaviours.mjs";
import { challengeOf, encode, granted, newVerifier, ours, refused } from "../../support/oauth.mjs";
import { WAIT_MS } from "../../support/wait.mjs";

testOurs(behaviours);

const web = await documentHost();
const vars = { CLIENT_DOCUMENT_PORTS: "8443" };
const target = Object.assign(await ours({}, { outbound: web.outbound, vars }), { web });
after(() => Promise.all([target.stop(), web.stop()]));

describe("nobody is asked for", () => {
  const refusedUnasked = (name, urls) =>
    test(name, async () => {
      const before = web.requests.length;
      for (const url of urls) {
        web.serve(url, document(url));
        await isRefused(target, url);
      }
      assert.deepEqual(web.requests.slice(before), []);
    });

  refusedUnasked("an address, in any spelling", [
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/client.json",
    "https://192.168.1.1/client.json",
    "https://127.0.0.1/client.json",
    "https://8.8.8.8/client.json",
    "https://[::1]/client.json",
    "https://[fd00::1]/client.json",
    "https://[::ffff:169.254.169.254]/client.json",
    "https://2852039166/client.json",
    "https://0xa9fea9fe/client.json",
    "https://0251.0376.0251.0376/client.json",
    "https://169.254.43518/client.json",
    "https://0/client.json",
    "https://127.1/client.json",
  ]);

  refusedUnasked("a name of this machine or of an inside network", [
    "https://localhost/client.json",
    "https://localhost:8787/client.json",
    "https://app.localhost/client.json",
    "https://printer.local/client.json",
    "https://metadata.google.internal/client.json",
    "https://intranet/client.json",
    "https://nas.lan/client.json",
    "https://router.home.arpa/client.json",
    "https://wiki.corp/client.json",
    "https://client.example.com./client.json",
    "https://LOCALHOST/client.json",
  ]);

  refusedUnasked("what is no plain https URL", [
    "http://client.example.com/client.json",
    "ftp://client.example.com/client.json",
    "file:///etc/passwd",
    "https://client.example.com",
    "https://client.example.com/",
    "https://client.example.com/client.json#part",
    "https://user@client.example.com/client.json",
    "https://user:password@client.example.com/client.json",
    "https://client.example.com@evil.example/client.json",
    "https://client.example.com/a/../client.json",
    "https://client.example.com/./client.json",
    "https://client.example.com/%2e%2e/client.json",
    "https://client.example.com/cli ent.json",
    "https://client.example.com\\@evil.example/client.json",
    "https:///client.json",
    "HTTPS://client.example.com/client.json",
    "https://Client.example.com/client.json",
  ]);

  refusedUnasked("another port than that of https or those that are allowed", [
    "https://client.example.com:80/client.json",
    "https://client.example.com:8080/client.json",
    "https://client.example.com:22/client.json",
  ]);

  test("a Worker whose fetches go around Access, whose operator is told", async () => {
    const flag = "global_fetch_strictly_public";
    const shipped = parse(readFileSync(join(root, "wrangler.toml"), "utf8")).compatibility_flags;
    assert.ok(shipped.includes(flag), "the shipped wrangler.toml, whose flags these tests run with, has the flag");
    assert.equal(target.metadata.client_id_metadata_document_supported, true);
    await using inside = await ours({}, { outbound: web.outbound, withoutFlags: [flag] });
    assert.equal(inside.metadata.client_id_metadata_document_supported, undefined);
    assert.ok(await inside.server.log((line) => line.text.includes(flag) && line.text.includes("wrangler.toml")));
    const url = newUrl();
    web.serve(url, document(url));
    await isRefused(inside, url);
    assert.equal(web.asked(url), 0);
  });

  test("all failed fetches have the same text", async () => {
    const answers = [
      (url) => web.cut(url),
      (url) => web.serve(url, "Not here", { status: 404 }),
      (url) => web.serve(url, "Sign in", { status: 302, headers: { location: "https://id.example/" } }),
      (url) => web.serve(url, "<title>Inside</title>", { headers: { "content-type": "text/html" } }),
      (url) => web.serve(url, { inside: true }),
    ];
    const pages = [];
    for (const answer of answers) {
      const url = newUrl();
      answer(url);
      const { status, text } = await isRefused(target, url);
      pages.push(`${status} ${text.replaceAll(/\b[0-9a-f]{8}\b/g, "number")}`);
      const body = encode({ grant_type: "refresh_token", refresh_token: "made up", client_id: url });
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const token = await target.send("POST", "/token", { headers, body });
      pages.push(`${token.status} ${token.text}`);
    }
    assert.equal(new Set(pages).size, 2, pages.join("\n"));
  });

  test("this server itself, under the name that it is called by", async () => {
    await using named = await ours({}, { outbound: web.outbound, vars: { ...vars, ALLOWED_HOSTS: "mcp.example.com" } });
    const before = web.requests.length;
    const authorize = (url, host) => {
      const query = encode({
        client_id: url,
        redirect_uri: "https://client.example.com/callback",
        response_type: "code",
        code_challenge: challengeOf(newVerifier()),
        code_challenge_method: "S256",
      });
      return named.get(`/authorize?${query}`, { headers: { host } });
    };
    for (const url of ["https://mcp.example.com/client.json", "https://mcp.example.com:8443/client.json"]) {
      web.serve(url, document(url));
      assert.equal((await authorize(url, "mcp.example.com")).status, 400);
      assert.equal(web.requests.length, before);
      // It is the name that counts: somebody else's server is asked.
      assert.equal((await authorize(url, new URL(named.url).host)).status, 302);
      assert.equal(web.asked(url), 1);
      web.requests.splice(before);
    }
  });
});

test("fetches from one host are limited, and known clients sign in meanwhile", async () => {
  await using own = await ours({}, { outbound: web.outbound });
  const known = newUrl();
  web.serve(known, document(known));
  await own.signIn({ client: clientOf(known) });
  const before = web.requests.length;
  const tooMany = [];
  while (!tooMany.includes(true) && tooMany.length < 1000)
    tooMany.push((await isRefused(own, newUrl("victim.example.com"))).text.includes("Too many"));
  const asked = web.requests.length - before;
  // Sixty at once, and one more for each second that this takes.
  assert.ok(asked >= 60, `${asked} were asked`);
  assert.deepEqual([tooMany.length - asked, tooMany.at(-1)], [1, true]);
  await own.signIn({ client: clientOf(known) });
});

describe("a client metadata document", () => {
  test("a document is fetched once for a whole sign-in", async () => {
    const url = newUrl();
    web.serve(url, document(url), { headers: { "cache-control": "no-store" } });
    const { tokens } = await target.signIn({ client: clientOf(url) });
    granted(await target.refresh(clientOf(url), tokens.refresh_token));
    assert.equal(web.asked(url), 1);
  });

  test("a document is read only up to its limit", async () => {
    const url = newUrl();
    let sent = 0;
    function* chunks() {
      for (; sent < 100; sent++) yield `"${"x".repeat(100_000)}",`;
    }
    web.serve(url, (response) => Readable.from(chunks()).pipe(response));
    await isRefused(target, url);
    assert.ok(sent < 100, `${sent} chunks were taken`);
  });

  test("a document with a content coding is refused", async () => {
    const url = newUrl();
    web.serve(url, document(url), { headers: { "content-encoding": "gzip" } });
    await isRefused(target, url);
  });

  test("a document stands for one client in every query and port", async () => {
    for (const url of ["https://client.example.com/q.json?version=2", "https://client.example.com:8443/p.json"]) {
      web.serve(url, document(url));
      const { tokens } = await target.signIn({ client: clientOf(url) });
      assert.equal((await target.me(tokens.access_token)).client, url);
    }
  });

  test("a document always makes a public client", async () => {
    const url = newUrl();
    web.serve(url, document(url));
    const client = { ...clientOf(url), client_secret: "made up" };
    const authorized = await target.authorized({ client });
    refused(await target.exchange(authorized, { auth: "client_secret_post" }), "invalid_client", 401);
    granted(await target.exchange(authorized));
  });

  test("a withdrawn or failing document allows no new sign-in", async () => {
    const url = newUrl();
    web.serve(url, "gone", { status: 410 });
    await isRefused(target, url);
    web.serve(url, document(url));
    granted(await target.exchange(await target.authorized({ client: clientOf(url) })));
  });
});

// A copy is fresh for minutes at least; here it is made to be old, in what a server that has stopped left on disk.
function age(storage) {
  const folder = join(storage, "objects/KVNamespace");
  const files = readdirSync(folder).filter((file) => file.endsWith(".sqlite") && file !== "metadata.sqlite");
  let aged = 0;
  for (const file of files) {
    const database = new DatabaseSync(join(folder, file), { timeout: WAIT_MS });
    const copies = database.prepare("SELECT key, value FROM entries WHERE key LIKE 'document:%'").all();
    for (const { key, value } of copies) {
      const copy = JSON.parse(Buffer.from(value).toString());
      const old = Buffer.from(JSON.stringify({ ...copy, fresh_until: 1 }));
      aged += Number(database.prepare("UPDATE entries SET value = ? WHERE key = ?").run(old, key).changes);
    }
    database.close();
  }
  assert.equal(aged, 1, "copies");
}

describe("an outdated copy of a document", () => {
  const cases = [
    [
      "a host that is down still allows refreshes and codes, but no new consent",
      (url) => web.cut(url),
      true,
    ],
    ["a host that answers 503 still allows refreshes and codes, but no new consent", (url) => web.serve(url, "down", { status: 503 }), true],
    ["a host that has withdrawn the document ends the client", (url) => web.serve(url, "gone", { status: 410 }), false],
    ["a host that serves another client's document ends the client", (url) => web.serve(url, document(`${url}x`)), false],
  ];
  for (const [name, fail, goesOn] of cases) {
    test(name, async () => {
      const own = Object.assign(await ours({}, { outbound: web.outbound }), { web });
      try {
        const url = newUrl();
        web.serve(url, document(url));
        const client = clientOf(url);
        const { tokens } = await own.signIn({ client });
        const authorized = await own.authorized({ client });
        await own.server.kill();
        age(own.server.storage);
        await own.server.start();
        fail(url);
        const refreshed = await own.refresh(client, tokens.refresh_token);
        const redeemed = await own.exchange(authorized);
        if (goesOn) {
          granted(refreshed);
          granted(redeemed);
        } else {
          refused(refreshed, "invalid_client", 401);
          refused(redeemed, "invalid_client", 401);
        }
        await isRefused(own, url);
        web.serve(url, document(url));
        granted(await own.refresh(client, (goesOn ? refreshed.json : tokens).refresh_token));
      } finally {
        await own.stop();
      }
    });
  }
});
