// HTTP that hides nothing: any method, header or body, and event streams block by block. One connection a request.
// Whatever messages of the protocol come are checked by its schemas.
import { request as httpRequest } from "node:http";
import { Late, WAIT_MS, bounded } from "./wait.mjs";
import { Wire } from "./wire.mjs";

/**
 * Sends one request and reads the whole answer.
 *
 * `server` is a URL or anything with a `url`; its `usualHeaders()` go with each request. `body` is a string or bytes, an array of them
 * (sent chunked, without a length), or anything else as JSON. A header that is `null` is left out.
 */
export async function send(server, method, path, options) {
  const stream = new EventStream(server, method, path, options);
  const { status, headers } = await stream.opened;
  return new Answer(status, headers, await stream.text());
}

/** A whole answer. */
export class Answer {
  constructor(status, headers, text) {
    this.status = status;
    this.headers = headers;
    this.text = text;
  }

  get json() {
    try {
      return JSON.parse(this.text);
    } catch {
      throw new Error(`not JSON: ${this}`);
    }
  }

  /** The blocks of an event stream. */
  get events() {
    return parseBlocks(this.text).blocks.filter(isEvent);
  }

  /** The JSON-RPC messages, from JSON or from an event stream. */
  get messages() {
    if (!isEventStream(this.headers)) return [this.json].flat();
    return this.events.filter(({ data }) => data).map(({ json }) => json);
  }

  toString() {
    return `HTTP ${this.status} ${this.headers["content-type"] ?? ""} ${this.text.slice(0, 2000)}`;
  }
}

/**
 * A request whose answer is read as it comes. Iterating yields `{ id?, event?, data?, retry?, json }` for each block of
 * an event stream; blocks of comments are counted in `comments` instead. The iteration ends with the stream, and fails
 * when nothing comes for `ms`.
 */
export class EventStream {
  comments = 0;
  #request;
  #response;
  #chunks;
  #pending;
  #rest = "";
  #blocks = [];
  #ms;
  #wire;

  constructor(server, method, path, { headers = {}, body, ms = WAIT_MS } = {}) {
    this.#ms = ms;
    this.what = `${method} ${path}`;
    const url = new URL(path, typeof server === "string" ? server : server.url);
    const usual = typeof server === "string" ? {} : server.usualHeaders?.();
    const kept = Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== null && value !== undefined);
    this.#wire = new Wire(method, url, kept, body);
    this.#request = httpRequest(url, { method, headers: Object.fromEntries(kept), agent: false });
    // A stream that a test leaves open does not keep the test process alive.
    this.#request.on("socket", (socket) => socket.unref());
    const opened = new Promise((resolve, reject) => {
      this.#request.once("response", resolve);
      // After the answer's head, what goes wrong shows in its body.
      this.#request.on("error", reject);
    });
    /** `{ status, headers }`, as soon as they are there. */
    this.opened = bounded(opened, ms, `an answer to ${this.what}`).then(
      (response) => {
        this.#response = response;
        response.setEncoding("utf8");
        this.#chunks = response[Symbol.asyncIterator]();
        this.#wire.opened(response.headers);
        return { status: response.statusCode, headers: response.headers };
      },
      (error) => {
        this.#request.destroy();
        throw error;
      },
    );
    this.opened.catch(() => {});
    sendBody(this.#request, body);
  }

  /** The next block, or `undefined` at the end of the stream. */
  async next({ ms = this.#ms } = {}) {
    const { status, headers } = await this.opened;
    if (status !== 200 || !isEventStream(headers)) {
      throw new Error(`no event stream: ${this.what}: ${new Answer(status, headers, await this.text())}`);
    }
    const end = performance.now() + ms;
    while (this.#blocks.length === 0) {
      const left = Math.max(0, end - performance.now());
      const { done, value } = await bounded(this.#chunk(), left, `the next event of ${this.what}`);
      if (done) return undefined;
      this.#pending = undefined;
      const { blocks, rest } = parseBlocks(this.#rest + value);
      this.#rest = rest;
      this.comments += blocks.filter(({ comment }) => comment !== undefined).length;
      this.#blocks = blocks.filter(isEvent);
      for (const block of this.#blocks) this.#wire.event(block);
    }
    return this.#blocks.shift();
  }

  async *[Symbol.asyncIterator]() {
    try {
      for (let block; (block = await this.next());) yield block;
    } finally {
      this.close();
    }
  }

  /** The first block for which `match` holds; those before it are dropped. */
  async find(match) {
    for (let block; (block = await this.next());) if (match(block)) return block;
    throw new Error(`${this.what} ended before the event`);
  }

  /** Fails if a block comes, or the stream ends, within `ms`. */
  async quiet(ms) {
    await this.opened;
    const said = await this.next({ ms }).then(
      (block) => (block ? `said ${JSON.stringify(block)}` : "ended"),
      (error) => {
        if (!(error instanceof Late)) throw error;
      },
    );
    if (said) throw new Error(`${this.what} ${said}`);
  }

  /** Everything not yet read. */
  async text() {
    const { status, headers } = await this.opened;
    let text = this.#rest;
    const all = async () => {
      for (let chunk; !(chunk = await this.#chunk()).done; this.#pending = undefined) text += chunk.value;
      if (!isEventStream(headers)) this.#wire.body(status, text);
      else for (const block of parseBlocks(text).blocks) this.#wire.event(block);
      return text;
    };
    return bounded(all(), this.#ms, () => `the end of ${this.what}, so far: ${text.slice(0, 2000)}`).finally(() =>
      this.close(),
    );
  }

  // A wait that ran out loses nothing: the next one goes on with the same chunk.
  #chunk() {
    this.#pending ??= this.#chunks.next();
    return this.#pending;
  }

  /** Hangs up. */
  close() {
    this.#request.destroy();
    this.#response?.destroy();
  }

  /** Hangs up so that the server hears of it at once, and not only when it writes: the connection is reset. */
  reset() {
    this.#request.socket.resetAndDestroy();
    this.close();
  }

  [Symbol.dispose]() {
    this.close();
  }
}

function sendBody(request, body) {
  if (Array.isArray(body)) {
    for (const chunk of body) request.write(chunk);
    request.end();
  } else {
    const raw = body === undefined || typeof body === "string" || body instanceof Uint8Array;
    request.end(raw ? body : JSON.stringify(body));
  }
}

const isEventStream = (headers) => (headers["content-type"] ?? "").startsWith("text/event-stream");
const isEvent = ({ id, event, data, retry }) => [id, event, data, retry].some((field) => field !== undefined);

// Whole blocks, and the text of the one that is not complete.
function parseBlocks(text) {
  const parts = text.split(/\r\n\r\n|\n\n|\r\r/);
  const rest = parts.pop();
  return { blocks: parts.map(parseBlock), rest };
}

function parseBlock(text) {
  const block = new Block();
  for (const line of text.split(/\r\n|\n|\r/)) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (line.startsWith(":")) block.comment = line.slice(1).trim();
    else if (name === "data") block.data = block.data === undefined ? value : `${block.data}\n${value}`;
    else if (name === "retry") block.retry = Number(value);
    else if (name === "id" || name === "event") block[name] = value;
    else if (line !== "") throw new Error(`not a line of an event stream: ${JSON.stringify(line)}`);
  }
  return block;
}

// Has the fields that were sent and no others.
class Block {
  get json() {
    return JSON.parse(this.data);
  }
}
