// Single calls from WebAssembly in place of many, each of which would copy a text.

// Header values hold neither of these.
const END = "\n";
const ABSENT = "\0";

// Method, URL and the values of headers, each on a line of its own: those of `always`, then of `stateless` if the first value is
// one of `versions`, else of `others`.
export function head(request, always, versions, stateless, others) {
  const headers = request.headers;
  let lines = request.method + END + request.url;
  let first;
  for (const name of always) {
    const value = headers.get(name) ?? ABSENT;
    first ??= value;
    lines += END + value;
  }
  for (const name of versions.includes(first) ? stateless : others) lines += END + (headers.get(name) ?? ABSENT);
  return lines;
}

let lastHeaders;

// Header names and values stand on lines in turn; without any, they are those of the last answer. Each answer copies them.
export function respond(status, lines, body) {
  if (lines !== undefined) {
    const parts = lines.split(END);
    lastHeaders = new Headers();
    for (let at = 0; at + 1 < parts.length; at += 2) lastHeaders.append(parts[at], parts[at + 1]);
  }
  return new Response(body, { status, headers: lastHeaders });
}

// The runtime's queueMicrotask costs ten times what a promise's `then` does. What runs futures looks once, for the first
// of them, whether there is one.
export function hideQueueMicrotask() {
  const hidden = globalThis.queueMicrotask;
  globalThis.queueMicrotask = undefined;
  return hidden;
}

export function showQueueMicrotask(hidden) {
  globalThis.queueMicrotask = hidden;
}

export function idOfName(namespace, jurisdiction, name) {
  const within = jurisdiction === undefined ? namespace : namespace.jurisdiction(jurisdiction);
  return within.idFromName(name).toString();
}

// Has `listener` called when the client hangs up; true if it has done so before.
export function listenForHangUp(request, listener) {
  const { signal } = request;
  if (!signal.aborted) signal.addEventListener("abort", listener);
  return signal.aborted;
}

export function stopListeningForHangUp(request, listener) {
  request.signal.removeEventListener("abort", listener);
}

// A variable as text, whatever JSON it was set to. String() writes a list as its entries between commas.
export function textOf(env, name) {
  const value = env[name];
  // A list without an entry names nobody, which is not the same as a variable that is not set.
  if (Array.isArray(value) && value.length === 0) return ",";
  return value === undefined || value === null ? undefined : String(value);
}
