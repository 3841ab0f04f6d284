// The page's files as a deployment serves them: compressed, with their headers, before a Worker.
import { createServer, request as ask } from "node:http";
import { existsSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { ASSETS, headerRules } from "../../tests/support/assets.mjs";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8" };

/** Serves them on loopback: `{ url, stop() }`. What is no file goes to the Worker at `behind`. */
export async function served(behind) {
  const files = new Map();
  const fileOf = (pathname) => {
    if (files.has(pathname)) return files.get(pathname);
    const path = [pathname, `${pathname}.html`].find((path) => extname(path) in TYPES && existsSync(join(ASSETS, path)));
    const headers = Object.fromEntries(headerRules().filter(({ path }) => matches(path, pathname)).flatMap(({ headers }) => headers));
    const file = path && { body: gzipSync(readFileSync(join(ASSETS, path)), { level: 9 }), headers: { ...headers, "content-type": TYPES[extname(path)], "content-encoding": "gzip" } };
    files.set(pathname, file);
    return file;
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, behind);
    const file = request.method === "GET" && fileOf(pathname);
    if (file) return response.writeHead(200, { ...file.headers, "content-length": file.body.length }).end(file.body);
    const passed = ask(new URL(request.url, behind), { method: request.method, headers: { ...request.headers, host: request.headers.host } }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    request.pipe(passed);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () => (server.closeAllConnections(), new Promise((done) => server.close(done)));
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

const matches = (pattern, path) => new RegExp(`^${pattern.split("*").map((part) => part.replace(/[.+?^$()|[\]\\{}]/g, "\\$&")).join(".*")}$`).test(path);
