// The field of a list.
import { useContext, useRef, useState } from "preact/hooks";
import type { Json } from "../exact.ts";
import { type SchemaError, pointerTo } from "../schema/check.ts";
import { fieldOf, initial } from "../schema/field.ts";
import type { Schema } from "../schema/schema.ts";
import { useActions } from "./context.ts";
import { Absent, FormContext, Group, RemoveButton, type View, titleOf } from "./field-parts.tsx";
import { ChecksView, FieldView, JsonView } from "./fields.tsx";

/** Items that are there at a time: with hundreds of them, each key would draw them all. */
const PART_ITEMS = 50;

/** A list whose items are added, removed and moved. Of a long one a part is there at a time. */
export function ListView(view: View) {
  const { say } = useActions();
  const { root, errors } = useContext(FormContext);
  const [, redraw] = useState({});
  const part = useRef<{ from: number; errors: SchemaError[] }>({ from: 0, errors });
  const { field, value, pointer, onChange, isRequired } = view;
  if (field.kind !== "list") return null;
  if (field.options) return <ChecksView {...view} options={field.options} />;
  const schemaAt = (at: number): Schema => field.first[at] ?? field.rest ?? true;
  // A list that the person adds has an item to fill in.
  if (value === undefined) return <Absent {...view} begun={() => (field.max < 1 ? [] : [begunItem(schemaAt(0), root)])} />;
  if (!Array.isArray(value)) return <JsonView {...view} />;
  const name = titleOf(view);
  // Shows the part with the first value that does not fit, so that the focus can go there.
  if (part.current.errors !== errors) part.current = { from: partOf(errorAt(errors, pointer)) ?? part.current.from, errors };
  const from = Math.min(part.current.from, partOf(Math.max(value.length - 1, 0)) ?? 0);
  const to = Math.min(from + PART_ITEMS, value.length);
  const show = (at: number) => {
    part.current.from = partOf(at) ?? 0;
    redraw({});
  };
  function move(at: number, by: number) {
    const next = [...(value as Json[])];
    const [item] = next.splice(at, 1);
    next.splice(at + by, 0, item as Json);
    onChange(next);
  }
  function add(list: Json[]) {
    show(list.length);
    onChange([...list, begunItem(schemaAt(list.length), root)]);
  }
  return (
    <Group {...view}>
      {value.length > PART_ITEMS && (
        <p class="row" role="group" aria-label={say("form.part", { name })}>
          <span aria-live="polite">{say("form.part.shown", { from: from + 1, to, all: value.length })}</span>
          <button type="button" class="small" disabled={from === 0} onClick={() => show(from - 1)}>
            {say("form.part.before")}
          </button>
          <button type="button" class="small" disabled={to === value.length} onClick={() => show(to)}>
            {say("form.part.after")}
          </button>
        </p>
      )}
      <ol class="items" start={from + 1}>
        {value.slice(from, to).map((item, place) => {
          const at = from + place;
          const title = say("form.item", { name, number: at + 1 });
          return (
            <li key={at}>
              <FieldView schema={schemaAt(at)} value={item} pointer={pointerTo(pointer, at)} name={title} isRequired onChange={(next) => onChange(value.with(at, next ?? (typeof item === "string" ? "" : null)))} />
              <span class="row">
                <button type="button" class="small" disabled={at === 0} aria-label={say("form.up", { name: title })} onClick={() => move(at, -1)}>
                  ↑
                </button>
                <button type="button" class="small" disabled={at === value.length - 1} aria-label={say("form.down", { name: title })} onClick={() => move(at, 1)}>
                  ↓
                </button>
                <button type="button" class="small" aria-label={say("form.remove", { name: title })} onClick={() => onChange(value.toSpliced(at, 1))}>
                  ×
                </button>
              </span>
            </li>
          );
        })}
      </ol>
      <p>
        <button type="button" class="small" disabled={value.length >= field.max} onClick={() => add(value)}>
          + {say("form.addItem", { name })}
        </button>
        {!isRequired && <RemoveButton name={name} onClick={() => onChange(undefined)} />}
      </p>
    </Group>
  );
}

const partOf = (at: number | undefined): number | undefined => (at === undefined ? undefined : Math.max(0, Math.floor(at / PART_ITEMS) * PART_ITEMS));

/** The first item in which something does not fit. */
function errorAt(errors: SchemaError[], pointer: string): number | undefined {
  const found = errors.find((error) => error.pointer.startsWith(`${pointer}/`));
  const at = found && Number(found.pointer.slice(pointer.length + 1).split("/")[0]);
  return at === undefined || Number.isNaN(at) ? undefined : at;
}

function begunItem(schema: Schema, root: Schema): Json {
  const kind = fieldOf(schema, root).kind;
  return initial(schema, root) ?? (kind === "number" ? 0 : kind === "text" ? "" : null);
}
