// Addresses as people type them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addressOf, isHeaderAllowed } from "../../playground/src/address.ts";

describe("an address", () => {
  for (const [typed, url] of [
    ["mcp.example.com/mcp", "https://mcp.example.com/mcp"],
    ["  https://mcp.example.com/mcp \n", "https://mcp.example.com/mcp"],
    ["localhost:8787/mcp", "http://localhost:8787/mcp"],
    ["localhost", "http://localhost/"],
    ["127.0.0.1:8787/mcp", "http://127.0.0.1:8787/mcp"],
    ["[::1]:8787/mcp", "http://[::1]:8787/mcp"],
    ["example.com:8443/mcp?x=1", "https://example.com:8443/mcp?x=1"],
    ["http://box.lan/mcp", "http://box.lan/mcp"],
  ] as const)
    test(`${JSON.stringify(typed)} is ${url}`, () => assert.deepEqual(addressOf(typed), { url }));

  for (const [typed, fault] of [
    ["", "empty"],
    [" ", "empty"],
    ["https://", "unreadable"],
    ["a b", "unreadable"],
    ["ftp://example.com", "scheme"],
    ["javascript:alert(1)", "unreadable"],
    ["data:text/html,x", "unreadable"],
    ["file:///etc/passwd", "unreadable"],
    ["https://ann:secret@example.com", "credentials"],
    ["ann@example.com/mcp", "credentials"],
    ["https://example.com/#x", "fragment"],
    ["https://example.com/#", "fragment"],
  ] as const)
    test(`${JSON.stringify(typed)} is refused: ${fault}`, () => assert.deepEqual(addressOf(typed), { fault }));
});

test("headers that a page cannot send are refused, and what is none", () => {
  for (const name of ["Host", "cookie", "Origin", "Sec-Fetch-User", "Proxy-Authorization", "a b", "", "x:y"]) assert.ok(!isHeaderAllowed(name, "v"), name);
  for (const value of ["a\r\nb", "\u0100"]) assert.ok(!isHeaderAllowed("x-key", value), value);
  assert.ok(isHeaderAllowed("X-Api-Key", "v"));
});
