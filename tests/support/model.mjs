// Stand-ins for models: an OpenAI-compatible endpoint on loopback, and Workers AI. They answer as a test says, and remember what
// they were asked.
import { createServer } from "node:http";

/**
 * Starts an OpenAI-compatible endpoint: `{ url, outbound, requests, closed, stop() }`. Each request is answered by the next of
 * `answers`, which get the response and the body; `requests` has bodies, with their headers; `closed` counts requests that their
 * client ended.
 */
export async function openAi(answers = []) {
  const requests = [];
  const model = { requests, answers, closed: 0 };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    requests.push({ ...body, path: request.url, headers: request.headers });
    response.on("close", () => response.writableFinished || model.closed++);
    const answer = model.answers.shift() ?? says("There is nothing more to say.");
    await answer(response, body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return Object.assign(model, { url: `http://127.0.0.1:${port}/v1`, outbound: `127.0.0.1:${port}`, stop, [Symbol.asyncDispose]: stop });
}

/** Begins a stream of events. */
export function begin(response) {
  response.writeHead(200, { "content-type": "text/event-stream", "set-cookie": "model=1", "x-upstream": "secret" });
  return (event) => response.write(`data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`);
}

export const delta = (delta, finish_reason = null) => ({ choices: [{ index: 0, delta, finish_reason }] });

const usage = (completion_tokens) => ({ choices: [], usage: { prompt_tokens: 7, completion_tokens } });

/** An answer in words. */
export const says =
  (text, tokens = 5) =>
  (response) => {
    const send = begin(response);
    for (const word of text.split(/(?<= )/)) send(delta({ content: word }));
    send(delta({}, "stop"));
    send(usage(tokens));
    send("[DONE]");
    response.end();
  };

/** An answer that calls tools: pairs of name and arguments, which may be a text. */
export const calls =
  (...asked) =>
  (response) => {
    const send = begin(response);
    for (const [index, [name, given]] of asked.entries()) {
      const text = typeof given === "string" ? given : JSON.stringify(given);
      send(delta({ tool_calls: [{ index, id: `call-${index}-${name}`, type: "function", function: { name, arguments: "" } }] }));
      for (const part of text.match(/.{1,7}/gs) ?? []) send(delta({ tool_calls: [{ index, function: { arguments: part } }] }));
    }
    send(delta({}, "tool_calls"));
    send(usage(9));
    send("[DONE]");
    response.end();
  };

/** An answer that goes on and on, until its client hangs up. */
export const endless = (text) => async (response) => {
  const send = begin(response);
  send(delta({ content: text }));
  while (!response.destroyed) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    send(delta({ content: " and on" }));
  }
};

/** A status with an error in JSON. */
export const fails =
  (status, error = {}, headers = {}) =>
  (response) => {
    response.writeHead(status, { "content-type": "application/json", "x-upstream": "secret", ...headers });
    response.end(JSON.stringify({ error }));
  };

/**
 * Workers AI as the Worker's binding has it: the code of a service. What it answers depends on the last message of a person and
 * whether a tool has answered: `newer` in it has the newer form of events.
 */
export const WORKERS_AI = `export default {
  async fetch(request) {
    const { inputs } = await request.json();
    const isText = ({ content }) => typeof content === "string";
    const asked = inputs.messages.findLast((message) => message.role === "user" && isText(message)).content;
    const isAnswered = inputs.messages.findLast(isText).role === "tool";
    console.log(JSON.stringify({ model: request.headers.get("cf-consn-model-id"), inputs }));
    if (asked.includes("too many")) return Response.json({ name: "x", internalCode: 3040, description: "Capacity temporarily exceeded" }, { status: 429 });
    const events = asked.includes("newer")
      ? isAnswered
        ? [{ choices: [{ delta: { content: "It is done." } }] }, { choices: [{ delta: {}, finish_reason: "stop" }] }]
        : [{ choices: [{ delta: { tool_calls: [{ index: 0, id: "a", function: { name: "add", arguments: '{"a":1,"b":2}' } }] } }] }, { choices: [{ delta: {}, finish_reason: "tool_calls" }] }]
      : isAnswered
        ? [{ response: "It is " }, { response: "done." }, { response: "", usage: { completion_tokens: 4 } }]
        : [{ response: null, tool_calls: [{ name: "add", arguments: { a: 1, b: 2 } }] }];
    const text = [...events.map((event) => JSON.stringify(event)), "[DONE]"].map((data) => "data: " + data + "\\n\\n").join("");
    return new Response(text, { headers: { "content-type": "text/event-stream" } });
  },
};`;
