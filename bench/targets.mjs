// Writes the targets of a run: those of the suite, and ours.
//
//   node bench/targets.mjs <suite> <file>
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { root } from "../tests/support/child.mjs";
import { parse } from "../tests/support/toml.mjs";

const [suite, file] = process.argv.slice(2);
// The suite reads folders relative to the file that names them.
const here = (folder) => relative(dirname(resolve(file)), folder);

const all = JSON.parse(readFileSync(join(suite, "targets.json"), "utf8"));
for (const target of all.targets) {
  for (const key of ["dir", "minDir"]) if (target[key]) target[key] = here(join(suite, target[key]));
}
const theirs = all.targets.map(({ name }) => name);
const against = (plain) => theirs.filter((name) => name.startsWith(plain));

const shipped = parse(readFileSync(join(root, "wrangler.toml"), "utf8"));
const ours = {
  dir: here(join(root, "bench/worker/build")),
  main: "index.js",
  modules: ["index_bg.wasm"],
  compatibilityDate: shipped.compatibility_date,
  compatibilityFlags: shipped.compatibility_flags,
  durableObjects: Object.fromEntries(shipped.durable_objects.bindings.map(({ name, class_name }) => [name, class_name])),
  kv: shipped.kv_namespaces.map(({ binding }) => binding),
  mcp: "/mcp",
  sse: "/sse",
  tools: ["add", "increment"],
  floor: "floor-worker",
};
for (const [kind, logging] of [["ours", {}], ["ours-logging", { LOG_REQUESTS: "all" }]]) {
  const vars = { PUBLIC_URL: all.publicUrl, ...logging };
  const features = ["size", "counts", "cold", "http", "stateful", "modern", "sse"];
  all.targets.push({ ...ours, name: kind, vars, against: against("peer-mcp-"), features });
  all.targets.push({
    ...ours,
    name: `${kind}-oauth`,
    vars: { ...vars, SIGN_IN: "approve" },
    plain: kind,
    against: against("peer-oauth-"),
    floor: "floor-kv",
    oauth: { register: "/register", authorize: "/authorize", token: "/token" },
    features: ["counts", "cold", "oauth"],
  });
}
writeFileSync(file, JSON.stringify(all, null, 2));
