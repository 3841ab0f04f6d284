// Apps for the playground: pages that a scripted server has for its tools, with the official class of apps or without.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { scripted } from "./scripted.mjs";

export const URI = "ui://scripted/app";
const PAGE_TYPE = "text/html;profile=mcp-app";

const require = createRequire(import.meta.url);

/** HTML in which `code` has the class `App` of @modelcontextprotocol/ext-apps. */
export function withLibrary(code) {
  const library = readFileSync(require.resolve("@modelcontextprotocol/ext-apps/app-with-deps"), "utf8");
  const name = /export\s*\{[^}]*?([\w$]+) as App\b[^}]*\}/.exec(library)?.[1];
  const whole = `globalThis.__zod_globalConfig = { jitless: true };\n${library}\nconst LibraryApp = ${name};\n(async (App) => {${code}})(LibraryApp);`;
  return `<!doctype html><meta charset="utf-8"><p id="text">app</p><script type="module">${whole.replaceAll("</script", "<\\/script")}</script>`;
}

/** HTML in which `code` has `request(method, params)`, `notify(method, params)` and `heard`, what came. It has started before. */
export const withMessages = (code, { starts = true } = {}) => `<!doctype html><meta charset="utf-8"><p id="text">app</p><script>
  const heard = [];
  let last = 0;
  const waiting = new Map();
  const send = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  const notify = (method, params = {}) => send({ method, params });
  const request = (method, params = {}) => new Promise((done, failed) => {
    waiting.set(++last, { done, failed });
    send({ id: last, method, params });
  });
  addEventListener("message", ({ data }) => {
    heard.push(data);
    const { done, failed } = waiting.get(data.id) ?? {};
    if (data.method === undefined && done) data.error ? failed(data.error) : done(data.result);
  });
  const started = ${starts} && request("ui/initialize", { protocolVersion: "2026-01-26", appInfo: { name: "test", version: "1" }, appCapabilities: {} }).then((result) => {
    notify("ui/notifications/initialized");
    return result;
  });
  ${code}
</script>`;

/** A server whose tool `show` has that HTML as its app. `ui` is the resource's `_meta.ui`, `tools` are others. */
export function appServer(html, { ui, tools = [], handlers = {}, show = () => ({ content: [{ type: "text", text: "shown" }] }), ...options } = {}) {
  const all = [{ name: "show", inputSchema: { type: "object", properties: { n: { type: "integer" } } }, annotations: { readOnlyHint: true }, _meta: { ui: { resourceUri: URI } } }, ...tools];
  const known = {
    "tools/list": () => ({ tools: all }),
    "tools/call": (params) => (params.name === "show" ? show(params) : { content: [{ type: "text", text: `called ${params.name}` }] }),
    "resources/read": ({ uri }) => ({ contents: [uri === URI ? { uri, mimeType: PAGE_TYPE, text: html, ...(ui ? { _meta: { ui } } : {}) } : { uri, mimeType: "text/plain", text: `read ${uri}` }] }),
    ...handlers,
  };
  return scripted({ capabilities: { tools: {}, resources: {} }, handlers: { "resources/list": () => ({ resources: [] }), ...known }, ...options });
}

/** The app's frame of the page, once it has its HTML. */
export async function appFrame(visitor, at = 0) {
  // An app begins when it is first in sight.
  await visitor.page.locator(".app").nth(at).scrollIntoViewIfNeeded();
  const element = visitor.page.locator(".app iframe").nth(at);
  await element.waitFor();
  const frame = await (await element.elementHandle()).contentFrame();
  await frame.locator("body *").first().waitFor({ state: "attached" });
  return frame;
}
