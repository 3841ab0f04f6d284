// Whether a call becomes a task. A server of 2025-11-25 leaves that to the client; one of 2026-07-28 decides it by itself.
import type { ServerInfo, Tool } from "../protocol.ts";
import { useAppContext } from "./context.ts";

/** The choice that a server leaves to clients: whether a call of a tool runs as a task. */
export function taskSupport(info: ServerInfo | undefined, { execution }: Tool): "required" | "optional" | undefined {
  const tasks = info?.capabilities["tasks"] as { requests?: { tools?: { call?: unknown } } } | undefined;
  const support = execution?.taskSupport;
  if (info?.era !== "legacy" || !tasks?.requests?.tools?.call) return undefined;
  return support === "required" || support === "optional" ? support : undefined;
}

export function TaskChoice({ tool }: { tool: Tool }) {
  const { state, client, say } = useAppContext();
  if (!state.target.offers.tasks || taskSupport(state.info, tool) !== "optional") return null;
  return (
    <label class="check">
      <input type="checkbox" checked={client.isTask(tool)} onChange={(event) => client.setTask(tool, event.currentTarget.checked)} />
      {say("task.choice")}
    </label>
  );
}
