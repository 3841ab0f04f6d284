// The resources and their templates, and what was read of them.
import { type Json, isObject } from "../exact.ts";
import type { Resource } from "../protocol.ts";
import { useShared } from "./context.ts";
import { later } from "./later.tsx";
import { type Entry, Listing } from "./listing.tsx";
import { Contents, visible } from "./result.tsx";
import { Uses } from "./uses.tsx";

const TemplateView = later(async () => (await import("./template.tsx")).TemplateView);

export function Resources() {
  const { state, say } = useShared();
  const chosen = state.chosen.resources;
  const template = state.templates.find(({ uriTemplate }) => uriTemplate === chosen);
  const entries: Entry[] = [
    ...state.resources.map(({ uri, name, title, description }) => ({ id: uri, title: title ?? name ?? uri, description })),
    ...state.templates.map(({ uriTemplate, name, title, description }) => ({ id: uriTemplate, title: title ?? name ?? uriTemplate, description, marks: <Mark text={say("template.mark")} /> })),
  ];
  return (
    <Listing tab="resources" entries={entries}>
      {template ? (
        <TemplateView key={template.uriTemplate} template={template} />
      ) : (
        chosen !== undefined && <ResourceView key={chosen} uri={chosen} resource={state.resources.find(({ uri }) => uri === chosen)} />
      )}
    </Listing>
  );
}

function Mark({ text }: { text: string }) {
  return (
    <span class="marks">
      <span class="tag">{text}</span>
    </span>
  );
}

/** A resource, which need not be in the list: links lead to others. */
function ResourceView({ uri, resource }: { uri: string; resource: Resource | undefined }) {
  const { state, visitor, say } = useShared();
  return (
    <article>
      <h3 dir="auto">{resource?.title ?? resource?.name ?? visible(uri)}</h3>
      <p>
        <code dir="auto">{visible(uri)}</code> {resource?.mimeType && <span class="tag">{resource.mimeType}</span>}
      </p>
      {resource?.description && (
        <p class="text" dir="auto">
          {resource.description}
        </p>
      )}
      <p class="choice">
        <button type="button" class="button" disabled={state.phase !== "connected"} onClick={() => void visitor.read(uri)}>
          {say("resource.read")}
        </button>
      </p>
      <ReadResults uri={uri} />
    </article>
  );
}

export function ReadResults({ uri }: { uri: string }) {
  const { state } = useShared();
  return <Uses name={uri} uses={state.uses[`resources ${uri}`] ?? []} show={(result) => <All result={result} />} />;
}

function All({ result }: { result: unknown }) {
  const contents = (isObject(result as Json) ? (result as { contents?: unknown }).contents : undefined) ?? [];
  if (!Array.isArray(contents)) return <pre tabIndex={0}>{JSON.stringify(result, undefined, 2)}</pre>;
  return (
    <div class="result">
      {contents.map((one, at) => (
        <Contents key={at} contents={one} />
      ))}
    </div>
  );
}
