// Calls of 2026-07-28 whose answer is a question: the request is sent again with the person's answers, round by round.

/** Rounds after which the person is asked whether to go on. */
const MAX_ROUNDS = 10;

export interface InputRequired {
  resultType: "input_required";
  inputRequests?: Record<string, { method?: unknown; params?: unknown }>;
  requestState?: unknown;
}

export interface QuestionPosition {
  /** Of the round, from 1. */
  number: number;
  /** Of the question in its round, from 1. */
  at: number;
  of: number;
}

interface Steps {
  send(more: object): Promise<unknown>;
  ask(method: string, params: unknown, place: QuestionPosition): Promise<unknown>;
  /** Whether to go on after so many rounds. */
  goOn(rounds: number): Promise<boolean>;
}

/** Answers rounds until there is a result. */
export async function answerRounds(first: InputRequired, { send, ask, goOn }: Steps): Promise<unknown> {
  let result = first;
  for (let number = 1; result.resultType === "input_required"; number++) {
    if (number > MAX_ROUNDS && number % MAX_ROUNDS === 1 && !(await goOn(number - 1))) throw new DOMException("The call was ended.", "AbortError");
    const asked = Object.entries(result.inputRequests ?? {});
    const answers = asked.map(async ([key, { method, params }], at) => [key, await ask(String(method), params, { number, at: at + 1, of: asked.length })] as const);
    const inputResponses = Object.fromEntries(await Promise.all(answers));
    // The state is the server's, and goes back as it came.
    const { requestState } = result;
    result = (await send({ ...(asked.length > 0 ? { inputResponses } : {}), ...(requestState === undefined ? {} : { requestState }) })) as InputRequired;
  }
  return result;
}
