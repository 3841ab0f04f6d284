// Says of a call that an earlier page of the tab made it, and what is missing of it.
import { useActions } from "./context.ts";
import type { CallRecord } from "./state.ts";

export function KeptNote({ lacks }: Pick<CallRecord, "lacks">) {
  const { say } = useActions();
  return <p class="note">{say(lacks ? `result.kept.${lacks}` : "result.kept")}</p>;
}
