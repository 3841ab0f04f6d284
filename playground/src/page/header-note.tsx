// The reason why a tool cannot be called in 2026-07-28.
import type { Tool } from "../protocol.ts";
import { useAppContext } from "./context.ts";

export function HeaderNote({ tool }: { tool: Tool }) {
  const { state, say } = useAppContext();
  const fault = state.lists.tools?.faults[tool.name];
  if (!fault) return null;
  return (
    <p class="warning">
      {say("tool.header")} <span dir="auto">{say(`tool.header.${fault.rule}`, { of: fault.of })}</span>
    </p>
  );
}
