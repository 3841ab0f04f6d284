// The playground connects: addresses, transports, versions, sessions, faults, and what its policy lets happen. Numbers are those of
// the table in tests/README.md.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { inBrowser, visit } from "../../support/playground.mjs";
import { scripted } from "../../support/scripted.mjs";
import { until } from "../../support/wait.mjs";
import { demo } from "../../support/workerd.mjs";

const { server, browser } = await inBrowser(demo({ playground: true }));

describe("a first visit", () => {
  test("lists the tools of its own server after one click, with nothing typed", async () => {
    await using visitor = await visit(browser, server);
    const { page } = visitor;
    assert.equal(await page.getByLabel("Address").inputValue(), `${server.url}/mcp`);
    await visitor.button("Connect").click();
    await page.locator(".list li").first().waitFor();
    assert.ok((await page.locator(".list li").count()) >= 8);
    visitor.done();
  });

  test("loads nothing from elsewhere, with a policy that its scripts and its Web Worker have too", async () => {
    await using visitor = await visit(browser, server);
    await visitor.connect();
    visitor.done();
    const policy = (await fetch(`${server.url}/playground`)).headers.get("content-security-policy");
    for (const directive of ["default-src 'none'", "script-src 'self'", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types client"])
      assert.ok(policy.split("; ").includes(directive), directive);
    const scripts = await visitor.page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => name.endsWith(".js")));
    assert.ok(scripts.length >= 2);
    for (const script of scripts) {
      const { headers } = await fetch(script);
      assert.equal(headers.get("content-security-policy"), policy, script);
      assert.match(headers.get("cache-control"), /immutable/);
    }
  });

  test("runs no text as script: trusted types and the policy forbid it", async () => {
    await using visitor = await visit(browser, server);
    const tried = await visitor.page.evaluate(() => {
      const attempts = {
        markup: () => (document.body.innerHTML = "<b>x</b>"),
        script: () => (document.createElement("script").text = "1"),
        worker: () => new Worker("/playground/other.js"),
        policy: () => window.trustedTypes.createPolicy("other", {}),
        again: () => window.trustedTypes.createPolicy("client", {}),
        text: () => window.setTimeout("1"),
      };
      return Object.entries(attempts).map(([name, attempt]) => {
        try {
          attempt();
          return `${name} worked`;
        } catch (error) {
          return error.name;
        }
      });
    });
    assert.deepEqual(tried.filter((outcome) => outcome !== "TypeError"), []);
  });

  test("has a link to it on the page about the server", async () => {
    const page = await browser.newPage();
    await page.goto(server.url);
    await page.getByRole("link", { name: "Try it here" }).click();
    await page.getByRole("heading", { name: "Playground" }).waitFor();
    await page.close();
  });
});

describe("an address", () => {
  test("without a scheme is completed, with spaces around it too", async () => {
    await using visitor = await visit(browser, server);
    await visitor.connect(`  ${server.url.replace("http://", "")}/mcp `);
    assert.equal(await visitor.page.getByLabel("Address").inputValue(), `${server.url}/mcp`);
    visitor.done();
  });

  for (const [typed, reason] of [
    ["ftp://example.com", /https and http/],
    ["https://ann:secret@example.com/mcp", /name or password/],
    ["https://example.com/mcp#x", /after #/],
    ["", /Type the address/],
  ])
    test(`${typed || "that is none"} is refused with the reason`, async () => {
      await using visitor = await visit(browser, server);
      await visitor.page.getByLabel("Address").fill(typed);
      await visitor.button("Connect").click();
      assert.match(await visitor.page.getByRole("alert").innerText(), reason);
      visitor.done();
    });

  test("of a link waits for the person, and names its host", async () => {
    await using other = await scripted();
    await using visitor = await visit(browser, server, { query: `?server=${encodeURIComponent(other.url)}`, allowed: [other.origin] });
    await visitor.page.getByText(`Connect only if you trust ${new URL(other.url).host}`).waitFor();
    assert.deepEqual(other.requests, []);
    await visitor.connect();
    visitor.done();
  });
});

describe("versions and transports", () => {
  for (const [version, settled] of [
    ["auto", "2026-07-28"],
    ["2026-07-28", "2026-07-28"],
    ["2025-11-25", "2025-11-25"],
    ["2025-06-18", "2025-06-18"],
    ["2025-03-26", "2025-03-26"],
  ])
    test(`${version} settles ${settled}, and a call works`, async () => {
      await using visitor = await visit(browser, server);
      await visitor.connect(undefined, { version });
      await visitor.tag(settled).waitFor();
      await visitor.tag("Streamable HTTP").waitFor();
      await visitor.tool("add");
      await visitor.argument("add", "/a").fill("2");
      await visitor.argument("add", "/b").fill("3");
      await visitor.call();
      assert.match(await (await visitor.result()).innerText(), /\b5\b/);
      visitor.done();
    });

  test("HTTP+SSE works when it is chosen", async () => {
    await using visitor = await visit(browser, server);
    await visitor.connect(`${server.url}/sse`, { transport: "sse", version: "2024-11-05" });
    await visitor.tag("HTTP+SSE").waitFor();
    await visitor.tag("2024-11-05").waitFor();
    await visitor.tool("add");
    visitor.done();
  });

  test("HTTP+SSE is taken where a POST is answered with 405", async () => {
    await using visitor = await visit(browser, server);
    await visitor.connect(`${server.url}/sse`);
    await visitor.tag("HTTP+SSE").waitFor();
    assert.ok((await visitor.trace()).some((title) => /Now HTTP\+SSE/.test(title)));
    visitor.done();
  });

  test("a server whose CORS knows no header of 2026-07-28 is spoken to as an older one, and the trace says so", async () => {
    await using other = await scripted({ modernHeaders: false });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.connect(other.url);
    await visitor.tag("2025-11-25").waitFor();
    assert.ok((await visitor.trace()).some((title) => /Now initialize/.test(title)));
  });
});

describe("sessions", () => {
  const session = { session: "of-this-test" };
  const ended = (other) => other.requests.filter(({ method, headers }) => method === "DELETE" && headers["mcp-session-id"] === "of-this-test").length;

  test("end with DELETE when the person disconnects", async () => {
    await using other = await scripted(session);
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    await visitor.connect(other.url, { version: "2025-11-25" });
    await visitor.button("Disconnect").click();
    await visitor.button("Connect").waitFor();
    await until(() => ended(other) === 1, "the session's end");
  });

  test("end when the page is left: reloads leave none behind", async () => {
    await using other = await scripted(session);
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    for (let time = 1; time <= 5; time++) {
      await visitor.connect(other.url, { version: "2025-11-25" });
      await visitor.page.reload();
      await until(() => ended(other) === time, `end ${time}`);
    }
  });
});

describe("headers and tokens that the person types", () => {
  test("reach the server, and are masked in the trace and nowhere in the page", async () => {
    await using other = await scripted();
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    const { page } = visitor;
    await visitor.identify({ token: "planted-token-1", header: ["X-Secret", "planted-value-2"] });
    await page.getByLabel("Address").fill(other.url);
    await visitor.button("Connect").click();
    await visitor.button("Disconnect").waitFor();
    const posted = other.requests.filter(({ method }) => method === "POST");
    assert.ok(posted.length > 0 && posted.every(({ headers }) => headers.authorization === "Bearer planted-token-1" && headers["x-secret"] === "planted-value-2"));
    await visitor.trace();
    await visitor.openTrace();
    const html = await page.content();
    assert.ok(html.includes("••••") && !/planted-(token|value)/.test(html));
  });

  test("that a page cannot send are refused at once", async () => {
    await using visitor = await visit(browser, server);
    const { page } = visitor;
    await page.getByText("Options", { exact: true }).click();
    await visitor.button("Add header").click();
    await page.getByLabel("Header name").fill("Cookie");
    await visitor.button("Connect").click();
    assert.match(await page.getByRole("alert").innerText(), /cannot send the header Cookie/);
  });
});

describe("what goes wrong is told, with what to do", () => {
  const told = async (visitor, url) => {
    await visitor.page.getByLabel("Address").fill(url);
    await visitor.button("Connect").click();
    return visitor.page.getByRole("alert").innerText();
  };

  test("where no server is, the page says that nothing answers", async () => {
    const other = await scripted();
    await other.stop();
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    assert.match(await told(visitor, other.url), /Nothing answers/);
  });

  test("of a server that lets no page read, it names the header that is missing", async () => {
    const answer = (_, __, response) => {
      response.removeHeader("access-control-allow-origin");
      response.writeHead(200).end("{}");
      return true;
    };
    await using other = await scripted({ answer });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    assert.match(await told(visitor, other.url), /does not let web pages read[^]*Access-Control-Allow-Origin/);
  });

  test("at a path where nothing is, it names the status and the usual path", async () => {
    const answer = (_, __, response) => Boolean(response.writeHead(404).end("nothing here"));
    await using other = await scripted({ answer });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    assert.match(await told(visitor, other.url), /status 404[^]*\/mcp/);
  });

  test("a redirect is not followed, and the page says so", async () => {
    await using elsewhere = await scripted();
    const answer = (_, __, response) => Boolean(response.writeHead(307, { location: elsewhere.url }).end());
    await using other = await scripted({ answer });
    await using visitor = await visit(browser, server, { allowed: [other.origin] });
    assert.match(await told(visitor, other.url), /redirects/);
    assert.deepEqual(elsewhere.requests, []);
  });
});

test("the page cannot be framed", async () => {
  const page = await browser.newPage();
  try {
    const shown = async (path) => {
      await page.setContent(`<iframe src="${server.url}${path}"></iframe>`);
      await page.waitForLoadState("networkidle");
      return page.frames().some((frame) => frame.url() === `${server.url}${path}`);
    };
    assert.equal(await shown("/playground"), false);
    assert.equal(await shown("/playground/config.json"), true, "what may be framed is");
  } finally {
    await page.close();
  }
});
