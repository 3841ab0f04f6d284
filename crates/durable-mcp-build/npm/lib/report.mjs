// The page at `/` while the server does not compile, for `served.mjs`: the Worker asks for it at an address of this machine.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";

/** Serves the last failure to the Worker. */
export class Report {
  /** The compiler's message, or undefined if all is well. */
  failure;
  #server;
  #path = `/${randomBytes(16).toString("hex")}`;

  async start() {
    this.#server = createServer((request, response) => {
      // Pages of the web can send requests here, but do not know the path.
      if (request.url !== this.#path) response.writeHead(404).end();
      else if (this.failure === undefined) response.writeHead(204).end();
      else response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page(this.failure));
    });
    await new Promise((resolve, reject) => this.#server.once("error", reject).listen(0, "127.0.0.1", resolve));
    // An open server would keep the process alive.
    this.#server.unref();
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}${this.#path}`;
  }
}

// The page loads itself again each second, and is the server's own once the server compiles.
function page(failure) {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="1">
<title>The server does not compile</title>
<style>
  body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color-scheme: light dark }
  pre { overflow-x: auto; padding: 1rem; border: 1px solid #c33; font: .9rem/1.4 ui-monospace, monospace }
</style>
<h1>The server does not compile</h1>
<p>Clients are still served by the last build that worked. This page is replaced as soon as the error is mended.</p>
<pre>${escaped(failure)}</pre>
</html>
`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
