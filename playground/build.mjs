// Builds the page into dist/, as files that a Worker has as its assets: hashed by their content, with their headers.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const output = join(here, "dist");

/** Tells when the folder was built. `.assetsignore` keeps it off the internet. */
const STAMP = ".built";

/** Bytes, compressed, of all that a first visit loads: a bundle beyond fails. */
const MAX_FIRST_BYTES = 135 * 1024;
const MAX_SHELL_BYTES = 45 * 1024;

// A script of this page could approve a client on this origin: nothing that is not a file of this folder runs, and nothing is
// submitted. Servers are reached at any https address, and on this machine.
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src data: blob:",
  "connect-src 'self' https: http://localhost:* http://127.0.0.1:*",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types client",
].join("; ");

const HEADERS = [
  `Content-Security-Policy: ${POLICY}`,
  "Referrer-Policy: no-referrer",
  "X-Content-Type-Options: nosniff",
  "X-Frame-Options: DENY",
  "Permissions-Policy: camera=(), microphone=(), geolocation=(), payment=(), usb=()",
].join("\n  ");

/** Builds all of it; gives the compressed size of each file. */
export async function buildPlayground() {
  mkdirSync(join(output, "playground"), { recursive: true });
  // Dated before the build, so that what is edited while it runs counts as changed.
  const began = new Date();
  const sizes = {};
  const write = (name, content) => {
    sizes[name] = gzipSync(content, { level: 9 }).length;
    writeFileSync(join(output, name), content);
  };
  const bundled = async (name, entry, define = {}) => {
    const content = await bundle(entry, define);
    const path = `playground/${name}-${hash(content)}.${entry.split(".").at(-1) === "css" ? "css" : "js"}`;
    write(path, content);
    return `/${path}`;
  };
  const client = await bundled("client", "src/client/worker.ts");
  const names = {
    client,
    shell: await bundled("shell", "src/page/main.tsx", { CLIENT_URL: JSON.stringify(client) }),
    callback: await bundled("callback", "src/callback/main.ts"),
    style: await bundled("style", "src/style.css"),
    policy: HEADERS,
  };
  const filled = (file) => readFileSync(join(here, "public", file), "utf8").replace(/\{(\w+)\}/g, (_, name) => names[name]);
  write("playground.html", filled("playground.html"));
  write("playground/callback.html", filled("callback.html"));
  write("_headers", filled("_headers"));
  write(".assetsignore", `${STAMP}\n.assetsignore\n`);
  check(sizes);
  // Pages name their scripts by content: those of older pages go last.
  for (const name of readdirSync(output, { recursive: true }))
    if (name !== "playground" && !(name in sizes)) rmSync(join(output, name), { force: true });
  writeFileSync(join(output, STAMP), "");
  utimesSync(join(output, STAMP), began, began);
  return sizes;
}

async function bundle(entry, define) {
  const result = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    jsx: "automatic",
    jsxImportSource: "preact",
    conditions: ["browser"],
    define,
    write: false,
    logLevel: "warning",
  });
  return result.outputFiles[0].contents;
}

const hash = (content) => createHash("sha256").update(content).digest("hex").slice(0, 16);

function check(sizes) {
  const of = (part) => Object.entries(sizes).find(([name]) => name.startsWith(`playground/${part}-`))?.[1] ?? 0;
  const first = of("shell") + of("client") + of("style");
  if (of("shell") > MAX_SHELL_BYTES) throw new Error(`The shell has ${of("shell")} bytes compressed, more than ${MAX_SHELL_BYTES}.`);
  if (first > MAX_FIRST_BYTES) throw new Error(`A first visit loads ${first} bytes compressed, more than ${MAX_FIRST_BYTES}.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sizes = await buildPlayground();
  for (const [name, bytes] of Object.entries(sizes)) console.error(`playground: ${name} ${(bytes / 1024).toFixed(1)} KB compressed`);
}
