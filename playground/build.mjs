// Builds the page into dist/, as files that a Worker has as its assets: hashed by their content, with their headers.
import { mkdirSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const output = join(here, "dist");

/** Tells when the folder was built. `.assetsignore` keeps it off the internet. */
const STAMP = ".built";

/** The name of each bundle's file. */
const NAMES = {
  "src/client/worker.ts": "client",
  "src/schema/matcher-worker.ts": "matcher",
  "src/page/main.tsx": "shell",
  "src/page/client-worker.ts": "start",
  "src/callback/main.ts": "callback",
  "src/style.css": "style",
};

/** The module of a bundle that runs first, whose file the page or its code names. The Web Worker's is all of it: a file less to wait for. */
const BEGINNINGS = { "src/page/main.tsx": "src/page/client-worker.ts", "src/client/worker.ts": "src/client/worker.ts" };

/** Bytes, compressed, of all that a first visit loads: a bundle beyond fails. */
const MAX_FIRST_BYTES = 135 * 1024;
const MAX_SHELL_BYTES = 45 * 1024;

/** Bytes, compressed, of a part that is loaded when it is used: a click waits for it. */
const MAX_PART_BYTES = 40 * 1024;

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
  "frame-src 'self'",
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

/** Builds all of it; gives compressed sizes. */
export async function buildPlayground() {
  mkdirSync(join(output, "playground"), { recursive: true });
  // Dated before the build, so that what is edited while it runs counts as changed.
  const began = new Date();
  const sizes = {};
  const laterNames = new Set();
  const write = (name, content) => {
    sizes[name] = gzipSync(content, { level: 9 }).length;
    writeFileSync(join(output, name), content);
  };
  const bundled = async (entry, define = {}) => {
    const { first, later, begin } = await bundle(entry, define);
    for (const file of [...first, ...later]) write(file.name, file.content);
    for (const { name } of later) laterNames.add(name);
    return { paths: first.map(({ name }) => `/${name}`), begin: `/${begin}` };
  };
  const [client, ...clientParts] = (await bundled("src/client/worker.ts")).paths;
  const [matcher] = (await bundled("src/schema/matcher-worker.ts")).paths;
  laterNames.add(matcher.slice(1));
  const addresses = { CLIENT_URL: JSON.stringify(client), MATCHER_URL: JSON.stringify(matcher) };
  const { paths: [shell, ...shellParts], begin } = await bundled("src/page/main.tsx", addresses);
  // Parts of the shell are asked for together with it, not after it.
  const preload = [shell, ...shellParts].map((path) => `<link rel="modulepreload" href="${path}">`).join("\n");
  const [callback] = (await bundled("src/callback/main.ts")).paths;
  const [style] = (await bundled("src/style.css")).paths;
  const names = { begin, shell, callback, style, policy: HEADERS, preload };
  const filled = (file) => readFileSync(join(here, "public", file), "utf8").replace(/\{(\w+)\}/g, (_, name) => names[name]);
  write("playground.html", filled("playground.html"));
  write("playground/callback.html", filled("callback.html"));
  write("_headers", filled("_headers"));
  write(".assetsignore", `${STAMP}\n.assetsignore\n`);
  const sum = (of) => of.reduce((bytes, path) => bytes + sizes[path.slice(1)], 0);
  const shellBytes = sum([shell, ...shellParts]);
  const firstBytes = shellBytes + sum([client, ...clientParts, style]);
  const laterBytes = [...laterNames].reduce((bytes, name) => bytes + sizes[name], 0);
  check("The shell", shellBytes, MAX_SHELL_BYTES);
  check("A first visit", firstBytes, MAX_FIRST_BYTES);
  for (const name of laterNames) check(name, sizes[name], MAX_PART_BYTES);
  // Pages name their scripts by content: those of older pages go last.
  for (const name of readdirSync(output, { recursive: true }))
    if (name !== "playground" && !(name in sizes)) rmSync(join(output, name), { force: true });
  writeFileSync(join(output, STAMP), "");
  utimesSync(join(output, STAMP), began, began);
  return { shell: shellBytes, "first visit": firstBytes, "loaded later": laterBytes };
}

// Schemas of zod are never written as JSON Schema here: the functions for it stay away (6 KB compressed).
const WITHOUT_JSON_SCHEMA = {
  name: "without-json-schema",
  setup: ({ onLoad }) =>
    onLoad({ filter: /zod\/v4\/core\/(json-schema-processors|to-json-schema)\.js$/ }, ({ path }) => {
      const names = [...readFileSync(path, "utf8").matchAll(/^export (?:const|function|class) (\w+)/gm)].map(([, name]) => name);
      return { contents: names.map((name) => `export const ${name} = () => () => ({});`).join("\n") };
    }),
};

/** The files that an entry needs at once, itself first, those that it loads later, and the one that begins. */
async function bundle(entry, define) {
  const { metafile: planned } = await bundled(entry, define, []);
  return outputsOf(entry, await bundled(entry, define, [wholeAtOnce(entry, planned)]));
}

function bundled(entry, define, plugins) {
  return build({
    absWorkingDir: here,
    entryPoints: [...new Set([entry, BEGINNINGS[entry] ?? entry])].map((path) => ({ in: path, out: NAMES[path] })),
    outdir: output,
    entryNames: "playground/[name]-[hash]",
    chunkNames: "playground/part-[hash]",
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    jsx: "automatic",
    jsxImportSource: "preact",
    conditions: ["browser"],
    alias: { "@modelcontextprotocol/client/_shims": "./src/client/shims.ts", jose: "./src/client/jose.ts" },
    define,
    plugins: [WITHOUT_JSON_SCHEMA, ...plugins],
    metafile: true,
    write: false,
    logLevel: "warning",
  });
}

// Modules that an entry shares with some of the parts that are loaded later would each be a file. Here all such parts import all
// that the entry does: it is there by then, and the bundler makes one file of it.
function wholeAtOnce(entry, { inputs }) {
  const atOnce = new Set([entry]);
  for (const path of atOnce) for (const { path: imported, kind } of inputs[path].imports) if (kind === "import-statement") atOnce.add(imported);
  const later = new Set(Object.values(inputs).flatMap(({ imports }) => imports.filter(({ kind }) => kind === "dynamic-import").map(({ path }) => path)));
  const shared = [...atOnce].filter((path) => (path !== entry || BEGINNINGS[entry] === entry) && path.startsWith("src/"));
  const imports = shared.map((path) => `import ${JSON.stringify(join(here, path))};\n`).join("");
  return {
    name: "whole-at-once",
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.tsx?$/ }, ({ path }) => {
        if (!later.has(relative(here, path)) || atOnce.has(relative(here, path))) return undefined;
        return { contents: `${imports}${readFileSync(path, "utf8")}`, loader: path.endsWith("x") ? "tsx" : "ts" };
      }),
  };
}

function outputsOf(entry, { outputFiles, metafile }) {
  const outputs = Object.fromEntries(Object.entries(metafile.outputs).map(([path, made]) => [relative(output, join(here, path)), made]));
  const at = (path) => relative(output, join(here, path));
  const beginning = BEGINNINGS[entry];
  // A module that others share is in a file that they import: what is made of it as an entry is empty.
  const isEmpty = (name) => beginning !== undefined && outputs[name].entryPoint === beginning;
  const first = new Set(Object.keys(outputs).filter((name) => outputs[name].entryPoint === entry));
  for (const name of first) for (const { path, kind } of outputs[name].imports) if (kind === "import-statement") first.add(at(path));
  const begin = [...first].find((name) => beginning in outputs[name].inputs);
  const named = (name) => (name === begin ? name.replace("/part-", `/${NAMES[beginning]}-`) : name);
  const renamed = (text) => (begin ? text.replaceAll(begin.slice("playground/".length), named(begin).slice("playground/".length)) : text);
  const files = outputFiles.map(({ path, text }) => ({ name: relative(output, path), content: renamed(text) })).filter(({ name }) => !isEmpty(name));
  const inOrder = [...first].flatMap((name) => files.find((file) => file.name === name) ?? []);
  const later = files.filter(({ name }) => !first.has(name));
  for (const file of files) file.name = named(file.name);
  return { first: inOrder, later, begin: begin && named(begin) };
}

function check(what, bytes, most) {
  if (bytes > most) throw new Error(`${what} has ${bytes} bytes compressed, more than ${most}.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sizes = await buildPlayground();
  for (const [what, bytes] of Object.entries(sizes)) console.error(`playground: ${what} ${(bytes / 1024).toFixed(1)} KB compressed`);
}
