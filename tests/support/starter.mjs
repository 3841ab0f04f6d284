// A server of one's own outside of this repository, with the library and the npm package of it: a tool whose answer is made of
// all that an edit can touch.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { removeFolder, root } from "./child.mjs";

/** The program `durable-mcp` of the npm package. */
export const DURABLE_MCP = join(root, "crates/durable-mcp-build/npm/bin/durable-mcp.mjs");

const FILES = {
  "Cargo.toml": `[package]
name = "starter"
version = "1.0.0"
edition = "2024"

[workspace]

[lib]
crate-type = ["cdylib"]

[dependencies]
durable-mcp = { path = ${JSON.stringify(join(root, "crates/durable-mcp"))} }
words = { path = "words" }
worker = { version = "0.8.7", default-features = false }
`,
  "src/lib.rs": `use durable_mcp::prelude::*;

async fn say() -> String {
    format!("source 1, {}, {}, {}", words::WORDS, include_str!("../text/words.txt").trim(), env!("CARGO_PKG_VERSION"))
}

fn app(_env: &worker::Env) -> durable_mcp::App {
    durable_mcp::App::new(Server::new("starter", "1.0.0").tool("say", "Say what was built", say))
}

durable_mcp::worker!(app);
`,
  "text/words.txt": "text 1\n",
  "words/Cargo.toml": `[package]
name = "words"
version = "1.0.0"
edition = "2024"
`,
  "words/src/lib.rs": `pub const WORDS: &str = "library 1";\n`,
};

/**
 * Makes it, in a folder of the same name each time, so that cargo finds its compiled code again: `{ folder, env, write(file,
 * text), edit(file, from, to), read(file) }`.
 */
export function starter(name) {
  const folder = join(tmpdir(), `durable-mcp-${name}-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`);
  removeFolder(folder);
  const write = (file, text) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  const read = (file) => readFileSync(join(folder, file), "utf8");
  const edit = (file, from, to) => {
    const text = read(file);
    const edited = text.replace(from, to);
    if (edited === text) throw new Error(`${file} has no ${from}`);
    write(file, edited);
  };
  for (const [file, text] of Object.entries(FILES)) write(file, text);
  // The versions that are compiled already.
  cpSync(join(root, "Cargo.lock"), join(folder, "Cargo.lock"));
  const configuration = readFileSync(join(root, "wrangler.toml"), "utf8");
  write("wrangler.toml", configuration.replace(/^watch_dir = .*\n/m, "").replace(/^assets = .*\n/m, "").replace('"scripts/build"', '"npx durable-mcp build"'));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const env = { CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR ?? join(root, "target"), WORKERS_CI: "", DURABLE_MCP_PROFILE: "" };
  return { folder, env, write, read, edit };
}
