// Requests of the playground's relay: what may be read of the answer is passed on as it comes, and counted on the way.

const MAX_LOOK_UP_BYTES = 65536;

const PASSED = /^(application\/([\w.+-]+\+)?json|text\/event-stream)$/;

const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+$/;

async function beginning(response, limit) {
  const chunks = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limit) throw new Error("The answer is too long.");
  }
  return new Blob(chunks).text();
}

// An answer of DNS over HTTPS.
export async function lookUp(url, longest) {
  const signal = AbortSignal.timeout(longest);
  const response = await fetch(url, { headers: { accept: "application/dns-json" }, redirect: "manual", signal });
  if (response.status !== 200) throw new Error(`It answers ${response.status}.`);
  return beginning(response, MAX_LOOK_UP_BYTES);
}

class Bytes {
  total = 0;
  #limit;

  constructor(limit) {
    this.#limit = limit;
  }

  add(chunk) {
    if (this.total + chunk.length > this.#limit) throw new Error("The answer is too long.");
    this.total += chunk.length;
  }
}

// Gives status, headers and media type of the answer, and the stream of a body that may be read.
export async function send(exchange, method, url, headers, body, limit, longestBody) {
  const response = await fetch(url, { method, headers, body, redirect: "manual", signal: exchange.signal });
  const type = (response.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
  const head = [response.status, [...response.headers].flat(), MEDIA_TYPE.test(type) ? type : ""];
  const isRedirect = response.status >= 300 && response.status < 400;
  const isTooLong = Number(response.headers.get("content-length") ?? 0) > limit;
  if (isTooLong) {
    exchange.stop();
    throw new Error("The answer is too long.");
  }
  if (isRedirect || !response.body || !PASSED.test(type)) {
    response.body?.cancel().catch(() => {});
    return head;
  }
  const stream = exchange.passOn(response.body, new Bytes(limit));
  if (type !== "text/event-stream") {
    const timer = setTimeout(() => exchange.stop(), longestBody);
    exchange.total.then(() => clearTimeout(timer));
  }
  return [...head, stream];
}
