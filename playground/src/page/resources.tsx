// The resources, and what was read of them.
import { type Json, isObject } from "../exact.ts";
import { useShared } from "./context.ts";
import { Listing } from "./listing.tsx";
import { Contents, visible } from "./result.tsx";
import { Uses } from "./uses.tsx";

export function Resources() {
  const { state, visitor, say } = useShared();
  const uri = state.chosen.resources;
  const resource = state.resources.find((resource) => resource.uri === uri);
  const entries = state.resources.map(({ uri, name, title, description }) => ({ id: uri, title: title ?? name ?? uri, description }));
  return (
    <Listing tab="resources" entries={entries}>
      {uri !== undefined && (
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
          <Uses name={uri} uses={state.uses[`resources ${uri}`] ?? []} show={(result) => <All result={result} />} />
        </article>
      )}
    </Listing>
  );
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
