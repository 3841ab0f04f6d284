// Doc summaries of Rust and TypeScript: none may begin with one of these words, which name nothing, and few with a pronoun.
// Descriptions that clients read (tools of the demo, of examples, of the fixture and of the starters) are no summaries.
//
//   node scripts/summaries.mjs [folder...]     lists what begins with a pronoun, too
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const FOLDERS = ["crates", "playground/src", "tests/integration", "fuzz"];
const NO_SUMMARIES = /^tests\/fixture|\/examples\//;
const FORBIDDEN = /^(What|Who|Whoever|Whose|Where|How|Nobody|Somebody|It|They|There)\b/;
const PRONOUN = /^(Whether|When|Which|Its|Their|This|These|That|Those|Anybody|Everybody|He|She|We|You)\b/;
/** The share that a pronoun may begin, as in code that is read with ease. */
const MAX_SHARE = 0.05;

const RUST = /(?<!\/\/[/!].*\n)^[ \t]*\/\/[/!] ?(?!\/)(.*)$/gm;
const TYPESCRIPT = /^[ \t]*\/\*\*\s*(?:\n\s*\* ?)?(.*?)(?:\s*\*\/)?$/gm;

const named = process.argv.slice(2);
const files = execFileSync("git", ["ls-files", "--", ...(named.length > 0 ? named : FOLDERS)], { encoding: "utf8" }).split("\n");
const found = { all: 0, forbidden: [], pronoun: [] };
for (const file of files.filter((name) => /\.(rs|tsx?|mjs)$/.test(name) && !NO_SUMMARIES.test(name))) {
  const text = readFileSync(file, "utf8");
  for (const match of text.matchAll(file.endsWith(".rs") ? RUST : TYPESCRIPT)) {
    const [, summary] = match;
    const at = `${file}:${text.slice(0, match.index).split("\n").length}: ${summary}`;
    found.all++;
    if (FORBIDDEN.test(summary)) found.forbidden.push(at);
    else if (PRONOUN.test(summary)) found.pronoun.push(at);
  }
}
const share = found.pronoun.length / found.all;
const said = `${found.all} summaries, ${found.forbidden.length} name nothing, ${(100 * share).toFixed(1)} % begin with a pronoun`;
if (named.length > 0) for (const at of found.pronoun) console.log(at);
for (const at of found.forbidden) console.error(at);
if (found.forbidden.length > 0 || share > MAX_SHARE) {
  console.error(`${said}: name the thing, or say what it does`);
  process.exit(1);
}
console.log(said);
