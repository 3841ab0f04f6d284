// Cost of an operation, counted from workerd's own activity trace: exact, whatever the machine is doing.
import { readFileSync } from "node:fs";
import { WAIT_MS, sleep, until } from "./wait.mjs";

/** A Worker of its own beside the tested one: a request to it is a mark in the trace. */
export const MARKER = `export default { fetch: () => new Response("marked") }`;

const QUIET_MS = 100;

export class Trace {
  #file;
  #markUrl;
  #marks = 0;

  constructor(file, markUrl) {
    this.#file = file;
    this.#markUrl = markUrl;
  }

  /**
   * Runs `operation` and counts until the Worker has been quiet for a while:
   *
   * - `objectRequests`: requests to Durable Objects
   * - `storageReads`, `storageWrites`: operations on their storage, SQL statements included, alarms not
   * - `alarms`: alarms set or deleted
   * - `kvReads`, `kvWrites`
   * - `fetches`: requests to the outside
   * - `statements`: the SQL texts, in order
   * - `operations`: every operation by its name in the trace
   * - `result`: what `operation` returned
   */
  async cost(operation) {
    const from = await this.#mark();
    const result = await operation();
    let to = await this.#mark();
    for (let round = 0; ; round++) {
      await sleep(QUIET_MS);
      const next = await this.#mark();
      const quiet = eventsOfWorker(this.#events(), to, next).length === 0;
      to = next;
      if (quiet) break;
      if (round === 50) throw new Error("the Worker never became quiet");
    }
    return { ...tally(eventsOfWorker(this.#events(), from, to)), result };
  }

  // Puts a mark into the trace and returns how many there are; all that was traced before it is in the file.
  async #mark() {
    const answer = await fetch(this.#markUrl, { signal: AbortSignal.timeout(WAIT_MS) });
    await answer.text();
    this.#marks += 1;
    await until(() => this.#events().filter(isMark()).length >= this.#marks, "a mark in the trace", { every: 10 });
    return this.#marks;
  }

  // The last line may be half written.
  #events() {
    return readFileSync(this.#file, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }
}

// Marks are the requests in contexts of the marker.
function isMark() {
  const contexts = new Set();
  return (event) => {
    if (event.e === "ctx" && event.worker === "marker") contexts.add(event.ctx);
    return event.e === "init" && event.kind === "request" && contexts.has(event.ctx);
  };
}

// The tested Worker's own events between two marks; KV and the marker have other contexts.
function eventsOfWorker(events, from, to) {
  const marked = isMark();
  const ours = new Set();
  let marks = 0;
  return events.filter((event) => {
    if (marked(event)) marks += 1;
    if (event.e === "ctx" && ["main", "second"].includes(event.worker)) ours.add(event.ctx);
    return marks >= from && marks < to && ours.has(event.ctx);
  });
}

function tally(events) {
  const cost = {
    objectRequests: 0,
    storageReads: 0,
    storageWrites: 0,
    alarms: 0,
    kvReads: 0,
    kvWrites: 0,
    fetches: 0,
    statements: [],
    operations: {},
  };
  for (const event of events) {
    if (event.e === "annotate" && event.k === "db.query.text") {
      cost.statements.push(event.v);
      cost[/^\s*(select|explain)\b/i.test(event.v) ? "storageReads" : "storageWrites"] += 1;
    }
    if (event.e !== "init" || event.kind !== "operation") continue;
    cost.operations[event.name] = (cost.operations[event.name] ?? 0) + 1;
    const column = COLUMNS.find(([pattern]) => pattern.test(event.name))?.[1];
    if (column) cost[column] += 1;
  }
  return cost;
}

// A statement's text, not its `exec`, says whether it reads or writes.
const COLUMNS = [
  [/^durable_object_subrequest/, "objectRequests"],
  [/^durable_object_storage_(set|delete)Alarm/i, "alarms"],
  [/^durable_object_storage_(kv_)?(get|list)/, "storageReads"],
  [/^durable_object_storage_(kv_)?(put|delete)/, "storageWrites"],
  [/^kv_(get|list)/, "kvReads"],
  [/^kv_(put|delete)/, "kvWrites"],
  [/^fetch/, "fetches"],
];
