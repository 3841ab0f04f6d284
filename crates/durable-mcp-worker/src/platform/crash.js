// Answers for the case that the module itself breaks down: by a stack that overflows, or memory that runs out. No Rust code runs in
// the instance after that, and nothing that waited in it goes on. So each answer that is waited for is refused here, and its
// request gets an error of JSON-RPC.

// As of `Refusal::Internal`.
const MESSAGE = "The server failed. Its log says why; trying again may help.";
const INTERNAL = -32603;

// The longest request that is kept for the id in it while its answer is waited for, in characters.
const MAX_KEPT_CHARS = 64 * 1024;

// As of `Refusal::unavailable`.
const RETRY_SECONDS = "2";

// As of `cors::allow` and `router::secured`.
const EXPOSED = "mcp-session-id, www-authenticate, retry-after";
const HTTPS_ONLY = "max-age=31536000";

function headersFor(request, type) {
  const headers = new Headers({
    "content-type": type,
    "cache-control": "no-store",
    "access-control-allow-origin": request?.headers.get("origin") ?? "*",
    "access-control-expose-headers": EXPOSED,
    vary: "origin",
  });
  const { protocol, hostname } = new URL(request?.url ?? "http://localhost");
  const isLoopback = /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  if (protocol === "https:" && !isLoopback) headers.set("strict-transport-security", HTTPS_ONLY);
  return headers;
}

const brokenDown = new Error("the module broke down");

// Ends of what waits.
const waiting = new Set();

// Answers whose body the module writes.
const streams = new WeakSet();

const encoder = new TextEncoder();

// The entry point of crates/durable-mcp-build has the first one called when an instance has broken down and another one has taken
// its place, and the second one for what a request's first step throws.
globalThis.durableMcp = {
  brokeDown() {
    const all = [...waiting];
    waiting.clear();
    for (const end of all) end();
  },
  failed: (error, request) => failed(error, request),
};

// An object's answer, which comes whatever becomes of this module. A promise as the value of another one would make that wait.
class Passed {
  constructor(answer) {
    this.answer = answer;
  }
}

export function passOn(answer) {
  return new Passed(answer);
}

const unwrapped = (value) => (value instanceof Passed ? value.answer : value);

// An answer to the request that is known at once, as a promise.
export function given(answer, request) {
  return answer instanceof Passed ? orFailed(answer.answer, request) : Promise.resolve(answer);
}

// Is settled as the promise is, or refused when the module breaks down.
export function guarded(promise) {
  return new Promise((done, refused) => {
    const end = () => refused(brokenDown);
    const settled = (settle) => (value) => {
      waiting.delete(end);
      settle(unwrapped(value));
    };
    waiting.add(end);
    promise.then(settled(done), settled(refused));
  });
}

// An answer to the request with that text, or an error in its place.
export function orFailed(answer, request, text) {
  return answer.then(
    (response) => watched(response, text),
    (error) => failed(error, request, text),
  );
}

// Goes on with the request's body as text, or with nothing where it cannot be read.
export function afterText(request, rest) {
  return request.text().then(
    (text) => attempt(() => rest(text), request, text.length > MAX_KEPT_CHARS ? undefined : text),
    () => attempt(() => rest(), request),
  );
}

function attempt(work, request, text) {
  try {
    const answer = unwrapped(work());
    return answer instanceof Promise ? orFailed(answer, request, text) : watched(answer, text);
  } catch (error) {
    return failed(error, request, text);
  }
}

// The errors for the requests in a text that have an id.
function errors(text) {
  const error = { code: INTERNAL, message: MESSAGE };
  try {
    const messages = [JSON.parse(text)].flat();
    const ids = messages.filter((message) => message.method !== undefined && message.id !== undefined).map(({ id }) => id);
    return ids.map((id) => ({ jsonrpc: "2.0", id, error }));
  } catch {
    return [];
  }
}

function failed(error, request, text) {
  console.error(`a request failed: ${error}`);
  const { status, type, body, more } = failure(request, text);
  const headers = headersFor(request, type);
  for (const [name, value] of more ?? []) headers.set(name, value);
  return new Response(body, { status, headers });
}

// The error in the form that the sender reads: a form comes from a client of OAuth (RFC 6749 section 5.2), and a page is for a
// person.
function failure(request, text) {
  const sent = (name) => request?.headers.get(name) ?? "";
  if (sent("accept").includes("text/html")) return { status: 500, type: "text/plain; charset=utf-8", body: MESSAGE };
  if (sent("content-type").startsWith("application/x-www-form-urlencoded")) {
    const body = JSON.stringify({ error: "temporarily_unavailable", error_description: MESSAGE });
    return { status: 503, type: "application/json", body, more: [["retry-after", RETRY_SECONDS]] };
  }
  const known = errors(text);
  const none = { jsonrpc: "2.0", id: null, error: { code: INTERNAL, message: MESSAGE } };
  const body = text?.trimStart().startsWith("[") && known.length > 0 ? known : (known[0] ?? none);
  return { status: known.length > 0 ? 200 : 500, type: "application/json", body: JSON.stringify(body) };
}

// An answer that was given is over when its body is.
export function writes(response) {
  streams.add(response);
}

// A body that the module writes ends with the errors of its requests when the module breaks down.
function watched(response, text) {
  if (!streams.has(response)) return response;
  const reader = response.body.getReader();
  let end;
  let isOver = false;
  const over = () => {
    waiting.delete(end);
    isOver = true;
  };
  const start = (controller) => {
    const broke = new Promise((done) => {
      end = done;
      waiting.add(done);
    });
    // Each stream is of its own request: what ends it has to run in that one, as what follows a promise does.
    broke.then(() => {
      if (isOver) return;
      over();
      for (const error of errors(text)) controller.enqueue(encoder.encode(`event: message\ndata: ${JSON.stringify(error)}\n\n`));
      controller.close();
    });
  };
  const pull = async (controller) => {
    const { done, value } = await reader.read();
    if (isOver) return;
    if (!done) return controller.enqueue(value);
    over();
    controller.close();
  };
  const cancel = (reason) => {
    over();
    return reader.cancel(reason);
  };
  return new Response(new ReadableStream({ start, pull, cancel }, { highWaterMark: 0 }), response);
}

// Ends a stream from a socket when the module breaks down: nobody would write it any more. Its client comes back.
export function endWithModule(writer, socket) {
  let end;
  const broke = new Promise((done) => {
    end = done;
    waiting.add(done);
  });
  const ended = () => waiting.delete(end);
  socket.addEventListener("close", ended);
  socket.addEventListener("error", ended);
  broke.then(() => {
    socket.close(1011, "the module broke down");
    return writer.close();
  }).catch(() => {});
}
