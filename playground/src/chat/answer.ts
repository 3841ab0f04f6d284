// Answers of models as they come: events of OpenAI's form and of Workers AI's, or one JSON document of either.
import { type Json, isObject } from "../exact.ts";

/** A call that a model asks for. Its arguments are the text that the model wrote. */
export interface AskedCall {
  id: string;
  name: string;
  arguments: string;
}

/** End of an answer: `cut` at the limit of tokens, `broken` before its end, `failed` with an error in place of an answer. */
export type End = "complete" | "cut" | "refused" | "empty" | "broken" | "failed";

interface Members {
  [name: string]: Json;
}

/** Reads one answer, piece by piece. */
export class AnswerReader {
  text = "";
  /** The message of an error that came in the place of an answer. */
  fault: string | undefined;
  #calls: { index: number | undefined; id: string | undefined; name: string; arguments: string }[] = [];
  #pending = "";
  #data: string[] = [];
  /** The answer is one document, and no stream. */
  #isDocument: boolean | undefined;
  #reason: string | undefined;
  #isOver = false;
  #isRefused = false;
  #isBroken = false;
  /** Makes ids of calls that have none different from those of other answers. */
  #salt = crypto.randomUUID().slice(0, 8);

  push(chunk: string): void {
    this.#pending += chunk;
    this.#isDocument ??= /\S/.test(this.#pending) ? /^\s*\{/.test(this.#pending) : undefined;
    if (this.#isDocument !== false) return;
    // A line that ends with CR may go on with LF.
    const lines = this.#pending.split(/\r\n|\n|\r(?!$)/);
    this.#pending = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  /** No more comes; how it ended. */
  end(): End {
    if (this.#isDocument) this.#event(this.#pending);
    else if (this.#pending !== "") this.#line(this.#pending.replace(/\r$/, ""));
    this.#line("");
    if (this.fault !== undefined) return "failed";
    if (this.#isRefused || this.#reason === "content_filter") return "refused";
    if (this.#isBroken || (!this.#isOver && !this.#isDocument && this.#reason === undefined)) return "broken";
    if (this.#reason === "length") return "cut";
    return this.text.trim() === "" && this.#calls.length === 0 ? "empty" : "complete";
  }

  get calls(): AskedCall[] {
    return this.#calls.map(({ id, name, arguments: text }, at) => ({ id: id ?? `call_${this.#salt}_${at + 1}`, name, arguments: text.trim() === "" ? "{}" : text }));
  }

  #line(line: string): void {
    if (line.startsWith("data:")) this.#data.push(line.slice(5).replace(/^ /, ""));
    if (line !== "" || this.#data.length === 0) return;
    const data = this.#data.join("\n");
    this.#data = [];
    if (data.trim() === "[DONE]") this.#isOver = true;
    else this.#event(data);
  }

  #event(data: string): void {
    let value: Json;
    try {
      value = JSON.parse(data) as Json;
    } catch {
      this.#isBroken = true;
      return;
    }
    if (!isObject(value)) return;
    if (value["error"] !== undefined && value["error"] !== null) this.fault = faultOf(value["error"]);
    const [choice] = Array.isArray(value["choices"]) ? value["choices"] : [];
    if (isObject(choice)) this.#choice(choice);
    else this.#plain(isObject(value["result"]) ? value["result"] : value);
  }

  #choice(choice: Members): void {
    const reason = choice["finish_reason"];
    if (typeof reason === "string") this.#reason = reason;
    const said = choice["delta"] ?? choice["message"];
    if (!isObject(said)) return;
    if (typeof said["refusal"] === "string" && said["refusal"] !== "") {
      this.#isRefused = true;
      this.text += said["refusal"];
    }
    this.#say(said["content"]);
    this.#ask(said["tool_calls"]);
  }

  // Older models of Workers AI.
  #plain(said: Members): void {
    this.#say(said["response"]);
    this.#ask(said["tool_calls"]);
  }

  #say(content: Json | undefined): void {
    if (typeof content === "string" || typeof content === "number") this.text += content;
    else if (Array.isArray(content)) for (const part of content) this.#say(isObject(part) ? part["text"] : undefined);
    else if (isObject(content)) this.text += JSON.stringify(content);
  }

  #ask(calls: Json | undefined): void {
    if (!Array.isArray(calls)) return;
    for (const call of calls) if (isObject(call)) this.#part(call);
  }

  // A call comes in parts by its index, or whole; some servers give all of them the same index.
  #part(call: Members): void {
    const described = isObject(call["function"]) ? call["function"] : call;
    const index = typeof call["index"] === "number" ? call["index"] : undefined;
    const id = typeof call["id"] === "string" && call["id"] !== "" ? call["id"] : undefined;
    const known = this.#calls.findLast((other) => (index === undefined ? id !== undefined && other.id === id : other.index === index));
    const isSame = known && (id === undefined || known.id === undefined || known.id === id);
    const slot = isSame ? known : { index, id, name: "", arguments: "" };
    if (!isSame) this.#calls.push(slot);
    slot.id ??= id;
    if (typeof described["name"] === "string" && slot.name === "") slot.name = described["name"];
    const given = described["arguments"];
    if (typeof given === "string") slot.arguments += given;
    else if (isObject(given)) slot.arguments = JSON.stringify(given);
  }
}

function faultOf(error: Json): string {
  if (typeof error === "string") return error;
  const message = isObject(error) ? error["message"] : undefined;
  return typeof message === "string" ? message : JSON.stringify(error);
}
