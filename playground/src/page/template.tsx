// A resource template: a field for each variable, the URI that they make, and what was read there.
import { useState } from "preact/hooks";
import type { ResourceTemplate } from "../protocol.ts";
import { expand, variablesOf } from "../uri-template.ts";
import { visibleName, visible } from "../visible.ts";
import { useAppContext } from "./context.ts";
import { EntryHeader, TypeTag } from "./entry-header.tsx";
import { ReadResults } from "./resources.tsx";
import { type Filled, Kinds, TemplateField, filledOf, valuesOf } from "./template-field.tsx";
import { Watch } from "./watch.tsx";

export function TemplateView({ template }: { template: ResourceTemplate }) {
  const { state, client, say } = useAppContext();
  const [values, setValues] = useState<Record<string, Filled>>({});
  const { uriTemplate } = template;
  const variables = variablesOf(uriTemplate);
  const uri = expand(uriTemplate, valuesOf(variables ?? [], values));
  const context = Object.fromEntries(Object.entries(values).map(([name, { text }]) => [name, text]));
  const change = (name: string, filled: Filled) => setValues({ ...values, [name]: filled });
  function read(event: SubmitEvent) {
    event.preventDefault();
    void client.read(uri, true);
  }
  return (
    <article>
      <EntryHeader title={visibleName(template.title ?? template.name ?? uriTemplate)} id={uriTemplate} description={template.description}>
        <TypeTag mimeType={template.mimeType} />
      </EntryHeader>
      <form onSubmit={read}>
        {!variables && <p class="warning">{say("template.unreadable")}</p>}
        {variables?.map((variable) => (
          <TemplateField key={variable.name} uriTemplate={uriTemplate} variable={variable} filled={filledOf(variable, values)} context={context} onChange={(filled) => change(variable.name, filled)} />
        ))}
        {variables && <Kinds variables={variables} values={values} onChange={change} />}
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
      <Watch uri={uri} onRead={() => void client.read(uri, true)} />
      <ReadResults uri={uri} />
    </article>
  );
}
