// One build at a time has the lock of a folder, also where a build was killed and its lock is still there.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { root, run } from "../../support/child.mjs";
import { WAIT_MS } from "../../support/wait.mjs";

const ROUNDS = 200;
const PROCESSES = 6;
const TRIES = 5;

// A process that tries to take the lock some times at each message, and tells how often it has got it.
const RIVAL = `
  const { taken } = await import(process.argv[1]);
  process.on("message", () => {
    let got = 0;
    for (let tries = 0; tries < ${TRIES}; tries++) if (taken(process.argv[2])) got++;
    process.send(got);
  });
  process.send("ready");
`;

const library = join(root, "crates/durable-mcp-build/npm/lib/lock.mjs");

// As in a container, whose processes have the same ids each time.
for (const [whose, holder] of [
  ["of the same id as the build's own", "`${process.pid}`"],
  ["of the id of a process that runs", "`${process.ppid} 1`"],
]) {
  test(`the lock of a killed build ${whose} is taken, once`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "durable-mcp-lock-"));
    after(() => rmSync(folder, { recursive: true, force: true }));
    const script = `
      import { symlinkSync } from "node:fs";
      import { taken } from ${JSON.stringify(library)};
      const lock = ${JSON.stringify(join(folder, "lock"))};
      symlinkSync(${holder}, lock);
      console.log([taken(lock), taken(lock), taken(lock), taken(lock)].join(" "));`;
    const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", script]);
    assert.equal(stdout, "false true false false", stderr);
  });
}

test("one of several processes takes the lock of a killed build", async () => {
  const folder = mkdtempSync(join(tmpdir(), "durable-mcp-lock-"));
  const lock = join(folder, "lock");
  const gone = spawn(process.execPath, ["-e", ""]);
  await once(gone, "exit");
  const rivals = Array.from({ length: PROCESSES }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", RIVAL, library, lock], { stdio: ["ignore", "ignore", "inherit", "ipc"] }),
  );
  after(() => {
    for (const rival of rivals) rival.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  const signal = AbortSignal.timeout(WAIT_MS);
  const answers = () => Promise.all(rivals.map(async (rival) => (await once(rival, "message", { signal }))[0]));
  await answers();
  for (let round = 0; round < ROUNDS; round++) {
    symlinkSync(`${gone.pid}`, lock);
    const coming = answers();
    for (const rival of rivals) rival.send("go");
    assert.equal((await coming).reduce((sum, got) => sum + got), 1);
    assert.deepEqual(readdirSync(folder), ["lock"]);
    rmSync(lock);
  }
});
