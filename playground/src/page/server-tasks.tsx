// The list of tasks that a server of 2025-11-25 gives: those of other pages, too. It is fetched by a click, page by page.
import { useState } from "preact/hooks";
import type { Problem, TaskInfo, TaskPage } from "../protocol.ts";
import { useAppContext } from "./context.ts";
import { problemOf } from "./failure.ts";
import { ProblemNote } from "./problem.tsx";
import { hasEnded } from "./task-list.ts";
import { statusOf } from "./tasks.tsx";

export function ServerTasks() {
  const { state, client, say } = useAppContext();
  const [page, setPage] = useState<TaskPage>();
  const [problem, setProblem] = useState<Problem>();
  const offered = state.info?.capabilities["tasks"] as { list?: unknown } | undefined;
  if (state.info?.era !== "legacy" || !offered?.list) return null;
  async function load(cursor: string | undefined) {
    setProblem(undefined);
    try {
      const next = await client.ask("tasks", cursor === undefined ? {} : { cursor });
      setPage((before) => ({ ...next, tasks: cursor === undefined ? next.tasks : [...(before?.tasks ?? []), ...next.tasks] }));
    } catch (error) {
      setProblem(problemOf(error));
    }
  }
  const isOff = state.phase !== "connected";
  return (
    <section aria-labelledby="server-tasks">
      <h3 id="server-tasks">{say("tasks.server")}</h3>
      <p class="note">{say("tasks.server.about")}</p>
      <p>
        <button type="button" class="button plain" disabled={isOff} onClick={() => void load(undefined)}>
          {say(page ? "tasks.server.again" : "tasks.server.list")}
        </button>
      </p>
      {problem && <ProblemNote problem={problem} />}
      {page && page.tasks.length === 0 && <p class="note">{say("tasks.server.none")}</p>}
      <ul class="server-tasks">
        {page?.tasks.map((task) => (
          <li key={task.id}>
            <ServerTask task={state.taskNews.get(task.id) ?? task} />
          </li>
        ))}
      </ul>
      {page?.next !== undefined && (
        <button type="button" class="small" disabled={isOff} onClick={() => void load(page.next)}>
          {say("tasks.server.more")}
        </button>
      )}
    </section>
  );
}

function ServerTask({ task }: { task: TaskInfo }) {
  const { state, client, say } = useAppContext();
  const began = task.createdAt === undefined ? Number.NaN : Date.parse(task.createdAt);
  const isOwn = state.tasks.some(({ info }) => info.id === task.id);
  return (
    <>
      <p>
        <code dir="auto">{task.id}</code> <span class="tag">{statusOf(task, say)}</span> <span dir="auto">{task.message}</span>
      </p>
      <p class="note">
        {Number.isFinite(began) && <time>{new Date(began).toLocaleString()}</time>}
        {Number.isFinite(began) && task.ttl !== undefined && <> · {say("task.kept", { time: new Date(began + task.ttl).toLocaleString() })}</>}
        {isOwn && <> · {say("tasks.server.own")}</>}
      </p>
      {!isOwn && task.status !== "cancelled" && (
        <p>
          <button type="button" class="small" disabled={state.phase !== "connected"} onClick={() => void client.follow({ info: task, tool: "", at: Number.isFinite(began) ? began : Date.now() })}>
            {say(hasEnded(task) ? "task.fetch" : "task.follow")}
          </button>
        </p>
      )}
    </>
  );
}
