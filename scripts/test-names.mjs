// Names of Rust tests: a whole claim with a subject of its own, which can be read alone in a trace. A name that begins with one of
// these words continues its module's name, or leaves its subject out. A module of tests is named by a noun, without an article.
//
//   node scripts/test-names.mjs [file...]
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const RELATIVE = "that which who whom whoever what whatever it its they their of with by and";
const AUXILIARY = "is are was were has have had does do can cannot may must will";
const VERB =
  "accepts asks begins comes echoes fails finds gets gives goes keeps knows lets makes needs outlives proposes reaches refuses rejects " +
  "returns says sends stays stops takes tells waits works ask begin come find get give go keep know let make refuse return send stop take " +
  "tell wait write";
const NO_SUBJECT = new Set(`${RELATIVE} ${AUXILIARY} ${VERB}`.split(" "));
const NO_NOUN = /^(a|an|the|of|that|this|what|when|where|while|who|with)_/;
const MAX_LENGTH = 76;

/** A function with an attribute that makes it a test, whatever stands between the two. */
const TEST = /#\[(?:[a-z_]+::)?test\b[^\n]*\]\s*(?:(?:#\[[^\n]*\]|\/\/[^\n]*)\s*)*(?:async )?fn (\w+)/g;
const MODULE = /^[ \t]*(?:pub(?:\([^)]*\))? )?mod (\w+)/gm;

/** Complaints about the names in a Rust file. */
export function complaints(file, text) {
  const at = (match) => `${file}:${text.slice(0, match.index + match[0].length).split("\n").length}: ${match[1]}`;
  const tests = [...text.matchAll(TEST)].flatMap((match) => {
    if (NO_SUBJECT.has(match[1].split("_")[0])) return [`${at(match)} has no subject`];
    return match[1].length > MAX_LENGTH ? [`${at(match)} is longer than ${MAX_LENGTH} characters`] : [];
  });
  if (!file.startsWith("tests/integration")) return tests;
  const modules = [...text.matchAll(MODULE)].filter((match) => NO_NOUN.test(match[1]));
  return [...tests, ...modules.map((match) => `${at(match)} is a module whose name is no noun`)];
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const named = process.argv.slice(2);
  const files = execFileSync("git", ["ls-files", "--", ...(named.length > 0 ? named : ["*.rs"])], { encoding: "utf8" }).split("\n");
  const texts = files.filter((file) => file.endsWith(".rs")).map((file) => [file, readFileSync(file, "utf8")]);
  const found = texts.flatMap(([file, text]) => complaints(file, text));
  for (const complaint of found) console.error(complaint);
  if (found.length > 0) {
    console.error("name a test by a whole sentence: a_panicking_tool_fails_only_its_own_call");
    process.exit(1);
  }
  const count = texts.reduce((sum, [, text]) => sum + [...text.matchAll(TEST)].length, 0);
  console.log(`${count} names of tests have a subject`);
}
