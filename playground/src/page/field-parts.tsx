// Parts of all fields of a form: labels, notes, what is wrong, and the buttons that set or remove a value.
import { type ComponentChildren, createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Json } from "../exact.ts";
import type { SchemaError } from "../schema/check.ts";
import { type Field, initial, labelOf } from "../schema/field.ts";
import type { Schema } from "../schema/schema.ts";
import { type Word, en } from "../words/en.ts";
import { useActions } from "./context.ts";

interface Form {
  id: string;
  root: Schema;
  errors: SchemaError[];
  onFault: (pointer: string, is: boolean) => void;
}

export const FormContext = createContext<Form>({ id: "", root: true, errors: [], onFault: () => {} });

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

export type View = Given & { field: Field };

export interface Attributes {
  id: string;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
  disabled: boolean;
}

export function useField({ pointer, field }: Pick<View, "pointer" | "field">) {
  const { say } = useActions();
  const { id: form, errors } = useContext(FormContext);
  const id = `${form}${pointer}`;
  const error = errors.find((error) => error.pointer === pointer);
  const word = `check.${error?.keyword}`;
  const fault = error && (word in en ? say(word as Word, { demand: error.demand }) : say("check.other", { keyword: error.keyword }));
  const described = [field.description && `${id}-about`, fault && `${id}-fault`].filter(Boolean).join(" ");
  const attributes: Attributes = { id, "aria-invalid": fault !== undefined, "aria-describedby": described || undefined, disabled: field.isReadOnly };
  return { id, fault, attributes };
}

export const titleOf = ({ field, name }: Pick<View, "field" | "name">): string => field.title ?? name;

/** A field of one control, with its label, its description and what is wrong with it. */
export function Labelled(view: View & { children: (attributes: Attributes) => ComponentChildren }) {
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

export function Notes({ field, isRequired, name }: View) {
  const { say } = useActions();
  const notes = [field.title && name && field.title !== name ? name : "", isRequired ? "" : say("form.optional"), field.isDeprecated ? say("form.deprecated") : "", field.fallback === undefined ? "" : say("form.default", { value: labelOf(field.fallback) })];
  return <span class="note">{notes.filter(Boolean).join(" · ")}</span>;
}

export function About({ id, field, fault }: { id: string; field: Field; fault: string | undefined }) {
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
