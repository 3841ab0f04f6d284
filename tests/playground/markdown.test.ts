// Markdown as a tree: the forms that are read, what stays text, and texts that are made to take long.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Block, type Inline, blocksOf, inlinesOf, looksMarked } from "../../playground/src/markdown.ts";

// A tree as a short text.
const inline = (of: Inline[]): string =>
  of.map((one) => (one.kind === "text" ? one.text : one.kind === "break" ? "<br>" : one.kind === "code" ? `code(${one.text})` : one.kind === "image" ? `image(${one.text} ${one.href})` : one.kind === "link" ? `link(${inline(one.of)} ${one.href})` : `${one.kind}(${inline(one.of)})`)).join("");
function shown(blocks: Block[]): string {
  return blocks
    .map((block) => {
      switch (block.kind) {
        case "heading":
          return `h${block.level}(${inline(block.of)})`;
        case "paragraph":
          return `p(${inline(block.of)})`;
        case "code":
          return `pre[${block.language}](${block.text})`;
        case "quote":
          return `quote(${shown(block.of)})`;
        case "list":
          return `${block.start === undefined ? "ul" : `ol${block.start}`}(${block.items.map(shown).join(" | ")})`;
        case "table":
          return `table(${[block.head, ...block.rows].map((row) => row.map(inline).join(",")).join(" / ")} ${block.align.join()})`;
        case "rule":
          return "hr";
      }
    })
    .join(" ");
}

const BLOCKS: [string, string][] = [
  ["# One\n\ntext\nof two lines\n## Two ##\n#none", "h1(One) p(text\nof two lines) h2(Two) p(#none)"],
  ["- a\n- b\n  - c\n  - d\n\n    more of d\n- e", "ul(p(a) | p(b) ul(p(c) | p(d) p(more of d)) | p(e))"],
  ["3. a\n4. b\n\n5) c\n\nafter", "ol3(p(a) | p(b) | p(c)) p(after)"],
  ["* a\nlazy\n+ b", "ul(p(a\nlazy) | p(b))"],
  ["> said\n> > again\n\nnot", "quote(p(said) quote(p(again))) p(not)"],
  ["```js x\nlet a = \"<b>\";\n\n# no heading\n```\nafter", 'pre[js](let a = "<b>";\n\n# no heading) p(after)'],
  ["~~~\nopen", "pre[](open)"],
  ["---\n* * *\n___\n--", "hr hr hr p(--)"],
  ["| a | b \\| c |\n|:--|:-:|\n| 1 | **2** | 3 |\n| 4 |\n\nafter", "table(a,b | c / 1,strong(2) / 4, left,center) p(after)"],
  ["a | b\n--|--:\n1 | 2", "table(a,b / 1,2 ,right)"],
  ["a | b\nno table", "p(a | b\nno table)"],
  ["<script>alert(1)</script>\n<b>x</b>", "p(<script>alert(1)</script>\n<b>x</b>)"],
  ["text\n- item\n# heading", "p(text) ul(p(item)) h1(heading)"],
];

for (const [text, expected] of BLOCKS) test(`${JSON.stringify(text)} is read`, () => assert.equal(shown(blocksOf(text)), expected));

const INLINES: [string, string][] = [
  ["**b** *i* _i_ __b__ ~~d~~ `c`", "strong(b) emphasis(i) emphasis(i) strong(b) deleted(d) code(c)"],
  ["***both*** and **a *b* c**", "strong(emphasis(both)) and strong(a emphasis(b) c)"],
  ["snake_case_name 2 * 3 * 4 **open", "snake_case_name 2 * 3 * 4 **open"],
  ["\\*no\\* \\a", "*no* \\a"],
  ["``a`b`` `` ` ``", "code(a`b) code(`)"],
  ["one  \ntwo\\\nthree", "one<br>two<br>three"],
  ['[a *b*](https://x.example/p "t") <https://y.example> <mailto:a@b.example>', "link(a emphasis(b) https://x.example/p) link(https://y.example https://y.example/) link(mailto:a@b.example mailto:a@b.example)"],
  ["[wiki](https://x.example/a_(b))", "link(wiki https://x.example/a_(b))"],
  ["![pic](https://x.example/p.png)", "image(pic https://x.example/p.png)"],
  ["[x](javascript:alert(1)) [y](data:text/html,z) [z](/here) ![i](blob:x) [u](https://a:b@x.example)", "[x](javascript:alert(1)) [y](data:text/html,z) [z](/here) ![i](blob:x) [u](https://a:b@x.example)"],
  ["<javascript:alert(1)> [a] [b](", "<javascript:alert(1)> [a] [b]("],
];

for (const [text, expected] of INLINES) test(`${JSON.stringify(text)} is read inside a line`, () => assert.equal(inline(inlinesOf(text)), expected));

test("a text without marks looks like none", () => {
  for (const text of ["plain", "a - b", "2 * 3", "", "C# and F#", "{\"a\": [1]}"]) assert.equal(looksMarked(text), false, text);
  for (const text of ["# a", "- a", "1. a", "**a**", "`a`", "[a](https://b.example)", "| a |", "> a"]) assert.equal(looksMarked(text), true, text);
});

// Each would take hours with the square of its length.
test("a text made to take long does not", () => {
  const long = 100_000;
  const texts = ["[", "![", "`", "*", "**a ", "_a", "<", "> ", "- ", "-\n", "|", "a|", "# ", "~", "\n", " ", "[a](", "1. ", "\\"].map((part) => part.repeat(long / part.length));
  for (const text of [...texts, `- a${"\n".repeat(long)}  b`, `\`\`\`${"a".repeat(long)}\``, `a|b\n-${" ".repeat(long)}x`, `#${" ".repeat(long)}x`, `-${" -".repeat(long / 2)}x`]) {
    blocksOf(text);
    looksMarked(text);
  }
});
