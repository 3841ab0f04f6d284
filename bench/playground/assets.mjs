// Latency of /mcp of a Worker with the page's files and of the same one without, by turns: in workerd, and behind the router of
// Cloudflare's own that `wrangler dev` puts before a Worker with files.
import { Agent, request as ask } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ASSETS } from "../../tests/support/assets.mjs";
import { Child, removeFolder, root, temporaryFolder } from "../../tests/support/child.mjs";
import { freePorts } from "../../tests/support/port.mjs";
import { parse } from "../../tests/support/toml.mjs";
import { demo } from "../../tests/support/workerd.mjs";
import { percentile } from "./chromium.mjs";

const ROUNDS = 3000;
const WARM = 300;

const VARS = { LOG_REQUESTS: "none" };

export async function assets() {
  return [
    ...(await compared("workerd", [() => demo({ vars: VARS }), () => demo({ vars: VARS }), () => demo({ vars: VARS, playground: "worker first" })])),
    ...(await compared("wrangler dev", [() => wrangler(false), () => wrangler(false), () => wrangler(true)])),
  ];
}

// Two without files tell the noise.
async function compared(name, starting) {
  const servers = [];
  try {
    for (const start of starting) servers.push(await start());
    const agents = servers.map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
    const times = servers.map(() => []);
    for (let round = 0; round < WARM + ROUNDS; round++) {
      // Each has each place in the order.
      for (let turn = 0; turn < servers.length; turn++) {
        const at = (round + turn) % servers.length;
        const ms = await latency(servers[at].url, agents[at]);
        if (round >= WARM) times[at].push(ms);
      }
    }
    const rows = [];
    for (const part of [50, 99]) {
      const [without, again, withFiles] = times.map((of) => percentile(of, part));
      rows.push(
        { what: `${name}: p${part} without files`, value: without, unit: "ms" },
        { what: `${name}: p${part} with files`, value: withFiles, unit: "ms" },
        { what: `${name}: p${part}, with beside without`, value: withFiles / Math.sqrt(without * again), unit: "×" },
        { what: `${name}: p${part}, without beside without`, value: again / without, unit: "×" },
      );
    }
    return rows;
  } finally {
    for (const server of servers) await server.stop();
  }
}

function latency(url, agent) {
  const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" }, "io.modelcontextprotocol/clientCapabilities": {} };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "add", arguments: { a: 2, b: 3 }, _meta } });
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "add", "content-length": body.length };
  return new Promise((done, failed) => {
    const since = performance.now();
    const sent = ask(`${url}/mcp`, { method: "POST", headers, agent }, (answer) => {
      answer.resume();
      answer.on("end", () => (answer.statusCode === 200 ? done(performance.now() - since) : failed(new Error(`${answer.statusCode}`))));
    });
    sent.on("error", failed);
    sent.end(body);
  });
}

// The module as it is built, without another build.
async function wrangler(withFiles) {
  const shipped = parse(readFileSync(join(root, "wrangler.toml"), "utf8"));
  const { build: _, assets: __, dev: ___, ...config } = shipped;
  const folder = temporaryFolder("durable-mcp-bench");
  const file = join(folder, "wrangler.json");
  const given = { ...config, main: join(root, "build/index.js"), vars: { ...config.vars, ...VARS }, ...(withFiles ? { assets: { ...shipped.assets, directory: ASSETS } } : {}) };
  writeFileSync(file, JSON.stringify(given));
  const [port] = await freePorts(1);
  const args = ["dev", "--config", file, "--ip", "127.0.0.1", "--port", `${port}`, "--inspector-port", "0", "--persist-to", join(folder, "state")];
  const child = new Child("wrangler", args, { group: true, env: { WRANGLER_SEND_METRICS: "false", CI: "1" } });
  const stop = async () => {
    await child.stop({ grace: 10_000 });
    removeFolder(folder);
  };
  try {
    await child.line(/Ready on http:/);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}
