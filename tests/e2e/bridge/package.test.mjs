// Packages of the bridge: the npm package that starts the program of a platform, and the bundle for desktop clients.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inflateRawSync } from "node:zlib";
import { manifest, zip } from "../../../crates/durable-mcp-remote/mcpb/pack.mjs";
import { PLATFORMS, program, write } from "../../../crates/durable-mcp-remote/npm/platforms.mjs";
import { Child, removeFolder, root, run, temporaryFolder } from "../../support/child.mjs";
import { WAIT_MS, bounded } from "../../support/wait.mjs";

const STARTER = join(root, "crates/durable-mcp-remote/npm/bin/durable-mcp-remote.mjs");
const PLATFORMS_SCRIPT = join(root, "crates/durable-mcp-remote/npm/platforms.mjs");
const HERE = `${process.platform}-${process.arch}`;

// A package for each platform, whose program is this script.
function packages(script) {
  const folder = temporaryFolder("bridge-package");
  const programs = join(folder, "programs");
  for (const [platform, target] of Object.entries(PLATFORMS)) {
    mkdirSync(join(programs, target), { recursive: true });
    writeFileSync(join(programs, target, program(platform)), `#!/bin/sh\n${script}\n`);
  }
  return { folder, folders: write(programs, join(folder, "node_modules")) };
}

// The npm package installed beside those of the platforms, as npm lays them out.
function installed(script) {
  const { folder } = packages(script);
  const bin = join(folder, "node_modules/durable-mcp-remote/bin");
  mkdirSync(bin, { recursive: true });
  const starter = join(bin, "durable-mcp-remote.mjs");
  writeFileSync(starter, readFileSync(STARTER));
  return { folder, starter };
}

test("each platform has a package that npm installs on it alone", () => {
  const { folder, folders } = packages("exit 0");
  const wanted = JSON.parse(readFileSync(join(root, "crates/durable-mcp-remote/npm/package.json"), "utf8"));
  const made = folders.map((folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
  assert.deepEqual(Object.fromEntries(made.map(({ name, version }) => [name, version])), wanted.optionalDependencies);
  for (const { name, os, cpu, scripts } of made) {
    assert.equal(name, `durable-mcp-remote-${os}-${cpu}`);
    assert.equal(scripts, undefined);
  }
  assert.equal(wanted.scripts, undefined);
  removeFolder(folder);
});

test("npm packs each folder that is printed for it, with the program and the licences", async () => {
  const { folder } = packages("exit 0");
  const made = await run(process.execPath, [PLATFORMS_SCRIPT, "programs", "packages"], { cwd: folder });
  assert.equal(made.code, 0, made.stderr);
  const packed = await run("npm", ["pack", "--dry-run", "--json", ...made.stdout.split("\n")], { cwd: folder });
  assert.equal(packed.code, 0, packed.stderr);
  const contents = Object.fromEntries(JSON.parse(packed.stdout).map(({ name, files }) => [name, files.map(({ path }) => path).sort()]));
  const licences = ["LICENSE-APACHE", "LICENSE-MIT"];
  const wanted = Object.keys(PLATFORMS).map((platform) => [`durable-mcp-remote-${platform}`, [...licences, program(platform), "package.json"].sort()]);
  assert.deepEqual(contents, {
    ...Object.fromEntries(wanted),
    "durable-mcp-remote": [...licences, "README.md", "bin/durable-mcp-remote.mjs", "package.json"],
  });
  assert.match(made.stdout, /durable-mcp-remote$/);
  removeFolder(folder);
});

test("the npm package hands on arguments, streams and the exit code", async () => {
  const { folder, starter } = installed('echo "$@"; echo said >&2; exit 7');
  const { code, stdout, stderr } = await run(process.execPath, [starter, "https://a.example/mcp", "--header", "A: b c"]);
  assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: "https://a.example/mcp --header A: b c", stderr: "said" });
  removeFolder(folder);
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
  test(`the npm package hands ${signal} on and ends with the program`, async () => {
    // A shell could not catch a signal that this process ignores.
    const { folder, starter } = installed(`exec "${process.execPath}" -e '
      process.on("${signal}", () => { console.log("ended"); process.exit(4); });
      setInterval(() => {}, 1000);
      console.log("ready");'`);
    const child = new Child(process.execPath, [starter], { group: true });
    try {
      await child.line(/ready/);
      child.process.kill(signal);
      assert.equal(await bounded(child.ended, WAIT_MS, `the end by ${signal}`), 4);
      assert.match(child.output, /ended/);
    } finally {
      await child.kill();
      removeFolder(folder);
    }
  });
}

test("without the platform's package the npm package says what to install", async () => {
  const { code, stdout, stderr } = await run(process.execPath, [STARTER]);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, new RegExp(`durable-mcp-remote-${HERE} is not installed.*cargo install`));
});

test("a bundle has the manifest of its platform and an executable program", () => {
  for (const platform of Object.keys(PLATFORMS)) {
    const { server, compatibility } = manifest(platform);
    assert.equal(server.entry_point, `server/${program(platform)}`);
    assert.deepEqual(compatibility.platforms, [platform.split("-")[0]]);
  }
  const data = Buffer.from("program ".repeat(1000));
  const bundle = zip([{ name: "server/durable-mcp-remote", data, mode: 0o755 }]);
  const end = bundle.length - 22;
  assert.equal(bundle.readUInt32LE(end), 0x06054b50);
  const entry = bundle.readUInt32LE(end + 16);
  assert.equal(bundle.readUInt32LE(entry), 0x02014b50);
  assert.equal(bundle.readUInt32LE(entry + 38) >>> 16, 0o100755);
  const packed = bundle.readUInt32LE(entry + 20);
  const name = bundle.readUInt16LE(26);
  assert.deepEqual(inflateRawSync(bundle.subarray(30 + name, 30 + name + packed)), data);
});
