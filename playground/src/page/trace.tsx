// Every message and request, the newest first.
import { useState } from "preact/hooks";
import type { TraceEntry } from "../protocol.ts";
import { useShared } from "./context.ts";

/** Entries that are drawn: the filter finds the others. */
const MAX_SHOWN = 200;

export function TraceView() {
  const { state, visitor, say } = useShared();
  const filter = state.search.trace ?? "";
  const wanted = filter.trim().toLowerCase();
  const entries = state.trace.filter(({ title, body }) => wanted === "" || title.toLowerCase().includes(wanted) || body?.toLowerCase().includes(wanted));
  return (
    <div class="trace">
      <p class="row">
        <input class="field" type="search" aria-label={say("trace.filter")} placeholder={say("trace.filter")} value={filter} onInput={(event) => visitor.search("trace", event.currentTarget.value)} />
        <button type="button" class="link" onClick={() => visitor.clearTrace()}>
          {say("trace.clear")}
        </button>
      </p>
      {entries.length === 0 && <p class="note">{say("trace.empty")}</p>}
      <ol>
        {entries
          .slice(-MAX_SHOWN)
          .reverse()
          .map((entry) => (
            <li key={entry.number}>
              <EntryView entry={entry} />
            </li>
          ))}
      </ol>
    </div>
  );
}

function EntryView({ entry }: { entry: TraceEntry }) {
  const { say } = useShared();
  const [isOpen, setOpen] = useState(false);
  const { direction, title, http, ms, bytes, id, at } = entry;
  const head = (
    <>
      <span class={`arrow ${direction === "note" ? "told" : direction}`} />
      <span class="unseen">{say(`trace.${direction}`)}</span> <b dir="auto">{title}</b> {id !== undefined && <code>#{id}</code>} {http?.status !== undefined && <span class={http.status >= 400 ? "tag strong" : "tag"}>{http.status}</span>}
      <span class="note">
        {ms !== undefined && `${ms} ms`} {bytes !== undefined && `${bytes} B`} <time>{new Date(at).toLocaleTimeString()}</time>
      </span>
    </>
  );
  if (direction === "note") return <p class="entry">{head}</p>;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="entry">{head}</summary>
      {isOpen && (
        <>
          {http && (
            <p>
              <code>
                {http.method} {http.url}
              </code>
            </p>
          )}
          {entry.body && (
            <pre tabIndex={0} dir="auto">
              {pretty(entry.body)}
            </pre>
          )}
          {http && <HeaderList heading={say("trace.headers.sent")} headers={http.requestHeaders} />}
          {http && <HeaderList heading={say("trace.headers.got")} headers={http.responseHeaders} />}
        </>
      )}
    </details>
  );
}

function HeaderList({ heading, headers }: { heading: string; headers: [string, string][] }) {
  if (headers.length === 0) return null;
  return (
    <>
      <h5>{heading}</h5>
      <pre tabIndex={0}>{headers.map(([name, value]) => `${name}: ${value}`).join("\n")}</pre>
    </>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
