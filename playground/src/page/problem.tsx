// A problem in words: what happened, what to do, and the details folded.
import type { Problem } from "../protocol.ts";
import { type Word, en } from "../words/en.ts";
import { useShared } from "./context.ts";

export function ProblemNote({ problem }: { problem: Problem }) {
  const { state, say } = useShared();
  const todo = `problem.${problem.kind}.do`;
  return (
    <div class="problem" role="alert">
      <p>
        <b>{problem.kind === "unauthorized" && state.target.token ? say("signIn.token") : say(`problem.${problem.kind}`, { code: problem.code ?? "" })}</b>
      </p>
      {todo in en && <p>{say(todo as Word)}</p>}
      {problem.kind !== "cancelled" && (
        <details open={problem.kind === "protocol"}>
          <summary>{say("problem.details")}</summary>
          <pre tabIndex={0} dir="auto">
            {problem.message}
            {problem.data !== undefined && `\n${JSON.stringify(problem.data, undefined, 2)}`}
          </pre>
        </details>
      )}
    </div>
  );
}
