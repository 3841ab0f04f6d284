// Events of a server through the relay beside the same ones read directly, by turns: the first of a stream from when it is asked for, and
// the next ones from when they are sent.
import { internet } from "../../tests/support/internet.mjs";
import { tokenOf } from "../../tests/support/page-token.mjs";
import { DEMO } from "../../tests/support/sign-in.mjs";
import { sleep } from "../../tests/support/wait.mjs";
import { demo, fixture } from "../../tests/support/workerd.mjs";
import { median, percentile } from "./chromium.mjs";

const EVENTS = 1000;
const WARM_EVENTS = 100;

// One person has sixty requests a minute.
const STREAMS = 50;
const WARM_STREAMS = 5;

const BODY = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "one", arguments: {} } });

export async function streams() {
  const web = await internet();
  const vars = { LOG_REQUESTS: "none", PLAYGROUND_RELAY: "on" };
  const plain = await demo({ playground: true, vars, outbound: web.outbound });
  // The demo is built without sign-in. The tests' Worker has it, and may be built without optimisation.
  const signedIn = await fixture({ playground: true, vars: { ...vars, ...DEMO }, outbound: web.outbound });
  try {
    const token = await tokenOf(signedIn, "Ann", "relay");
    const ways = { direct: directly(web), relayed: through(plain), "signed in": through(signedIn, token) };
    const rows = [];
    const firsts = await firstEvents(web, ways);
    rows.push({ what: "first event, direct, median", value: median(firsts.direct), unit: "ms" });
    for (const name of ["relayed", "signed in"]) rows.push(...over(`first event, ${name}, over direct`, firsts[name], firsts.direct));
    const later = await laterEvents(web, ways);
    rows.push({ what: "an event, direct, median", value: median(later.direct), unit: "ms" });
    for (const name of ["relayed", "signed in"]) rows.push(...over(`an event, ${name}, over direct`, later[name], later.direct));
    return rows;
  } finally {
    await plain.stop();
    await signedIn.stop();
    await web.stop();
  }
}

function over(what, times, direct) {
  const late = times.map((ms, at) => ms - direct[at]);
  return [
    { what: `${what}, median`, value: median(late), unit: "ms", goal: 50 },
    { what: `${what}, 99 of 100`, value: percentile(late, 99), unit: "ms", goal: 50 },
    { what: `${what}, longest`, value: Math.max(...late), unit: "ms" },
  ];
}

const directly = (web) => (signal) => fetch(`http://${web.outbound}/mcp`, { method: "POST", headers: { "content-type": "application/json" }, body: BODY, signal });

function through(worker, token) {
  const headers = {
    "content-type": "application/json",
    "x-playground": "1",
    origin: worker.url,
    "sec-fetch-site": "same-origin",
    "x-target-url": "https://server.example/mcp",
    "x-target-method": "POST",
    ...(token ? { authorization: `Bearer ${token}` } : {}),
  };
  return (signal) => fetch(`${worker.url}/playground/relay`, { method: "POST", headers, body: BODY, signal });
}

// Milliseconds from a request to the first event of its stream, by way.
async function firstEvents(web, ways) {
  let open;
  web.answer = (_, __, response) => {
    open = response;
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: first\n\n");
  };
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < WARM_STREAMS + STREAMS; round++) {
    for (const name of turned(Object.keys(ways), round)) {
      const since = performance.now();
      const answer = await ways[name]();
      if (answer.status !== 200) throw new Error(`${name}: ${answer.status}`);
      const reader = answer.body.getReader();
      await reader.read();
      if (round >= WARM_STREAMS) times[name].push(performance.now() - since);
      open.end();
      await reader.read();
      // The slot of this one is free before long.
      await sleep(20);
    }
  }
  return times;
}

// Milliseconds from the server's write of an event to its arrival, by way. All streams are open at the same time.
async function laterEvents(web, ways) {
  const open = {};
  const ended = new AbortController();
  for (const name of Object.keys(ways)) {
    let written;
    web.answer = (_, __, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(": open\n\n");
      written = response;
    };
    const answer = await ways[name](ended.signal);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    await until(reader, ": open\n\n");
    open[name] = { reader, response: written };
  }
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let event = 0; event < WARM_EVENTS + EVENTS; event++) {
    for (const name of turned(Object.keys(ways), event)) {
      const { reader, response } = open[name];
      const text = `data: ${event}\n\n`;
      const since = performance.now();
      response.write(text);
      await until(reader, text);
      if (event >= WARM_EVENTS) times[name].push(performance.now() - since);
    }
  }
  ended.abort();
  return times;
}

// A text may come in parts.
async function until(reader, text) {
  for (let read = ""; !read.endsWith(text); ) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The stream ended before ${text}`);
    read += value;
  }
}

// Each has each place in the order.
const turned = (names, round) => names.map((_, at) => names[(at + round) % names.length]);
