// Gateways in front of a scripted server: TLS with HTTP/1.1 and HTTP/2, and a proxy.
import { createServer, request as httpRequest } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer as createTlsServer } from "node:https";
import { connect } from "node:net";

/** Serves `upstream`, an origin, over TLS. `sessions` are the HTTP/2 connections so far, `versions` those of the requests. */
export async function tlsGateway(upstream, { key, cert, http2 = true } = {}) {
  const gateway = { sessions: [], versions: [] };
  const serve = (request, response) => {
    gateway.versions.push(request.httpVersion);
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !name.startsWith(":")));
    forward(request, response, `${upstream}${request.url}`, headers);
  };
  const server = http2 ? createSecureServer({ key, cert, allowHTTP1: true }, serve) : createTlsServer({ key, cert }, serve);
  server.on("session", (session) => gateway.sessions.push(session));
  return listening(gateway, server, "https://localhost");
}

/**
 * A proxy that answers every name with the port of `upstreams` by it. `credentials` are `user:password` that it asks for. `seen`
 * has `{ method, url, authorization }` of all requests.
 */
export async function httpProxy({ upstreams = {}, credentials } = {}) {
  const proxy = { seen: [] };
  const refuses = (request) => {
    const authorization = request.headers["proxy-authorization"];
    proxy.seen.push({ method: request.method, url: request.url, authorization });
    return credentials && authorization !== `Basic ${Buffer.from(credentials).toString("base64")}`;
  };
  const server = createServer((request, response) => {
    if (refuses(request)) return response.writeHead(407, { "proxy-authenticate": "Basic" }).end();
    const url = new URL(request.url);
    const { "proxy-authorization": _, ...headers } = request.headers;
    forward(request, response, `${new URL(upstreams[url.host]).origin}${url.pathname}${url.search}`, headers);
  });
  server.on("connect", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    if (refuses(request)) return socket.end("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n");
    const upstream = connect(Number(new URL(upstreams[request.url]).port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
  });
  return listening(proxy, server, "http://127.0.0.1");
}

function forward(request, response, url, headers) {
  const upstream = httpRequest(url, { method: request.method, headers }, (answer) => {
    const { connection, "keep-alive": _, "transfer-encoding": __, ...kept } = answer.headers;
    response.writeHead(answer.statusCode, kept);
    answer.pipe(response);
  });
  upstream.on("error", () => response.destroy?.());
  response.on("close", () => upstream.destroy());
  request.pipe(upstream);
}

async function listening(gateway, server, base) {
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("clientError", () => {});
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  const { port } = server.address();
  gateway.port = port;
  gateway.origin = `${base}:${port}`;
  gateway.stop = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  gateway[Symbol.asyncDispose] = gateway.stop;
  return gateway;
}
