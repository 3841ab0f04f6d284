// Checks of values that are shown, or filled in.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Json } from "../exact.ts";
import { type Validation, validate, validateWhole } from "../schema/check.ts";

/** The errors of a value, which is checked once, however often it is drawn; and once more where patterns have no verdict yet. */
export function useValidation(value: Json | undefined, schema: Json | undefined): Validation {
  const first = useMemo(() => validate(schema === undefined ? undefined : value, schema ?? true), [value, schema]);
  const [last, setLast] = useState<{ first: Validation; validation: Validation }>();
  useEffect(() => {
    if (!first.isWhole) void validateWhole(value, schema ?? true).then((validation) => setLast({ first, validation }));
  }, [first]);
  if (last?.first === first) return last.validation;
  return { ...first, isWhole: true };
}

/** A form whose value is checked before it is sent: then the focus goes to the first field that does not fit. */
export function useValidatedForm() {
  const form = useRef<HTMLFormElement>(null);
  const [validation, setValidation] = useState<Validation>({ errors: [], isWhole: true });
  const { errors } = validation;
  const [isBlocked, setBlocked] = useState(false);
  const isChecking = useRef(false);
  useEffect(() => {
    if (errors.length > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [errors]);
  /** Whether the value can be sent; not while an earlier check is under way. */
  async function check(value: Json | undefined, schema: Json): Promise<boolean> {
    if (isChecking.current) return false;
    isChecking.current = true;
    const validation = await validateWhole(value, schema);
    isChecking.current = false;
    setValidation(validation);
    return validation.errors.length === 0 && !isBlocked;
  }
  return { form, validation, errors, setBlocked, check };
}
