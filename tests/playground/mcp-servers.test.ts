// Saved servers as `mcpServers` JSON.
import assert from "node:assert/strict";
import { test } from "node:test";
import { exportServers, importServers } from "../../playground/src/page/mcp-servers.ts";
import { targetOf } from "../../playground/src/protocol.ts";

test("what was exported is imported as it was, without values of headers and tokens", () => {
  const target = { ...targetOf("https://example.com/mcp"), version: "2025-06-18" as const, token: "planted-1", scope: "read", headers: [["X-Key", "planted-2"]] as [string, string][], seconds: 5, isExtended: false };
  const text = exportServers([
    { id: "1", name: "One", target },
    { id: "2", name: "One", target: { ...target, transport: "sse", offers: { ...target.offers, roots: false } } },
  ]);
  assert.doesNotMatch(text, /planted/);
  const { servers } = importServers(text) ?? assert.fail();
  const safe = { ...target, token: "", headers: [["X-Key", ""]] };
  assert.deepEqual(servers, [
    { name: "One", target: safe },
    { name: "One 2", target: { ...safe, transport: "sse", offers: { ...target.offers, roots: false } } },
  ]);
});

test("files of other clients are read, and what a page cannot do is named", () => {
  const entries = {
    http: { type: "http", url: "https://one.example/mcp", headers: { Authorization: "Bearer planted", "X-Key": "planted" } },
    sse: { type: "sse", url: "https://two.example/sse" },
    gemini: { httpUrl: "https://three.example/mcp" },
    windsurf: { serverUrl: "four.example" },
    program: { command: "npx", args: ["-y", "something"] },
    odd: { url: "javascript:alert(1)" },
    none: null,
  };
  for (const key of ["mcpServers", "servers"]) {
    const imported = importServers(JSON.stringify({ [key]: entries })) ?? assert.fail();
    assert.deepEqual(
      imported.servers.map(({ name, target: { url, transport, headers } }) => [name, url, transport, headers]),
      [
        ["http", "https://one.example/mcp", "auto", [["X-Key", ""]]],
        ["sse", "https://two.example/sse", "sse", []],
        ["gemini", "https://three.example/mcp", "auto", []],
        ["windsurf", "https://four.example/", "auto", []],
      ],
    );
    assert.deepEqual([imported.commands, imported.unreadable], [["program"], ["odd", "none"]]);
    assert.doesNotMatch(JSON.stringify(imported), /planted/);
  }
});

test("a time limit is a day at most", () => {
  const text = JSON.stringify({ mcpServers: { patient: { url: "https://one.example/mcp", playground: { seconds: 1e9 } } } });
  assert.equal(importServers(text)?.servers[0]?.target.seconds, 86_400);
});

test("what is none of it is refused", () => {
  for (const text of ["", "{", "[]", "null", "{}", '{"mcpServers":[]}', '"x"']) assert.equal(importServers(text), undefined, text);
});
