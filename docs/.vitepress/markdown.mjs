// The pages are read on GitHub, on the site, and by rustdoc, which compiles their code: this is what the site does to them.
import { posix } from "node:path";

/** The repository, for links to files that are not pages. */
export const REPOSITORY = "https://github.com/OWNER/durable-mcp";

/** The anchor of a heading, as GitHub makes it. */
export function slugify(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

/** Removes the lines that rustdoc compiles and does not show: `#` alone or followed by a space. */
export function withoutHiddenLines(code) {
  return code
    .split("\n")
    .filter((line) => !/^\s*#( |$)/.test(line))
    .join("\n");
}

/** The target of a relative link, as the site has it: pages stay, other files are on GitHub. `page` is relative to docs/. */
export function target(href, page) {
  if (/^[a-z]+:|^#|^\//.test(href)) return href;
  const [path, anchor] = href.split("#");
  const file = posix.join("docs", posix.dirname(page), path);
  if (!file.startsWith("docs/") || !file.endsWith(".md")) {
    return `${REPOSITORY}/blob/main/${file}${anchor === undefined ? "" : `#${anchor}`}`;
  }
  return href.replace(/README\.md(?=#|$)/, "index.md");
}

/** The plugin of markdown-it for the above. */
export function pages(markdown) {
  markdown.core.ruler.push("durable-mcp", ({ tokens, env }) => {
    for (const token of tokens) {
      if (token.type === "fence" && token.info.startsWith("rust")) {
        token.info = "rust";
        token.content = withoutHiddenLines(token.content);
      }
      for (const child of token.children ?? []) {
        const href = child.type === "link_open" && child.attrGet("href");
        if (href) child.attrSet("href", target(href, env.relativePath.replace(/index\.md$/, "README.md")));
      }
    }
  });
}
