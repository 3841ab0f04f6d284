// Parts of a value that a check left out, shown beside it.
import type { Validation } from "../schema/check.ts";
import { useActions } from "./context.ts";

/** Tells that a part was not checked, in the words of `text`; or that patterns were not, since what matches them cannot be loaded. */
export function Unchecked({ validation: { isWhole, isUnmatched }, text = "form.unchecked" }: { validation: Validation; text?: "form.unchecked" | "result.unchecked" }) {
  const { say } = useActions();
  return isWhole ? null : <p class="note">{say(isUnmatched ? "form.unmatched" : text)}</p>;
}
