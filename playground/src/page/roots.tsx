// The folders that are told to a server that asks for them (`roots/list`).
import { useState } from "preact/hooks";
import type { Root } from "../protocol.ts";
import { useShared } from "./context.ts";

export function Roots() {
  const { state, visitor, say } = useShared();
  const [rows, setRows] = useState<Root[]>(state.target.roots);
  // What is no folder is kept here until it is one.
  function set(next: Root[]) {
    setRows(next);
    const fit = next.filter(({ uri }) => isFolder(uri));
    if (JSON.stringify(fit) !== JSON.stringify(state.target.roots)) void visitor.setRoots(fit);
  }
  return (
    <>
      <p class="note">{say("roots.about")}</p>
      {rows.map((root, at) => (
        <Row key={at} at={at} root={root} onChange={(more) => set(rows.with(at, { ...root, ...more }))} onRemove={() => set(rows.toSpliced(at, 1))} />
      ))}
      <button type="button" class="link" onClick={() => setRows([...rows, { uri: "", name: "" }])}>
        {say("roots.add")}
      </button>
    </>
  );
}

function Row({ at, root, onChange, onRemove }: { at: number; root: Root; onChange: (more: Partial<Root>) => void; onRemove: () => void }) {
  const { say } = useShared();
  const isWrong = root.uri !== "" && !isFolder(root.uri);
  return (
    <>
      <div class="row">
        <input
          class="field"
          spellcheck={false}
          aria-label={say("roots.uri")}
          placeholder="file:///home/me/project"
          value={root.uri}
          aria-invalid={isWrong}
          aria-describedby={isWrong ? `root-${at}-fault` : undefined}
          onChange={(event) => onChange({ uri: event.currentTarget.value.trim() })}
        />
        <input class="field" aria-label={say("roots.name")} placeholder={say("roots.name")} value={root.name} onChange={(event) => onChange({ name: event.currentTarget.value })} />
        <button type="button" class="small" aria-label={say("roots.remove", { name: root.name || root.uri })} onClick={onRemove}>
          ×
        </button>
      </div>
      {isWrong && (
        <p id={`root-${at}-fault`} class="fault">
          {say("roots.scheme")}
        </p>
      )}
    </>
  );
}

const isFolder = (uri: string): boolean => /^file:\/\//i.test(uri) && URL.canParse(uri);
