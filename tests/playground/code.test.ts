// Requests as commands and code.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { curl, fetchCode, powershell } from "../../playground/src/copy/code.ts";
import { installations, plain } from "../../playground/src/copy/install.ts";
import { portableHeader, portableUrl } from "../../playground/src/copy/portable.ts";

const request = (body: string) => ({
  method: "POST",
  url: portableUrl("https://a.example/m'cp?x=$(id)&api_key=planted&y=1"),
  headers: [
    ["authorization", portableHeader("authorization", "Bearer planted", true)],
    ["x-note", portableHeader("x-note", 'a "b" $c', false)],
  ] as [string, ReturnType<typeof portableHeader>][],
  body,
});

test("a shell passes every character of a command on, and variables by their values", () => {
  const body = `{"text":"it's \\"$(id)\\" \`id\` !! ü"}`;
  const script = `curl() { printf '%s\\0' "$@"; }; ${curl(request(body))}`;
  const words = execFileSync("bash", ["-c", script], { env: { TOKEN: "t", API_KEY: "k" } }).toString().split("\0");
  assert.deepEqual(words.slice(0, -1), ["-sS", "--no-buffer", "--globoff", "https://a.example/m'cp?x=$(id)&api_key=k&y=1", "-H", "authorization: Bearer t", "-H", 'x-note: a "b" $c', "--data-raw", body]);
});

test("a command for PowerShell pipes its body in ASCII, with quotes doubled", () => {
  assert.equal(
    powershell(request(`{"text":"it's ü’"}`)),
    [
      `'{"text":"it''s \\u00fc\\u2019"}' | curl.exe -sS --no-buffer --globoff "https://a.example/m'cp?x=\`$(id)&api_key=$($API_KEY)&y=1"`,
      `-H "authorization: Bearer $($TOKEN)"`,
      `-H 'x-note: a "b" $c'`,
      "--data-binary '@-'",
    ].join(" `\n  "),
  );
});

test("an address whose percent-encoding is broken is copied as it is", () => {
  assert.deepEqual(portableUrl("https://a.example/mcp?%zz=1&%zz_key=planted"), ["https://a.example/mcp?%zz=1&%zz_key=", { variable: "_ZZ_KEY" }]);
});

test("code keeps a number that JavaScript would round, and no secret", () => {
  const code = fetchCode(request('{"id":12345678901234567890}'));
  assert.match(code, /"\{\\"id\\":12345678901234567890\}"/);
  assert.match(code, /`Bearer \$\{process\.env\.TOKEN\}`/);
  assert.ok(!code.includes("planted"));
});

test("a name keeps only what every client takes, and a URL is one word", () => {
  for (const [name, kept] of [["durable-mcp_demo", "durable-mcp_demo"], ["Ann's <Notes>", "Ann-s--Notes"], ["$(rm)", "rm"], ["日本", "mcp"], ["", "mcp"]] as const) assert.equal(plain(name), kept);
  const commands = installations("x", "https://a.example/m'cp;$(x)").filter(({ file }) => !file);
  for (const { text } of commands) {
    const last = execFileSync("sh", ["-c", `set -- ${text}; printf '%s\\n' "$@"`]).toString().trimEnd().split("\n").at(-1) ?? "";
    assert.equal(last.startsWith("{") ? (JSON.parse(last) as { url: string }).url : last, "https://a.example/m'cp;$(x)", text);
  }
});
