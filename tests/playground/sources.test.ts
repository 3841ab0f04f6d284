// Sources that an app may ask for: the same texts as those of the frame's server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanName } from "../../playground/src/apps/files.ts";
import { isSource, sourcesOf } from "../../playground/src/apps/sources.ts";

test("origins are sources", () => {
  for (const source of ["https://example.com", "https://cdn.example.com:8443", "https://*.example.com", "https://xn--bcher-kva.example", "https://a_b.example.com", "http://localhost:8787", "http://127.0.0.1"])
    for (const field of ["connectDomains", "resourceDomains", "frameDomains", "baseUriDomains"] as const) assert.ok(isSource(source, field), `${field} ${source}`);
  for (const source of ["wss://live.example.com", "wss://*.example.com", "ws://localhost:9000"]) {
    assert.ok(isSource(source, "connectDomains"), source);
    assert.ok(!isSource(source, "resourceDomains"), source);
  }
});

test("what says more than an origin is no source", () => {
  const texts = [
    "", "*", "https:", "https://", "https://*", "https://*.com", "https://com", "https://*.*.example.com", "https://a.*.example.com", "https://example.com/", "https://example.com/path",
    "https://example.com?x", "https://example.com#x", "https://user@example.com", "https://example.com:", "https://example.com:0", "https://example.com:99999", "https://example.com:*",
    "https://example..com", "https://-a.example.com", "https://example.com https://evil.example", "https://example.com;script-src", "https://example.com,https://evil.example", "https://example.com\nx",
    "https://example.com%20x", "https://EXAMPLE.com", "https://bücher.example", "http://example.com", "http://*.localhost", "ws://example.com", "data:", "blob:", "'self'", "'unsafe-eval'",
    "javascript://example.com", "ftp://example.com", "//example.com", "example.com", `https://${"a".repeat(64)}.example.com`,
  ];
  for (const text of texts) for (const field of ["connectDomains", "resourceDomains"] as const) assert.ok(!isSource(text, field), `${field} ${text}`);
});

test("a resource's sources are sorted into those that it gets and those that it does not", () => {
  const { granted, refused } = sourcesOf({ connectDomains: ["https://API.example.com", "*", 7], resourceDomains: "https://a.example", frameDomains: ["https://f.example", "https://f.example"], other: ["https://o.example"] });
  assert.deepEqual(granted, { connectDomains: ["https://api.example.com"], frameDomains: ["https://f.example"] });
  assert.deepEqual(refused, ["*", "7"]);
  for (const nothing of [undefined, null, "x", 1, []]) assert.deepEqual(sourcesOf(nothing), { granted: {}, refused: [] });
});

test("names of files lead nowhere and hide nothing", () => {
  const names = {
    "file:///report.pdf": "report.pdf",
    "ui://x/a/b.csv?x=../../y#z": "b.csv",
    "x:../../.bashrc": "bashrc",
    "x:C:\\Windows\\evil.exe": "evil.exe",
    "x:%2e%2e%2f..%5cname.txt": "_.._name.txt",
    "x:gpj.\u202eexe": "gpj._exe",
    "x:/": "file",
    "": "file",
    "x:a\nb": "a_b",
    "x:报告 1.txt": "报告 1.txt",
  };
  for (const [uri, name] of Object.entries(names)) assert.equal(cleanName(uri), name, uri);
  assert.equal(cleanName(`x:${"a".repeat(300)}.txt`).length, 100);
});
