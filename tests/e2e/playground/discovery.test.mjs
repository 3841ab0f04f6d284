// Discovery of the authorization server by the playground: its order, its checks, and whose answer is accepted.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inBrowser, visit } from "../../support/playground.mjs";
import { authority, guarded } from "../../support/scripted-authority.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(fixture({ playground: true }));

// The card, once the server was asked.
async function asked(own, ...others) {
  const visitor = await visit(browser, server, { allowed: [own.origin, ...others.map(({ origin }) => origin)] });
  await visitor.page.getByLabel("Address").fill(own.url);
  await visitor.button("Connect").click();
  await visitor.page.getByRole("heading", { name: "Sign-in needed" }).waitFor();
  return visitor;
}

// Settles once the page knows where to sign in.
const ready = (visitor) => until(() => visitor.button("Sign in").isEnabled().catch(() => false), "what the server asks for");

// Why the sign-in does not go on, as the card says it.
async function refusal({ page }) {
  const alert = page.locator(".card").getByRole("alert");
  await alert.waitFor();
  return alert.innerText();
}

async function signIn(visitor) {
  const popups = [];
  visitor.context.on("page", (page) => popups.push(page));
  await ready(visitor);
  await visitor.button("Sign in").click();
  return popups;
}

// The steps of the sign-in, as they are shown.
async function steps({ page }) {
  await page.getByRole("tab", { name: /^Messages/ }).click();
  await page.getByLabel("Messages to show").selectOption({ label: "Sign-in, step by step" });
  await page.locator(".steps > li").first().waitFor();
  return (await page.locator(".steps > li").allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
}

const looked = ({ requests }) => requests.filter(({ method }) => method === "GET").map(({ url, pathname = url }) => pathname).filter((path) => path.includes("/.well-known/") || path === "/about");

describe("the metadata of a server", () => {
  const PATH = "/.well-known/oauth-protected-resource/mcp";
  const ROOT = "/.well-known/oauth-protected-resource";
  const plain = () => "Bearer";
  for (const [name, { challenge, at }, expected] of [
    ["is looked for where its challenge says, and nowhere else", { challenge: (origin) => `Bearer resource_metadata="${origin}/about"`, at: "/about" }, ["/about"]],
    ["is looked for at its path, where the challenge names none", { challenge: plain, at: PATH }, [PATH]],
    ["is looked for at its root, where its path has none", { challenge: plain, at: ROOT }, [PATH, ROOT]],
  ])
    test(name, async () => {
      await using as = await authority();
      await using own = await guarded(() => as, { challenge, resource: (origin, path) => path === at && { resource: `${origin}/mcp`, authorization_servers: [as.origin] } });
      await using visitor = await asked(own, as);
      await signIn(visitor);
      await visitor.button("Disconnect").waitFor();
      assert.deepEqual([...new Set(looked(own))], expected);
      assert.match((await steps(visitor))[1], /The metadata is for .*\/mcp, which covers .*\/mcp\./);
      visitor.done();
    });

  test("may be missing: then the server's own origin signs people in, as in 2025-03-26", async () => {
    await using as = await authority();
    await using own = await guarded(() => as, { challenge: plain, resource: () => undefined });
    await using visitor = await asked(own, as);
    await ready(visitor);
    assert.match(await visitor.page.locator(".card").first().innerText(), new RegExp(`You sign in at\\s+${new URL(own.origin).host}`));
    const [, ofResource, ofServer] = await steps(visitor);
    assert.match(ofResource, /no metadata of the server/);
    assert.match(ofServer, /no metadata of .* Its endpoints are guessed/);
  });

  for (const [name, resource, sentence] of [
    ["that cannot be read", () => ({ authorization_servers: "none" }), /metadata of the server cannot be read/],
    ["that is answered with status 500", () => 500, /answered with 500/],
    ["for another resource", (origin) => ({ resource: `${origin}/other`, authorization_servers: ["http://127.0.0.1:9"] }), /metadata is for .*\/other, which does not cover .*\/mcp/],
    ["that names an authorization server without https", (origin) => ({ resource: `${origin}/mcp`, authorization_servers: ["http://as.example"] }), /http:\/\/as\.example, which is not https/],
    ["that names an authorization server at no web address", (origin) => ({ resource: `${origin}/mcp`, authorization_servers: ["javascript:alert(1)"] }), /cannot be read|no web address/],
  ])
    test(`${name} is refused, with the reason, before anything else is asked`, async () => {
      await using as = await authority();
      await using own = await guarded(() => as, { resource });
      await using visitor = await asked(own, as);
      assert.match(await refusal(visitor), sentence);
      assert.ok(await visitor.button("Sign in").or(visitor.button("Try again")).first().isDisabled());
      assert.deepEqual(as.requests, []);
      assert.match((await steps(visitor)).join(" "), sentence);
      visitor.done();
    });
});

describe("the metadata of an authorization server", () => {
  const INSERTED = "/.well-known/oauth-authorization-server/tenant";
  const OPENID = "/.well-known/openid-configuration/tenant";
  const APPENDED = "/tenant/.well-known/openid-configuration";
  for (const [name, at, tried] of [
    ["by RFC 8414 first", INSERTED, [INSERTED]],
    ["by OpenID with the path inserted next", OPENID, [INSERTED, OPENID]],
    ["by OpenID with the path before it last", APPENDED, [INSERTED, OPENID, APPENDED]],
  ])
    test(`is looked for ${name}`, async () => {
      await using as = await authority({ path: "/tenant", serves: (path) => path === at });
      await using own = await guarded(() => as);
      await using visitor = await asked(own, as);
      await signIn(visitor);
      await visitor.button("Disconnect").waitFor();
      assert.deepEqual([...new Set(looked(as))], tried);
      assert.match((await steps(visitor))[2], /The issuer is .*\/tenant, which was asked for\. .*It takes the proof S256/);
      visitor.done();
    });

  const REFUSED = {
    "whose issuer differs by one character": [(document) => ({ ...document, issuer: `${document.issuer}x` }), /metadata of (\S+) says that its issuer is \1x/],
    "without a word on PKCE": [({ code_challenge_methods_supported: _, ...document }) => document, /does not say that it takes the proof S256.*is missing/],
    "without S256": [(document) => ({ ...document, code_challenge_methods_supported: ["plain"] }), /does not say that it takes the proof S256.*\["plain"\]/],
    "with a token endpoint that is not https": [(document) => ({ ...document, token_endpoint: "http://as.example/token" }), /http:\/\/as\.example\/token, which is not https/],
  };
  for (const [name, [metadata, sentence]] of Object.entries(REFUSED))
    test(`${name} is refused: nothing is opened, and the page does not register`, async () => {
      await using as = await authority({ metadata });
      await using own = await guarded(() => as);
      await using visitor = await asked(own, as);
      assert.match(await refusal(visitor), sentence);
      assert.match((await steps(visitor))[2], sentence);
      assert.equal(visitor.context.pages().length, 1);
      assert.deepEqual([...new Set(as.requests.map(({ pathname }) => pathname))], ["/.well-known/oauth-authorization-server"]);
      visitor.done();
    });
});

describe("an answer", () => {
  const promising = (document) => ({ ...document, authorization_response_iss_parameter_supported: true });
  const ANSWERS = {
    "with the right iss, which is promised, is taken": { metadata: promising, iss: (issuer) => issuer, isTaken: true },
    "without the iss that is promised is refused": { metadata: promising, told: /has no iss, which the authorization server promises/ },
    "with the iss of another issuer is refused where one is promised": { metadata: promising, iss: () => "https://evil.example", told: /is not of/ },
    "without an iss that nobody promised is taken": { isTaken: true },
    "with the right iss that nobody promised is taken": { iss: (issuer) => issuer, isTaken: true },
    "with the iss of another issuer is refused also where none is promised": { iss: () => "https://evil.example", told: /is not of/ },
    "with an iss that is the same only after normalization is refused": { iss: (issuer) => `${issuer}/`, told: /is not of/ },
  };
  for (const [name, { metadata, iss, isTaken = false, told }] of Object.entries(ANSWERS))
    test(name, async () => {
      await using as = await authority({ metadata, answer: (parameters) => ({ ...parameters, ...(iss ? { iss: iss(as.issuer) } : {}) }) });
      await using own = await guarded(() => as);
      await using visitor = await asked(own, as);
      await signIn(visitor);
      const exchanges = () => as.requests.filter(({ pathname }) => pathname === "/token").length;
      if (isTaken) {
        await visitor.button("Disconnect").waitFor();
        assert.equal(exchanges(), 1);
      } else {
        assert.match(await refusal(visitor), told);
        assert.equal(exchanges(), 0);
        assert.ok(!(await refusal(visitor)).includes("evil"));
        assert.match((await steps(visitor)).find((text) => text.startsWith("Authorization response")), told);
      }
      visitor.done();
    });

  test("of another issuer is refused, and its error is not shown", async () => {
    await using as = await authority({ metadata: promising, answer: ({ state }) => ({ state, error: "access_denied", error_description: "Call 555 now", iss: "https://evil.example" }) });
    await using own = await guarded(() => as);
    await using visitor = await asked(own, as);
    await signIn(visitor);
    assert.match(await refusal(visitor), /is not of/);
    assert.ok(!(await visitor.page.locator(".card").innerText()).includes("555"));
  });

  test("whose code is refused is exchanged once, and says so", async () => {
    await using as = await authority({ answer: ({ state }) => ({ state, code: "stale" }) });
    await using own = await guarded(() => as);
    await using visitor = await asked(own, as);
    await signIn(visitor);
    assert.match(await refusal(visitor), /invalid_grant/);
    assert.equal(as.requests.filter(({ pathname }) => pathname === "/token").length, 1);
  });
});

describe("a sign-in step by step", () => {
  const held = ({ page }) => page.getByRole("group", { name: "Waits for you" });
  const paths = ({ requests }) => requests.map(({ pathname, url }) => pathname ?? url).filter((path) => path !== "/mcp");

  // Only requests of the sign-in itself are looked at.
  async function begin(visitor, ...servers) {
    await ready(visitor);
    for (const { requests } of servers) requests.length = 0;
    await visitor.button("Step by step").click();
  }

  test("holds back each request until the person goes on, and shows no secret of it", async () => {
    await using as = await authority();
    await using own = await guarded(() => as);
    await using visitor = await asked(own, as);
    await begin(visitor, own, as);
    const next = async (expected) => {
      await held(visitor).getByText(expected).waitFor();
      const text = await held(visitor).innerText();
      await held(visitor).getByRole("button", { name: "Go on" }).click();
      return text;
    };
    await held(visitor).getByText("oauth-protected-resource").waitFor();
    assert.deepEqual([...paths(own), ...paths(as)], []);
    await next(/Protected resource metadata/);
    await held(visitor).getByText("oauth-authorization-server").waitFor();
    assert.deepEqual(paths(as), []);
    await next(/Authorization server metadata/);
    const popups = await signIn(visitor);
    await next(/Client registration/);
    assert.match(await next(/Authorization$/), /GET \S+\/authorize\?[^]*code_challenge_method=S256[^]*state=••••/);
    await held(visitor).getByText("/token").waitFor();
    assert.ok(!paths(as).includes("/token"));
    await next(/Token/);
    await visitor.button("Disconnect").waitFor();
    assert.equal(popups.length, 1);
    await held(visitor).waitFor({ state: "detached" });
    assert.deepEqual(paths(as), ["/.well-known/oauth-authorization-server", "/register", "/authorize", "/token"]);
    visitor.done();
  });

  test("gives up what is held back when it is cancelled", async () => {
    await using as = await authority();
    await using own = await guarded(() => as);
    await using visitor = await asked(own, as);
    await begin(visitor, own, as);
    await held(visitor).waitFor();
    await visitor.button("Cancel").click();
    await held(visitor).waitFor({ state: "detached" });
    // The next sign-in is none step by step.
    await visitor.button("Connect").click();
    await ready(visitor);
    assert.equal(paths(own).filter((path) => path.includes("oauth-protected-resource")).length, 1);
    visitor.done();
  });
});
