// Tokens of the playground go to the origin that they were got for, and the addresses that servers name lead nowhere else.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inBrowser, visit } from "../../support/playground.mjs";
import { authority, guarded } from "../../support/scripted-authority.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { server, browser, connected } = await inBrowser(fixture({ playground: true }));

const TOKEN = "planted-token-of-the-first";
const OWN = ["x-secret", "planted-value-of-the-first"];
const ANY = { type: "object" };

// A visitor who typed a token and a header for a server.
async function identified(own, ...others) {
  const visitor = await visit(browser, server, { allowed: [own, ...others].map(({ origin }) => origin) });
  await visitor.identify({ token: TOKEN, header: OWN });
  return visitor;
}

/** Requests with something that is for another origin. */
const leaked = ({ requests }) => requests.filter(({ headers, url, text }) => headers.authorization || headers["x-secret"] || /planted|as-(access|refresh|code)/.test(url + text));

const redirect = (to) => (request, text, response) => Boolean(response.writeHead(307, { location: `${to}${request.url}` }).end());

describe("a token and headers that the person typed are not sent", () => {
  test("to an endpoint of HTTP+SSE on another origin", async () => {
    await using other = await scripted();
    const answer = ({ method }, _, response) => method === "GET" && Boolean(response.writeHead(200, { "content-type": "text/event-stream" }).write(`event: endpoint\ndata: ${other.origin}/mcp\n\n`));
    await using own = await scripted({ answer });
    await using visitor = await identified(own, other);
    await visitor.page.getByLabel("Transport").selectOption("sse");
    await visitor.page.getByLabel("Address").fill(own.url);
    await visitor.button("Connect").click();
    await visitor.page.locator(".server .problem").waitFor();
    assert.deepEqual(own.requests.find(({ method }) => method === "GET").headers.authorization, `Bearer ${TOKEN}`);
    assert.deepEqual(other.requests, []);
  });

  test("to where a server redirects, at its first request or at a later one", async () => {
    await using other = await scripted();
    let isMoved = true;
    const tools = [{ name: "one", inputSchema: ANY }];
    await using own = await scripted({ session: "s-1", handlers: { "tools/list": () => ({ tools }) }, answer: (...given) => isMoved && redirect(other.origin)(...given) });
    await using visitor = await identified(own, other);
    await visitor.page.getByLabel("Address").fill(own.url);
    await visitor.button("Connect").click();
    await visitor.page.getByText(/redirects|another address/).first().waitFor();
    isMoved = false;
    await visitor.connect(own.url);
    await visitor.tool("one");
    isMoved = true;
    await visitor.call();
    await visitor.result();
    const before = own.requests.length;
    await visitor.button("Disconnect").click();
    await until(() => own.requests.slice(before).some(({ method }) => method === "DELETE"), "the end of the session");
    assert.ok(own.requests.some(({ headers }) => headers["x-secret"] === OWN[1]));
    assert.deepEqual(other.requests, []);
  });

  test("with the request for an icon, to any origin", async () => {
    await using other = await scripted();
    const answer = ({ method, url }, _, response) => method === "GET" && url.startsWith("/icon") && Boolean(url === "/icon-moved" ? response.writeHead(302, { location: `${other.origin}/icon` }).end() : response.writeHead(200, { "content-type": "image/png" }).end("x"));
    let own;
    const icons = (...paths) => paths.map((path) => ({ src: path.startsWith("http") ? path : `${own.origin}${path}` }));
    const tools = () => [{ name: "one", inputSchema: ANY, icons: icons(`${other.origin}/icon`, "/icon-moved", "/icon") }];
    own = await scripted({ answer, handlers: { "tools/list": () => ({ tools: tools() }) } });
    await using _ = own;
    await using visitor = await identified(own, other);
    await visitor.connect(own.url);
    await until(() => own.requests.some(({ url }) => url === "/icon"), "the icon");
    assert.deepEqual(own.requests.filter(({ url, headers }) => url.startsWith("/icon") && (headers.authorization || headers["x-secret"] || headers.cookie)), []);
    assert.deepEqual(leaked(other), []);
  });

  test("with a link that the person opens", async () => {
    const content = [{ type: "resource_link", uri: "https://elsewhere.example/page", name: "x" }];
    await using own = await scripted({ handlers: { "tools/list": () => ({ tools: [{ name: "one", inputSchema: ANY }] }), "tools/call": () => ({ content }) } });
    await using visitor = await identified(own, { origin: "https://elsewhere.example" });
    const opened = [];
    await visitor.context.route("https://elsewhere.example/**", async (route) => (opened.push(await route.request().allHeaders()), route.fulfill({ contentType: "text/html", body: "<p>there" })));
    await visitor.connect(own.url);
    await visitor.tool("one");
    await visitor.call();
    const link = (await visitor.result()).getByRole("link", { name: /elsewhere\.example/ });
    assert.deepEqual(opened, []);
    const [popup] = await Promise.all([visitor.context.waitForEvent("page"), link.click()]);
    await popup.getByText("there").waitFor();
    assert.equal(await popup.evaluate(() => window.opener), null);
    assert.deepEqual(opened.map(({ authorization, referer, ...headers }) => [authorization, referer, headers["x-secret"]]), [[undefined, undefined, undefined]]);
  });

  test("to the authorization server, nor to another server of the page", async () => {
    await using as = await authority();
    await using own = await guarded(() => as);
    await using other = await scripted();
    await using visitor = await visit(browser, server, { allowed: [own, as, other].map(({ origin }) => origin) });
    await visitor.identify({ header: OWN });
    await signedIn(visitor, own.url);
    assert.deepEqual(as.requests.filter(({ headers }) => headers["x-secret"]), []);
    assert.deepEqual(own.requests.filter(({ url, headers }) => url.startsWith("/.well-known/") && headers["x-secret"]), []);
    assert.ok(own.requests.some(({ headers }) => headers["x-secret"] === OWN[1]));
    await visitor.button("Another server").click();
    await visitor.connect(other.url);
    assert.deepEqual(leaked(other), []);
  });
});

async function signedIn(visitor, url) {
  await visitor.page.getByLabel("Address").fill(url);
  await visitor.button("Connect").click();
  await until(() => visitor.button("Sign in").isEnabled().catch(() => false), "what the server asks for");
  await visitor.button("Sign in").click();
  await visitor.button("Disconnect").waitFor();
}

describe("the token of a sign-in", () => {
  test("is for its server's address, and for no other path or origin", async () => {
    await using as = await authority();
    await using own = await guarded(() => as);
    await using other = await scripted();
    await using visitor = await visit(browser, server, { allowed: [own, as, other].map(({ origin }) => origin) });
    await signedIn(visitor, own.url);
    const before = own.requests.length;
    await visitor.button("Another server").click();
    await visitor.page.getByLabel("Address").fill(`${own.origin}/other`);
    await visitor.button("Connect").click();
    await visitor.page.locator(".card").waitFor();
    assert.deepEqual(own.requests.slice(before).filter(({ url, headers }) => url.startsWith("/other") && headers.authorization), []);
    await visitor.button("Cancel").click();
    await visitor.button("Another server").click();
    await visitor.connect(other.url);
    assert.deepEqual(leaked(other), []);
  });

  test("is not sent where the server's metadata later names another resource", async () => {
    await using as = await authority();
    await using other = await scripted();
    let isMoved = false;
    const resource = (origin) => ({ resource: isMoved ? other.url : `${origin}/mcp`, authorization_servers: [as.issuer] });
    await using own = await guarded(() => as, { resource, handlers: { "tools/list": () => ({ tools: [{ name: "one", inputSchema: ANY }] }) } });
    await using visitor = await visit(browser, server, { allowed: [own, as, other].map(({ origin }) => origin) });
    await signedIn(visitor, own.url);
    isMoved = true;
    as.access.clear();
    as.refresh.clear();
    await visitor.tool("one");
    await visitor.call();
    await visitor.page.locator(".card").getByText(/which does not cover/).waitFor();
    assert.deepEqual(other.requests, []);
  });

  for (const [what, path] of [["registration", "/register"], ["code", "/token"], ["sign-out", "/revoke"]])
    test(`does not follow a redirect of the ${what}`, async () => {
      await using other = await scripted();
      await using as = await authority();
      await using own = await guarded(() => as);
      await using visitor = await visit(browser, server, { allowed: [own, as, other].map(({ origin }) => origin) });
      let isAsked = false;
      visitor.context.on("request", (request) => (isAsked ||= request.url() === `${as.origin}${path}` && request.method() === "POST"));
      await visitor.context.route(`${as.origin}${path}`, (route) => (route.request().method() === "OPTIONS" ? route.continue() : route.fulfill({ status: 307, headers: { location: `${other.origin}${path}`, "access-control-allow-origin": "*" } })));
      if (path === "/revoke") {
        await signedIn(visitor, own.url);
        await visitor.button("Sign out").click();
        await visitor.button("Connect").waitFor();
        // The page does not wait for it.
        await until(() => isAsked, "the revocation");
      } else {
        await visitor.page.getByLabel("Address").fill(own.url);
        await visitor.button("Connect").click();
        await until(() => visitor.button("Sign in").isEnabled().catch(() => false), "what the server asks for");
        await visitor.button("Sign in").click();
        await visitor.page.locator(".card").getByText(/redirects to another address/).first().waitFor();
      }
      assert.deepEqual(other.requests, []);
    });
});

describe("the address to sign in at", () => {
  test("is named by its host before it is opened, with the authorization server that has another", async () => {
    await using as = await authority({ metadata: (document) => ({ ...document, authorization_endpoint: document.authorization_endpoint.replace("127.0.0.1", "localhost") }) });
    await using own = await guarded(() => as);
    await using visitor = await visit(browser, server, { allowed: [own.origin, as.origin, as.origin.replace("127.0.0.1", "localhost")] });
    await visitor.page.getByLabel("Address").fill(own.url);
    await visitor.button("Connect").click();
    await until(() => visitor.button("Sign in").isEnabled().catch(() => false), "what the server asks for");
    const { host } = new URL(as.origin);
    assert.match(await visitor.page.locator(".card dl").innerText(), new RegExp(`${host.replace("127.0.0.1", "localhost")} of the authorization server ${host}`));
    assert.equal(visitor.context.pages().length, 1);
  });

  for (const endpoint of ["javascript:globalThis.ran=1", "data:text/html,<script>opener.ran=1</script>", "file:///etc/passwd", "http://evil.example/authorize", "https://127.0.0.1@evil.example/authorize", "blob:https://evil.example/x"])
    test(`is not opened where it is ${endpoint}`, async () => {
      await using as = await authority({ metadata: (document) => ({ ...document, authorization_endpoint: endpoint }) });
      await using own = await guarded(() => as);
      await using visitor = await visit(browser, server, { allowed: [own.origin, as.origin] });
      await visitor.page.getByLabel("Address").fill(own.url);
      await visitor.button("Connect").click();
      await visitor.page.locator(".card").getByRole("alert").first().waitFor();
      assert.ok(await visitor.button("Sign in").or(visitor.button("Try again")).first().isDisabled());
      assert.equal(visitor.context.pages().length, 1);
      assert.equal(await visitor.page.evaluate(() => globalThis.ran), undefined);
      assert.deepEqual(as.requests.filter(({ pathname }) => !pathname.startsWith("/.well-known/")), []);
      visitor.done();
    });
});

// A server on the public web: what its metadata and challenge say is answered here, and nothing of it leaves.
describe("a public server leads to nothing on this machine or its network", () => {
  const PUBLIC = "https://public.example";
  const json = (status, body, headers = {}) => ({ status, contentType: "application/json", headers: { "access-control-allow-origin": "*", "access-control-allow-headers": "*, authorization", "access-control-expose-headers": "www-authenticate", ...headers }, body: JSON.stringify(body) });
  const MADE = {
    "with its challenge": (own) => ({ challenge: `Bearer resource_metadata="${own}/metadata"` }),
    "with its metadata": (own) => ({ resource: { resource: `${PUBLIC}/mcp`, authorization_servers: [own] } }),
    "with an endpoint of its authorization server": (own) => ({ resource: { resource: `${PUBLIC}/mcp`, authorization_servers: [PUBLIC] }, metadata: { token_endpoint: `${own}/token` } }),
    "with the address to sign in at": (own) => ({ resource: { resource: `${PUBLIC}/mcp`, authorization_servers: [PUBLIC] }, metadata: { authorization_endpoint: `${own}/authorize` } }),
  };
  for (const [how, made] of Object.entries(MADE))
    for (const name of ["127.0.0.1", "localhost"])
      test(`${how}, at ${name}`, async () => {
        await using other = await scripted();
        const { challenge = "Bearer", resource, metadata = {} } = made(other.origin.replace("127.0.0.1", name));
        await using visitor = await visit(browser, server, { allowed: [PUBLIC] });
        await visitor.context.route(`${PUBLIC}/**`, (route) => {
          const { pathname } = new URL(route.request().url());
          if (route.request().method() === "OPTIONS") return route.fulfill(json(204, ""));
          if (pathname.includes("oauth-protected-resource") && resource) return route.fulfill(json(200, resource));
          if (pathname.includes("oauth-authorization-server")) return route.fulfill(json(200, { issuer: PUBLIC, authorization_endpoint: `${PUBLIC}/authorize`, token_endpoint: `${PUBLIC}/token`, registration_endpoint: `${PUBLIC}/register`, response_types_supported: ["code"], code_challenge_methods_supported: ["S256"], ...metadata }));
          return route.fulfill(pathname === "/mcp" ? json(401, {}, { "www-authenticate": challenge }) : json(404, {}));
        });
        await visitor.page.getByLabel("Address").fill(`${PUBLIC}/mcp`);
        await visitor.button("Connect").click();
        const alert = visitor.page.locator(".card").getByRole("alert").first();
        await alert.waitFor();
        assert.match(await alert.innerText(), /which is on this machine or its network, and public\.example is not/);
        assert.ok(await visitor.button("Sign in").or(visitor.button("Try again")).first().isDisabled());
        assert.deepEqual(other.requests, []);
        visitor.done();
      });
});

describe("no service worker", () => {
  test("is registered, and files of the page make none that reaches beyond its folder, whatever a script tries", async () => {
    // As if Trusted Types and the policy were not there.
    await using visitor = await visit(browser, server, { bypassCSP: true });
    const { page } = visitor;
    await visitor.connect();
    await visitor.tool("test_simple_text");
    await visitor.call();
    await visitor.result();
    await visitor.trace();
    assert.deepEqual(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
    const files = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => name.endsWith(".js")));
    assert.ok(files.length > 3, `${files}`);
    const tried = await page.evaluate(async (files) => {
      const outcomes = [];
      for (const file of files)
        for (const scope of ["/", "/playground", "/authorize", "/account", "/mcp"]) outcomes.push(await navigator.serviceWorker.register(file, { scope, type: "module" }).then(({ scope }) => `registered for ${scope}`, ({ name }) => name));
      return [...new Set(outcomes)];
    }, files);
    assert.deepEqual(tried, ["SecurityError"]);
    for (const file of [...files, `${server.url}/playground`, `${server.url}/playground/config.json`, `${server.url}/mcp`, `${server.url}/`])
      assert.equal((await fetch(file)).headers.get("service-worker-allowed"), null, file);
    await page.evaluate(async () => Promise.all((await navigator.serviceWorker.getRegistrations()).map((registration) => registration.unregister())));
  });

  test("can be made by a script of the page, which has no address that its policy takes", async () => {
    await using visitor = await connected();
    const outcomes = await visitor.page.evaluate(async () => {
      const file = performance.getEntriesByType("resource").map(({ name }) => name).find((name) => /client-.*\.js$/.test(name));
      const tried = async (work) => {
        try {
          await work();
          return "registered";
        } catch (error) {
          return error.name;
        }
      };
      const policy = await tried(async () => trustedTypes.createPolicy("client", { createScriptURL: (url) => url }));
      const blob = URL.createObjectURL(new Blob(["1"], { type: "text/javascript" }));
      return [policy, await tried(() => navigator.serviceWorker.register(file)), await tried(async () => new Worker(blob)), await tried(async () => new SharedWorker(blob))];
    });
    assert.deepEqual(outcomes, Array(4).fill("TypeError"));
    assert.equal(await visitor.page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
    visitor.complaints.length = 0;
  });
});
