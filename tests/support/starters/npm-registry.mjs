// A stand-in of the npm registry that has a package of this repository. For all others it sends npm to the registry that this
// machine uses.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { run } from "../child.mjs";

/**
 * Serves the package `{ manifest, tarball }`: `{ env, [Symbol.asyncDispose] }`, where `env` is for the npm that is to find it.
 */
export async function startNpmRegistry({ manifest, tarball }) {
  const configured = async (key) => (await run("npm", ["config", "get", key])).stdout.trim();
  const upstream = new URL(await configured("registry"));
  const bytes = readFileSync(tarball);
  const { name, version } = manifest;
  const server = createServer(({ url, headers: { host } }, response) => {
    if (url === `/${name}`) {
      const dist = { tarball: `http://${host}/${name}.tgz`, integrity: `sha512-${createHash("sha512").update(bytes).digest("base64")}` };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } }));
    } else if (url === `/${name}.tgz`) {
      response.end(bytes);
    } else {
      response.writeHead(307, { location: upstream.href.replace(/\/$/, "") + url }).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const env = {
    npm_config_registry: `http://127.0.0.1:${server.address().port}/`,
    npm_config_noproxy: `127.0.0.1,${upstream.hostname}`,
    // Configuration and cache of the real HOME, for programs that are started with another one.
    npm_config_userconfig: await configured("userconfig"),
    npm_config_cache: await configured("cache"),
    npm_config_prefer_offline: "true",
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
  };
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { env, [Symbol.asyncDispose]: stop };
}
