// The fields of a form, one for each kind of schema.
import { type ComponentChildren, createContext } from "preact";
import { useContext, useRef, useState } from "preact/hooks";
import { type Json, digits, isNumber, isObject, numberOf, same } from "../exact.ts";
import { type Misfit, pointerTo } from "../schema/check.ts";
import { type Field, type Option, type Variant, fieldOf, initial, labelOf, switched, variantOf, withMember } from "../schema/field.ts";
import { isWhole, type Schema } from "../schema/schema.ts";
import { type Word, en } from "../words/en.ts";
import { useActions } from "./context.ts";
import { JsonText } from "./form.tsx";
import { ListView } from "./items.tsx";

interface Form {
  id: string;
  root: Schema;
  misfits: Misfit[];
  onFault: (pointer: string, is: boolean) => void;
}

export const FormContext = createContext<Form>({ id: "", root: true, misfits: [], onFault: () => {} });

export interface Given {
  schema: Schema;
  value: Json | undefined;
  /** Of the value in the whole (RFC 6901). */
  pointer: string;
  name: string;
  isRequired: boolean;
  /** Choices that were made above, about the same value. */
  choices?: number;
  onChange: (value: Json | undefined) => void;
}

/** Choices about one value: a branch may be a choice again, or the whole schema, without an end. */
const MAX_CHOICES = 4;

/** Options of which there are more are searched by typing. */
const MAX_LISTED_OPTIONS = 12;

export function FieldView(given: Given) {
  const { root } = useContext(FormContext);
  const field = fieldOf(given.schema, root, given.value);
  if (given.value === null && field.kind !== "null" && field.kind !== "choice") return <NullView {...given} field={field} />;
  return <Shape {...given} field={field} />;
}

export type View = Given & { field: Field };

function Shape(view: View) {
  const { field } = view;
  switch (field.kind) {
    case "text":
      return <TextView {...view} />;
    case "number":
      return <NumberView {...view} />;
    case "boolean":
      return <BooleanView {...view} />;
    case "choice":
      return field.options.length > MAX_LISTED_OPTIONS ? <SearchView {...view} options={field.options} /> : <ChoiceView {...view} options={field.options} />;
    case "fixed":
      return (
        <Labelled {...view}>{(attributes) => <input {...attributes} class="field" readOnly value={labelOf(field.value)} />}</Labelled>
      );
    case "null":
      return (
        <Labelled {...view}>{(attributes) => <input {...attributes} class="field" readOnly value="null" />}</Labelled>
      );
    case "object":
      return <ObjectView {...view} field={field} />;
    case "list":
      return <ListView {...view} field={field} />;
    case "variants":
      if ((view.choices ?? 0) >= MAX_CHOICES) return <JsonView {...view} />;
      return <VariantsView {...view} variants={field.variants} />;
    case "json":
      return <JsonView {...view} />;
  }
}

interface Attributes {
  id: string;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
  disabled: boolean;
}

function useField({ pointer, field }: Pick<View, "pointer" | "field">) {
  const { say } = useActions();
  const { id: form, misfits } = useContext(FormContext);
  const id = `${form}${pointer}`;
  const misfit = misfits.find((misfit) => misfit.pointer === pointer);
  const word = `check.${misfit?.keyword}`;
  const fault = misfit && (word in en ? say(word as Word, { demand: misfit.demand }) : say("check.other", { keyword: misfit.keyword }));
  const described = [field.description && `${id}-about`, fault && `${id}-fault`].filter(Boolean).join(" ");
  const attributes: Attributes = { id, "aria-invalid": fault !== undefined, "aria-describedby": described || undefined, disabled: field.isReadOnly };
  return { id, fault, attributes };
}

export const titleOf = ({ field, name }: Pick<View, "field" | "name">): string => field.title ?? name;

/** A field of one control, with its label, its description and what is wrong with it. */
function Labelled(view: View & { children: (attributes: Attributes) => ComponentChildren }) {
  const { id, fault, attributes } = useField(view);
  const title = titleOf(view);
  return (
    <div class="labelled">
      {title && (
        <label for={id} dir="auto">
          {title} <Notes {...view} />
        </label>
      )}
      {view.children(title ? attributes : ({ ...attributes, "aria-label": "JSON" } as Attributes))}
      <About id={id} field={view.field} fault={fault} />
      <NullButton {...view} />
    </div>
  );
}

function Notes({ field, isRequired, name }: View) {
  const { say } = useActions();
  const notes = [field.title && name && field.title !== name ? name : "", isRequired ? "" : say("form.optional"), field.isDeprecated ? say("form.deprecated") : "", field.fallback === undefined ? "" : say("form.default", { value: labelOf(field.fallback) })];
  return <span class="note">{notes.filter(Boolean).join(" · ")}</span>;
}

function About({ id, field, fault }: { id: string; field: Field; fault: string | undefined }) {
  return (
    <>
      {field.description && (
        <p id={`${id}-about`} class="note" dir="auto">
          {field.description}
        </p>
      )}
      {fault && (
        <p id={`${id}-fault`} class="fault">
          {fault}
        </p>
      )}
    </>
  );
}

function NullButton(view: View) {
  const { say } = useActions();
  if (!view.field.isNullable || view.value === null) return null;
  return (
    <button type="button" class="link" aria-label={say("form.setNull", { name: titleOf(view) })} onClick={() => view.onChange(null)}>
      {say("form.null")}
    </button>
  );
}

function NullView(view: View) {
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

function TextView(view: View) {
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
    let binary = "";
    for (const byte of bytes) binary += String.fromCharCode(byte);
    newest.current(btoa(binary));
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
function NumberView(view: View) {
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

function BooleanView(view: View) {
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

function ChoiceView({ options, ...view }: View & { options: Option[] }) {
  const { say } = useActions();
  const { value, onChange } = view;
  const chosen = options.findIndex((option) => same(option.value, value));
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

function SearchView({ options, ...view }: View & { options: Option[] }) {
  const { value, onChange } = view;
  const known = options.find((option) => same(option.value, value));
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

/** A group of fields; one inside another can be folded. */
export function Group(view: View & { children: ComponentChildren }) {
  const { id, fault, attributes } = useField(view);
  const title = titleOf(view);
  if (!title)
    return (
      <div class="group-root">
        {view.children}
        {fault && <p class="fault">{fault}</p>}
      </div>
    );
  return (
    <fieldset class="group" aria-describedby={attributes["aria-describedby"]}>
      <legend dir="auto">
        {title} <Notes {...view} />
      </legend>
      <About id={id} field={view.field} fault={fault} />
      {view.children}
      <NullButton {...view} />
    </fieldset>
  );
}

/** The button that begins an optional group, with a value of its own or the schema's. */
export function Absent({ begun, ...view }: View & { begun?: () => Json }) {
  const { say } = useActions();
  const { root } = useContext(FormContext);
  const { id, fault, attributes } = useField(view);
  const name = titleOf(view);
  const begin = () => view.onChange(begun?.() ?? initial(view.schema, root) ?? {});
  return (
    <div class="labelled">
      <button type="button" id={id} class="small" aria-invalid={attributes["aria-invalid"]} aria-describedby={attributes["aria-describedby"]} onClick={begin}>
        + {say("form.add", { name })}
      </button>{" "}
      <Notes {...view} />
      <About id={id} field={view.field} fault={fault} />
      <NullButton {...view} />
    </div>
  );
}

export function RemoveButton({ name, onClick }: { name: string; onClick: () => void }) {
  const { say } = useActions();
  return (
    <button type="button" class="link" onClick={onClick}>
      {say("form.remove", { name })}
    </button>
  );
}

function ObjectView(view: View) {
  const { say } = useActions();
  const { field, value, pointer, onChange, isRequired } = view;
  if (field.kind !== "object") return null;
  if (value === undefined) return <Absent {...view} />;
  if (!isObject(value)) return <JsonView {...view} />;
  const known = new Set(field.members.map(({ name }) => name));
  const more = Object.keys(value).filter((name) => !known.has(name));
  return (
    <Group {...view}>
      {field.members.map(({ name, schema, isRequired }) => (
        <FieldView key={name} schema={schema} value={Object.hasOwn(value, name) ? value[name] : undefined} pointer={pointerTo(pointer, name)} name={name} isRequired={isRequired} onChange={(next) => onChange(withMember(value, name, next))} />
      ))}
      {more.map((name) => (
        <div key={name} class="more">
          <FieldView schema={field.others ?? true} value={value[name]} pointer={pointerTo(pointer, name)} name={name} isRequired onChange={(next) => onChange(withMember(value, name, next))} />
          {field.others === undefined && <p class="note">{say("form.unknown")}</p>}
          <RemoveButton name={name} onClick={() => onChange(withMember(value, name, undefined))} />
        </div>
      ))}
      {field.others !== undefined && <NewMember names={Object.keys(value)} schema={field.others} onAdd={(name, begun) => onChange(withMember(value, name, begun))} />}
      {!isRequired && view.name && <RemoveButton name={titleOf(view)} onClick={() => onChange(undefined)} />}
    </Group>
  );
}

function NewMember({ names, schema, onAdd }: { names: string[]; schema: Schema; onAdd: (name: string, value: Json) => void }) {
  const { say } = useActions();
  const { root } = useContext(FormContext);
  const [name, setName] = useState("");
  const canAdd = name !== "" && !names.includes(name);
  const begun = () => initial(schema, root) ?? (fieldOf(schema, root).kind === "number" ? 0 : "");
  return (
    <p class="row">
      <input class="field" aria-label={say("form.key")} placeholder={say("form.key")} value={name} onInput={(event) => setName(event.currentTarget.value)} />
      <button type="button" class="small" disabled={!canAdd} onClick={() => (onAdd(name, begun()), setName(""))}>
        + {say("form.add", { name })}
      </button>
    </p>
  );
}

export function ChecksView({ options, ...view }: View & { options: Option[] }) {
  const { value, onChange, isRequired } = view;
  const chosen = Array.isArray(value) ? value : [];
  function toggle(option: Json, is: boolean) {
    const next = options.map(({ value }) => value).filter((known) => (same(known, option) ? is : chosen.some((kept) => same(kept, known))));
    onChange(next.length === 0 && !isRequired ? undefined : next);
  }
  return (
    <Group {...view}>
      {options.map(({ value: option, label }) => (
        <label key={label} class="check" dir="auto">
          <input type="checkbox" checked={chosen.some((kept) => same(kept, option))} onChange={(event) => toggle(option, event.currentTarget.checked)} /> {label}
        </label>
      ))}
    </Group>
  );
}

function VariantsView({ variants, ...view }: View & { variants: Variant[] }) {
  const { say } = useActions();
  const { root } = useContext(FormContext);
  const { value, onChange, pointer, name, isRequired } = view;
  const { id } = useField(view);
  const [picked, setPicked] = useState<number>();
  const at = picked ?? variantOf(value, variants, root);
  const variant = variants[at];
  const title = titleOf(view);
  if (value === undefined && !isRequired && picked === undefined && !variants.every(({ schema }) => isSimple(schema, root))) return <Absent {...view} />;
  return (
    <Group {...view}>
      <p>
        <label for={`${id}-kind`} class={title ? "unseen" : ""}>
          {say("form.kind", { name: title || say("form.arguments") })}
        </label>
        <select
          id={`${id}-kind`}
          class="field"
          value={at}
          onChange={(event) => {
            const next = Number(event.currentTarget.value);
            setPicked(next);
            onChange(switched(value, variants[next]?.schema ?? true, root));
          }}
        >
          {variants.map(({ label }, at) => (
            <option key={at} value={at}>
              {label}
            </option>
          ))}
        </select>
      </p>
      {variant && <FieldView key={at} schema={variant.schema} value={value} pointer={pointer} choices={(view.choices ?? 0) + 1} name={variantName(variant, name)} isRequired={isRequired} onChange={onChange} />}
      {!isRequired && value !== undefined && <RemoveButton name={title} onClick={() => (setPicked(undefined), onChange(undefined))} />}
    </Group>
  );
}

const variantName = ({ label }: Variant, name: string): string => (name ? `${name} (${label})` : label);

const isSimple = (schema: Schema, root: Schema): boolean => ["text", "number", "boolean", "choice", "fixed", "null"].includes(fieldOf(schema, root).kind);

export function JsonView(view: View) {
  const { onFault } = useContext(FormContext);
  const { id, fault } = useField(view);
  const title = titleOf(view);
  return (
    <div class="labelled">
      {title && (
        <p class="label" dir="auto">
          {title} <Notes {...view} />
        </p>
      )}
      <JsonText id={id} label={title || "JSON"} value={view.value} onChange={view.onChange} onFault={(is) => onFault(view.pointer, is)} misfit={fault} />
      <About id={id} field={view.field} fault={undefined} />
    </div>
  );
}
