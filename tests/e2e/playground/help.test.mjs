// The playground's help: for each fault one sentence about what happened and one about what to do.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, describe, test } from "node:test";
import { inBrowser, visit } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { demo } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(demo({ playground: true }));

/** The text of the page once it has tried to connect. */
async function told(visitor, url, { version, seconds } = {}) {
  const { page } = visitor;
  await page.getByLabel("Address", { exact: true }).fill(url);
  if (version || seconds) await page.getByText("Options", { exact: true }).click();
  if (version) await page.getByLabel("Protocol version").selectOption(version);
  if (seconds) await page.getByLabel(/seconds/i).fill(`${seconds}`);
  await visitor.button("Connect").click();
  return page.getByRole("alert").innerText();
}

const LEGACY = { version: "2025-11-25" };

// Answers each POST in place of the script.
const answering = (status, headers, body = "") => scripted({ answer: (request, _, response) => request.method === "POST" && Boolean(response.writeHead(status, headers).end(body)) });

describe("an answer of HTTP is explained", () => {
  for (const [name, status, headers, body, expected] of [
    ["404", 404, {}, "", /nothing at this path[^]*\/mcp and \/sse/],
    ["405", 405, {}, "", /does not take this method[^]*HTTP\+SSE/],
    ["406", 406, {}, "", /types asked for[^]*text\/event-stream/],
    ["415", 415, {}, "", /does not take JSON/],
    ["421", 421, {}, "", /host name \(status 421\)[^]*Host header/],
    ["429 with a time", 429, { "retry-after": "17", "access-control-expose-headers": "retry-after" }, "", /too many requests[^]*next one: 17/],
    ["429 without", 429, {}, "", /too many requests[^]*Wait a while/],
    ["503", 503, {}, "", /failed \(status 503\)[^]*log/],
    ["the page of a firewall", 403, { "content-type": "text/html" }, "<h1>Attention required</h1>", /Something in front of the server[^]*status 403/],
    ["HTML for JSON", 200, { "content-type": "text/html" }, "<p>Hello</p>", /web page instead of JSON/],
    ["another type", 200, { "content-type": "text/plain" }, "hello", /text\/plain instead of JSON/],
    ["JSON that is none", 200, { "content-type": "application/json" }, "{", /no message of the protocol/],
    ["an empty body", 200, { "content-type": "application/json" }, "", /answer is empty/],
  ])
    test(`${name}`, async () => {
      await using other = await answering(status, headers, body);
      await using visitor = await visit(browser, server, { allowed: [other.origin] });
      assert.match(await told(visitor, other.url, LEGACY), expected);
      assert.equal(await visitor.page.locator(".problem details[open]").count(), 0);
    });

  test("404 offers other paths, which connect on a click", async () => {
    const answer = (request, _, response) => request.url === "/api" && Boolean(response.writeHead(404).end());
    await using other = await scripted({ answer });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await told(visitor, `${other.origin}/api`, LEGACY);
    await visitor.button("Try /mcp").click();
    await visitor.button("Disconnect").waitFor();
  });

  test("a stream without an answer", async () => {
    const answer = (request, text, response) => {
      if (!text.includes('"tools/call"')) return false;
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(": nothing\n\n");
      return true;
    };
    const tools = [{ name: "silent", inputSchema: { type: "object" } }];
    await using other = await scripted({ answer, handlers: { "tools/list": () => ({ tools }) } });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.connect(other.url);
    await visitor.tool("silent");
    await visitor.call();
    assert.match(await (await visitor.result()).innerText(), /The stream had no answer/);
  });
});

describe("a server that is not reached is explained", () => {
  test("where nothing runs on this machine", async () => {
    const other = await scripted();
    await other.stop();
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    assert.match(await told(visitor, other.url), /Nothing answers at 127\.0\.0\.1:\d+ on this machine[^]*Start the server/);
  });

  test("where its name is not known", async () => {
    await using visitor = await visit(browser, server, { allowed: ["https://no-such-server.invalid"] });
    assert.match(await told(visitor, "https://no-such-server.invalid/mcp"), /no-such-server\.invalid cannot be reached[^]*certificate[^]*Open no-such-server\.invalid in a new tab/);
    const link = visitor.page.getByRole("link", { name: /new tab/ });
    assert.deepEqual([await link.getAttribute("href"), await link.getAttribute("rel")], ["https://no-such-server.invalid/mcp", "noopener noreferrer"]);
  });

  test("without a network", async () => {
    await using visitor = await visit(browser, server, { allowed: ["https://example.com"] });
    await visitor.page.getByText("Options", { exact: true }).click();
    await visitor.context.setOffline(true);
    await visitor.page.getByLabel("Address", { exact: true }).fill("https://example.com/mcp");
    await visitor.button("Connect").click();
    await visitor.page.getByRole("alert").filter({ hasText: "There is no network" }).waitFor();
  });

  // A server without CORS, or with the headers that a test gives.
  async function bare(headers = {}) {
    const requests = [];
    const listener = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      requests.push(request.method);
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      if (request.method === "OPTIONS") return response.writeHead(204).end();
      if (request.method !== "POST") return response.writeHead(405).end();
      const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString());
      if (id === undefined) return response.writeHead(202).end();
      const results = { initialize: { protocolVersion: params?.protocolVersion, capabilities: {}, serverInfo: { name: "bare", version: "1" } } };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ jsonrpc: "2.0", id, ...(results[method] ? { result: results[method] } : { error: { code: -32601, message: "no" } }) }));
    });
    await new Promise((done) => listener.listen(0, "127.0.0.1", done));
    const origin = `http://127.0.0.1:${listener.address().port}`;
    return { origin, url: `${origin}/mcp`, requests, [Symbol.asyncDispose]: () => (listener.closeAllConnections(), new Promise((done) => listener.close(done))) };
  }

  test("where it has no CORS, with texts that give it: a server that sends them is connected to", async () => {
    await using other = await bare();
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    assert.match(await told(visitor, other.url), new RegExp(`does not let web pages read[^]*allow ${server.url} with CORS`));
    const copy = visitor.page.locator(".problem .copy");
    const texts = {};
    for (const label of await copy.locator("option").allInnerTexts()) {
      await copy.getByRole("combobox").selectOption({ label });
      texts[label] = await copy.locator("pre").innerText();
    }
    assert.deepEqual(Object.keys(texts), ["HTTP", "Cloudflare Workers", "Express", "nginx", "FastMCP (Starlette)"]);
    for (const text of Object.values(texts)) assert.ok(text.includes(server.url) && text.includes("mcp-session-id") && text.includes("www-authenticate"), text);
    const headers = Object.fromEntries(texts["HTTP"].split("\n").map((line) => line.split(": ")));
    await using mended = await bare(headers);
    await using second = await visit(browser, server, { allowed: [mended.origin] });
    await second.connect(mended.url);
    const worker = await import(`data:text/javascript,${encodeURIComponent(`const handle = () => new Response("x");\n${texts["Cloudflare Workers"]}`)}`);
    const answer = await worker.default.fetch(new Request("http://x/mcp"));
    assert.deepEqual(Object.entries(headers).map(([name]) => answer.headers.get(name)), Object.values(headers));
  });

  test("where its CORS lacks headers, which are named", async () => {
    await using other = await bare({ "access-control-allow-origin": "*", "access-control-allow-methods": "*", "access-control-allow-headers": "content-type" });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    const { page } = visitor;
    await page.getByText("Options", { exact: true }).click();
    await visitor.button("Add header").click();
    await page.getByLabel("Header name").fill("X-Team");
    await page.getByLabel("Header value").fill("blue");
    assert.match(await told(visitor, other.url), /not send it what is needed: (mcp-[\w-]+, )*x-team\.[^]*Access-Control-Allow-Headers/);
  });
});

describe("a sign-in that does not work is explained", () => {
  const METADATA = { resource: "/.well-known/oauth-protected-resource", server: "/.well-known/oauth-authorization-server" };

  // Asks for a sign-in whose parts have CORS only as `readable` says.
  const closed = (readable) =>
    scripted({
      answer: (request, _, response) => {
        const { origin } = new URL(`http://${request.headers.host}`);
        const json = (value, isReadable) => {
          if (!isReadable) response.removeHeader("access-control-allow-origin");
          response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
          return true;
        };
        if (request.url.startsWith(METADATA.resource)) return json({ resource: `${origin}/mcp`, authorization_servers: [origin] }, readable.resource);
        if (request.url.startsWith(METADATA.server)) return json({ issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token`, registration_endpoint: `${origin}/register`, response_types_supported: ["code"], code_challenge_methods_supported: ["S256"] }, readable.server);
        if (request.url === "/register") return json({}, readable.registration);
        if (request.method === "POST") return Boolean(response.writeHead(401, { "www-authenticate": `Bearer resource_metadata="${origin}${METADATA.resource}"` }).end());
        return false;
      },
    });

  for (const [readable, step, worked] of [
    [{ resource: false }, "Protected resource metadata", false],
    [{ resource: true, server: false }, "Authorization server metadata", true],
    [{ resource: true, server: true, registration: false }, "Client registration", true],
  ])
    test(`where the step without CORS is: ${step}`, async () => {
      await using other = await closed(readable);
      await using visitor = await visit(browser, server, { allowed: [other.origin] });
      const { page } = visitor;
      await page.getByLabel("Address", { exact: true }).fill(other.url);
      await visitor.button("Connect").click();
      await page.getByRole("heading", { name: "Sign-in needed" }).waitFor();
      const note = page.locator(".card .problem");
      await note.or(page.getByRole("button", { name: "Sign in", exact: true, disabled: false })).first().waitFor();
      if ((await note.count()) === 0) await visitor.button("Sign in").click();
      const text = await note.innerText();
      assert.match(text, new RegExp(`does not let web pages read[^]*step “${step}” of the sign-in`));
      assert.equal(/The page could read/.test(text), worked, text);
    });
});

describe("an error of the protocol is named, with its cause", () => {
  const tools = [{ name: "fails", inputSchema: { type: "object" } }];
  for (const [code, message, data, expected] of [
    [-32601, "No.", undefined, /Method not found: the server does not know tools\/call[^]*capability tools/],
    [-32602, "Bad 'depth'.", undefined, /Invalid params[^]*parameters of tools\/call[^]*Field: depth/],
    [-32602, "Bad.", { field: "width" }, /Field: width/],
    [-32020, "Mcp-Name does not match", undefined, /Header mismatch[^]*Header: Mcp-Name/],
    [-32021, "Missing", { requiredCapabilities: { sampling: {} } }, /Missing required client capability[^]*Needed: sampling/],
    [-32022, "No", { supported: ["2025-06-18"], requested: "2025-11-25" }, /Unsupported protocol version: the server does not speak 2025-11-25[^]*It speaks: 2025-06-18/],
    [-32002, "Gone", { uri: "a:b" }, /Resource not found: there is no a:b/],
  ])
    test(`${code} ${message}`, async () => {
      await using other = await scripted({ handlers: { "tools/list": () => ({ tools }), "tools/call": () => ({ error: { code, message, ...(data ? { data } : {}) } }) } });
      await using visitor = await visit(browser, server, { allowed: [other.origin] });
      await visitor.connect(other.url, LEGACY);
      await visitor.tool("fails");
      await visitor.call();
      assert.match(await (await visitor.result()).innerText(), expected);
    });
});
