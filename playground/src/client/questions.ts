// Questions of the server: each is open until the person answers it, or it is withdrawn.
import { ProtocolError } from "@modelcontextprotocol/client";
import { parse } from "../exact.ts";
import type { ServerQuestion, FromWorker, Reply } from "../protocol.ts";

/** A stateless call whose question has no answer: a round has no place for an error. */
export class CallEnded extends Error {
  readonly kind: "declined" | "notOffered";

  constructor(kind: "declined" | "notOffered", message: string) {
    super(message);
    this.kind = kind;
  }
}

/** The connection was ended, and the task of the call goes on. */
export class TaskLeft extends Error {}

/** Questions that wait at a time: a person does not come to the end of more, and each takes memory in the page. */
const MAX_OPEN = 100;

interface Open {
  call: number | undefined;
  answer: (reply: Reply) => void;
}

export class Questions {
  #connection: number;
  #tell: (message: FromWorker) => void;
  #open = new Map<number, Open>();
  #last = 0;

  constructor(connection: number, tell: (message: FromWorker) => void) {
    this.#connection = connection;
    this.#tell = tell;
  }

  /** Asks the person. A refusal is thrown, as an error of the protocol where there is a request to answer with it. */
  ask(asked: ServerQuestion, signal?: AbortSignal, isRequest = false): Promise<unknown> {
    if (this.#open.size >= MAX_OPEN) return Promise.reject(refused(`${MAX_OPEN} questions wait for an answer: no more are taken.`, isRequest));
    const question = ++this.#last;
    return new Promise((resolve, reject) => {
      const answer = (reply: Reply) => {
        this.#open.delete(question);
        if ("json" in reply) resolve(parse(reply.json));
        else reject(refused(reply.error.message, isRequest, reply.error.code));
      };
      this.#open.set(question, { call: asked.call, answer });
      signal?.addEventListener("abort", () => this.#withdraw(question));
      this.#tell({ connection: this.#connection, question, asked });
    });
  }

  answer(question: number, reply: Reply): void {
    this.#open.get(question)?.answer(reply);
  }

  /** Whether the person is asked something for the call. */
  isOpen(call: number): boolean {
    return [...this.#open.values()].some((open) => open.call === call);
  }

  /** Withdraws what was asked for a call that has ended, or all questions. */
  withdraw(call?: number): void {
    for (const [question, open] of this.#open) if (call === undefined || open.call === call) this.#withdraw(question);
  }

  #withdraw(question: number): void {
    const open = this.#open.get(question);
    if (!open) return;
    this.#tell({ connection: this.#connection, withdrawn: question });
    open.answer({ error: { code: -1, message: "The question was withdrawn." } });
  }
}

const refused = (message: string, isRequest: boolean, code = -1): Error => (isRequest ? new ProtocolError(code, message) : new CallEnded("declined", message));
