// A form for a schema, and beside it the same value as JSON.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Json, JsonProblem, isEqual, isObject, parse, parsed, write } from "../exact.ts";
import type { SchemaError } from "../schema/check.ts";
import { fieldOf, initial } from "../schema/field.ts";
import { verdicts } from "../schema/patterns.ts";
import type { Schema } from "../schema/schema.ts";
import { useActions, useChanges } from "./context.ts";
import { FormContext } from "./field-parts.tsx";
import { FieldView } from "./fields.tsx";
import { memo } from "./memo.tsx";

interface Given {
  /** Unique in the page. */
  id: string;
  schema: Schema;
  value: Json;
  errors: SchemaError[];
  onChange: (value: Json) => void;
  /** Told whether a text of the form cannot be read. */
  onBlocked: (isBlocked: boolean) => void;
  emptyText?: string;
}

/** Of a large schema, each drawing is long: the form is drawn when its value changes, and not with what stands beside it. */
export const SchemaForm = memo(({ id, schema, value, errors, onChange, onBlocked, emptyText }: Given) => {
  const { say } = useActions();
  // They decide conditions and branches.
  useChanges(verdicts);
  const [isJson, setJson] = useState(false);
  const [faults, setFaults] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => onBlocked(faults.size > 0), [faults]);
  useEffect(() => () => onBlocked(false), []);
  const field = fieldOf(schema, schema, value);
  const isEmpty = emptyText !== undefined && field.kind === "object" && field.members.length === 0 && (isObject(value) ? Object.keys(value).length === 0 : true);
  const defaults = useMemo(() => initial(schema, schema, true), [schema]);
  const canFill = isObject(defaults) && isObject(value) && Object.keys(defaults).some((name) => !Object.hasOwn(value, name));
  function fault(path: string, is: boolean) {
    setFaults((before) => {
      if (before.has(path) === is) return before;
      const next = new Set(before);
      if (is) next.add(path);
      else next.delete(path);
      return next;
    });
  }
  return (
    <div class="schema-form">
      <div class="sides" role="group" aria-label={say("form.sides")}>
        {[false, true].map((side) => (
          <button key={String(side)} type="button" class="small" aria-pressed={side === isJson} onClick={() => (setFaults(new Set()), setJson(side))}>
            {say(side ? "form.json" : "form.form")}
          </button>
        ))}
        {canFill && (
          <button type="button" class="link" onClick={() => onChange({ ...(defaults as object), ...(value as object) } as Json)}>
            {say("form.defaults")}
          </button>
        )}
      </div>
      {isJson ? (
        <JsonText id={`${id}-json`} label={say("form.json")} value={value} onChange={onChange} onFault={(is) => fault("json", is)} error={errors[0] && `${errors[0].pointer} ${errors[0].keyword}`} />
      ) : isEmpty ? (
        <p class="note">{emptyText}</p>
      ) : (
        <FormContext.Provider value={{ id, root: schema, errors, onFault: fault }}>
          <FieldView schema={schema} value={value} pointer="" name="" isRequired onChange={(next) => onChange(next ?? {})} />
        </FormContext.Provider>
      )}
    </div>
  );
});

interface JsonGiven {
  id: string;
  label: string;
  value: Json | undefined;
  onChange: (value: Json) => void;
  onFault: (is: boolean) => void;
  error?: string | undefined;
}

/** A value as text. What cannot be read stays as it was typed, with the place. */
export function JsonText({ id, label, value, onChange, onFault, error }: JsonGiven) {
  const { say } = useActions();
  const [typed, setTyped] = useState(() => (value === undefined ? "" : write(value, 2)));
  const [problem, setProblem] = useState<string>();
  const last = useRef(value);
  useEffect(() => {
    // The same value may be made anew with each drawing: beside it, what was typed stays.
    const isNew = !isEqual(last.current, value);
    last.current = value;
    if (!isNew || value === undefined || isEqual(parsed(typed), value)) return;
    setTyped(write(value, 2));
    setProblem(undefined);
    onFault(false);
  }, [value]);
  useEffect(() => () => onFault(false), []);
  function edit(text: string) {
    setTyped(text);
    try {
      onChange(parse(text));
      setProblem(undefined);
      onFault(false);
    } catch (error) {
      const { line, column, message } = error as JsonProblem;
      setProblem(say("form.jsonProblem", { line: line ?? "", column: column ?? "", message }));
      onFault(true);
    }
  }
  const told = problem ?? error;
  return (
    <>
      <label class="unseen" for={id}>
        {label}
      </label>
      <textarea
        id={id}
        class="field json"
        spellcheck={false}
        rows={Math.min(20, Math.max(3, typed.split("\n").length + 1))}
        value={typed}
        aria-invalid={told !== undefined}
        aria-describedby={told ? `${id}-fault` : undefined}
        onInput={(event) => edit(event.currentTarget.value)}
      />
      {told && (
        <p id={`${id}-fault`} class="fault" dir="auto">
          {told}
        </p>
      )}
    </>
  );
}
