// Checks of values that are shown, or filled in.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
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

/** A form whose value is checked before it is sent: then the focus goes to the first field that does not fit. */
export function useChecked() {
  const form = useRef<HTMLFormElement>(null);
  const [{ misfits, isWhole }, setFinding] = useState<Finding>({ misfits: [], isWhole: true });
  const [isBlocked, setBlocked] = useState(false);
  const isChecking = useRef(false);
  useEffect(() => {
    if (misfits.length > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [misfits]);
  /** Whether the value can be sent; not while an earlier check is under way. */
  async function check(value: Json | undefined, schema: Json): Promise<boolean> {
    if (isChecking.current) return false;
    isChecking.current = true;
    const finding = await foundWhole(value, schema);
    isChecking.current = false;
    setFinding(finding);
    return finding.misfits.length === 0 && !isBlocked;
  }
  return { form, misfits, isWhole, setBlocked, check };
}
