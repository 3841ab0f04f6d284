// The fields of a form, one for each kind of schema. Those that hold others are here.
import { useContext, useState } from "preact/hooks";
import { type Json, isObject, isEqual } from "../exact.ts";
import { pointerTo } from "../schema/check.ts";
import { type Option, type Variant, fieldOf, initial, labelOf, switched, variantOf, withMember } from "../schema/field.ts";
import type { Schema } from "../schema/schema.ts";
import { useActions } from "./context.ts";
import { About, Absent, FormContext, type Given, Group, Labelled, Notes, RemoveButton, type View, titleOf, useField } from "./field-parts.tsx";
import { JsonText } from "./form.tsx";
import { ListView } from "./items.tsx";
import { BooleanView, ChoiceView, NullView, NumberView, SearchView, TextView } from "./simple-fields.tsx";

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
    const next = options.map(({ value }) => value).filter((known) => (isEqual(known, option) ? is : chosen.some((kept) => isEqual(kept, known))));
    onChange(next.length === 0 && !isRequired ? undefined : next);
  }
  return (
    <Group {...view}>
      {options.map(({ value: option, label }) => (
        <label key={label} class="check" dir="auto">
          <input type="checkbox" checked={chosen.some((kept) => isEqual(kept, option))} onChange={(event) => toggle(option, event.currentTarget.checked)} /> {label}
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
      <JsonText id={id} label={title || "JSON"} value={view.value} onChange={view.onChange} onFault={(is) => onFault(view.pointer, is)} error={fault} />
      <About id={id} field={view.field} fault={undefined} />
    </div>
  );
}
