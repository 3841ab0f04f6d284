// Addresses as people type them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addressOf, isHeaderAllowed, refusalOf } from "../../playground/src/address.ts";

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

describe("an address that a server names", () => {
  const PUBLIC = "https://mcp.example.com/mcp";
  for (const [address, refusal] of [
    ["https://login.example.com/authorize", undefined],
    ["http://login.example.com/authorize", "https"],
    ["javascript:alert(1)", "web"],
    ["data:text/html,x", "web"],
    ["file:///etc/passwd", "web"],
    ["blob:https://mcp.example.com/x", "web"],
    ["ftp://mcp.example.com/", "web"],
    ["", "web"],
    ["//login.example.com", "web"],
    ["https://mcp.example.com@evil.example/", "name"],
    ["http://localhost:8080/", "local"],
    ["https://localhost./", "local"],
    ["https://app.localhost/", "local"],
    ["http://127.0.0.1/", "local"],
    ["https://2130706433/", "local"],
    ["https://0x7f.1/", "local"],
    ["https://0.0.0.0/", "local"],
    ["https://[::1]/", "local"],
    ["https://[::ffff:127.0.0.1]/", "local"],
    ["https://[::]/", "local"],
    ["https://[fd00::1]/", "local"],
    ["https://[2001:db8::1]/", undefined],
    ["https://10.1.2.3/", "local"],
    ["https://172.20.0.1/", "local"],
    ["https://172.32.0.1/", undefined],
    ["https://192.168.1.1/", "local"],
    ["https://169.254.169.254/", "local"],
    ["https://router.local/", "local"],
    ["https://intranet/", "local"],
    ["https://vault.internal/", "local"],
  ] as const)
    test(`${JSON.stringify(address)}, of a public server, is ${refusal ? `refused as ${refusal}` : "taken"}`, () => assert.equal(refusalOf(address, PUBLIC), refusal));

  test("may be on this machine where the server is", () => {
    for (const server of ["http://localhost:8787/mcp", "http://127.0.0.1:8787/mcp", "https://box.lan/mcp"]) assert.equal(refusalOf("http://127.0.0.1:9000/", server), undefined);
    assert.equal(refusalOf("http://box.lan/", "http://localhost:8787/mcp"), "https");
  });
});
