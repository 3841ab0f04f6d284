// Servers made of the starters as their users make them: by create-cloudflare, from stand-ins of GitHub and the npm registry.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root, run, temporaryFolder } from "../child.mjs";
import { repository, startGitHub } from "./git-hub.mjs";
import { startNpmRegistry } from "./npm-registry.mjs";

const PROGRAM = join(root, "tests/node_modules/create-cloudflare/bin/c3.js");

// All that it asks is answered by a flag.
const FLAGS = ["--category=remote-template", "--no-deploy", "--no-git", "--no-open", "--no-agents", "--no-auto-update", "--accept-defaults"];

// npm downloads wrangler and the runtime.
const CREATE_MS = 300_000;

/** A folder for servers, whose cargo takes the library of this repository for the published one. */
export function folderForServers() {
  const folder = temporaryFolder("servers");
  const library = join(root, "crates/durable-mcp");
  mkdirSync(join(folder, ".cargo"));
  writeFileSync(join(folder, ".cargo/config.toml"), `[patch.crates-io]\ndurable-mcp = { path = ${JSON.stringify(library)} }\n`);
  return folder;
}

/** Stand-ins of what is published: `{ env, [Symbol.asyncDispose] }`. */
export async function startPublished({ manifest, tarball }) {
  const gitHub = await startGitHub("examples");
  const registry = await startNpmRegistry({ manifest, tarball });
  const stop = () => Promise.all([gitHub, registry].map((server) => server[Symbol.asyncDispose]()));
  return { env: { ...gitHub.env, ...registry.env }, [Symbol.asyncDispose]: stop };
}

/** Makes a server of a starter in the folder of its name below `folder`, and gives the path. */
export async function create(starter, { name = starter, folder, env }) {
  const args = [PROGRAM, name, `--template=${repository()}/examples/${starter}`, ...FLAGS];
  const { code, stdout, stderr } = await run(process.execPath, args, {
    cwd: folder,
    ms: CREATE_MS,
    // create-cloudflare keeps archives in HOME, and uses the package manager that has started it.
    env: { ...env, HOME: dirname(folder), CREATE_CLOUDFLARE_TELEMETRY_DISABLED: "1", npm_config_user_agent: "npm", CI: "true" },
  });
  if (code !== 0) throw new Error(`create-cloudflare ${args.slice(1).join(" ")}: ${code}\n${stdout}${stderr}`);
  return { path: join(folder, name), output: stdout + stderr };
}
