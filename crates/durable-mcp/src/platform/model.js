// A model's answer is passed on as it comes, and counted on the way: by what the model says of its use, else by its events.

// A line longer than this is not looked at for the use.
const MAX_LINE_CHARS = 1 << 20;

// The beginning of an answer that is none.
const MAX_ERROR_BYTES = 4096;

class Counter {
  #decoder = new TextDecoder();
  #line = "";
  #events = 0;
  #told;

  add(bytes) {
    const lines = (this.#line + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#line = lines.pop();
    for (const line of lines) this.#take(line);
    if (this.#line.length > MAX_LINE_CHARS) this.#line = "";
  }

  get tokens() {
    this.#take(this.#line);
    this.#line = "";
    return this.#told ?? this.#events;
  }

  #take(line) {
    if (line.startsWith("data:")) this.#events++;
    if (!line.includes('"usage"')) return;
    try {
      const value = JSON.parse(line.replace(/^data:/, ""));
      const told = (value.usage ?? value.result?.usage)?.completion_tokens;
      if (Number.isSafeInteger(told) && told >= 0) this.#told = told;
    } catch {}
  }
}

// Gives the stream, and a promise of the tokens in it, which is kept however it ends.
function counted(body) {
  const reader = body.getReader();
  const counter = new Counter();
  let over;
  const tokens = new Promise((done) => (over = () => done(counter.tokens)));
  const stream = new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (value) {
          counter.add(value);
          controller.enqueue(value);
        }
        if (!done) return;
        over();
        controller.close();
      } catch (error) {
        over();
        controller.error(error);
      }
    },
    cancel(reason) {
      over();
      return reader.cancel(reason);
    },
  });
  return [stream, tokens];
}

async function beginning(response) {
  const chunks = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= MAX_ERROR_BYTES) break;
  }
  return new TextDecoder().decode(await new Blob(chunks).arrayBuffer()).slice(0, MAX_ERROR_BYTES);
}

// `url` is none for Workers AI. Both stop when the client of `request` hangs up, or when the function is called that comes last.
export async function ask(request, env, model, url, key, body, longest) {
  const ended = new AbortController();
  const signal = AbortSignal.any([request.signal, ended.signal, AbortSignal.timeout(longest)]);
  const headers = { "content-type": "application/json", accept: "text/event-stream", ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) };
  const response =
    url === undefined
      ? await env.AI.run(model, JSON.parse(body), { returnRawResponse: true, signal })
      : await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
  const type = (response.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
  const isDocument = type === "application/json";
  if (response.status !== 200 || !response.body || !(isDocument || type === "text/event-stream")) {
    return [response.status === 200 ? 502 : response.status, response.headers.get("retry-after") ?? undefined, await beginning(response)];
  }
  return [200, isDocument, ...counted(response.body), () => ended.abort()];
}
