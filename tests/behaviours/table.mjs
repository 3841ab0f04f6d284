// Runs every behaviour of this folder against both providers and writes docs/workers-oauth-provider.md:
//
//   node tests/behaviours/table.mjs [file]
//
// It ends with 1 if ours does not do what it should, or if it does what it is said to do differently.
import { createRequire } from "node:module";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "../support/child.mjs";
import { ours, reference } from "../support/oauth.mjs";
import { results } from "../support/oauth-behaviours.mjs";

// By the last number of each.
const SECTIONS = [
  [10, "Discovery"],
  [25, "Authorization endpoint"],
  [40, "Codes"],
  [46, "Client authentication"],
  [55, "Refresh tokens"],
  [60, "Revocation and introspection"],
  [74, "Registration, metadata documents, token exchange"],
  [undefined, "Behind an identity provider"],
];

// What the behaviours of one module need that the others do not.
const NEEDS = {
  "documents.mjs": ({ setup, ...rest }) => ({ ...rest, setup: { ...setup, documents: true }, web: true }),
};

const WORDS = { pass: "yes", fail: "**no**", "not offered": "not offered" };

/** Runs all against both: `{ number, name, note, differs, ours, reference }` each, in the order of the numbers. */
export async function table(behaviours) {
  const mine = await results(ours, behaviours);
  const theirs = await results(reference, behaviours);
  return mine.map((row, at) => ({ ...row, ours: row, reference: theirs[at] }));
}

/** Every behaviour of the modules in this folder. */
export async function allBehaviours() {
  const files = readdirSync(new URL(".", import.meta.url)).filter((file) => /(?<!table)\.mjs$/.test(file));
  const modules = await Promise.all(files.map((file) => import(new URL(file, import.meta.url))));
  const numbered = modules.flatMap(({ behaviours = [] }, at) => behaviours.map(NEEDS[files[at]] ?? ((same) => same)));
  // Those of another list, whose numbers are its own.
  const upstream = modules.flatMap(({ upstream = [] }) => upstream).map((row) => ({ ...row, number: "" }));
  return [...numbered.sort((one, other) => one.number - other.number), ...upstream];
}

function page(rows, version) {
  const count = (who) => rows.filter((row) => row[who].result === "pass").length;
  const head = readFileSync(new URL("table.md", import.meta.url), "utf8");
  const filled = head
    .replaceAll("{version}", version)
    .replaceAll("{all}", rows.length)
    .replaceAll("{ours}", count("ours"))
    .replaceAll("{reference}", count("reference"));
  let from = 0;
  const sections = SECTIONS.map(([to, title]) => {
    const part = rows.filter(({ number }) => (to ? number > from && number <= to : number === ""));
    from = to;
    return part.length ? section(title, part, version) : "";
  });
  return `${[filled.trimEnd(), ...sections.filter(Boolean)].join("\n\n")}\n`;
}

function section(title, rows, version) {
  const lines = rows.map(({ number, name, ...row }) => {
    const [mine, theirs] = [row.ours, row.reference].map(cell);
    return `| ${number} | ${name.replaceAll("|", "\\|")} | ${mine} | ${theirs} |`;
  });
  const notes = rows.flatMap(({ number, name, note, differs }) => {
    const said = [differs, note].filter(Boolean).join(" ");
    return said ? [`- ${[number, name].filter(Boolean).join(", ")}: ${said}`] : [];
  });
  const head = [`| | Behaviour | durable-mcp | workers-oauth-provider ${version} |`, "|--:|---|---|---|"];
  return [`## ${title}`, "", ...head, ...lines, ...(notes.length ? ["", ...notes] : [])].join("\n");
}

function cell({ result, why = "" }) {
  const [rounds] = /\d+ of \d+ rounds/.exec(why) ?? [];
  return rounds ? `${WORDS[result]}: in ${rounds}` : WORDS[result];
}

/** True if a result of ours contradicts the table. */
const isWrong = ({ differs, ours }) => (ours.result === "pass") === Boolean(differs);

async function main(file = join(root, "docs/workers-oauth-provider.md")) {
  const rows = await table(await allBehaviours());
  const version = createRequire(import.meta.url)("@cloudflare/workers-oauth-provider/package.json").version;
  writeFileSync(file, page(rows, version));
  for (const { number, name, ours, reference } of rows) {
    console.log(`${number} ${name}: ours ${ours.result}, reference ${reference.result}`);
    for (const [who, { why }] of Object.entries({ ours, reference })) {
      if (why) console.log(`    ${who}: ${why.replace(/\s+/g, " ").slice(0, 300)}`);
    }
  }
  const wrong = rows.filter(isWrong);
  for (const { number, name } of wrong) console.error(`not as said: ${number} ${name}`);
  process.exitCode = wrong.length ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2]);
