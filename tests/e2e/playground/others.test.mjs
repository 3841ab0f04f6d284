// The playground and servers that others wrote: connect, list, call, read, get a prompt, and leave.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch } from "../../support/browser.mjs";
import { everything, fastMcp, mcpAgent, rmcp, sdk1, sdk2, withoutFastMcp } from "../../support/others.mjs";
import { visit } from "../../support/playground.mjs";
import { BUILD_MS, buildRmcp } from "../../support/rmcp.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const own = await fixture({ playground: true });
const browser = await launch();
after(async () => {
  await browser.close();
  await own.stop();
});

before(buildRmcp, { timeout: BUILD_MS });

async function connected(other, path, options) {
  const visitor = await visit(browser, own, { allowed: [other.origin] });
  await visitor.connect(`${other.origin}${path}`, options);
  return visitor;
}

// Each of them has these three.
async function useIt(visitor) {
  const { page } = visitor;
  await visitor.tool("add");
  await visitor.argument("add", "/a").fill("40");
  await visitor.argument("add", "/b").fill("2");
  await visitor.call();
  assert.match(await (await visitor.result()).innerText(), /\b42\b/);
  await page.getByRole("tab", { name: /^Resources/ }).click();
  await visitor.choose("words");
  await visitor.button("Read").click();
  await page.locator(".use", { hasText: "some words" }).waitFor();
  await page.getByRole("tab", { name: /^Prompts/ }).click();
  await visitor.choose("ask");
  await page.getByLabel("topic").fill("bread");
  await visitor.button("Get prompt").click();
  await page.locator(".use", { hasText: "Tell me about bread" }).waitFor();
}

const OTHERS = [
  { name: "the TypeScript SDK 2", start: sdk2, ways: [["/mcp", "2026-07-28", "Streamable HTTP"], ["/mcp", "2025-11-25", "Streamable HTTP", { version: "2025-11-25" }]] },
  { name: "the TypeScript SDK 1", start: sdk1, ways: [["/mcp", "2025-11-25", "Streamable HTTP"], ["/sse", "2025-11-25", "HTTP+SSE"], ["/mcp", "2025-03-26", "Streamable HTTP", { version: "2025-03-26" }]] },
  { name: "FastMCP", start: fastMcp, skip: withoutFastMcp, ways: [["/mcp", undefined, "Streamable HTTP"], ["/mcp", "2025-11-25", "Streamable HTTP", { version: "2025-11-25" }]] },
  { name: "rmcp", start: rmcp, ways: [["/mcp", "2026-07-28", "Streamable HTTP"], ["/mcp", "2025-11-25", "Streamable HTTP", { version: "2025-11-25" }]] },
  { name: "McpAgent", start: mcpAgent, ways: [["/mcp", "2025-11-25", "Streamable HTTP"], ["/sse", "2025-11-25", "HTTP+SSE"]] },
];

for (const { name, start, skip = false, ways } of OTHERS) {
  describe(name, { skip }, () => {
    for (const [path, version, transport, options] of ways) {
      test(`${path} is used${options ? ` in ${options.version}` : ""}`, async () => {
        await using other = await start();
        await using visitor = await connected(other, path, options);
        if (version) await visitor.tag(version).waitFor();
        await visitor.tag(transport).waitFor();
        await useIt(visitor);
        visitor.done();
      });
    }
  });
}

describe("the TypeScript SDK 1", () => {
  test("a question of its tool is answered, and disconnecting ends its session", async () => {
    await using other = await sdk1();
    await using visitor = await connected(other, "/mcp");
    await visitor.tool("greet");
    await visitor.call();
    await visitor.page.getByRole("dialog").getByRole("textbox", { name: "name" }).fill("Ada");
    await visitor.button("Send").click();
    assert.match(await (await visitor.result()).innerText(), /Hello Ada/);
    const sessions = async () => Number(await (await fetch(`${other.origin}/sessions`)).text());
    assert.equal(await sessions(), 1);
    await visitor.button("Disconnect").click();
    await until(async () => (await sessions()) === 0, "the end of the session");
  });
});

test("the reference server of the protocol's makers is listed, and its tool is called", async () => {
  await using other = await everything();
  await using visitor = await connected(other, "/mcp");
  await visitor.tool("echo");
  await visitor.argument("echo", "/message").fill("bread");
  await visitor.call();
  assert.match(await (await visitor.result()).innerText(), /Echo: bread/);
  visitor.done();
});
