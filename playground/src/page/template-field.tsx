// The field of a variable of a resource template: a text, a list, or an associative array of RFC 6570.
import { useState } from "preact/hooks";
import type { Value, Variable } from "../uri-template.ts";
import { Combobox } from "./combobox.tsx";
import { useActions } from "./context.ts";
import { ownOf } from "./lists.ts";
import { Glyph } from "./glyph.tsx";

type Kind = "text" | "list" | "pairs";

const KINDS: Kind[] = ["text", "list", "pairs"];

/** A variable as the person filled it in. */
export interface Filled {
  kind: Kind;
  /** A list is typed with commas. */
  text: string;
  pairs: [name: string, value: string][];
}

/** A template does not say what its variables are: one whose values become parts of their own is a list. */
export const filledOf = ({ name, isExploded }: Variable, values: Record<string, Filled>): Filled => ownOf(values, name) ?? { kind: isExploded ? "list" : "text", text: "", pairs: [] };

/** The values of the variables; empty ones are left out. */
export function valuesOf(variables: Variable[], values: Record<string, Filled>): Record<string, Value> {
  return Object.fromEntries(
    variables.flatMap((variable): [string, Value][] => {
      const { kind, text, pairs } = filledOf(variable, values);
      if (kind === "pairs") return [[variable.name, { pairs: pairs.filter(([name]) => name !== "") }]];
      if (text === "") return [];
      return [[variable.name, kind === "list" ? text.split(",").map((item) => item.trim()) : text]];
    }),
  );
}

interface Given {
  uriTemplate: string;
  variable: Variable;
  filled: Filled;
  /** The other fields, as they are filled in. */
  context: Record<string, string>;
  onChange: (filled: Filled) => void;
}

export function TemplateField({ uriTemplate, variable: { name }, filled, context, onChange }: Given) {
  const { say } = useActions();
  const id = `template-${name}`;
  if (filled.kind === "pairs") return <Pairs name={name} pairs={filled.pairs} onChange={(pairs) => onChange({ ...filled, pairs })} />;
  const isList = filled.kind === "list";
  return (
    <div class="labelled">
      <label for={id} dir="auto">
        {name}
      </label>
      <Combobox id={id} name={name} of={{ type: "ref/resource", uri: uriTemplate }} value={filled.text} context={context} isInvalid={false} describedBy={isList ? `${id}-about` : undefined} onChange={(text) => onChange({ ...filled, text })} />
      {isList && (
        <p id={`${id}-about`} class="note">
          {say("template.several")}
        </p>
      )}
    </div>
  );
}

function Pairs({ name, pairs, onChange }: { name: string; pairs: Filled["pairs"]; onChange: (pairs: Filled["pairs"]) => void }) {
  const { say } = useActions();
  return (
    <fieldset id={`template-${name}`}>
      <legend dir="auto">{name}</legend>
      {pairs.map(([key, value], at) => (
        <div key={at} class="row">
          <input class="field" aria-label={say("template.pair.name")} placeholder={say("template.pair.name")} dir="auto" spellcheck={false} value={key} onInput={(event) => onChange(pairs.with(at, [event.currentTarget.value, value]))} />
          <input class="field" aria-label={say("template.pair.value")} placeholder={say("template.pair.value")} dir="auto" spellcheck={false} value={value} onInput={(event) => onChange(pairs.with(at, [key, event.currentTarget.value]))} />
          <button type="button" class="small" onClick={() => onChange(pairs.toSpliced(at, 1))}>
            <Glyph glyph="×" text={say("template.pair.remove", { name: key })} />
          </button>
        </div>
      ))}
      <button type="button" class="link" onClick={() => onChange([...pairs, ["", ""]])}>
        {say("template.pair.add")}
      </button>
    </fieldset>
  );
}

interface KindsGiven {
  variables: Variable[];
  values: Record<string, Filled>;
  onChange: (name: string, filled: Filled) => void;
}

/** Folded, since most templates mean texts. A variable that is cut to its beginning can be nothing else. */
export function Kinds({ variables, values, onChange }: KindsGiven) {
  const { say } = useActions();
  const [isOpen, setOpen] = useState(false);
  const free = variables.filter(({ prefix }) => prefix === undefined);
  if (free.length === 0) return null;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{say("template.kinds")}</summary>
      {(isOpen ? free : []).map((variable) => {
        const { name } = variable;
        const filled = filledOf(variable, values);
        const id = `template-kind-${name}`;
        return (
          <div key={name} class="labelled">
            <label for={id}>{say("template.kind", { name })}</label>
            <select id={id} class="field" value={filled.kind} onChange={(event) => onChange(name, { ...filled, kind: event.currentTarget.value as Kind })}>
              {KINDS.map((kind) => (
                <option key={kind} value={kind}>
                  {say(`template.kind.${kind}`)}
                </option>
              ))}
            </select>
          </div>
        );
      })}
    </details>
  );
}
