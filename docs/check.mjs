// Checks every page: links and their anchors lead somewhere, snippets of TOML and JSON can be read, the
// compiler sees every snippet of Rust, the sidebar has every page, messages that are explained are those of the sources, and
// pictures are there, are described, small, and leave the text where it is while they load.
//
//   node docs/check.mjs
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parse as parseToml } from "smol-toml";
import { slugify } from "./.vitepress/markdown.mjs";
import { sizeOfWebp } from "./webp.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const read = (file) => readFileSync(join(root, file), "utf8");

const CONFIG = "docs/.vitepress/config.mjs";
const LINKS_OF_SIDEBAR = [...read(CONFIG).matchAll(/link: "(\/[^"]*)"/g)].map(([, link]) => link);
const DOCTESTS = read("src/lib.rs");
const FENCE = /^( *)(`{3,})(\S*)[^\n]*\n([\s\S]*?)^\1\2 *$/gm;
const PARSERS = { toml: parseToml, json: JSON.parse };
const PICTURES = "docs/pictures";
const MAX_PICTURE_BYTES = 100_000;
const MAX_PICTURES_BYTES = 400_000;
// Messages of the `worker` crate and of the compiler.
const FOREIGN_MESSAGES = [
  "Binding … is undefined.",
  "the trait bound …: JsonSchema is not satisfied, or …: Deserialize",
  "the method … exists for struct Session<…>, but its trait bounds were not satisfied",
  "function … is private, or type …",
  "This Worker requires compatibility date …, but the newest date supported by this server binary is …",
  "Could not resolve …middleware-loader.entry.ts",
  "no method named d1 found for struct Env, or queue",
  "Wrangler requires at least Node.js …",
];

const files = [...markdownIn("docs"), "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "tests/README.md"];
const faults = files.flatMap((file) => {
  const text = read(file);
  const checks = [deadLinks(file, text), unreadable(text), uncompiled(file, text), unlisted(file), unknownMessages(file, text), badPictures(file, text)];
  return checks.flatMap((found) => [...found].map((fault) => `${file}: ${fault}`));
});
for (const link of LINKS_OF_SIDEBAR) if (!isPage(link)) faults.push(`${CONFIG}: ${link} is no page`);
faults.push(...badFolderOfPictures());
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
console.error(`${files.length} pages are sound`);

/** The Markdown files of a folder, without those of packages and of the site's own folder. */
function markdownIn(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(node_modules$|\.)/.test(entry.name) ? [] : markdownIn(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

function snippetsOf(text) {
  return [...text.matchAll(FENCE)].map(([, , , language, code]) => ({ language, code }));
}

function proseOf(text) {
  return text.replace(FENCE, "");
}

function* deadLinks(file, text) {
  for (const href of linksOf(text)) {
    const [path, anchor] = href.split("#");
    const to = path === "" ? file : relative(root, resolve(root, dirname(file), path));
    if (!existsSync(join(root, to))) yield `the link ${href} leads to no file`;
    else if (anchor && to.endsWith(".md") && !anchorsOf(read(to)).has(anchor)) yield `the link ${href} leads to no heading`;
  }
}

/** Links to files of the repository. */
function linksOf(text) {
  const prose = proseOf(text).replace(/`[^`\n]*`/g, "");
  const inline = [...prose.matchAll(/\]\(([^)\s]+)\)/g)];
  const named = [...prose.matchAll(/^\[[^\]]+\]: +(\S+)$/gm)];
  return [...inline, ...named].map(([, href]) => href).filter((href) => !/^[a-z]+:/.test(href));
}

/** The anchors of a page's headings. One that comes again has a number, as GitHub gives it. */
function anchorsOf(text) {
  const seen = new Map();
  const headings = [...proseOf(text).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => heading);
  const anchors = headings.map((heading) => {
    const slug = slugify(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/`/g, ""));
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
  return new Set(anchors);
}

function* unreadable(text) {
  for (const { language, code } of snippetsOf(text)) {
    const lines = code.split("\n");
    const indent = Math.min(...lines.filter((line) => line.trim()).map((line) => line.search(/\S/)));
    const unindented = lines.map((line) => line.slice(indent)).join("\n");
    try {
      PARSERS[language]?.(unindented);
    } catch (error) {
      yield `a snippet of ${language} cannot be read (${error.message}):\n${unindented}`;
    }
  }
}

function* uncompiled(file, text) {
  const rust = snippetsOf(text).map(({ language }) => language).filter((language) => language.startsWith("rust"));
  if (rust.some((language) => language.includes("ignore"))) yield "has Rust that is not compiled";
  if (rust.length > 0 && !DOCTESTS.includes(`"../${file}"`)) yield "has Rust, and no line in the list of src/lib.rs";
}

function* unlisted(file) {
  if (!file.startsWith("docs/")) return;
  const link = file.replace(/^docs/, "").replace(/(README|index)?\.md$/, "");
  if (!LINKS_OF_SIDEBAR.includes(link)) yield `${CONFIG} lacks ${link}`;
}

function isPage(link) {
  const names = link.endsWith("/") ? ["index.md", "README.md"] : [".md"];
  return names.some((name) => existsSync(join(root, `docs${link}${name}`)));
}

/** Pictures of a page that are not there or not described, or whose size is not that of the file, or a whole fraction of it. */
function* badPictures(file, text) {
  const prose = proseOf(text).replace(/`[^`\n]*`/g, "");
  // Badges of other hosts have the size that they have.
  for (const [, href] of prose.matchAll(/!\[[^\]]*\]\(([^)\s]+)/g)) if (!/^[a-z]+:/.test(href)) yield `the picture ${href} has no size: write <img src alt width height>`;
  for (const [tag] of prose.matchAll(/<img\b[^>]*>/g)) {
    const { src = "", alt = "", width, height } = Object.fromEntries([...tag.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
    const path = relative(root, resolve(root, dirname(file), src));
    if (!src.startsWith("./") || !existsSync(join(root, path))) {
      yield `the picture ${src} leads to no file, or does not begin with ./`;
      continue;
    }
    if (alt.length < 20) yield `the picture ${src} has no alt text that says what it shows`;
    const real = sizeOfWebp(readFileSync(join(root, path)));
    if (!real) yield `the picture ${src} is no WebP`;
    else if (!(width > 0) || Math.abs(height - (real.height * width) / real.width) > 1) yield `the picture ${src} is ${real.width} x ${real.height}, which does not go with width and height of its tag`;
  }
}

/** The folder of pictures: each is small and on a page. */
function badFolderOfPictures() {
  const names = readdirSync(join(root, PICTURES));
  const pages = files.map(read).join("\n");
  const sizes = names.map((name) => readFileSync(join(root, PICTURES, name)).length);
  const sum = sizes.reduce((one, other) => one + other, 0);
  return [
    ...names.filter((name) => !pages.includes(`pictures/${name}"`)).map((name) => `${PICTURES}/${name}: no page shows it`),
    ...names.filter((_, index) => sizes[index] > MAX_PICTURE_BYTES).map((name) => `${PICTURES}/${name}: has more than ${MAX_PICTURE_BYTES} bytes`),
    ...(sum > MAX_PICTURES_BYTES ? [`${PICTURES}: has more than ${MAX_PICTURES_BYTES} bytes`] : []),
  ];
}

/** Messages of the page that explains them, which no source has (any more). */
function* unknownMessages(file, text) {
  if (!file.endsWith("/troubleshooting.md")) return;
  const all = sources();
  const tables = text.slice(0, text.indexOf("## Without a message"));
  for (const [, cell] of tables.matchAll(/^\| (.+?) \|/gm)) {
    const message = unquoted(cell.replace(/^\d{3}: /, ""));
    if (/^(message|status and message|\d{3}\b.*)$/.test(message) || FOREIGN_MESSAGES.includes(message)) continue;
    const parts = message.split("…").map((part) => part.trim());
    const missing = parts.find((part) => !all.includes(part));
    if (missing !== undefined) yield `no source has the message "${missing}"`;
  }
}

/** The texts of the sources, as one. A string that goes on in the next line is joined, and constants in it are filled in. */
function sources() {
  const texts = ["crates", "templates", "scripts"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\b(node_modules|vendor)\b/.test(entry.parentPath))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
  );
  const all = texts.join("\n").replace(/\\\n\s*/g, "");
  const constants = new Map([...all.matchAll(/const (\w+): &str = "([^"]*)"/g)].map(([, name, value]) => [name, value]));
  return unquoted(all.replace(/\{([A-Z_]+)\}/g, (braces, name) => constants.get(name) ?? braces));
}

function unquoted(text) {
  return text.replace(/[`"\\]/g, "").replace(/\s+/g, " ");
}
