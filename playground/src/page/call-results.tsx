// Records of the calls of a tool, reads of a resource, or uses of a prompt, the newest first.
import type { ComponentChildren } from "preact";
import { useActions, useAppContext } from "./context.ts";
import { later } from "./later.tsx";
import { ProblemNote } from "./problem.tsx";
import type { CallRecord } from "./state.ts";

const TaskStatus = later(async () => (await import("./tasks.tsx")).TaskStatus);
const KeptNote = later(async () => (await import("./kept-note.tsx")).KeptNote);
const Pages = later(async () => (await import("./pages.tsx")).Pages);

interface Props {
  name: string;
  calls: CallRecord[];
  show: (result: unknown) => ComponentChildren;
  /** Stands with a record from its beginning. */
  beside?: ((record: CallRecord) => ComponentChildren) | undefined;
}

export function CallResults({ name, calls, show, beside }: Props) {
  const { state, client, say } = useAppContext();
  return (
    <>
      {calls.map((record, at) => (
        <details key={record.number} class="use" open={at === 0}>
          <summary>
            <h4>{say("result.heading")}</h4> <time>{new Date(record.at).toLocaleTimeString()}</time>{" "}
            {record.answer && <span class="note">{say("result.took", { ms: record.answer.ms, bytes: record.answer.bytes })}</span>}
          </summary>
          {!record.answer && !record.problem && !record.lacks && <Running name={name} record={record} />}
          {record.problem && <ProblemNote problem={record.problem} />}
          {record.isKept && <KeptNote lacks={record.lacks} />}
          {!record.isKept && beside?.(record)}
          {record.answer && show(record.answer.result)}
          {record.late && (
            <>
              <p class="warning">{say("result.late")}</p>
              {show(record.late.result)}
            </>
          )}
          {(record.answer || record.problem || record.lacks) && record.json !== undefined && (
            <button type="button" class="link" disabled={state.phase !== "connected"} onClick={() => void client.repeat(record.number)}>
              {say("result.repeat")}
            </button>
          )}
          {(record.pages || record.problem?.code === -32042) && <Pages record={record} />}
        </details>
      ))}
    </>
  );
}

function Running({ name, record }: { name: string; record: CallRecord }) {
  const { client, say } = useActions();
  const { progress } = record;
  const amount = progress?.total === undefined ? {} : { value: progress.progress, max: progress.total };
  return (
    <>
      {record.task && <TaskStatus info={record.task} />}
      {progress ? (
        <p>
          <progress aria-label={say("result.progress", { name })} {...amount} />{" "}
          <span dir="auto">
            {progress.progress}
            {progress.total !== undefined && ` / ${progress.total}`} {progress.message}
          </span>
        </p>
      ) : (
        !record.task && <p>{say("tool.calling")}</p>
      )}
      <button type="button" class="button plain" onClick={() => client.cancel(record.number)}>
        {say("tool.cancel")}
      </button>
    </>
  );
}
