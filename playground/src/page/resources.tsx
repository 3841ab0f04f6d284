// The resources and their templates, and what was read of them.
import { useMemo } from "preact/hooks";
import { type Json, isObject } from "../exact.ts";
import type { Resource } from "../protocol.ts";
import { visibleName } from "../visible.ts";
import { useAppContext } from "./context.ts";
import { EntryHeader, TypeTag } from "./entry-header.tsx";
import { JsonBlock } from "./json-block.tsx";
import { later } from "./later.tsx";
import { type Entry, Listing } from "./listing.tsx";
import { withGone } from "./marks.ts";
import { memo } from "./memo.tsx";
import { Contents } from "./result.tsx";
import { CallResults } from "./call-results.tsx";

const Watch = later(async () => (await import("./watch.tsx")).Watch);
const TemplateView = later(async () => (await import("./template.tsx")).TemplateView);

export function Resources() {
  const { state, say } = useAppContext();
  const chosen = state.chosen.resources;
  const { lists, updated } = state;
  const resources = useMemo(() => withGone(state, "resources"), [state.resources, lists.resources]);
  const templates = useMemo(() => withGone(state, "templates"), [state.templates, lists.templates]);
  const template = templates.all.find(({ uriTemplate }) => uriTemplate === chosen);
  const isUpdated = useMemo(() => new Set(updated), [updated]);
  const entries = useMemo((): Entry[] => [
    ...resources.all.map((resource) => ({ id: resource.uri, title: visibleName(resource.title ?? resource.name ?? resource.uri), description: resource.description, icons: resource.icons, state: isUpdated.has(resource.uri) ? ("updated" as const) : resources.markOf(resource) })),
    ...templates.all.map((template) => ({ id: template.uriTemplate, title: visibleName(template.title ?? template.name ?? template.uriTemplate), description: template.description, icons: template.icons, marks: <Mark text={say("template.mark")} />, state: templates.markOf(template) })),
  ], [resources, templates, isUpdated, say]);
  return (
    <Listing tab="resources" entries={entries}>
      {template ? (
        <TemplateView key={template.uriTemplate} template={template} />
      ) : (
        chosen !== undefined && <ResourceView key={chosen} uri={chosen} resource={resources.all.find(({ uri }) => uri === chosen)} />
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
  const { state, client, say } = useAppContext();
  return (
    <article>
      <EntryHeader title={visibleName(resource?.title ?? resource?.name ?? uri)} id={uri} description={resource?.description}>
        <TypeTag mimeType={resource?.mimeType} />
      </EntryHeader>
      <p class="choice">
        <button type="button" class="button" disabled={state.phase !== "connected"} onClick={() => void client.read(uri)}>
          {say("resource.read")}
        </button>
      </p>
      <Watch uri={uri} onRead={() => void client.read(uri)} />
      <ReadResults uri={uri} />
    </article>
  );
}

export function ReadResults({ uri }: { uri: string }) {
  const { state } = useAppContext();
  return <CallResults name={uri} calls={state.calls[`resources ${uri}`] ?? []} show={(result) => <All result={result} />} />;
}

const All = memo(({ result }: { result: unknown }) => {
  const contents = (isObject(result as Json) ? (result as { contents?: unknown }).contents : undefined) ?? [];
  if (!Array.isArray(contents)) return <JsonBlock value={result} />;
  return (
    <div class="result">
      {contents.map((one, at) => (
        <Contents key={at} contents={one} />
      ))}
    </div>
  );
});
