// The commands of `durable-mcp`.
import { resolve } from "node:path";
import { build } from "./build.mjs";
import { dev } from "./dev.mjs";
import { endProcesses } from "./process.mjs";
import { prepareRust } from "./rust.mjs";
import { Failure, say } from "./say.mjs";

const USAGE = `usage:
  durable-mcp build [folder] [-- options of cargo]              builds the Worker of a crate into its folder build/
  durable-mcp dev [options of wrangler dev] [-- options of cargo]
                                                                serves the crate of this folder, and builds it after each edit;
                                                                --stand-in github or --stand-in cloudflare has people sign in
                                                                to a stand-in of that provider on this machine
  durable-mcp setup                                             installs Rust if it is missing

DURABLE_MCP_PROFILE=dev leaves out optimisation, release does not: \`build\` takes release by default, \`dev\` takes dev.`;

/** Runs a command, and gives the exit code. */
export async function main(all) {
  const separator = all.indexOf("--");
  const cargo = separator < 0 ? [] : all.slice(separator + 1);
  const [command, ...rest] = separator < 0 ? all : all.slice(0, separator);
  try {
    if (command === "dev") return await dev({ options: rest, profile: profile("dev"), cargo });
    for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) process.once(signal, () => endProcesses(signal));
    if (command === "build" && rest.length <= 1) {
      await build({ crate: resolve(rest[0] ?? "."), profile: profile("release"), cargo });
    } else if (command === "setup" && rest.length === 0) {
      await prepareRust({ crate: resolve("."), installs: true });
    } else {
      console.error(USAGE);
      return 1;
    }
    return 0;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(error.message);
    return 1;
  }
}

function profile(usual) {
  const named = process.env.DURABLE_MCP_PROFILE || usual;
  if (named !== "release" && named !== "dev") throw new Failure(`DURABLE_MCP_PROFILE is "${named}": release or dev`);
  return named;
}
