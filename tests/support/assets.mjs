// Static assets in front of a Worker, as Cloudflare serves them: a file if there is one, with the headers of `_headers`, else
// the Worker.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./child.mjs";

/** The folder that wrangler.toml names. */
export const ASSETS = join(root, "playground/dist");

/** The rules of `_headers`: each a path, with `*` for anything, and its headers. */
export function headerRules() {
  const rules = [];
  for (const line of readFileSync(join(ASSETS, "_headers"), "utf8").split("\n").filter(Boolean)) {
    if (/^\S/.test(line)) rules.push({ path: line.trim(), headers: [] });
    else rules.at(-1).headers.push(/^\s*([^:]+):\s*(.*)$/.exec(line).slice(1));
  }
  return rules;
}

/** The Worker in front, with bindings FILES, MAIN and RULES. */
export const FRONT = `
const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8" };
const matches = (pattern, path) => new RegExp("^" + pattern.split("*").map((part) => part.replace(/[.+?^$()|[\\]\\\\{}]/g, "\\\\$&")).join(".*") + "$").test(path);

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (request.method !== "GET" && request.method !== "HEAD") return env.MAIN.fetch(request);
    for (const file of [pathname, pathname + ".html"]) {
      if (pathname.endsWith("/") || file === "/_headers" || !/\\.(html|js|css)$/.test(file)) continue;
      const found = await env.FILES.fetch("http://files" + file);
      if (!found.ok) continue;
      const headers = new Headers({ "content-type": TYPES[file.split(".").at(-1)] });
      for (const rule of env.RULES) if (matches(rule.path, pathname)) for (const [name, value] of rule.headers) headers.set(name, value);
      return new Response(request.method === "HEAD" ? null : found.body, { headers });
    }
    return env.MAIN.fetch(request);
  },
};
`;
