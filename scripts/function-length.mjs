// Length of Rust functions, from the line of `fn` to that of the closing brace: none is longer than a screen, so that it can be read
// at once. Tests and bodies of `macro_rules!` do not count.
//
//   node scripts/function-length.mjs [folder...]
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const FOLDERS = ["bench", "crates", "examples", "fuzz", "src"];
/** Lines of a screen, at rustfmt's default width. */
const MAX_LINES = 40;

const TESTS = /(^|\/)tests?(\/|\.rs$)/;
/** Comments, strings and characters, whose braces are none of the code. */
const TEXT = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\br(#*)"[\s\S]*?"\1|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[^\n]+?|[^\\'\n])'/g;
const LEFT_OUT = /#\[cfg\((?:all\()?test\b|\bmacro_rules!/g;

const blank = (text) => text.replace(/[^\n]/g, " ");

/** The end of the item that begins at an index: behind its closing brace, or its semicolon where it has no body. */
function endOfItem(code, start) {
  let depth = 0;
  for (let index = start; index < code.length; index++) {
    const char = code[index];
    if ("([{".includes(char)) depth++;
    if (")]}".includes(char)) depth--;
    if (depth < 0) return index;
    if (depth === 0 && (char === ";" || char === "}")) return index + 1;
  }
  return code.length;
}

/** The code of a file without texts, tests and macros, in the same lines. */
function plainCode(source) {
  let code = source.replace(TEXT, blank);
  for (const { index } of code.matchAll(LEFT_OUT)) {
    if (code[index] === " ") continue;
    const end = endOfItem(code, index);
    code = code.slice(0, index) + blank(code.slice(index, end)) + code.slice(end);
  }
  return code;
}

/** Name, line and length of each function in a Rust file. */
export function functions(source) {
  const code = plainCode(source);
  return [...code.matchAll(/\bfn (\w+)/g)].map((match) => {
    const lines = code.slice(match.index, endOfItem(code, match.index)).split("\n").length;
    return { name: match[1], line: code.slice(0, match.index).split("\n").length, lines };
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const named = process.argv.slice(2);
  const files = execFileSync("git", ["ls-files", "--", ...(named.length > 0 ? named : FOLDERS)], { encoding: "utf8" }).split("\n");
  const all = files
    .filter((file) => file.endsWith(".rs") && !TESTS.test(file))
    .flatMap((file) => functions(readFileSync(file, "utf8")).map((found) => ({ file, ...found })));
  const long = all.filter(({ lines }) => lines > MAX_LINES).sort((one, other) => other.lines - one.lines);
  for (const { file, line, name, lines } of long) console.error(`${file}:${line}: ${name} has ${lines} lines`);
  if (long.length > 0) {
    console.error(`${long.length} functions are longer than ${MAX_LINES} lines: give their steps names of their own`);
    process.exit(1);
  }
  console.log(`${all.length} functions, the longest of ${Math.max(0, ...all.map(({ lines }) => lines))} lines`);
}
