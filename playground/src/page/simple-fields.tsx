// Fields of one control: texts, numbers, choices.
import { useRef, useState } from "preact/hooks";
import { toBase64 } from "../base64.ts";
import { type Json, digits, isNumber, numberOf, isEqual } from "../exact.ts";
import { type Option, labelOf } from "../schema/field.ts";
import { isWhole } from "../schema/schema.ts";
import { useActions } from "./context.ts";
import { About, type Attributes, Labelled, Notes, type View, titleOf, useField } from "./field-parts.tsx";

export function NullView(view: View) {
  const { say } = useActions();
  const title = titleOf(view);
  return (
    <Labelled {...view}>
      {(attributes) => (
        <span class="row">
          <input {...attributes} class="field" readOnly value="null" />
          <button type="button" class="small" aria-label={say("form.clear", { name: title })} onClick={() => view.onChange(undefined)}>
            ×
          </button>
        </span>
      )}
    </Labelled>
  );
}

const INPUT_TYPES: Record<string, string> = { date: "date", email: "email", uri: "url", password: "password" };

export function TextView(view: View) {
  const { say } = useActions();
  const { field, value, onChange } = view;
  const [isGrown, setGrown] = useState(false);
  if (field.kind !== "text") return null;
  const text = value === undefined ? "" : typeof value === "string" ? value : labelOf(value);
  const isLong = field.isLong || isGrown || text.includes("\n") || text.length > 200;
  const edit = (next: string) => onChange(next === "" ? undefined : next);
  const placeholder = typeof field.fallback === "string" ? field.fallback : undefined;
  const list = `${view.pointer}-list`;
  return (
    <>
      <Labelled {...view}>
        {(attributes) =>
          isLong ? (
            <textarea {...attributes} class="field" rows={Math.min(12, text.split("\n").length + 2)} placeholder={placeholder} value={text} onInput={(event) => edit(event.currentTarget.value)} />
          ) : (
            <>
              <input
                {...attributes}
                class="field"
                type={field.isSecret ? "password" : (INPUT_TYPES[field.format ?? ""] ?? "text")}
                autocomplete="off"
                placeholder={placeholder}
                list={field.suggestions.length > 0 ? list : undefined}
                value={text}
                onInput={(event) => edit(event.currentTarget.value)}
                onPaste={(event) => setGrown((event.clipboardData?.getData("text") ?? "").includes("\n"))}
              />
              <Suggestions id={list} values={field.suggestions} />
              {field.format === "byte" && <FileInput name={titleOf(view)} onChange={onChange} />}
            </>
          )
        }
      </Labelled>
      {text === "" && (
        <label class="check">
          <input type="checkbox" checked={value === ""} onChange={(event) => onChange(event.currentTarget.checked ? "" : undefined)} /> {say("form.emptyText", { name: titleOf(view) })}
        </label>
      )}
    </>
  );
}

function FileInput({ name, onChange }: { name: string; onChange: (value: Json) => void }) {
  const { say } = useActions();
  // While a large file is read, other fields may change: what is called then knows of that.
  const newest = useRef(onChange);
  newest.current = onChange;
  async function take(file: File | undefined) {
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    newest.current(toBase64(bytes));
  }
  return <input type="file" aria-label={say("form.file", { name })} onChange={(event) => void take(event.currentTarget.files?.[0])} />;
}

function Suggestions({ id, values }: { id: string; values: string[] }) {
  if (values.length === 0) return null;
  return (
    <datalist id={id}>
      {values.map((value) => (
        <option key={value} value={value} />
      ))}
    </datalist>
  );
}

// A text that is no number is kept as it was typed, so that it is found, and told.
export function NumberView(view: View) {
  const { say } = useActions();
  const { field, value, onChange } = view;
  if (field.kind !== "number") return null;
  const text = value === undefined ? "" : isNumber(value) ? digits(value) : labelOf(value);
  const isWrong = text !== "" && (!isNumber(value) || (field.isInteger && !isWhole(value)));
  const list = `${view.pointer}-list`;
  return (
    <Labelled {...view}>
      {(attributes) => (
        <>
          <NumberInput attributes={{ ...attributes, "aria-invalid": attributes["aria-invalid"] || isWrong }} isInteger={field.isInteger} text={text} list={field.suggestions.length > 0 ? list : undefined} placeholder={field.fallback === undefined ? undefined : labelOf(field.fallback)} onChange={onChange} />
          <Suggestions id={list} values={field.suggestions} />
          {isWrong && <p class="fault">{say(field.isInteger ? "form.integer" : "form.number")}</p>}
        </>
      )}
    </Labelled>
  );
}

interface NumberGiven {
  attributes: Attributes;
  isInteger: boolean;
  text: string;
  list: string | undefined;
  placeholder: string | undefined;
  onChange: (value: Json | undefined) => void;
}

function NumberInput({ attributes, isInteger, text, list, placeholder, onChange }: NumberGiven) {
  // `1.` and `1e` are on the way to a number: what was typed stays until the value is another.
  const [typed, setTyped] = useState(text);
  const meant = numberOf(typed);
  const isSame = typed.trim() === text || (meant !== undefined && digits(meant) === text);
  return (
    <input
      {...attributes}
      class="field"
      type="text"
      inputMode={isInteger ? "numeric" : "decimal"}
      autocomplete="off"
      list={list}
      placeholder={placeholder}
      value={isSame ? typed : text}
      onInput={(event) => {
        const next = event.currentTarget.value;
        setTyped(next);
        onChange(next.trim() === "" ? undefined : (numberOf(next) ?? next.trim()));
      }}
    />
  );
}

export function BooleanView(view: View) {
  const { say } = useActions();
  const { value, onChange, isRequired, field } = view;
  const { id, fault, attributes } = useField(view);
  if (isRequired && !field.isNullable)
    return (
      <div class="labelled">
        <label class="check" dir="auto">
          <input {...attributes} type="checkbox" checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} /> {titleOf(view) || "true"} <Notes {...view} />
        </label>
        <About id={id} field={field} fault={fault} />
      </div>
    );
  return (
    <ChoiceView
      {...view}
      options={[
        { value: true, label: say("form.yes") },
        { value: false, label: say("form.no") },
      ]}
    />
  );
}

export function ChoiceView({ options, ...view }: View & { options: Option[] }) {
  const { say } = useActions();
  const { value, onChange } = view;
  const chosen = options.findIndex((option) => isEqual(option.value, value));
  const isOther = chosen < 0 && value !== undefined;
  return (
    <Labelled {...view}>
      {(attributes) => (
        <select {...attributes} class="field" value={isOther ? "other" : chosen} onChange={(event) => onChange(options[Number(event.currentTarget.value)]?.value)}>
          <option value={-1}>{say("form.unset")}</option>
          {options.map(({ label, description }, at) => (
            <option key={at} value={at} title={description}>
              {label}
            </option>
          ))}
          {isOther && <option value="other">{labelOf(value)}</option>}
        </select>
      )}
    </Labelled>
  );
}

export function SearchView({ options, ...view }: View & { options: Option[] }) {
  const { value, onChange } = view;
  const known = options.find((option) => isEqual(option.value, value));
  const [typed, setTyped] = useState(known?.label ?? "");
  const list = `${view.pointer}-list`;
  const shown = known && typed !== known.label && value !== typed ? known.label : typed;
  return (
    <Labelled {...view}>
      {(attributes) => (
        <>
          <input
            {...attributes}
            class="field"
            list={list}
            autocomplete="off"
            value={shown}
            onInput={(event) => {
              const next = event.currentTarget.value;
              setTyped(next);
              onChange(next === "" ? undefined : (options.find(({ label }) => label === next)?.value ?? next));
            }}
          />
          <Suggestions id={list} values={options.map(({ label }) => label)} />
        </>
      )}
    </Labelled>
  );
}
