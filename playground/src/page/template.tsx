// A resource template: a field for each variable, the URI that they make, and what was read there.
import { useState } from "preact/hooks";
import type { ResourceTemplate } from "../protocol.ts";
import { type Variable, expand, variablesOf } from "../uri-template.ts";
import { Combobox } from "./combobox.tsx";
import { useShared } from "./context.ts";
import { ReadResults } from "./resources.tsx";
import { visible } from "./result.tsx";
import { Watch } from "./watch.tsx";

export function TemplateView({ template }: { template: ResourceTemplate }) {
  const { state, visitor, say } = useShared();
  const [values, setValues] = useState<Record<string, string>>({});
  const { uriTemplate } = template;
  const variables = variablesOf(uriTemplate);
  const uri = expand(uriTemplate, given(variables ?? [], values));
  function read(event: SubmitEvent) {
    event.preventDefault();
    void visitor.read(uri, true);
  }
  return (
    <article>
      <h3 dir="auto">{template.title ?? template.name ?? visible(uriTemplate)}</h3>
      <p>
        <code dir="auto">{visible(uriTemplate)}</code> {template.mimeType && <span class="tag">{template.mimeType}</span>}
      </p>
      {template.description && (
        <p class="text" dir="auto">
          {template.description}
        </p>
      )}
      <form onSubmit={read}>
        {!variables && <p class="warning">{say("template.unreadable")}</p>}
        {variables?.map((variable) => {
          const id = `template-${variable.name}`;
          return (
            <div key={variable.name} class="labelled">
              <label for={id} dir="auto">
                {variable.name}
              </label>
              <Combobox
                id={id}
                name={variable.name}
                of={{ type: "ref/resource", uri: uriTemplate }}
                value={values[variable.name] ?? ""}
                context={values}
                isInvalid={false}
                describedBy={variable.isExploded ? `${id}-about` : undefined}
                onChange={(value) => setValues({ ...values, [variable.name]: value })}
              />
              {variable.isExploded && (
                <p id={`${id}-about`} class="note">
                  {say("template.several")}
                </p>
              )}
            </div>
          );
        })}
        <p class="label">{say("template.uri")}</p>
        <p>
          <output dir="auto" for={variables?.map(({ name }) => `template-${name}`).join(" ") ?? ""}>
            <code>{visible(uri)}</code>
          </output>
        </p>
        <p class="choice">
          <button type="submit" class="button" disabled={state.phase !== "connected"}>
            {say("resource.read")}
          </button>
        </p>
      </form>
      <Watch uri={uri} onRead={() => void visitor.read(uri, true)} />
      <ReadResults uri={uri} />
    </article>
  );
}

// Empty values are left out; a list is typed with commas.
function given(variables: Variable[], values: Record<string, string>): Record<string, string | string[]> {
  const filled = variables.filter(({ name }) => (values[name] ?? "") !== "");
  return Object.fromEntries(filled.map(({ name, isExploded }) => [name, isExploded ? (values[name] ?? "").split(",").map((item) => item.trim()) : (values[name] ?? "")]));
}
