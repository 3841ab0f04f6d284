// The tasks of a server that this tab began, also before a reload.
import type { Tool } from "../protocol.ts";
import { visibleName } from "../visible.ts";
import { useActions, useAppContext } from "./context.ts";
import type { Say } from "./language.ts";
import { ToolResult } from "./result.tsx";
import { ServerTasks } from "./server-tasks.tsx";
import { type TaskEntry, hasEnded } from "./task-list.ts";
import { CallResults } from "./call-results.tsx";

export function Tasks() {
  const { state, say } = useAppContext();
  return (
    <div class="tasks">
      {state.tasks.length === 0 && <p class="note">{say("tasks.none")}</p>}
      <ol reversed>
        {state.tasks.toReversed().map((entry) => (
          <li key={entry.info.id}>
            <TaskView entry={entry} />
          </li>
        ))}
      </ol>
      {/* Its list is of one connection. */}
      <ServerTasks key={state.info} />
    </div>
  );
}

function TaskView({ entry }: { entry: TaskEntry }) {
  const { state, client, say } = useAppContext();
  const { info, tool: name, at } = entry;
  const tool: Tool = state.tools.find((tool) => tool.name === name) ?? { name };
  const calls = (state.calls[`tools ${name}`] ?? []).filter(({ task }) => task?.id === info.id);
  const isFollowed = calls.some(({ answer, problem }) => !answer && !problem);
  return (
    <article>
      <h3 dir="auto">{visibleName(tool.title ?? (name || say("task.unknown")))}</h3>
      <p>
        <span class="tag">{statusOf(info, say)}</span> <span dir="auto">{info.message}</span>
      </p>
      <p class="note">
        <code dir="auto">{info.id}</code> · <time>{new Date(at).toLocaleString()}</time>
        {info.ttl !== undefined && <> · {say("task.kept", { time: new Date(at + info.ttl).toLocaleString() })}</>}
      </p>
      <p class="choice">
        {!isFollowed && info.status !== "cancelled" && calls.every(({ answer }) => !answer) && (
          <button type="button" class="button plain" disabled={state.phase !== "connected"} onClick={() => void client.follow(entry)}>
            {say(hasEnded(info) ? "task.fetch" : "task.follow")}
          </button>
        )}
        {!isFollowed && (
          <button type="button" class="link" onClick={() => client.forget(entry)}>
            {say("task.forget")}
          </button>
        )}
      </p>
      <CallResults name={name} calls={calls} show={(result) => <ToolResult tool={tool} result={result} />} />
    </article>
  );
}

/** The state of a task, where its call is shown. */
export function TaskStatus({ info }: { info: TaskEntry["info"] }) {
  const { say } = useActions();
  return (
    <p role="status">
      {say("task.heading")} <span class="tag">{statusOf(info, say)}</span> <span dir="auto">{info.message}</span>
    </p>
  );
}

const STATES = ["working", "input_required", "completed", "failed", "cancelled"] as const;

/** The state of a task in words. */
export function statusOf({ status }: TaskEntry["info"], say: Say): string {
  const known = STATES.find((state) => state === status);
  return known ? say(`task.${known}`) : status;
}
