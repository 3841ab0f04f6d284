// A request of a view to the Web Worker, repeated when a value that it depends on changes.
import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../error-message.ts";

/** The last answer, and the fault of the last question. An answer that comes after the next question is not taken. */
export function useAnswer<Answer>(ask: () => Promise<Answer> | undefined, inputs: readonly unknown[]): { answer: Answer | undefined; fault: string | undefined } {
  const [answer, setAnswer] = useState<Answer>();
  const [fault, setFault] = useState<string>();
  useEffect(() => {
    let isWanted = true;
    ask()?.then(
      (given) => isWanted && (setAnswer(() => given), setFault(undefined)),
      (error: unknown) => isWanted && setFault(messageOf(error)),
    );
    return () => {
      isWanted = false;
    };
  }, inputs);
  return { answer, fault };
}
