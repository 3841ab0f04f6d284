// Files of the starters: they agree with each other, and have all that create-cloudflare and the Deploy button read.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root, run } from "../../support/child.mjs";
import { repository } from "../../support/starters/git-hub.mjs";
import { parse } from "../../support/toml.mjs";

const FOLDER = join(root, "examples");
const STARTERS = readdirSync(FOLDER, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

const read = (starter, file) => readFileSync(join(FOLDER, starter, file), "utf8");

test("minimal is six files and less than 150 lines", async () => {
  const files = await filesOf("minimal");
  assert.equal(files.length, 6, `${files}`);
  const lines = files.map((file) => read("minimal", file).trimEnd().split("\n").length);
  assert.ok(lines.reduce((sum, count) => sum + count) < 150, `${lines}`);
});

for (const starter of STARTERS) {
  describe(starter, () => {
    const settings = parse(read(starter, "wrangler.toml"));
    const secrets = existsSync(join(FOLDER, starter, ".dev.vars.example"))
      ? [...read(starter, ".dev.vars.example").matchAll(/^(\w+)=/gm)].map(([, name]) => name)
      : [];
    const { cloudflare, scripts } = JSON.parse(read(starter, "package.json"));

    test("the scripts that the README names exist", () => {
      assert.deepEqual(Object.keys(scripts).sort(), ["build", "deploy", "start", "test"]);
    });

    test("exactly the bindings, variables and secrets of the Deploy button are described", () => {
      const bindings = [...settings.durable_objects.bindings.map(({ name }) => name), ...(settings.kv_namespaces ?? []).map(({ binding }) => binding)];
      const shown = [...bindings, ...Object.keys(settings.vars ?? {}), ...secrets];
      assert.deepEqual(Object.keys(cloudflare.bindings).sort(), shown.sort());
      for (const { description } of Object.values(cloudflare.bindings)) assert.match(description, /^[A-Z].*\.$/s);
      assert.ok(cloudflare.label && cloudflare.products.length > 0);
    });

    test("only the secrets of the identity provider are requested", () => {
      const provider = settings.vars?.IDENTITY_PROVIDER;
      const prefix = provider?.toUpperCase();
      assert.deepEqual(secrets, provider ? [`${prefix}_CLIENT_ID`, `${prefix}_CLIENT_SECRET`] : []);
    });

    test("each object class has a migration, as in the demo", () => {
      const classes = settings.durable_objects.bindings.map(({ class_name: name }) => name);
      assert.deepEqual(settings.migrations.flatMap(({ new_sqlite_classes: names }) => names).sort(), classes.sort());
      const demo = parse(readFileSync(join(root, "wrangler.toml"), "utf8"));
      for (const binding of settings.durable_objects.bindings) {
        assert.ok(demo.durable_objects.bindings.some(({ name, class_name: of }) => name === binding.name && of === binding.class_name), binding.name);
      }
      assert.equal(settings.compatibility_date, demo.compatibility_date);
    });

    test("the starter is optimised as the demo is", () => {
      // The profile of the bridge is of no use to a Worker.
      const { bridge: _, ...profile } = parse(readFileSync(join(root, "Cargo.toml"), "utf8")).profile;
      assert.deepEqual({ ...parse(read(starter, "Cargo.toml")).profile }, profile);
    });

    test("links and commands of the README exist", () => {
      const text = read(starter, "README.md");
      assert.ok(text.split("\n").length <= 35);
      for (const [, path] of text.matchAll(new RegExp(`github\\.com/${repository()}/(?:blob|tree)/main/([^)#\\s]+)`, "g"))) {
        assert.ok(existsSync(join(root, path)), path);
      }
      assert.ok(text.includes(`--template=${repository()}/examples/${starter} `));
      assert.ok(text.includes(`https://deploy.workers.cloudflare.com/?url=https://github.com/${repository()}/tree/main/examples/${starter})`));
      for (const name of secrets) assert.ok(text.includes(`npx wrangler secret put ${name}`), name);
    });
  });
}

// The files in git, which create-cloudflare copies.
async function filesOf(starter) {
  const { stdout } = await run("git", ["ls-files", "--cached", "--others", "--exclude-standard", "."], { cwd: join(FOLDER, starter) });
  return stdout.trim().split("\n");
}
