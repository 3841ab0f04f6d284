// A problem in words: what happened, what to do, and the details folded.
import { type Problem, VERSIONS } from "../protocol.ts";
import { type Word, en } from "../words/en.ts";
import { useActions, useAppContext } from "./context.ts";
import { later } from "./later.tsx";

const Help = later(async () => (await import("./help.tsx")).Help);

export function ProblemNote({ problem }: { problem: Problem }) {
  const { state, say } = useAppContext();
  const todo = `problem.${problem.kind}.do`;
  // Without a network the help cannot be loaded.
  if (problem.cause && problem.cause !== "offline") return <Help problem={problem} />;
  const isToken = problem.kind === "unauthorized" && state.target.token;
  return (
    <div class="problem" role="alert">
      <p>
        <b>{isToken ? say("signIn.token") : problem.cause ? say("problem.offline") : say(`problem.${problem.kind}`, { code: problem.code ?? "" })}</b>
      </p>
      {todo in en && <p>{say(todo as Word, versionsOf(problem))}</p>}
      {problem.kind !== "cancelled" && <Details problem={problem} />}
    </div>
  );
}

export function Details({ problem }: { problem: Problem }) {
  const { say } = useActions();
  return (
    <details open={problem.kind === "protocol"}>
      <summary>{say("problem.details")}</summary>
      <pre tabIndex={0} dir="auto">
        {problem.message}
        {problem.data !== undefined && `\n${JSON.stringify(problem.data, undefined, 2)}`}
      </pre>
    </details>
  );
}

// Those of the server, and those that are spoken here.
function versionsOf({ data }: Problem): Record<string, string> {
  const supported = (data as { supported?: unknown } | undefined)?.supported;
  return { supported: Array.isArray(supported) ? supported.join(", ") : "", spoken: VERSIONS.slice(1).join(", ") };
}
