// The public web around a Worker, for its relay: a resolver, and one server for every name.
import { createServer } from "node:http";

const RESOLVER = "cloudflare-dns.com";
const PUBLIC = "93.184.215.14";
const KINDS = { A: 1, AAAA: 28 };

/**
 * Starts it: `{ outbound, names, requests, resolved, closed, stop() }`. `answer(request, text, response)` answers requests; `names` has
 * the addresses of names, any other name has a public one. `requests` are those to servers, `resolved` the names that were looked up;
 * `closed` counts requests that their client ended.
 */
export async function internet(answer) {
  const web = { names: {}, requests: [], resolved: [], closed: 0, answer };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const { host } = request.headers;
    if (host === RESOLVER) return resolve(web, new URL(request.url, "https://resolver.example").searchParams, response);
    web.requests.push({ host, method: request.method, url: request.url, headers: request.headers, text });
    response.on("close", () => response.writableFinished || web.closed++);
    await web.answer(request, text, response);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return Object.assign(web, { outbound: `127.0.0.1:${server.address().port}`, stop, [Symbol.asyncDispose]: stop });
}

function resolve(web, asked, response) {
  const name = asked.get("name");
  const kind = asked.get("type");
  web.resolved.push(`${kind} ${name}`);
  const addresses = (web.names[name] ?? [PUBLIC]).filter((address) => address.includes(":") === (kind === "AAAA"));
  response.writeHead(200, { "content-type": "application/dns-json" });
  response.end(JSON.stringify({ Status: 0, Answer: addresses.map((data) => ({ name, type: KINDS[kind], data })) }));
}
