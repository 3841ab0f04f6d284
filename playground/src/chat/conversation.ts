// A chat: what was said, the calls that the model asks for, and the loop between them. Nothing of it is stored.
import { messageOf } from "../error-message.ts";
import { type Json, isEqual, isObject, parse, parsed, write } from "../exact.ts";
import type { Answer, Problem } from "../protocol.ts";
import { type SchemaError, check, validateWhole } from "../schema/check.ts";
import { AllowedTools, key } from "./allowed-tools.ts";
import { AnswerReader, type AskedCall, type End } from "./answer.ts";
import { imagesMessage, withImages } from "./images.ts";
import { type ChatServer, type ChatTool, withModelNames } from "./tool-names.ts";
import { DENIED, type Message, STOPPED, SYSTEM, failed, instructionsOf, invalidArguments, resultOf, toolOf, unknownTool, unreadable } from "./model-messages.ts";

/** Answers of the model to one message, before the person is asked whether it goes on. */
export const MAX_STEPS = 10;

/** State of a call: `ready` was allowed and waits for the others of its step, `unfit` goes back to the model. */
export type CallState = "asked" | "ready" | "running" | "done" | "failed" | "denied" | "unfit" | "stopped";

export interface Call {
  asked: AskedCall;
  offered: ChatTool | undefined;
  /** As the model wrote them, or as the person changed them. */
  arguments: Json;
  state: CallState;
  answer?: Answer;
  problem?: Problem;
  /** The answer to the model. */
  told: string;
  /** Images of the result that the model gets. */
  images: string[];
  decide: (isAllowed: boolean) => void;
  /** The number of the call at its server, while it runs. */
  number?: number;
}

/** One answer of the model, and the calls in it. */
export interface Step {
  text: string;
  calls: Call[];
  /** None while it comes. */
  end?: End | "stopped" | "problem";
  problem?: Problem;
}

export interface Turn {
  text: string;
  steps: Step[];
  /** Whether the limit of steps is reached. */
  isPaused: boolean;
}

/** The way to the model: pieces of the answer go to `hear`, as text. */
export type AskModel = (body: Json, hear: (piece: string) => void, signal: AbortSignal) => Promise<void>;

/** An answer that did not come. */
export class ModelProblem extends Error {
  problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

export class Conversation {
  turns: Turn[] = [];
  model: string;
  /** Tools that the model is not offered, by `key`. */
  withheld = new Set<string>();
  /** Servers whose instructions the model gets. */
  instructing = new Set<number>();
  /** Calls of one step run at the same time. */
  isTogether = false;
  /** Models of which the person says that they take images. */
  seeing = new Set<string>();
  /** Told to readers that do not see the page. */
  onEvent: (event: "asked" | "answered" | "problem", detail: string) => void = () => {};
  #ask: AskModel;
  #servers: () => ChatServer[];
  #allowed = new AllowedTools();
  #stop: AbortController | undefined;
  #listeners = new Set<() => void>();

  constructor(model: string, ask: AskModel, servers: () => ChatServer[]) {
    this.model = model;
    this.#ask = ask;
    this.#servers = servers;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  change(work: () => void = () => {}): void {
    work();
    for (const listener of this.#listeners) listener();
  }

  get takesImages(): boolean {
    return this.seeing.has(this.model);
  }

  get isRunning(): boolean {
    return this.#stop !== undefined;
  }

  /** The tools that the model is offered. */
  get offered(): ChatTool[] {
    return withModelNames(this.#servers()).filter((offered) => !this.withheld.has(key(offered)));
  }

  /** Begins anew: nothing that was allowed stays so. */
  clear(): void {
    this.stop();
    this.turns = [];
    this.#allowed = new AllowedTools();
    this.change();
  }

  async send(text: string): Promise<void> {
    if (this.isRunning) return;
    const turn: Turn = { text, steps: [], isPaused: false };
    this.turns.push(turn);
    await this.#run(turn);
  }

  /** Asks once more for the answer that did not come. */
  async again(): Promise<void> {
    const turn = this.turns.at(-1);
    if (!turn || this.isRunning) return;
    if (turn.steps.at(-1)?.end !== "complete") turn.steps.pop();
    await this.#run(turn);
  }

  /** Goes on beyond the limit of steps. */
  async goOn(): Promise<void> {
    const turn = this.turns.at(-1);
    if (turn?.isPaused && !this.isRunning) await this.#run(turn);
  }

  stop(): void {
    const stop = this.#stop;
    this.#stop = undefined;
    stop?.abort();
    this.change();
  }

  /** Lets a call run, with the arguments that the person left in it; or has the model told that it may not. */
  decide(call: Call, isAllowed: boolean): void {
    if (call.state !== "asked") return;
    if (!isAllowed) call.told = DENIED;
    call.state = isAllowed ? "ready" : "denied";
    call.decide(isAllowed);
    this.change();
  }

  /** Allows a tool for the rest of this chat, this call and others that wait among it. */
  async always(call: Call): Promise<void> {
    const { offered } = call;
    if (!offered || call.state !== "asked") return;
    await this.#allowed.add(offered);
    const waiting = this.turns.at(-1)?.steps.at(-1)?.calls ?? [];
    for (const other of [call, ...waiting]) if (other.offered && key(other.offered) === key(offered) && errorsOf(other).length === 0) this.decide(other, true);
  }

  async #run(turn: Turn): Promise<void> {
    const stop = new AbortController();
    this.#stop = stop;
    turn.isPaused = false;
    try {
      for (let steps = 0; !stop.signal.aborted; steps++) {
        if (steps === MAX_STEPS) {
          turn.isPaused = true;
          return;
        }
        const step: Step = { text: "", calls: [] };
        const messages = this.#messages();
        turn.steps.push(step);
        this.change();
        await this.#answer(step, messages, stop.signal);
        if (step.end !== "complete" || step.calls.length === 0) return;
        await this.#settle(step, stop.signal);
      }
    } finally {
      if (this.#stop === stop) this.#stop = undefined;
      this.change();
    }
  }

  async #answer(step: Step, messages: Message[], signal: AbortSignal): Promise<void> {
    const offered = this.offered;
    const reader = new AnswerReader();
    const body = { model: this.model, messages, ...(offered.length > 0 ? { tools: offered.map(toolOf) } : {}) } as unknown as Json;
    try {
      await this.#ask(body, (piece) => {
        reader.push(piece);
        if (!signal.aborted) this.change(() => (step.text = reader.text));
      }, signal);
      step.end = reader.end();
      step.text = reader.text;
      if (reader.fault !== undefined) step.problem = { kind: "other", message: reader.fault };
      if (step.end === "complete") step.calls = await Promise.all(reader.calls.map((call) => this.#prepare(call, offered)));
    } catch (error) {
      step.end = "problem";
      step.problem = error instanceof ModelProblem ? error.problem : { kind: "other", message: String(error) };
    }
    if (signal.aborted) {
      step.end = "stopped";
      step.calls = [];
    }
    const isAsking = step.calls.some(({ state }) => state === "asked");
    if (step.end !== "stopped" && !isAsking) this.onEvent(step.end === "complete" ? "answered" : "problem", step.text);
    this.change();
  }

  async #prepare(asked: AskedCall, offered: ChatTool[]): Promise<Call> {
    const found = offered.find(({ name }) => name === asked.name);
    const call: Call = { asked, offered: found, arguments: {}, state: "asked", told: "", images: [], decide: () => {} };
    const refuse = (told: string) => Object.assign(call, { state: "unfit", told });
    try {
      call.arguments = parse(asked.arguments);
    } catch (error) {
      return refuse(unreadable(messageOf(error)));
    }
    if (!found) return refuse(unknownTool(asked.name));
    if (!isObject(call.arguments)) return refuse(unreadable("it is none"));
    const { errors } = await validateWhole(call.arguments, schemaOf(call));
    return errors.length > 0 ? refuse(invalidArguments(errors)) : call;
  }

  // Nothing runs before all calls of the step were decided on.
  async #settle(step: Step, signal: AbortSignal): Promise<void> {
    const stopped = new Promise<void>((done) => signal.addEventListener("abort", () => done()));
    const decisions = step.calls.map(async (call) => {
      if (call.state !== "asked" || !call.offered) return;
      const decided = new Promise<void>((done) => (call.decide = () => done()));
      if (await this.#allowed.has(call.offered)) this.decide(call, true);
      else this.onEvent("asked", call.offered.tool.name);
      await decided;
    });
    this.change();
    await Promise.race([Promise.all(decisions), stopped]);
    const runs = step.calls.filter(({ state }) => state === "ready");
    if (this.isTogether) await Promise.all(runs.map((call) => this.#call(call, signal)));
    else for (const call of runs) await this.#call(call, signal);
    for (const call of step.calls) if (call.told === "") Object.assign(call, { state: "stopped", told: STOPPED });
  }

  async #call(call: Call, signal: AbortSignal): Promise<void> {
    if (!call.offered || signal.aborted) return;
    const { server, tool } = call.offered;
    const number = server.nextCall();
    const cancel = () => server.cancel(number);
    signal.addEventListener("abort", cancel);
    this.change(() => Object.assign(call, { state: "running", number }));
    const json = write(call.arguments);
    const edited = isEqual(call.arguments, parsed(call.asked.arguments)) ? undefined : json;
    try {
      call.answer = await server.call(number, tool, json);
      const { text, images } = resultOf(call.answer.whole ?? call.answer.result, edited, this.takesImages);
      [call.told, call.images] = [text, images];
      call.state = "done";
    } catch (error) {
      call.problem = (error as { problem?: Problem }).problem ?? { kind: "other", message: String(error) };
      call.told = signal.aborted ? STOPPED : failed(call.problem.message);
      call.state = signal.aborted ? "stopped" : "failed";
    } finally {
      signal.removeEventListener("abort", cancel);
      this.change();
    }
  }

  #messages(): Message[] {
    const instructions = this.#servers().filter(({ id, instructions }) => instructions && this.instructing.has(id));
    return withImages([SYSTEM, ...instructions.map(instructionsOf), ...this.turns.flatMap(messagesOf)], this.takesImages);
  }
}

/** Faults of a call's arguments by the schema of its tool, as far as they are known. */
export const errorsOf = (call: Call): SchemaError[] => check(call.arguments, schemaOf(call));

/** The schema of a call's arguments. */
export function schemaOf({ offered }: Call): Json {
  const schema = offered?.tool.inputSchema as Json | undefined;
  return schema !== undefined && isObject(schema) ? schema : true;
}

function messagesOf({ text, steps }: Turn): Message[] {
  return [{ role: "user", content: text }, ...steps.flatMap(messagesOfStep)];
}

// Calls of an answer that did not come whole are not repeated to the model, nor are arguments that it could not be given again.
function messagesOfStep({ text, calls }: Step): Message[] {
  if (calls.length === 0) return text.trim() === "" ? [] : [{ role: "assistant", content: text }];
  const tool_calls = calls.map(({ asked: { id, name, arguments: given } }) => ({ id, type: "function" as const, function: { name, arguments: parsed(given) === undefined ? "{}" : given } }));
  const results = calls.map(({ asked: { id, name }, told }): Message => ({ role: "tool", tool_call_id: id, name, content: told || STOPPED }));
  const images = imagesMessage(calls.map(({ asked: { name }, images }) => ({ name, images })));
  return [{ role: "assistant", content: text, tool_calls }, ...results, ...images];
}
