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

// Gives the stream, and a promise of its bytes, which is kept however it ends.
function limited(body, limit, signal) {
  const reader = body.getReader();
  let bytes = 0;
  let over;
  const total = new Promise((done) => (over = () => done(bytes)));
  // What is not read hears of no abort.
  signal.addEventListener("abort", over, { once: true });
  const stream = new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (value && bytes + value.length > limit) throw new Error("The answer is too long.");
        if (value) {
          bytes += value.length;
          controller.enqueue(value);
        }
        if (!done) return;
        over();
        controller.close();
      } catch (error) {
        over();
        controller.error(error);
        reader.cancel(error).catch(() => {});
      }
    },
    cancel(reason) {
      over();
      return reader.cancel(reason);
    },
  });
  return [stream, total];
}

// The exchange stops when the client of `request` hangs up, or when the function is called that comes last.
export async function send(request, method, url, headers, body, limit, longest, longestBody) {
  const ended = new AbortController();
  const signal = AbortSignal.any([request.signal, ended.signal, AbortSignal.timeout(longest)]);
  const response = await fetch(url, { method, headers, body, redirect: "manual", signal });
  const type = (response.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
  const head = [response.status, [...response.headers].flat(), MEDIA_TYPE.test(type) ? type : ""];
  const isRedirect = response.status >= 300 && response.status < 400;
  const isTooLong = Number(response.headers.get("content-length") ?? 0) > limit;
  if (isTooLong) {
    ended.abort();
    throw new Error("The answer is too long.");
  }
  if (isRedirect || !response.body || !PASSED.test(type)) {
    response.body?.cancel().catch(() => {});
    return head;
  }
  const [stream, total] = limited(response.body, limit, signal);
  if (type !== "text/event-stream") {
    const timer = setTimeout(() => ended.abort(), longestBody);
    total.then(() => clearTimeout(timer));
  }
  return [...head, stream, total, () => ended.abort()];
}
