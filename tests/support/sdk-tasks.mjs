// The TypeScript SDK's own example of a server of 2025-11-25 with tasks, with CORS in front of it.
import { createServer, request as ask } from "node:http";
import { join } from "node:path";
import { Child, packageFolder } from "./child.mjs";
import { freePorts } from "./port.mjs";

/** Starts it: `{ url, origin, stop() }`. Its tools `confirm_delete` and `write_haiku` are tasks that ask. */
export async function sdkTasks() {
  const [port] = await freePorts(1);
  const example = join(packageFolder("@modelcontextprotocol/sdk"), "dist/esm/examples/server/simpleTaskInteractive.js");
  const child = new Child(process.execPath, [example], { env: { PORT: `${port}` } });
  await child.line(({ text }) => text.includes("Starting server"));
  const proxy = createServer((request, response) => {
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "content-type, accept, mcp-session-id, mcp-protocol-version, last-event-id");
    response.setHeader("access-control-allow-methods", "GET, POST, DELETE");
    response.setHeader("access-control-expose-headers", "mcp-session-id");
    if (request.method === "OPTIONS") return response.writeHead(204).end();
    const { origin: _, ...headers } = request.headers;
    const onward = ask({ port, host: "127.0.0.1", path: request.url, method: request.method, headers: { ...headers, host: `127.0.0.1:${port}` } }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${proxy.address().port}`;
  const stop = async () => {
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
    await child.stop();
  };
  return { url: `${origin}/mcp`, origin, stop, [Symbol.asyncDispose]: stop };
}
