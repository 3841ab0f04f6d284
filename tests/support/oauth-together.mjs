// Forms that a server gets at the same moment, however busy the machine is: it has all of their heads, and waits for
// their bodies, before the first body is sent.
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { Answer } from "./http.mjs";
import { WAIT_MS, bounded, sleep } from "./wait.mjs";

// For the heads to get from the sockets to the Worker.
const MOMENT_MS = 10;

/** The forms of one moment. */
export class Together {
  #forms = [];

  /** Prepares to post a body; the answer comes after `go`. */
  post(url, headers, body) {
    const length = { "content-length": Buffer.byteLength(body) };
    const request = httpRequest(url, { method: "POST", headers: { ...headers, ...length }, agent: false });
    const response = once(request, "response");
    response.catch(() => {});
    const connected = once(request, "socket").then(([socket]) => {
      socket.unref();
      return socket.connecting ? once(socket, "connect") : undefined;
    });
    request.flushHeaders();
    this.#forms.push({ connected, send: () => request.end(body) });
    const answered = response.then(([message]) => wholeAnswer(message));
    return bounded(answered, WAIT_MS, `an answer to POST ${url}`).finally(() => request.destroy());
  }

  async go() {
    await bounded(Promise.all(this.#forms.map(({ connected }) => connected)), WAIT_MS, "connections");
    await sleep(MOMENT_MS);
    for (const { send } of this.#forms) send();
  }
}

async function wholeAnswer(message) {
  message.setEncoding("utf8");
  let text = "";
  for await (const chunk of message) text += chunk;
  return new Answer(message.statusCode, message.headers, text);
}
