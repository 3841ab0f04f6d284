// The commands of docs/oauth.md that get a token for curl, as they stand there.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { root, run } from "../../support/child.mjs";
import { Jar, hidden } from "../../support/jar.mjs";
import { DEMO } from "../../support/sign-in.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture({ vars: DEMO });
after(() => server.stop());

const section = readFileSync(join(root, "docs/oauth.md"), "utf8").split("## A token for `curl`")[1].split("\n## ")[0];
const [ask, use] = [...section.matchAll(/```sh\n([^]*?)```/g)].map(([, commands]) => commands);

async function bash(commands) {
  const { code, stdout, stderr } = await run("bash", ["-euo", "pipefail", "-c", commands]);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

const missing = ["jq", "openssl", "curl"].find((program) => spawnSync(program, ["--version"]).error);
const skip = missing && `${missing} is not installed`;

test("the commands that get a token for curl list the tools with it", { skip }, async () => {
  const asked = `${ask.replace("https://mcp.example.com", server.url)}\necho "client=$client verifier=$verifier server=$server"`;
  const [link, variables] = (await bash(asked)).split("\n");

  const jar = new Jar(server);
  const page = await jar.get(link);
  assert.equal(page.status, 200, page.text);
  const left = await jar.post("/authorize", { ...hidden(page.text), decision: "approve", name: "Ann" });
  const { location } = await jar.get(left.location);
  assert.equal(location.origin, "http://127.0.0.1:9");

  const code = location.searchParams.get("code");
  const answer = await bash(`${variables}\n${use.replace("code=...", `code=${code}`)}`);
  const { result } = JSON.parse(answer);
  assert.ok(result.tools.length > 0, answer);
});
