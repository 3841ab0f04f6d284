// Sign-in by the demo provider, request by request, in the real runtime. What the pages do with what attackers send is
// tested without it: tests/integration/sign_in.rs.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Jar, hidden } from "../support/jar.mjs";
import { open } from "../support/mcp.mjs";
import { DEMO, client, takes } from "../support/sign-in.mjs";
import { fixture } from "../support/workerd.mjs";

const server = await fixture({ vars: DEMO, secondSocket: true });
after(() => server.stop());

// Asks, approves as `name`, and comes back: the answer that leads to the client.
async function approve(jar, of, { name = "ann", more, ...fields } = {}) {
  const page = await jar.get(of.link(more));
  assert.equal(page.status, 200, page.text);
  const left = await jar.post("/authorize", { ...hidden(page.text), decision: "approve", name, ...fields });
  assert.equal(left.status, 303, left.text);
  return jar.get(left.location);
}

async function connected(jar, of, options) {
  const { location } = await approve(jar, of, options);
  const tokens = await of.redeem(location.searchParams.get("code"));
  assert.ok(tokens, `${location}`);
  return tokens;
}

describe("a person who lets a client in", () => {
  test("is who the client calls for", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    const { access_token } = await connected(jar, of, { name: "Ann", more: { scope: "read" } });
    const session = await open(server, { headers: { authorization: `Bearer ${access_token}` } });
    const { structuredContent } = await session.call("whoami_user");
    const { id, name, scopes } = structuredContent;
    assert.deepEqual({ id, name, scopes }, { id: "demo:Ann", name: "Ann", scopes: ["read"] });
  });

  test("has each cookie on a line of its own, and none left but what is remembered", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    const page = await jar.get(of.link());
    assert.equal(jar.cookies.size, 1);
    const left = await jar.post("/authorize", { ...hidden(page.text), decision: "approve", remember: "yes" });
    const back = await jar.get(left.location);
    const lines = back.headers.getSetCookie();
    assert.equal(lines.length, 2, `${lines}`);
    for (const line of lines) assert.match(line, /; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
    assert.deepEqual([...jar.cookies.keys()], ["consent"]);
  });

  test("can do so in one isolate and come back in another", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    const page = await jar.get(of.link());
    const left = await jar.post("/authorize", { ...hidden(page.text), decision: "approve" });
    const elsewhere = new URL(left.location.pathname + left.location.search, server.second.url);
    assert.match(`${(await jar.get(elsewhere)).location}`, /^https:\/\/client\.example\/callback\?code=/);
  });

  test("is marked as a demonstration on every page", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    for (const path of [of.link(), "/", "/account", "/callback", "/authorize"]) {
      assert.match((await jar.get(path)).text, /anybody can be anybody here/, path);
    }
  });
});

describe("a person who does not", () => {
  test("sends the client away with access_denied", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    const page = await jar.get(of.link());
    const { location } = await jar.post("/authorize", { ...hidden(page.text), decision: "deny" });
    assert.equal(location.searchParams.get("error"), "access_denied");
    assert.equal(location.searchParams.get("state"), "of the client");
  });

  test("need not answer what another site sends", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    const fields = { ...hidden((await jar.get(of.link())).text), decision: "approve" };
    const forged = await jar.post("/authorize", { ...fields, csrf: "x".repeat(32) });
    const foreign = await jar.post("/authorize", fields, { headers: { origin: "https://evil.example" } });
    for (const { status, headers, location } of [forged, foreign]) {
      assert.equal(status, 403);
      assert.equal(location, null);
      assert.match(headers.get("content-type"), /^text\/html/);
    }
  });
});

describe("/account", () => {
  test("ends what it is told to end, at once", async () => {
    const [jar, of] = [new Jar(server), await client(server)];
    const name = "Berta";
    const { access_token } = await connected(jar, of, { name });
    const session = await open(server, { headers: { authorization: `Bearer ${access_token}` } });
    assert.ok(await takes(server, access_token));
    const left = await jar.post("/account", { do: "sign-in", name });
    assert.equal((await jar.get(left.location)).location.pathname, "/account");
    const page = await jar.get("/account");
    assert.match(page.text, /Client of the tests/);
    const ended = await jar.post("/account", { ...hidden(page.text), do: "end" });
    assert.equal(ended.status, 303, ended.text);
    assert.equal(await takes(server, access_token), false);
    await assert.rejects(session.call("whoami_user"));
    assert.doesNotMatch((await jar.get("/account")).text, /Client of the tests/);
  });
});

describe("a problem", () => {
  test("has a number that the log has too", async () => {
    const { text, status } = await new Jar(server).get("/callback?state=unknown-unknown");
    assert.equal(status, 400);
    const [, id] = /<code>([0-9a-f]{8})<\/code>/.exec(text);
    const { json } = await server.log(({ json }) => json?.id === id);
    assert.equal(json.event, "problem");
  });

  test("of the deployment is on each page, and nobody is let in", async () => {
    await using broken = await fixture({ vars: { IDENTITY_PROVIDER: "demo" } });
    for (const path of ["/", "/account"]) assert.match((await new Jar(broken).get(path)).text, /DEMO_LOGIN/);
    assert.equal(await takes(broken, "x"), false);
    await broken.log(({ text }) => text.includes("DEMO_LOGIN"));
  });
});
