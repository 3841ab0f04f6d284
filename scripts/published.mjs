// Owner and version of a release in the files of the repository. The root's Cargo.toml has both, and every other place follows
// it.
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SOURCE = "Cargo.toml";
/** The crates that a release publishes. */
export const CRATES = [
  "durable-core",
  "durable-mcp",
  "durable-mcp-build",
  "durable-mcp-macros",
  "durable-mcp-protocol",
  "durable-mcp-remote",
  "durable-mcp-worker",
  "oauth-server",
  "sign-in",
];
/** Those, and the packages of the workspace that are not published. */
const PACKAGES = [...CRATES, "durable-mcp-server", "durable-mcp-tests"].join("|");
const VERSION = String.raw`\d+\.\d+\.\d+(?:-[\w.]+)?`;

/** The forms in which the owner stands in a file, without a mark of its own: links, and the name of a starter. */
const OWNERS = [/(?<=\bgithub\.com\/|--template=)[\w-]+(?=\/durable-mcp\b)/g];

/** The forms in which the version does. */
const VERSIONS = [
  // The workspace itself.
  `(?<=^\\[workspace\\.package\\]\nversion = ")${VERSION}(?=")`,
  // Its packages in lock files.
  `(?<=^name = "(?:${PACKAGES})"\nversion = ")${VERSION}(?=")`,
  `(?<="name": "durable-mcp(?:-remote)?",\\s+"version": ")${VERSION}(?=")`,
  // The bridge in the bundle, and its programs by platform.
  `(?<="display_name": "Remote MCP server",\\s+"version": ")${VERSION}(?=")`,
  `(?<="durable-mcp-remote-(?:darwin|linux|win32)-(?:arm64|x64)": ")${VERSION}(?=")`,
  // Dependencies on them.
  `(?<=^(?:${PACKAGES}) = (?:\\{ (?:path = "[^"]+", )?version = )?")${VERSION}(?=")`,
  `(?<="durable-mcp": ")${VERSION}(?=")`,
  // The npm package, packed.
  `(?<=\\bdurable-mcp-)${VERSION}(?=\\.tgz)`,
].map((pattern) => new RegExp(pattern, "gm"));

/** The pinned version of wasm-bindgen in the manifests of the library and of the build tool, which takes no other module. */
const BINDGENS = {
  "crates/durable-mcp-worker/Cargo.toml": /^wasm-bindgen = "=(.+)"$/m,
  "crates/durable-mcp-build/Cargo.toml": /^wasm-bindgen-cli-support = "=(.+)"$/m,
};

/** Owner and version in the source: `{ owner, version }`. */
export function released(folder) {
  const text = readFileSync(join(folder, SOURCE), "utf8");
  const [owner] = text.match(OWNERS[0]) ?? [];
  const [version] = text.match(VERSIONS[0]) ?? [];
  if (!owner || !version) throw new Error(`${SOURCE} has no repository on GitHub, or no version, under [workspace.package].`);
  return { owner, version };
}

/** Places that say something else than the source, one line each. */
export function deviations(folder) {
  const { owner, version } = released(folder);
  const found = [];
  for (const [file, text] of texts(folder)) {
    for (const other of all(text, OWNERS)) if (other !== owner) found.push(`${file}: the owner is ${other}, not ${owner}`);
    for (const other of all(text, VERSIONS)) if (other !== version) found.push(`${file}: the version is ${other}, not ${version}`);
  }
  const [library, tool] = Object.entries(BINDGENS).map(([file, pin]) => pin.exec(readFileSync(join(folder, file), "utf8"))?.[1]);
  if (library !== tool) found.push(`wasm-bindgen is ${library} for the library, and ${tool} for the build tool`);
  return found;
}

/** Has every place say the owner and the version; gives the files that changed. */
export function release(folder, { owner, version }) {
  const changed = [];
  for (const [file, text] of texts(folder)) {
    const owned = OWNERS.reduce((text, form) => text.replace(form, owner), text);
    const made = VERSIONS.reduce((text, form) => text.replace(form, version), owned);
    if (made === text) continue;
    writeFileSync(join(folder, file), made);
    changed.push(file);
  }
  return changed;
}

/** Puts what is unreleased in CHANGELOG.md under the version. */
export function dateChanges(folder, { version, date }) {
  const file = join(folder, "CHANGELOG.md");
  const text = readFileSync(file, "utf8");
  if (text.includes(`\n## [${version}]`)) return;
  writeFileSync(file, text.replace("\n## [Unreleased]\n", `\n## [Unreleased]\n\n## [${version}] - ${date}\n`));
}

const all = (text, forms) => forms.flatMap((form) => text.match(form) ?? []);

// The files that git tracks or would track, without links to others.
function* texts(folder) {
  const list = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: folder, maxBuffer: 2 ** 26 });
  for (const file of `${list}`.split("\0").filter(Boolean)) {
    const path = join(folder, file);
    if (existsSync(path) && lstatSync(path).isFile()) yield [file, readFileSync(path, "utf8")];
  }
}
