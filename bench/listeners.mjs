// Measures what it costs to hold listeners of `subscriptions/listen`, and whether a change reaches all of them.
//
//   node bench/listeners.mjs [listeners]      1000 without a number; run `scripts/build tests/fixture` before
//
// Memory is the resident size of workerd, which holds the Worker, the hub and their sockets; CPU is all that workerd used.
import { readFileSync } from "node:fs";
import http from "node:http";
import { fixture } from "../tests/support/workerd.mjs";

const VERSION = "2026-07-28";
const META = "io.modelcontextprotocol";
const count = Number(process.argv[2] ?? 1000);
const server = await fixture({ vars: { LOG_REQUESTS: "none" } });
const pid = server.pid;

const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
// Clock ticks of a hundredth of a second, in user and kernel mode.
const cpuMs = () => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function post(id, method, params, onData) {
  const url = new URL("/mcp", server.url);
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": VERSION,
    "mcp-method": method,
    ...(params.name && { "mcp-name": params.name }),
  };
  const _meta = { [`${META}/protocolVersion`]: VERSION, [`${META}/clientCapabilities`]: {} };
  return new Promise((opened, failed) => {
    const request = http.request(url, { method: "POST", headers, agent: false }, (answer) => {
      answer.setEncoding("utf8");
      answer.on("data", onData);
      answer.on("error", () => {});
      opened(request);
    });
    request.on("error", failed);
    request.end(JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta } }));
  });
}

const listeners = [];
const heard = new Set();
let acknowledged = 0;
function listen(at) {
  return post(at, "subscriptions/listen", { notifications: { toolsListChanged: true } }, (text) => {
    if (text.includes("subscriptions/acknowledged")) acknowledged += 1;
    if (text.includes("tools/list_changed")) heard.add(at);
  });
}
async function until(condition, what) {
  for (let round = 0; !condition(); round++) {
    if (round > 600) throw new Error(`${what} did not come`);
    await sleep(50);
  }
}

try {
  await listen(-1).then((request) => listeners.push(request));
  await sleep(2000);
  const before = { memory: resident(), cpu: cpuMs() };
  for (let at = 0; at < count; at += 50) {
    const some = Array.from({ length: Math.min(50, count - at) }, (_, offset) => listen(at + offset));
    listeners.push(...(await Promise.all(some)));
  }
  await until(() => acknowledged === count + 1, "every acknowledgement");
  const opened = { memory: resident(), cpu: cpuMs() };
  const idleSeconds = 60;
  await sleep(idleSeconds * 1000);
  const idle = { memory: resident(), cpu: cpuMs() };
  const started = performance.now();
  await post(0, "tools/call", { name: "test_trigger_tool_change", arguments: {} }, () => {});
  await until(() => heard.size === count + 1, "the change at every listener");
  const told = performance.now() - started;
  const after = cpuMs();
  const each = (total) => (total / count).toFixed(2);
  console.log(`${count} listeners, ${heard.size - 1} of them heard of the change, within ${told.toFixed(0)} ms`);
  console.log(`memory a listener:        ${each(idle.memory - before.memory)} KiB`);
  console.log(`CPU to open one:          ${each(opened.cpu - before.cpu)} ms`);
  console.log(`CPU of an idle one:       ${each(((idle.cpu - opened.cpu) * 1000) / idleSeconds)} µs a second`);
  console.log(`CPU of the change, each:  ${each(after - idle.cpu)} ms`);
} finally {
  for (const request of listeners) request.destroy();
  await server.stop();
}
