// Checks every message that a server sends to a client of ours by the protocol version that is in force for it.
import { InvalidMessage, complaints } from "./schema.mjs";

const VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];
const STATELESS = "2026-07-28";
const VERSION_OF_REQUEST = "io.modelcontextprotocol/protocolVersion";

// By the id of its session, whichever the transport: ids are not used twice.
const conversations = new Map();

/** Requests of a client, with their version: a session, or one exchange without. */
export class Conversation {
  requests = new Map();

  /** `version` is the one in force until another is negotiated; `undefined` where none is. */
  constructor(version) {
    this.version = version;
  }

  /** `isClaimed` is whether what the message says of its version counts. */
  asked(message, isClaimed = true) {
    const stateless = isClaimed && message?.params?._meta?.[VERSION_OF_REQUEST];
    if (stateless) this.version = VERSIONS.includes(stateless) ? stateless : STATELESS;
    if (message?.method === "initialize") this.capabilities = message.params?.capabilities;
    if (typeof message?.method === "string" && "id" in message) this.requests.set(message.id, message);
  }

  /** Throws `InvalidMessage`. `where` says in words where the message was. */
  heard(message, where = "") {
    const request = this.requests.get(message?.id);
    const negotiated = message?.result?.protocolVersion;
    if (request?.method === "initialize" && negotiated !== undefined) this.version = negotiated;
    const about = (version) => complaints(version, message, request);
    // A client that names a version that nobody knows is told so in a form that some version has.
    if (this.version === undefined && VERSIONS.some((version) => about(version).length === 0)) return;
    const version = this.#goesBy(message);
    const found = about(version);
    if (found.length > 0) throw new InvalidMessage(version, found, message, where);
  }

  #goesBy(message) {
    // A client of an older version that says it knows elicitation is asked as in the version that introduced it: its
    // capabilities may have more members than its version has, and a client that says nothing is never asked.
    const early = ["2024-11-05", "2025-03-26"].includes(this.version) && this.capabilities?.elicitation;
    if (early && message?.method === "elicitation/create") return "2025-06-18";
    return this.version ?? VERSIONS.at(-1);
  }
}

/** One HTTP request and what is sent in answer to it. */
export class Wire {
  #what;
  #asked;
  #conversation;

  constructor(method, url, headers, body) {
    this.#what = ` in the answer to ${method} ${url.pathname}`;
    const sent = new Headers(headers);
    this.#asked = [parsed(text(body))].flat().filter((message) => message?.jsonrpc);
    const session = sent.get("mcp-session-id") ?? url.searchParams.get("sessionId");
    // A request that names a version is in no session, unless its header names none or one that has sessions.
    const header = sent.get("mcp-protocol-version");
    const agrees = conversations.has(session) && (!header || (VERSIONS.includes(header) && header !== STATELESS));
    const stateless = !agrees && this.#asked.some(({ params }) => params?._meta?.[VERSION_OF_REQUEST]);
    const known = stateless ? undefined : conversations.get(session);
    this.#conversation = known ?? new Conversation(this.#version(sent, url));
    for (const message of this.#asked) this.#conversation.asked(message, !agrees);
  }

  /** The head of the answer is here. */
  opened(headers) {
    const started = headers["mcp-session-id"];
    if (started && !conversations.has(started)) conversations.set(started, this.#conversation);
  }

  /** A block of an event stream. */
  event({ event, data }) {
    if (event === "endpoint") {
      // What HTTP+SSE was made for, and what is in force there until `initialize` settles it.
      this.#conversation.version = "2024-11-05";
      conversations.set(new URL(data, "http://server").searchParams.get("sessionId"), this.#conversation);
    } else if (data) this.#heard(JSON.parse(data));
  }

  /** The body of an answer that is no event stream. Not all are messages: there are pages, and answers of OAuth. */
  body(status, text) {
    const answer = parsed(text);
    const answers = status === 200 && this.#asked.length > 0;
    if (answers || [answer].flat().some((message) => message?.jsonrpc)) this.#heard(answer);
  }

  #heard(message) {
    for (const each of [message].flat()) this.#conversation.heard(each, this.#what);
    if (Array.isArray(message)) this.#conversation.heard(message, this.#what);
  }

  // Without a session, what the client says of itself, as a server has to understand it.
  #version(headers, url) {
    const named = (version) => (VERSIONS.includes(version) ? version : undefined);
    const hello = this.#asked.find(({ method }) => method === "initialize");
    if (hello) return named(hello.params?.protocolVersion);
    const header = headers.get("mcp-protocol-version");
    if (header !== null) return named(header);
    return url.searchParams.has("sessionId") ? "2024-11-05" : "2025-03-26";
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// A body as `send` takes it.
function text(body) {
  if (Array.isArray(body)) return Buffer.concat(body.map((chunk) => Buffer.from(chunk))).toString();
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  return typeof body === "object" ? JSON.stringify(body) : body;
}
