// Checks of values that are shown.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Json } from "../exact.ts";
import { type Finding, found, foundWhole } from "../schema/check.ts";

/** The misfits of a value, which is checked once, however often it is drawn; and once more where patterns have no verdict yet. */
export function useFinding(value: Json | undefined, schema: Json | undefined): Finding {
  const first = useMemo(() => found(schema === undefined ? undefined : value, schema ?? true), [value, schema]);
  const [last, setLast] = useState<{ first: Finding; finding: Finding }>();
  useEffect(() => {
    if (!first.isWhole) void foundWhole(value, schema ?? true).then((finding) => setLast({ first, finding }));
  }, [first]);
  if (last?.first === first) return last.finding;
  return { ...first, isWhole: true };
}
