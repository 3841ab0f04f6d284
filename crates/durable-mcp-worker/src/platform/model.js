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

  get total() {
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

// Gives 200, whether the answer is a document, and its stream; or the status of a failure, when to try again, and its beginning. `url` is
// none for Workers AI.
export async function ask(exchange, env, model, url, key, body) {
  const { signal } = exchange;
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
  return [200, isDocument, exchange.passOn(response.body, new Counter())];
}
