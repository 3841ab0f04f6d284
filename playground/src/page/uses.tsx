// The uses of a tool, resource or prompt, the newest first.
import type { ComponentChildren } from "preact";
import { useActions, useShared } from "./context.ts";
import { later } from "./later.tsx";
import { ProblemNote } from "./problem.tsx";
import type { Use } from "./state.ts";

const TaskStatus = later(async () => (await import("./tasks.tsx")).TaskStatus);
const Pages = later(async () => (await import("./pages.tsx")).Pages);

interface Props {
  name: string;
  uses: Use[];
  show: (result: unknown) => ComponentChildren;
  /** Stands with a use from its beginning. */
  beside?: ((use: Use) => ComponentChildren) | undefined;
}

export function Uses({ name, uses, show, beside }: Props) {
  const { state, visitor, say } = useShared();
  return (
    <>
      {uses.map((use, at) => (
        <details key={use.number} class="use" open={at === 0}>
          <summary>
            <h4>{say("result.heading")}</h4> <time>{new Date(use.at).toLocaleTimeString()}</time>{" "}
            {use.answer && <span class="note">{say("result.took", { ms: use.answer.ms, bytes: use.answer.bytes })}</span>}
          </summary>
          {!use.answer && !use.problem && <Running name={name} use={use} />}
          {use.problem && <ProblemNote problem={use.problem} />}
          {beside?.(use)}
          {use.answer && show(use.answer.result)}
          {use.late && (
            <>
              <p class="warning">{say("result.late")}</p>
              {show(use.late.result)}
            </>
          )}
          {(use.answer || use.problem) && use.json !== undefined && (
            <button type="button" class="link" disabled={state.phase !== "connected"} onClick={() => void visitor.repeat(use.number)}>
              {say("result.repeat")}
            </button>
          )}
          {(use.pages || use.problem?.code === -32042) && <Pages use={use} />}
        </details>
      ))}
    </>
  );
}

function Running({ name, use }: { name: string; use: Use }) {
  const { visitor, say } = useActions();
  const { progress } = use;
  const amount = progress?.total === undefined ? {} : { value: progress.progress, max: progress.total };
  return (
    <>
      {use.task && <TaskStatus info={use.task} />}
      {progress ? (
        <p>
          <progress aria-label={say("result.progress", { name })} {...amount} />{" "}
          <span dir="auto">
            {progress.progress}
            {progress.total !== undefined && ` / ${progress.total}`} {progress.message}
          </span>
        </p>
      ) : (
        !use.task && <p>{say("tool.calling")}</p>
      )}
      <button type="button" class="button plain" onClick={() => visitor.cancel(use.number)}>
        {say("tool.cancel")}
      </button>
    </>
  );
}
